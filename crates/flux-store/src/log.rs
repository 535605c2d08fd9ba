//! The log on disk: a redb file, written by one thread that commits at once when idle and otherwise
//! whatever gathered during the last sync.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak};
use std::thread::JoinHandle;

use bytes::Bytes;

use crate::disk::Disk;
use crate::{Durable, Entry, Inner, failpoint};

/// One write on its way to the disk, with what it replaced.
pub(crate) struct Pending {
    pub table: Arc<str>,
    pub key: Arc<str>,
    pub stored: Option<Bytes>,
    pub previous: Option<Entry>,
    pub revision: u64,
}

/// The queue in front of the writing thread.
pub(crate) struct Log {
    shared: Arc<Shared>,
    /// Until the thread takes it.
    disk: Mutex<Option<Disk>>,
    worker: Mutex<Option<JoinHandle<()>>>,
}

struct Shared {
    queue: Mutex<Queue>,
    filled: Condvar,
}

#[derive(Default)]
struct Queue {
    pending: Vec<Pending>,
    stopping: bool,
}

impl Log {
    pub fn new(disk: Disk) -> Self {
        let shared = Arc::new(Shared { queue: Mutex::default(), filled: Condvar::new() });
        Self { shared, disk: Mutex::new(Some(disk)), worker: Mutex::default() }
    }

    /// Starts the writing thread; it ends when the store is dropped or stopped.
    pub fn start(&self, inner: &Arc<Inner>) {
        let Some(disk) = self.disk.lock().unwrap_or_else(PoisonError::into_inner).take() else { return };
        let shared = self.shared.clone();
        let inner = Arc::downgrade(inner);
        let worker = std::thread::spawn(move || shared.run(disk, &inner));
        *self.worker.lock().unwrap_or_else(PoisonError::into_inner) = Some(worker);
    }

    /// The writing thread, to be waited for; once.
    pub fn worker(&self) -> Option<JoinHandle<()>> {
        self.worker.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// Queues a write. The caller holds the state's lock, which keeps the queue in revision order.
    pub fn push(&self, pending: Pending) {
        self.shared.lock().pending.push(pending);
        self.shared.filled.notify_one();
    }

    /// Whether writes are no longer taken.
    pub fn stopped(&self) -> bool {
        self.shared.lock().stopping
    }

    pub fn stop(&self) {
        self.shared.lock().stopping = true;
        self.shared.filled.notify_one();
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn run(&self, mut disk: Disk, inner: &Weak<Inner>) {
        while let Some(batch) = self.gather() {
            let outcome = disk.commit(&batch);
            let Some(inner) = inner.upgrade() else { return };
            match outcome {
                Ok(()) => publish(&inner, &batch),
                Err(error) => {
                    tracing::error!(error = &error as &dyn std::error::Error, "storage refused a commit");
                    self.take_back(&inner, batch);
                }
            }
        }
    }

    fn gather(&self) -> Option<Vec<Pending>> {
        let mut queue = self.lock();
        while queue.pending.is_empty() {
            if queue.stopping {
                return None;
            }
            queue = self.filled.wait(queue).unwrap_or_else(PoisonError::into_inner);
        }
        Some(std::mem::take(&mut queue.pending))
    }

    /// Undoes a refused batch and everything that was built upon it.
    fn take_back(&self, inner: &Inner, mut batch: Vec<Pending>) {
        let mut state = inner.write();
        batch.append(&mut self.lock().pending);
        for pending in batch.into_iter().rev() {
            let table = state.table(&pending.table);
            match pending.previous {
                Some(entry) => table.objects.insert(pending.key, entry),
                None => table.objects.remove(&pending.key),
            };
            table.take_back(pending.revision);
        }
        // What is left in memory is what was durable before, and nobody saw the revisions that were given out since.
        state.revision = inner.durable.borrow().revision;
        let revision = state.revision;
        for table in state.tables.values_mut() {
            table.floor = table.floor.min(revision);
        }
        inner.durable.send_modify(|durable| {
            *durable = Durable { revision: durable.revision, refusals: durable.refusals + 1 };
        });
    }
}

fn publish(inner: &Inner, batch: &[Pending]) {
    let Some(last) = batch.last() else { return };
    // Only to die here; there is no failing any more.
    let _ = failpoint::pass("before-publish");
    inner.durable.send_modify(|durable| durable.revision = last.revision);
    let state = inner.read();
    let mut woken: Vec<&Arc<str>> = Vec::new();
    for pending in batch {
        if !woken.contains(&&pending.table)
            && let Some(table) = state.tables.get(&pending.table)
        {
            table.wake.send_replace(last.revision);
            woken.push(&pending.table);
        }
    }
    let _ = failpoint::pass("after-publish");
}
