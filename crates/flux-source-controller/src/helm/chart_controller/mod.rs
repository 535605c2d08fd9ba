//! The controller of HelmChart: builds one chart and keeps its archive as an artifact.
//!
//! Charts wait for their source and are woken when its artifact changes; nothing is polled.

mod build;
mod repositories;
mod store;
mod version;

use flux_api::{Bucket, GitRepository, HelmChart, HelmRepository, SourceObject as _};
use flux_artifact::{FetchOptions, Fetcher, Storage, Workdirs};
use flux_runtime::{
    Attempt, Cache, Controller, ControllerContext, Halt, ObjectKey, Outcome, Reconciler, Reference, Severity,
    conditions, failpoints,
};
use kube::Client;

use super::ChartLimits;
use super::build::Build;
use super::cache::IndexCache;
use super::repository_controller::is_oci_type;
use crate::options::Options;
use crate::reason::{
    ARTIFACT_IN_STORAGE, ARTIFACT_OUTDATED, BUILD_FAILED, FETCH_FAILED, Failure, Reason, SOURCE_VERIFIED,
    STORAGE_OPERATION_FAILED,
};
use crate::{NAME, artifact_changed, stored};
use build::{Stop, build_failure, unknown};

pub use build::is_authentication_error;
pub use version::{short_revision, version_metadata};

/// Conditions whose end is worth an event.
const FAILURES: &[&str] = &[BUILD_FAILED, FETCH_FAILED, STORAGE_OPERATION_FAILED];

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
        limits: options.chart_limits,
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
    limits: ChartLimits,
}

impl HelmChartReconciler {
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
