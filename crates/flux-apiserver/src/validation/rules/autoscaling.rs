//! Autoscalers and disruption budgets.

use serde_json::Value;

use super::at::At;
use super::quantity::nano;
use super::report::{NOT_NEGATIVE, Report, given, items, number, text};
use super::{amounts, internal, selector};
use crate::names;

const METRICS: [&str; 5] = ["ContainerResource", "External", "Object", "Pods", "Resource"];
/// Sources in upstream's order.
const SOURCES: [&str; 5] = ["object", "external", "pods", "resource", "containerResource"];
const WINDOW_MAX: i64 = 3600;
const PERIOD_MAX: i64 = 1800;

pub(super) fn autoscaler(object: &Value, report: &mut Report) {
    let (own, at) = (&object["spec"], At::root("spec"));
    let (least, most) = (own["minReplicas"].as_i64(), number(own, "maxReplicas"));
    if let Some(least) = least.filter(|least| *least < 1) {
        report.invalid(&at.child("minReplicas"), least, "must be greater than or equal to 1");
    }
    if most == 0 {
        report.required(&at.child("maxReplicas"), "must be set and greater than 0");
    } else if most < 0 {
        report.invalid(&at.child("maxReplicas"), most, "must be greater than or equal to 1");
    }
    if least.is_some_and(|least| most < least) {
        report.invalid(&at.child("maxReplicas"), most, "must be greater than or equal to `minReplicas`");
    }
    let reference = &own["scaleTargetRef"];
    // The one scalable kind without a group.
    let core = text(reference, "kind") == "ReplicationController";
    target(reference, core, &at.child("scaleTargetRef"), report);
    let metrics = items(own, "metrics");
    for (index, one) in metrics.iter().enumerate() {
        metric(one, &at.child("metrics").index(index), report);
    }
    let from_outside = |one: &Value| matches!(text(one, "type"), "Object" | "External");
    if least == Some(0) && !metrics.iter().any(from_outside) {
        let words = "must specify at least one Object or External metric to support scaling to zero replicas";
        report.forbidden(&at.child("metrics"), words);
    }
    if let Some(behavior) = given(own, "behavior") {
        let at = at.child("behavior");
        for field in ["scaleUp", "scaleDown"] {
            if let Some(rules) = given(behavior, field) {
                scaling(rules, &at.child(field), report);
            }
        }
    }
}

/// Another object, by version, kind and name.
fn target(own: &Value, any_group: bool, at: &At<'_>, report: &mut Report) {
    for field in ["kind", "name"] {
        match text(own, field) {
            "" => report.required(&at.child(field), ""),
            name => report.each(&at.child(field), name, names::path_segment(name)),
        }
    }
    let version = text(own, "apiVersion");
    match version.matches('/').count() {
        0 | 1 if version == "/" || !version.contains('/') || version.starts_with('/') => {
            if !any_group {
                report.invalid(&at.child("apiVersion"), version, "apiVersion must specify API group");
            }
        }
        0 | 1 => {}
        _ => {
            let words = format!("unexpected GroupVersion string: {version}");
            report.invalid(&at.child("apiVersion"), version, words);
        }
    }
}

fn scaling(own: &Value, at: &At<'_>, report: &mut Report) {
    let window_at = at.child("stabilizationWindowSeconds");
    match own["stabilizationWindowSeconds"].as_i64() {
        Some(window) if window < 0 => report.invalid(&window_at, window, "must be greater than or equal to zero"),
        Some(window) if window > WINDOW_MAX => {
            report.invalid(&window_at, window, format!("must be less than or equal to {WINDOW_MAX}"));
        }
        _ => {}
    }
    report.one_of(&at.child("selectPolicy"), &own["selectPolicy"], &["Disabled", "Max", "Min"]);
    let list = at.child("policies");
    if items(own, "policies").is_empty() {
        report.required(&list, "must specify at least one Policy");
    }
    for (index, policy) in items(own, "policies").iter().enumerate() {
        let at = list.index(index);
        let kind = text(policy, "type");
        if !matches!(kind, "Pods" | "Percent") {
            report.not_supported(&at.child("type"), kind, &["Percent", "Pods"]);
        }
        for field in ["value", "periodSeconds"] {
            let own = number(policy, field);
            if own <= 0 {
                report.invalid(&at.child(field), own, "must be greater than zero");
            }
            if field == "periodSeconds" && own > PERIOD_MAX {
                report.invalid(&at.child(field), own, format!("must be less than or equal to {PERIOD_MAX}"));
            }
        }
    }
    if nano(&own["tolerance"]) < 0 {
        report.invalid(&at.child("tolerance"), own["tolerance"].clone(), NOT_NEGATIVE);
    }
}

