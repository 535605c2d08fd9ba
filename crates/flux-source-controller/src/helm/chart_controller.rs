//! The controller of HelmChart: builds one chart and keeps its archive as an artifact.
//!
//! Charts wait for their source and are woken when its artifact changes; nothing is polled.

use std::sync::Arc;

use flux_api::source::ReconcileStrategy;
use flux_api::{
    Artifact, Bucket, FluxObject as _, GitRepository, HelmChart, HelmRepository, Revision, SourceObject as _,
};
use flux_artifact::{FetchError, FetchOptions, Fetcher, Storage, Workdirs};
use flux_kustomize::RootedDir;
use flux_runtime::{
    Attempt, Cache, Controller, ControllerContext, Halt, ObjectKey, Outcome, Reconciler, Reference, Severity,
    conditions, failpoints,
};
use futures::FutureExt as _;
use futures::future::BoxFuture;
use kube::Client;

use super::build::{Build, BuildError, BuildOptions, BuildReason, Content};
use super::cache::IndexCache;
use super::dependencies::{DependencyManager, Repositories};
use super::download::Downloader;
use super::downloaders::{HttpRepository, OciRepository, StoredIndex};
use super::local::{self, Prepared};
use super::reference::{LocalReference, RemoteReference};
use super::repository_controller::is_oci_type;
use super::sources::{self, Source};
use super::url::{is_oci, normalize_url};
use super::{remote, secrets};
use crate::options::Options;
use crate::reason::{
    ARTIFACT_IN_STORAGE, ARTIFACT_OUTDATED, BUILD_FAILED, FETCH_FAILED, Failure, Reason, SOURCE_VERIFIED,
    STORAGE_OPERATION_FAILED,
};
use crate::{NAME, artifact_changed, stored};

/// Conditions whose end is worth an event.
const FAILURES: &[&str] = &[BUILD_FAILED, FETCH_FAILED, STORAGE_OPERATION_FAILED];
/// Digits of a revision in a version: labels hold 63 characters.
const SHORT: usize = 12;

/// Runs the controller until the context's shutdown.
pub async fn run(ctx: ControllerContext, options: Options, indexes: IndexCache) {
    let workdirs = options.workdirs.map_or_else(|| Workdirs::open(options.scratch.join("charts")), Ok);
    let fetcher = match workdirs {
        Ok(workdirs) => Fetcher::local_into(options.storage.clone(), workdirs, FetchOptions::default()),
        Err(error) => {
            tracing::error!(%error, "the folder for unpacked sources cannot be used");
            return;
        }
    };
    let repositories = Cache::<HelmRepository>::default();
    let reconciler = HelmChartReconciler {
        client: ctx.client.clone(),
        requeue_dependency: ctx.options.requeue_dependency,
        storage: options.storage,
        fetcher,
        repositories: repositories.clone(),
        indexes,
    };
    Controller::new(ctx, NAME, Cache::<HelmChart>::default(), reconciler)
        .references(references)
        .watches(repositories, repository_changed)
        .watches(Cache::<GitRepository>::default(), artifact_changed)
        .watches(Cache::<Bucket>::default(), artifact_changed)
        .run()
        .await;
}

fn references(obj: &HelmChart) -> Vec<Reference> {
    let namespace = obj.metadata.namespace.as_deref().unwrap_or_default();
    let source = &obj.spec.source_ref;
    vec![Reference::new(&source.kind, namespace, &source.name)]
}

/// A registry has no artifact that could change: its charts are looked at again when the object changes.
fn repository_changed(old: Option<&HelmRepository>, new: &HelmRepository) -> bool {
    let generation = |repo: &HelmRepository| repo.metadata.generation;
    artifact_changed(old, new) || (is_oci_type(new) && old.is_none_or(|old| generation(old) != generation(new)))
}

pub struct HelmChartReconciler {
    client: Client,
    requeue_dependency: std::time::Duration,
    storage: Storage,
    fetcher: Fetcher,
    repositories: Cache<HelmRepository>,
    indexes: IndexCache,
}

/// Why there is no build: nothing to build from, a failed step, or a failed build.
enum Stop {
    Early(Failure),
    Failure(Failure),
    Build(BuildError),
}

impl From<Failure> for Stop {
    fn from(failure: Failure) -> Self {
        Self::Failure(failure)
    }
}

