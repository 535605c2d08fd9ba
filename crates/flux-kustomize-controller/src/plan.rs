//! Step 3: what the spec asks for, checked before anything is fetched.

use std::sync::Arc;
use std::time::Duration;

use flux_api::Kustomization;
use flux_api::kustomize::KustomizationSpec;
use flux_apply::IgnoreRule;
use flux_apply::spec::{BadEntry, health_checks, ignore_rules};
use flux_health::HealthChecks;
use flux_runtime::Halt;

use crate::reason::Reason;

/// How upstream begins the message of an error that only an edit can mend.
pub const TERMINAL: &str = "Reconciliation failed terminally due to configuration error";

/// A timeout is at least so long.
const LEAST_TIMEOUT: Duration = Duration::from_secs(30);

/// What the spec asks for.
#[derive(Clone)]
pub struct Plan {
    pub timeout: Duration,
    pub interval: Duration,
    pub retry: Duration,
    pub checks: Option<Arc<HealthChecks>>,
    pub ignore: Vec<IgnoreRule>,
    /// The service account to act as; `None` acts as the controller.
    pub service_account: Option<String>,
}

/// Why the spec cannot be followed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PlanError {
    #[error("{TERMINAL}: failed to create custom status evaluator for healthchecks[{index}]: {message}")]
    HealthExpression { index: usize, message: String },
    #[error("{TERMINAL}: spec.{field} is not supported yet")]
    Unsupported { field: String },
    #[error("{TERMINAL}: unknown field spec.{field}")]
    UnknownField { field: String },
    #[error("{TERMINAL}: spec.ignore[{index}]: {message}")]
    Ignore { index: usize, message: String },
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

/// The interval at which failures are retried.
pub fn retry_interval(spec: &KustomizationSpec) -> Duration {
    spec.retry_interval.unwrap_or(spec.interval).std()
}

/// The time that a phase may take: 30 s less than the interval unless it is given, and never below 30 s.
pub fn timeout(spec: &KustomizationSpec) -> Duration {
    let derived = || spec.interval.std().saturating_sub(Duration::from_secs(30));
    spec.timeout.map_or_else(derived, |timeout| timeout.std()).max(LEAST_TIMEOUT)
}

impl Plan {
    /// Checks the spec.
    pub fn validate(obj: &Kustomization, default_service_account: &str) -> Result<Self, PlanError> {
        let spec = &obj.spec;
        let unhealthy = |BadEntry { index, message }| PlanError::HealthExpression { index, message };
        let ignored = |BadEntry { index, message }| PlanError::Ignore { index, message };
        let checks = health_checks(&spec.health_check_exprs).map_err(unhealthy)?;
        if spec.decryption.is_some() {
            return Err(PlanError::Unsupported { field: "decryption".into() });
        }
        if spec.kube_config.is_some() {
            return Err(PlanError::Unsupported { field: "kubeConfig".into() });
        }
        if let Some(field) = spec.unknown.keys().next() {
            return Err(PlanError::UnknownField { field: field.clone() });
        }
        let named = spec.service_account_name.clone();
        let default = (!default_service_account.is_empty()).then(|| default_service_account.to_owned());
        Ok(Self {
            timeout: timeout(spec),
            interval: spec.interval.std(),
            retry: retry_interval(spec),
            checks,
            ignore: ignore_rules(&spec.ignore).map_err(ignored)?,
            service_account: named.or(default),
        })
    }
}
