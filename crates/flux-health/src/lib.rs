//! Object health: kstatus rules and CEL health expressions.
//!
//! [`compute`] follows kstatus: deletion, generation, the standard conditions, then rules per built-in
//! kind, then `Ready`. [`health`] is what Flux uses on top: a Job is current only once it completed.
//! [`HealthChecks`] evaluates a Kustomization's or HelmRelease's `healthCheckExprs` first. [`legacy`] is Helm 3's way.
//!
//! Pure: time is handed in, because a Pod gets 15 seconds to be scheduled.

mod aggregate;
mod augment;
mod expressions;
mod field;
mod generic;
mod kinds;
mod legacy;
mod status;

pub use aggregate::{aggregate, set_hash};
pub use augment::augment;
pub use expressions::{Expressions, HealthChecks, StatusEvaluator};
pub use field::{FieldPath, Step, is_custom_resource_definition, is_namespace};
pub use jiff::Timestamp;
pub use kinds::SCHEDULE_WINDOW;
pub use legacy::legacy;
pub use status::{Condition, ConditionType, Health, HealthError, Status};

use serde_json::Value;

/// The status of an object by kstatus' rules.
///
/// # Errors
/// When a field that the rules look at has the wrong type.
pub fn compute(object: &Value, now: Timestamp) -> Result<Health, HealthError> {
    if let Some(decided) = generic::decide(object)? {
        return Ok(decided);
    }
    match kinds::rule(object) {
        Some(rule) => rule(object, now),
        None => generic::ready_condition(object),
    }
}

/// The status of an object as Flux sees it: as [`compute`], but a Job that runs is in progress.
///
/// # Errors
/// As [`compute`].
pub fn health(object: &Value, now: Timestamp) -> Result<Health, HealthError> {
    if kinds::is_job(object) {
        return match generic::decide(object)? {
            Some(decided) => Ok(decided),
            None => kinds::completed_job(object),
        };
    }
    compute(object, now)
}

#[cfg(test)]
mod tests;