impl From<BuildError> for Stop {
    fn from(error: BuildError) -> Self {
        Self::Build(error)
    }
}

/// What this version cannot do is refused by name.
fn gate(obj: &HelmChart) -> Result<(), Failure> {
    if obj.spec.verify.is_some() {
        let message = "spec.verify is not supported yet: signatures cannot be verified, so nothing is fetched";
        let failure = Failure::stalled(SOURCE_VERIFIED, Reason::UnsupportedField, message);
        let condition = conditions::falsy(SOURCE_VERIFIED, Reason::UnsupportedField.as_str(), message);
        return Err(Failure { condition: condition.into(), ..failure });
    }
    if let Some(field) = obj.spec.unknown.keys().next() {
        let message = format!("spec.{field} is not known to this version");
        return Err(Failure::stalled(FETCH_FAILED, Reason::UnsupportedField, message));
    }
    Ok(())
}

/// The hash of a revision, cut short; another text's beginning when it has none.
pub fn short_revision(revision: &str) -> String {
    let hash = revision.parse::<Revision>().ok().and_then(|revision| revision.digest);
    let text = hash.as_ref().map_or(revision, |digest| digest.encoded());
    text.chars().take(SHORT).collect()
}

/// Build metadata of the version: the source's revision when every one is to be a chart of its own, and the
/// object's generation when values files are merged, so that consumers see that those changed.
pub fn version_metadata(obj: &HelmChart, revision: Option<&str>, merges_values: bool) -> String {
    let by_revision = obj.spec.reconcile_strategy == Some(ReconcileStrategy::Revision);
    let mut parts: Vec<String> = revision.filter(|_| by_revision).map(short_revision).into_iter().collect();
    if merges_values {
        parts.push(obj.metadata.generation.unwrap_or_default().to_string());
    }
    parts.join(".")
}

/// Texts that tell of refused credentials, or of a server that is not trusted.
pub fn is_authentication_error(text: &str) -> bool {
    ["401", "unauthorized", "authentication required", "tls", "unknown certificate authority"]
        .iter()
        .any(|part| text.contains(part))
}

impl HelmChartReconciler {
    fn build_options(&self, obj: &HelmChart, revision: Option<&str>) -> BuildOptions {
        let mut options = BuildOptions {
            values_files: obj.spec.values_files.clone(),
            ignore_missing_values_files: obj.spec.ignore_missing_values_files,
            force: obj.metadata.generation.unwrap_or_default() != obj.observed_generation(),
            cached_chart: obj.artifact().and_then(|artifact| self.storage.local_path(&artifact.path)),
            cached_values_files: obj.status.as_ref().map(|s| s.observed_values_files.clone()).unwrap_or_default(),
            ..BuildOptions::default()
        };
        options.version_metadata = version_metadata(obj, revision, !options.values_files().is_empty());
        options
    }

    /// The source, once it has what a chart is built from.
    async fn source(&self, at: &mut Attempt<HelmChart>) -> Result<Source, Failure> {
        let source = sources::get(&self.client, at.object(), at.namespace()).await?;
        let there = source.artifact().is_some_and(|artifact| self.storage.exists(artifact));
        if source.needs_artifact() && !there {
            let reference = &at.object().spec.source_ref;
            let message = format!("no artifact available for {} source '{}'", reference.kind, reference.name);
            let failure = Failure::waiting(FETCH_FAILED, Reason::NoSourceArtifact, message);
            return Err(Failure { halt: failure.halt.after(self.requeue_dependency), ..failure });
        }
        if let Some(artifact) = source.artifact() {
            at.status_mut().observed_source_artifact_revision = Some(artifact.revision.clone());
        }
        Ok(source)
    }

    async fn build(&self, at: &mut Attempt<HelmChart>) -> Result<Build, Stop> {
        gate(at.object()).map_err(Stop::Early)?;
        match self.source(at).await.map_err(Stop::Early)? {
            Source::Repository(repo) => self.of_repository(at, &repo).await,
            Source::Archive { artifact: Some(artifact), .. } => self.of_archive(at, &artifact).await,
            Source::Archive { kind, artifact: None } => {
                let message = format!("no artifact available for {kind} source");
                Err(Stop::Early(Failure::waiting(FETCH_FAILED, Reason::NoSourceArtifact, message)))
            }
        }
    }

