//! Stages that users declare for their own kinds.

use super::{Context, Part, Plan, after};
use crate::Stage;
use crate::kinds::Kind;
use crate::world::{Object, rfc3339};
use jiff::Timestamp;
use serde_json::{Map, Value, json};

/// How far an object is in its stages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Progress {
    generation: i64,
    /// Stages passed in this generation.
    passed: usize,
    since: Timestamp,
}

impl Stage {
    pub(crate) fn is_for_pods(&self) -> bool {
        self.group.is_empty() && self.kind == "Pod"
    }

    /// Whether namespace, name and labels are right; the kind is the caller's.
    pub(crate) fn matches(&self, object: &Object) -> bool {
        self.namespace.as_ref().is_none_or(|namespace| *namespace == object.key.namespace)
            && self.name.as_ref().is_none_or(|name| *name == object.key.name)
            && self.match_labels.iter().all(|(label, value)| object.labels.get(label) == Some(value))
    }
}

pub(super) fn plan(ctx: &Context, object: &Object, plan: &mut Plan) {
    let Kind::Custom(index) = object.key.kind else { return };
    let Some((group, kind)) = ctx.custom.get(usize::from(index)) else { return };
    let stages: Vec<&Stage> = ctx
        .config
        .stages
        .iter()
        .filter(|stage| stage.group == *group && stage.kind == *kind && stage.matches(object))
        .collect();
    let Some(last) = stages.last() else { return };
    let held = ctx.progress.get(&object.uid).filter(|held| held.generation == object.generation);
    let held = held.copied().unwrap_or_else(|| {
        // After a restart the last stage may have been passed long ago.
        let passed = if fulfilled(&object.status, &last.status, object) { stages.len() } else { 0 };
        Progress { generation: object.generation, passed, since: object.changed }
    });
    let Some(stage) = stages.get(held.passed) else { return };
    let due = after(held.since, stage.delay);
    if ctx.now < due {
        return plan.wake_at(due);
    }
    plan.progress = Some(Progress { generation: object.generation, passed: held.passed + 1, since: ctx.now });
    if stages.len() > held.passed + 1 {
        plan.wake_at(ctx.now);
    }
    if !fulfilled(&object.status, &stage.status, object) {
        let status = fill(&stage.status, object, ctx.now);
        plan.patch(object, Part::Status, json!({"status": status}));
    }
}

/// Merges a stage's status over a computed one.
pub(super) fn overlay(status: &mut Map<String, Value>, patch: &Value, object: &Object, now: Timestamp) {
    let mut whole = Value::Object(std::mem::take(status));
    if !patch.is_null() && !fulfilled(&object.status, patch, object) {
        merge(&mut whole, &fill(patch, object, now));
    } else if !patch.is_null() {
        merge(&mut whole, &keep(&object.status, patch));
    }
    if let Value::Object(fields) = whole {
        *status = fields;
    }
}

/// The values that `status` has where `patch` sets one.
fn keep(status: &Value, patch: &Value) -> Value {
    match patch {
        Value::Object(fields) => {
            let kept = fields.iter().filter(|(_, value)| !value.is_null());
            Value::Object(kept.map(|(name, value)| (name.clone(), keep(&status[name], value))).collect())
        }
        _ => status.clone(),
    }
}

/// RFC 7396.
fn merge(target: &mut Value, patch: &Value) {
    let Value::Object(fields) = patch else {
        *target = patch.clone();
        return;
    };
    if !target.is_object() {
        *target = json!({});
    }
    for (name, value) in fields {
        if value.is_null() {
            target.as_object_mut().into_iter().for_each(|target| _ = target.remove(name));
        } else {
            merge(&mut target[name], value);
        }
    }
}

/// Whether a patch would change nothing, whatever time it is.
fn fulfilled(status: &Value, patch: &Value, object: &Object) -> bool {
    match patch {
        Value::Object(fields) => fields.iter().all(|(name, value)| match value {
            Value::Null => status.get(name).is_none_or(Value::is_null),
            value => fulfilled(&status[name], value, object),
        }),
        Value::Array(items) => status.as_array().is_some_and(|held| {
            held.len() == items.len() && held.iter().zip(items).all(|(held, item)| same(held, item, object))
        }),
        _ => same(status, patch, object),
    }
}

/// Whether a value is what a template says; inside lists nothing may be left over.
fn same(held: &Value, template: &Value, object: &Object) -> bool {
    match template {
        Value::String(text) if is_now(text) => held.is_string(),
        Value::String(text) if text.contains("{{ now }}") => held.is_string(),
        Value::Object(fields) => held.as_object().is_some_and(|held| {
            held.len() == fields.len()
                && fields.iter().all(|(name, value)| held.get(name).is_some_and(|held| same(held, value, object)))
        }),
        Value::Array(_) => fulfilled(held, template, object),
        _ => *held == fill(template, object, Timestamp::UNIX_EPOCH),
    }
}

fn is_now(text: &str) -> bool {
    text.strip_prefix("{{").and_then(|text| text.strip_suffix("}}")).is_some_and(|text| text.trim() == "now")
}

/// Replaces `{{ ... }}` in every string.
fn fill(template: &Value, object: &Object, now: Timestamp) -> Value {
    match template {
        Value::String(text) => fill_text(text, object, now),
        Value::Array(items) => items.iter().map(|item| fill(item, object, now)).collect(),
        Value::Object(fields) => {
            Value::Object(fields.iter().map(|(name, value)| (name.clone(), fill(value, object, now))).collect())
        }
        other => other.clone(),
    }
}

fn fill_text(text: &str, object: &Object, now: Timestamp) -> Value {
    let value = |expression: &str| match expression.trim() {
        "now" => Value::String(rfc3339(now)),
        path => {
            let parts: Vec<&str> = path.trim_start_matches('.').split('.').collect();
            object.field(&parts)
        }
    };
    if let Some(inner) = text.strip_prefix("{{").and_then(|text| text.strip_suffix("}}"))
        && !inner.contains("{{")
    {
        return value(inner);
    }
    let mut filled = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("{{") {
        let Some((expression, after)) = after.split_once("}}") else { break };
        filled.push_str(before);
        match value(expression) {
            Value::String(text) => filled.push_str(&text),
            Value::Null => {}
            other => filled.push_str(&other.to_string()),
        }
        rest = after;
    }
    filled.push_str(rest);
    Value::String(filled)
}
