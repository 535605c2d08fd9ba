//! What the API server adds to an object of a built-in kind when it is written, beside defaults.
//!
//! Upstream's registry strategies and two of its admission plugins do this: an empty status, the selector of a job,
//! the template generation of a daemon set, the finalizers that protect volumes in use.

use serde_json::{Value, json};

use crate::intake;
use crate::object::{list_at, meta_mut, meta_text, name, now, section, text_at};
use crate::resources::{Origin, Resource};
use crate::typed::{self, GoKind};

const TEMPLATE_GENERATION: &str = "deprecated.daemonset.template.generation";

/// Completes a new object, which has its uid.
pub(crate) fn on_create(resource: &Resource, object: &mut Value) {
    if let Origin::BuiltIn(kind) = &resource.origin {
        complete(resource, *kind, object);
    }
    let value = std::mem::take(object);
    *object = intake::defaulted_with(value, resource, intake::Nulls::Kept);
}

fn complete(resource: &Resource, kind: GoKind, object: &mut Value) {
    if resource.has_status()
        && object.get("status").is_none()
        && let Ok(empty) = typed::shape(kind, json!({}))
        && let (Some(status), Some(members)) = (empty.value.get("status"), object.as_object_mut())
    {
        members.insert("status".into(), status.clone());
    }
    match (resource.group.as_str(), resource.plural.as_str()) {
        ("apps", "daemonsets") => set_template_generation(object, 1),
        ("batch", "jobs") => job_selector(object),
        ("", "persistentvolumes") => {
            protect(object, "kubernetes.io/pv-protection");
            let status = section(object, "status");
            status.insert("phase".into(), "Pending".into());
            status.insert("lastPhaseTransitionTime".into(), now().into());
        }
        ("", "persistentvolumeclaims") => {
            protect(object, "kubernetes.io/pvc-protection");
            same_source(object);
        }
        ("", "nodes") => not_ready(object),
        ("", "pods") => pod_status(object),
        ("", "namespaces") => {
            let mut finalizers = list_at(object, "/spec/finalizers").to_vec();
            if !finalizers.iter().any(|own| own == "kubernetes") {
                finalizers.push("kubernetes".into());
                section(object, "spec").insert("finalizers".into(), finalizers.into());
            }
        }
        _ => {}
    }
}

/// Completes a changed object.
pub(crate) fn on_update(resource: &Resource, old: &Value, new: &mut Value) {
    if resource.is("apps", "daemonsets") {
        let before = old.pointer("/metadata/annotations").and_then(|all| all.get(TEMPLATE_GENERATION));
        let before: i64 = before.and_then(Value::as_str).and_then(|text| text.parse().ok()).unwrap_or(0);
        let changed = old.pointer("/spec/template") != new.pointer("/spec/template");
        set_template_generation(new, before + i64::from(changed));
    }
    if resource.is("", "namespaces")
        && let (Some(spec), Some(members)) = (old.get("spec"), new.as_object_mut())
    {
        members.insert("spec".into(), spec.clone());
    }
    if resource.is("", "persistentvolumeclaims") {
        same_source(new);
    }
    let value = std::mem::take(new);
    *new = intake::defaulted_with(value, resource, intake::Nulls::Kept);
}

/// The older field of a claim's source and the newer one say the same, as long as the source is in the same namespace.
fn same_source(claim: &mut Value) {
    let spec = section(claim, "spec");
    let given = |key: &str| spec.get(key).filter(|source| !source.is_null()).cloned();
    match (given("dataSource"), given("dataSourceRef")) {
        (Some(source), None) => {
            spec.insert("dataSourceRef".into(), source);
        }
        (None, Some(mut source)) if text_at(&source, "/namespace").is_empty() => {
            if let Some(members) = source.as_object_mut() {
                members.remove("namespace");
            }
            spec.insert("dataSource".into(), source);
        }
        _ => {}
    }
}

fn set_template_generation(object: &mut Value, generation: i64) {
    let meta = meta_mut(object);
    let annotations = meta.entry("annotations").or_insert_with(|| json!({}));
    if !annotations.is_object() {
        *annotations = json!({});
    }
    annotations[TEMPLATE_GENERATION] = generation.to_string().into();
}

