//! The store against disks that fail, lie and lose what was not synced.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use redb::StorageBackend;
use redb::backends::InMemoryBackend;

use super::*;
use crate::disk::Disk as File;
use crate::log::Log;

/// What a program did to its file.
#[derive(Debug, Clone)]
enum Step {
    Length(u64),
    Write(u64, Vec<u8>),
    Sync,
}

/// A disk that can refuse, and that remembers everything that was done to it.
#[derive(Debug, Clone, Default)]
struct Disk {
    inner: Arc<InMemoryBackend>,
    refuses: Arc<AtomicBool>,
    syncs: Arc<AtomicUsize>,
    steps: Arc<Mutex<Vec<Step>>>,
}

impl Disk {
    fn image(&self) -> Vec<u8> {
        let mut bytes = vec![0; self.inner.len().unwrap() as usize];
        self.inner.read(0, &mut bytes).unwrap();
        bytes
    }

    fn refused(&self) -> io::Result<()> {
        if self.refuses.load(Ordering::SeqCst) { Err(io::ErrorKind::StorageFull.into()) } else { Ok(()) }
    }

    fn note(&self, step: Step) {
        self.steps.lock().unwrap().push(step);
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
        self.note(Step::Length(len));
        self.inner.set_len(len)
    }

    fn sync_data(&self) -> io::Result<()> {
        self.refused()?;
        self.syncs.fetch_add(1, Ordering::SeqCst);
        self.note(Step::Sync);
        Ok(())
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.refused()?;
        self.note(Step::Write(offset, data.to_vec()));
        self.inner.write(offset, data)
    }
}

fn over(backend: impl StorageBackend + Clone) -> Result<Store, OpenError> {
    let opener = move || Ok(redb::Builder::new().create_with_backend(backend.clone())?);
    let (file, state) = File::with(Path::new("disk"), Box::new(opener))?;
    Ok(Store::assemble(Options::default(), state, Some(Log::new(file))))
}

fn on(disk: &Disk) -> Store {
    over(disk.clone()).unwrap()
}

fn from_image(bytes: &[u8]) -> Result<Store, OpenError> {
    let disk = Disk::default();
    disk.inner.set_len(bytes.len() as u64).unwrap();
    disk.inner.write(0, bytes).unwrap();
    over(disk)
}

fn apply(image: &mut Vec<u8>, step: &Step) {
    match step {
        Step::Length(length) => image.resize(*length as usize, 0),
        Step::Write(offset, data) => {
            let (from, to) = (*offset as usize, *offset as usize + data.len());
            if image.len() < to {
                image.resize(to, 0);
            }
            image[from..to].copy_from_slice(data);
        }
        Step::Sync => {}
    }
}

/// A small generator, so that a failing image can be made again.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % sides
    }
}

/// Every prefix of what was written since a sync, and random subsets of it, open with all that was acknowledged, and with
/// nothing that was never written.
#[test]
fn what_was_acknowledged_outlives_a_power_cut_at_any_time() {
    run(async {
        let disk = Disk::default();
        let store = on(&disk);
        // After so many steps, this was acknowledged: keys and their values.
        let mut acknowledged: Vec<(usize, BTreeMap<String, String>)> = vec![(0, BTreeMap::new())];
        let mut held: BTreeMap<String, (u64, String)> = BTreeMap::new();
        let mut dice = Dice(7);
        for number in 0..24 {
            let key = format!("k{}", dice.roll(6));
            let text = format!("value {number} {}", "x".repeat(dice.roll(900) as usize));
            match held.get(&key).map(|(revision, _)| *revision) {
                Some(at) if dice.roll(4) == 0 => {
                    store.remove(TABLE, &key, at, |_| value("")).await.unwrap();
                    held.remove(&key);
                }
                Some(at) => {
                    let at = store.replace(TABLE, &key, at, |_| value(&text)).await.unwrap();
                    held.insert(key, (at, text));
                }
                None => {
                    let at = store.create(TABLE, &key, |_| value(&text)).await.unwrap();
                    held.insert(key, (at, text));
                }
            }
            let now = held.iter().map(|(key, (_, text))| (key.clone(), text.clone())).collect();
            acknowledged.push((disk.steps.lock().unwrap().len(), now));
        }
        let steps = disk.steps.lock().unwrap().clone();
        let first = acknowledged[1].0;
        let (mut synced, mut loose): (Vec<u8>, Vec<Step>) = (Vec::new(), Vec::new());
        for (index, step) in steps.iter().enumerate() {
            if matches!(step, Step::Sync) {
                loose.iter().for_each(|step| apply(&mut synced, step));
                loose.clear();
            } else {
                loose.push(step.clone());
            }
            if index < first {
                continue;
            }
            // In order up to here, and a random part of what was not synced.
            for subset in [false, true] {
                let mut image = synced.clone();
                for step in &loose {
                    if !subset || matches!(step, Step::Length(_)) || dice.roll(2) == 0 {
                        apply(&mut image, step);
                    }
                }
                let after = from_image(&image).unwrap_or_else(|error| panic!("step {index}: {error}"));
                let found: BTreeMap<String, String> = after
                    .list(TABLE, &all(), None)
                    .await
                    .unwrap()
                    .entries
                    .into_iter()
                    .map(|(key, entry)| (key.to_string(), String::from_utf8(entry.value.to_vec()).unwrap()))
                    .collect();
                let last = acknowledged.iter().rposition(|(at, _)| *at <= index + 1).unwrap();
                // The write under way may be there or not, nothing else.
                let allowed = &acknowledged[last..(last + 2).min(acknowledged.len())];
                assert!(allowed.iter().any(|(_, state)| *state == found), "step {index}, subset {subset}: {found:?}");
            }
        }
    });
}