    async fn of_repository(&self, at: &Attempt<HelmChart>, repo: &HelmRepository) -> Result<Build, Stop> {
        let obj = at.object();
        let repository = self.downloader(repo, at.namespace()).await?;
        let reference =
            RemoteReference { name: obj.spec.chart.clone(), version: obj.spec.version.clone().unwrap_or_default() };
        let options = self.build_options(obj, None);
        remote::build(repository.as_ref(), &reference, &options).await.map_err(|error| {
            let text = error.to_string();
            if is_authentication_error(&text) {
                let message = format!("failed to authenticate with the Helm repository: {text}");
                return Failure::fetch(Reason::AuthenticationFailed, message).into();
            }
            error.into()
        })
    }

    /// The repository that a chart names.
    async fn downloader(&self, repo: &HelmRepository, namespace: &str) -> Result<Arc<dyn Downloader>, Failure> {
        let stalled = |reason, message: String| Failure::stalled(FETCH_FAILED, reason, message);
        let client = |reason: &dyn std::fmt::Display| {
            stalled(Reason::Failed, format!("failed to construct Helm client: {reason}"))
        };
        let url = normalize_url(&repo.spec.url)
            .map_err(|error| stalled(Reason::UrlInvalid, format!("invalid Helm repository URL: {error}")))?;
        if is_oci_type(repo) {
            let provider = repo.spec.provider.as_deref().filter(|provider| *provider != "generic");
            if let Some(provider) = provider.filter(|_| repo.spec.secret_ref.is_none()) {
                let message = format!(
                    "spec.provider '{provider}' of HelmRepository '{}' is not supported yet; use 'generic' with a secretRef",
                    repo.metadata.name.as_deref().unwrap_or_default()
                );
                return Err(stalled(Reason::InvalidProviderConfiguration, message));
            }
            if !is_oci(&url) {
                return Err(client(&format!("invalid OCI registry URL: {url}")));
            }
        } else if is_oci(&url) {
            let reason = "'oci' URL scheme cannot be used with 'default' HelmRepository type";
            return Err(stalled(Reason::UrlInvalid, format!("invalid Helm repository URL: {reason}")));
        }
        let access = secrets::access(&self.client, repo, namespace, &url)
            .await
            .map_err(|error| Failure::fetch(Reason::AuthenticationFailed, error))?;
        if is_oci(&url) {
            return Ok(Arc::new(OciRepository::new(&url, access)));
        }
        let stored = repo.artifact().and_then(|artifact| StoredIndex::of(&self.storage, artifact));
        let repository = HttpRepository::new(&url, access, stored, self.indexes.clone());
        Ok(Arc::new(repository.map_err(|error| client(&error))?))
    }

    async fn of_archive(&self, at: &Attempt<HelmChart>, artifact: &Artifact) -> Result<Build, Stop> {
        let workdir = self.fetcher.fetch(artifact).await.map_err(|error| match error {
            FetchError::NotFound | FetchError::Io(_) => {
                Failure::fetch(Reason::ReadOperationFailed, format!("failed to open source artifact: {error}"))
            }
            error => Failure::fetch(Reason::Failed, format!("artifact untar error: {error}")),
        })?;
        let reference = LocalReference { work_dir: workdir.path().to_owned(), path: at.object().spec.chart.clone() };
        let options = self.build_options(at.object(), Some(&artifact.revision));
        let fs = RootedDir::new(workdir.path()).map_err(|error| {
            Failure::fetch(Reason::ReadOperationFailed, format!("failed to open source artifact: {error}"))
        })?;
        let prepared = {
            let (fs, reference) = (fs.clone(), reference.clone());
            blocking(move || local::prepare(&fs, &reference, &options)).await?
        };
        let mut loaded = match prepared {
            Prepared::Done(build) => return Ok(build),
            Prepared::Package(loaded) => loaded,
        };
        let repositories = InNamespace { charts: self, namespace: at.namespace() };
        loaded.resolve(&fs, &reference, &mut DependencyManager::new(Some(&repositories))).await?;
        Ok(blocking(move || loaded.package()).await?)
    }

