//! The log on disk: a redb file, written by one thread that commits at once when idle and otherwise
//! whatever gathered during the last sync.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak};
use std::thread::JoinHandle;

use bytes::Bytes;
use redb::{Builder, Database, ReadableDatabase as _, ReadableTable as _, TableDefinition};

use crate::state::State;
use crate::{Durable, Entry, Inner};

const OBJECTS: TableDefinition<'static, &str, &[u8]> = TableDefinition::new("objects");
const FACTS: TableDefinition<'static, &str, u64> = TableDefinition::new("facts");
const REVISION: &str = "revision";
const FORMAT: &str = "format";
const FORMAT_VERSION: u64 = 1;
/// Splits resource and key in the file; neither may hold it.
const SPLIT: char = '\0';
/// All objects are in memory anyway.
const CACHE_BYTES: usize = 4 << 20;

/// Why a storage file could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    #[error("`{path}` is not a usable database")]
    Database {
        path: PathBuf,
        #[source]
        source: redb::Error,
    },
    #[error("`{path}` has storage format {found}, this program knows {FORMAT_VERSION}")]
    Format { path: PathBuf, found: u64 },
    #[error("`{path}` holds a damaged record `{key}`")]
    Damaged { path: PathBuf, key: String },
}

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
    worker: Mutex<Option<JoinHandle<()>>>,
}

struct Shared {
    database: Database,
    queue: Mutex<Queue>,
    filled: Condvar,
}

#[derive(Default)]
struct Queue {
    pending: Vec<Pending>,
    stopping: bool,
}

impl Log {
    pub fn new(database: Database) -> Self {
        let shared = Arc::new(Shared { database, queue: Mutex::default(), filled: Condvar::new() });
        Self { shared, worker: Mutex::default() }
    }

    /// Starts the writing thread; it ends when the store is dropped or stopped.
    pub fn start(&self, inner: &Arc<Inner>) {
        let shared = self.shared.clone();
        let inner = Arc::downgrade(inner);
        let worker = std::thread::spawn(move || shared.run(&inner));
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

    fn run(&self, inner: &Weak<Inner>) {
        while let Some(batch) = self.gather() {
            let outcome = self.commit(&batch);
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

    fn commit(&self, batch: &[Pending]) -> Result<(), redb::Error> {
        let transaction = self.database.begin_write()?;
        {
            let mut objects = transaction.open_table(OBJECTS)?;
            for pending in batch {
                let key = file_key(&pending.table, &pending.key);
                match &pending.stored {
                    Some(value) => objects.insert(key.as_str(), record(pending.revision, value).as_slice())?,
                    None => objects.remove(key.as_str())?,
                };
            }
            if let Some(last) = batch.last() {
                transaction.open_table(FACTS)?.insert(REVISION, last.revision)?;
            }
        }
        transaction.commit()?;
        Ok(())
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
        // What is left in memory is exactly what is on disk.
        let revision = state.revision;
        inner.durable.send_modify(|durable| *durable = Durable { revision, refusals: durable.refusals + 1 });
    }
}

fn publish(inner: &Inner, batch: &[Pending]) {
    let Some(last) = batch.last() else { return };
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
}

fn file_key(table: &str, key: &str) -> String {
    format!("{table}{SPLIT}{key}")
}

fn record(revision: u64, value: &[u8]) -> Vec<u8> {
    let mut record = Vec::with_capacity(8 + value.len());
    record.extend_from_slice(&revision.to_le_bytes());
    record.extend_from_slice(value);
    record
}

pub(crate) fn open(path: &Path) -> Result<Database, OpenError> {
    let mut builder = Builder::new();
    builder.set_cache_size(CACHE_BYTES);
    builder.create(path).map_err(|source| OpenError::Database { path: path.to_owned(), source: source.into() })
}

/// Reads everything a database holds.
pub(crate) fn recover(database: &Database, path: &Path) -> Result<State, OpenError> {
    let wrong = |source: redb::Error| OpenError::Database { path: path.to_owned(), source };
    let found = prepare(database).map_err(wrong)?;
    if found != FORMAT_VERSION {
        return Err(OpenError::Format { path: path.to_owned(), found });
    }
    let mut state = State::new(1);
    let damaged = load(database, &mut state).map_err(wrong)?;
    match damaged {
        Some(key) => Err(OpenError::Damaged { path: path.to_owned(), key }),
        None => Ok(state),
    }
}

fn prepare(database: &Database) -> Result<u64, redb::Error> {
    let transaction = database.begin_write()?;
    let format = {
        transaction.open_table(OBJECTS)?;
        let mut facts = transaction.open_table(FACTS)?;
        let found = facts.get(FORMAT)?.map(|value| value.value());
        match found {
            Some(found) => found,
            None => {
                facts.insert(FORMAT, FORMAT_VERSION)?;
                FORMAT_VERSION
            }
        }
    };
    transaction.commit()?;
    Ok(format)
}

/// Fills the state; the key of a damaged record stops it.
fn load(database: &Database, state: &mut State) -> Result<Option<String>, redb::Error> {
    let transaction = database.begin_read()?;
    let facts = transaction.open_table(FACTS)?;
    state.revision = facts.get(REVISION)?.map_or(1, |value| value.value());
    let objects = transaction.open_table(OBJECTS)?;
    for row in objects.iter()? {
        let (key, value) = row?;
        let (key, value) = (key.value(), value.value());
        let split = key.split_once(SPLIT);
        let head = value.split_first_chunk::<8>();
        let (Some((table, key)), Some((revision, value))) = (split, head) else {
            return Ok(Some(key.to_owned()));
        };
        let entry = Entry { value: Bytes::copy_from_slice(value), revision: u64::from_le_bytes(*revision) };
        state.table(table).objects.insert(key.into(), entry);
    }
    Ok(None)
}
