//! The specs of pods and of pod templates.

use serde_json::Value;

use super::amounts::{self, Owner};
use super::at::At;
use super::report::{Report, entries, given, is_true, items, text, texts};
use super::{affinity, annotations, containers, network, pod_os, security, spread, volumes};
use crate::names;

/// What containers must know of the pod around them.
pub(super) struct Around<'a> {
    pub spec: &'a Value,
    /// Sound volumes by name.
    pub volumes: Vec<(&'a str, &'a Value)>,
    pub claims: Vec<&'a str>,
    pub grace_seconds: Option<i64>,
    /// Whether the pod shares the users of its host.
    pub host_users: bool,
    pub is_pod: bool,
}

const I32_MAX: i64 = i32::MAX as i64;
const LIST_ORDER: [&str; 3] = ["initContainers", "containers", "ephemeralContainers"];

/// All containers, as upstream visits them.
pub(super) fn visit<'a>(spec: &'a Value, mut see: impl FnMut(&'a str, usize, &'a Value)) {
    for list in LIST_ORDER {
        for (index, container) in items(spec, list).iter().enumerate() {
            see(list, index, container);
        }
    }
}

/// A template's labels, annotations and spec.
pub(super) fn template(template: &Value, at: &At<'_>, report: &mut Report) {
    let meta = &template["metadata"];
    report.labels(&at.child("labels"), &meta["labels"]);
    report.annotations(&at.child("annotations"), &meta["annotations"]);
    let spec_at = at.child("spec");
    annotations::check(meta, &template["spec"], &at.child("annotations"), report);
    spec(&template["spec"], &Value::Null, &spec_at, report);
    annotations::agree(meta, &template["spec"], &spec_at, report);
    if !items(&template["spec"], "ephemeralContainers").is_empty() {
        report.forbidden(&spec_at.child("ephemeralContainers"), "ephemeral containers not allowed in pod template");
    }
}

/// Metadata apart, what creations and updates of pods have in common.
pub(super) fn pod(object: &Value, report: &mut Report) {
    let (meta, own) = (&object["metadata"], &object["spec"]);
    let at = At::root("spec");
    annotations::check(meta, own, &At::root("metadata").child("annotations"), report);
    spec(own, meta, &at, report);
    if text(own, "serviceAccountName").is_empty() {
        tokens_without_account(own, &at, report);
    }
    for list in ["containers", "initContainers"] {
        for (index, container) in items(own, list).iter().enumerate() {
            let image = text(container, "image");
            if image.trim() != image {
                let words = "must not have leading or trailing whitespace";
                report.invalid(&at.child(list).index(index).child("image"), image, words);
            }
        }
    }
}

fn tokens_without_account(spec: &Value, at: &At<'_>, report: &mut Report) {
    for (index, volume) in items(spec, "volumes").iter().enumerate() {
        for (source_index, source) in items(&volume["projected"], "sources").iter().enumerate() {
            if given(source, "serviceAccountToken").is_some() {
                let (list, words) = (at.child("volumes"), "must not be specified when serviceAccountName is not set");
                let volume = list.index(index);
                let sources = volume.child("projected");
                report.forbidden(&sources.child("sources").index(source_index).child("serviceAccountToken"), words);
            }
        }
    }
}

/// A new pod.
pub(super) fn create(object: &Value, report: &mut Report) {
    pod(object, report);
    let (own, at) = (&object["spec"], At::root("spec"));
    if !items(own, "ephemeralContainers").is_empty() {
        report.forbidden(&at.child("ephemeralContainers"), "cannot be set on create");
    }
    if !text(own, "nodeName").is_empty() && !items(own, "schedulingGates").is_empty() {
        report.forbidden(&at.child("nodeName"), "cannot be set until all schedulingGates have been cleared");
    }
    annotations::agree(&object["metadata"], own, &at, report);
}

