//! Deletes objects that left the set, and nothing else.
//!
//! Whoever deletes decides on a fresh read: the object must still carry the owner's labels, and the
//! delete holds only for the state that was read.

use std::collections::BTreeSet;
use std::time::Duration;

use flux_runtime::failpoints;

use crate::apply::Manager;
use crate::changeset::{Action, ChangeSet, Entry};
use crate::error::kube_text;
use crate::health::HealthError;
use crate::id::ObjectId;
use crate::inventory::Inventory;
use crate::mapper::{Mapped, MapperError};
use crate::metadata;
use crate::order::compare;

/// A delete that lost a race against another writer is decided anew so often.
const TRIES: usize = 5;

/// What may be deleted.
#[derive(Clone, Debug, Default)]
pub struct DeleteOptions {
    /// Labels that an object must carry to be deleted.
    pub owner_labels: Vec<(String, String)>,
    /// Metadata in the cluster that keeps an object.
    pub exclusions: Vec<(String, String)>,
    /// Objects that another owner has announced: kept, and looked at again later, as long as they still carry our labels.
    pub claimed: BTreeSet<ObjectId>,
}

/// What became of the objects.
#[derive(Clone, Debug, Default)]
pub struct Pruned {
    pub changes: ChangeSet,
    /// Objects that are to go but could not be deleted, or not yet; the inventory must keep them.
    pub survivors: Inventory,
    /// One text for each that could not.
    pub errors: Vec<String>,
    /// Where deleted objects were, to wait for their end.
    pub deleted: Vec<(ObjectId, Mapped)>,
}

impl Pruned {
    /// The error as upstream words it.
    pub fn error(&self) -> Option<String> {
        (!self.errors.is_empty()).then(|| {
            format!(
                "delete failed, errors: {}",
                self.errors.iter().map(|error| format!("{error};")).collect::<String>()
            )
        })
    }
}

enum Fate {
    Settled(Action),
    Deleted(Mapped),
    /// Neither ours to delete nor the other owner's yet.
    Claimed,
}

impl Manager {
    /// Deletes objects in the reverse order of application. Those in `keep` are never touched, whatever their scope was taken for.
    pub async fn prune(&self, stale: Vec<(ObjectId, String)>, keep: &Inventory, options: &DeleteOptions) -> Pruned {
        let mut stale = stale;
        stale.sort_by(|(a, _), (b, _)| compare(b, a));
        let kept: BTreeSet<&ObjectId> = keep.iter().map(|(id, _)| id).collect();
        let mut pruned = Pruned::default();
        for (number, (id, version)) in stale.into_iter().enumerate() {
            failpoints::pass_numbered("prune", number + 1);
            let entry = |action| Entry { id: id.clone(), version: version.clone(), action };
            match self.prune_one(&id, &version, &kept, options).await {
                Ok(Fate::Settled(action)) => pruned.changes.entries.push(entry(action)),
                Ok(Fate::Deleted(mapped)) => {
                    pruned.changes.entries.push(entry(Action::Deleted));
                    pruned.deleted.push((id, mapped));
                }
                Ok(Fate::Claimed) => {
                    pruned.survivors.add(&std::iter::once((id, version)).collect());
                }
                Err(error) => {
                    pruned.errors.push(error);
                    pruned.changes.entries.push(entry(Action::Unknown));
                    pruned.survivors.add(&std::iter::once((id, version)).collect());
                }
            }
        }
        pruned
    }

    async fn prune_one(
        &self,
        id: &ObjectId,
        version: &str,
        kept: &BTreeSet<&ObjectId>,
        options: &DeleteOptions,
    ) -> Result<Fate, String> {
        let subject = id.subject();
        let mapped = match self.target.mapper().find_any(self.target.client(), &id.group, version, &id.kind).await {
            Ok(mapped) => mapped,
            // Without its definition no object of the kind is left.
            Err(MapperError::NoMatch { .. }) => return Ok(Fate::Settled(Action::Deleted)),
            Err(error) => return Err(format!("{subject} query failed: {error}")),
        };
        if !mapped.namespaced
            && !id.namespace.is_empty()
            && kept.contains(&ObjectId { namespace: String::new(), ..id.clone() })
        {
            return Ok(Fate::Settled(Action::Skipped));
        }
        let owners: Vec<(&str, &str)> =
            options.owner_labels.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
        let exclusions: Vec<(&str, &str)> =
            options.exclusions.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
        for attempt in 1.. {
            let existing = match self.target.get(&mapped, &id.namespace, &id.name).await {
                Ok(Some(existing)) => existing,
                Ok(None) => return Ok(Fate::Settled(Action::Deleted)),
                Err(error) => return Err(format!("{subject} query failed: {}", kube_text(&error))),
            };
            let owned = owners.iter().all(|(key, value)| metadata::label(&existing, key) == *value);
            if !owned || metadata::any_matches(&existing, &exclusions) {
                return Ok(Fate::Settled(Action::Skipped));
            }
            if options.claimed.contains(id) {
                return Ok(Fate::Claimed);
            }
            match self.target.delete(&mapped, &existing, "Background").await {
                Ok(()) => return Ok(Fate::Deleted(mapped)),
                Err(kube::Error::Api(status)) if status.is_not_found() => return Ok(Fate::Settled(Action::Deleted)),
                Err(kube::Error::Api(status)) if status.is_conflict() && attempt < TRIES => {}
                Err(error) => return Err(format!("{subject} delete failed: {}", kube_text(&error))),
            }
        }
        unreachable!("the loop returns")
    }

    /// Waits until deleted objects are gone.
    pub async fn wait_for_termination(
        &self,
        deleted: &[(ObjectId, Mapped)],
        timeout: Duration,
    ) -> Result<(), HealthError> {
        self.health.gone(&self.target, deleted, timeout).await
    }
}
