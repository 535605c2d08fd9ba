//! The controller of HelmRepository: keeps the index of a repository as an artifact.
//!
//! A repository of type `oci` has no index: the object is only data for the charts that name it, and gets neither
//! finalizer nor status.

use std::sync::Arc;
use std::time::Duration;

use flux_api::source::HelmRepositoryType;
use flux_api::{Artifact, HelmRepository, SourceObject as _};
use flux_helm::index::Index;
use flux_runtime::{
    Attempt, Cache, Controller, ControllerContext, Halt, Outcome, Reconciler, Severity, conditions, failpoints,
};
use kube::Client;

use super::cache::IndexCache;
use super::downloaders::{HttpRepository, index_key, parse_index};
use super::secrets;
use super::url::{is_oci, normalize_url};
use crate::NAME;
use crate::options::Options;
use crate::reason::{ARTIFACT_IN_STORAGE, ARTIFACT_OUTDATED, FETCH_FAILED, Failure, Reason, STORAGE_OPERATION_FAILED};
use crate::stored;

/// Conditions whose end is worth an event.
const FAILURES: &[&str] = &[FETCH_FAILED, STORAGE_OPERATION_FAILED];
/// Without `spec.interval`.
const INTERVAL: Duration = Duration::from_secs(60);

/// Whether the repository is a registry.
pub fn is_oci_type(repo: &HelmRepository) -> bool {
    repo.spec.type_ == Some(HelmRepositoryType::Oci)
}

/// Runs the controller until the context's shutdown.
pub async fn run(ctx: ControllerContext, options: Options, indexes: IndexCache) {
    let reconciler = HelmRepositoryReconciler { client: ctx.client.clone(), options, indexes };
    Controller::new(ctx, NAME, Cache::<HelmRepository>::default(), reconciler).run().await;
}

pub struct HelmRepositoryReconciler {
    client: Client,
    options: Options,
    indexes: IndexCache,
}

/// Where the index comes from; stalls on what only an edit can mend.
fn address(repo: &HelmRepository) -> Result<String, Failure> {
    let invalid = |reason: String| {
        let message = format!("invalid Helm repository URL: {reason}");
        Failure::stalled(FETCH_FAILED, Reason::UrlInvalid, message)
    };
    if let Some(field) = repo.spec.unknown.keys().next() {
        let message = format!("spec.{field} is not known to this version");
        return Err(Failure::stalled(FETCH_FAILED, Reason::UnsupportedField, message));
    }
    if is_oci(&repo.spec.url) {
        return Err(invalid("'oci' URL scheme cannot be used with 'default' HelmRepository type".into()));
    }
    let url = normalize_url(&repo.spec.url).map_err(|error| invalid(error.to_string()))?;
    let scheme = url.split_once("://").map_or("", |(scheme, _)| scheme);
    if !matches!(scheme, "http" | "https") {
        let message = format!("failed to construct Helm client: scheme {scheme:?} not supported");
        return Err(Failure::stalled(FETCH_FAILED, Reason::Failed, message));
    }
    Ok(url)
}

impl HelmRepositoryReconciler {
    async fn fetch(&self, at: &Attempt<HelmRepository>) -> Result<Vec<u8>, Failure> {
        let url = address(at.object())?;
        let access = secrets::access(&self.client, at.object(), at.namespace(), &url)
            .await
            .map_err(|error| Failure::fetch(Reason::AuthenticationFailed, error))?;
        let repository = HttpRepository::new(&url, access, None, self.indexes.clone(), self.options.chart_limits)
            .map_err(|error| {
                Failure::stalled(FETCH_FAILED, Reason::Failed, format!("failed to construct Helm client: {error}"))
            })?;
        repository.fetch_index().await.map_err(|error| {
            let message =
                format!("failed to fetch Helm repository index: failed to cache index to temporary file: {error}");
            Failure::fetch(Reason::Failed, message)
        })
    }

    /// The message of the conditions.
    async fn attempt(&self, at: &mut Attempt<HelmRepository>) -> Result<String, Failure> {
        let bytes = self.fetch(at).await?;
        failpoints::pass("fetch");
        let (bytes, revision) = blocking(move || {
            let revision = flux_oci::digest_of(&bytes);
            Ok((bytes, revision))
        })
        .await?;
        let known = at.object().artifact().map(|artifact| artifact.revision.clone());
        if known.as_ref() != Some(&revision) {
            let message = format!("new index revision '{revision}'");
            at.progress(format!("building artifact: {message}"));
            if known.is_some() {
                at.conditions().mark_true(ARTIFACT_OUTDATED, Reason::NewRevision.as_str(), message);
            }
            let (artifact, latest, index) = self.store(at, bytes, revision.clone()).await?;
            self.indexes.put(&index_key(&artifact), index);
            let status = at.status_mut();
            status.artifact = Some(artifact);
            status.url = latest.or_else(|| status.url.take());
        }
        at.conditions().delete(FETCH_FAILED);
        at.conditions().delete(STORAGE_OPERATION_FAILED);
        at.conditions().delete(ARTIFACT_OUTDATED);
        Ok(format!("stored artifact: revision '{revision}'"))
    }

