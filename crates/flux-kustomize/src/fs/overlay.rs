//! Files in memory laid over another file system.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::{FileKind, FileSystem, FsError, clean};

/// Files in memory over another file system. Nothing is ever written to the one below:
/// the generated `kustomization.yaml` of a Flux build lives here.
pub struct Overlay<F> {
    below: F,
    files: BTreeMap<PathBuf, Arc<[u8]>>,
}

impl<F: FileSystem> Overlay<F> {
    pub fn new(below: F) -> Self {
        Self { below, files: BTreeMap::new() }
    }

    /// Puts a file in place. Its folder must exist below. The path is resolved below first, so that a
    /// folder reached through a link gets the file under its real name.
    pub fn insert(&mut self, path: impl AsRef<Path>, content: impl Into<Arc<[u8]>>) {
        let path = clean(path.as_ref());
        let place = match (path.parent().map(|dir| self.below.canonical(dir)), path.file_name()) {
            (Some(Ok(dir)), Some(name)) => dir.join(name),
            _ => path.clone(),
        };
        let content = content.into();
        if place != path {
            self.files.insert(path, Arc::clone(&content));
        }
        self.files.insert(place, content);
    }

    fn own(&self, path: &Path) -> Option<&Arc<[u8]>> {
        self.files.get(&clean(path))
    }
}

impl<F: FileSystem> FileSystem for Overlay<F> {
    fn read(&self, path: &Path) -> Result<Arc<[u8]>, FsError> {
        match self.own(path) {
            Some(content) => Ok(Arc::clone(content)),
            None => self.below.read(path),
        }
    }

    fn kind(&self, path: &Path) -> Option<FileKind> {
        match self.own(path) {
            Some(_) => Some(FileKind::File),
            None => self.below.kind(path),
        }
    }

    fn read_dir(&self, path: &Path) -> Result<Vec<(String, FileKind)>, FsError> {
        let mut entries = self.below.read_dir(path)?;
        let folder = clean(path);
        for file in self.files.keys().filter(|file| file.parent() == Some(&folder)) {
            let Some(name) = file.file_name().and_then(|name| name.to_str()) else { continue };
            match entries.binary_search_by(|(entry, _)| entry.as_str().cmp(name)) {
                Ok(at) => entries[at].1 = FileKind::File,
                Err(at) => entries.insert(at, (name.to_owned(), FileKind::File)),
            }
        }
        Ok(entries)
    }

    fn canonical(&self, path: &Path) -> Result<PathBuf, FsError> {
        match self.own(path) {
            Some(_) => {
                let path = clean(path);
                match (path.parent().map(|dir| self.below.canonical(dir)), path.file_name()) {
                    (Some(Ok(dir)), Some(name)) => Ok(dir.join(name)),
                    _ => Ok(path),
                }
            }
            None => self.below.canonical(path),
        }
    }
}
