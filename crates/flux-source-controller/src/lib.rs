//! The controller of GitRepository: looks what a repository holds, stores it as an artifact, says so.
//!
//! One attempt goes through typed steps, one module each:
//!
//! ```text
//! stored (verify, garbage) -> gate -> auth -> include -> source (fetch) -> artifact (archive)
//! ```
//!
//! Behaves as upstream's source-controller v1.9; what differs is in `docs/sources.md`.

mod artifact;
mod auth;
mod gate;
mod include;
mod options;
mod reason;
mod reconciler;
mod source;
mod stored;

use flux_api::{GitRepository, SourceObject as _};
use flux_runtime::{Cache, Controller, ControllerContext, Reference};

pub use options::{Followers, LocalHead, Options, UrlMapping};
pub use reason::Reason;

/// The name of the controller, and the field manager of what it writes.
pub const NAME: &str = "source-controller";

/// Runs the controller until the context's shutdown.
pub async fn run(ctx: ControllerContext, options: Options) {
    if let Err(error) = options.prepare_scratch() {
        tracing::error!(%error, path = %options.scratch.display(), "the scratch directory cannot be used");
    }
    let cache = Cache::<GitRepository>::default();
    let reconciler = reconciler::GitRepositoryReconciler::new(&ctx, options, cache.clone());
    Controller::new(ctx, NAME, cache, reconciler)
        .references(references)
        .wakes_users(artifact_changed, |_| true)
        .run()
        .await;
}

/// The repositories that are copied into an object's artifact.
fn references(obj: &GitRepository) -> Vec<Reference> {
    let namespace = obj.metadata.namespace.as_deref().unwrap_or_default();
    let included = obj.spec.include.iter();
    included.map(|include| Reference::new(GitRepository::KIND, namespace, &include.repository.name)).collect()
}

fn artifact_changed(old: Option<&GitRepository>, new: &GitRepository) -> bool {
    let digest = |obj: &GitRepository| obj.artifact().map(|artifact| artifact.digest.clone());
    let now = digest(new);
    now.is_some() && old.and_then(digest) != now
}
