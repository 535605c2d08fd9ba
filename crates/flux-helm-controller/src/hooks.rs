//! Hooks: in order of weight, each waited for, deleted as its policies say.

use std::time::Duration;

use flux_helm::Release;
use flux_helm::manifest::{DeletePolicy, Hook, HookEvent};
use serde_json::json;

use crate::clock;
use crate::objects::{self, Method, ObjectError};
use crate::work::{WaitError, Work};

/// Why hooks did not run through. Worded as Helm.
#[derive(Debug, thiserror::Error)]
pub enum HookError {
    #[error("unable to build kubernetes object for {event} hook {path}: {source}")]
    Build { event: String, path: String, source: ObjectError },
    #[error("unable to build kubernetes object for deleting hook {path}: {source}")]
    BuildDeleted { path: String, source: ObjectError },
    #[error("warning: Hook {event} {path} failed: {source}")]
    Create { event: String, path: String, source: ObjectError },
    #[error(transparent)]
    Delete(#[from] ObjectError),
    #[error(transparent)]
    Wait(#[from] WaitError),
}

/// Runs the hooks of an event; the record is written before each, and by the caller afterwards.
pub async fn run(
    work: &mut Work,
    release: &mut Release,
    event: &HookEvent,
    method: Method,
    timeout: Duration,
) -> Result<(), HookError> {
    let mut order: Vec<usize> =
        (0..release.hooks.len()).filter(|at| release.hooks[*at].events.contains(event)).collect();
    order.sort_by(|a, b| {
        let (a, b) = (&release.hooks[*a], &release.hooks[*b]);
        (a.weight, &a.name).cmp(&(b.weight, &b.name))
    });
    for (number, at) in order.iter().copied().enumerate() {
        if let Err(error) = run_one(work, release, at, event, method, timeout).await {
            // A hook that could not even be made leaves the others alone.
            if matches!(error, HookError::Wait(_)) {
                let failed = release.hooks[at].clone();
                if let Err(error) = delete(work, release, &failed, &DeletePolicy::Failed, timeout).await {
                    tracing::warn!(%error, hook = failed.name, "the failed hook could not be deleted");
                }
                for done in &order[..number] {
                    let done = release.hooks[*done].clone();
                    delete(work, release, &done, &DeletePolicy::Succeeded, timeout).await?;
                }
            }
            return Err(error);
        }
    }
    for at in order.into_iter().rev() {
        let hook = release.hooks[at].clone();
        delete(work, release, &hook, &DeletePolicy::Succeeded, timeout).await?;
    }
    Ok(())
}

async fn run_one(
    work: &mut Work,
    release: &mut Release,
    at: usize,
    event: &HookEvent,
    method: Method,
    timeout: Duration,
) -> Result<(), HookError> {
    let hook = &mut release.hooks[at];
    if hook.delete_policies.is_empty() {
        hook.delete_policies.push(DeletePolicy::BeforeCreation);
    }
    let hook = hook.clone();
    delete(work, release, &hook, &DeletePolicy::BeforeCreation, timeout).await?;
    let name = || (event.as_str().to_owned(), hook.path.clone());
    let resources = objects::build(&work.target, &hook.manifest, &release.namespace).await.map_err(|source| {
        let (event, path) = name();
        HookError::Build { event, path, source }
    })?;
    let last_run = &mut release.hooks[at].last_run;
    last_run.started_at = clock::now();
    last_run.completed_at = flux_helm::Time::default();
    last_run.phase = "Running".into();
    work.record(release).await;
    release.hooks[at].last_run.phase = "Unknown".into();
    work.log.line("creating resource(s)", &[("resources", json!(resources.len()))]);
    let target = work.target.clone();
    let created = objects::by_kind(&resources, |_, resource| {
        let target = target.clone();
        async move { Ok(resource.subject(Some(objects::create(&target, &resource, method).await?))) }
    });
    let subjects = match created.await {
        Ok(subjects) => subjects,
        Err(source) => {
            end(release, at, "Failed");
            let (event, path) = name();
            return Err(HookError::Create { event, path, source });
        }
    };
    // The name of what the server named itself is in its answer.
    let subjects = subjects.into_iter().map(|mut subject| {
        if let Some(state) = subject.state.as_ref().filter(|_| subject.id.name.is_empty()) {
            subject.id = flux_apply::ObjectId::of(state);
        }
        subject
    });
    let waited = work.ran(subjects.collect(), timeout).await;
    end(release, at, if waited.is_ok() { "Succeeded" } else { "Failed" });
    Ok(waited?)
}

fn end(release: &mut Release, at: usize, phase: &str) {
    let last_run = &mut release.hooks[at].last_run;
    last_run.completed_at = clock::now();
    last_run.phase = phase.to_owned();
}

/// Deletes the object of a hook when its policies say so at that moment. Definitions stay: their objects go with them.
async fn delete(
    work: &mut Work,
    release: &Release,
    hook: &Hook,
    policy: &DeletePolicy,
    timeout: Duration,
) -> Result<(), HookError> {
    if hook.kind == "CustomResourceDefinition" || !hook.delete_policies.contains(policy) {
        return Ok(());
    }
    let resources = objects::build(&work.target, &hook.manifest, &release.namespace).await;
    let resources = resources.map_err(|source| HookError::BuildDeleted { path: hook.path.clone(), source })?;
    let resources: Vec<_> = resources.into_iter().filter(|resource| !resource.name().is_empty()).collect();
    let mut there = Vec::new();
    for (resource, found) in resources.iter().zip(objects::get_all(&work.target, &resources).await?) {
        if found.is_some() {
            objects::delete(&work.target, resource, "Background").await?;
            there.push(resource.clone());
        }
    }
    work.gone(&there, timeout).await?;
    Ok(())
}
