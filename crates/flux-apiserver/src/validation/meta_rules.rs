//! Metadata: names, labels, annotations, owners, finalizers.

use serde_json::Value;

use crate::names;
use crate::object::{list_at, meta, meta_text, text};
use crate::resources::{Origin, Resource};
use crate::status::FieldError;

const NOT_NEGATIVE: &str = "must be greater than or equal to 0";
const MANAGER_MAX: usize = 128;

/// How a kind's names must look.
fn name_rule(resource: &Resource) -> fn(&str) -> Vec<String> {
    match (resource.group.as_str(), resource.plural.as_str()) {
        ("", "namespaces" | "services") | ("apps", "statefulsets") => names::dns_label,
        // Checked by nothing but what fits into a path.
        ("rbac.authorization.k8s.io" | "policy" | "events.k8s.io", _) | ("", "events") => names::path_segment,
        ("networking.k8s.io", "ipaddresses") => address,
        _ => names::dns_subdomain,
    }
}

fn address(name: &str) -> Vec<String> {
    match name.parse::<std::net::IpAddr>() {
        Ok(own) if own.to_string() == name => Vec::new(),
        Ok(own) => vec![format!("must be in canonical form (\"{own}\")")],
        Err(_) => vec!["must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)".to_owned()],
    }
}

/// Whether only finalizers with a slash, and a few known ones, are allowed.
fn knows_finalizers(resource: &Resource) -> bool {
    const OTHERS: [&str; 7] = [
        "admissionregistration.k8s.io",
        "apiextensions.k8s.io",
        "apiregistration.k8s.io",
        "coordination.k8s.io",
        "events.k8s.io",
        "flowcontrol.apiserver.k8s.io",
        "policy",
    ];
    matches!(resource.origin, Origin::BuiltIn(_))
        && !OTHERS.contains(&resource.group.as_str())
        && !resource.is("", "events")
}

/// Checks the metadata of any object.
pub(super) fn check(resource: &Resource, object: &Value, errors: &mut Vec<FieldError>) {
    whole(resource, name_rule(resource), object, errors);
    if knows_finalizers(resource) {
        known_finalizers(object, errors);
    }
}

fn whole(resource: &Resource, rule: fn(&str) -> Vec<String>, object: &Value, errors: &mut Vec<FieldError>) {
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
    generation(object, errors);
    common(object, errors);
    finalizers(object, errors);
}

fn generation(object: &Value, errors: &mut Vec<FieldError>) {
    if let Some(own) = meta(object, "generation").and_then(Value::as_i64).filter(|own| *own < 0) {
        errors.push(FieldError::invalid("metadata.generation", own, NOT_NEGATIVE));
    }
}

/// What is looked at whenever an object is written.
fn common(object: &Value, errors: &mut Vec<FieldError>) {
    names::labels(meta(object, "labels"), "metadata.labels", errors);
    names::annotations(meta(object, "annotations"), "metadata.annotations", errors);
    owners(object, errors);
    managed(object, errors);
}

fn owners(object: &Value, errors: &mut Vec<FieldError>) {
    const AT: &str = "metadata.ownerReferences";
    let list = list_at(object, "/metadata/ownerReferences");
    let mut controller: Option<String> = None;
    // Upstream names no index.
    for owner in list {
        let (version, kind) = (text(owner, "apiVersion"), text(owner, "kind"));
        if version.rsplit('/').next().unwrap_or_default().is_empty() || version.matches('/').count() > 1 {
            errors.push(FieldError::invalid(format!("{AT}.apiVersion"), version, "version must not be empty"));
        }
        for field in ["kind", "name", "uid"].into_iter().filter(|field| text(owner, field).is_empty()) {
            errors.push(FieldError::invalid(format!("{AT}.{field}"), "", "must not be empty"));
        }
        if version == "v1" && kind == "Event" {
            let words = "/v1, Kind=Event is disallowed from being an owner";
            errors.push(FieldError::invalid(AT, owner.clone(), words));
        }
        if owner.get("controller") == Some(&Value::Bool(true)) {
            let own = format!("{kind}/{}", text(owner, "name"));
            if let Some(first) = &controller {
                let words = format!(
                    "Only one reference can have Controller set to true. Found \"true\" in references for {first} and {own}"
                );
                errors.push(FieldError::invalid(AT, list.to_vec(), words));
            } else {
                controller = Some(own);
            }
        }
    }
}

fn managed(object: &Value, errors: &mut Vec<FieldError>) {
    for (index, entry) in list_at(object, "/metadata/managedFields").iter().enumerate() {
        let at = |field: &str| format!("metadata.managedFields[{index}].{field}");
        let operation = text(entry, "operation");
        if !matches!(operation, "Apply" | "Update") {
            errors.push(FieldError::invalid(at("operation"), operation, "must be `Apply` or `Update`"));
        }
        let kind = text(entry, "fieldsType");
        if !matches!(kind, "" | "FieldsV1") {
            errors.push(FieldError::invalid(at("fieldsType"), kind, "must be `FieldsV1`"));
        }
        if text(entry, "manager").len() > MANAGER_MAX {
            errors.push(FieldError::too_long(at("manager"), MANAGER_MAX));
        }
        if text(entry, "subresource").len() > 2 * MANAGER_MAX {
            errors.push(FieldError::too_long(at("subresource"), 2 * MANAGER_MAX));
        }
    }
}

