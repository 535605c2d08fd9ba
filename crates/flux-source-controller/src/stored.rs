//! The artifact of the last attempt: is it still there, and whole?

use flux_api::{Artifact, GitRepository, HelmChart, HelmRepository, SourceObject};
use flux_artifact::{Storage, StorageError};
use flux_runtime::{Attempt, Halt, Severity};

use std::time::Duration;

use crate::reason::{ARTIFACT_IN_STORAGE, Failure, Reason};

/// A collection of garbage that takes longer goes on at the next attempt.
const COLLECT_TIMEOUT: Duration = Duration::from_secs(5);

/// A kind whose artifact is kept in the store.
pub trait Stored: SourceObject {
    /// The status' artifact.
    fn artifact_mut(&mut self) -> &mut Option<Artifact>;

    /// `status.url`, of kinds that have one.
    fn latest_mut(&mut self) -> Option<&mut Option<String>>;
}

macro_rules! stored {
    ($kind:ty, $latest:expr) => {
        impl Stored for $kind {
            fn artifact_mut(&mut self) -> &mut Option<Artifact> {
                &mut self.status.get_or_insert_default().artifact
            }

            fn latest_mut(&mut self) -> Option<&mut Option<String>> {
                let latest: fn(&mut Self) -> Option<&mut Option<String>> = $latest;
                latest(self)
            }
        }
    };
}

stored!(GitRepository, |_| None);
stored!(HelmRepository, |obj| Some(&mut obj.status.get_or_insert_default().url));
stored!(HelmChart, |obj| Some(&mut obj.status.get_or_insert_default().url));

/// Clears old files, and forgets an artifact that is gone or damaged.
pub async fn check<K: Stored>(at: &mut Attempt<K>, storage: &Storage) -> Result<(), Halt> {
    if let Some(artifact) = at.object().artifact().cloned() {
        collect(at, storage, &artifact).await;
        if let Some(problem) = problem(storage, artifact).await {
            if let Problem::Damaged(error) = &problem {
                let message = format!("failed to verify integrity of artifact: {error}");
                at.event(Severity::Error, Reason::ArtifactVerificationFailed.as_str(), message);
            }
            *at.object_mut().artifact_mut() = None;
            if let Some(latest) = at.object_mut().latest_mut() {
                *latest = None;
            }
            at.progress("building artifact: disappeared from storage");
        }
    }
    match at.object_mut().artifact_mut() {
        // The host of the address may be another than at the last start.
        Some(artifact) => {
            artifact.url = storage.url(&artifact.path);
            if let Some(Some(latest)) = at.object_mut().latest_mut() {
                *latest = storage.with_host(latest);
            }
        }
        None => {
            at.conditions().delete(ARTIFACT_IN_STORAGE);
            at.progress("building artifact");
        }
    }
    Ok(())
}

enum Problem {
    Gone,
    Damaged(StorageError),
}

/// What is wrong with a stored artifact; a damaged one is removed.
async fn problem(storage: &Storage, artifact: Artifact) -> Option<Problem> {
    let storage = storage.clone();
    let look = move || {
        if !storage.exists(&artifact) {
            return Some(Problem::Gone);
        }
        let error = storage.verify(&artifact).err()?;
        if let Err(error) = storage.remove(&artifact) {
            // It is overwritten in a moment.
            tracing::warn!(%error, "damaged artifact could not be removed");
        }
        Some(Problem::Damaged(error))
    };
    tokio::task::spawn_blocking(look).await.unwrap_or(None)
}

async fn collect<K: Stored>(at: &Attempt<K>, storage: &Storage, artifact: &Artifact) {
    let (storage, artifact) = (storage.clone(), artifact.clone());
    match tokio::task::spawn_blocking(move || storage.collect_garbage(&artifact, COLLECT_TIMEOUT)).await {
        Ok(Ok(removed)) if !removed.is_empty() => {
            let message = format!("garbage collected {} artifacts", removed.len());
            at.event(Severity::Trace, Reason::GarbageCollectionSucceeded.as_str(), message);
        }
        Ok(Err(error)) => tracing::warn!(%error, "garbage collection of artifacts failed"),
        _ => {}
    }
}

/// Removes everything of an object that goes.
pub async fn remove<K: Stored>(at: &mut Attempt<K>, storage: &Storage) -> Result<(), Halt> {
    let key = at.key().clone();
    let artifact = storage.new_artifact(&K::kind(&()), &key.namespace, &key.name, "", "*");
    let storage = storage.clone();
    let removed = tokio::task::spawn_blocking(move || storage.remove_all(&artifact)).await;
    match removed {
        Ok(Ok(Some(_))) => {
            let message = "garbage collected artifacts for deleted resource";
            at.event(Severity::Trace, Reason::GarbageCollectionSucceeded.as_str(), message);
        }
        Ok(Ok(None)) => {}
        Ok(Err(error)) => {
            let message = format!("garbage collection for deleted resource failed: {error}");
            return Err(Failure::storage(Reason::GarbageCollectionFailed, message).halt);
        }
        Err(error) => {
            let message = format!("garbage collection for deleted resource failed: {error}");
            return Err(Failure::storage(Reason::GarbageCollectionFailed, message).halt);
        }
    }
    *at.object_mut().artifact_mut() = None;
    Ok(())
}