    /// Stores a new archive, and says on the object what is stored.
    async fn store(&self, at: &mut Attempt<HelmChart>, build: &mut Build) -> Result<(), Failure> {
        let archive = match std::mem::replace(&mut build.content, Content::Cached) {
            Content::New(archive) => archive,
            Content::Cached => return Ok(()),
            Content::None => return Err(Failure::fetch(Reason::Failed, "no chart build")),
        };
        let (storage, key) = (self.storage.clone(), at.key().clone());
        let (name, version) = (build.name.clone(), build.version.clone());
        let work = move || {
            let file = format!("{name}-{version}.tgz");
            let mut artifact = storage.new_artifact(HelmChart::KIND, &key.namespace, &key.name, &version, &file);
            let written = storage.store(&mut artifact, |out| {
                out.write_all(&archive).map_err(|source| flux_artifact::StorageError::Io {
                    operation: "write",
                    path: file.clone().into(),
                    source,
                })
            });
            written.map_err(|error| {
                let message = format!("unable to copy Helm chart to storage: {error}");
                Failure::storage(Reason::ArchiveOperationFailed, message)
            })?;
            let latest = storage.link(&artifact, "latest.tar.gz");
            if let Err(error) = &latest {
                tracing::warn!(%error, "failed to update status URL symlink");
            }
            Ok((artifact, latest.ok()))
        };
        let (artifact, latest) = tokio::task::spawn_blocking(work).await.unwrap_or_else(|error| {
            Err(Failure::storage(Reason::ArchiveOperationFailed, format!("the work was cut off: {error}")))
        })?;
        failpoints::pass("archive");
        let keeps_files = at.object().spec.ignore_missing_values_files;
        let status = at.status_mut();
        status.artifact = Some(artifact);
        status.observed_chart_name = Some(build.name.clone());
        status.observed_values_files = if keeps_files { build.values_files.clone() } else { Vec::new() };
        status.url = latest.or_else(|| status.url.take());
        Ok(())
    }

    async fn attempt(&self, at: &mut Attempt<HelmChart>) -> Result<Build, Failure> {
        at.conditions().delete(STORAGE_OPERATION_FAILED);
        at.conditions().delete(SOURCE_VERIFIED);
        let mut build = match self.build(at).await {
            Ok(build) => build,
            Err(Stop::Early(failure)) => return Err(failure),
            Err(Stop::Failure(failure)) => return Err(unknown(at, failure)),
            Err(Stop::Build(error)) => return Err(build_failure(at, &error)),
        };
        failpoints::pass("fetch");
        at.conditions().delete(FETCH_FAILED);
        at.conditions().delete(BUILD_FAILED);
        if build.resolved_dependencies > 0 {
            let message = format!("resolved {} chart dependencies", build.resolved_dependencies);
            at.event(Severity::Trace, "ResolvedDependencies", message);
        }
        if is_new(at.object(), &build) {
            let summary = build.summary();
            at.progress(format!("building artifact: {summary}"));
            if at.object().artifact().is_some() {
                at.conditions().mark_true(ARTIFACT_OUTDATED, Reason::NewChart.as_str(), summary);
            }
        }
        self.store(at, &mut build).await?;
        at.conditions().delete(ARTIFACT_OUTDATED);
        Ok(build)
    }
}

fn is_new(obj: &HelmChart, build: &Build) -> bool {
    let name = obj.status.as_ref().and_then(|status| status.observed_chart_name.as_deref());
    name != Some(build.name.as_str()) || obj.artifact().is_none_or(|artifact| artifact.revision != build.version)
}

/// A build that failed: the condition says whether the chart was there at all.
fn build_failure(at: &mut Attempt<HelmChart>, error: &BuildError) -> Failure {
    let (kind, other) =
        if error.reason.after_fetch() { (BUILD_FAILED, FETCH_FAILED) } else { (FETCH_FAILED, BUILD_FAILED) };
    at.conditions().delete(other);
    let (reason, message) = (Reason::Build(error.reason), error.to_string());
    if error.reason.persistent() {
        Failure::stalled(kind, reason, message)
    } else {
        Failure::retry(kind, reason, message)
    }
}

/// A step that failed before there was a build. Upstream shows each of them as an unknown error of the build.
fn unknown(at: &mut Attempt<HelmChart>, mut failure: Failure) -> Failure {
    at.conditions().delete(BUILD_FAILED);
    let stop = failure.halt.stop_mut();
    stop.event_message = Some(std::mem::take(&mut stop.message));
    let error = BuildError::new(BuildReason::Unknown, stop.event_message.as_deref().unwrap_or_default());
    (stop.reason, stop.message) = (BuildReason::Unknown.as_str(), error.to_string());
    failure.condition = conditions::truthy(FETCH_FAILED, stop.reason, stop.message.clone()).into();
    failure
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, BuildError> + Send + 'static,
) -> Result<T, BuildError> {
    tokio::task::spawn_blocking(work).await.unwrap_or_else(|error| Err(BuildError::new(BuildReason::Unknown, error)))
}

