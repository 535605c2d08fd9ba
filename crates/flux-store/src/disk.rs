//! The storage file: a redb database of records, each with its checksum, and totals over all of them.
//!
//! A commit that failed leaves it open what is on disk, and redb takes no more after an error of the file. So the file is
//! opened anew before the next commit, and that commit first puts back what the failed one may have changed.

use std::collections::BTreeMap;
use std::fs::OpenOptions;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use bytes::Bytes;
use redb::backends::FileBackend;
use redb::{Builder, Database, ReadableDatabase as _, ReadableTable as _, TableDefinition};

use crate::Entry;
use crate::failpoint::{self, Pointed};
use crate::log::Pending;
use crate::state::State;

const OBJECTS: TableDefinition<'static, &str, &[u8]> = TableDefinition::new("objects");
const FACTS: TableDefinition<'static, &str, u64> = TableDefinition::new("facts");
const REVISION: &str = "revision";
const FORMAT: &str = "format";
/// How many objects there are, and the sum of their checksums.
const COUNT: &str = "count";
const SUM: &str = "sum";
const FORMAT_VERSION: u64 = 2;
/// Records of this format have no checksums; they are rewritten when the file is opened.
const FORMAT_UNCHECKED: u64 = 1;
/// Splits resource and key in the file; neither may hold it.
const SPLIT: char = '\0';
/// All objects are in memory anyway.
const CACHE_BYTES: usize = 4 << 20;
/// A file is compacted when it is opened and larger than this much beyond four times its objects.
const SLACK: u64 = 32 << 20;

/// Why a storage file could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    #[error("`{path}` is not a usable database")]
    Database {
        path: PathBuf,
        #[source]
        source: redb::Error,
    },
    #[error("`{path}` has storage format {found}, this program knows up to {FORMAT_VERSION}")]
    Format { path: PathBuf, found: u64 },
    #[error("`{path}` holds a damaged record `{key}`")]
    Damaged { path: PathBuf, key: String },
    #[error("`{path}` is damaged: {expected} objects are counted in it, {found} are found, or their sum is another")]
    Totals { path: PathBuf, expected: u64, found: u64 },
    #[error("`{path}` is damaged beyond reading")]
    Unreadable { path: PathBuf },
}

type Opener = Box<dyn Fn() -> Result<Database, redb::Error> + Send>;

/// The file behind the log; the writing thread owns it.
pub(crate) struct Disk {
    opener: Opener,
    database: Option<Database>,
    /// What the keys of failed commits are to hold; nothing where the object is to be absent.
    repair: BTreeMap<String, Option<Vec<u8>>>,
}

impl Disk {
    /// Opens or creates a file and reads all of it.
    pub fn open(path: &Path) -> Result<(Self, State), OpenError> {
        let pointed = failpoint::arm();
        let owned = path.to_owned();
        Self::with(path, Box::new(move || database(&owned, pointed)))
    }

    /// As [`Disk::open`], over whatever the opener opens.
    pub fn with(path: &Path, opener: Opener) -> Result<(Self, State), OpenError> {
        let read = || {
            let wrong = |source: redb::Error| OpenError::Database { path: path.to_owned(), source };
            let mut database = opener().map_err(wrong)?;
            let state = recover(&mut database, path)?;
            Ok((database, state))
        };
        // A file that others wrote to can make the database library panic; that is damage like any other.
        let read = catch_unwind(AssertUnwindSafe(read));
        let (database, state) = read.unwrap_or_else(|_| Err(OpenError::Unreadable { path: path.to_owned() }))?;
        Ok((Self { opener, database: Some(database), repair: BTreeMap::new() }, state))
    }

    /// Writes a batch; it is durable when this returns.
    pub fn commit(&mut self, batch: &[Pending]) -> Result<(), redb::Error> {
        let outcome = self.write(batch);
        match &outcome {
            Ok(()) => self.repair.clear(),
            Err(_) => {
                self.database = None;
                for pending in batch.iter().rev() {
                    let key = file_key(&pending.table, &pending.key);
                    let before = pending.previous.as_ref().map(|entry| record(&key, entry.revision, &entry.value));
                    self.repair.insert(key, before);
                }
            }
        }
        outcome
    }

    fn write(&mut self, batch: &[Pending]) -> Result<(), redb::Error> {
        failpoint::pass("before-commit")?;
        let database = match &mut self.database {
            Some(database) => database,
            none => none.insert((self.opener)()?),
        };
        let transaction = database.begin_write()?;
        {
            let mut facts = transaction.open_table(FACTS)?;
            let fact = |name: &str| Ok::<_, redb::Error>(facts.get(name)?.map_or(0, |value| value.value()));
            let mut totals = Totals { count: fact(COUNT)?, sum: fact(SUM)? };
            let mut objects = transaction.open_table(OBJECTS)?;
            for (key, record) in &self.repair {
                put(&mut objects, key, record.as_deref(), &mut totals)?;
            }
            for pending in batch {
                let key = file_key(&pending.table, &pending.key);
                let record = pending.stored.as_ref().map(|value| record(&key, pending.revision, value));
                put(&mut objects, &key, record.as_deref(), &mut totals)?;
            }
            facts.insert(COUNT, totals.count)?;
            facts.insert(SUM, totals.sum)?;
            if let Some(last) = batch.last() {
                facts.insert(REVISION, last.revision)?;
            }
        }
        transaction.commit()?;
        failpoint::pass("after-commit")?;
        Ok(())
    }
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Totals {
    count: u64,
    sum: u64,
}

impl Totals {
    fn add(&mut self, record: &[u8]) {
        self.count = self.count.wrapping_add(1);
        self.sum = self.sum.wrapping_add(check_of(record));
    }