/// A pod's spec; `meta` is null within templates.
fn spec(spec: &Value, meta: &Value, at: &At<'_>, report: &mut Report) {
    let mut around = Around {
        spec,
        volumes: Vec::new(),
        claims: items(spec, "resourceClaims").iter().map(|claim| text(claim, "name")).collect(),
        grace_seconds: spec["terminationGracePeriodSeconds"].as_i64(),
        host_users: spec["hostUsers"] != Value::Bool(false),
        is_pod: !meta.is_null(),
    };
    if around.grace_seconds.is_none() {
        report.required(&at.child("terminationGracePeriodSeconds"), "");
    }
    volumes::check(&mut around, meta, &at.child("volumes"), report);
    claims(spec, &at.child("resourceClaims"), report);
    containers::main(&around, &at.child("containers"), report);
    containers::init(&around, &at.child("initContainers"), report);
    containers::ephemeral(&around, &at.child("ephemeralContainers"), report);
    if given(spec, "resources").is_some() {
        amounts::requirements(Owner::Pod, &spec["resources"], &around.claims, &at.child("resources"), report);
    }
    network::host_ports(&around, at, report);
    report.required_one_of(&at.child("restartPolicy"), &spec["restartPolicy"], &["Always", "OnFailure", "Never"]);
    let policies = ["ClusterFirstWithHostNet", "ClusterFirst", "Default", "None"];
    report.required_one_of(&at.child("dnsPolicy"), &spec["dnsPolicy"], &policies);
    report.labels(&at.child("nodeSelector"), &spec["nodeSelector"]);
    security::of_pod(spec, &at.child("securityContext"), report);
    affinity::check(&spec["affinity"], &at.child("affinity"), report);
    network::resolver(spec, &at.child("dnsConfig"), report);
    gates(spec, at, report);
    spread::check(spec, &at.child("topologySpreadConstraints"), report);
    network::host_users(&around, at, report);
    network::host_name(spec, at, report);
    names_of_others(spec, at, report);
    if !items(spec, "tolerations").is_empty() {
        tolerations(spec, &at.child("tolerations"), report);
    }
    network::aliases(spec, &at.child("hostAliases"), report);
    classes(spec, at, report);
    pod_os::check(spec, at, report);
    containers::file_references(spec, at, report);
}

fn claims(spec: &Value, at: &At<'_>, report: &mut Report) {
    let mut seen = Vec::new();
    for (index, claim) in items(spec, "resourceClaims").iter().enumerate() {
        let (at, name) = (at.index(index), text(claim, "name"));
        if name.is_empty() {
            report.required(&at.child("name"), "");
        } else if seen.contains(&name) {
            report.duplicate(&at.child("name"), name);
        } else {
            report.dns_label(&at.child("name"), name);
            seen.push(name);
        }
        for field in ["resourceClaimName", "resourceClaimTemplateName"] {
            if let Some(own) = claim[field].as_str() {
                report.dns_subdomain(&at.child(field), own);
            }
        }
    }
}

fn gates(spec: &Value, at: &At<'_>, report: &mut Report) {
    for (index, gate) in items(spec, "readinessGates").iter().enumerate() {
        let list = at.child("readinessGates");
        report.qualified_name(&list.index(index).child("conditionType"), text(gate, "conditionType"));
    }
    let mut seen = Vec::new();
    for (index, gate) in items(spec, "schedulingGates").iter().enumerate() {
        let (list, name) = (at.child("schedulingGates"), text(gate, "name"));
        report.qualified_name(&list.index(index), name);
        if seen.contains(&name) {
            report.duplicate(&list.index(index), name);
        }
        seen.push(name);
    }
}

fn names_of_others(spec: &Value, at: &At<'_>, report: &mut Report) {
    for field in ["serviceAccountName", "nodeName"] {
        let own = text(spec, field);
        if !own.is_empty() {
            report.dns_subdomain(&at.child(field), own);
        }
    }
    if let Some(seconds) = spec["activeDeadlineSeconds"].as_i64().filter(|own| !(1..=I32_MAX).contains(own)) {
        let words = format!("must be between 1 and {I32_MAX}, inclusive");
        report.invalid(&at.child("activeDeadlineSeconds"), seconds, words);
    }
    for field in ["hostname", "subdomain"] {
        let own = text(spec, field);
        if !own.is_empty() {
            report.dns_label(&at.child(field), own);
        }
    }
}

