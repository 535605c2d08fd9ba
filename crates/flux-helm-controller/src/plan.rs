//! Step 1: what the spec asks for, checked before anything is fetched.

use std::sync::Arc;

use flux_api::HelmRelease;
use flux_apply::IgnoreRule;
use flux_apply::spec::{BadEntry, health_checks, ignore_rules};
use flux_health::HealthChecks;
use flux_runtime::Halt;

use crate::reason::Reason;

/// How upstream begins the message of an error that only an edit can mend.
pub const TERMINAL: &str = "Reconciliation failed terminally due to configuration error";

/// What was checked.
#[derive(Clone, Default)]
pub struct Plan {
    pub checks: Option<Arc<HealthChecks>>,
    /// Fields that drift detection leaves out.
    pub ignore: Vec<IgnoreRule>,
    /// The service account to act as; `None` acts as the controller.
    pub service_account: Option<String>,
}

/// Why the spec cannot be followed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PlanError {
    #[error("{TERMINAL}: failed to create custom status evaluator for healthchecks[{index}]: {message}")]
    HealthExpression { index: usize, message: String },
    #[error("{TERMINAL}: unknown field spec.{field}")]
    UnknownField { field: String },
    #[error("{TERMINAL}: spec.driftDetection.ignore[{index}]: {message}")]
    Ignore { index: usize, message: String },
    #[error("{TERMINAL}: spec.chart and spec.chartRef: exactly one must be set")]
    Chart,
}

impl From<PlanError> for Halt {
    fn from(error: PlanError) -> Self {
        let reason = match error {
            PlanError::HealthExpression { .. } => Reason::InvalidCelExpression,
            _ => Reason::UnsupportedField,
        };
        Self::stalled(reason.as_str(), error.to_string())
    }
}

/// The service account to act as.
pub fn service_account(obj: &HelmRelease, default: &str) -> Option<String> {
    obj.spec.service_account_name.clone().or_else(|| (!default.is_empty()).then(|| default.to_owned()))
}

impl Plan {
    /// Checks the spec.
    pub fn validate(obj: &HelmRelease, default_service_account: &str) -> Result<Self, PlanError> {
        let spec = &obj.spec;
        let unhealthy = |BadEntry { index, message }| PlanError::HealthExpression { index, message };
        let ignored = |BadEntry { index, message }| PlanError::Ignore { index, message };
        let checks = health_checks(&spec.health_check_exprs).map_err(unhealthy)?;
        let rules = spec.drift_detection.iter().flat_map(|drift| &drift.ignore);
        if let Some(field) = spec.unknown.keys().next() {
            return Err(PlanError::UnknownField { field: field.clone() });
        }
        if spec.chart.is_some() == spec.chart_ref.is_some() {
            return Err(PlanError::Chart);
        }
        Ok(Self {
            checks,
            ignore: ignore_rules(rules).map_err(ignored)?,
            service_account: service_account(obj, default_service_account),
        })
    }
}