#[test]
fn a_refused_write_is_unseen_and_writing_goes_on_when_there_is_room() {
    run(async {
        let disk = Disk::default();
        let store = on(&disk);
        let first = store.create(TABLE, "a", |_| value("1")).await.unwrap();
        let mut watcher = store.watch(TABLE, first).unwrap();
        disk.refuses.store(true, Ordering::SeqCst);
        for _ in 0..3 {
            assert_eq!(store.create(TABLE, "b", |_| value("2")).await, Err(WriteError::Refused));
            assert_eq!(store.replace(TABLE, "a", first, |_| value("3")).await, Err(WriteError::Refused));
        }
        assert_eq!(store.get(TABLE, "a").await.unwrap().value, value("1"));
        assert_eq!((keys(&store, None).await, store.revision()), (vec!["a".to_owned()], first));
        let nothing = tokio::time::timeout(std::time::Duration::from_millis(20), watcher.next()).await;
        assert!(nothing.is_err());
        disk.refuses.store(false, Ordering::SeqCst);
        let second = store.create(TABLE, "c", |_| value("4")).await.unwrap();
        assert_eq!(second, first + 1);
        assert_eq!(watcher.next().await.unwrap()[0].key.as_ref(), "c");
        store.close().await;
        let again = on(&disk);
        assert_eq!((keys(&again, None).await, again.revision()), (vec!["a".to_owned(), "c".to_owned()], second));
    });
}

/// A flipped byte is told of, or does not matter: what opens is whole.
#[test]
fn flipped_bytes_are_detected() {
    run(async {
        let disk = Disk::default();
        let store = on(&disk);
        for number in 0..40 {
            store.create(TABLE, &format!("k{number}"), |_| value(&format!("some text {number}"))).await.unwrap();
        }
        store.close().await;
        let image = disk.image();
        let whole: Vec<(String, Bytes)> = entries(&from_image(&image).unwrap()).await;
        let places: Vec<usize> = (0..image.len()).filter(|at| image[*at] != 0).collect();
        let (mut dice, mut detected) = (Dice(3), 0);
        let hook = std::panic::take_hook();
        std::panic::set_hook(Box::new(|_| {}));
        for _ in 0..120 {
            let mut bad = image.clone();
            let at = places[dice.roll(places.len() as u64) as usize];
            bad[at] ^= 1 << dice.roll(8);
            match from_image(&bad) {
                Err(_) => detected += 1,
                Ok(store) => assert_eq!(entries(&store).await, whole, "byte {at}"),
            }
        }
        // Of the copies of a record in the file one is live: changing all of them must be told.
        for number in 0..40 {
            let text = format!("some text {number}");
            let mut bad = image.clone();
            for at in (0..image.len() - text.len()).filter(|at| image[*at..].starts_with(text.as_bytes())) {
                bad[at + 3] ^= 4;
            }
            assert!(from_image(&bad).is_err(), "record {number}");
        }
        std::panic::set_hook(hook);
        assert!(detected > 0);
    });
}

async fn entries(store: &Store) -> Vec<(String, Bytes)> {
    let page = store.list(TABLE, &all(), None).await.unwrap();
    page.entries.into_iter().map(|(key, entry)| (key.to_string(), entry.value)).collect()
}

#[test]
fn a_cut_file_is_refused_or_whole() {
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
