//! A folder on disk that nothing can leave.

use std::collections::HashMap;
use std::fs;
use std::io::{ErrorKind, Read as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::{FileKind, FileSystem, FsError, clean};

/// Files larger than this are refused; no manifest comes near.
const MAX_FILE: u64 = 64 << 20;

/// Links followed on one path before the walk is given up, as the kernel does.
const MAX_LINKS: usize = 40;

/// A folder on disk. Paths are the host's absolute ones; whatever leaves the folder, by `..` or by a
/// symbolic link, is refused ([`FsError::OutsideRoot`]).
///
/// What was found to be reached without links is not looked at again: a value is for one build.
#[derive(Clone, Debug)]
pub struct RootedDir {
    root: PathBuf,
    max_file: u64,
    plain: Arc<Mutex<HashMap<PathBuf, FileKind>>>,
}

impl RootedDir {
    /// Confines reading to `root`, whose own links are resolved once, here.
    pub fn new(root: impl AsRef<Path>) -> Result<Self, FsError> {
        let given = root.as_ref();
        let root = fs::canonicalize(given).map_err(|error| match error.kind() {
            ErrorKind::NotFound => FsError::MissingOnDisk { path: given.to_owned(), at: given.to_owned() },
            _ => FsError::Io { operation: "open", path: given.to_owned(), reason: error.to_string() },
        })?;
        if !root.is_dir() {
            return Err(FsError::NotADirectory { path: root });
        }
        Ok(Self { root, max_file: MAX_FILE, plain: Arc::default() })
    }

    /// Sets the largest file that is read, in bytes.
    pub fn with_max_file(mut self, bytes: u64) -> Self {
        self.max_file = bytes;
        self
    }

    /// The folder, with its links resolved.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Resolves every link of `path` one component at a time, and refuses the result outside the root.
    fn resolve(&self, path: &Path, operation: &'static str) -> Result<PathBuf, FsError> {
        let wanted = clean(path);
        let mut done = PathBuf::from("/");
        let folder = wanted.parent().filter(|_| wanted.is_absolute());
        let mut rest = Vec::new();
        if let (Some(folder), Some(name)) = (folder, wanted.file_name()) {
            let plain = self.plain();
            if plain.contains_key(&wanted) && wanted.starts_with(&self.root) {
                drop(plain);
                return Ok(wanted);
            }
            if plain.contains_key(folder) {
                done = folder.to_owned();
                rest.push(name.to_owned());
            }
        }
        if rest.is_empty() {
            rest = components(&wanted);
        }
        let mut links = 0;
        let mut kind = FileKind::Dir;
        while let Some(name) = rest.pop() {
            if name == ".." {
                done.pop();
                continue;
            }
            let next = done.join(&name);
            let data = fs::symlink_metadata(&next).map_err(|error| match error.kind() {
                ErrorKind::NotFound | ErrorKind::NotADirectory => self.missing(&wanted, &next, &rest, operation),
                kind => FsError::Io { operation: "lstat", path: next.clone(), reason: kind.to_string() },
            })?;
            if !data.file_type().is_symlink() {
                kind = if data.is_dir() { FileKind::Dir } else { FileKind::File };
                done = next;
                continue;
            }
            links += 1;
            if links > MAX_LINKS {
                let reason = "too many links".to_owned();
                return Err(FsError::Io { operation: "lstat", path: wanted, reason });
            }
            let target = fs::read_link(&next).map_err(|error| io("readlink", &next, &error))?;
            if target.is_absolute() {
                done = PathBuf::from("/");
            }
            rest.extend(components(&target));
        }
        if links == 0
            && done == wanted
            && let Some(folder) = folder
        {
            let mut plain = self.plain();
            if !plain.contains_key(folder) {
                plain.insert(folder.to_owned(), FileKind::Dir);
            }
            plain.insert(wanted, kind);
        }
        if done.starts_with(&self.root) {
            Ok(done)
        } else {
            Err(FsError::OutsideRoot { operation, path: path.to_owned(), root: self.root.clone() })
        }
    }
}

impl RootedDir {
    fn plain(&self) -> MutexGuard<'_, HashMap<PathBuf, FileKind>> {
        self.plain.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What is not there is missing inside the root, and refused outside; only the resolving of links says the
    /// one before the other.
    fn missing(&self, wanted: &Path, at: &Path, rest: &[std::ffi::OsString], operation: &'static str) -> FsError {
        let full = rest.iter().rev().fold(at.to_owned(), |path, name| path.join(name));
        if operation == "abs" || clean(&full).starts_with(&self.root) {
            return FsError::MissingOnDisk { path: wanted.to_owned(), at: at.to_owned() };
        }
        FsError::OutsideRoot { operation, path: wanted.to_owned(), root: self.root.clone() }
    }
}

/// The names of a path, last first, for use as a stack.
fn components(path: &Path) -> Vec<std::ffi::OsString> {
    use std::path::Component;
    path.components()
        .rev()
        .filter_map(|part| match part {
            Component::Normal(name) => Some(name.to_owned()),
            Component::ParentDir => Some("..".into()),
            _ => None,
        })
        .collect()
}

fn io(operation: &'static str, path: &Path, error: &std::io::Error) -> FsError {
    FsError::Io { operation, path: path.to_owned(), reason: error.to_string() }
}

impl FileSystem for RootedDir {
    fn read(&self, path: &Path) -> Result<Arc<[u8]>, FsError> {
        let place = self.resolve(path, "read").map_err(|error| match error {
            FsError::MissingOnDisk { path, .. } => FsError::CannotOpen { path },
            other => other,
        })?;
        let file = fs::File::open(&place).map_err(|error| io("open", path, &error))?;
        let data = file.metadata().map_err(|error| io("stat", path, &error))?;
        if data.is_dir() {
            return Err(FsError::IsADirectory { path: path.to_owned() });
        }
        if !data.is_file() {
            return Err(FsError::Io { operation: "read", path: path.to_owned(), reason: "not a regular file".into() });
        }
        let mut content = Vec::with_capacity(usize::try_from(data.len()).unwrap_or(0).min(1 << 20));
        file.take(self.max_file + 1).read_to_end(&mut content).map_err(|error| io("read", path, &error))?;
        if content.len() as u64 > self.max_file {
            return Err(FsError::TooLarge { path: path.to_owned(), limit: self.max_file });
        }
        Ok(content.into())
    }

    fn kind(&self, path: &Path) -> Option<FileKind> {
        let place = self.resolve(path, "open").ok()?;
        if let Some(kind) = self.plain().get(&place) {
            return Some(*kind);
        }
        let data = fs::metadata(place).ok()?;
        Some(if data.is_dir() { FileKind::Dir } else { FileKind::File })
    }

    fn read_dir(&self, path: &Path) -> Result<Vec<(String, FileKind)>, FsError> {
        let place = self.resolve(path, "open")?;
        let mut entries = Vec::new();
        for entry in fs::read_dir(&place).map_err(|error| io("open", path, &error))? {
            let entry = entry.map_err(|error| io("readdir", path, &error))?;
            let Ok(name) = entry.file_name().into_string() else { continue };
            let plain = entry.file_type().ok().and_then(|kind| {
                if kind.is_dir() { Some(FileKind::Dir) } else { kind.is_file().then_some(FileKind::File) }
            });
            if let Some(kind) = plain.or_else(|| self.kind(&place.join(&name))) {
                entries.push((name, kind));
            }
        }
        entries.sort_by(|a, b| a.0.cmp(&b.0));
        Ok(entries)
    }

    fn canonical(&self, path: &Path) -> Result<PathBuf, FsError> {
        self.resolve(path, "abs")
    }
}
