//! Step 2: the dependencies of an object must be ready first.

use flux_api::Kustomization;
use flux_apply::kube_text;
use flux_runtime::dependency::{self, Passed};
use flux_runtime::{Halt, ObjectKey};
use kube::{Api, Client};

use crate::options::Options;
use crate::plan::TERMINAL;
use crate::reason::Reason;
use crate::resolve::Source;

/// Why an object may not go on yet. Worded as upstream.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GateError {
    #[error("dependency '{key}' not found: {message}")]
    NotFound { key: ObjectKey, message: String },
    #[error("dependency '{key}' revision is not up to date")]
    Outdated { key: ObjectKey },
    #[error(transparent)]
    Dependency(#[from] dependency::GateError),
    #[error("can't access 'Kustomization/{key}', cross-namespace references have been blocked")]
    CrossNamespace { key: ObjectKey },
}

impl GateError {
    pub fn into_halt(self, retry: std::time::Duration) -> Halt {
        let message = self.to_string();
        match self {
            Self::Dependency(dependency::GateError::Invalid { .. }) => {
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
        let found = api
            .get(&key.name)
            .await
            .map_err(|error| GateError::NotFound { key: key.clone(), message: kube_text(&error) })?;
        let (expression, additive) = (dependency.ready_expr.as_deref(), options.additive_cel_dependency_check);
        if dependency::check(obj, &found, expression, additive, &key)? == Passed::Ready {
            up_to_date(obj, &found, source, key)?;
        }
    }
    Ok(())
}

/// A dependency on the same source must have applied the revision that is about to be applied.
fn up_to_date(
    obj: &Kustomization,
    dependency: &Kustomization,
    source: &Source,
    key: ObjectKey,
) -> Result<(), GateError> {
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
