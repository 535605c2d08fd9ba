//! Workloads.

use serde_json::{Value, json};

use super::fill::{Members, is_unset, items, section, set, spec, text};
use super::{pod, storage};

pub(super) fn deployment(object: &mut Value) {
    let Some(spec) = spec(object) else { return };
    set(spec, "replicas", 1);
    set(spec, "revisionHistoryLimit", 10);
    set(spec, "progressDeadlineSeconds", 600);
    if let Some(strategy) = section(spec, "strategy") {
        rolling(strategy, json!("25%"), Some(json!("25%")));
    }
    pod::template_in(spec, "template");
}

/// The strategy of an update, rolling unless it says otherwise.
fn rolling(strategy: &mut Members, unavailable: Value, surge: Option<Value>) {
    set(strategy, "type", "RollingUpdate");
    if text(strategy, "type") != "RollingUpdate" {
        return;
    }
    if let Some(rolling) = section(strategy, "rollingUpdate") {
        set(rolling, "maxUnavailable", unavailable);
        if let Some(surge) = surge {
            set(rolling, "maxSurge", surge);
        }
    }
}

pub(super) fn daemon_set(object: &mut Value) {
    // An internal field that this version shows as an annotation.
    if let Some(annotations) = object
        .as_object_mut()
        .and_then(|members| section(members, "metadata"))
        .and_then(|meta| section(meta, "annotations"))
    {
        set(annotations, "deprecated.daemonset.template.generation", "0");
    }
    let Some(spec) = spec(object) else { return };
    if let Some(strategy) = section(spec, "updateStrategy") {
        rolling(strategy, json!(1), Some(json!(0)));
    }
    set(spec, "revisionHistoryLimit", 10);
    pod::template_in(spec, "template");
}

pub(super) fn replica_set(object: &mut Value) {
    let Some(spec) = spec(object) else { return };
    set(spec, "replicas", 1);
    pod::template_in(spec, "template");
}

pub(super) fn stateful_set(object: &mut Value) {
    let Some(spec) = spec(object) else { return };
    set(spec, "podManagementPolicy", "OrderedReady");
    if let Some(strategy) = section(spec, "updateStrategy") {
        if is_unset(strategy.get("type")) {
            strategy.insert("type".into(), "RollingUpdate".into());
            section(strategy, "rollingUpdate");
        }
        if text(strategy, "type") == "RollingUpdate"
            && let Some(rolling) = strategy.get_mut("rollingUpdate").and_then(Value::as_object_mut)
        {
            set(rolling, "partition", 0);
        }
    }
    if let Some(policy) = section(spec, "persistentVolumeClaimRetentionPolicy") {
        set(policy, "whenDeleted", "Retain");
        set(policy, "whenScaled", "Retain");
    }
    set(spec, "replicas", 1);
    set(spec, "revisionHistoryLimit", 10);
    pod::template_in(spec, "template");
    for claim in items(spec, "volumeClaimTemplates") {
        set(claim, "apiVersion", "v1");
        set(claim, "kind", "PersistentVolumeClaim");
        section(claim, "spec").into_iter().for_each(storage::claim_spec);
        if let Some(status) = section(claim, "status") {
            set(status, "phase", "Pending");
        }
    }
}
