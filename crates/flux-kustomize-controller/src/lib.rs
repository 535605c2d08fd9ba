//! The controller of Kustomization: builds what a source holds, applies it, prunes what left it, watches its health.
//!
//! One attempt goes through typed steps, one module each:
//!
//! ```text
//! resolve -> gate -> plan -> fetch -> build -> announce -> apply -> prune -> (health, without a slot) -> conclude
//! ```
//!
//! Behaves as upstream's kustomize-controller v1.9; what differs is in `docs/kustomizations.md`.

mod apply;
mod build;
mod conclude;
mod finalize;
mod gate;
mod health;
mod memo;
mod options;
mod peers;
mod plan;
mod reason;
mod reconciler;
mod remote;
mod resolve;
mod substitute;

use flux_api::{Bucket, ExternalArtifact, GitRepository, Kustomization, OCIRepository, READY_CONDITION, SourceObject};
use flux_artifact::Fetcher;
use flux_runtime::{Cache, Controller, ControllerContext, Reference, conditions};
use futures::future::BoxFuture;

pub use options::Options;
pub use reason::Reason;
pub use remote::RemoteBases;
pub use substitute::{SubstituteError, Variables};

/// The name of the controller, and the field manager of what it applies.
pub const NAME: &str = "kustomize-controller";
/// The field manager of what it writes to Kustomizations themselves.
pub const STATUS_MANAGER: &str = "gotk-kustomize-controller";
/// Prefix of owner labels and control annotations.
pub const GROUP: &str = Kustomization::GROUP;

/// Runs the controller until the context's shutdown.
///
/// Boxed, so that the controller is compiled here and not once more in each program that runs it.
pub fn run(ctx: ControllerContext, options: Options, fetcher: Fetcher) -> BoxFuture<'static, ()> {
    Box::pin(start(ctx, options, fetcher))
}

async fn start(ctx: ControllerContext, options: Options, fetcher: Fetcher) {
    let kustomizations = Cache::<Kustomization>::default();
    let sources = resolve::Sources::default();
    let peers = peers::Peers::new(kustomizations.clone());
    let reconciler = reconciler::KustomizationReconciler::new(&ctx, options, fetcher, sources.clone(), peers.clone());
    Controller::new(ctx, NAME, kustomizations, reconciler)
        .field_manager(STATUS_MANAGER)
        .references(references)
        .watches(sources.git, artifact_changed::<GitRepository>)
        .watches(sources.oci, artifact_changed::<OCIRepository>)
        .watches(sources.bucket, artifact_changed::<Bucket>)
        .watches(sources.external, artifact_changed::<ExternalArtifact>)
        .watches_configs()
        .wakes_users(
            move |old, new| {
                peers.changed();
                progressed(old, new)
            },
            waits_for_dependency,
        )
        .run()
        .await;
}

/// Everything that an object names and whose change is of interest to it.
fn references(obj: &Kustomization) -> Vec<Reference> {
    let own = obj.metadata.namespace.as_deref().unwrap_or_default();
    let spec = &obj.spec;
    let source = &spec.source_ref;
    let mut found = vec![Reference::new(&source.kind, source.namespace.as_deref().unwrap_or(own), &source.name)];
    for dependency in &spec.depends_on {
        found.push(Reference::new(
            Kustomization::KIND,
            dependency.namespace.as_deref().unwrap_or(own),
            &dependency.name,
        ));
    }
    for from in spec.post_build.iter().flat_map(|post| &post.substitute_from) {
        found.push(Reference::new(&from.kind, own, &from.name));
    }
    if let Some(secret) = spec.decryption.as_ref().and_then(|decryption| decryption.secret_ref.as_ref()) {
        found.push(Reference::new("Secret", own, &secret.name));
    }
    if let Some(kube_config) = &spec.kube_config {
        if let Some(secret) = &kube_config.secret_ref {
            found.push(Reference::new("Secret", own, &secret.name));
        }
        if let Some(config) = &kube_config.config_map_ref {
            found.push(Reference::new("ConfigMap", own, &config.name));
        }
    }
    found
}

/// A source has something new to apply.
fn artifact_changed<S: SourceObject>(old: Option<&S>, new: &S) -> bool {
    let identity = |source: &S| source.artifact().map(|artifact| (artifact.revision.clone(), artifact.digest.clone()));
    let now = identity(new);
    now.is_some() && old.and_then(identity) != now
}

/// A change that one who depends on the object may wait for.
fn progressed(old: Option<&Kustomization>, new: &Kustomization) -> bool {
    old.is_none_or(|old| old.status != new.status || old.metadata.generation != new.metadata.generation)
}

fn waits_for_dependency(obj: &Kustomization) -> bool {
    let ready = obj.status.as_ref().and_then(|status| conditions::get(&status.conditions, READY_CONDITION));
    ready.is_some_and(|ready| ready.reason == Reason::DependencyNotReady.as_str())
}

#[cfg(test)]
mod tests;
