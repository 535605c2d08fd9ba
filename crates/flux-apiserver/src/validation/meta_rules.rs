//! Metadata: names, labels, annotations, owners, finalizers.

use serde_json::Value;

use crate::names;
use crate::object::{list_at, meta, meta_text, text};
use crate::resources::{Origin, Resource};
use crate::status::FieldError;

/// How a kind's names must look.
fn name_rule(resource: &Resource) -> fn(&str) -> Vec<String> {
    match (resource.group.as_str(), resource.plural.as_str()) {
        ("", "namespaces") => names::dns_label,
        ("", "services") => names::dns_label,
        ("rbac.authorization.k8s.io", _) => names::path_segment,
        ("flowcontrol.apiserver.k8s.io", _) => names::dns_subdomain,
        _ => names::dns_subdomain,
    }
}

/// Checks the metadata of any object.
pub(super) fn check(resource: &Resource, object: &Value, errors: &mut Vec<FieldError>) {
    let rule = name_rule(resource);
    let generate = meta_text(object, "generateName");
    if !generate.is_empty() {
        let masked = generate.strip_suffix('-').map_or_else(|| generate.to_owned(), |cut| format!("{cut}a"));
        errors
            .extend(rule(&masked).into_iter().map(|text| FieldError::invalid("metadata.generateName", generate, text)));
    }
    let name = meta_text(object, "name");
    if name.is_empty() {
        errors.push(FieldError::required("metadata.name", "name or generateName is required"));
    } else {
        errors.extend(rule(name).into_iter().map(|text| FieldError::invalid("metadata.name", name, text)));
    }
    let namespace = meta_text(object, "namespace");
    if resource.namespaced {
        if namespace.is_empty() {
            errors.push(FieldError::required("metadata.namespace", ""));
        } else {
            let wrong = names::dns_label(namespace).into_iter();
            errors.extend(wrong.map(|text| FieldError::invalid("metadata.namespace", namespace, text)));
        }
    }
    names::labels(meta(object, "labels"), "metadata.labels", errors);
    names::annotations(meta(object, "annotations"), "metadata.annotations", errors);
    owners(object, errors);
    finalizers(object, matches!(resource.origin, Origin::BuiltIn(_)), errors);
}

fn owners(object: &Value, errors: &mut Vec<FieldError>) {
    let mut controller: Option<&str> = None;
    for owner in list_at(object, "/metadata/ownerReferences") {
        let at = |field: &str| format!("metadata.ownerReferences.{field}");
        let version = text(owner, "apiVersion");
        if version.is_empty() {
            errors.push(FieldError::invalid(at("apiVersion"), version, "version must not be empty"));
        }
        for field in ["kind", "name", "uid"] {
            if text(owner, field).is_empty() {
                errors.push(FieldError::invalid(at(field), "", "must not be empty"));
            }
        }
        if version == "v1" && text(owner, "kind") == "Event" {
            let words = format!("/{version}, Kind=Event is disallowed from being an owner");
            errors.push(FieldError::invalid("metadata.ownerReferences", owner.clone(), words));
        }
        if owner.get("controller") == Some(&Value::Bool(true)) {
            if let Some(first) = controller {
                let words = format!(
                    "Only one reference can have Controller set to true. Found \"true\" in references for {first} and {}",
                    text(owner, "name")
                );
                let all = Value::Array(list_at(object, "/metadata/ownerReferences").to_vec());
                errors.push(FieldError::invalid("metadata.ownerReferences", all, words));
            } else {
                controller = Some(text(owner, "name"));
            }
        }
    }
}

/// Finalizers without a slash that upstream knows.
const KNOWN_FINALIZERS: [&str; 3] = ["kubernetes", "orphan", "foregroundDeletion"];

fn finalizers(object: &Value, standard_only: bool, errors: &mut Vec<FieldError>) {
    let mut policies = Vec::new();
    for (index, finalizer) in list_at(object, "/metadata/finalizers").iter().filter_map(Value::as_str).enumerate() {
        let wrong = names::qualified_name(finalizer);
        errors.extend(wrong.into_iter().map(|text| FieldError::invalid("metadata.finalizers", finalizer, text)));
        if standard_only && !finalizer.contains('/') && !KNOWN_FINALIZERS.contains(&finalizer) {
            let words = "name is neither a standard finalizer name nor is it fully qualified";
            errors.push(FieldError::invalid(format!("metadata.finalizers[{index}]"), finalizer, words));
        }
        if matches!(finalizer, "orphan" | "foregroundDeletion") {
            policies.push(finalizer);
        }
    }
    if policies.contains(&"orphan") && policies.contains(&"foregroundDeletion") {
        let all: Value = list_at(object, "/metadata/finalizers").to_vec().into();
        let words = "finalizer orphan and foregroundDeletion cannot be both set";
        errors.push(FieldError::invalid("metadata.finalizers", all, words));
    }
}

/// Checks what an update may not change.
pub(super) fn check_update(old: &Value, new: &Value, errors: &mut Vec<FieldError>) {
    for field in ["name", "namespace", "uid", "creationTimestamp", "deletionTimestamp", "deletionGracePeriodSeconds"] {
        let before = meta(old, field).filter(|value| !value.is_null());
        let after = meta(new, field).filter(|value| !value.is_null());
        if before != after {
            let shown = after.cloned().unwrap_or_else(|| Value::String(String::new()));
            errors.push(FieldError::invalid(format!("metadata.{field}"), shown, "field is immutable"));
        }
    }
    let deleting = meta(old, "deletionTimestamp").is_some_and(|time| !time.is_null());
    if deleting {
        let before: Vec<&Value> = list_at(old, "/metadata/finalizers").iter().collect();
        let added: Vec<&str> = list_at(new, "/metadata/finalizers")
            .iter()
            .filter(|one| !before.contains(one))
            .filter_map(Value::as_str)
            .collect();
        if !added.is_empty() {
            let list: Vec<String> = added.iter().map(|name| (*name).to_owned()).collect();
            let words = format!(
                "no new finalizers can be added if the object is being deleted, found new finalizers []string{{{}}}",
                quoted(&list)
            );
            errors.push(FieldError::forbidden("metadata.finalizers", words));
        }
    }
}

fn quoted(list: &[String]) -> String {
    list.iter().map(|one| format!("\"{one}\"")).collect::<Vec<_>>().join(", ")
}
