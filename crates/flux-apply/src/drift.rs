//! Does the object in the cluster differ from what an apply would make of it?

use serde_json::Value;

use crate::ignore::CompiledRules;
use crate::metadata;
use crate::normalize::normalize_dry_run;

/// Compares labels, annotations and everything but metadata and status.
pub fn has_drifted(existing: &Value, dry_run: &Value) -> bool {
    if metadata::resource_version(dry_run).is_empty() {
        return true;
    }
    let entries = |object: &Value, field: &str| metadata::entries(object, field);
    entries(existing, "labels") != entries(dry_run, "labels")
        || entries(existing, "annotations") != entries(dry_run, "annotations")
        || content_differs(existing, dry_run)
}

/// As [`has_drifted`], without the ignored fields.
pub fn has_drifted_ignoring(existing: &Value, dry_run: &Value, rules: &CompiledRules) -> bool {
    if rules.paths(dry_run).next().is_none() || metadata::resource_version(existing).is_empty() {
        return has_drifted(existing, dry_run);
    }
    let (mut left, mut right) = (existing.clone(), dry_run.clone());
    rules.strip(dry_run, &mut left);
    rules.strip(dry_run, &mut right);
    has_drifted(&left, &right)
}

fn content_differs(existing: &Value, dry_run: &Value) -> bool {
    let (Some(left), Some(right)) = (existing.as_object(), dry_run.as_object()) else { return existing != dry_run };
    if metadata::kind(dry_run) == "HorizontalPodAutoscaler" {
        let prepared = |object: &Value| {
            let mut object = object.clone();
            if let Some(map) = object.as_object_mut() {
                map.remove("metadata");
                map.remove("status");
            }
            normalize_dry_run(&mut object);
            object
        };
        return !semantically_equal(&prepared(existing), &prepared(dry_run));
    }
    let counts = |key: &&String| !matches!(key.as_str(), "metadata" | "status");
    let differs = |key: &String| {
        let (left, right) = (left.get(key).unwrap_or(&Value::Null), right.get(key).unwrap_or(&Value::Null));
        !semantically_equal(left, right)
    };
    left.keys().chain(right.keys()).filter(counts).any(differs)
}

/// Equal values; an absent or empty map or list equals none.
fn semantically_equal(left: &Value, right: &Value) -> bool {
    match (left, right) {
        (Value::Object(a), Value::Object(b)) => {
            let same = |key: &String| match (a.get(key), b.get(key)) {
                (Some(left), Some(right)) => semantically_equal(left, right),
                // Upstream compares maps key by key: a missing one is a difference.
                _ => false,
            };
            a.len() == b.len() && a.keys().all(same)
        }
        (Value::Array(a), Value::Array(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(left, right)| semantically_equal(left, right))
        }
        (Value::Null, other) | (other, Value::Null) => is_empty(other),
        _ => left == right,
    }
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Array(list) => list.is_empty(),
        Value::Object(map) => map.is_empty(),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn status_and_bookkeeping_do_not_count() {
        let existing = json!({"metadata": {"resourceVersion": "1", "uid": "u"}, "spec": {"a": 1}, "status": {"x": 1}});
        let dry_run =
            json!({"metadata": {"resourceVersion": "1", "generation": 4}, "spec": {"a": 1}, "status": {"x": 2}});
        assert!(!has_drifted(&existing, &dry_run));
        assert!(has_drifted(&existing, &json!({"metadata": {"resourceVersion": "1"}, "spec": {"a": 2}})));
        assert!(has_drifted(
            &existing,
            &json!({"metadata": {"resourceVersion": "1", "labels": {"l": "x"}}, "spec": {"a": 1}})
        ));
        assert!(has_drifted(&existing, &json!({"metadata": {}, "spec": {"a": 1}})), "not in the cluster yet");
    }
}
