//! One attempt, step by step.

use std::sync::PoisonError;

use flux_api::{GitRepository, SourceObject as _};
use flux_artifact::revisions_differ;
use flux_runtime::{
    Attempt, Cache, ControllerContext, Halt, ObjectKey, Outcome, Reconciler, Severity, conditions, failpoints,
};
use kube::Client;

use crate::artifact::{Recipe, recipe_changed};
use crate::options::{Options, UrlMapping};
use crate::reason::{
    ARTIFACT_IN_STORAGE, ARTIFACT_OUTDATED, FAILURES, FETCH_FAILED, Failure, INCLUDE_UNAVAILABLE, Reason,
    SOURCE_VERIFIED, STORAGE_OPERATION_FAILED,
};
use crate::source::{self, Found};
use crate::{auth, gate, include, stored};

pub struct GitRepositoryReconciler {
    client: Client,
    options: Options,
    requeue_dependency: std::time::Duration,
    cache: Cache<GitRepository>,
}

impl GitRepositoryReconciler {
    pub fn new(ctx: &ControllerContext, options: Options, cache: Cache<GitRepository>) -> Self {
        let requeue_dependency = ctx.options.requeue_dependency;
        Self { client: ctx.client.clone(), options, requeue_dependency, cache }
    }

    /// Keeps the list of objects that follow a repository on this machine.
    fn note_follower(&self, key: &ObjectKey, follows: bool) {
        let name = (key.namespace.to_string(), key.name.to_string());
        let mut followers = self.options.followers.lock().unwrap_or_else(PoisonError::into_inner);
        if follows {
            followers.insert(name);
        } else {
            followers.remove(&name);
        }
    }

    async fn look(
        &self,
        at: &Attempt<GitRepository>,
        mapping: Option<&UrlMapping>,
        last: Option<String>,
    ) -> Result<Found, Failure> {
        let obj = at.object();
        let submodules = obj.spec.recurse_submodules;
        let Some(mapping) = mapping else {
            let remote = auth::remote(&self.client, obj, at.namespace()).await?;
            let wanted = source::reference(obj.spec.reference.as_ref());
            return source::remote(&remote, &wanted, self.options.scratch.clone(), submodules, last).await;
        };
        let (mapping, obj) = (mapping.clone(), obj.clone());
        blocking(move || source::mapped(&mapping, &obj, submodules, last.as_deref())).await
    }

    async fn attempt(&self, at: &mut Attempt<GitRepository>) -> Result<Stored, Failure> {
        let mut subject = None;
        at.conditions().delete(STORAGE_OPERATION_FAILED);
        if at.object().spec.verify.is_none() {
            at.status_mut().source_verification_mode = None;
            at.conditions().delete(SOURCE_VERIFIED);
        }
        gate::check(at.object())?;
        let mapping = self.options.mapping(&at.object().spec.url).cloned();
        self.note_follower(at.key(), mapping.as_ref().is_some_and(|mapping| mapping.head.is_some()));
        let included = include::artifacts(&self.client, at.object(), at.namespace())
            .await
            .map_err(|failure| Failure { halt: failure.halt.after(self.requeue_dependency), ..failure })?;
        at.conditions().delete(INCLUDE_UNAVAILABLE);
        let has_artifact = at.object().artifact().is_some();
        if has_artifact && revisions_differ(&included, &included_before(at)) {
            let message = "included artifacts differ from last observed includes";
            at.conditions().mark_true(ARTIFACT_OUTDATED, Reason::IncludeChange.as_str(), message);
        }
        let changed = recipe_changed(at.object(), &included);
        let known = at.object().artifact().map(|artifact| artifact.revision.clone());
        let last = known.clone().filter(|_| !changed);
        let found = self.look(at, mapping.as_ref(), last).await?;
        failpoints::pass("fetch");
        at.conditions().delete(FETCH_FAILED);
        let full_name = at.object().spec.reference.as_ref().is_some_and(|wanted| wanted.name.is_some());
        let revision = found.revision(full_name);
        if let Found::Tree(tree) = found {
            if known.as_ref() != Some(&revision) {
                let message = format!("new upstream revision '{revision}'");
                at.progress(format!("building artifact: {message}"));
                if has_artifact {
                    at.conditions().mark_true(ARTIFACT_OUTDATED, Reason::NewRevision.as_str(), message);
                }
            }
            subject = Some(tree.commit().short_message());
            let local = mapping.as_ref().map(|mapping| mapping.repository.as_path());
            let recipe = Recipe::new(&self.options, &at.object().spec, &included, local);
            let (key, name) = (at.key().clone(), revision.clone());
            let artifact = blocking(move || recipe.store(&key, &tree, &name)).await?;
            failpoints::pass("archive");
            let spec = at.object().spec.clone();
            let status = at.status_mut();
            status.artifact = Some(artifact);
            status.included_artifacts = included;
            status.observed_ignore = spec.ignore;
            status.observed_recurse_submodules = spec.recurse_submodules;
            status.observed_include = spec.include;
            status.observed_sparse_checkout = spec.sparse_checkout;
        }
        at.conditions().delete(ARTIFACT_OUTDATED);
        let message =
            format!("stored artifact for revision '{revision}'{}", served_from(at.object(), mapping.as_ref()));
        Ok(Stored { message, subject })
    }
}

