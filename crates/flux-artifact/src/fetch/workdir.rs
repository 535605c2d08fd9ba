//! Unpacked contents of artifacts, one directory per digest.

use std::collections::{HashMap, VecDeque};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::{fs, io};

use tempfile::TempDir;

/// Names of scratch directories begin so.
const PREFIX: &str = "artifact-";

/// Contents that are kept although nobody uses them at the moment.
const KEPT: usize = 8;

type Slot = Arc<tokio::sync::Mutex<Weak<Workdir>>>;

/// The contents that are unpacked at the moment. Clones share them, and so do all fetchers that are given one: a
/// digest names the content wherever it came from.
#[derive(Clone)]
pub struct Workdirs(Arc<Shared>);

struct Shared {
    scratch: PathBuf,
    kept: usize,
    slots: Mutex<HashMap<String, Slot>>,
    recent: Mutex<VecDeque<Arc<Workdir>>>,
}

impl Workdirs {
    /// Directories below `scratch`, which is made; what a process that was killed left there is removed.
    ///
    /// # Errors
    /// When the directory cannot be made or read.
    pub fn open(scratch: impl Into<PathBuf>) -> io::Result<Self> {
        let scratch = scratch.into();
        fs::create_dir_all(&scratch)?;
        for entry in fs::read_dir(&scratch)? {
            let path = entry?.path();
            if path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(PREFIX)) {
                let _ = fs::remove_dir_all(path);
            }
        }
        Ok(Self(Arc::new(Shared { scratch, kept: KEPT, slots: Mutex::default(), recent: Mutex::default() })))
    }

    /// The same with another number of contents that are kept although nobody uses them at the moment; 8 when this
    /// is not called. Nothing is shared with `self` afterwards.
    #[must_use]
    pub fn keeping(self, kept: usize) -> Self {
        let scratch = self.0.scratch.clone();
        Self(Arc::new(Shared { scratch, kept, slots: Mutex::default(), recent: Mutex::default() }))
    }

    pub(super) fn scratch(&self) -> &Path {
        &self.0.scratch
    }

    /// The content of that digest; when it is not there, it is what `prepare` gives. Several callers of one digest
    /// share the work.
    pub(super) async fn get<E>(
        &self,
        digest: &str,
        prepare: impl Future<Output = Result<Workdir, E>>,
    ) -> Result<Arc<Workdir>, E> {
        let slot = self.slot(digest);
        let mut known = slot.lock().await;
        if let Some(workdir) = known.upgrade() {
            self.remember(&workdir);
            return Ok(workdir);
        }
        let workdir = Arc::new(prepare.await?);
        *known = Arc::downgrade(&workdir);
        drop(known);
        self.remember(&workdir);
        Ok(workdir)
    }

    fn slot(&self, digest: &str) -> Slot {
        let mut slots = self.0.slots.lock().unwrap_or_else(PoisonError::into_inner);
        // A slot that is neither used nor alive is forgotten.
        slots.retain(|_, slot| {
            Arc::strong_count(slot) > 1 || slot.try_lock().is_ok_and(|known| known.strong_count() > 0)
        });
        slots.entry(digest.to_owned()).or_default().clone()
    }

    /// Moves the content to the young end of the short memory.
    fn remember(&self, workdir: &Arc<Workdir>) {
        let dropped: Vec<_> = {
            let mut recent = self.0.recent.lock().unwrap_or_else(PoisonError::into_inner);
            recent.retain(|known| !Arc::ptr_eq(known, workdir));
            recent.push_back(workdir.clone());
            let surplus = recent.len().saturating_sub(self.0.kept);
            recent.drain(..surplus).collect()
        };
        drop(dropped);
    }
}

/// A directory with the content of an artifact. Shared: do not write to it.
#[derive(Debug)]
pub struct Workdir {
    digest: String,
    /// `None` only while it is dropped.
    dir: Option<TempDir>,
    path: PathBuf,
}

impl Workdir {
    pub(super) fn new(scratch: &Path, digest: String) -> io::Result<Self> {
        let dir = tempfile::Builder::new().prefix(PREFIX).tempdir_in(scratch)?;
        let path = dir.path().canonicalize()?;
        Ok(Self { digest, dir: Some(dir), path })
    }

    /// Removes the directory before this returns.
    pub(super) fn remove(mut self) {
        drop(self.dir.take());
    }

    /// The root of the content, without symbolic links in it.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The digest of the artifact.
    pub fn digest(&self) -> &str {
        &self.digest
    }
}

impl Drop for Workdir {
    /// Removing thousands of files takes a while: not on a thread that serves others.
    fn drop(&mut self) {
        let Some(dir) = self.dir.take() else { return };
        match tokio::runtime::Handle::try_current() {
            Ok(runtime) => drop(runtime.spawn_blocking(move || drop(dir))),
            Err(_) => drop(dir),
        }
    }
}