/// The repositories that a chart's dependencies may come from: those of its namespace, and public ones.
struct InNamespace<'a> {
    charts: &'a HelmChartReconciler,
    namespace: &'a str,
}

impl Repositories for InNamespace<'_> {
    fn repository<'a>(&'a self, url: &'a str) -> BoxFuture<'a, Result<Arc<dyn Downloader>, String>> {
        async move {
            self.charts.repositories.synced().await;
            let mut known: Vec<_> = self.charts.repositories.list();
            known.retain(|repo| {
                repo.metadata.namespace.as_deref() == Some(self.namespace)
                    && normalize_url(&repo.spec.url).is_ok_and(|known| known == url)
            });
            known.sort_by(|a, b| a.metadata.name.cmp(&b.metadata.name));
            let anonymous = || {
                let mut repo = HelmRepository::default();
                repo.spec.url = url.to_owned();
                repo.spec.type_ = is_oci(url).then_some(flux_api::source::HelmRepositoryType::Oci);
                Arc::new(repo)
            };
            let repo = known.into_iter().next().unwrap_or_else(anonymous);
            let found = self.charts.downloader(&repo, self.namespace).await;
            found.map_err(|failure| failure.condition.message)
        }
        .boxed()
    }
}

/// As conditions and events name a good build.
fn reason(build: &Build) -> Reason {
    if build.packaged { Reason::ChartPackageSucceeded } else { Reason::ChartPullSucceeded }
}

impl Reconciler<HelmChart> for HelmChartReconciler {
    type Waited = std::convert::Infallible;

    async fn reconcile(&self, at: &mut Attempt<HelmChart>) -> Result<Outcome<Self::Waited>, Halt> {
        let before = at.object().clone();
        stored::check(at, &self.storage).await?;
        let build = match self.attempt(at).await {
            Ok(build) => build,
            Err(failure) => return Err(failure.record(at)),
        };
        let (reason, message) = (reason(&build).as_str(), build.summary());
        at.conditions().mark_true(ARTIFACT_IN_STORAGE, reason, message.clone());
        tell(at, &before, reason, &message);
        let after = Some(at.object().spec.interval.std());
        Ok(Outcome::Ready { reason, message, after })
    }

    async fn finalize(&self, at: &mut Attempt<HelmChart>) -> Result<(), Halt> {
        stored::remove(at, &self.storage).await
    }

    fn forget(&self, _key: &ObjectKey) {}
}

/// An event for a new artifact, or for the end of a failure; none when nothing changed.
fn tell(at: &Attempt<HelmChart>, before: &HelmChart, reason: &str, message: &str) {
    let Some(artifact) = at.object().artifact() else { return };
    let conditions = before.status.as_ref().map(|status| status.conditions.as_slice()).unwrap_or_default();
    let recovered = FAILURES.iter().any(|kind| conditions::is_true(conditions, kind));
    if !recovered && before.artifact().is_some_and(|old| old.digest == artifact.digest) {
        tracing::debug!("artifact up-to-date with remote revision: '{}'", artifact.revision);
        return;
    }
    tracing::info!(reason, "{message}");
    let metadata = [("revision", artifact.revision.as_str()), ("digest", artifact.digest.as_str())];
    at.event_with(Severity::Info, reason, message, &metadata);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metadata_of_versions() {
        let mut obj = HelmChart::default();
        obj.metadata.generation = Some(3);
        let revision = Some("main@sha1:0123456789abcdef0123456789abcdef01234567");
        assert_eq!(version_metadata(&obj, revision, false), "");
        assert_eq!(version_metadata(&obj, revision, true), "3");
        obj.spec.reconcile_strategy = Some(ReconcileStrategy::Revision);
        assert_eq!(version_metadata(&obj, revision, false), "0123456789ab");
        assert_eq!(version_metadata(&obj, revision, true), "0123456789ab.3");
        assert_eq!(short_revision(&format!("sha256:{}", "f".repeat(64))), "f".repeat(12));
        assert_eq!(short_revision("ü"), "ü");
    }
}
