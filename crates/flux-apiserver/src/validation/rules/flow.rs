//! Levels of priority among requests, and events.

use serde_json::Value;

use super::at::At;
use super::report::{Report, given, number, text};

const QUEUES_MAX: i64 = 10_000_000;

/// A level of priority.
pub(super) fn priority_level(object: &Value, report: &mut Report) {
    let (own, at) = (&object["spec"], At::root("spec"));
    let (name, kind) = (text(&object["metadata"], "name"), text(own, "type"));
    if (name == "exempt") != (kind == "Exempt") {
        report.invalid(&at.child("type"), kind, "must be 'Exempt' if and only if `name` is 'exempt'");
    }
    let (exempt, limited) = (given(own, "exempt"), given(own, "limited"));
    match kind {
        "Exempt" => {
            if limited.is_some() {
                report.forbidden(&at.child("limited"), "must be nil if the type is not Limited");
            }
            if let Some(own) = exempt {
                shares(own, &at.child("exempt"), report);
            }
        }
        "Limited" => {
            if exempt.is_some() {
                report.forbidden(&at.child("exempt"), "must be nil if the type is Limited");
            }
            let at = at.child("limited");
            let Some(own) = limited else { return report.required(&at, "must not be empty when type is Limited") };
            shares(own, &at, report);
            response(&own["limitResponse"], &at.child("limitResponse"), report);
            if let Some(limit) = own["borrowingLimitPercent"].as_i64().filter(|limit| *limit < 0) {
                let words = "if specified, must be a non-negative integer";
                report.invalid(&at.child("borrowingLimitPercent"), limit, words);
            }
        }
        _ => report.required_one_of(&at.child("type"), &own["type"], &["Exempt", "Limited"]),
    }
}

fn shares(own: &Value, at: &At<'_>, report: &mut Report) {
    if let Some(shares) = own["nominalConcurrencyShares"].as_i64().filter(|shares| *shares < 0) {
        report.invalid(&at.child("nominalConcurrencyShares"), shares, "must be a non-negative integer");
    }
    if let Some(percent) = own["lendablePercent"].as_i64().filter(|percent| !(0..=100).contains(percent)) {
        report.invalid(&at.child("lendablePercent"), percent, "must be between 0 and 100, inclusive");
    }
}

fn response(own: &Value, at: &At<'_>, report: &mut Report) {
    let queuing_at = at.child("queuing");
    match (text(own, "type"), given(own, "queuing")) {
        ("Reject", Some(_)) => {
            report.forbidden(&queuing_at, "must be nil if limited.limitResponse.type is not Limited");
        }
        ("Reject", None) => {}
        ("Queue", None) => {
            report.required(&queuing_at, "must not be empty if limited.limitResponse.type is Limited");
        }
        ("Queue", Some(queuing)) => self::queuing(queuing, &queuing_at, report),
        _ => report.required_one_of(&at.child("type"), &own["type"], &["Queue", "Reject"]),
    }
}

fn queuing(own: &Value, at: &At<'_>, report: &mut Report) {
    const POSITIVE: &str = "must be positive";
    let (length, queues, hand) = (number(own, "queueLengthLimit"), number(own, "queues"), number(own, "handSize"));
    if length <= 0 {
        report.invalid(&at.child("queueLengthLimit"), length, POSITIVE);
    }
    if queues <= 0 {
        report.invalid(&at.child("queues"), queues, POSITIVE);
    } else if queues > QUEUES_MAX {
        report.invalid(&at.child("queues"), queues, format!("must not be greater than {QUEUES_MAX}"));
    }
    if hand <= 0 {
        report.invalid(&at.child("handSize"), hand, POSITIVE);
    } else if hand > queues {
        report.invalid(&at.child("handSize"), hand, format!("should not be greater than queues ({queues})"));
    }
}

/// An event; those of the newer group have more rules.
pub(super) fn event(object: &Value, newer: bool, report: &mut Report) {
    let subject = if newer { &object["regarding"] } else { &object["involvedObject"] };
    let (space, own_space) = (text(subject, "namespace"), text(&object["metadata"], "namespace"));
    let timed = given(object, "eventTime").is_some();
    let at = At::root("involvedObject.namespace");
    let allowed: &[&str] = if timed { &["default", "kube-system"] } else { &["", "default"] };
    if space.is_empty() && !allowed.contains(&own_space) || !space.is_empty() && !timed && space != own_space {
        report.invalid(&at, space, "does not match event.namespace");
    }
    if timed {
        let controller = if newer { "reportingController" } else { "reportingComponent" };
        for field in [controller, "reportingInstance", "action", "reason"] {
            report.required_text(&At::root(field), &object[field]);
            if field == controller {
                report.qualified_name(&At::root(field), text(object, field));
            }
        }
    }
    if !newer {
        return;
    }
    if !timed {
        report.required(&At::root("eventTime"), "");
    }
    let kind = text(object, "type");
    if !matches!(kind, "Normal" | "Warning") {
        report.invalid(&At::root("type"), "", format!("has invalid value: {kind}"));
    }
    let fields = [("deprecatedFirstTimestamp", "firstTimestamp"), ("deprecatedLastTimestamp", "lastTimestamp")];
    for (field, shown) in fields {
        if given(object, field).is_some() {
            report.invalid(&At::root(shown), "", "needs to be unset");
        }
    }
    if number(object, "deprecatedCount") != 0 {
        report.invalid(&At::root("count"), "", "needs to be unset");
    }
}