    fn take(&mut self, record: &[u8]) {
        self.count = self.count.wrapping_sub(1);
        self.sum = self.sum.wrapping_sub(check_of(record));
    }
}

fn put(
    objects: &mut redb::Table<'_, &'static str, &'static [u8]>,
    key: &str,
    record: Option<&[u8]>,
    totals: &mut Totals,
) -> Result<(), redb::Error> {
    let before = match record {
        Some(record) => {
            totals.add(record);
            objects.insert(key, record)?
        }
        None => objects.remove(key)?,
    };
    if let Some(before) = before {
        totals.take(before.value());
    }
    Ok(())
}

fn database(path: &Path, pointed: bool) -> Result<Database, redb::Error> {
    let mut builder = Builder::new();
    builder.set_cache_size(CACHE_BYTES);
    if !pointed {
        return Ok(builder.create(path)?);
    }
    let file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path)?;
    Ok(builder.create_with_backend(Pointed(FileBackend::new(file)?))?)
}

/// Reads everything a database holds.
fn recover(database: &mut Database, path: &Path) -> Result<State, OpenError> {
    let wrong = |source: redb::Error| OpenError::Database { path: path.to_owned(), source };
    let found = prepare(database).map_err(wrong)?;
    let mut state = State::new(1);
    match found {
        FORMAT_UNCHECKED => {
            load(database, path, &mut state, unchecked_record)?;
            rewrite(database, &state).map_err(wrong)?;
        }
        FORMAT_VERSION => {
            let totals = load(database, path, &mut state, checked_record)?;
            let expected = stored_totals(database).map_err(wrong)?;
            if totals != expected {
                return Err(OpenError::Totals { path: path.to_owned(), expected: expected.count, found: totals.count });
            }
        }
        _ => return Err(OpenError::Format { path: path.to_owned(), found }),
    }
    failpoint::pass("mid-recovery").map_err(|error| wrong(error.into()))?;
    compact(database, path, &state).map_err(wrong)?;
    Ok(state)
}

/// Gives back space that is left over from times with more objects.
fn compact(database: &mut Database, path: &Path, state: &State) -> Result<(), redb::Error> {
    let Ok(meta) = std::fs::metadata(path) else { return Ok(()) };
    let entries = state.tables.values().flat_map(|table| table.objects.iter());
    let live: u64 = entries.map(|(key, entry)| (key.len() + entry.value.len()) as u64).sum();
    if meta.len() > 4 * live + SLACK {
        failpoint::pass("before-compact")?;
        database.compact()?;
    }
    Ok(())
}

fn prepare(database: &Database) -> Result<u64, redb::Error> {
    {
        let transaction = database.begin_read()?;
        if let Ok(facts) = transaction.open_table(FACTS)
            && let Some(found) = facts.get(FORMAT)?
        {
            return Ok(found.value());
        }
    }
    let transaction = database.begin_write()?;
    transaction.open_table(OBJECTS)?;
    transaction.open_table(FACTS)?.insert(FORMAT, FORMAT_VERSION)?;
    transaction.commit()?;
    Ok(FORMAT_VERSION)
}

fn stored_totals(database: &Database) -> Result<Totals, redb::Error> {
    let transaction = database.begin_read()?;
    let facts = transaction.open_table(FACTS)?;
    let fact = |name: &str| Ok::<_, redb::Error>(facts.get(name)?.map_or(0, |value| value.value()));
    Ok(Totals { count: fact(COUNT)?, sum: fact(SUM)? })
}

/// Splits a record into its revision and value; `None` when it is damaged.
type Read = fn(&str, &[u8]) -> Option<(u64, Bytes)>;

/// Fills the state.
fn load(database: &Database, path: &Path, state: &mut State, read: Read) -> Result<Totals, OpenError> {
    let wrong = |source: redb::Error| OpenError::Database { path: path.to_owned(), source };
    let damaged = |key: &str| OpenError::Damaged { path: path.to_owned(), key: key.replace(SPLIT, "/") };
    let open = || -> Result<_, redb::Error> {
        let transaction = database.begin_read()?;
        Ok((transaction.open_table(FACTS)?, transaction.open_table(OBJECTS)?))
    };
    let (facts, objects) = open().map_err(wrong)?;
    state.revision = facts.get(REVISION).map_err(|error| wrong(error.into()))?.map_or(1, |value| value.value());
    let mut totals = Totals::default();
    for row in objects.iter().map_err(|error| wrong(error.into()))? {
        let (key, value) = row.map_err(|error| wrong(error.into()))?;
        let (key, value) = (key.value(), value.value());
        let split = key.split_once(SPLIT);
        let (Some((table, name)), Some((revision, bytes))) = (split, read(key, value)) else {
            return Err(damaged(key));
        };
        if revision > state.revision {
            return Err(damaged(key));
        }
        totals.add(value);
        state.table(table).objects.insert(name.into(), Entry { value: bytes, revision });
    }
    Ok(totals)
}

