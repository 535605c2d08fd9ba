//! Step 1: the source that an object names, and its artifact.

use std::time::Duration;

use flux_api::meta::Artifact;
use flux_api::{Bucket, ExternalArtifact, GitRepository, Kustomization, OCIRepository, SourceObject};
use flux_runtime::{Cache, Halt, ObjectKey};

use crate::options::Options;
use crate::plan::retry_interval;
use crate::reason::Reason;

/// Annotation of an OCI artifact that says which commit it was made of.
const ORIGIN_REVISION: &str = "org.opencontainers.image.revision";

/// Caches of all kinds of sources.
#[derive(Clone, Default)]
pub struct Sources {
    pub git: Cache<GitRepository>,
    pub oci: Cache<OCIRepository>,
    pub bucket: Cache<Bucket>,
    pub external: Cache<ExternalArtifact>,
}

/// A source with something to apply.
#[derive(Clone, Debug)]
pub struct Source {
    pub kind: String,
    pub key: ObjectKey,
    pub artifact: Artifact,
    /// The commit that an OCI artifact was made of.
    pub origin_revision: Option<String>,
}

/// Why there is no source to go on with.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ResolveError {
    #[error("can't access '{kind}/{key}', cross-namespace references have been blocked")]
    CrossNamespace { kind: String, key: ObjectKey },
    #[error("can't access '{kind}/{key}', ExternalArtifact feature gate is disabled")]
    Gate { kind: String, key: ObjectKey },
    #[error("{plural} \"{name}\" not found")]
    NotFound { plural: &'static str, name: String, retry: Duration },
    #[error("source `{name}` kind '{kind}' not supported")]
    Kind { name: String, kind: String },
    #[error("Source artifact not found, retrying in {}", flux_api::Duration::from(*retry))]
    NoArtifact { retry: Duration },
}

impl From<ResolveError> for Halt {
    fn from(error: ResolveError) -> Self {
        let message = error.to_string();
        match error {
            ResolveError::CrossNamespace { .. } | ResolveError::Gate { .. } => {
                Self::stalled(Reason::AccessDenied.as_str(), message)
            }
            ResolveError::NotFound { retry, .. } | ResolveError::NoArtifact { retry } => {
                Self::waiting(Reason::ArtifactFailed.as_str(), message).after(retry)
            }
            ResolveError::Kind { .. } => Self::failed(Reason::ArtifactFailed.as_str(), message).event(None),
        }
    }
}

/// Finds the source of `obj`.
pub async fn source(
    obj: &Kustomization,
    sources: &Sources,
    common: &flux_runtime::Options,
    options: &Options,
) -> Result<Source, ResolveError> {
    let reference = &obj.spec.source_ref;
    let own = obj.metadata.namespace.as_deref().unwrap_or_default();
    let key = ObjectKey::new(reference.namespace.as_deref().unwrap_or(own), &reference.name);
    let kind = reference.kind.clone();
    if common.no_cross_namespace_refs && *key.namespace != *own {
        return Err(ResolveError::CrossNamespace { kind, key });
    }
    let retry = retry_interval(&obj.spec);
    let found = match kind.as_str() {
        GitRepository::KIND => artifact(&sources.git, &key, GitRepository::PLURAL).await,
        OCIRepository::KIND => artifact(&sources.oci, &key, OCIRepository::PLURAL).await,
        Bucket::KIND => artifact(&sources.bucket, &key, Bucket::PLURAL).await,
        ExternalArtifact::KIND if !options.external_artifact => return Err(ResolveError::Gate { kind, key }),
        ExternalArtifact::KIND => artifact(&sources.external, &key, ExternalArtifact::PLURAL).await,
        _ => return Err(ResolveError::Kind { name: reference.name.clone(), kind }),
    };
    let found = found.map_err(|plural| ResolveError::NotFound { plural, name: reference.name.clone(), retry })?;
    let artifact = found.ok_or(ResolveError::NoArtifact { retry: common.requeue_dependency })?;
    let origin_revision = artifact.metadata.get(ORIGIN_REVISION).filter(|revision| !revision.is_empty()).cloned();
    Ok(Source { kind, key, artifact, origin_revision })
}

/// The artifact of a source; the error is the kind's name with its group, for the message that it is not there.
async fn artifact<S: SourceObject>(
    cache: &Cache<S>,
    key: &ObjectKey,
    plural: &'static str,
) -> Result<Option<Artifact>, &'static str> {
    cache.synced().await;
    let source = cache.get(key).ok_or_else(|| qualified(plural))?;
    Ok(source.artifact().cloned())
}

fn qualified(plural: &'static str) -> &'static str {
    match plural {
        GitRepository::PLURAL => "gitrepositories.source.toolkit.fluxcd.io",
        OCIRepository::PLURAL => "ocirepositories.source.toolkit.fluxcd.io",
        Bucket::PLURAL => "buckets.source.toolkit.fluxcd.io",
        _ => "externalartifacts.source.toolkit.fluxcd.io",
    }
}
