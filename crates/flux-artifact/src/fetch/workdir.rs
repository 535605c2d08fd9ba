//! The unpacked content of one artifact.

use std::io;
use std::path::Path;

use tempfile::TempDir;

/// Names of scratch directories begin so.
pub(super) const PREFIX: &str = "artifact-";

/// A directory with the content of an artifact. Shared: do not write to it.
#[derive(Debug)]
pub struct Workdir {
    digest: String,
    /// `None` only while it is dropped.
    dir: Option<TempDir>,
    path: std::path::PathBuf,
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
