//! Admission policies and their bindings.

use serde_json::Value;

use super::at::At;
use super::expressions::{self, Gives};
use super::report::{Report, given, items, text, texts};
use super::selector;
use super::webhooks::{FAILURE_POLICIES, MATCH_POLICIES, rule};
use crate::names;
use crate::names::CEL_RESERVED;

const REASONS: [&str; 3] = ["Forbidden", "Invalid", "RequestEntityTooLarge"];
const ACTIONS: [&str; 3] = ["Audit", "Deny", "Warn"];
const ANNOTATIONS_MAX: usize = 20;
const ANNOTATION_BYTES_MAX: usize = 5 * 1024;

/// What validating and mutating policies share, up to their variables.
fn head(own: &Value, at: &At<'_>, report: &mut Report) {
    match given(own, "failurePolicy") {
        None => report.required(&at.child("failurePolicy"), ""),
        Some(policy) => report.one_of(&at.child("failurePolicy"), policy, &FAILURE_POLICIES),
    }
    if let Some(kind) = given(own, "paramKind") {
        param_kind(kind, &at.child("paramKind"), report);
    }
    let matched = at.child("matchConstraints");
    match given(own, "matchConstraints") {
        None => report.required(&matched, ""),
        Some(constraints) => {
            match_resources(constraints, &matched, report);
            if items(constraints, "resourceRules").is_empty() {
                report.required(&matched.child("resourceRules"), "");
            }
        }
    }
    expressions::conditions(own, &at.child("matchConditions"), report);
    for (index, variable) in items(own, "variables").iter().enumerate() {
        let list = at.child("variables");
        let (at, name, source) = (list.index(index), text(variable, "name"), text(variable, "expression"));
        if name.trim().is_empty() {
            report.required(&at.child("name"), "name is not specified");
        } else if !is_identifier(name) {
            report.invalid(&at.child("name"), name, "must be a valid CEL identifier");
        }
        if source.trim().is_empty() {
            report.required(&at.child("expression"), "expression is not specified");
        } else {
            expressions::check(source, Gives::Anything, &at.child("expression"), report);
        }
    }
}

fn is_identifier(name: &str) -> bool {
    name.starts_with(|letter: char| letter.is_ascii_alphabetic() || letter == '_')
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
        && !CEL_RESERVED.contains(&name)
}

pub(super) fn validating(object: &Value, report: &mut Report) {
    let (own, at) = (&object["spec"], At::root("spec"));
    head(own, &at, report);
    let (rules, annotations) = (items(own, "validations"), items(own, "auditAnnotations"));
    if rules.is_empty() && annotations.is_empty() {
        const WORDS: &str = "validations or auditAnnotations must contain at least one item";
        report.required(&at.child("validations"), WORDS);
        return report.required(&at.child("auditAnnotations"), WORDS);
    }
    for (index, one) in rules.iter().enumerate() {
        validation(one, &at.child("validations").index(index), report);
    }
    let list = at.child("auditAnnotations");
    if annotations.len() > ANNOTATIONS_MAX {
        let words = format!("must not have more than {ANNOTATIONS_MAX} auditAnnotations");
        report.invalid(&list, own["auditAnnotations"].clone(), words);
    }
    let mut seen = Vec::new();
    for (index, one) in annotations.iter().enumerate() {
        let (at, key) = (list.index(index), text(one, "key"));
        let whole = format!("{}/{key}", text(&object["metadata"], "name"));
        report.each(&at.child("key"), &whole, names::qualified_name(&whole));
        let source = text(one, "valueExpression").trim();
        let source_at = at.child("valueExpression");
        if source.is_empty() {
            report.required(&source_at, "valueExpression is not specified");
        } else if source.len() > ANNOTATION_BYTES_MAX {
            report.required(&source_at, &format!("must not exceed {ANNOTATION_BYTES_MAX} bytes in length"));
        } else {
            expressions::check(source, Gives::TextOrNull, &source_at, report);
        }
        if seen.contains(&key) {
            report.duplicate(&at.child("key"), key);
        }
        seen.push(key);
    }
}

fn validation(own: &Value, at: &At<'_>, report: &mut Report) {
    let (source, message, computed) = (text(own, "expression"), text(own, "message"), text(own, "messageExpression"));
    const EMPTY: &str = "must be non-empty if specified";
    if source.trim().is_empty() {
        report.required(&at.child("expression"), "expression is not specified");
    } else {
        expressions::check(source, Gives::Bool, &at.child("expression"), report);
    }
    if !computed.trim().is_empty() {
        expressions::check(computed, Gives::Text, &at.child("messageExpression"), report);
    } else if !computed.is_empty() {
        report.invalid(&at.child("messageExpression"), computed, EMPTY);
    }
    if !message.is_empty() && message.trim().is_empty() {
        report.invalid(&at.child("message"), message, EMPTY);
    } else if message.trim().contains(['\n', '\r']) {
        report.invalid(&at.child("message"), message, "must not contain line breaks");
    }
    report.one_of(&at.child("reason"), &own["reason"], &REASONS);
}

