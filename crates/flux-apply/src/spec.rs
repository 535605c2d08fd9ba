//! What specs say about health and about ignored fields, checked and compiled.

use std::sync::Arc;

use flux_api::meta;
use flux_health::{Expressions, HealthChecks};

use crate::ignore::IgnoreRule;
use crate::selector::{Selector, SelectorRegex};

/// The place of an entry that cannot be followed, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadEntry {
    pub index: usize,
    pub message: String,
}

/// The expressions of `healthCheckExprs`; `None` without any.
///
/// # Errors
/// The first expression that does not compile.
pub fn health_checks(checks: &[meta::HealthCheckExpr]) -> Result<Option<Arc<HealthChecks>>, BadEntry> {
    if checks.is_empty() {
        return Ok(None);
    }
    let entry = |check: &meta::HealthCheckExpr| {
        let expressions = Expressions {
            current: check.current.clone(),
            failed: check.failed.clone().unwrap_or_default(),
            in_progress: check.in_progress.clone().unwrap_or_default(),
        };
        (check.api_version.clone(), check.kind.clone().unwrap_or_default(), expressions)
    };
    let entries: Vec<_> = checks.iter().map(entry).collect();
    for (index, (version, kind, expressions)) in entries.iter().enumerate() {
        HealthChecks::new([(version.as_str(), kind.as_str(), expressions)])
            .map_err(|error| BadEntry { index, message: error.to_string() })?;
    }
    let all = entries.iter().map(|(version, kind, expressions)| (version.as_str(), kind.as_str(), expressions));
    HealthChecks::new(all)
        .map(|checks| Some(Arc::new(checks)))
        .map_err(|error| BadEntry { index: 0, message: error.to_string() })
}

/// Rules about ignored fields, their selectors compiled once to see that they can be.
///
/// # Errors
/// The first rule with a selector that is no expression.
pub fn ignore_rules<'a>(rules: impl IntoIterator<Item = &'a meta::IgnoreRule>) -> Result<Vec<IgnoreRule>, BadEntry> {
    let rule = |(index, rule): (usize, &meta::IgnoreRule)| {
        let selector = rule.target.as_ref().map(selector);
        if let Some(selector) = &selector {
            SelectorRegex::new(selector).map_err(|error| BadEntry { index, message: error.to_string() })?;
        }
        Ok(IgnoreRule { paths: rule.paths.clone(), selector })
    };
    rules.into_iter().enumerate().map(rule).collect()
}

fn selector(target: &meta::Selector) -> Selector {
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
}
