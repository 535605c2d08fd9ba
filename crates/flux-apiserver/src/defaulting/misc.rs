//! Kinds with a default or two.

use serde_json::{Value, json};

use super::fill::{Members, given, items, section, set, set_number, spec, text};

const RBAC: &str = "rbac.authorization.k8s.io";

pub(super) fn role_binding(object: &mut Value) {
    let Some(members) = object.as_object_mut() else { return };
    if let Some(role) = section(members, "roleRef") {
        set(role, "apiGroup", RBAC);
    }
    for subject in items(members, "subjects") {
        if matches!(text(subject, "kind"), "User" | "Group") {
            set(subject, "apiGroup", RBAC);
        }
    }
}

pub(super) fn priority_class(object: &mut Value) {
    if let Some(members) = object.as_object_mut() {
        set(members, "preemptionPolicy", "PreemptLowerPriority");
    }
}

pub(super) fn flow_schema(object: &mut Value) {
    if let Some(spec) = spec(object) {
        set_number(spec, "matchingPrecedence", 1000);
    }
}

pub(super) fn priority_level(object: &mut Value) {
    let Some(spec) = spec(object) else { return };
    if let Some(exempt) = given(spec, "exempt") {
        set(exempt, "nominalConcurrencyShares", 0);
        set(exempt, "lendablePercent", 0);
    }
    let Some(limited) = given(spec, "limited") else { return };
    set(limited, "nominalConcurrencyShares", 30);
    set(limited, "lendablePercent", 0);
    if let Some(queuing) = given(limited, "limitResponse").and_then(|response| given(response, "queuing")) {
        set_number(queuing, "handSize", 8);
        set_number(queuing, "queues", 64);
        set_number(queuing, "queueLengthLimit", 50);
    }
}

pub(super) fn resource_claim(object: &mut Value) {
    let Some(mut claim) = spec(object) else { return };
    if claim.contains_key("spec") {
        let Some(inner) = given(claim, "spec") else { return };
        claim = inner;
    }
    let Some(devices) = given(claim, "devices") else { return };
    for request in items(devices, "requests") {
        given(request, "exactly").into_iter().for_each(count);
        items(request, "firstAvailable").for_each(count);
    }
}

fn count(request: &mut Members) {
    set(request, "allocationMode", "ExactCount");
    if text(request, "allocationMode") == "ExactCount" {
        set_number(request, "count", 1);
    }
}

/// Names that follow from the kind; no conversion.
pub(super) fn definition(object: &mut Value) {
    let Some(spec) = spec(object) else { return };
    if let Some(names) = section(spec, "names") {
        let kind = text(names, "kind").to_owned();
        if !kind.is_empty() {
            set(names, "singular", kind.to_lowercase());
            set(names, "listKind", format!("{kind}List"));
        }
    }
    if let Some(conversion) = section(spec, "conversion") {
        set(conversion, "strategy", "None");
        let config = given(conversion, "webhook").and_then(|webhook| given(webhook, "clientConfig"));
        if let Some(service) = config.and_then(|config| given(config, "service")) {
            set(service, "port", 443);
        }
    }
}

pub(super) fn api_service(object: &mut Value) {
    if let Some(service) = spec(object).and_then(|spec| given(spec, "service")) {
        set(service, "port", json!(443));
    }
}
