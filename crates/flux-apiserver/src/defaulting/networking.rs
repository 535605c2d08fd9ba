//! Network policies, ingress classes, endpoint slices.

use serde_json::{Value, json};

use super::fill::{given, is_empty, items, set, spec};

pub(super) fn policy(object: &mut Value) {
    let Some(spec) = spec(object) else { return };
    for direction in ["ingress", "egress"] {
        for rule in items(spec, direction) {
            items(rule, "ports").for_each(|port| set(port, "protocol", "TCP"));
        }
    }
    if is_empty(spec.get("policyTypes")) {
        let both = !is_empty(spec.get("egress"));
        spec.insert("policyTypes".into(), if both { json!(["Ingress", "Egress"]) } else { json!(["Ingress"]) });
    }
}

pub(super) fn ingress_class(object: &mut Value) {
    if let Some(parameters) = spec(object).and_then(|spec| given(spec, "parameters")) {
        set(parameters, "scope", "Cluster");
    }
}

pub(super) fn endpoint_slice(object: &mut Value) {
    let Some(members) = object.as_object_mut() else { return };
    for port in items(members, "ports") {
        if port.get("name").is_none_or(Value::is_null) {
            port.insert("name".into(), "".into());
        }
        set(port, "protocol", "TCP");
    }
}
