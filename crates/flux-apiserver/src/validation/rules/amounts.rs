//! Lists of resources: limits, requests, capacities, quotas.

use serde_json::Value;

use super::at::At;
use super::quantity::{compare, is_integer, nano};
use super::report::{NOT_NEGATIVE, Report, entries, items, text};
use crate::names;
use crate::status::{FieldError, FieldErrorType, go_quote};

const COMPUTE: [&str; 3] = ["cpu", "ephemeral-storage", "memory"];
const COUNTED: [&str; 9] = [
    "pods",
    "resourcequotas",
    "services",
    "replicationcontrollers",
    "secrets",
    "configmaps",
    "persistentvolumeclaims",
    "services.nodeports",
    "services.loadbalancers",
];
const SPLIT: [&str; 7] = [
    "requests.cpu",
    "requests.memory",
    "requests.ephemeral-storage",
    "limits.cpu",
    "limits.memory",
    "limits.ephemeral-storage",
    "requests.storage",
];

pub(super) fn is_huge_pages(name: &str) -> bool {
    name.starts_with("hugepages-")
}

fn is_standard_for_quota(name: &str) -> bool {
    COMPUTE.contains(&name)
        || COUNTED.contains(&name)
        || SPLIT.contains(&name)
        || is_huge_pages(name)
        || name.starts_with("requests.hugepages-")
}

/// A name that quotas know, with or without being asked for.
pub(super) fn is_quota_name(name: &str) -> bool {
    is_standard_for_quota(name)
}

fn is_native(name: &str) -> bool {
    !name.contains('/') || name.contains("kubernetes.io/")
}

fn is_extended(name: &str) -> bool {
    !is_native(name) && !name.starts_with("requests.") && names::qualified_name(&format!("requests.{name}")).is_empty()
}

/// Whether a request may be below its limit.
pub(super) fn may_overcommit(name: &str) -> bool {
    is_native(name) && !is_huge_pages(name)
}

/// Any resource's name; whether it was right.
pub(super) fn any_name(name: &str, at: &At<'_>, report: &mut Report) -> bool {
    let before = report.errors.len();
    report.qualified_name(at, name);
    if report.errors.len() == before && !name.contains('/') && !is_standard_for_quota(name) && name != "storage" {
        report.invalid(at, name, "must be a standard resource type or fully qualified");
    }
    report.errors.len() == before
}

pub(super) fn container_name(name: &str, at: &At<'_>, report: &mut Report) {
    any_name(name, at, report);
    if !name.contains('/') {
        if !COMPUTE.contains(&name) && !is_huge_pages(name) {
            report.invalid(at, name, "must be a standard resource for containers");
        }
    } else if !is_native(name) && !is_extended(name) {
        report.invalid(at, name, "doesn't follow extended resource name standard");
    }
}

fn pod_name(name: &str, at: &At<'_>, report: &mut Report) {
    if any_name(name, at, report) && !matches!(name, "cpu" | "memory") && !is_huge_pages(name) {
        report.not_supported(at, name, &["cpu", "hugepages-", "memory"]);
    }
}

pub(super) fn quota_name(name: &str, at: &At<'_>, report: &mut Report) {
    any_name(name, at, report);
    if !name.contains('/') && !is_standard_for_quota(name) {
        report.invalid(at, name, "must be a standard resource for quota");
    }
}

/// Not negative, and whole where only whole ones exist.
pub(super) fn value(name: &str, amount: &Value, at: &At<'_>, report: &mut Report) {
    if nano(amount) < 0 {
        report.invalid(at, amount.clone(), NOT_NEGATIVE);
    }
    if (COUNTED.contains(&name) || is_extended(name)) && !is_integer(amount) {
        report.invalid(at, amount.clone(), "must be an integer");
    }
}

/// What the amounts are of.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Owner {
    Container,
    Pod,
}

/// Limits, requests and claims.
pub(super) fn requirements(owner: Owner, own: &Value, claims: &[&str], at: &At<'_>, report: &mut Report) {
    let name_rule = if owner == Owner::Container { container_name } else { pod_name };
    let (mut compute, mut huge) = (false, false);
    for list in ["limits", "requests"] {
        for (name, amount) in entries(own, list) {
            let list_at = at.child(list);
            let entry = list_at.key(name);
            name_rule(name, &entry, report);
            value(name, amount, &entry, report);
            if list == "requests" {
                against_limit(name, amount, &own["limits"], at, report);
            }
            huge |= is_huge_pages(name);
            compute |= matches!(name, "cpu" | "memory");
            whole_pages(name, amount, &entry, report);
        }
    }
    if huge && !compute {
        report.forbidden(at, "HugePages require cpu or memory");
    }
    claim_names(own, claims, &at.child("claims"), report);
}

fn against_limit(name: &str, amount: &Value, limits: &Value, at: &At<'_>, report: &mut Report) {
    let limit = &limits[name];
    let shown = limit.as_str().unwrap_or_default();
    if limit.is_null() {
        if !may_overcommit(name) {
            report.required(&at.child("limits"), "Limit must be set for non overcommitable resources");
        }
    } else if compare(amount, limit).is_ne() && !may_overcommit(name) {
        report.invalid(&at.child("requests"), amount.clone(), format!("must be equal to {name} limit of {shown}"));
    } else if compare(amount, limit).is_gt() {
        let words = format!("must be less than or equal to {name} limit of {shown}");
        report.invalid(&at.child("requests"), amount.clone(), words);
    }
}

fn whole_pages(name: &str, amount: &Value, at: &At<'_>, report: &mut Report) {
    let Some(size) = name.strip_prefix("hugepages-") else { return };
    let size = nano(&size.into());
    if size <= 0 || nano(amount) % size != 0 {
        let words = format!("{} is not positive integer multiple of {name}", amount.as_str().unwrap_or_default());
        report.invalid(at, amount.clone(), words);
    }
}

fn claim_names(own: &Value, known: &[&str], at: &At<'_>, report: &mut Report) {
    let mut seen: Vec<String> = Vec::new();
    for (index, claim) in items(own, "claims").iter().enumerate() {
        let (at, name, request) = (at.index(index), text(claim, "name"), text(claim, "request"));
        if name.is_empty() {
            report.required(&at, "");
        } else if seen.iter().any(|one| one == name) {
            report.duplicate(&at, name);
        } else {
            let mut key = name.to_owned();
            if !request.is_empty() {
                report.dns_label(&at.child("request"), request);
                key = format!("{name}/{request}");
            }
            let covered = request.is_empty() && seen.iter().any(|one| one.split('/').next() == Some(name));
            if seen.contains(&key) {
                report.duplicate(&at, key.as_str());
            } else if covered {
                report.duplicate(&at, name);
            }
            seen.push(key);
        }
        if !known.contains(&name) {
            let mut words = "must be one of the names in pod.spec.resourceClaims".to_owned();
            if known.is_empty() {
                words.push_str(" which is empty");
            } else {
                let mut sorted = known.to_vec();
                sorted.sort_unstable();
                words.push_str(&format!(": {}", sorted.join(", ")));
            }
            let text = format!("{}: {words}", go_quote(name));
            report.errors.push(FieldError::new(FieldErrorType::NotFound, at.to_string(), None, text));
        }
    }
}
