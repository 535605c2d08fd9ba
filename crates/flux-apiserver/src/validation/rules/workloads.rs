//! Kinds that keep pods running.

use serde_json::{Value, json};

use super::at::At;
use super::formats::count;
use super::report::{IMMUTABLE, Report, given, items, number, same, text};
use super::{claims, internal, pod, selector};

const NO_MATCH: &str = "`selector` does not match template `labels`";
const NOT_NIL: &str = "this should be defaulted and never be nil";

impl Report {
    /// A selector that must stay.
    pub fn immutable_selector(&mut self, at: &At<'_>, old: &Value, new: &Value) {
        if !same(old, new) {
            self.invalid_printed(at, &selector::printed(new), IMMUTABLE);
        }
    }
}

/// A selector that must be there and pick something; what its kind is called in the words.
fn picking(own: &Value, kind: &str, at: &At<'_>, report: &mut Report) {
    let Some(own) = given(own, "selector") else { return report.required(at, "") };
    selector::check(own, at, report);
    if selector::is_empty(own) {
        report.invalid_printed(at, &selector::printed(own), &format!("empty selector is invalid for {kind}"));
    }
}

/// The template's labels must be picked.
fn picks(own: &Value, at: &At<'_>, report: &mut Report) {
    let (picking, labels) = (&own["selector"], &own["template"]["metadata"]["labels"]);
    if !selector::picks(picking, labels) {
        let (template, words) = (at.child("template"), "metadata.labels");
        report.invalid(&template.child(words), labels.clone(), NO_MATCH);
    }
}

/// Pods that run on and on, without a deadline.
fn lasting(own: &Value, kind: &str, at: &At<'_>, report: &mut Report) {
    let (template, spec) = (at.child("template"), &own["template"]["spec"]);
    let at = template.child("spec");
    let policy = text(spec, "restartPolicy");
    if policy != "Always" {
        report.not_supported(&at.child("restartPolicy"), policy, &["Always"]);
    }
    if given(spec, "activeDeadlineSeconds").is_some() {
        let words = format!("activeDeadlineSeconds in {kind} is not Supported");
        report.forbidden(&at.child("activeDeadlineSeconds"), words);
    }
}

/// Selector and template of deployments and replica sets.
fn set(own: &Value, at: &At<'_>, report: &mut Report) {
    picking(own, "deployment", &at.child("selector"), report);
    if !selector::is_usable(&own["selector"]) {
        let shown = selector::printed(&own["selector"]);
        return report.invalid_printed(&at.child("selector"), &shown, "invalid label selector");
    }
    if own["selector"].is_null() || !selector::is_empty(&own["selector"]) {
        picks(own, at, report);
    }
    pod::template(&own["template"], &at.child("template"), report);
    lasting(own, "ReplicaSet", at, report);
}

pub(super) fn deployment(object: &Value, report: &mut Report) {
    let (own, at) = (&object["spec"], At::root("spec"));
    report.non_negative(&at.child("replicas"), &own["replicas"]);
    set(own, &at, report);
    strategy(&own["strategy"], &at.child("strategy"), report);
    report.non_negative_children(&at, own, &["minReadySeconds", "revisionHistoryLimit", "progressDeadlineSeconds"]);
    if let Some(deadline) = own["progressDeadlineSeconds"].as_i64()
        && deadline <= number(own, "minReadySeconds")
    {
        report.invalid(&at.child("progressDeadlineSeconds"), deadline, "must be greater than minReadySeconds");
    }
}

fn strategy(own: &Value, at: &At<'_>, report: &mut Report) {
    let rolling = at.child("rollingUpdate");
    match (text(own, "type"), given(own, "rollingUpdate")) {
        ("Recreate", Some(_)) => {
            report.forbidden(&rolling, "may not be specified when strategy `type` is 'Recreate'");
        }
        ("Recreate", None) => {}
        ("RollingUpdate", None) => report.required(&rolling, NOT_NIL),
        ("RollingUpdate", Some(own)) => {
            let (unavailable, surge) = (&own["maxUnavailable"], &own["maxSurge"]);
            report.count_or_percent(&rolling.child("maxUnavailable"), unavailable);
            report.count_or_percent(&rolling.child("maxSurge"), surge);
            if count(unavailable) == 0 && count(surge) == 0 {
                let shown = if unavailable.is_null() { json!(0) } else { unavailable.clone() };
                report.invalid(&rolling.child("maxUnavailable"), shown, "may not be 0 when `maxSurge` is 0");
            }
            report.at_most_100_percent(&rolling.child("maxUnavailable"), unavailable);
        }
        _ => {
            let shown = internal::printed("DeploymentStrategy", own);
            report.not_supported_printed(at, &shown, &["Recreate", "RollingUpdate"]);
        }
    }
}

pub(super) fn replica_set(object: &Value, report: &mut Report) {
    let (own, at) = (&object["spec"], At::root("spec"));
    report.non_negative_children(&at, own, &["replicas", "minReadySeconds"]);
    set(own, &at, report);
}