/// Brings a file of the format before into this one.
fn rewrite(database: &Database, state: &State) -> Result<(), redb::Error> {
    let transaction = database.begin_write()?;
    {
        let mut objects = transaction.open_table(OBJECTS)?;
        let mut totals = Totals::default();
        for (name, table) in &state.tables {
            for (key, entry) in &table.objects {
                let key = file_key(name, key);
                let record = record(&key, entry.revision, &entry.value);
                totals.add(&record);
                objects.insert(key.as_str(), record.as_slice())?;
            }
        }
        let mut facts = transaction.open_table(FACTS)?;
        facts.insert(FORMAT, FORMAT_VERSION)?;
        facts.insert(COUNT, totals.count)?;
        facts.insert(SUM, totals.sum)?;
    }
    transaction.commit()?;
    Ok(())
}

fn file_key(table: &str, key: &str) -> String {
    format!("{table}{SPLIT}{key}")
}

/// Revision, checksum, value.
fn record(key: &str, revision: u64, value: &[u8]) -> Vec<u8> {
    let mut record = Vec::with_capacity(16 + value.len());
    record.extend_from_slice(&revision.to_le_bytes());
    record.extend_from_slice(&checksum(key, revision, value).to_le_bytes());
    record.extend_from_slice(value);
    record
}

fn checked_record(key: &str, record: &[u8]) -> Option<(u64, Bytes)> {
    let (revision, rest) = record.split_first_chunk::<8>()?;
    let (check, value) = rest.split_first_chunk::<8>()?;
    let revision = u64::from_le_bytes(*revision);
    (checksum(key, revision, value) == u64::from_le_bytes(*check)).then(|| (revision, Bytes::copy_from_slice(value)))
}

fn unchecked_record(_: &str, record: &[u8]) -> Option<(u64, Bytes)> {
    let (revision, value) = record.split_first_chunk::<8>()?;
    Some((u64::from_le_bytes(*revision), Bytes::copy_from_slice(value)))
}

fn check_of(record: &[u8]) -> u64 {
    record.get(8..16).and_then(|bytes| bytes.try_into().ok()).map_or(0, u64::from_le_bytes)
}

/// A 64-bit sum that any change of one word changes: each step is a bijection of what came before.
fn checksum(key: &str, revision: u64, value: &[u8]) -> u64 {
    const FACTOR: u64 = 0x9e37_79b9_7f4a_7c15;
    let step = |sum: u64, word: u64| (sum ^ word).wrapping_mul(FACTOR).rotate_left(29);
    let words = |sum: u64, bytes: &[u8]| {
        let mut sum = step(sum, bytes.len() as u64);
        let (chunks, rest) = bytes.as_chunks::<8>();
        for chunk in chunks {
            sum = step(sum, u64::from_le_bytes(*chunk));
        }
        let mut last = [0; 8];
        last[..rest.len()].copy_from_slice(rest);
        step(sum, u64::from_le_bytes(last))
    };
    words(words(step(FACTOR, revision), key.as_bytes()), value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_flipped_bit_shows() {
        let good = record("a\0b", 7, b"some value of an object");
        assert!(checked_record("a\0b", &good).is_some());
        assert!(checked_record("a\0c", &good).is_none());
        for bit in 0..good.len() * 8 {
            let mut bad = good.clone();
            bad[bit / 8] ^= 1 << (bit % 8);
            assert!(checked_record("a\0b", &bad).is_none(), "bit {bit}");
        }
    }

    #[test]
    fn files_of_the_format_before_are_rewritten() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("db");
        {
            let database = Database::create(&path).unwrap();
            let transaction = database.begin_write().unwrap();
            let mut old = 3u64.to_le_bytes().to_vec();
            old.extend_from_slice(b"text");
            transaction.open_table(OBJECTS).unwrap().insert("t\0k", old.as_slice()).unwrap();
            let mut facts = transaction.open_table(FACTS).unwrap();
            facts.insert(FORMAT, FORMAT_UNCHECKED).unwrap();
            facts.insert(REVISION, 5).unwrap();
            drop(facts);
            transaction.commit().unwrap();
        }
        for _ in 0..2 {
            let (_, state) = Disk::open(&path).unwrap();
            assert_eq!(state.revision, 5);
            assert_eq!(state.tables["t"].objects["k"], Entry { value: Bytes::from_static(b"text"), revision: 3 });
        }
    }
}
