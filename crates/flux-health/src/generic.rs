//! Rules for all kinds.

use serde_json::Value;

use crate::status::{Health, HealthError, Status, conditions, integer, text, word};

/// Deletion, generation and the standard conditions; `None` when they do not decide.
pub(crate) fn decide(object: &Value) -> Result<Option<Health>, HealthError> {
    if text(object, &["metadata", "deletionTimestamp"])?.is_some_and(|time| !time.is_empty()) {
        return Ok(Some(Health::plain(Status::Terminating, "Resource scheduled for deletion")));
    }
    if let Some(behind) = generation(object)? {
        return Ok(Some(behind));
    }
    let standard = conditions(object).find_map(|entry| match (entry.kind, entry.status) {
        ("Reconciling", "True") => Some(Health::in_progress(entry.reason, entry.message)),
        ("Stalled", "True") => Some(Health::failed(entry.reason, entry.message)),
        _ => None,
    });
    Ok(standard)
}

fn generation(object: &Value) -> Result<Option<Health>, HealthError> {
    let Some(generation) = integer(object, &["metadata", "generation"])? else { return Ok(None) };
    let Some(observed) = integer(object, &["status", "observedGeneration"])? else { return Ok(None) };
    if observed == generation {
        return Ok(None);
    }
    let kind = word(object, &["kind"], "");
    let message = format!("{kind} generation is {generation}, but latest observed generation is {observed}");
    Ok(Some(Health::in_progress("LatestGenerationNotObserved", message)))
}

/// Objects of kinds without own rules: `Ready` when there is one, else current.
pub(crate) fn ready_condition(object: &Value) -> Result<Health, HealthError> {
    let ready = conditions(object).filter(|entry| entry.kind == "Ready").find_map(|entry| match entry.status {
        "True" => Some(Health::current("Resource is Ready")),
        "False" | "Unknown" => Some(Health::in_progress(entry.reason, entry.message)),
        _ => None,
    });
    Ok(ready.unwrap_or_else(|| Health::current("Resource is current")))
}