/// Unless its author wants to choose, a job finds its pods by its uid.
fn job_selector(object: &mut Value) {
    if object.pointer("/spec/manualSelector") == Some(&Value::Bool(true)) {
        return;
    }
    let (uid, job) = (meta_text(object, "uid").to_owned(), name(object).to_owned());
    let Some(spec) = object.get_mut("spec") else { return };
    section(spec, "template");
    let labels = section(meta_of(&mut spec["template"]), "labels");
    for (key, value) in [
        ("batch.kubernetes.io/controller-uid", &uid),
        ("batch.kubernetes.io/job-name", &job),
        ("controller-uid", &uid),
        ("job-name", &job),
    ] {
        labels.insert(key.into(), value.clone().into());
    }
    let matched = section(spec, "selector");
    let labels = matched.entry("matchLabels").or_insert_with(|| json!({}));
    if !labels.is_object() {
        *labels = json!({});
    }
    labels["batch.kubernetes.io/controller-uid"] = uid.into();
    spec["manualSelector"] = Value::Bool(false);
}

fn meta_of(template: &mut Value) -> &mut Value {
    meta_mut(template);
    &mut template["metadata"]
}

/// The finalizer that keeps a volume or claim while something uses it.
fn protect(object: &mut Value, finalizer: &str) {
    let mut all = list_at(object, "/metadata/finalizers").to_vec();
    if !all.iter().any(|own| own == finalizer) {
        all.push(finalizer.into());
        meta_mut(object).insert("finalizers".into(), all.into());
    }
}

/// A new node takes no pods until somebody says that it is ready.
fn not_ready(object: &mut Value) {
    const TAINT: &str = "node.kubernetes.io/not-ready";
    let mut taints = list_at(object, "/spec/taints").to_vec();
    if !taints.iter().any(|taint| text_at(taint, "/key") == TAINT && text_at(taint, "/effect") == "NoSchedule") {
        taints.push(json!({ "key": TAINT, "effect": "NoSchedule" }));
        section(object, "spec").insert("taints".into(), taints.into());
    }
}

/// A new pod waits, in its class of service; gates are named as what it waits for.
fn pod_status(object: &mut Value) {
    let class = service_class(object);
    let gated = !list_at(object, "/spec/schedulingGates").is_empty();
    let status = section(object, "status");
    status.insert("phase".into(), "Pending".into());
    status.insert("qosClass".into(), class.into());
    if gated {
        let condition = json!({
            "type": "PodScheduled", "status": "False", "reason": "SchedulingGated", "lastProbeTime": null,
            "lastTransitionTime": now(), "message": "Scheduling is blocked due to non-empty scheduling gates",
        });
        status.insert("conditions".into(), json!([condition]));
    }
}

/// `Guaranteed` when all processor and memory requests are limits, `BestEffort` when there are none.
fn service_class(pod: &Value) -> &'static str {
    let whole = pod.pointer("/spec/resources").filter(|own| own.as_object().is_some_and(|own| !own.is_empty()));
    let all: Vec<&Value> = match whole {
        Some(own) => vec![own],
        None => ["/spec/containers", "/spec/initContainers"]
            .into_iter()
            .flat_map(|list| list_at(pod, list))
            .map(|container| &container["resources"])
            .collect(),
    };
    let amount = |resources: &Value, list: &str, name: &str| {
        resources.get(list).and_then(|list| list.get(name)).filter(|amount| *amount != "0").cloned()
    };
    let named =
        |resources: &&Value, name: &str| (amount(resources, "limits", name), amount(resources, "requests", name));
    let (mut any, mut guaranteed) = (false, true);
    for resources in &all {
        for name in ["cpu", "memory"] {
            let (limit, request) = named(resources, name);
            any |= limit.is_some() || request.is_some();
            guaranteed &= limit.is_some() && (request.is_none() || request == limit);
        }
    }
    match (any, guaranteed) {
        (false, _) => "BestEffort",
        (true, true) => "Guaranteed",
        (true, false) => "Burstable",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn jobs_find_their_pods_by_uid() {
        let mut job = json!({ "metadata": { "name": "j", "uid": "u" }, "spec": { "template": { "spec": {} } } });
        job_selector(&mut job);
        assert_eq!(
            job.pointer("/spec/selector/matchLabels"),
            Some(&json!({ "batch.kubernetes.io/controller-uid": "u" }))
        );
        assert_eq!(job.pointer("/spec/template/metadata/labels/job-name"), Some(&json!("j")));
        let mut own = json!({ "metadata": { "name": "j", "uid": "u" }, "spec": { "manualSelector": true } });
        job_selector(&mut own);
        assert_eq!(own.pointer("/spec/selector"), None);
    }
}
