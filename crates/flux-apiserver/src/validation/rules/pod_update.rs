//! What an update of a pod may change: next to nothing.

use serde_json::{Map, Value};

use super::at::At;
use super::report::{Report, given, items, same, text};
use super::{internal, pod};

const UPDATABLE: &str = "pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)";
const MIRROR: &str = "kubernetes.io/config.mirror";
const APP_ARMOR: &str = "container.apparmor.security.beta.kubernetes.io/";

pub(super) fn check(old: &Value, new: &Value, report: &mut Report) {
    annotations(&old["metadata"], &new["metadata"], report);
    let (before, after) = (&old["spec"], &new["spec"]);
    let at = At::root("spec");
    for list in ["containers", "initContainers"] {
        if items(before, list).len() != items(after, list).len() {
            return report.forbidden(&at.child(list), "pod updates may not add or remove containers");
        }
        for (index, container) in items(after, list).iter().enumerate() {
            let (list, image) = (at.child(list), text(container, "image"));
            let at = list.index(index);
            report.required_text(&at.child("image"), &container["image"]);
            if image.trim() != image {
                report.invalid(&at.child("image"), image, "must not have leading or trailing whitespace");
            }
        }
    }
    if !deadline(before, after, &at.child("activeDeadlineSeconds"), report) {
        return;
    }
    tolerations(before, after, &at.child("tolerations"), report);
    gates(before, after, &at.child("schedulingGates"), report);
    if !same(before, after) {
        frozen(before, after, &at, report);
    }
}

/// Annotations that last as long as the pod.
fn annotations(old: &Value, new: &Value, report: &mut Report) {
    let meta = At::root("metadata");
    let at = meta.child("annotations");
    let empty = Map::new();
    let (old, new) = (&old["annotations"], &new["annotations"]);
    let (old, new) = (old.as_object().unwrap_or(&empty), new.as_object().unwrap_or(&empty));
    for (key, _) in old.iter().filter(|(key, value)| new.get(*key) != Some(value)) {
        if key.starts_with(APP_ARMOR) {
            report.forbidden(&at.key(key), "may not remove or update AppArmor annotations");
        }
        if key == MIRROR {
            report.forbidden(&at.key(key), "may not remove or update mirror pod annotation");
        }
    }
    for key in new.keys().filter(|key| !old.contains_key(*key)) {
        if key.starts_with(APP_ARMOR) {
            report.forbidden(&at.key(key), "may not add AppArmor annotations");
        }
        if key == MIRROR {
            report.forbidden(&at.key(key), "may not add mirror pod annotation");
        }
    }
}

/// A deadline may only come nearer; whether to go on.
fn deadline(before: &Value, after: &Value, at: &At<'_>, report: &mut Report) -> bool {
    let (old, new) = (before["activeDeadlineSeconds"].as_i64(), after["activeDeadlineSeconds"].as_i64());
    match (old, new) {
        (_, Some(new)) if !(0..=i64::from(i32::MAX)).contains(&new) => {
            report.invalid(at, new, format!("must be between 0 and {}, inclusive", i32::MAX));
            return false;
        }
        (Some(old), Some(new)) if old < new => {
            report.invalid(at, new, "must be less than or equal to previous value");
            return false;
        }
        (Some(_), None) => report.invalid(at, Value::Null, "must not update from a positive integer to nil value"),
        _ => {}
    }
    true
}

fn tolerations(before: &Value, after: &Value, at: &At<'_>, report: &mut Report) {
    let apart = |toleration: &Value| {
        let mut toleration = toleration.clone();
        if let Some(map) = toleration.as_object_mut() {
            map.remove("tolerationSeconds");
        }
        toleration
    };
    let kept = |old: &Value| items(after, "tolerations").iter().any(|new| apart(new) == apart(old));
    if items(before, "tolerations").iter().all(kept) {
        pod::tolerations(after, at, report);
    } else {
        report.forbidden(at, "existing toleration can not be modified except its tolerationSeconds");
    }
}

fn gates(before: &Value, after: &Value, at: &At<'_>, report: &mut Report) {
    for (index, gate) in items(after, "schedulingGates").iter().enumerate() {
        let name = text(gate, "name");
        if !items(before, "schedulingGates").iter().any(|old| text(old, "name") == name) {
            let words = format!("only deletion is allowed, but found new scheduling gate '{name}'");
            report.forbidden(&at.index(index).child("name"), words);
        }
    }
}

/// Everything but what may change must be as before.
fn frozen(before: &Value, after: &Value, at: &At<'_>, report: &mut Report) {
    let mut munged = after.clone();
    for list in ["containers", "initContainers"] {
        let Some(containers) = munged.get_mut(list).and_then(Value::as_array_mut) else { continue };
        for (container, old) in containers.iter_mut().zip(items(before, list)) {
            put(container, "image", &old["image"]);
        }
    }
    let mut fields = vec!["activeDeadlineSeconds", "schedulingGates", "tolerations"];
    let (was, is) = (&before["terminationGracePeriodSeconds"], &after["terminationGracePeriodSeconds"]);
    if was.as_i64().is_some_and(|was| was < 0) && is.as_i64() == Some(1) {
        fields.push("terminationGracePeriodSeconds");
    }
    if !items(before, "schedulingGates").is_empty() {
        selection(before, after, at, report);
        fields.push("nodeSelector");
        let affinity = &before["affinity"]["nodeAffinity"];
        if !same(affinity, &after["affinity"]["nodeAffinity"]) {
            if !munged["affinity"].is_object() {
                put(&mut munged, "affinity", &Value::Object(Map::new()));
            }
            put(&mut munged["affinity"], "nodeAffinity", affinity);
            let empty = munged["affinity"].as_object().is_some_and(Map::is_empty);
            if empty && given(before, "affinity").is_none() {
                put(&mut munged, "affinity", &Value::Null);
            }
        }
    }
    for field in fields {
        put(&mut munged, field, &before[field]);
    }
    if !same(before, &munged) {
        let text = internal::difference("PodSpec", before, &munged);
        report.forbidden(at, format!("{UPDATABLE}\n{text}"));
    }
}

fn put(object: &mut Value, key: &str, value: &Value) {
    if let Some(map) = object.as_object_mut() {
        crate::object::put(map, key, Some(value.clone()).filter(|value| !value.is_null()));
    }
}

/// A gated pod may narrow where it goes.
fn selection(before: &Value, after: &Value, at: &At<'_>, report: &mut Report) {
    let (old, new) = (&before["nodeSelector"], &after["nodeSelector"]);
    if !same(old, new) {
        let kept = old.as_object().into_iter().flatten().all(|(key, value)| new.get(key) == Some(value));
        if !kept {
            let selector = at.child("nodeSelector");
            report.invalid(
                &selector,
                new.clone(),
                "only additions to spec.nodeSelector are allowed (no mutations or deletions)",
            );
        }
    }
}
