//! Which nodes and neighbours a pod wants.

use serde_json::Value;

use super::at::At;
use super::report::{Report, given, items, number, text, texts};
use super::{pod, selector};
use crate::names;

const REQUIRED: &str = "requiredDuringSchedulingIgnoredDuringExecution";
const PREFERRED: &str = "preferredDuringSchedulingIgnoredDuringExecution";
const OPERATOR: &str = "not a valid selector operator";

pub(super) fn check(affinity: &Value, at: &At<'_>, report: &mut Report) {
    if let Some(own) = given(affinity, "nodeAffinity") {
        nodes(own, &at.child("nodeAffinity"), report);
    }
    for field in ["podAffinity", "podAntiAffinity"] {
        if let Some(own) = given(affinity, field) {
            neighbours(own, &at.child(field), report);
        }
    }
}

fn nodes(own: &Value, at: &At<'_>, report: &mut Report) {
    if let Some(required) = given(own, REQUIRED) {
        node_selector(required, &at.child(REQUIRED), report);
    }
    for (index, term) in items(own, PREFERRED).iter().enumerate() {
        let list = at.child(PREFERRED);
        let at = list.index(index);
        weight(term, &at, report);
        node_term(&term["preference"], true, &at.child("preference"), report);
    }
}

fn weight(term: &Value, at: &At<'_>, report: &mut Report) {
    let weight = number(term, "weight");
    if !(1..=100).contains(&weight) {
        report.invalid(&at.child("weight"), weight, "must be in the range 1-100");
    }
}

pub(super) fn node_selector(own: &Value, at: &At<'_>, report: &mut Report) {
    let terms = items(own, "nodeSelectorTerms");
    let at = at.child("nodeSelectorTerms");
    if terms.is_empty() {
        report.required(&at, "must have at least one node selector term");
    }
    for (index, term) in terms.iter().enumerate() {
        node_term(term, false, &at.index(index), report);
    }
}

/// Only required terms have their values looked at.
fn node_term(term: &Value, any_value: bool, at: &At<'_>, report: &mut Report) {
    for (index, one) in items(term, "matchExpressions").iter().enumerate() {
        node_expression(one, any_value, &at.child("matchExpressions").index(index), report);
    }
    for (index, one) in items(term, "matchFields").iter().enumerate() {
        node_field(one, &at.child("matchFields").index(index), report);
    }
}

fn node_expression(one: &Value, any_value: bool, at: &At<'_>, report: &mut Report) {
    let values = texts(one, "values");
    let values_at = at.child("values");
    match text(one, "operator") {
        "In" | "NotIn" if values.is_empty() => {
            report.required(&values_at, "must be specified when `operator` is 'In' or 'NotIn'");
        }
        "Exists" | "DoesNotExist" if !values.is_empty() => {
            report.forbidden(&values_at, "may not be specified when `operator` is 'Exists' or 'DoesNotExist'");
        }
        "Gt" | "Lt" if values.len() != 1 => {
            report.required(&values_at, "must be specified single value when `operator` is 'Lt' or 'Gt'");
        }
        "In" | "NotIn" | "Exists" | "DoesNotExist" | "Gt" | "Lt" => {}
        other => report.invalid(&at.child("operator"), other, OPERATOR),
    }
    report.qualified_name(&at.child("key"), text(one, "key"));
    if !any_value {
        for (index, value) in values.into_iter().enumerate() {
            report.each(&values_at.index(index), value, names::label_value(value));
        }
    }
}

fn node_field(one: &Value, at: &At<'_>, report: &mut Report) {
    let values = texts(one, "values");
    match text(one, "operator") {
        "In" | "NotIn" if values.len() != 1 => {
            let words = "must be only one value when `operator` is 'In' or 'NotIn' for node field selector";
            report.required(&at.child("values"), words);
        }
        "In" | "NotIn" => {}
        other => report.invalid(&at.child("operator"), other, OPERATOR),
    }
    let key = text(one, "key");
    if key != "metadata.name" {
        return report.invalid(&at.child("key"), key, "not a valid field selector key");
    }
    for (index, value) in values.into_iter().enumerate() {
        report.dns_subdomain(&at.child("values").index(index), value);
    }
}

fn neighbours(own: &Value, at: &At<'_>, report: &mut Report) {
    for (index, term) in items(own, REQUIRED).iter().enumerate() {
        pod_term(term, &at.child(REQUIRED).index(index), report);
    }
    for (index, term) in items(own, PREFERRED).iter().enumerate() {
        let list = at.child(PREFERRED);
        let at = list.index(index);
        weight(term, &at, report);
        pod_term(&term["podAffinityTerm"], &at.child("podAffinityTerm"), report);
    }
}

fn pod_term(term: &Value, at: &At<'_>, report: &mut Report) {
    for field in ["labelSelector", "namespaceSelector"] {
        selector::check(&term[field], &at.child(field), report);
    }
    for name in texts(term, "namespaces") {
        report.dns_label(&at.child("namespace"), name);
    }
    pod::merged_keys(at, term, report);
    let key = text(term, "topologyKey");
    if key.is_empty() {
        report.required(&at.child("topologyKey"), "can not be empty");
    }
    report.qualified_name(&at.child("topologyKey"), key);
}
