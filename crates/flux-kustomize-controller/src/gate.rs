//! Step 2: the dependencies of an object must be ready first.

use flux_api::{FluxObject as _, Kustomization};
use flux_cel::{Expression, OutputType};
use flux_runtime::{Halt, ObjectKey};
use kube::{Api, Client};
use serde_json::{Map, Value};

use crate::options::Options;
use crate::plan::TERMINAL;
use crate::reason::Reason;
use crate::resolve::Source;

/// Why an object may not go on yet. Worded as upstream.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GateError {
    #[error("dependency '{key}' not found: {message}")]
    NotFound { key: ObjectKey, message: String },
    #[error("dependency '{key}' is not ready")]
    NotReady { key: ObjectKey },
    #[error("dependency '{key}' revision is not up to date")]
    Outdated { key: ObjectKey },
    #[error("dependency '{key}' is not ready according to readyExpr eval")]
    Expression { key: ObjectKey },
    /// The expression cannot be understood: an edit is needed.
    #[error("failed to evaluate dependency {name}: {message}")]
    Invalid { name: String, message: String },
    #[error("{message}")]
    Evaluation { message: String },
    #[error("can't access 'Kustomization/{key}', cross-namespace references have been blocked")]
    CrossNamespace { key: ObjectKey },
}

impl GateError {
    pub fn into_halt(self, retry: std::time::Duration) -> Halt {
        let message = self.to_string();
        match self {
            Self::Invalid { .. } => {
                Halt::stalled(Reason::InvalidCelExpression.as_str(), format!("{TERMINAL}: {message}"))
            }
            Self::CrossNamespace { .. } => Halt::stalled(Reason::AccessDenied.as_str(), message),
            _ => Halt::waiting(Reason::DependencyNotReady.as_str(), message).after(retry),
        }
    }
}

/// Checks all dependencies, each by a fresh read.
pub async fn dependencies(
    obj: &Kustomization,
    source: &Source,
    client: &Client,
    common: &flux_runtime::Options,
    options: &Options,
) -> Result<(), GateError> {
    let own = obj.metadata.namespace.as_deref().unwrap_or_default();
    for dependency in &obj.spec.depends_on {
        let key = ObjectKey::new(dependency.namespace.as_deref().unwrap_or(own), &dependency.name);
        if common.no_cross_namespace_refs && *key.namespace != *own {
            return Err(GateError::CrossNamespace { key });
        }
        let api: Api<Kustomization> = Api::namespaced(client.clone(), &key.namespace);
        let found = api.get(&key.name).await.map_err(|error| {
            let message = match error {
                kube::Error::Api(status) => status.message,
                other => other.to_string(),
            };
            GateError::NotFound { key: key.clone(), message }
        })?;
        if let Some(expression) = &dependency.ready_expr {
            if !evaluate(expression, obj, &found)? {
                return Err(GateError::Expression { key });
            }
            if !options.additive_cel_dependency_check {
                continue;
            }
        }
        ready(obj, &found, source, key)?;
    }
    Ok(())
}

fn ready(obj: &Kustomization, dependency: &Kustomization, source: &Source, key: ObjectKey) -> Result<(), GateError> {
    let observed = dependency.observed_generation() == dependency.metadata.generation.unwrap_or_default();
    if !observed || !dependency.is_ready() {
        return Err(GateError::NotReady { key });
    }
    let namespace = |obj: &Kustomization| {
        obj.spec.source_ref.namespace.clone().or_else(|| obj.metadata.namespace.clone()).unwrap_or_default()
    };
    let same_source = dependency.spec.source_ref.name == obj.spec.source_ref.name
        && dependency.spec.source_ref.kind == obj.spec.source_ref.kind
        && namespace(dependency) == namespace(obj);
    let applied = dependency.status.as_ref().and_then(|status| status.last_applied_revision.as_deref());
    if same_source && applied != Some(&source.artifact.revision) {
        return Err(GateError::Outdated { key });
    }
    Ok(())
}

fn evaluate(expression: &str, obj: &Kustomization, dependency: &Kustomization) -> Result<bool, GateError> {
    let name = dependency.metadata.name.clone().unwrap_or_default();
    let compiled = Expression::compile(expression, &["self", "dep"], Some(OutputType::Bool))
        .map_err(|error| GateError::Invalid { name, message: error.to_string() })?;
    let json = |obj: &Kustomization| serde_json::to_value(obj).unwrap_or(Value::Null);
    let data = Map::from_iter([("self".to_owned(), json(obj)), ("dep".to_owned(), json(dependency))]);
    compiled.evaluate_bool(&data).map_err(|error| GateError::Evaluation { message: error.to_string() })
}
