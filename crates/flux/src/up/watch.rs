//! File events of a repository or a plain directory, coalesced; a poll every second where events do not arrive.
//!
//! Every folder is watched by itself and not its whole tree, so that the state directory, whose files change all the
//! time, and ignored folders cost nothing.

use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc;
use std::time::Duration;

use notify::{Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher as _};
use tokio::sync::Notify;

/// How often a folder is looked at when the system gives no events for it.
const POLL: Duration = Duration::from_secs(1);

/// Folders watched at most; a tree with more is looked at every second instead of failing.
const FOLDERS_AT_MOST: usize = 50_000;

/// Says when something below a folder may have changed. Dropping it ends the watch.
pub struct Watch {
    changed: Arc<Notify>,
    _stop: mpsc::Sender<Event>,
}

impl Watch {
    /// Watches `roots` and the folders below them for which `enter` says yes.
    pub fn start(roots: Vec<PathBuf>, enter: impl Fn(&Path) -> bool + Send + 'static) -> Self {
        let changed = Arc::new(Notify::new());
        let (sender, receiver) = mpsc::channel();
        let worker = Worker { changed: changed.clone(), watched: HashSet::new(), enter: Box::new(enter) };
        let events = sender.clone();
        std::thread::Builder::new()
            .name("watch".into())
            .spawn(move || worker.run(&roots, events, &receiver))
            .expect("a thread can be started");
        Self { changed, _stop: sender }
    }

    /// Waits for the next change; changes before the call count once.
    pub async fn changed(&self) {
        self.changed.notified().await;
    }
}

struct Worker {
    changed: Arc<Notify>,
    watched: HashSet<PathBuf>,
    enter: Box<dyn Fn(&Path) -> bool + Send>,
}

impl Worker {
    fn run(mut self, roots: &[PathBuf], events: mpsc::Sender<Event>, receiver: &mpsc::Receiver<Event>) {
        let forward = move |event: notify::Result<Event>| {
            if let Ok(event) = event {
                // The receiver is gone only when the watch has ended.
                let _ = events.send(event);
            }
        };
        let Ok(mut watcher) = notify::recommended_watcher(forward) else {
            return self.poll(receiver);
        };
        if !roots.iter().all(|root| self.add(&mut watcher, root)) {
            return self.poll(receiver);
        }
        // What changed while the folders were added is found by the first look.
        self.changed.notify_one();
        while let Ok(event) = receiver.recv() {
            if matches!(event.kind, EventKind::Access(_)) {
                continue;
            }
            for path in event.paths.iter().filter(|path| path.is_dir()) {
                self.add(&mut watcher, path);
            }
            if event.need_rescan() {
                roots.iter().for_each(|root| {
                    self.add(&mut watcher, root);
                });
            }
            self.changed.notify_one();
        }
    }

    /// Adds a folder and what is below it; `false` when the system refuses or the tree is too large.
    fn add(&mut self, watcher: &mut RecommendedWatcher, root: &Path) -> bool {
        let mut open = vec![root.to_owned()];
        while let Some(folder) = open.pop() {
            if self.watched.len() >= FOLDERS_AT_MOST || watcher.watch(&folder, RecursiveMode::NonRecursive).is_err() {
                // A folder that vanished meanwhile is no failure of the watch.
                if folder.is_dir() {
                    return false;
                }
                self.watched.remove(&folder);
                continue;
            }
            let Ok(entries) = fs::read_dir(&folder) else { continue };
            self.watched.insert(folder);
            for entry in entries.flatten() {
                let path = entry.path();
                let folder = entry.file_type().is_ok_and(|kind| kind.is_dir());
                if folder && (self.enter)(&path) {
                    open.push(path);
                }
            }
        }
        true
    }

    fn poll(&self, receiver: &mpsc::Receiver<Event>) {
        tracing::warn!("file events are not available here; looking for changes every second");
        loop {
            self.changed.notify_one();
            if let Err(mpsc::RecvTimeoutError::Disconnected) = receiver.recv_timeout(POLL) {
                return;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn changes(watch: &Watch) -> bool {
        tokio::time::timeout(Duration::from_secs(5), watch.changed()).await.is_ok()
    }

    #[tokio::test]
    async fn files_in_new_folders_are_seen() {
        let dir = tempfile::tempdir().unwrap();
        let watch = Watch::start(vec![dir.path().to_owned()], |path| !path.ends_with("ignored"));
        assert!(changes(&watch).await, "the first look");
        fs::create_dir(dir.path().join("new")).unwrap();
        assert!(changes(&watch).await, "a new folder");
        tokio::time::sleep(Duration::from_millis(50)).await;
        while tokio::time::timeout(Duration::from_millis(20), watch.changed()).await.is_ok() {}
        fs::write(dir.path().join("new/file"), "x").unwrap();
        assert!(changes(&watch).await, "a file in it");
    }
}
