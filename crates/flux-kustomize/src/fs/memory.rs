//! A file system held in memory.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::{FileKind, FileSystem, FsError, absolute};

/// Files and folders in memory, rooted at `/`, which is the working folder too. It knows no links.
#[derive(Clone, Debug, Default)]
pub struct MemoryFs {
    files: BTreeMap<PathBuf, Arc<[u8]>>,
    /// Every folder with the names in it.
    dirs: BTreeMap<PathBuf, BTreeSet<String>>,
}

impl MemoryFs {
    pub fn new() -> Self {
        let mut fs = Self::default();
        fs.dirs.insert(PathBuf::from("/"), BTreeSet::new());
        fs
    }

    /// Adds or replaces a file and makes the folders above it.
    pub fn insert(&mut self, path: impl AsRef<Path>, content: impl Into<Arc<[u8]>>) {
        let path = absolute(path.as_ref());
        self.link(&path);
        self.files.insert(path, content.into());
    }

    /// Makes a folder and those above it.
    pub fn create_dir(&mut self, path: impl AsRef<Path>) {
        let path = absolute(path.as_ref());
        self.link(&path);
        self.dirs.entry(path).or_default();
    }

    /// Names `path` in the folders above it.
    fn link(&mut self, path: &Path) {
        let mut child = path;
        while let (Some(parent), Some(name)) = (child.parent(), child.file_name()) {
            let fresh = !self.dirs.contains_key(parent);
            self.dirs.entry(parent.to_owned()).or_default().insert(name.to_string_lossy().into_owned());
            if !fresh {
                break;
            }
            child = parent;
        }
    }
}

impl FileSystem for MemoryFs {
    fn read(&self, path: &Path) -> Result<Arc<[u8]>, FsError> {
        let path = absolute(path);
        match self.files.get(&path) {
            Some(content) => Ok(Arc::clone(content)),
            None if self.dirs.contains_key(&path) => Err(FsError::NotAFile { path: PathBuf::from("/") }),
            None => Err(FsError::Missing { path }),
        }
    }

    fn kind(&self, path: &Path) -> Option<FileKind> {
        let path = absolute(path);
        if self.files.contains_key(&path) {
            Some(FileKind::File)
        } else {
            self.dirs.contains_key(&path).then_some(FileKind::Dir)
        }
    }

    fn read_dir(&self, path: &Path) -> Result<Vec<(String, FileKind)>, FsError> {
        let path = absolute(path);
        let Some(names) = self.dirs.get(&path) else {
            return Err(match self.files.contains_key(&path) {
                true => FsError::NotADirectory { path },
                false => FsError::Missing { path },
            });
        };
        Ok(names.iter().filter_map(|name| Some((name.clone(), self.kind(&path.join(name))?))).collect())
    }

    fn canonical(&self, path: &Path) -> Result<PathBuf, FsError> {
        // Upstream names the path as it was asked for.
        match self.kind(path) {
            Some(_) => Ok(absolute(path)),
            None => Err(FsError::Missing { path: super::clean(path) }),
        }
    }
}
