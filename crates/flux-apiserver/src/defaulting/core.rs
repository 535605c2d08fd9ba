//! Small kinds of the core group.

use base64::Engine as _;
use serde_json::Value;

use super::fill::{copy_missing, given, is_empty, items, round_up, section, set, spec, text};
use super::pod;

/// Replicas, and the labels of the template as selector and labels.
pub(super) fn replication_controller(object: &mut Value) {
    let labels = object.pointer("/spec/template/metadata/labels").filter(|labels| labels.is_object()).cloned();
    let Some(spec) = spec(object) else { return };
    set(spec, "replicas", 1);
    pod::template_in(spec, "template");
    let Some(labels) = labels else { return };
    if is_empty(spec.get("selector")) {
        spec.insert("selector".into(), labels.clone());
    }
    own_labels(object, labels);
}

/// Gives an object without labels those of its template.
pub(super) fn own_labels(object: &mut Value, labels: Value) {
    let Some(meta) = object.as_object_mut().and_then(|members| section(members, "metadata")) else { return };
    if is_empty(meta.get("labels")) {
        meta.insert("labels".into(), labels);
    }
}

/// The type; and texts become data, over what is there.
pub(super) fn secret(object: &mut Value) {
    let Some(members) = object.as_object_mut() else { return };
    set(members, "type", "Opaque");
    if let Some(data) = given(members, "data") {
        data.values_mut().filter(|value| value.is_null()).for_each(|value| *value = "".into());
    }
    let Some(Value::Object(texts)) = members.remove("stringData") else { return };
    if texts.is_empty() {
        return;
    }
    if let Some(data) = section(members, "data") {
        for (key, text) in texts {
            let text = text.as_str().unwrap_or_default();
            data.insert(key, base64::engine::general_purpose::STANDARD.encode(text).into());
        }
    }
}

/// The label with its name; the phase.
pub(super) fn namespace(object: &mut Value) {
    let Some(members) = object.as_object_mut() else { return };
    if let Some(meta) = section(members, "metadata") {
        let name = text(meta, "name").to_owned();
        if !name.is_empty()
            && let Some(labels) = section(meta, "labels")
        {
            labels.insert("kubernetes.io/metadata.name".into(), name.into());
        }
    }
    if let Some(status) = section(members, "status") {
        set(status, "phase", "Active");
    }
}

/// What a node can give away is what it has, unless it says less; one pod range is a list of one.
pub(super) fn node(object: &mut Value) {
    if let Some(spec) = object.as_object_mut().and_then(|members| given(members, "spec")) {
        let range = text(spec, "podCIDR").to_owned();
        if !range.is_empty() && is_empty(spec.get("podCIDRs")) {
            spec.insert("podCIDRs".into(), vec![range].into());
        }
    }
    let Some(status) = object.as_object_mut().and_then(|members| given(members, "status")) else { return };
    round_up(status, "capacity");
    round_up(status, "allocatable");
    if is_empty(status.get("allocatable"))
        && let Some(capacity) = status.get("capacity").cloned()
    {
        status.insert("allocatable".into(), capacity);
    }
}

pub(super) fn endpoints(object: &mut Value) {
    let Some(members) = object.as_object_mut() else { return };
    for subset in items(members, "subsets") {
        items(subset, "ports").for_each(|port| set(port, "protocol", "TCP"));
    }
}

/// Limits of containers: the default is the maximum, the request the default or else the minimum.
pub(super) fn limit_range(object: &mut Value) {
    let Some(spec) = spec(object) else { return };
    for item in items(spec, "limits") {
        for list in ["max", "min", "default", "defaultRequest", "maxLimitRequestRatio"] {
            round_up(item, list);
        }
        if text(item, "type") == "Container" {
            copy_missing(item, "max", "default");
            copy_missing(item, "default", "defaultRequest");
            copy_missing(item, "min", "defaultRequest");
        }
    }
}

pub(super) fn quota(object: &mut Value) {
    if let Some(spec) = spec(object) {
        round_up(spec, "hard");
    }
    if let Some(status) = object.as_object_mut().and_then(|members| given(members, "status")) {
        round_up(status, "hard");
        round_up(status, "used");
    }
}