/// What a good attempt has to say.
struct Stored {
    /// Of the conditions.
    message: String,
    /// The commit's first line, when the commit was read.
    subject: Option<String>,
}

fn included_before(at: &Attempt<GitRepository>) -> Vec<flux_api::Artifact> {
    at.object().status.as_ref().map(|status| status.included_artifacts.clone()).unwrap_or_default()
}

/// Says when content does not come from where the URL says.
fn served_from(obj: &GitRepository, mapping: Option<&UrlMapping>) -> String {
    let Some(mapping) = mapping else { return String::new() };
    let unused = if obj.spec.secret_ref.is_some() { "; secretRef not used" } else { "" };
    format!(" (served from the local repository {}{unused})", mapping.repository.display())
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T, Failure> + Send + 'static) -> Result<T, Failure> {
    tokio::task::spawn_blocking(work).await.unwrap_or_else(|error| {
        Err(Failure::fetch(Reason::GitOperationFailed, format!("the work was cut off: {error}")))
    })
}

impl Reconciler<GitRepository> for GitRepositoryReconciler {
    type Waited = std::convert::Infallible;

    async fn reconcile(&self, at: &mut Attempt<GitRepository>) -> Result<Outcome<Self::Waited>, Halt> {
        let before = at.object().clone();
        stored::check(at, &self.options.storage).await?;
        let Stored { message, subject } = match self.attempt(at).await {
            Ok(stored) => stored,
            Err(failure) => return Err(failure.record(at)),
        };
        at.conditions().mark_true(ARTIFACT_IN_STORAGE, Reason::Succeeded.as_str(), message.clone());
        tell(at, &before, subject.as_deref());
        let interval = at.object().spec.interval.std();
        Ok(Outcome::Ready { reason: Reason::Succeeded.as_str(), message, after: Some(interval) })
    }

    async fn finalize(&self, at: &mut Attempt<GitRepository>) -> Result<(), Halt> {
        stored::remove(at, &self.options.storage).await
    }

    fn forget(&self, key: &ObjectKey) {
        if self.cache.get(key).is_none() {
            self.note_follower(key, false);
        }
    }
}

/// An event for a new artifact, or for the end of a failure; none when nothing changed.
fn tell(at: &Attempt<GitRepository>, before: &GitRepository, subject: Option<&str>) {
    let Some(artifact) = at.object().artifact() else { return };
    let reason = if before.artifact().is_none_or(|old| old.digest != artifact.digest) {
        Reason::NewArtifact
    } else if recovered(before) {
        Reason::Succeeded
    } else {
        let message = format!("artifact up-to-date with remote revision: '{}'", artifact.revision);
        tracing::debug!(reason = Reason::ArtifactUpToDate.as_str(), "{message}");
        return;
    };
    let message = format!("stored artifact for commit '{}'", subject.unwrap_or(&artifact.revision));
    tracing::info!(reason = reason.as_str(), "{message}");
    at.event_with(
        Severity::Info,
        reason.as_str(),
        message,
        &[("revision", &artifact.revision), ("digest", &artifact.digest)],
    );
}

/// Whether a failure condition was there that is not any more.
fn recovered(before: &GitRepository) -> bool {
    let conditions = before.status.as_ref().map(|status| status.conditions.as_slice()).unwrap_or_default();
    FAILURES.iter().any(|kind| conditions::is_true(conditions, kind))
}
