//! Rules that differ per kind: what writes may touch, generations, unconditional updates.

use serde_json::{Map, Value};

use crate::object::meta_mut;
use crate::resources::Resource;

/// Kinds whose objects count generations.
pub(crate) fn has_generation(resource: &Resource) -> bool {
    if resource.custom().is_some() {
        return true;
    }
    matches!(
        (resource.group.as_str(), resource.plural.as_str()),
        ("", "pods" | "podtemplates" | "replicationcontrollers")
            | ("apps", "daemonsets" | "deployments" | "replicasets" | "statefulsets")
            | ("batch", "cronjobs" | "jobs")
            | (
                "networking.k8s.io",
                "ingresses" | "ingressclasses" | "networkpolicies" | "servicecidrs" | "ipaddresses"
            )
            | ("policy", "poddisruptionbudgets")
            | ("discovery.k8s.io", "endpointslices")
            | ("scheduling.k8s.io", "priorityclasses")
            | ("admissionregistration.k8s.io", _)
            | ("apiextensions.k8s.io", _)
            | ("flowcontrol.apiserver.k8s.io", _)
            | ("resource.k8s.io", "deviceclasses" | "resourceslices")
    )
}

/// Kinds that an update without `resourceVersion` may not touch.
pub(crate) fn needs_version(resource: &Resource) -> bool {
    if resource.custom().is_some() {
        return true;
    }
    matches!(
        (resource.group.as_str(), resource.plural.as_str()),
        ("node.k8s.io", "runtimeclasses")
            | ("policy", "poddisruptionbudgets")
            | ("storage.k8s.io", "csidrivers" | "csistoragecapacities" | "volumeattachments" | "csinodes")
            | ("coordination.k8s.io", "leases")
            | ("admissionregistration.k8s.io", _)
            | ("apiextensions.k8s.io", _)
            | ("apiregistration.k8s.io", _)
    )
}

/// Kinds that a PUT creates when they are absent.
pub(crate) fn creates_on_update(resource: &Resource) -> bool {
    matches!(
        (resource.group.as_str(), resource.plural.as_str()),
        ("node.k8s.io", "runtimeclasses")
            | ("rbac.authorization.k8s.io", _)
            | ("coordination.k8s.io", "leases")
            | ("", "limitranges" | "events" | "services" | "endpoints")
            | ("events.k8s.io", "events")
    )
}

/// Removes what a creator may not set.
pub(crate) fn prepare_create(resource: &Resource, object: &mut Value) {
    if resource.has_status()
        && let Some(map) = object.as_object_mut()
        && keeps_status_apart(resource)
    {
        map.remove("status");
    }
    if has_generation(resource) {
        meta_mut(object).insert("generation".into(), 1.into());
    }
    if resource.is("apiextensions.k8s.io", "customresourcedefinitions") {
        definition_status(object);
    }
    crate::completion::on_create(resource, object);
}

/// A new definition stores its storage version from the start.
fn definition_status(object: &mut Value) {
    let versions = crate::object::list_at(object, "/spec/versions");
    let storage = versions.iter().find(|version| version.get("storage") == Some(&Value::Bool(true)));
    let stored: Vec<Value> = storage.map(|version| version["name"].clone()).into_iter().collect();
    object["status"] = serde_json::json!({
        "conditions": null, "acceptedNames": {"plural": "", "kind": ""}, "storedVersions": if stored.is_empty() { Value::Null } else { stored.into() },
    });
}

/// Whether main writes leave `status` alone.
fn keeps_status_apart(resource: &Resource) -> bool {
    // The API server's own group lets creators set it.
    !resource.is("", "nodes")
}

/// Carries over what a main update may not touch, and counts the generation.
pub(crate) fn prepare_update(resource: &Resource, old: &Value, new: &mut Value) {
    if resource.has_status()
        && let Some(map) = new.as_object_mut()
    {
        carry(map, old, "status");
    }
    crate::completion::on_update(resource, old, new);
    count_generation(resource, old, new);
}

/// Carries over what a status update may not touch.
pub(crate) fn prepare_status_update(resource: &Resource, old: &Value, new: &mut Value) {
    let status = new.get("status").cloned();
    let meta = new.get("metadata").cloned();
    let mut out = old.clone();
    if let Some(map) = out.as_object_mut() {
        match status {
            Some(status) => map.insert("status".into(), status),
            None => map.remove("status"),
        };
    }
    let managed = meta.as_ref().and_then(|meta| meta.get("managedFields").cloned());
    if resource.custom().is_none()
        && let Some(Value::Object(mut meta)) = meta
    {
        // Built-in kinds let a status write touch labels and annotations, but for those of `apps`.
        for key in ["generation", "finalizers", "ownerReferences"] {
            carry(&mut meta, &old["metadata"], key);
        }
        if resource.group == "apps" {
            carry(&mut meta, &old["metadata"], "labels");
        }
        out["metadata"] = Value::Object(meta);
    }
    crate::object::put(meta_mut(&mut out), "managedFields", managed);
    *new = out;
}

fn carry(new: &mut Map<String, Value>, old: &Value, key: &str) {
    match old.get(key) {
        Some(value) => {
            new.insert(key.to_owned(), value.clone());
        }
        None => {
            new.remove(key);
        }
    }
}

fn count_generation(resource: &Resource, old: &Value, new: &mut Value) {
    if !has_generation(resource) {
        return;
    }
    let before = crate::object::meta(old, "generation").and_then(Value::as_i64).unwrap_or(0);
    let generation = if same_spec(resource, old, new) { before } else { before + 1 };
    meta_mut(new).insert("generation".into(), generation.into());
}

/// Whether nothing but metadata and status differs.
fn same_spec(resource: &Resource, old: &Value, new: &Value) -> bool {
    let labels = |object: &Value| ["labels", "annotations"].map(|key| crate::object::meta(object, key).cloned());
    if resource.is("discovery.k8s.io", "endpointslices") && labels(old) != labels(new) {
        return false;
    }
    let notes = |object: &Value| crate::object::meta(object, "annotations").cloned();
    if resource.is("apps", "deployments") && notes(old) != notes(new) {
        return false;
    }
    let (Some(old), Some(new)) = (old.as_object(), new.as_object()) else { return true };
    let apart = |key: &str| {
        key == "metadata" || key == "status" && resource.has_status() || matches!(key, "apiVersion" | "kind")
    };
    let covered = |a: &Map<String, Value>, b: &Map<String, Value>| {
        a.iter().filter(|(key, _)| !apart(key)).all(|(key, value)| b.get(key) == Some(value))
    };
    covered(old, new) && covered(new, old)
}
