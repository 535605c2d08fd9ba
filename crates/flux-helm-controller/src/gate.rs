//! Step 2: the releases that an object depends on must be ready first.

use flux_api::{FluxObject as _, HelmRelease};
use flux_cel::{Expression, OutputType};
use flux_runtime::{Halt, ObjectKey, Severity};
use kube::{Api, Client};
use serde_json::{Map, Value};

use crate::plan::TERMINAL;
use crate::reason::Reason;
use crate::spec;

/// Why an object may not go on yet. Worded as upstream.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GateError {
    #[error("unable to get '{key}' dependency: {message}")]
    NotFound { key: ObjectKey, message: String },
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

impl GateError {
    pub fn into_halt(self, retry: std::time::Duration) -> Halt {
        let message = self.to_string();
        match self {
            Self::Invalid { .. } => {
                Halt::stalled(Reason::InvalidCelExpression.as_str(), format!("{TERMINAL}: {message}"))
            }
            _ => Halt::waiting(Reason::DependencyNotReady.as_str(), message).after(retry).event(Some(Severity::Info)),
        }
    }
}

/// Checks all dependencies, each by a fresh read. `additive` asks for readiness beside an expression.
pub async fn dependencies(obj: &HelmRelease, client: &Client, additive: bool) -> Result<(), GateError> {
    for dependency in &obj.spec.depends_on {
        let namespace = dependency.namespace.as_deref().unwrap_or_else(|| spec::own_namespace(obj));
        let key = ObjectKey::new(namespace, &dependency.name);
        let api: Api<HelmRelease> = Api::namespaced(client.clone(), namespace);
        let found = api.get(&key.name).await.map_err(|error| {
            let message = match error {
                kube::Error::Api(status) => status.message,
                other => other.to_string(),
            };
            GateError::NotFound { key: key.clone(), message }
        })?;
        check(obj, &found, dependency.ready_expr.as_deref(), additive, key)?;
    }
    Ok(())
}

/// Decides about one dependency.
pub fn check(
    obj: &HelmRelease,
    dependency: &HelmRelease,
    expression: Option<&str>,
    additive: bool,
    key: ObjectKey,
) -> Result<(), GateError> {
    if let Some(expression) = expression {
        if !evaluate(expression, obj, dependency)? {
            return Err(GateError::Expression { key });
        }
        if !additive {
            return Ok(());
        }
    }
    let observed = dependency.observed_generation() == dependency.metadata.generation.unwrap_or_default();
    if !observed || !dependency.is_ready() {
        return Err(GateError::NotReady { key });
    }
    Ok(())
}

fn evaluate(expression: &str, obj: &HelmRelease, dependency: &HelmRelease) -> Result<bool, GateError> {
    let name = dependency.metadata.name.clone().unwrap_or_default();
    let compiled = Expression::compile(expression, &["self", "dep"], Some(OutputType::Bool))
        .map_err(|error| GateError::Invalid { name, message: error.to_string() })?;
    let json = |obj: &HelmRelease| serde_json::to_value(obj).unwrap_or(Value::Null);
    let data = Map::from_iter([("self".to_owned(), json(obj)), ("dep".to_owned(), json(dependency))]);
    compiled.evaluate_bool(&data).map_err(|error| GateError::Evaluation { message: error.to_string() })
}
