//! Writes: checked against memory, acknowledged when durable.

use std::sync::Arc;

use bytes::Bytes;

use crate::log::{Log, Pending};
use crate::{Change, Durable, Entry, Store};

/// Why a write was not done.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WriteError {
    #[error("the object exists already")]
    Exists,
    #[error("the object does not exist")]
    Absent,
    #[error("the object was changed meanwhile")]
    Conflict,
    #[error("the storage refused the write")]
    Refused,
}

impl Store {
    /// Creates an object; `make` gets the revision it will have.
    pub async fn create(&self, resource: &str, key: &str, make: impl FnOnce(u64) -> Bytes) -> Result<u64, WriteError> {
        self.change(
            resource,
            key,
            |current| if current.is_some() { Err(WriteError::Exists) } else { Ok(()) },
            make,
            false,
        )
        .await
    }

    /// Replaces an object that is still at `expected`.
    pub async fn replace(
        &self,
        resource: &str,
        key: &str,
        expected: u64,
        make: impl FnOnce(u64) -> Bytes,
    ) -> Result<u64, WriteError> {
        self.change(resource, key, |current| at(current, expected), make, false).await
    }

    /// Removes an object that is still at `expected`; `make` gives what watchers see of it.
    pub async fn remove(
        &self,
        resource: &str,
        key: &str,
        expected: u64,
        make: impl FnOnce(u64) -> Bytes,
    ) -> Result<u64, WriteError> {
        self.change(resource, key, |current| at(current, expected), make, true).await
    }

    async fn change(
        &self,
        resource: &str,
        key: &str,
        check: impl FnOnce(Option<&Entry>) -> Result<(), WriteError>,
        make: impl FnOnce(u64) -> Bytes,
        removes: bool,
    ) -> Result<u64, WriteError> {
        let (revision, seen) = self.prepare(resource, key, check, make, removes)?;
        self.acknowledged(revision, seen).await
    }

    fn prepare(
        &self,
        resource: &str,
        key: &str,
        check: impl FnOnce(Option<&Entry>) -> Result<(), WriteError>,
        make: impl FnOnce(u64) -> Bytes,
        removes: bool,
    ) -> Result<(u64, Durable), WriteError> {
        if self.inner.log.as_ref().is_some_and(Log::stopped) {
            return Err(WriteError::Refused);
        }
        let mut state = self.inner.write();
        let seen = *self.inner.durable.borrow();
        let revision = state.revision + 1;
        let table = state.table(resource);
        let previous = table.objects.get(key).cloned();
        check(previous.as_ref())?;
        let value = make(revision);
        let key: Arc<str> = table.objects.get_key_value(key).map_or_else(|| key.into(), |(key, _)| key.clone());
        if removes {
            table.objects.remove(&key);
        } else {
            table.objects.insert(key.clone(), Entry { value: value.clone(), revision });
        }
        let stored = (!removes).then(|| value.clone());
        let change = Change { revision, key: key.clone(), value, removed: removes, previous: previous.clone() };
        table.record(Arc::new(change), &self.inner.options);
        let name = table.name.clone();
        match &self.inner.log {
            None => {
                // Who wakes looks for changes up to the durable revision: that must be there first.
                self.inner.durable.send_modify(|durable| durable.revision = revision);
                table.wake.send_replace(revision);
            }
            Some(log) => log.push(Pending { table: name, key, stored, previous, revision }),
        }
        state.revision = revision;
        Ok((revision, seen))
    }

    async fn acknowledged(&self, revision: u64, seen: Durable) -> Result<u64, WriteError> {
        if self.inner.log.is_none() {
            return Ok(revision);
        }
        let mut durable = self.inner.durable.subscribe();
        // The sender lives in `self`.
        let now = durable.wait_for(|now| now.revision >= revision || now.refusals != seen.refusals).await;
        match now {
            Ok(now) if now.refusals == seen.refusals => Ok(revision),
            _ => Err(WriteError::Refused),
        }
    }
}

fn at(current: Option<&Entry>, expected: u64) -> Result<(), WriteError> {
    match current {
        None => Err(WriteError::Absent),
        Some(entry) if entry.revision != expected => Err(WriteError::Conflict),
        Some(_) => Ok(()),
    }
}
