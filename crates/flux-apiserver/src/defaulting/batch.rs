//! Jobs and cron jobs.

use serde_json::Value;

use super::core::own_labels;
use super::fill::{given, items, section, set, spec};
use super::pod;

pub(super) fn job(object: &mut Value) {
    let labels = object.pointer("/spec/template/metadata/labels").filter(|labels| labels.is_object()).cloned();
    let Some(spec) = spec(object) else { return };
    let parallel = spec.get("parallelism").is_some_and(|own| !own.is_null());
    if !parallel && spec.get("completions").is_none_or(Value::is_null) {
        spec.insert("completions".into(), 1.into());
    }
    set(spec, "parallelism", 1);
    let indexed_limit = spec.get("backoffLimitPerIndex").is_some_and(|own| !own.is_null());
    // With a limit per index the whole has none worth naming.
    set(spec, "backoffLimit", if indexed_limit { i64::from(i32::MAX) } else { 6 });
    set(spec, "completionMode", "NonIndexed");
    set(spec, "suspend", false);
    set(spec, "manualSelector", false);
    failure_policy(spec);
    let replaced =
        if spec.get("podFailurePolicy").is_some_and(|own| !own.is_null()) { "Failed" } else { "TerminatingOrFailed" };
    set(spec, "podReplacementPolicy", replaced);
    pod::template_in(spec, "template");
    if let Some(labels) = labels {
        own_labels(object, labels);
    }
}

/// A pod condition of a failure rule is met when it is true.
fn failure_policy(spec: &mut super::fill::Members) {
    let Some(policy) = given(spec, "podFailurePolicy") else { return };
    for rule in items(policy, "rules") {
        items(rule, "onPodConditions").for_each(|pattern| set(pattern, "status", "True"));
    }
}

pub(super) fn cron_job(object: &mut Value) {
    let Some(spec) = spec(object) else { return };
    set(spec, "concurrencyPolicy", "Allow");
    set(spec, "suspend", false);
    set(spec, "successfulJobsHistoryLimit", 3);
    set(spec, "failedJobsHistoryLimit", 1);
    if let Some(job) = given(spec, "jobTemplate").and_then(|template| section(template, "spec")) {
        failure_policy(job);
        pod::template_in(job, "template");
    }
}
