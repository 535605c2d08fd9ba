//! The store against a model, and against a disk that fails.

use std::collections::{BTreeMap, VecDeque};
use std::io;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use proptest::prelude::*;
use redb::StorageBackend;
use redb::backends::InMemoryBackend;

use super::*;

const TABLE: &str = "core/configmaps";

fn run<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(future)
}

fn all() -> Range {
    Range::default()
}

async fn keys(store: &Store, at: Option<u64>) -> Vec<String> {
    store.list(TABLE, &all(), at).await.unwrap().entries.into_iter().map(|(key, _)| key.to_string()).collect()
}

fn value(text: &str) -> Bytes {
    Bytes::copy_from_slice(text.as_bytes())
}

#[test]
fn writes_are_checked_and_revisions_grow() {
    run(async {
        let store = Store::memory(Options::default());
        let first = store.create(TABLE, "n/a", |_| value("1")).await.unwrap();
        assert_eq!(store.create(TABLE, "n/a", |_| value("2")).await, Err(WriteError::Exists));
        assert_eq!(store.replace(TABLE, "n/a", first + 9, |_| value("2")).await, Err(WriteError::Conflict));
        let second = store.replace(TABLE, "n/a", first, |_| value("2")).await.unwrap();
        assert!(second > first);
        assert_eq!(store.remove(TABLE, "n/b", 1, |_| value("")).await, Err(WriteError::Absent));
        store.remove(TABLE, "n/a", second, |_| value("2")).await.unwrap();
        assert_eq!(store.get(TABLE, "n/a").await, None);
    });
}

#[test]
fn lists_show_a_revision_and_pages_continue_it() {
    run(async {
        let store = Store::memory(Options::default());
        for key in ["n/a", "n/b", "m/c", "n/d"] {
            store.create(TABLE, key, |_| value(key)).await.unwrap();
        }
        let range = Range { prefix: "n/".into(), limit: Some(1), ..Range::default() };
        let page = store.list(TABLE, &range, None).await.unwrap();
        assert_eq!((page.entries.len(), page.remaining), (1, 2));
        let at = page.revision;
        let entry = store.get(TABLE, "n/b").await.unwrap();
        store.remove(TABLE, "n/b", entry.revision, |_| value("")).await.unwrap();
        store.create(TABLE, "n/c", |_| value("")).await.unwrap();
        assert_eq!(keys(&store, Some(at)).await, ["m/c", "n/a", "n/b", "n/d"]);
        let rest = Range { start: Some("n/a\0".into()), prefix: "n/".into(), ..Range::default() };
        let page = store.list(TABLE, &rest, Some(at)).await.unwrap();
        let found: Vec<&str> = page.entries.iter().map(|(key, _)| key.as_ref()).collect();
        assert_eq!(found, ["n/b", "n/d"]);
        assert!(matches!(store.list(TABLE, &all(), Some(at + 99)).await, Err(ListError::Future { .. })));
    });
}

#[test]
fn the_window_forgets_and_says_so() {
    run(async {
        let store = Store::memory(Options { window: 4, window_bytes: 1 << 20 });
        let start = store.create(TABLE, "a", |_| value("")).await.unwrap();
        let mut watcher = store.watch(TABLE, start).unwrap();
        let mut at = start;
        for _ in 0..3 {
            at = store.replace(TABLE, "a", at, |_| value("")).await.unwrap();
        }
        assert_eq!(watcher.next().await.unwrap().len(), 3);
        for _ in 0..9 {
            at = store.replace(TABLE, "a", at, |_| value("")).await.unwrap();
        }
        assert!(watcher.next().await.is_err());
        assert!(store.watch(TABLE, start).is_err());
        assert!(matches!(store.list(TABLE, &all(), Some(start)).await, Err(ListError::TooOld(_))));
        assert_eq!(store.watch(TABLE, at).unwrap().progress(), at);
    });
}

#[derive(Clone, Debug)]
enum Step {
    Put(u8),
    Remove(u8),
    Reopen,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step =
        prop_oneof![6 => (0u8..6).prop_map(Step::Put), 3 => (0u8..6).prop_map(Step::Remove), 1 => Just(Step::Reopen)];
    proptest::collection::vec(step, 0..40)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    /// State, history and watch agree with a plain model, in memory and across reopening.
    #[test]
    fn the_store_is_its_model(steps in steps(), durable in any::<bool>()) {
        run(async {
            let dir = tempfile::tempdir().unwrap();
            let path = dir.path().join("db");
            let open = || if durable { Store::open(&path, Options::default()).unwrap() } else { Store::memory(Options::default()) };
            let mut store = open();
            let mut model: BTreeMap<String, u64> = BTreeMap::new();
            let mut history: Vec<(u64, BTreeMap<String, u64>)> = Vec::new();
            let mut watcher = store.watch(TABLE, store.revision()).unwrap();
            let mut expected: VecDeque<u64> = VecDeque::new();
            for step in steps {
                match step {
                    Step::Put(key) => {
                        let key = format!("k{key}");
                        let revision = match model.get(&key) {
                            Some(at) => store.replace(TABLE, &key, *at, |revision| value(&revision.to_string())).await.unwrap(),
                            None => store.create(TABLE, &key, |revision| value(&revision.to_string())).await.unwrap(),
                        };
                        model.insert(key, revision);
                        expected.push_back(revision);
                    }
                    Step::Remove(key) => {
                        let key = format!("k{key}");
                        if let Some(at) = model.remove(&key) {
                            expected.push_back(store.remove(TABLE, &key, at, |_| value("")).await.unwrap());
                        }
                    }
                    Step::Reopen => {
                        if durable {
                            let before = store.revision();
                            store.close().await;
                            drop(watcher);
                            drop(store);
                            store = open();
                            assert_eq!(store.revision(), before);
                            watcher = store.watch(TABLE, before).unwrap();
                            expected.clear();
                            history.clear();
                        }
                    }
                }
                history.push((store.revision(), model.clone()));
            }
            let found = store.list(TABLE, &all(), None).await.unwrap();
            let found: BTreeMap<String, u64> = found.entries.into_iter().map(|(key, entry)| (key.to_string(), entry.revision)).collect();
            assert_eq!(found, model);
            for (revision, then) in history {
                let page = store.list(TABLE, &all(), Some(revision)).await.unwrap();
                let found: BTreeMap<String, u64> = page.entries.into_iter().map(|(key, entry)| (key.to_string(), entry.revision)).collect();
                assert_eq!(found, then);
            }
            let mut seen = Vec::new();
            while seen.len() < expected.len() {
                seen.extend(watcher.next().await.unwrap().iter().map(|change| change.revision));
            }
            assert_eq!(seen, Vec::from(expected));
        });
    }
}

