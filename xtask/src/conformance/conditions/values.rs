//! The Go values of these rows as ours.

use std::collections::BTreeMap;
use std::time::Duration;

use flux_api::meta::{Condition, DependencyReference};
use flux_runtime::conditions::{self, Change};
use serde_json::Value;

use super::super::table::{call, list};

/// A condition: a constructor's call or a structure.
pub fn condition(value: &Value) -> Option<Condition> {
    if let Some((name, arguments)) = call(value) {
        let text = |at: usize| arguments.get(at).and_then(Value::as_str).unwrap_or_default();
        // The message is a format; those with arguments have the plain `%s`.
        let message = if text(2) == "%s" { text(3) } else { text(2) };
        let make = match name.trim_start_matches("conditions.") {
            "TrueCondition" => conditions::truthy,
            "FalseCondition" => conditions::falsy,
            "UnknownCondition" => conditions::unknown,
            _ => return None,
        };
        return Some(make(text(0), text(1), message.to_owned()));
    }
    if !value.is_object() {
        return None;
    }
    let text = |field: &str| value[field].as_str().unwrap_or_default();
    let mut condition = conditions::new(text("Type"), text("Status"), text("Reason"), text("Message"));
    condition.observed_generation = value["ObservedGeneration"].as_i64();
    Some(condition)
}

/// The conditions of `getterWithConditions(...)`, `conditionList(...)` and the like.
pub fn condition_list(value: &Value) -> Vec<Condition> {
    match call(value) {
        Some((_, arguments)) => arguments.iter().filter_map(condition).collect(),
        None => list(value).iter().filter_map(condition).collect(),
    }
}

/// A change of conditions: its name, what was, what is.
pub fn change(change: &Change) -> (String, Option<&Condition>, Option<&Condition>) {
    match change {
        Change::Add(after) => ("Add".into(), None, Some(after)),
        Change::Change { before, after } => ("Change".into(), Some(before), Some(after)),
        Change::Remove(before) => ("Remove".into(), Some(before), None),
    }
}

/// `{"$duration": "5m0s"}`, or nanoseconds.
pub fn duration(value: &Value) -> Duration {
    match value["$duration"].as_str() {
        Some(text) => text.parse::<flux_api::Duration>().map(|duration| duration.std()).unwrap_or_default(),
        None => Duration::from_nanos(value.as_u64().unwrap_or(0)),
    }
}

pub fn string_map(value: &Value) -> BTreeMap<String, String> {
    value
        .as_object()
        .into_iter()
        .flatten()
        .filter_map(|(key, value)| Some((key.clone(), value.as_str()?.to_owned())))
        .collect()
}

pub fn go_reference(value: &Value) -> DependencyReference {
    let text = |field: &str| value[field].as_str().filter(|text| !text.is_empty()).map(str::to_owned);
    DependencyReference {
        name: text("Name").unwrap_or_default(),
        namespace: text("Namespace"),
        ready_expr: text("ReadyExpr"),
    }
}

pub fn reference(reference: &DependencyReference) -> (String, String, String) {
    let text = |field: &Option<String>| field.clone().unwrap_or_default();
    (reference.name.clone(), text(&reference.namespace), text(&reference.ready_expr))
}