pub(super) fn mutating(object: &Value, report: &mut Report) {
    let (own, at) = (&object["spec"], At::root("spec"));
    head(own, &at, report);
    let list = at.child("mutations");
    if items(own, "mutations").is_empty() {
        report.required(&list, "mutations must contain at least one item");
    }
    for (index, one) in items(own, "mutations").iter().enumerate() {
        let at = list.index(index);
        report.required_one_of(&at.child("patchType"), &one["patchType"], &["ApplyConfiguration", "JSONPatch"]);
        for field in ["applyConfiguration", "jsonPatch"] {
            let Some(patch) = given(one, field) else { continue };
            let (at, source) = (at.child(field), text(patch, "expression"));
            if source.trim().is_empty() {
                report.required(&at.child("expression"), "expression is not specified");
            } else {
                expressions::check(source, Gives::Anything, &at.child("expression"), report);
            }
        }
    }
    match given(own, "reinvocationPolicy") {
        None => report.required(&at.child("reinvocationPolicy"), ""),
        Some(policy) => report.one_of(&at.child("reinvocationPolicy"), policy, &["IfNeeded", "Never"]),
    }
}

fn param_kind(own: &Value, at: &At<'_>, report: &mut Report) {
    let (version, kind, version_at) = (text(own, "apiVersion"), text(own, "kind"), at.child("apiVersion"));
    if version.is_empty() {
        report.required(&version_at, "");
    } else if version.matches('/').count() > 1 {
        report.invalid(&version_at, version, format!("unexpected GroupVersion string: {version}"));
    } else {
        let (group, version_part) = version.split_once('/').unwrap_or(("", version));
        let wrong = if group.is_empty() { Vec::new() } else { names::dns_subdomain(group) };
        if !wrong.is_empty() {
            report.invalid(&version_at, group, wrong.join(","));
        }
        let wrong = names::dns_1035(version_part);
        if version_part.is_empty() {
            report.invalid(&version_at, version, "version must be specified");
        } else if !wrong.is_empty() {
            report.invalid(&version_at, version_part, wrong.join(","));
        }
    }
    let wrong = names::dns_1035(&kind.to_lowercase());
    if kind.is_empty() {
        report.required(&at.child("kind"), "");
    } else if !wrong.is_empty() {
        let words = format!("may have mixed case, but should otherwise match: {}", wrong.join(","));
        report.invalid(&at.child("kind"), kind, words);
    }
}

fn match_resources(own: &Value, at: &At<'_>, report: &mut Report) {
    match given(own, "matchPolicy") {
        None => report.required(&at.child("matchPolicy"), ""),
        Some(policy) => report.one_of(&at.child("matchPolicy"), policy, &MATCH_POLICIES),
    }
    for field in ["namespaceSelector", "objectSelector"] {
        match given(own, field) {
            None => report.required(&at.child(field), ""),
            Some(one) => selector::check(one, &at.child(field), report),
        }
    }
    for list in ["resourceRules", "excludeResourceRules"] {
        for (index, one) in items(own, list).iter().enumerate() {
            let list = at.child(list);
            let at = list.index(index);
            let named = texts(one, "resourceNames");
            for (index, name) in named.iter().enumerate() {
                let list = at.child("resourceNames");
                report.each(&list.index(index), name, names::path_segment(name));
                if named[..index].contains(name) {
                    report.duplicate(&list.index(index), *name);
                }
            }
            rule(one, &at, report);
        }
    }
}

/// A binding; only those of validating policies have actions.
pub(super) fn binding(object: &Value, validating: bool, report: &mut Report) {
    let (own, at) = (&object["spec"], At::root("spec"));
    match text(own, "policyName") {
        "" => report.required(&at.child("policyName"), ""),
        name => report.dns_subdomain(&at.child("policyName"), name),
    }
    if let Some(reference) = given(own, "paramRef") {
        param_ref(reference, &at.child("paramRef"), report);
    }
    if let Some(matched) = given(own, "matchResources") {
        match_resources(matched, &at.child("matchResources"), report);
    }
    if validating {
        actions(own, &at.child("validationActions"), report);
    }
}

fn param_ref(own: &Value, at: &At<'_>, report: &mut Report) {
    let (name, picking) = (text(own, "name"), given(own, "selector"));
    const BOTH: &str = "name and selector are mutually exclusive";
    if !name.is_empty() {
        report.each(&at.child("name"), name, names::path_segment(name));
        if picking.is_some() {
            report.forbidden(&at.child("name"), BOTH);
        }
    }
    if let Some(picking) = picking {
        selector::check(picking, &at.child("selector"), report);
        if !name.is_empty() {
            report.forbidden(&at.child("selector"), BOTH);
        }
    } else if name.is_empty() {
        report.required(at, "one of name or selector must be specified");
    }
    match text(own, "parameterNotFoundAction") {
        "" => report.required(&at.child("parameterNotFoundAction"), ""),
        "Allow" | "Deny" => {}
        other => report.not_supported(&at.child("parameterNotFoundAction"), other, &["Deny", "Allow"]),
    }
}

fn actions(own: &Value, at: &At<'_>, report: &mut Report) {
    let all = texts(own, "validationActions");
    for (index, action) in all.iter().enumerate() {
        report.one_of(&at.index(index), &(*action).into(), &ACTIONS);
        if all[..index].contains(action) {
            report.duplicate(&at.index(index), *action);
        }
    }
    if all.contains(&"Deny") && all.contains(&"Warn") {
        let words = "must not contain both Deny and Warn (repeating the same validation failure information in the API response and headers serves no purpose)";
        report.invalid(at, own["validationActions"].clone(), words);
    }
    if all.is_empty() {
        report.required(at, "at least one validation action is required");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identifiers() {
        assert!(is_identifier("foo_1") && !is_identifier("1a") && !is_identifier("in"));
    }
}