pub(super) fn daemon_set(object: &Value, report: &mut Report) {
    let (own, at) = (&object["spec"], At::root("spec"));
    selector::check(&own["selector"], &at.child("selector"), report);
    if selector::is_usable(&own["selector"]) {
        picks(own, &at, report);
    }
    if given(own, "selector").is_some_and(selector::is_empty) {
        let shown = selector::printed(&own["selector"]);
        report.invalid_printed(&at.child("selector"), &shown, "empty selector is invalid for daemonset");
    }
    pod::template(&own["template"], &at.child("template"), report);
    lasting(own, "DaemonSet", &at, report);
    report.non_negative(&at.child("minReadySeconds"), &own["minReadySeconds"]);
    daemon_strategy(&own["updateStrategy"], &at.child("updateStrategy"), report);
    report.non_negative(&at.child("revisionHistoryLimit"), &own["revisionHistoryLimit"]);
}

fn daemon_strategy(own: &Value, at: &At<'_>, report: &mut Report) {
    let rolling_at = at.child("rollingUpdate");
    match text(own, "type") {
        "OnDelete" => {}
        "RollingUpdate" => {
            let Some(own) = given(own, "rollingUpdate") else { return report.required(&rolling_at, "") };
            let (unavailable, surge) = (&own["maxUnavailable"], &own["maxSurge"]);
            report.count_or_percent(&rolling_at.child("maxUnavailable"), unavailable);
            report.count_or_percent(&rolling_at.child("maxSurge"), surge);
            report.at_most_100_percent(&rolling_at.child("maxUnavailable"), unavailable);
            report.at_most_100_percent(&rolling_at.child("maxSurge"), surge);
            match (count(unavailable) != 0, count(surge) != 0) {
                (true, true) => {
                    let words = "may not be set when maxUnavailable is non-zero";
                    report.invalid(&rolling_at.child("maxSurge"), surge.clone(), words);
                }
                (false, false) => {
                    report.required(&rolling_at.child("maxUnavailable"), "cannot be 0 when maxSurge is 0");
                }
                _ => {}
            }
        }
        _ => {
            let shown = internal::printed("DaemonSetUpdateStrategy", own);
            report.not_supported_printed(at, &shown, &["RollingUpdate", "OnDelete"]);
        }
    }
}

/// What is not looked at when a stateful set changes.
#[derive(Clone, Copy)]
struct Leniency {
    service_name: bool,
    claims: bool,
    template: bool,
}

pub(super) fn stateful_set(object: &Value, report: &mut Report) {
    let strict = Leniency { service_name: false, claims: false, template: false };
    stateful(&object["spec"], strict, report);
}

fn stateful(own: &Value, lenient: Leniency, report: &mut Report) {
    let at = At::root("spec");
    match text(own, "podManagementPolicy") {
        "" => report.required(&at.child("podManagementPolicy"), ""),
        "OrderedReady" | "Parallel" => {}
        other => report.invalid(&at.child("podManagementPolicy"), other, "must be 'OrderedReady' or 'Parallel'"),
    }
    stateful_strategy(&own["updateStrategy"], &at.child("updateStrategy"), report);
    if let Some(policy) = given(own, "persistentVolumeClaimRetentionPolicy") {
        let at = at.child("persistentVolumeClaimRetentionPolicy");
        for field in ["whenDeleted", "whenScaled"] {
            report.one_of(&at.child(field), &policy[field], &["Retain", "Delete"]);
        }
    }
    if !lenient.claims {
        for (index, claim) in items(own, "volumeClaimTemplates").iter().enumerate() {
            let list = at.child("volumeClaimTemplates");
            claims::spec(&claim["spec"], &list.index(index).child("spec"), report);
        }
    }
    report.non_negative_children(&at, own, &["replicas", "minReadySeconds"]);
    report.non_negative(&at.child("ordinals.start"), &own["ordinals"]["start"]);
    let service = text(own, "serviceName");
    if !lenient.service_name && !service.is_empty() {
        report.dns_label(&at.child("serviceName"), service);
    }
    picking(own, "statefulset", &at.child("selector"), report);
    if selector::is_usable(&own["selector"]) {
        stateful_template(own, lenient, &at, report);
    } else {
        report.invalid_printed(&at.child("selector"), &selector::printed(&own["selector"]), "");
    }
    lasting(own, "StatefulSet", &at, report);
}

fn stateful_template(own: &Value, lenient: Leniency, at: &At<'_>, report: &mut Report) {
    if own["selector"].is_null() || !selector::is_empty(&own["selector"]) {
        picks(own, at, report);
    }
    let template_at = at.child("template");
    if !lenient.template {
        pod::template(&with_claims(own), &template_at, report);
    }
    // Upstream looks at these twice.
    let meta = &own["template"]["metadata"];
    report.labels(&template_at.child("labels"), &meta["labels"]);
    report.annotations(&template_at.child("annotations"), &meta["annotations"]);
}

