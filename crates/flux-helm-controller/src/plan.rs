//! Step 1: what the spec asks for, checked before anything is fetched.

use std::sync::Arc;

use flux_api::HelmRelease;
use flux_apply::{IgnoreRule, Selector, SelectorRegex};
use flux_health::{Expressions, HealthChecks};
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
    #[error("{TERMINAL}: spec.{field} is not supported yet")]
    Unsupported { field: &'static str },
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
        let checks = health_checks(obj)?;
        if let Some(field) = spec.unknown.keys().next() {
            return Err(PlanError::UnknownField { field: field.clone() });
        }
        if spec.kube_config.is_some() {
            return Err(PlanError::Unsupported { field: "kubeConfig" });
        }
        if spec.chart.is_some() == spec.chart_ref.is_some() {
            return Err(PlanError::Chart);
        }
        Ok(Self { checks, ignore: ignore_rules(obj)?, service_account: service_account(obj, default_service_account) })
    }
}

fn health_checks(obj: &HelmRelease) -> Result<Option<Arc<HealthChecks>>, PlanError> {
    if obj.spec.health_check_exprs.is_empty() {
        return Ok(None);
    }
    let mut entries = Vec::with_capacity(obj.spec.health_check_exprs.len());
    for (index, check) in obj.spec.health_check_exprs.iter().enumerate() {
        let expressions = Expressions {
            current: check.current.clone(),
            failed: check.failed.clone().unwrap_or_default(),
            in_progress: check.in_progress.clone().unwrap_or_default(),
        };
        let entry = (check.api_version.clone(), check.kind.clone().unwrap_or_default(), expressions);
        HealthChecks::new([(entry.0.as_str(), entry.1.as_str(), &entry.2)])
            .map_err(|error| PlanError::HealthExpression { index, message: error.to_string() })?;
        entries.push(entry);
    }
    let all = entries.iter().map(|(version, kind, expressions)| (version.as_str(), kind.as_str(), expressions));
    let checks =
        HealthChecks::new(all).map_err(|error| PlanError::HealthExpression { index: 0, message: error.to_string() })?;
    Ok(Some(Arc::new(checks)))
}

/// The rules of `spec.driftDetection.ignore`, compiled once to see that they can be.
pub fn ignore_rules(obj: &HelmRelease) -> Result<Vec<IgnoreRule>, PlanError> {
    let rules = obj.spec.drift_detection.iter().flat_map(|drift| &drift.ignore);
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
    rules.enumerate().map(rule).collect()
}