fn classes(spec: &Value, at: &At<'_>, report: &mut Report) {
    let priority = text(spec, "priorityClassName");
    if !priority.is_empty() {
        report.dns_subdomain(&at.child("priorityClassName"), priority);
    }
    if let Some(runtime) = spec["runtimeClassName"].as_str() {
        report.dns_subdomain(&at.child("runtimeClassName"), runtime);
    }
    if let Some(own) = given(spec, "preemptionPolicy") {
        report.required_one_of(&at.child("preemptionPolicy"), own, &["PreemptLowerPriority", "Never"]);
    }
    if entries(spec, "overhead").next().is_some() {
        let limits = serde_json::json!({ "limits": spec["overhead"] });
        amounts::requirements(Owner::Container, &limits, &[], &at.child("overhead"), report);
    }
}

/// What a pod bears.
pub(super) fn tolerations(spec: &Value, at: &At<'_>, report: &mut Report) {
    for (index, one) in items(spec, "tolerations").iter().enumerate() {
        let at = at.index(index);
        let (key, operator, value) = (text(one, "key"), text(one, "operator"), text(one, "value"));
        if !key.is_empty() {
            report.qualified_name(&at.child("key"), key);
        } else if operator != "Exists" {
            let words = "operator must be Exists when `key` is empty, which means \"match all values and all keys\"";
            report.invalid(&at.child("operator"), operator, words);
        }
        let effect = text(one, "effect");
        if given(one, "tolerationSeconds").is_some() && effect != "NoExecute" {
            let words = "effect must be 'NoExecute' when `tolerationSeconds` is set";
            report.invalid(&at.child("effect"), effect, words);
        }
        match operator {
            "Equal" | "" => {
                let wrong = names::label_value(value);
                if !wrong.is_empty() {
                    report.invalid(&at.child("operator"), value, wrong.join(";"));
                }
            }
            "Exists" if !value.is_empty() => {
                report.invalid(&at.child("operator"), value, "value must be empty when `operator` is 'Exists'");
            }
            "Exists" => {}
            "Lt" | "Gt" => report.not_supported(&at.child("operator"), operator, &["Equal", "Exists", "Lt", "Gt"]),
            other => report.not_supported(&at.child("operator"), other, &["Equal", "Exists"]),
        }
        if !effect.is_empty() {
            report.one_of(&at.child("effect"), &one["effect"], &["NoSchedule", "PreferNoSchedule", "NoExecute"]);
        }
    }
}

/// Keys of labels that are merged into a selector.
pub(super) fn label_keys(at: &At<'_>, list: &str, own: &Value, picking: &Value, report: &mut Report) {
    let keys = texts(own, list);
    if keys.is_empty() {
        return;
    }
    let at = at.child(list);
    if picking.is_null() {
        return report.forbidden(&at, "must not be specified when labelSelector is not set");
    }
    for (index, key) in keys.into_iter().enumerate() {
        report.qualified_name(&at.index(index), key);
    }
}

/// `matchLabelKeys` and `mismatchLabelKeys` beside a selector.
pub(super) fn merged_keys(at: &At<'_>, own: &Value, report: &mut Report) {
    let picking = &own["labelSelector"];
    label_keys(at, "matchLabelKeys", own, picking, report);
    label_keys(at, "mismatchLabelKeys", own, picking, report);
    let matched = texts(own, "matchLabelKeys");
    let mut seen: Vec<&str> = entries(picking, "matchLabels").map(|(key, _)| key).collect();
    for expression in items(picking, "matchExpressions") {
        let key = text(expression, "key");
        if let Some(index) = matched.iter().position(|one| *one == key).filter(|_| seen.contains(&key)) {
            report.invalid(&at.index(index), key, "exists in both matchLabelKeys and labelSelector");
        }
        seen.push(key);
    }
    let other = texts(own, "mismatchLabelKeys");
    for (index, key) in matched.into_iter().enumerate().filter(|(_, key)| other.contains(key)) {
        let list = at.child("matchLabelKeys");
        report.invalid(&list.index(index), key, "exists in both matchLabelKeys and mismatchLabelKeys");
    }
}

/// Whether a container asks for all powers.
pub(super) fn is_privileged(container: &Value) -> bool {
    is_true(&container["securityContext"]["privileged"])
}
