//! Field selectors: which fields a kind offers, and their values.

use serde_json::Value;

use crate::object::{name, namespace, text_at};
use crate::resources::Resource;

/// A conjunction of field requirements.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct FieldSelector(Vec<Requirement>);

#[derive(Clone, Debug, PartialEq, Eq)]
struct Requirement {
    field: String,
    value: String,
    negated: bool,
}

impl FieldSelector {
    /// Parses a selector and checks its fields against the resource; the error is upstream's sentence.
    pub fn parse(text: &str, resource: &Resource) -> Result<Self, String> {
        let mut out = Vec::new();
        for term in split_terms(text) {
            if term.is_empty() {
                continue;
            }
            let (field, negated, value) =
                split_term(&term).ok_or_else(|| format!("invalid selector: '{text}'; can't understand '{term}'"))?;
            check_field(&field, resource)?;
            out.push(Requirement { field, value: unescape(&value)?, negated });
        }
        Ok(Self(out))
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn matches(&self, object: &Value, resource: &Resource) -> bool {
        self.0.iter().all(|requirement| {
            (value_of(&requirement.field, object, resource) == requirement.value) != requirement.negated
        })
    }
}

fn split_terms(text: &str) -> Vec<String> {
    let mut terms = vec![String::new()];
    let mut escaped = false;
    for letter in text.chars() {
        let term = terms.last_mut().expect("never empty");
        match letter {
            _ if escaped => {
                term.push('\\');
                term.push(letter);
                escaped = false;
            }
            '\\' => escaped = true,
            ',' => terms.push(String::new()),
            other => term.push(other),
        }
    }
    terms
}

fn split_term(term: &str) -> Option<(String, bool, String)> {
    for (at, _) in term.char_indices() {
        for operator in ["!=", "==", "="] {
            if let Some(value) = term[at..].strip_prefix(operator) {
                return Some((term[..at].to_owned(), operator == "!=", value.to_owned()));
            }
        }
    }
    None
}

fn unescape(text: &str) -> Result<String, String> {
    let mut out = String::new();
    let mut letters = text.chars();
    while let Some(letter) = letters.next() {
        match letter {
            '\\' => match letters.next() {
                Some(next @ ('\\' | ',' | '=')) => out.push(next),
                other => {
                    let tail = other.map_or(String::new(), String::from);
                    return Err(format!("invalid field selector: invalid escape sequence: \\{tail}"));
                }
            },
            '=' | ',' => return Err(format!("invalid field selector: unescaped character in value: {letter}")),
            other => out.push(other),
        }
    }
    Ok(out)
}

/// Fields beside name and namespace that a built-in kind can be selected by.
fn extra_fields(resource: &Resource) -> &'static [&'static str] {
    match (resource.group.as_str(), resource.plural.as_str()) {
        ("", "pods") => &[
            "spec.nodeName",
            "spec.restartPolicy",
            "spec.schedulerName",
            "spec.serviceAccountName",
            "spec.hostNetwork",
            "status.phase",
            "status.podIP",
            "status.podIPs",
            "status.nominatedNodeName",
        ],
        ("", "events") => &[
            "involvedObject.kind",
            "involvedObject.namespace",
            "involvedObject.name",
            "involvedObject.uid",
            "involvedObject.apiVersion",
            "involvedObject.resourceVersion",
            "involvedObject.fieldPath",
            "reason",
            "reportingComponent",
            "source",
            "type",
        ],
        ("events.k8s.io", "events") => &[
            "regarding.kind",
            "regarding.namespace",
            "regarding.name",
            "regarding.uid",
            "regarding.apiVersion",
            "regarding.resourceVersion",
            "regarding.fieldPath",
            "reason",
            "reportingController",
            "type",
        ],
        ("", "secrets") => &["type"],
        ("", "namespaces") => &["status.phase"],
        ("", "nodes") => &["spec.unschedulable"],
        ("", "replicationcontrollers") => &["status.replicas"],
        ("", "services") => &["spec.clusterIP", "spec.type"],
        ("batch", "jobs") => &["status.successful"],
        ("certificates.k8s.io", "certificatesigningrequests") => &["spec.signerName"],
        ("resource.k8s.io", "resourceslices") => &["spec.nodeName", "spec.driver"],
        _ => &[],
    }
}

fn check_field(field: &str, resource: &Resource) -> Result<(), String> {
    if field == "metadata.name" || field == "metadata.namespace" {
        return Ok(());
    }
    if let Some(version) = resource.custom() {
        return if version.selectable.iter().any(|known| known == field) {
            Ok(())
        } else {
            Err(format!("field label not supported: {field}"))
        };
    }
    let extra = extra_fields(resource);
    if extra.contains(&field) {
        Ok(())
    } else if extra.is_empty() {
        Err(format!("\"{field}\" is not a known field selector: only \"metadata.name\", \"metadata.namespace\""))
    } else {
        Err(format!("field label not supported: {field}"))
    }
}

fn value_of(field: &str, object: &Value, resource: &Resource) -> String {
    match field {
        "metadata.name" => return name(object).to_owned(),
        "metadata.namespace" => return namespace(object).to_owned(),
        _ => {}
    }
    match (resource.plural.as_str(), field) {
        ("events", "source") => text_at(object, "/source/component").to_owned(),
        ("jobs", "status.successful") => number_or(object, "/status/succeeded", "0"),
        ("replicasets" | "replicationcontrollers", _) => number_or(object, "/status/replicas", "0"),
        ("nodes", _) | ("pods", "spec.hostNetwork") => number_or(object, &pointer(field), "false"),
        _ => number_or(object, &pointer(field), ""),
    }
}

fn pointer(field: &str) -> String {
    format!("/{}", field.trim_start_matches('.').replace('.', "/"))
}

fn number_or(object: &Value, pointer: &str, otherwise: &str) -> String {
    match object.pointer(pointer) {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Number(number)) => number.to_string(),
        Some(Value::Bool(on)) => on.to_string(),
        _ => otherwise.to_owned(),
    }
}
