//! When a job has failed, and when it has succeeded.

use serde_json::Value;

use super::at::At;
use super::jobs::container_names;
use super::report::{Report, given, items, text};

const RULES_MAX: usize = 20;
const CODES_MAX: usize = 255;
const PATTERNS_MAX: usize = 20;
const INDEXES_MAX: usize = 64 * 1024;
const ACTIONS: [&str; 4] = ["Count", "FailIndex", "FailJob", "Ignore"];

/// A text of a closed set, listed in Go's way when it is missing.
fn listed(value: &Value, supported: &[&str], at: &At<'_>, report: &mut Report) {
    match value.as_str().unwrap_or_default() {
        "" => {
            let list: Vec<String> = supported.iter().map(|one| format!("\"{one}\"")).collect();
            report.required(at, &format!("valid values: [{}]", list.join(" ")));
        }
        _ => report.one_of(at, value, supported),
    }
}

pub(super) fn failure(job: &Value, own: &Value, at: &At<'_>, report: &mut Report) {
    let (rules, at) = (items(own, "rules"), at.child("rules"));
    if rules.len() > RULES_MAX {
        report.too_many(&at, rules.len(), RULES_MAX);
    }
    for (index, rule) in rules.iter().enumerate() {
        let at = at.index(index);
        if text(rule, "action") != "FailIndex" {
            listed(&rule["action"], &ACTIONS, &at.child("action"), report);
        } else if given(job, "backoffLimitPerIndex").is_none() {
            report.invalid(&at.child("action"), "FailIndex", "requires the backoffLimitPerIndex to be set");
        }
        let (codes, conditions) = (given(rule, "onExitCodes"), items(rule, "onPodConditions"));
        if let Some(codes) = codes {
            exit_codes(job, codes, &at.child("onExitCodes"), report);
        }
        pod_conditions(conditions, &at.child("onPodConditions"), report);
        match (codes.is_some(), conditions.is_empty()) {
            (true, false) => {
                let words = "specifying both OnExitCodes and OnPodConditions is not supported";
                report.invalid_printed(&at, words, "");
            }
            (false, true) => {
                report.invalid_printed(&at, "specifying one of OnExitCodes and OnPodConditions is required", "");
            }
            _ => {}
        }
    }
}

fn pod_conditions(list: &[Value], at: &At<'_>, report: &mut Report) {
    if list.len() > PATTERNS_MAX {
        report.too_many(at, list.len(), PATTERNS_MAX);
    }
    for (index, pattern) in list.iter().enumerate() {
        let at = at.index(index);
        report.qualified_name(&at.child("type"), text(pattern, "type"));
        listed(&pattern["status"], &["False", "True", "Unknown"], &at.child("status"), report);
    }
}

fn exit_codes(job: &Value, own: &Value, at: &At<'_>, report: &mut Report) {
    listed(&own["operator"], &["In", "NotIn"], &at.child("operator"), report);
    if let Some(name) = own["containerName"].as_str()
        && !container_names(job).contains(&name)
    {
        let words = "must be one of the container or initContainer names in the pod template";
        report.invalid(&at.child("containerName"), name, words);
    }
    let (values, at) = (items(own, "values"), at.child("values"));
    if values.is_empty() {
        report.invalid(&at, own["values"].clone(), "at least one value is required");
    } else if values.len() > CODES_MAX {
        report.too_many(&at, values.len(), CODES_MAX);
    }
    let codes: Vec<i64> = values.iter().map(|value| value.as_i64().unwrap_or(0)).collect();
    for (index, code) in codes.iter().enumerate() {
        if text(own, "operator") == "In" && *code == 0 {
            report.invalid(&at.index(index), 0, "must not be 0 for the In operator");
        }
        if codes[..index].contains(code) {
            report.duplicate(&at.index(index), *code);
        }
    }
    if !codes.is_sorted() {
        report.invalid(&at, own["values"].clone(), "must be ordered");
    }
}

pub(super) fn success(job: &Value, own: &Value, at: &At<'_>, report: &mut Report) {
    let (rules, at) = (items(own, "rules"), at.child("rules"));
    if rules.is_empty() {
        report.required(&at, "at least one rules must be specified when the successPolicy is specified");
    }
    if rules.len() > RULES_MAX {
        report.too_many(&at, rules.len(), RULES_MAX);
    }
    let completions = job["completions"].as_i64().unwrap_or(0);
    for (index, rule) in rules.iter().enumerate() {
        let at = at.index(index);
        let (count, indexes) = (rule["succeededCount"].as_i64(), rule["succeededIndexes"].as_str());
        if count.is_none() && indexes.is_none() {
            report.required(&at, "at least one of succeededCount or succeededIndexes must be specified");
        }
        let total = indexes.map(|indexes| {
            let at = at.child("succeededIndexes");
            if indexes.len() > INDEXES_MAX {
                report.too_long(&at, INDEXES_MAX);
            }
            parse_indexes(indexes, completions).unwrap_or_else(|error| {
                report.invalid(&at, indexes, format!("error parsing succeededIndexes: {error}"));
                0
            })
        });
        let Some(count) = count else { continue };
        let at = at.child("succeededCount");
        report.non_negative(&at, &rule["succeededCount"]);
        if count > completions {
            let words = format!("must be less than or equal to {completions} (the number of specified completions)");
            report.invalid(&at, count, words);
        }
        if let Some(total) = total.filter(|total| count > *total) {
            let words = format!(
                "must be less than or equal to {total} (the number of indexes in the specified succeededIndexes field)"
            );
            report.invalid(&at, count, words);
        }
    }
}

/// How many indexes a text such as `0-2,5` names.
fn parse_indexes(text: &str, completions: i64) -> Result<i64, String> {
    if text.is_empty() {
        return Ok(0);
    }
    let (mut last, mut total): (Option<i64>, i64) = (None, 0);
    for interval in text.split(',') {
        let parts: Vec<&str> = interval.split('-').collect();
        if parts.len() > 2 {
            return Err(format!(
                "the fragment {interval:?} violates the requirement that an index interval can have at most two parts separated by '-'"
            ));
        }
        let number = |text: &str| {
            let number: i64 = text
                .parse::<i32>()
                .map(i64::from)
                .map_err(|_| format!("cannot convert string to integer for index: {text:?}"))?;
            if number >= completions {
                return Err(format!("too large index: {text:?}"));
            }
            Ok(number)
        };
        let first = number(parts[0])?;
        if last.is_some_and(|last| last >= first) {
            return Err(format!("non-increasing order, previous: {}, current: {first}", last.unwrap_or(0)));
        }
        let end = match parts.get(1) {
            None => first,
            Some(end) => number(end)?,
        };
        if parts.len() == 2 && first >= end {
            return Err(format!("non-increasing order, previous: {first}, current: {end}"));
        }
        total += end - first + 1;
        last = Some(end);
    }
    Ok(total)
}
