//! The API server's storage: every live object in memory, one global revision, and a log on disk behind it.
//!
//! A write is checked against the memory image, gets the next revision, and is acknowledged once it is durable.
//! Nothing above the durable revision is ever shown to a reader or watcher, so that a write that the disk
//! refuses can be taken back unseen. Commits are grouped: while one is being synced, the next ones gather.
//!
//! Every resource (a table) keeps its last changes. Watches and reads at a past revision work from there;
//! a revision that has left the window is answered with [`TooOld`].

mod disk;
pub mod failpoint;
mod log;
mod read;
mod state;
mod watch;
mod write;

use std::path::Path;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use bytes::Bytes;
use tokio::sync::watch as signal;

pub use disk::OpenError;
pub use read::{ListError, Page, Range, TooOld};
pub use watch::{Change, Watcher};
pub use write::WriteError;

use disk::Disk;
use log::Log;
use state::State;

/// How much of the past is kept, per resource.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// Changes kept at most.
    pub window: usize,
    /// Bytes of changed objects kept at most.
    pub window_bytes: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self { window: 4096, window_bytes: 8 << 20 }
    }
}

/// A stored object: its bytes and the revision that wrote them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    pub value: Bytes,
    pub revision: u64,
}

/// A handle to the storage; cheap to clone.
#[derive(Clone)]
pub struct Store {
    inner: Arc<Inner>,
}

struct Inner {
    options: Options,
    state: RwLock<State>,
    log: Option<Log>,
    durable: signal::Sender<Durable>,
}

/// How far the disk is, and how often it refused a commit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Durable {
    revision: u64,
    refusals: u64,
}

impl Store {
    /// A storage that ends with the process.
    pub fn memory(options: Options) -> Self {
        Self::assemble(options, State::new(1), None)
    }

    /// Opens or creates a storage file and reads all of it.
    pub fn open(path: &Path, options: Options) -> Result<Self, OpenError> {
        let (disk, state) = Disk::open(path)?;
        Ok(Self::assemble(options, state, Some(Log::new(disk))))
    }

    fn assemble(options: Options, state: State, log: Option<Log>) -> Self {
        let durable = signal::Sender::new(Durable { revision: state.revision, refusals: 0 });
        let inner = Arc::new(Inner { options, state: RwLock::new(state), log, durable });
        if let Some(log) = &inner.log {
            log.start(&inner);
        }
        Self { inner }
    }

    /// The last durable revision.
    pub fn revision(&self) -> u64 {
        self.inner.durable.borrow().revision
    }

    /// Makes a resource known, so that its window starts now. Reads and writes do so by themselves.
    pub fn ensure(&self, resource: &str) {
        if !self.inner.read().tables.contains_key(resource) {
            self.inner.write().table(resource);
        }
    }

    /// Waits until the storage has reached this revision.
    pub async fn reached(&self, revision: u64) {
        let mut durable = self.inner.durable.subscribe();
        // The sender lives in `self`.
        let _ = durable.wait_for(|durable| durable.revision >= revision).await;
    }

    /// Stops taking writes, waits until everything written is on disk, and frees the file once all handles are gone.
    pub async fn close(&self) {
        let Some(log) = &self.inner.log else { return };
        log.stop();
        if let Some(worker) = log.worker() {
            // A thread that panicked has told so; what it did not write was not acknowledged.
            let _ = tokio::task::spawn_blocking(move || worker.join()).await;
        }
    }
}

impl Inner {
    fn read(&self) -> RwLockReadGuard<'_, State> {
        self.state.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, State> {
        self.state.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        if let Some(log) = &self.log {
            log.stop();
        }
    }
}

#[cfg(test)]
mod tests;
