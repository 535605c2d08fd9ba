//! Quotas and limit ranges.

use std::collections::BTreeSet;

use serde_json::Value;

use super::at::At;
use super::quantity::{compare, nano};
use super::report::{IMMUTABLE, Report, entries, given, items, text, texts};
use super::{amounts, internal};
use crate::names;

const SCOPES: [&str; 7] = [
    "Terminating",
    "NotTerminating",
    "BestEffort",
    "NotBestEffort",
    "PriorityClass",
    "VolumeAttributesClass",
    "CrossNamespacePodAffinity",
];
const COMPUTE: [&str; 7] = ["pods", "cpu", "memory", "limits.cpu", "limits.memory", "requests.cpu", "requests.memory"];

fn amounts_of(own: &Value, list: &str, at: &At<'_>, report: &mut Report) {
    for (name, amount) in entries(own, list) {
        let list = at.child(list);
        amounts::quota_name(name, &list.key(name), report);
        amounts::value(name, amount, &list.key(name), report);
    }
}

pub(super) fn quota(object: &Value, report: &mut Report) {
    quota_spec(object, report);
    quota_status(object, report);
}

pub(super) fn quota_status(object: &Value, report: &mut Report) {
    for list in ["hard", "used"] {
        amounts_of(&object["status"], list, &At::root("status"), report);
    }
}

fn quota_spec(object: &Value, report: &mut Report) {
    let (own, at) = (&object["spec"], At::root("spec"));
    amounts_of(own, "hard", &at, report);
    let scopes = texts(own, "scopes");
    let scopes_at = at.child("scopes");
    for scope in &scopes {
        if !SCOPES.contains(scope) {
            report.invalid(&scopes_at, own["scopes"].clone(), "unsupported scope");
        }
        for _ in misplaced(own, scope) {
            report.invalid(&scopes_at, own["scopes"].clone(), "unsupported scope applied to resource");
        }
    }
    conflicts(own, &scopes, &scopes_at, report);
    if let Some(selector) = given(own, "scopeSelector") {
        scope_selector(own, selector, &at.child("scopeSelector").child("matchExpressions"), report);
    }
}

/// Limited resources that a scope does not apply to.
fn misplaced<'a>(own: &'a Value, scope: &str) -> Vec<&'a str> {
    let fits = |name: &str| match scope {
        "Terminating" | "NotTerminating" | "NotBestEffort" | "PriorityClass" | "CrossNamespacePodAffinity" => {
            COMPUTE.contains(&name)
        }
        "BestEffort" => name == "pods",
        "VolumeAttributesClass" => matches!(name, "persistentvolumeclaims" | "requests.storage"),
        _ => true,
    };
    entries(own, "hard").map(|(name, _)| name).filter(|name| amounts::is_quota_name(name) && !fits(name)).collect()
}

fn conflicts(own: &Value, scopes: &[&str], at: &At<'_>, report: &mut Report) {
    for pair in [["BestEffort", "NotBestEffort"], ["Terminating", "NotTerminating"]] {
        if pair.iter().all(|scope| scopes.contains(scope)) {
            report.invalid(at, own["scopes"].clone(), "conflicting scopes");
        }
    }
}

fn scope_selector(own: &Value, selector: &Value, at: &At<'_>, report: &mut Report) {
    let mut scopes = Vec::new();
    for one in items(selector, "matchExpressions") {
        let (scope, operator, values) = (text(one, "scopeName"), text(one, "operator"), items(one, "values"));
        if !SCOPES.contains(&scope) {
            report.invalid(&at.child("scopeName"), scope, "unsupported scope");
        }
        for _ in misplaced(own, scope) {
            let shown = internal::printed("ScopeSelector", selector);
            report.invalid_printed(at, &shown, "unsupported scope applied to resource");
        }
        if !matches!(scope, "PriorityClass" | "VolumeAttributesClass")
            && SCOPES.contains(&scope)
            && operator != "Exists"
        {
            let words = "must be 'Exists' when scope is any of ResourceQuotaScopeTerminating, ResourceQuotaScopeNotTerminating, ResourceQuotaScopeBestEffort, ResourceQuotaScopeNotBestEffort or ResourceQuotaScopeCrossNamespacePodAffinity";
            report.invalid(&at.child("operator"), operator, words);
        }
        match operator {
            "In" | "NotIn" if values.is_empty() => {
                let words = "must be at least one value when `operator` is 'In' or 'NotIn' for scope selector";
                report.required(&at.child("values"), words);
            }
            "Exists" | "DoesNotExist" if !values.is_empty() => {
                let words = "must be no value when `operator` is 'Exist' or 'DoesNotExist' for scope selector";
                report.invalid(&at.child("values"), one["values"].clone(), words);
            }
            "In" | "NotIn" | "Exists" | "DoesNotExist" => {}
            other => report.invalid(&at.child("operator"), other, "not a valid selector operator"),
        }
        scopes.push(scope);
    }
    conflicts(own, &scopes, at, report);
}

