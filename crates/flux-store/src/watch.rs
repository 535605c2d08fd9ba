//! Watches: a cursor into a resource's window. A watcher that falls behind the window is told so;
//! nothing is buffered for it.

use std::sync::Arc;

use bytes::Bytes;
use tokio::sync::watch as signal;

use crate::{Entry, Store, TooOld};

/// One change of one object.
#[derive(Debug)]
pub struct Change {
    pub revision: u64,
    pub key: Arc<str>,
    /// The object after the change; of a removed one the last state, as its remover wrote it.
    pub value: Bytes,
    pub removed: bool,
    pub previous: Option<Entry>,
}

/// A cursor over the changes of one resource, in order and without gaps.
pub struct Watcher {
    store: Store,
    resource: Arc<str>,
    cursor: u64,
    wake: signal::Receiver<u64>,
}

/// Changes handed out at once.
const BATCH: usize = 256;

impl Store {
    /// Watches a resource from just behind `revision`.
    pub fn watch(&self, resource: &str, revision: u64) -> Result<Watcher, TooOld> {
        self.ensure(resource);
        let state = self.inner.read();
        let table = state.tables.get(resource).expect("ensured above");
        if revision < table.floor {
            return Err(TooOld { requested: revision, oldest: table.floor });
        }
        Ok(Watcher {
            store: self.clone(),
            resource: table.name.clone(),
            cursor: revision,
            wake: table.wake.subscribe(),
        })
    }
}

impl Watcher {
    /// Waits for the next changes. Cancelling loses nothing.
    pub async fn next(&mut self) -> Result<Vec<Arc<Change>>, TooOld> {
        loop {
            self.wake.borrow_and_update();
            let changes = self.ready()?;
            if let Some(last) = changes.last() {
                self.cursor = last.revision;
                return Ok(changes);
            }
            // The sender lives in the store, which `self` holds.
            let _ = self.wake.changed().await;
        }
    }

    fn ready(&self) -> Result<Vec<Arc<Change>>, TooOld> {
        let durable = self.store.revision();
        let state = self.store.inner.read();
        let Some(table) = state.tables.get(&self.resource) else { return Ok(Vec::new()) };
        if self.cursor < table.floor {
            return Err(TooOld { requested: self.cursor, oldest: table.floor });
        }
        Ok(table.since(self.cursor).take_while(|change| change.revision <= durable).take(BATCH).cloned().collect())
    }

    /// The revision up to which this watcher has seen everything; for bookmarks.
    pub fn progress(&self) -> u64 {
        let durable = self.store.revision();
        let state = self.store.inner.read();
        let Some(table) = state.tables.get(&self.resource) else { return self.cursor };
        match table.since(self.cursor).next() {
            Some(_) => self.cursor,
            None => self.cursor.max(durable),
        }
    }
}