/// Finalizers without a slash that upstream knows.
const KNOWN_FINALIZERS: [&str; 3] = ["kubernetes", "orphan", "foregroundDeletion"];

fn finalizers(object: &Value, errors: &mut Vec<FieldError>) {
    let all = list_at(object, "/metadata/finalizers");
    for finalizer in all.iter().filter_map(Value::as_str) {
        let wrong = names::qualified_name(finalizer);
        errors.extend(wrong.into_iter().map(|text| FieldError::invalid("metadata.finalizers", finalizer, text)));
    }
    if ["orphan", "foregroundDeletion"].iter().all(|policy| all.iter().any(|one| one == policy)) {
        let words = "finalizer orphan and foregroundDeletion cannot be both set";
        errors.push(FieldError::invalid("metadata.finalizers", all.to_vec(), words));
    }
}

fn known_finalizers(object: &Value, errors: &mut Vec<FieldError>) {
    for (index, finalizer) in list_at(object, "/metadata/finalizers").iter().filter_map(Value::as_str).enumerate() {
        if !finalizer.contains('/') && !KNOWN_FINALIZERS.contains(&finalizer) {
            let words = "name is neither a standard finalizer name nor is it fully qualified";
            errors.push(FieldError::invalid(format!("metadata.finalizers[{index}]"), finalizer, words));
        }
    }
}

/// Checks what an update may not change.
///
/// Upstream looks at this once for every kind and, but for a few kinds, once more in the kind's own rules.
pub(super) fn check_update(resource: &Resource, old: &Value, new: &Value, errors: &mut Vec<FieldError>) {
    whole(resource, names::path_segment, new, errors);
    update_once(old, new, errors);
    let (again, all) = own_checks(resource);
    if again {
        update_once(old, new, errors);
        if knows_finalizers(resource) {
            known_finalizers(new, errors);
        }
    }
    if all {
        check(resource, new, errors);
    }
}

/// Whether a kind's own rules check changed metadata again, and whether they check all of it as if it were new.
fn own_checks(resource: &Resource) -> (bool, bool) {
    match (resource.group.as_str(), resource.plural.as_str()) {
        ("", "pods" | "configmaps" | "secrets" | "serviceaccounts" | "persistentvolumeclaims" | "endpoints")
        | ("apps", "controllerrevisions")
        | ("batch", "jobs")
        | ("networking.k8s.io", "ingresses" | "ingressclasses")
        | ("rbac.authorization.k8s.io" | "apiregistration.k8s.io", _) => (true, true),
        ("", "persistentvolumes" | "limitranges")
        | ("admissionregistration.k8s.io" | "discovery.k8s.io", _)
        | ("storage.k8s.io", "csinodes" | "volumeattachments") => (false, true),
        ("policy" | "events.k8s.io", _) | ("", "events") => (false, false),
        _ => (true, false),
    }
}

fn update_once(old: &Value, new: &Value, errors: &mut Vec<FieldError>) {
    let deleting = meta(old, "deletionTimestamp").is_some_and(|time| !time.is_null());
    if deleting {
        no_new_finalizers(old, new, errors);
    }
    let number = |object: &Value| meta(object, "generation").and_then(Value::as_i64).unwrap_or(0);
    if number(new) < number(old) {
        errors.push(FieldError::invalid("metadata.generation", number(new), "must not be decremented"));
    }
    let fields = ["name", "namespace", "uid", "creationTimestamp", "deletionTimestamp", "deletionGracePeriodSeconds"];
    for field in fields {
        let before = meta(old, field).filter(|value| !value.is_null());
        let after = meta(new, field).filter(|value| !value.is_null());
        if before != after {
            let missing = if field.starts_with("deletion") { Value::Null } else { "".into() };
            let shown = after.cloned().unwrap_or(missing);
            errors.push(FieldError::invalid(format!("metadata.{field}"), shown, "field is immutable"));
        }
    }
    common(new, errors);
}

fn no_new_finalizers(old: &Value, new: &Value, errors: &mut Vec<FieldError>) {
    let before = list_at(old, "/metadata/finalizers");
    let own = list_at(new, "/metadata/finalizers").iter();
    let mut added: Vec<&str> = own.filter(|one| !before.contains(one)).filter_map(Value::as_str).collect();
    added.sort_unstable();
    added.dedup();
    if !added.is_empty() {
        let list = added.iter().map(|one| format!("\"{one}\"")).collect::<Vec<_>>().join(", ");
        let words = format!(
            "no new finalizers can be added if the object is being deleted, found new finalizers []string{{{list}}}"
        );
        errors.push(FieldError::forbidden("metadata.finalizers", words));
    }
}