/// The template with a volume for each claim, without names that the set gives.
fn with_claims(own: &Value) -> Value {
    let mut template = own["template"].clone();
    let Some(spec) = template.get_mut("spec").and_then(Value::as_object_mut) else { return template };
    spec.remove("hostname");
    spec.remove("subdomain");
    let claims: Vec<&str> =
        items(own, "volumeClaimTemplates").iter().map(|claim| text(&claim["metadata"], "name")).collect();
    if !claims.is_empty() {
        let claim = |name: &&str| json!({ "name": name, "persistentVolumeClaim": { "claimName": name } });
        let mut volumes: Vec<Value> = claims.iter().map(claim).collect();
        let others = items(&own["template"]["spec"], "volumes").iter();
        volumes.extend(others.filter(|volume| !claims.contains(&text(volume, "name"))).cloned());
        spec.insert("volumes".into(), volumes.into());
    }
    template
}

fn stateful_strategy(own: &Value, at: &At<'_>, report: &mut Report) {
    let rolling_at = at.child("rollingUpdate");
    let rolling = given(own, "rollingUpdate");
    match text(own, "type") {
        "" => report.required(at, ""),
        "OnDelete" => {
            if let Some(rolling) = rolling {
                let shown = internal::printed("RollingUpdateStatefulSetStrategy", rolling);
                report.invalid_printed(&rolling_at, &shown, "only allowed for updateStrategy 'RollingUpdate'");
            }
        }
        "RollingUpdate" => {
            let Some(rolling) = rolling else { return };
            report.non_negative(&rolling_at.child("partition"), &rolling["partition"]);
            if let Some(most) = given(rolling, "maxUnavailable") {
                let at = rolling_at.child("maxUnavailable");
                report.count_or_percent(&at, most);
                if count(most) == 0 {
                    report.invalid(&at, most.clone(), "cannot be 0");
                }
                report.at_most_100_percent(&at, most);
            }
        }
        _ => {
            let shown = internal::printed("StatefulSetUpdateStrategy", own);
            report.invalid_printed(at, &shown, "must be 'RollingUpdate' or 'OnDelete'");
        }
    }
}

/// Fields of a stateful set that may change.
const STATEFUL_MUTABLE: [&str; 7] = [
    "replicas",
    "template",
    "updateStrategy",
    "minReadySeconds",
    "ordinals",
    "revisionHistoryLimit",
    "persistentVolumeClaimRetentionPolicy",
];

pub(super) fn update_stateful_set(old: &Value, new: &Value, report: &mut Report) {
    let mut lenient = Leniency { service_name: true, claims: true, template: false };
    let mut before = Report::default();
    stateful(&old["spec"], lenient, &mut before);
    lenient.template = !before.errors.is_empty();
    stateful(&new["spec"], lenient, report);
    let rest = |object: &Value| {
        let mut spec = object["spec"].clone();
        if let Some(map) = spec.as_object_mut() {
            STATEFUL_MUTABLE.iter().for_each(|field| drop(map.remove(*field)));
        }
        spec
    };
    if !same(&rest(old), &rest(new)) {
        let words = "updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', 'updateStrategy', 'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are forbidden";
        report.forbidden(&At::root("spec"), words);
    }
}

pub(super) fn replication_controller(object: &Value, report: &mut Report) {
    let (own, at) = (&object["spec"], At::root("spec"));
    report.non_negative(&at.child("minReadySeconds"), &own["minReadySeconds"]);
    let picking = own["selector"].as_object().filter(|map| !map.is_empty());
    if picking.is_none() {
        report.required(&at.child("selector"), "");
    }
    if given(own, "replicas").is_none() {
        report.required(&at.child("replicas"), "");
    }
    report.non_negative(&at.child("replicas"), &own["replicas"]);
    let template_at = at.child("template");
    let Some(template) = given(own, "template") else { return report.required(&template_at, "") };
    let labels = &template["metadata"]["labels"];
    if picking.is_some_and(|map| map.iter().any(|(key, value)| labels.get(key) != Some(value))) {
        report.invalid(&template_at.child("metadata.labels"), labels.clone(), NO_MATCH);
    }
    pod::template(template, &template_at, report);
    lasting(own, "ReplicationController", &at, report);
}

/// Counts in a status that stand for themselves.
pub(super) fn counts(object: &Value, fields: &[&str], report: &mut Report) {
    report.non_negative_children(&At::root("status"), &object["status"], fields);
}

/// Counts in the status of a set.
pub(super) fn status(object: &Value, fields: &[&str], report: &mut Report) {
    let (own, at) = (&object["status"], At::root("status"));
    report.non_negative_children(&at, own, fields);
    let total = number(own, "replicas");
    let bounded = ["fullyLabeledReplicas", "updatedReplicas", "readyReplicas", "currentReplicas", "availableReplicas"];
    for field in bounded.into_iter().filter(|field| fields.contains(field)) {
        if number(own, field) > total {
            report.invalid(&at.child(field), number(own, field), "cannot be greater than status.replicas");
        }
    }
    let available = number(own, "availableReplicas");
    if fields.contains(&"readyReplicas") && available > number(own, "readyReplicas") {
        let words = if fields.contains(&"currentReplicas") {
            "cannot be greater than status.readyReplicas"
        } else {
            "cannot be greater than readyReplicas"
        };
        report.invalid(&at.child("availableReplicas"), available, words);
    }
}
