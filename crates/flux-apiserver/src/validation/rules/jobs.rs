//! Jobs and cron jobs.

use serde_json::{Value, json};

use super::at::At;
use super::report::{IMMUTABLE, Report, given, is_true, items, number, same, text};
use super::{cron, internal, job_policies, pod, selector};
use crate::names;

const INDEXED_MAX: i64 = 100_000;
const BUSY_MAX: i64 = 10_000;
const MANAGER_MAX: usize = 63;
const CRON_NAME_MAX: usize = 52;

fn is_indexed(own: &Value) -> bool {
    text(own, "completionMode") == "Indexed"
}

pub(super) fn job(object: &Value, report: &mut Report) {
    let own = &object["spec"];
    generated(object, report);
    spec_with_selector(own, &At::root("spec"), report);
    if let Some(completions) = own["completions"].as_i64().filter(|count| *count > 0 && is_indexed(own)) {
        let name = text(&object["metadata"], "name");
        let host = format!("{name}-{}", completions - 1);
        if !names::dns_label(&host).is_empty() {
            let words = format!("will not able to create pod with invalid DNS label: {host}");
            report.invalid(&At::root("metadata").child("name"), name, words);
        }
    }
}

/// Labels and selector that the server itself gives.
fn generated(object: &Value, report: &mut Report) {
    let own = &object["spec"];
    if is_true(&own["manualSelector"]) || own["selector"].is_null() {
        return;
    }
    let (uid, name) = (text(&object["metadata"], "uid"), text(&object["metadata"], "name"));
    let wanted = [
        ("controller-uid", uid),
        ("job-name", name),
        ("batch.kubernetes.io/controller-uid", uid),
        ("batch.kubernetes.io/job-name", name),
    ];
    let labels = &own["template"]["metadata"]["labels"];
    let at = At::root("spec.template.metadata.labels");
    for (key, value) in wanted {
        let words = format!("must be '{value}'");
        match labels[key].as_str() {
            None => report.required(&at.key(key), &words),
            Some(other) if other != value => report.invalid(&at.key(key), labels.clone(), words),
            Some(_) => {}
        }
    }
    let expected: Value = wanted.iter().map(|(key, value)| ((*key).to_owned(), json!(value))).collect();
    if selector::is_usable(&own["selector"]) && !selector::picks(&own["selector"], &expected) {
        let shown = selector::printed(&own["selector"]);
        report.invalid_printed(&At::root("spec.selector"), &shown, "`selector` not auto-generated");
    }
}

fn spec_with_selector(own: &Value, at: &At<'_>, report: &mut Report) {
    spec(own, at, report);
    match given(own, "selector") {
        None => report.required(&at.child("selector"), ""),
        Some(picking) => selector::check(picking, &at.child("selector"), report),
    }
    let labels = &own["template"]["metadata"]["labels"];
    if selector::is_usable(&own["selector"]) && !selector::picks(&own["selector"], labels) {
        let words = "`selector` does not match template `labels`";
        report.invalid(&at.child("template.metadata.labels"), labels.clone(), words);
    }
}

fn spec(own: &Value, at: &At<'_>, report: &mut Report) {
    let counts = [
        "parallelism",
        "completions",
        "activeDeadlineSeconds",
        "backoffLimit",
        "ttlSecondsAfterFinished",
        "backoffLimitPerIndex",
        "maxFailedIndexes",
    ];
    report.non_negative_children(at, own, &counts);
    if given(own, "maxFailedIndexes").is_some() && given(own, "backoffLimitPerIndex").is_none() {
        report.required(&at.child("backoffLimitPerIndex"), "when maxFailedIndexes is specified");
    }
    if let Some(manager) = own["managedBy"].as_str() {
        report.domain_prefixed_path(&at.child("managedBy"), manager);
        if manager.len() > MANAGER_MAX {
            report.too_long(&at.child("managedBy"), MANAGER_MAX);
        }
    }
    report.one_of(&at.child("completionMode"), &own["completionMode"], &["NonIndexed", "Indexed"]);
    if is_indexed(own) {
        indexed(own, at, report);
    }
    if matches!(text(own, "completionMode"), "" | "NonIndexed") {
        for field in ["backoffLimitPerIndex", "maxFailedIndexes"] {
            if let Some(value) = given(own, field) {
                report.invalid(&at.child(field), value.clone(), "requires indexed completion mode");
            }
        }
    }
    if let Some(policy) = given(own, "podFailurePolicy") {
        job_policies::failure(own, policy, &at.child("podFailurePolicy"), report);
    }
    if let Some(policy) = given(own, "successPolicy") {
        if is_indexed(own) {
            job_policies::success(own, policy, &at.child("successPolicy"), report);
        } else {
            let shown = internal::printed("SuccessPolicy", policy);
            report.invalid_printed(&at.child("successPolicy"), &shown, "requires indexed completion mode");
        }
    }
    let replacing: &[&str] =
        if given(own, "podFailurePolicy").is_some() { &["Failed"] } else { &["Failed", "TerminatingOrFailed"] };
    report.one_of(&at.child("podReplacementPolicy"), &own["podReplacementPolicy"], replacing);
    pod::template(&own["template"], &at.child("template"), report);
    restart_policy(own, &at.child("template.spec.restartPolicy"), report);
}

