//! From a HelmChart to its archive: the source, then what is built from it.

use flux_api::{Artifact, FluxObject as _, HelmChart, HelmRepository, SourceObject as _};
use flux_artifact::FetchError;
use flux_kustomize::RootedDir;
use flux_runtime::{Attempt, conditions};

use super::HelmChartReconciler;
use super::repositories::InNamespace;
use super::version::version_metadata;
use crate::helm::build::{Build, BuildError, BuildOptions, BuildReason};
use crate::helm::dependencies::DependencyManager;
use crate::helm::local::{self, Prepared};
use crate::helm::reference::{LocalReference, RemoteReference};
use crate::helm::remote;
use crate::helm::sources::{self, Source};
use crate::reason::{BUILD_FAILED, FETCH_FAILED, Failure, Reason, SOURCE_VERIFIED};

/// Why there is no build: nothing to build from, a failed step, or a failed build.
pub(super) enum Stop {
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
            limits: self.limits,
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

    pub(super) async fn build(&self, at: &mut Attempt<HelmChart>) -> Result<Build, Stop> {
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
        loaded.resolve(&fs, &reference, &mut DependencyManager::new(Some(&repositories)).within(self.limits)).await?;
        Ok(blocking(move || loaded.package()).await?)
    }
}

/// A build that failed: the condition says whether the chart was there at all.
pub(super) fn build_failure(at: &mut Attempt<HelmChart>, error: &BuildError) -> Failure {
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
pub(super) fn unknown(at: &mut Attempt<HelmChart>, mut failure: Failure) -> Failure {
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
