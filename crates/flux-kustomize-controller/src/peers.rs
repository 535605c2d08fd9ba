//! Objects that move from one Kustomization to another in one commit.
//!
//! Before an object is deleted because it left a set, the other Kustomizations of the same source get the time to
//! announce theirs: then it is seen whether the object has a new owner. The wait is short, holds no slot, and happens
//! only when there is something to delete.

use std::collections::{BTreeSet, HashMap, HashSet};
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

    /// Those that will look at the revision but have not yet, or have claimed one of the objects and are not done with it.
    pub fn pending(&self, own: &ObjectKey, source: &Source, ids: &[(ObjectId, String)]) -> Vec<ObjectKey> {
        let ids = texts(ids);
        let all = self.cache.list();
        let others = all.iter().map(|obj| (ObjectKey::of(obj.as_ref()), obj)).filter(|(key, _)| key != own);
        others.filter(|(_, obj)| is_pending(obj, source, &ids)).map(|(key, _)| key).collect()
    }

    /// Waits until none is pending any more, or patience ends.
    pub async fn settle(self, mut pending: Vec<ObjectKey>, source: Source, ids: Vec<(ObjectId, String)>) {
        let ids = texts(&ids);
        let settled = async {
            let mut changes = self.changes.subscribe();
            loop {
                changes.borrow_and_update();
                pending.retain(|key| self.cache.get(key).is_some_and(|obj| is_pending(&obj, &source, &ids)));
                if pending.is_empty() || changes.changed().await.is_err() {
                    return;
                }
                tokio::time::sleep(PACE).await;
            }
        };
        let _ = tokio::time::timeout(PATIENCE, settled).await;
    }

    /// The objects that another one has announced at the revision of the source.
    pub fn claimed(&self, own: &ObjectKey, source: &Source, ids: &[(ObjectId, String)]) -> BTreeSet<ObjectId> {
        if ids.is_empty() {
            return BTreeSet::new();
        }
        let wanted: HashMap<String, &ObjectId> = ids.iter().map(|(id, _)| (id.to_string(), id)).collect();
        let mut claimed = BTreeSet::new();
        for obj in self.cache.list() {
            if ObjectKey::of(obj.as_ref()) == *own || !is_at_work(&obj, source) || !has_attempted(&obj, source) {
                continue;
            }
            claimed.extend(inventory(&obj).filter_map(|id| wanted.get(id)).map(|id| (*id).clone()));
        }
        claimed
    }
}

fn texts(ids: &[(ObjectId, String)]) -> HashSet<String> {
    ids.iter().map(|(id, _)| id.to_string()).collect()
}

fn inventory(obj: &Kustomization) -> impl Iterator<Item = &str> {
    let inventory = obj.status.as_ref().and_then(|status| status.inventory.as_ref());
    inventory.into_iter().flat_map(|inventory| &inventory.entries).map(|entry| entry.id.as_str())
}

fn has_attempted(obj: &Kustomization, source: &Source) -> bool {
    let attempted = obj.status.as_ref().and_then(|status| status.last_attempted_revision.as_deref());
    attempted == Some(&source.artifact.revision)
}

/// True for one that follows the source at the moment.
fn is_at_work(obj: &Kustomization, source: &Source) -> bool {
    let reference = &obj.spec.source_ref;
    let namespace = reference.namespace.as_deref().or(obj.metadata.namespace.as_deref()).unwrap_or_default();
    reference.kind == source.kind
        && reference.name == *source.key.name
        && namespace == &*source.key.namespace
        && !obj.spec.suspend
        && obj.metadata.deletion_timestamp.is_none()
}

fn is_pending(obj: &Kustomization, source: &Source, ids: &HashSet<String>) -> bool {
    let conditions = obj.conditions();
    if !is_at_work(obj, source) || conditions::is_true(conditions, flux_api::STALLED_CONDITION) {
        return false;
    }
    let ready = conditions::get(conditions, READY_CONDITION);
    let reason = ready.map_or("", |ready| ready.reason.as_str());
    if !has_attempted(obj, source) {
        return reason != Reason::DependencyNotReady.as_str() && reason != Reason::ArtifactFailed.as_str();
    }
    let applied = obj.status.as_ref().and_then(|status| status.last_applied_revision.as_deref());
    // Announced, but still at work: what it claims bears its labels soon.
    let done = applied == Some(&source.artifact.revision) || ready.is_some_and(|ready| ready.status != "True");
    !done && inventory(obj).any(|id| ids.contains(id))
}
