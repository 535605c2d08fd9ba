//! Webhooks and admission policies.

use serde_json::{Value, json};

use super::fill::{Members, given, is_empty, items, section, set, spec};

pub(super) fn validating(object: &mut Value) {
    each_webhook(object, |_| {});
}

pub(super) fn mutating(object: &mut Value) {
    each_webhook(object, |webhook| set(webhook, "reinvocationPolicy", "Never"));
}

fn each_webhook(object: &mut Value, more: impl Fn(&mut Members)) {
    let Some(members) = object.as_object_mut() else { return };
    for webhook in items(members, "webhooks") {
        set(webhook, "failurePolicy", "Fail");
        set(webhook, "matchPolicy", "Equivalent");
        set(webhook, "namespaceSelector", json!({}));
        set(webhook, "objectSelector", json!({}));
        set(webhook, "timeoutSeconds", 10);
        items(webhook, "rules").for_each(|rule| set(rule, "scope", "*"));
        if let Some(service) = given(webhook, "clientConfig").and_then(|config| given(config, "service")) {
            set(service, "port", 443);
        }
        more(webhook);
    }
}

pub(super) fn policy(object: &mut Value) {
    let Some(spec) = spec(object) else { return };
    set(spec, "failurePolicy", "Fail");
    given(spec, "matchConstraints").into_iter().for_each(resources);
}

pub(super) fn binding(object: &mut Value) {
    let Some(spec) = spec(object) else { return };
    given(spec, "matchResources").into_iter().for_each(resources);
    if let Some(parameters) = given(spec, "paramRef")
        && is_empty(parameters.get("selector"))
    {
        parameters.retain(|key, value| key != "selector" || !value.is_null());
    }
}

fn resources(matches: &mut Members) {
    set(matches, "matchPolicy", "Equivalent");
    section(matches, "namespaceSelector");
    section(matches, "objectSelector");
    for list in ["resourceRules", "excludeResourceRules"] {
        items(matches, list).for_each(|rule| set(rule, "scope", "*"));
    }
}