pub(super) fn update_quota(old: &Value, new: &Value, report: &mut Report) {
    quota_spec(new, report);
    let scopes =
        |object: &Value| texts(&object["spec"], "scopes").into_iter().map(str::to_owned).collect::<BTreeSet<_>>();
    if scopes(old) != scopes(new) {
        report.invalid(&At::root("spec.scopes"), new["spec"]["scopes"].clone(), IMMUTABLE);
    }
}

pub(super) fn limit_range(object: &Value, report: &mut Report) {
    let at = At::root("spec.limits");
    let mut kinds = Vec::new();
    for (index, limit) in items(&object["spec"], "limits").iter().enumerate() {
        let (at, kind) = (at.index(index), text(limit, "type"));
        kind_name(kind, &at.child("type"), report);
        if kinds.contains(&kind) {
            report.duplicate(&at.child("type"), kind);
        }
        kinds.push(kind);
        let mut keys = BTreeSet::new();
        names_in(kind, limit, &["max", "min"], &mut keys, &at, report);
        if kind == "Pod" {
            for field in
                ["default", "defaultRequest"].into_iter().filter(|field| entries(limit, field).next().is_some())
            {
                report.forbidden(&at.child(field), "may not be specified when `type` is 'Pod'");
            }
        } else {
            names_in(kind, limit, &["default", "defaultRequest"], &mut keys, &at, report);
        }
        let unbounded = ["min", "max"].iter().all(|list| limit[*list].get("storage").is_none());
        if kind == "PersistentVolumeClaim" && unbounded {
            let words = "either minimum or maximum storage value is required, but neither was provided";
            report.required(&at.child("limits"), words);
        }
        names_in(kind, limit, &["maxLimitRequestRatio"], &mut keys, &at, report);
        for key in keys {
            order(kind, limit, key, &at, report);
        }
    }
}

fn kind_name(kind: &str, at: &At<'_>, report: &mut Report) {
    let wrong = names::qualified_name(kind);
    if wrong.is_empty() && !kind.contains('/') && !matches!(kind, "Pod" | "Container" | "PersistentVolumeClaim") {
        report.invalid(at, kind, "must be a standard limit type or fully qualified");
    }
    report.each(at, kind, wrong);
}

fn names_in<'a>(
    kind: &str,
    limit: &'a Value,
    lists: &[&str],
    keys: &mut BTreeSet<&'a str>,
    at: &At<'_>,
    report: &mut Report,
) {
    for list in lists {
        for (name, _) in entries(limit, list) {
            let list = at.child(list);
            if matches!(kind, "Pod" | "Container") {
                amounts::container_name(name, &list.key(name), report);
            } else {
                amounts::any_name(name, &list.key(name), report);
            }
            keys.insert(name);
        }
    }
}

/// The bounds of one resource must not contradict each other.
fn order(kind: &str, limit: &Value, key: &str, at: &At<'_>, report: &mut Report) {
    let get = |list: &str| given(&limit[list], key).filter(|_| kind != "Pod" || !list.starts_with("default"));
    let (min, max, default, request) = (get("min"), get("max"), get("default"), get("defaultRequest"));
    let shown = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let mut ordered =
        |list: &str, quoted: Option<&Value>, low: (&str, Option<&Value>), high: (&str, Option<&Value>)| {
            if let (Some(quoted), Some(small), Some(large)) = (quoted, low.1, high.1)
                && compare(small, large).is_gt()
            {
                let words = format!("{} {} is greater than {} {}", low.0, shown(small), high.0, shown(large));
                report.invalid(&at.child(list).key(key), quoted.clone(), words);
            }
        };
    ordered("min", min, ("min value", min), ("max value", max));
    ordered("defaultRequest", request, ("min value", min), ("default request value", request));
    ordered("defaultRequest", request, ("default request value", request), ("max value", max));
    ordered("defaultRequest", request, ("default request value", request), ("default limit value", default));
    ordered("default", min, ("min value", min), ("default value", default));
    ordered("default", max, ("default value", default), ("max value", max));
    if let Some(ratio) = get("maxLimitRequestRatio") {
        ratio_rules(ratio, min, max, &at.child("maxLimitRequestRatio").key(key), report);
    }
    if let (Some(default), Some(request)) = (default, request)
        && !amounts::may_overcommit(key)
        && compare(default, request).is_ne()
    {
        let words =
            format!("default value {} must equal to defaultRequest value {} in {key}", shown(default), shown(request));
        report.invalid(&at.child("defaultRequest").key(key), request.clone(), words);
    }
}

fn ratio_rules(ratio: &Value, min: Option<&Value>, max: Option<&Value>, at: &At<'_>, report: &mut Report) {
    let shown = ratio.as_str().unwrap_or_default();
    if nano(ratio) < 1_000_000_000 {
        report.invalid(at, ratio.clone(), format!("ratio {shown} is less than 1"));
    }
    if let (Some(min), Some(max)) = (min, max) {
        let most = nano(max) as f64 / nano(min) as f64;
        if nano(ratio) as f64 / 1e9 > most {
            report.invalid(at, ratio.clone(), format!("ratio {shown} is greater than max/min = {most:.6}"));
        }
    }
}
