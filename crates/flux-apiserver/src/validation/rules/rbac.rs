//! Roles and their bindings.

use serde_json::Value;

use super::at::At;
use super::report::{Report, given, items, text};
use super::{internal, selector};
use crate::names;

const GROUP: &str = "rbac.authorization.k8s.io";

pub(super) fn role(object: &Value, namespaced: bool, report: &mut Report) {
    let rules = At::root("rules");
    for (index, rule) in items(object, "rules").iter().enumerate() {
        self::rule(rule, namespaced, &rules.index(index), report);
    }
    let Some(aggregation) = given(object, "aggregationRule") else { return };
    let at = At::root("aggregationRule.clusterRoleSelectors");
    let selectors = items(aggregation, "clusterRoleSelectors");
    if selectors.is_empty() {
        report.required(&at, "at least one clusterRoleSelector required if aggregationRule is non-nil");
    }
    for (index, one) in selectors.iter().enumerate() {
        selector::check(one, &at.index(index), report);
        if !selector::is_usable(one) {
            report.invalid_printed(&at.index(index), "null", "invalid label selector.");
        }
    }
}

fn rule(own: &Value, namespaced: bool, at: &At<'_>, report: &mut Report) {
    let missing = |field: &str| items(own, field).is_empty();
    if missing("verbs") {
        report.required(&at.child("verbs"), "verbs must contain at least one value");
    }
    if !missing("nonResourceURLs") {
        let (at, urls) = (at.child("nonResourceURLs"), &own["nonResourceURLs"]);
        if namespaced {
            report.invalid(&at, urls.clone(), "namespaced rules cannot apply to non-resource URLs");
        }
        if !missing("apiGroups") || !missing("resources") || !missing("resourceNames") {
            report.invalid(&at, urls.clone(), "rules cannot apply to both regular resources and non-resource URLs");
        }
        return;
    }
    if missing("apiGroups") {
        report.required(&at.child("apiGroups"), "resource rules must supply at least one api group");
    }
    if missing("resources") {
        report.required(&at.child("resources"), "resource rules must supply at least one resource");
    }
}

pub(super) fn binding(object: &Value, namespaced: bool, report: &mut Report) {
    let (own, at) = (&object["roleRef"], At::root("roleRef"));
    let group = text(own, "apiGroup");
    if group != GROUP {
        report.not_supported(&at.child("apiGroup"), group, &[GROUP]);
    }
    let kinds: &[&str] = if namespaced { &["Role", "ClusterRole"] } else { &["ClusterRole"] };
    let kind = text(own, "kind");
    if !kinds.contains(&kind) {
        report.not_supported(&at.child("kind"), kind, kinds);
    }
    match text(own, "name") {
        "" => report.required(&at.child("name"), ""),
        name => report.each(&at.child("name"), name, names::path_segment(name)),
    }
    let subjects = At::root("subjects");
    for (index, one) in items(object, "subjects").iter().enumerate() {
        subject(one, namespaced, &subjects.index(index), report);
    }
}

fn subject(own: &Value, namespaced: bool, at: &At<'_>, report: &mut Report) {
    let (name, group) = (text(own, "name"), text(own, "apiGroup"));
    if name.is_empty() {
        report.required(&at.child("name"), "");
    }
    match text(own, "kind") {
        "ServiceAccount" => {
            if !name.is_empty() {
                report.dns_subdomain(&at.child("name"), name);
            }
            if !group.is_empty() {
                report.not_supported(&at.child("apiGroup"), group, &[""]);
            }
            if !namespaced && text(own, "namespace").is_empty() {
                report.required(&at.child("namespace"), "");
            }
        }
        "User" | "Group" => {
            if group != GROUP {
                report.not_supported(&at.child("apiGroup"), group, &[GROUP]);
            }
        }
        other => report.not_supported(&at.child("kind"), other, &["ServiceAccount", "User", "Group"]),
    }
}

/// A binding keeps its role.
pub(super) fn update_binding(old: &Value, new: &Value, report: &mut Report) {
    if old["roleRef"] != new["roleRef"] {
        let shown = internal::printed("RoleRef", &new["roleRef"]);
        report.invalid_printed(&At::root("roleRef"), &shown, "cannot change roleRef");
    }
}