fn metric(own: &Value, at: &At<'_>, report: &mut Report) {
    let kind = text(own, "type");
    if kind.is_empty() {
        report.required(&at.child("type"), "must specify a metric source type");
    }
    if !METRICS.contains(&kind) {
        report.not_supported(&at.child("type"), kind, &METRICS);
    }
    let present: Vec<&str> = SOURCES.into_iter().filter(|source| given(own, source).is_some()).collect();
    if let Some(first) = present.first() {
        source(first, &own[*first], &at.child(first), report);
    }
    let expected = match kind {
        "Object" => "object",
        "Pods" => "pods",
        "Resource" => "resource",
        "External" => "external",
        "ContainerResource" => "containerResource",
        other => {
            report.not_supported(&at.child("type"), other, &METRICS);
            ""
        }
    };
    if !expected.is_empty() && !present.contains(&expected) {
        report.required(&at.child(expected), "must populate information for the given metric source");
    }
    if present.len() != 1 {
        for source in present.into_iter().filter(|source| *source != expected) {
            report.forbidden(&at.child(source), "must populate the given metric source only");
        }
    }
}

fn source(kind: &str, own: &Value, at: &At<'_>, report: &mut Report) {
    let goal_at = at.child("target");
    let goal = &own["target"];
    let (value, average, percent) =
        (given(goal, "value"), given(goal, "averageValue"), given(goal, "averageUtilization"));
    match kind {
        "object" => target(&own["describedObject"], true, &at.child("describedObject"), report),
        "resource" if text(own, "name").is_empty() => {
            report.required(&at.child("name"), "must specify a resource name");
        }
        "containerResource" => {
            match text(own, "name") {
                "" => report.required(&at.child("name"), "must specify a resource name"),
                name => amounts::container_name(name, &at.child("name"), report),
            }
            match text(own, "container") {
                "" => report.required(&at.child("container"), "must specify a container"),
                name => report.dns_label(&at.child("container"), name),
            }
        }
        _ => {}
    }
    if matches!(kind, "object" | "external" | "pods") {
        let (metric_at, name) = (at.child("metric"), text(&own["metric"], "name"));
        match name {
            "" => report.required(&metric_at.child("name"), "must specify a metric name"),
            name => report.each(&metric_at.child("name"), name, names::path_segment(name)),
        }
    }
    metric_target(goal, &goal_at, report);
    let average_at = goal_at.child("averageValue");
    match kind {
        "object" if value.is_none() && average.is_none() => {
            report.required(&average_at, "must set either a target value or averageValue");
        }
        "external" if value.is_none() && average.is_none() => {
            report.required(&average_at, "must set either a target value for metric or a per-pod target");
        }
        "external" if value.is_some() && average.is_some() => {
            let words = "may not set both a target value for metric and a per-pod target";
            report.forbidden(&goal_at.child("value"), words);
        }
        "pods" if average.is_none() => report.required(&average_at, "must specify a positive target averageValue"),
        "resource" | "containerResource" => match (percent, average) {
            (None, None) => {
                let words = "must set either a target raw value or a target utilization";
                report.required(&goal_at.child("averageUtilization"), words);
            }
            (Some(_), Some(_)) => {
                report.forbidden(&average_at, "may not set both a target raw value and a target utilization");
            }
            _ => {}
        },
        _ => {}
    }
}

fn metric_target(own: &Value, at: &At<'_>, report: &mut Report) {
    let kind = text(own, "type");
    if kind.is_empty() {
        report.required(&at.child("type"), "must specify a metric target type");
    }
    if !matches!(kind, "Utilization" | "Value" | "AverageValue") {
        report.invalid(&at.child("type"), kind, "must be either Utilization, Value, or AverageValue");
    }
    for field in ["value", "averageValue"] {
        if let Some(amount) = given(own, field).filter(|amount| nano(amount) <= 0) {
            report.invalid(&at.child(field), amount.clone(), "must be positive");
        }
    }
    if let Some(percent) = own["averageUtilization"].as_i64().filter(|percent| *percent < 1) {
        report.invalid(&at.child("averageUtilization"), percent, "must be greater than 0");
    }
}

pub(super) fn budget(object: &Value, report: &mut Report) {
    let (own, at) = (&object["spec"], At::root("spec"));
    let bounds = ["minAvailable", "maxUnavailable"];
    if bounds.iter().all(|field| given(own, field).is_some()) {
        let shown = internal::printed("PodDisruptionBudgetSpec", own);
        report.invalid_printed(&at, &shown, "minAvailable and maxUnavailable cannot be both set");
    }
    for field in bounds {
        if let Some(bound) = given(own, field) {
            report.count_or_percent(&at.child(field), bound);
            report.at_most_100_percent(&at.child(field), bound);
        }
    }
    selector::check(&own["selector"], &at.child("selector"), report);
    let policies = ["AlwaysAllow", "IfHealthyBudget"];
    report.one_of(&at.child("unhealthyPodEvictionPolicy"), &own["unhealthyPodEvictionPolicy"], &policies);
}
