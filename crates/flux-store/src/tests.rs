//! The store against a model, and against a disk that fails.

mod faults;

use std::collections::{BTreeMap, VecDeque};

use proptest::prelude::*;

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
