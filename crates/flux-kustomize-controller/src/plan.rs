//! Step 3: what the spec asks for, checked before anything is fetched.

use std::sync::Arc;
use std::time::Duration;

use flux_api::Kustomization;
use flux_api::kustomize::KustomizationSpec;
use flux_apply::{IgnoreRule, Selector, SelectorRegex};
use flux_health::{Expressions, HealthChecks};
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
        let checks = health_checks(spec)?;
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
            ignore: ignore_rules(spec)?,
            service_account: named.or(default),
        })
    }
}

fn health_checks(spec: &KustomizationSpec) -> Result<Option<Arc<HealthChecks>>, PlanError> {
    if spec.health_check_exprs.is_empty() {
        return Ok(None);
    }
    let mut entries = Vec::with_capacity(spec.health_check_exprs.len());
    for check in &spec.health_check_exprs {
        let expressions = Expressions {
            current: check.current.clone(),
            failed: check.failed.clone().unwrap_or_default(),
            in_progress: check.in_progress.clone().unwrap_or_default(),
        };
        entries.push((check.api_version.clone(), check.kind.clone().unwrap_or_default(), expressions));
    }
    for (index, (version, kind, expressions)) in entries.iter().enumerate() {
        HealthChecks::new([(version.as_str(), kind.as_str(), expressions)])
            .map_err(|error| PlanError::HealthExpression { index, message: error.to_string() })?;
    }
    let all = entries.iter().map(|(version, kind, expressions)| (version.as_str(), kind.as_str(), expressions));
    let checks =
        HealthChecks::new(all).map_err(|error| PlanError::HealthExpression { index: 0, message: error.to_string() })?;
    Ok(Some(Arc::new(checks)))
}

fn ignore_rules(spec: &KustomizationSpec) -> Result<Vec<IgnoreRule>, PlanError> {
    let rule = |(index, rule): (usize, &flux_api::meta::IgnoreRule)| {
        let selector = rule.target.as_ref().map(|target| {
            let text = |field: &Option<String>| field.clone().unwrap_or_default();
            Selector {
                group: text(&target.group),
                version: text(&target.version),
                kind: text(&target.kind),
                name: text(&target.name),
                namespace: text(&target.namespace),
                annotation_selector: text(&target.annotation_selector),
                label_selector: text(&target.label_selector),
            }
        });
        if let Some(selector) = &selector {
            SelectorRegex::new(selector).map_err(|error| PlanError::Ignore { index, message: error.to_string() })?;
        }
        Ok(IgnoreRule { paths: rule.paths.clone(), selector })
    };
    spec.ignore.iter().enumerate().map(rule).collect()
}
