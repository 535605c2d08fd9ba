//! What a build may read: the trait, and the file systems that implement it.

mod memory;
mod overlay;
mod recorder;
mod rooted;
#[cfg(test)]
mod tests;

use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

pub use memory::MemoryFs;
pub use overlay::Overlay;
pub use recorder::{Access, Record, Recorder};
pub use rooted::RootedDir;

/// What a path names, after following symbolic links.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileKind {
    File,
    Dir,
}

/// Why something could not be read. The texts are upstream's; they end up in conditions.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
pub enum FsError {
    /// Nothing there, in a file system made of memory.
    #[error("'{path}' doesn't exist")]
    Missing { path: PathBuf },
    /// Nothing there, on disk, met while links were resolved.
    #[error("evalsymlink failure on '{path}' : lstat {at}: no such file or directory")]
    MissingOnDisk { path: PathBuf, at: PathBuf },
    /// Nothing there, on disk, met while opening.
    #[error("open {path}: no such file or directory")]
    CannotOpen { path: PathBuf },
    /// A folder where a file was wanted, in memory. Upstream names the root of the file system, whatever the folder.
    #[error("cannot read content from non-file '{path}'")]
    NotAFile { path: PathBuf },
    /// A folder where a file was wanted, on disk.
    #[error("read {path}: is a directory")]
    IsADirectory { path: PathBuf },
    #[error("'{path}' is not a directory")]
    NotADirectory { path: PathBuf },
    /// The path, or a link on the way, leaves the root the file system is confined to.
    #[error("fs-security-constraint {operation} {path}: path '{path}' is not in or below '{root}'")]
    OutsideRoot { operation: &'static str, path: PathBuf, root: PathBuf },
    /// The file is larger than allowed.
    #[error("file {path} is larger than {limit} bytes")]
    TooLarge { path: PathBuf, limit: u64 },
    #[error("{operation} {path}: {reason}")]
    Io { operation: &'static str, path: PathBuf, reason: String },
}

/// What the engine may read. Implementations confine themselves to a root.
///
/// Paths are absolute. A path handed in may hold `.` and `..`; implementations clean it textually first,
/// as Go's `filepath.Clean` does.
pub trait FileSystem: Send + Sync {
    /// The bytes of a file.
    fn read(&self, path: &Path) -> Result<Arc<[u8]>, FsError>;

    /// What the path names; `None` when there is nothing (or nothing that may be seen).
    fn kind(&self, path: &Path) -> Option<FileKind>;

    /// The entries of a folder, sorted by name. Links that lead nowhere or outside are left out.
    fn read_dir(&self, path: &Path) -> Result<Vec<(String, FileKind)>, FsError>;

    /// The path with every symbolic link resolved; an error when it does not exist.
    fn canonical(&self, path: &Path) -> Result<PathBuf, FsError>;
}

impl<T: FileSystem + ?Sized> FileSystem for &T {
    fn read(&self, path: &Path) -> Result<Arc<[u8]>, FsError> {
        (**self).read(path)
    }

    fn kind(&self, path: &Path) -> Option<FileKind> {
        (**self).kind(path)
    }

    fn read_dir(&self, path: &Path) -> Result<Vec<(String, FileKind)>, FsError> {
        (**self).read_dir(path)
    }

    fn canonical(&self, path: &Path) -> Result<PathBuf, FsError> {
        (**self).canonical(path)
    }
}

impl<T: FileSystem + ?Sized> FileSystem for Arc<T> {
    fn read(&self, path: &Path) -> Result<Arc<[u8]>, FsError> {
        (**self).read(path)
    }

    fn kind(&self, path: &Path) -> Option<FileKind> {
        (**self).kind(path)
    }

    fn read_dir(&self, path: &Path) -> Result<Vec<(String, FileKind)>, FsError> {
        (**self).read_dir(path)
    }

    fn canonical(&self, path: &Path) -> Result<PathBuf, FsError> {
        (**self).canonical(path)
    }
}

/// Cleans a path textually: no `.`, no `..` after a name, no doubled slashes. `..` at the root stays at the root.
pub fn clean(path: &Path) -> PathBuf {
    let mut out = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir => match out.components().next_back() {
                Some(Component::Normal(_)) => {
                    out.pop();
                }
                Some(Component::RootDir | Component::Prefix(_)) => {}
                _ => out.push(".."),
            },
            other => out.push(other),
        }
    }
    if out.as_os_str().is_empty() {
        out.push(".");
    }
    out
}

/// Cleans a path and makes it absolute from `/`, the working folder of a file system in memory.
pub(crate) fn absolute(path: &Path) -> PathBuf {
    let joined = Path::new("/").join(path);
    clean(&joined)
}
