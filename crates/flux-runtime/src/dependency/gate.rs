//! Whether a dependency lets its user go on.

use flux_api::FluxObject;
use flux_cel::{Expression, OutputType};
use serde_json::{Map, Value};

use crate::key::ObjectKey;

/// Why an object may not go on yet. Worded as upstream.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GateError {
    #[error("dependency '{key}' is not ready")]
    NotReady { key: ObjectKey },
    #[error("dependency '{key}' is not ready according to readyExpr eval")]
    Expression { key: ObjectKey },
    /// The expression cannot be understood: an edit is needed.
    #[error("failed to evaluate dependency {name}: {message}")]
    Invalid { name: String, message: String },
    #[error("{message}")]
    Evaluation { message: String },
}

/// What let an object go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Passed {
    /// `readyExpr` alone.
    Expression,
    /// Ready in the generation that is declared.
    Ready,
}

/// Decides about one dependency: by `expression` when there is one, by readiness when there is none or `additive` asks
/// for both (the gate `AdditiveCELDependencyCheck`).
///
/// # Errors
/// Why the object has to wait, or that the expression is of no use.
pub fn check<O: FluxObject>(
    obj: &O,
    dependency: &O,
    expression: Option<&str>,
    additive: bool,
    key: &ObjectKey,
) -> Result<Passed, GateError> {
    if let Some(expression) = expression {
        if !evaluate(expression, obj, dependency)? {
            return Err(GateError::Expression { key: key.clone() });
        }
        if !additive {
            return Ok(Passed::Expression);
        }
    }
    let observed = dependency.observed_generation() == dependency.meta().generation.unwrap_or_default();
    if observed && dependency.is_ready() { Ok(Passed::Ready) } else { Err(GateError::NotReady { key: key.clone() }) }
}

fn evaluate<O: FluxObject>(expression: &str, obj: &O, dependency: &O) -> Result<bool, GateError> {
    let name = dependency.meta().name.clone().unwrap_or_default();
    let compiled = Expression::compile(expression, &["self", "dep"], Some(OutputType::Bool))
        .map_err(|error| GateError::Invalid { name, message: error.to_string() })?;
    let json = |obj: &O| serde_json::to_value(obj).unwrap_or(Value::Null);
    let data = Map::from_iter([("self".to_owned(), json(obj)), ("dep".to_owned(), json(dependency))]);
    compiled.evaluate_bool(&data).map_err(|error| GateError::Evaluation { message: error.to_string() })
}

#[cfg(test)]
mod tests {
    use flux_api::Kustomization;
    use serde_json::json;

    use super::*;

    fn dependency(status: &str, observed: i64) -> Kustomization {
        serde_json::from_value(json!({
            "apiVersion": "kustomize.toolkit.fluxcd.io/v1", "kind": "Kustomization",
            "metadata": {"name": "db", "namespace": "a", "generation": 2, "labels": {"v": "1"}}, "spec": {},
            "status": {"observedGeneration": observed, "conditions": [
                {"type": "Ready", "status": status, "reason": "R", "message": "", "lastTransitionTime": "2026-01-01T00:00:00Z"}]},
        }))
        .unwrap()
    }

    fn decide(found: &Kustomization, expression: Option<&str>, additive: bool) -> Result<Passed, String> {
        let obj = dependency("True", 2);
        check(&obj, found, expression, additive, &ObjectKey::new("a", "db")).map_err(|error| error.to_string())
    }

    #[test]
    fn readiness_counts_in_the_declared_generation() {
        assert_eq!(decide(&dependency("True", 2), None, false), Ok(Passed::Ready));
        let waits = Err("dependency 'a/db' is not ready".to_owned());
        assert_eq!(decide(&dependency("True", 1), None, false), waits);
        assert_eq!(decide(&dependency("False", 2), None, false), waits);
    }

    #[test]
    fn an_expression_replaces_readiness_unless_it_is_additive() {
        let same = Some("dep.metadata.labels['v'] == self.metadata.labels['v']");
        assert_eq!(decide(&dependency("False", 2), same, false), Ok(Passed::Expression));
        assert!(decide(&dependency("False", 2), same, true).is_err());
        assert_eq!(decide(&dependency("True", 2), same, true), Ok(Passed::Ready));
        let refused = decide(&dependency("True", 2), Some("dep.metadata.name == 'x'"), false);
        assert_eq!(refused.unwrap_err(), "dependency 'a/db' is not ready according to readyExpr eval");
        assert!(
            decide(&dependency("True", 2), Some("1 +"), false)
                .unwrap_err()
                .contains("failed to evaluate dependency db")
        );
    }
}
