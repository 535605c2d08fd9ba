//! The controllers of GitRepository, HelmRepository and HelmChart: each looks what its source holds, stores it as an
//! artifact, says so.
//!
//! One attempt at a GitRepository goes through typed steps, one module each:
//!
//! ```text
//! stored (verify, garbage) -> gate -> auth -> include -> source (fetch) -> artifact (archive)
//! ```
//!
//! Charts have a module of their own, [`helm`]. Behaves as upstream's source-controller v1.9; what differs is in `docs/sources.md`.

mod archives;
mod artifact;
mod auth;
mod gate;
pub mod helm;
mod include;
mod options;
mod reason;
mod reconciler;
mod source;
mod stored;

use flux_api::{GitRepository, SourceObject};
use flux_runtime::{Cache, Controller, ControllerContext, Reference};
use futures::future::BoxFuture;

pub use archives::Archives;
pub use options::{Followers, LocalHead, Options, UrlMapping};
pub use reason::Reason;

/// The name of the controller, and the field manager of what it writes.
pub const NAME: &str = "source-controller";

/// Runs the controllers until the context's shutdown.
///
/// Boxed, so that the controller is compiled here and not once more in each program that runs it.
pub fn run(ctx: ControllerContext, options: Options) -> BoxFuture<'static, ()> {
    Box::pin(start(ctx, options))
}

async fn start(ctx: ControllerContext, options: Options) {
    if let Err(error) = options.prepare_scratch() {
        tracing::error!(%error, path = %options.scratch.display(), "the scratch directory cannot be used");
    }
    let indexes = helm::IndexCache::new(options.index_cache);
    let git = git_repositories(ctx.clone(), options.clone());
    let repositories = helm::repository_controller::run(ctx.clone(), options.clone(), indexes.clone());
    let charts = helm::chart_controller::run(ctx, options, indexes);
    tokio::join!(git, repositories, charts);
}

async fn git_repositories(ctx: ControllerContext, options: Options) {
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

/// Whether there is an artifact of other content than before.
pub(crate) fn artifact_changed<K: SourceObject>(old: Option<&K>, new: &K) -> bool {
    let digest = |obj: &K| obj.artifact().map(|artifact| artifact.digest.clone());
    let now = digest(new);
    now.is_some() && old.and_then(digest) != now
}
