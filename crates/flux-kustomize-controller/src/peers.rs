//! Objects that move from one Kustomization to another in one commit.
//!
//! Before an object is deleted because it left a set, the other Kustomizations of the same source get the time to
//! announce theirs: then it is seen whether the object has a new owner. The wait is short, holds no slot, and happens
//! only when there is something to delete.

use std::time::Duration;

use flux_api::{FluxObject as _, Kustomization, READY_CONDITION};
use flux_apply::ObjectId;
use flux_runtime::{Cache, ObjectKey, conditions};
use tokio::sync::watch;

use crate::reason::Reason;
use crate::resolve::Source;

/// Longer than a busy queue takes for a few hundred units; then upstream's behaviour remains.
const PATIENCE: Duration = Duration::from_secs(10);
/// The cache is looked at again at most so often.
const PACE: Duration = Duration::from_millis(20);

/// The other Kustomizations of this process.
#[derive(Clone)]
pub struct Peers {
    cache: Cache<Kustomization>,
    /// Counts up with each change of one.
    changes: watch::Sender<u64>,
}

impl Peers {
    pub fn new(cache: Cache<Kustomization>) -> Self {
        Self { cache, changes: watch::Sender::new(0) }
    }

    /// Says that one of them changed.
    pub fn changed(&self) {
        self.changes.send_modify(|count| *count = count.wrapping_add(1));
    }

    /// Those that will look at the revision but have not yet.
    pub fn pending(&self, own: &ObjectKey, source: &Source) -> Vec<ObjectKey> {
        let all = self.cache.list();
        let others = all.iter().map(|obj| (ObjectKey::of(obj.as_ref()), obj)).filter(|(key, _)| key != own);
        others.filter(|(_, obj)| is_pending(obj, source)).map(|(key, _)| key).collect()
    }

    /// Waits until none is pending any more, or patience ends.
    pub async fn settle(self, mut pending: Vec<ObjectKey>, source: Source) {
        let settled = async {
            let mut changes = self.changes.subscribe();
            loop {
                changes.borrow_and_update();
                pending.retain(|key| self.cache.get(key).is_some_and(|obj| is_pending(&obj, &source)));
                if pending.is_empty() || changes.changed().await.is_err() {
                    return;
                }
                tokio::time::sleep(PACE).await;
            }
        };
        let _ = tokio::time::timeout(PATIENCE, settled).await;
    }

    /// True when another one has the object in its inventory.
    pub fn owns(&self, own: &ObjectKey, ids: &[(ObjectId, String)]) -> Vec<ObjectId> {
        let wanted: std::collections::HashMap<String, &ObjectId> =
            ids.iter().map(|(id, _)| (id.to_string(), id)).collect();
        let mut owned = Vec::new();
        for obj in self.cache.list() {
            if ObjectKey::of(obj.as_ref()) == *own || obj.metadata.deletion_timestamp.is_some() {
                continue;
            }
            let entries =
                obj.status.as_ref().and_then(|status| status.inventory.as_ref()).map(|inventory| &inventory.entries);
            owned.extend(
                entries.into_iter().flatten().filter_map(|entry| wanted.get(&entry.id)).map(|id| (*id).clone()),
            );
        }
        owned
    }
}

fn is_pending(obj: &Kustomization, source: &Source) -> bool {
    let reference = &obj.spec.source_ref;
    let namespace = reference.namespace.as_deref().or(obj.metadata.namespace.as_deref()).unwrap_or_default();
    if reference.kind != source.kind || reference.name != *source.key.name || namespace != &*source.key.namespace {
        return false;
    }
    if obj.spec.suspend || obj.metadata.deletion_timestamp.is_some() {
        return false;
    }
    let status = obj.status.as_ref();
    let attempted = status.and_then(|status| status.last_attempted_revision.as_deref());
    let waits = conditions::get(obj.conditions(), READY_CONDITION).is_some_and(|ready| {
        ready.reason == Reason::DependencyNotReady.as_str() || ready.reason == Reason::ArtifactFailed.as_str()
    });
    attempted != Some(&source.artifact.revision)
        && !waits
        && !conditions::is_true(obj.conditions(), flux_api::STALLED_CONDITION)
}