/// A disk that can refuse to sync, and that remembers how it looked at the last sync.
#[derive(Debug, Clone, Default)]
struct Disk {
    inner: Arc<InMemoryBackend>,
    refuses: Arc<AtomicBool>,
    syncs: Arc<AtomicUsize>,
    synced: Arc<Mutex<Vec<u8>>>,
}

impl Disk {
    fn image(&self) -> Vec<u8> {
        let mut bytes = vec![0; self.inner.len().unwrap() as usize];
        self.inner.read(0, &mut bytes).unwrap();
        bytes
    }

    fn refused(&self) -> io::Result<()> {
        if self.refuses.load(Ordering::SeqCst) { Err(io::Error::other("no space is left")) } else { Ok(()) }
    }
}

impl StorageBackend for Disk {
    fn len(&self) -> io::Result<u64> {
        self.inner.len()
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        self.inner.read(offset, out)
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.refused()?;
        self.inner.set_len(len)
    }

    fn sync_data(&self) -> io::Result<()> {
        self.refused()?;
        self.syncs.fetch_add(1, Ordering::SeqCst);
        *self.synced.lock().unwrap() = self.image();
        Ok(())
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.refused()?;
        self.inner.write(offset, data)
    }
}

fn on(disk: &Disk) -> Store {
    let database = redb::Builder::new().create_with_backend(disk.clone()).unwrap();
    Store::recover(database, Path::new("disk"), Options::default()).unwrap()
}

fn from_image(bytes: &[u8]) -> Result<Store, OpenError> {
    let inner = InMemoryBackend::new();
    inner.set_len(bytes.len() as u64).unwrap();
    inner.write(0, bytes).unwrap();
    let database = redb::Builder::new()
        .create_with_backend(inner)
        .map_err(|source| OpenError::Database { path: "image".into(), source: source.into() })?;
    Store::recover(database, Path::new("image"), Options::default())
}

#[test]
fn acknowledged_writes_outlive_a_crash_at_any_time() {
    run(async {
        let disk = Disk::default();
        let store = on(&disk);
        let mut last = 0;
        for number in 0..20 {
            last = store.create(TABLE, &format!("k{number}"), |_| value("x")).await.unwrap();
            // What was synced last is what a power cut leaves.
            let image = disk.synced.lock().unwrap().clone();
            let after = from_image(&image).unwrap();
            assert_eq!(keys(&after, None).await.len(), number + 1);
            assert_eq!(after.revision(), last);
        }
        assert!(last > 0);
    });
}

#[test]
fn a_refused_write_is_unseen_and_the_store_lives_on() {
    run(async {
        let disk = Disk::default();
        let store = on(&disk);
        let first = store.create(TABLE, "a", |_| value("1")).await.unwrap();
        let mut watcher = store.watch(TABLE, first).unwrap();
        disk.refuses.store(true, Ordering::SeqCst);
        assert_eq!(store.create(TABLE, "b", |_| value("2")).await, Err(WriteError::Refused));
        assert_eq!(store.replace(TABLE, "a", first, |_| value("3")).await, Err(WriteError::Refused));
        assert_eq!(store.get(TABLE, "a").await.unwrap().value, value("1"));
        assert_eq!(keys(&store, None).await, ["a"]);
        let nothing = tokio::time::timeout(std::time::Duration::from_millis(20), watcher.next()).await;
        assert!(nothing.is_err());
    });
}

#[test]
fn a_damaged_file_is_refused_or_whole() {
    run(async {
        let disk = Disk::default();
        let store = on(&disk);
        for number in 0..8 {
            store.create(TABLE, &format!("k{number}"), |_| value("some text")).await.unwrap();
        }
        store.close().await;
        let image = disk.image();
        for cut in [0, 1, 100, image.len() / 2, image.len() - 1] {
            // A shorter file opens as an empty one at most when nothing of it is left.
            if let Ok(store) = from_image(&image[..cut]) {
                assert!(cut == 0 || keys(&store, None).await.len() == 8);
            }
        }
    });
}

#[test]
fn writes_gather_while_a_sync_runs() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_time().build().unwrap();
    runtime.block_on(async {
        let disk = Disk::default();
        let store = on(&disk);
        let before = disk.syncs.load(Ordering::SeqCst);
        let writes = (0..200).map(|number| {
            let store = store.clone();
            tokio::spawn(async move { store.create(TABLE, &format!("k{number}"), |_| value("x")).await.unwrap() })
        });
        let tasks: Vec<_> = writes.collect();
        for task in tasks {
            task.await.unwrap();
        }
        assert_eq!(keys(&store, None).await.len(), 200);
        assert!(disk.syncs.load(Ordering::SeqCst) - before <= 400);
    });
}
