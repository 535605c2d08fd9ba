//! Step 2: the releases that an object depends on must be ready first.

use flux_api::HelmRelease;
use flux_apply::kube_text;
use flux_runtime::{Halt, ObjectKey, Severity, dependency};
use kube::{Api, Client};

use crate::plan::TERMINAL;
use crate::reason::Reason;
use crate::spec;

/// Why an object may not go on yet. Worded as upstream.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GateError {
    #[error("unable to get '{key}' dependency: {message}")]
    NotFound { key: ObjectKey, message: String },
    #[error(transparent)]
    Dependency(#[from] dependency::GateError),
}

impl GateError {
    pub fn into_halt(self, retry: std::time::Duration) -> Halt {
        let message = self.to_string();
        match self {
            Self::Dependency(dependency::GateError::Invalid { .. }) => {
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
        let found = api
            .get(&key.name)
            .await
            .map_err(|error| GateError::NotFound { key: key.clone(), message: kube_text(&error) })?;
        dependency::check(obj, &found, dependency.ready_expr.as_deref(), additive, &key)?;
    }
    Ok(())
}