fn restart_policy(own: &Value, at: &At<'_>, report: &mut Report) {
    match text(&own["template"]["spec"], "restartPolicy") {
        "Always" | "" => report.required(at, "valid values: \"OnFailure\", \"Never\""),
        "Never" => {}
        "OnFailure" => {
            if given(own, "podFailurePolicy").is_some() {
                report.invalid(at, "OnFailure", "only \"Never\" is supported when podFailurePolicy is specified");
            }
        }
        other => report.not_supported(at, other, &["OnFailure", "Never"]),
    }
}

fn indexed(own: &Value, at: &At<'_>, report: &mut Report) {
    let completions = own["completions"].as_i64();
    let (parallelism, failed) = (own["parallelism"].as_i64(), own["maxFailedIndexes"].as_i64());
    if completions.is_none() {
        report.required(&at.child("completions"), "when completion mode is Indexed");
    }
    if let Some(count) = parallelism.filter(|count| *count > INDEXED_MAX) {
        let words = format!("must be less than or equal to {INDEXED_MAX} when completion mode is Indexed");
        report.invalid(&at.child("parallelism"), count, words);
    }
    let Some(completions) = completions else { return };
    if let Some(failed) = failed.filter(|failed| *failed > completions) {
        report.invalid(&at.child("maxFailedIndexes"), failed, "must be less than or equal to completions");
    }
    if let Some(failed) = failed.filter(|failed| *failed > INDEXED_MAX) {
        let words = format!("must be less than or equal to {INDEXED_MAX}");
        report.invalid(&at.child("maxFailedIndexes"), failed, words);
    }
    if completions > INDEXED_MAX && given(own, "backoffLimitPerIndex").is_some() {
        if failed.is_none() {
            let words = format!("must be specified when completions is above {INDEXED_MAX}");
            report.required(&at.child("maxFailedIndexes"), &words);
        }
        for (field, value) in [("parallelism", parallelism), ("maxFailedIndexes", failed)] {
            if let Some(value) = value.filter(|value| *value > BUSY_MAX) {
                let words = format!(
                    "must be less than or equal to {BUSY_MAX} when completions are above {INDEXED_MAX} and used with backoff limit per index"
                );
                report.invalid(&at.child(field), value, words);
            }
        }
    }
}

pub(super) fn update_job(old: &Value, new: &Value, report: &mut Report) {
    let at = At::root("spec");
    let (before, after) = (&old["spec"], &new["spec"]);
    spec_with_selector(after, &at, report);
    completions(before, after, &at.child("completions"), report);
    report.immutable_selector(&at.child("selector"), &before["selector"], &after["selector"]);
    template(old, before, after, &at.child("template"), report);
    report.immutable(&at.child("completionMode"), &before["completionMode"], &after["completionMode"]);
    printed_immutable("PodFailurePolicy", "podFailurePolicy", before, after, &at, report);
    for field in ["backoffLimitPerIndex", "managedBy"] {
        report.immutable(&at.child(field), &before[field], &after[field]);
    }
    printed_immutable("SuccessPolicy", "successPolicy", before, after, &at, report);
}

fn printed_immutable(shape: &str, field: &str, before: &Value, after: &Value, at: &At<'_>, report: &mut Report) {
    if !same(&before[field], &after[field]) {
        let shown = internal::printed(&format!("*{shape}"), &after[field]);
        report.invalid_printed(&at.child(field), &shown, IMMUTABLE);
    }
}

fn completions(before: &Value, after: &Value, at: &At<'_>, report: &mut Report) {
    if !is_indexed(after) {
        return report.immutable(at, &before["completions"], &after["completions"]);
    }
    let Some(own) = after["completions"].as_i64().filter(|own| before["completions"].as_i64() != Some(*own)) else {
        return;
    };
    if own != number(after, "parallelism") {
        report.invalid(at, own, "can only be modified in tandem with spec.parallelism");
    }
}

