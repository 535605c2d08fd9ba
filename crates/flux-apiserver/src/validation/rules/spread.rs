//! How pods spread over a topology.

use serde_json::Value;

use super::at::At;
use super::report::{Report, given, items, number, text};
use super::{pod, selector};

pub(super) fn check(spec: &Value, at: &At<'_>, report: &mut Report) {
    let list = items(spec, "topologySpreadConstraints");
    for (index, one) in list.iter().enumerate() {
        let at = at.index(index);
        let (skew, key, action) = (number(one, "maxSkew"), text(one, "topologyKey"), text(one, "whenUnsatisfiable"));
        if skew <= 0 {
            report.invalid(&at.child("maxSkew"), skew, "must be greater than zero");
        }
        if key.is_empty() {
            report.required(&at.child("topologyKey"), "can not be empty");
        }
        if !matches!(action, "DoNotSchedule" | "ScheduleAnyway") {
            report.not_supported(&at.child("whenUnsatisfiable"), action, &["DoNotSchedule", "ScheduleAnyway"]);
        }
        let same = |other: &Value| text(other, "topologyKey") == key && text(other, "whenUnsatisfiable") == action;
        if list[index + 1..].iter().any(same) {
            report.duplicate(&at.child("{topologyKey, whenUnsatisfiable}"), format!("{{{key}, {action}}}"));
        }
        if let Some(domains) = one["minDomains"].as_i64() {
            if domains <= 0 {
                report.invalid(&at.child("minDomains"), domains, "must be greater than zero");
            }
            if action != "DoNotSchedule" {
                let words = format!("can only use minDomains if whenUnsatisfiable=DoNotSchedule, not {action}");
                report.invalid(&at.child("minDomains"), domains, words);
            }
        }
        for field in ["nodeAffinityPolicy", "nodeTaintsPolicy"] {
            if let Some(own) = given(one, field) {
                report.one_of(&at.child(field), own, &["Honor", "Ignore"]);
            }
        }
        pod::merged_keys(&at, one, report);
        selector::check(&one["labelSelector"], &at.child("labelSelector"), report);
    }
}