    /// Stores an index that can be read; gives its artifact and the address of the latest one.
    async fn store(
        &self,
        at: &Attempt<HelmRepository>,
        bytes: Vec<u8>,
        revision: String,
    ) -> Result<(Artifact, Option<String>, Arc<Index>), Failure> {
        let (storage, key) = (self.options.storage.clone(), at.key().clone());
        let limits = self.options.chart_limits;
        let work = move || {
            let index = parse_index(&bytes, &limits).map_err(|error| {
                let message = format!("failed to load Helm repository from index YAML: failed to load index: {error}");
                Failure::fetch(Reason::IndexationFailed, message)
            })?;
            let hex = revision.split_once(':').map_or(revision.as_str(), |(_, hex)| hex);
            let file = format!("index-{hex}.yaml");
            let mut artifact = storage.new_artifact(HelmRepository::KIND, &key.namespace, &key.name, &revision, &file);
            let written = storage.store(&mut artifact, |out| {
                out.write_all(&bytes).map_err(|source| flux_artifact::StorageError::Io {
                    operation: "write",
                    path: file.clone().into(),
                    source,
                })
            });
            written.map_err(|error| {
                let message = format!("unable to save artifact to storage: {error}");
                Failure::storage(Reason::ArchiveOperationFailed, message)
            })?;
            let latest = storage.link(&artifact, "index.yaml");
            if let Err(error) = &latest {
                tracing::warn!(%error, "failed to update status URL symlink");
            }
            Ok((artifact, latest.ok(), index))
        };
        blocking(work).await
    }
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T, Failure> + Send + 'static) -> Result<T, Failure> {
    tokio::task::spawn_blocking(work)
        .await
        .unwrap_or_else(|error| Err(Failure::fetch(Reason::Failed, format!("the work was cut off: {error}"))))
}

impl Reconciler<HelmRepository> for HelmRepositoryReconciler {
    type Waited = std::convert::Infallible;

    async fn reconcile(&self, at: &mut Attempt<HelmRepository>) -> Result<Outcome<Self::Waited>, Halt> {
        let before = at.object().clone();
        stored::check(at, &self.options.storage).await?;
        let message = match self.attempt(at).await {
            Ok(message) => message,
            Err(failure) => return Err(failure.record(at)),
        };
        at.conditions().mark_true(ARTIFACT_IN_STORAGE, Reason::Succeeded.as_str(), message.clone());
        tell(at, &before);
        let interval = at.object().spec.interval.map(|interval| interval.std()).filter(|interval| !interval.is_zero());
        let after = Some(interval.unwrap_or(INTERVAL));
        Ok(Outcome::Ready { reason: Reason::Succeeded.as_str(), message, after })
    }

    async fn finalize(&self, at: &mut Attempt<HelmRepository>) -> Result<(), Halt> {
        stored::remove(at, &self.options.storage).await
    }

    fn is_static(&self, object: &HelmRepository) -> bool {
        is_oci_type(object)
    }
}

/// An event for a new artifact, or for the end of a failure; none when nothing changed.
fn tell(at: &Attempt<HelmRepository>, before: &HelmRepository) {
    let Some(artifact) = at.object().artifact() else { return };
    let reason = if before.artifact().is_none_or(|old| old.digest != artifact.digest) {
        Reason::NewArtifact
    } else if recovered(before) {
        Reason::Succeeded
    } else {
        tracing::debug!("artifact up-to-date with remote revision: '{}'", artifact.revision);
        return;
    };
    let size = human_size(artifact.size);
    let message = format!("stored fetched index of size {size} from '{}'", shown(&at.object().spec.url));
    tracing::info!(reason = reason.as_str(), "{message}");
    let metadata = [("revision", artifact.revision.as_str()), ("digest", artifact.digest.as_str())];
    at.event_with(Severity::Info, reason.as_str(), message, &metadata);
}

/// The address without what may be secret in it.
fn shown(url: &str) -> &str {
    flux_runtime::redact::without_query(url)
}

fn recovered(before: &HelmRepository) -> bool {
    let conditions = before.status.as_ref().map(|status| status.conditions.as_slice()).unwrap_or_default();
    FAILURES.iter().any(|kind| conditions::is_true(conditions, kind))
}

/// Four digits and a decimal unit, as upstream's library prints sizes.
pub fn human_size(bytes: i64) -> String {
    const UNITS: [&str; 9] = ["B", "kB", "MB", "GB", "TB", "PB", "EB", "ZB", "YB"];
    let (mut size, mut unit) = (bytes as f64, 0);
    while size >= 1000.0 && unit + 1 < UNITS.len() {
        size /= 1000.0;
        unit += 1;
    }
    let decimals = if size >= 100.0 {
        1
    } else if size >= 10.0 {
        2
    } else {
        3
    };
    let text = format!("{size:.decimals$}");
    let text = text.trim_end_matches('0').trim_end_matches('.');
    format!("{text}{}", UNITS[unit])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_for_people() {
        for (bytes, wanted) in [
            (0, "0B"),
            (848, "848B"),
            (1000, "1kB"),
            (30_883, "30.88kB"),
            (123_456_789, "123.5MB"),
            (1_048_576, "1.049MB"),
        ] {
            assert_eq!(human_size(bytes), wanted);
        }
    }

    #[test]
    fn addresses_that_need_an_edit() {
        let message = |url: &str| {
            let mut repo = HelmRepository::default();
            repo.spec.url = url.to_owned();
            address(&repo).expect_err(url).condition.message
        };
        assert_eq!(
            message("oci://a/b"),
            "invalid Helm repository URL: 'oci' URL scheme cannot be used with 'default' HelmRepository type"
        );
        assert_eq!(message("://a"), "invalid Helm repository URL: parse \"://a\": missing protocol scheme");
        assert_eq!(message("ftp://a"), "failed to construct Helm client: scheme \"ftp\" not supported");
    }
}
