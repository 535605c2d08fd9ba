//! Compares the status that should be with the one that is, so that only differences are written.

use super::{Context, Part, Plan, SETTLE, after};
use crate::world::{Object, rfc3339};
use jiff::Timestamp;
use serde_json::{Map, Value, json};

/// The merge patch that turns `current` into `desired`. Fields that only `current` has are removed. `None` when equal.
pub(super) fn difference(current: &Value, desired: &Map<String, Value>) -> Option<Map<String, Value>> {
    let empty = Map::new();
    let current = current.as_object().unwrap_or(&empty);
    let mut patch = Map::new();
    for (name, value) in desired {
        match current.get(name) {
            Some(held) if held == value => {}
            // Nested objects are merged, so what they no longer hold must be named.
            Some(Value::Object(_)) if value.is_object() => {
                let inner = difference(&current[name], value.as_object().unwrap_or(&empty));
                patch.extend(inner.map(|inner| (name.clone(), Value::Object(inner))));
            }
            _ => _ = patch.insert(name.clone(), value.clone()),
        }
    }
    for name in current.keys().filter(|name| !desired.contains_key(*name)) {
        patch.insert(name.clone(), Value::Null);
    }
    (!patch.is_empty()).then_some(patch)
}

impl Plan {
    /// Writes `desired` as the whole status, if it differs.
    pub(super) fn set_status(&mut self, object: &Object, desired: Map<String, Value>) {
        if let Some(patch) = difference(&object.status, &desired) {
            self.patch(object, Part::Status, json!({"status": patch}));
        }
    }

    /// As [`Plan::set_status`], but a status that is not `settled` is held back for a moment after a change of the spec.
    pub(super) fn settle_status(&mut self, ctx: &Context, object: &Object, desired: Map<String, Value>, settled: bool) {
        let due = after(object.changed, SETTLE);
        if settled || ctx.now >= due {
            self.set_status(object, desired);
        } else if difference(&object.status, &desired).is_some() {
            self.wake_at(due);
        }
    }
}

/// A condition list that starts from an object's own one.
pub(super) struct Conditions<'a> {
    object: &'a Object,
    now: Timestamp,
    list: Vec<Value>,
}

impl<'a> Conditions<'a> {
    pub(super) fn of(object: &'a Object, now: Timestamp) -> Conditions<'a> {
        let list = object.status["conditions"].as_array().cloned().unwrap_or_default();
        Conditions { object, now, list }
    }

    pub(super) fn get(&self, kind: &str) -> Option<&Value> {
        self.list.iter().find(|condition| condition["type"] == kind)
    }

    /// Sets a condition; `lastTransitionTime` moves only when the status changes.
    pub(super) fn set(&mut self, kind: &str, status: bool, reason: &str, message: &str) {
        let status = if status { "True" } else { "False" };
        let mut condition = json!({"type": kind, "status": status, "lastTransitionTime": rfc3339(self.now)});
        if !reason.is_empty() {
            condition["reason"] = reason.into();
        }
        if !message.is_empty() {
            condition["message"] = message.into();
        }
        self.put(condition, &[]);
    }

    /// As [`Conditions::set`] for kinds whose conditions also say when they were last updated or probed.
    /// `extra` fields are kept as they were when nothing else changed.
    pub(super) fn put(&mut self, mut condition: Value, extra: &[(&str, Value)]) {
        let held = self.list.iter_mut().find(|held| held["type"] == condition["type"]);
        let Some(held) = held else {
            condition.as_object_mut().into_iter().for_each(|fields| fields.extend(owned(extra)));
            self.list.push(condition);
            return;
        };
        let same = ["status", "reason", "message"].iter().all(|field| held.get(*field) == condition.get(*field));
        if same {
            return;
        }
        if held["status"] == condition["status"] && !held["lastTransitionTime"].is_null() {
            condition["lastTransitionTime"] = held["lastTransitionTime"].clone();
        }
        condition.as_object_mut().into_iter().for_each(|fields| fields.extend(owned(extra)));
        *held = condition;
    }

    pub(super) fn remove(&mut self, kind: &str) {
        self.list.retain(|condition| condition["type"] != kind);
    }

    /// Adds what the object does not have yet to `status`; nothing when there are no conditions.
    pub(super) fn store(self, status: &mut Map<String, Value>) {
        debug_assert!(!self.object.uid.is_empty());
        if !self.list.is_empty() {
            status.insert("conditions".into(), Value::Array(self.list));
        }
    }
}

fn owned(extra: &[(&str, Value)]) -> Vec<(String, Value)> {
    extra.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect()
}

/// A status map without the counters that are zero, as Go leaves them out.
pub(super) fn counters(counters: &[(&str, i64)]) -> Map<String, Value> {
    let shown = counters.iter().filter(|(_, value)| *value != 0);
    shown.map(|(name, value)| ((*name).to_owned(), json!(value))).collect()
}

#[cfg(test)]
mod tests {
    use super::difference;
    use serde_json::json;

    #[test]
    fn only_differences() {
        let desired = json!({"a": 1, "b": {"c": 2}, "d": [1]});
        let desired = desired.as_object().expect("a mapping");
        assert_eq!(difference(&json!({"a": 1, "b": {"c": 2}, "d": [1]}), desired), None);
        let patch = difference(&json!({"a": 2, "b": {"c": 2, "x": 1}, "d": [2], "e": 0}), desired)
            .map(serde_json::Value::Object);
        assert_eq!(patch, Some(json!({"a": 1, "b": {"x": null}, "d": [1], "e": null})));
    }
}
