//! The controller of HelmRelease: installs, upgrades, tests, remediates and uninstalls releases of charts, and
//! corrects their drift.
//!
//! One attempt goes through typed steps, one module each, then through actions until the release is as wanted:
//!
//! ```text
//! plan -> chart template -> gate -> resolve -> values -> chart -> { state -> action -> report } -> summary
//! ```
//!
//! State determination is a table of the engine (`flux_helm::release::state`), actions work on cluster and records,
//! reports change the object. An action is a task beside the queue: it holds a slot while it works and none while it
//! waits, and ends in order when something newer comes.
//!
//! Behaves as upstream's helm-controller v1.6; what differs is in `docs/helmreleases.md`.

pub mod actions;
pub mod attempt;
pub mod chart;
pub mod chart_template;
mod clock;
mod cluster;
mod finalize;
pub mod gate;
pub mod history;
mod hooks;
pub mod inventory;
pub mod log;
pub mod objects;
mod options;
mod perform;
pub mod plan;
pub mod post_render;
mod reason;
mod reconciler;
mod render;
pub mod report;
pub mod resolve;
mod running;
pub mod spec;
pub mod state;
pub mod storage;
pub mod summary;
pub mod values;
pub mod words;
mod work;

use flux_api::{ExternalArtifact, FluxObject as _, HelmChart, HelmRelease, OCIRepository, READY_CONDITION};
use flux_artifact::Fetcher;
use flux_runtime::{Cache, Controller, ControllerContext, Reference, conditions};
use futures::future::BoxFuture;

pub use flux_apply::KubeConfigOptions;
pub use flux_helm::digest::UnsupportedAlgorithm;
pub use options::Options;
pub use reason::Reason;

/// The name of the controller, and the field manager of what it writes.
pub const NAME: &str = "helm-controller";

/// Runs the controller until the context's shutdown.
///
/// Boxed, so that the controller is compiled here and not once more in each program that runs it.
pub fn run(ctx: ControllerContext, options: Options, fetcher: Fetcher) -> BoxFuture<'static, ()> {
    Box::pin(start(ctx, options, fetcher))
}

async fn start(ctx: ControllerContext, options: Options, fetcher: Fetcher) {
    let releases = Cache::<HelmRelease>::default();
    let sources = resolve::Sources::default();
    let reconciler = reconciler::HelmReleaseReconciler::new(&ctx, options, fetcher, sources.clone());
    Controller::new(ctx, NAME, releases, reconciler)
        .references(references)
        .watches(sources.charts, resolve::changed::<HelmChart>)
        .watches(sources.oci, resolve::changed::<OCIRepository>)
        .watches(sources.external, resolve::changed::<ExternalArtifact>)
        .watches_configs()
        .wakes_users(progressed, waits_for_dependency)
        .run()
        .await;
}

/// Everything that an object names and whose change is of interest to it.
fn references(obj: &HelmRelease) -> Vec<Reference> {
    let own = spec::own_namespace(obj);
    let mut found = Vec::new();
    if let Some((kind, key)) = resolve::reference(obj) {
        found.push(Reference { kind: kind.into(), key });
    }
    for dependency in &obj.spec.depends_on {
        let namespace = dependency.namespace.as_deref().unwrap_or(own);
        found.push(Reference::new(HelmRelease::KIND, namespace, &dependency.name));
    }
    for from in &obj.spec.values_from {
        found.push(Reference::new(&from.kind, own, &from.name));
    }
    if let Some(kube_config) = &obj.spec.kube_config {
        if let Some(secret) = &kube_config.secret_ref {
            found.push(Reference::new("Secret", own, &secret.name));
        }
        if let Some(config) = &kube_config.config_map_ref {
            found.push(Reference::new("ConfigMap", own, &config.name));
        }
    }
    found
}

/// A change that one who depends on the object may wait for.
fn progressed(old: Option<&HelmRelease>, new: &HelmRelease) -> bool {
    old.is_none_or(|old| old.status != new.status || old.metadata.generation != new.metadata.generation)
}

fn waits_for_dependency(obj: &HelmRelease) -> bool {
    let ready = conditions::get(obj.conditions(), READY_CONDITION);
    ready.is_some_and(|ready| ready.reason == Reason::DependencyNotReady.as_str())
}
