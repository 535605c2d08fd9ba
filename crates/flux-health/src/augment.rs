//! Writes the standard conditions into an object whose controller does not.

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::status::{HealthError, lookup};

/// Adds or updates the conditions that follow from the object's status.
///
/// # Errors
/// As [`compute`](crate::compute).
pub fn augment(object: &mut Value, now: Timestamp) -> Result<(), HealthError> {
    let health = crate::compute(object, now)?;
    let mut conditions =
        lookup(object, &["status", "conditions"]).and_then(Value::as_array).cloned().unwrap_or_default();
    let time = now.strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
    for condition in health.conditions {
        let kind = condition.kind.as_str();
        let existing = conditions.iter_mut().find(|entry| entry["type"] == kind);
        match existing {
            Some(entry) => {
                if entry["status"] != "True" {
                    entry["lastTransitionTime"] = json!(time);
                }
                entry["status"] = json!("True");
                entry["lastUpdateTime"] = json!(time);
                entry["reason"] = json!(condition.reason);
                entry["message"] = json!(condition.message);
            }
            None => conditions.push(json!({
                "lastTransitionTime": time,
                "lastUpdateTime": time,
                "message": condition.message,
                "reason": condition.reason,
                "status": "True",
                "type": kind,
            })),
        }
    }
    if let Some(members) = object.as_object_mut() {
        let status = members.entry("status").or_insert_with(|| json!({}));
        if let Some(status) = status.as_object_mut() {
            status.insert("conditions".into(), Value::Array(conditions));
        }
    }
    Ok(())
}