/// A job that waits and never ran may still choose where to run.
fn template(old: &Value, before: &Value, after: &Value, at: &At<'_>, report: &mut Report) {
    let waiting = is_true(&before["suspend"]) && given(&old["status"], "startTime").is_none();
    let mut template = before["template"].clone();
    if waiting && template["spec"].is_object() {
        let new = &after["template"];
        for field in ["nodeSelector", "tolerations", "schedulingGates"] {
            put(&mut template["spec"], field, &new["spec"][field]);
        }
        let node = &new["spec"]["affinity"]["nodeAffinity"];
        if !template["spec"]["affinity"].is_object() && !node.is_null() {
            put(&mut template["spec"], "affinity", &json!({}));
        }
        if template["spec"]["affinity"].is_object() {
            put(&mut template["spec"]["affinity"], "nodeAffinity", node);
            if template["spec"]["affinity"] == json!({}) && new["spec"]["affinity"].is_null() {
                put(&mut template["spec"], "affinity", &Value::Null);
            }
        }
        for field in ["annotations", "labels"] {
            if !template["metadata"].is_object() {
                put(&mut template, "metadata", &json!({}));
            }
            put(&mut template["metadata"], field, &new["metadata"][field]);
        }
    }
    if !same(&template, &after["template"]) {
        let shown = internal::printed("PodTemplateSpec", &after["template"]);
        report.invalid_printed(at, &shown, IMMUTABLE);
    }
}

fn put(object: &mut Value, key: &str, value: &Value) {
    if let Some(map) = object.as_object_mut() {
        crate::object::put(map, key, Some(value.clone()).filter(|value| !value.is_null()));
    }
}

pub(super) fn cron_job(object: &Value, report: &mut Report) {
    cron_spec(None, &object["spec"], report);
    let name = text(&object["metadata"], "name");
    if name.len() > CRON_NAME_MAX {
        report.invalid(&At::root("metadata.name"), name, names::max_chars(CRON_NAME_MAX));
    }
}

pub(super) fn update_cron_job(old: &Value, new: &Value, report: &mut Report) {
    cron_spec(Some(&old["spec"]), &new["spec"], report);
}

fn cron_spec(old: Option<&Value>, own: &Value, report: &mut Report) {
    let at = At::root("spec");
    let (schedule, zone) = (text(own, "schedule"), given(own, "timeZone"));
    let schedule_at = at.child("schedule");
    if schedule.is_empty() {
        report.required(&schedule_at, "");
    } else {
        if let Err(error) = cron::check(schedule) {
            report.invalid(&schedule_at, schedule, error);
        }
        let zoned = schedule.contains("TZ");
        if old.is_some_and(|old| text(old, "schedule").contains("TZ")) {
            if zoned && zone.is_some() {
                report.invalid(&schedule_at, schedule, "cannot use both timeZone field and TZ or CRON_TZ in schedule");
            }
        } else if zoned {
            let words = "cannot use TZ or CRON_TZ in schedule, use timeZone field instead";
            report.invalid(&schedule_at, schedule, words);
        }
    }
    report.non_negative(&at.child("startingDeadlineSeconds"), &own["startingDeadlineSeconds"]);
    if let Some(zone) = zone.and_then(Value::as_str)
        && old.is_none_or(|old| old["timeZone"] != zone)
    {
        time_zone(zone, &at.child("timeZone"), report);
    }
    let policies = ["Allow", "Forbid", "Replace"];
    report.required_one_of(&at.child("concurrencyPolicy"), &own["concurrencyPolicy"], &policies);
    let template_at = at.child("jobTemplate");
    spec_of_template(&own["jobTemplate"]["spec"], &template_at.child("spec"), report);
    report.non_negative_children(&at, own, &["successfulJobsHistoryLimit", "failedJobsHistoryLimit"]);
}

fn spec_of_template(own: &Value, at: &At<'_>, report: &mut Report) {
    spec(own, at, report);
    if let Some(own) = given(own, "selector") {
        report.invalid_printed(&at.child("selector"), &selector::printed(own), "`selector` will be auto-generated");
    }
    if is_true(&own["manualSelector"]) {
        report.not_supported_printed(&at.child("manualSelector"), "true", &["nil", "false"]);
    }
}

fn time_zone(zone: &str, at: &At<'_>, report: &mut Report) {
    if zone.is_empty() {
        return report.invalid(at, "", "timeZone must be nil or non-empty string");
    }
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_' | b'+');
    let part = |part: &str| {
        !matches!(part, "." | "..")
            && !part.starts_with('-')
            && (1..=14).contains(&part.len())
            && part.bytes().all(plain)
    };
    if !zone.split('/').all(part) {
        return report.invalid(at, zone, format!("unknown time zone {zone}"));
    }
    if zone.eq_ignore_ascii_case("Local") {
        let words = "timeZone must be an explicit time zone as defined in https://www.iana.org/time-zones";
        report.invalid(at, zone, words);
    }
    if !cron::is_zone(zone) {
        report.invalid(at, zone, format!("unknown time zone {zone}"));
    }
}

/// What a job's policies refuse needs these too.
pub(super) fn container_names(own: &Value) -> Vec<&str> {
    let spec = &own["template"]["spec"];
    ["containers", "initContainers"].iter().flat_map(|list| items(spec, list)).map(|one| text(one, "name")).collect()
}
