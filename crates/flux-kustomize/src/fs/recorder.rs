//! Remembers what a build read, so that a caller can tell later whether anything changed.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use sha2::{Digest as _, Sha256};

use super::{FileKind, FileSystem, FsError};

/// One kind of question a build asked about a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Access {
    Read,
    Kind,
    List,
    Canonical,
}

/// Everything that was asked, each with a SHA-256 over the answer. A miss is an answer too.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Record {
    answers: BTreeMap<(PathBuf, Access), [u8; 32]>,
}

impl Record {
    /// True when `fs` answers every recorded question as before.
    pub fn unchanged(&self, fs: &dyn FileSystem) -> bool {
        self.answers.iter().all(|((path, access), digest)| ask(fs, path, *access) == *digest)
    }

    /// The same for another root: paths below `from` are looked up below `to`. Answers that hold paths
    /// (`Canonical`) are compared after the same exchange.
    pub fn unchanged_at(&self, fs: &dyn FileSystem, from: &Path, to: &Path) -> bool {
        self.answers.iter().all(|((path, access), digest)| {
            let moved = path.strip_prefix(from).map_or_else(|_| path.clone(), |rest| to.join(rest));
            if *access == Access::Canonical {
                let answer = fs.canonical(&moved).map(|found| match found.strip_prefix(to) {
                    Ok(rest) => from.join(rest),
                    Err(_) => found.clone(),
                });
                return digest_path(answer.as_deref().ok()) == *digest;
            }
            ask(fs, &moved, *access) == *digest
        })
    }

    /// One digest over all questions and answers, for use in a cache key.
    pub fn digest(&self) -> [u8; 32] {
        let mut hash = Sha256::new();
        for ((path, access), answer) in &self.answers {
            hash.update(path.as_os_str().as_encoded_bytes());
            hash.update([0, *access as u8]);
            hash.update(answer);
        }
        hash.finalize().into()
    }

    /// The recorded questions in path order.
    pub fn questions(&self) -> impl Iterator<Item = (&Path, Access)> {
        self.answers.keys().map(|(path, access)| (path.as_path(), *access))
    }

    pub fn len(&self) -> usize {
        self.answers.len()
    }

    pub fn is_empty(&self) -> bool {
        self.answers.is_empty()
    }
}

fn ask(fs: &dyn FileSystem, path: &Path, access: Access) -> [u8; 32] {
    match access {
        Access::Read => digest_read(&fs.read(path)),
        Access::Kind => digest_kind(fs.kind(path)),
        Access::List => digest_list(&fs.read_dir(path)),
        Access::Canonical => digest_path(fs.canonical(path).as_deref().ok()),
    }
}

fn digest(tag: u8, bytes: &[u8]) -> [u8; 32] {
    let mut hash = Sha256::new();
    hash.update([tag]);
    hash.update(bytes);
    hash.finalize().into()
}

fn digest_read(answer: &Result<Arc<[u8]>, FsError>) -> [u8; 32] {
    answer.as_ref().map_or_else(|_| digest(0, b""), |content| digest(1, content))
}

fn digest_kind(answer: Option<FileKind>) -> [u8; 32] {
    let code: &[u8] = match answer {
        None => b"none",
        Some(FileKind::File) => b"file",
        Some(FileKind::Dir) => b"dir",
    };
    digest(2, code)
}

fn digest_list(answer: &Result<Vec<(String, FileKind)>, FsError>) -> [u8; 32] {
    let Ok(entries) = answer else { return digest(3, b"") };
    let mut text = Vec::new();
    for (name, kind) in entries {
        text.extend_from_slice(name.as_bytes());
        text.extend_from_slice(if *kind == FileKind::Dir { b"/\0" } else { b"\0" });
    }
    digest(4, &text)
}

fn digest_path(answer: Option<&Path>) -> [u8; 32] {
    answer.map_or_else(|| digest(5, b""), |path| digest(6, path.as_os_str().as_encoded_bytes()))
}

/// Wraps a file system and records every file, listing and miss that is read through it.
pub struct Recorder<F> {
    inner: F,
    record: Mutex<Record>,
}

impl<F: FileSystem> Recorder<F> {
    pub fn new(inner: F) -> Self {
        Self { inner, record: Mutex::new(Record::default()) }
    }

    /// What was read so far.
    pub fn record(&self) -> Record {
        self.record.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Ends recording and gives the record.
    pub fn into_record(self) -> Record {
        self.record.into_inner().unwrap_or_else(PoisonError::into_inner)
    }

    fn note(&self, path: &Path, access: Access, answer: [u8; 32]) {
        let mut record = self.record.lock().unwrap_or_else(PoisonError::into_inner);
        record.answers.insert((path.to_owned(), access), answer);
    }
}

impl<F: FileSystem> FileSystem for Recorder<F> {
    fn read(&self, path: &Path) -> Result<Arc<[u8]>, FsError> {
        let answer = self.inner.read(path);
        self.note(path, Access::Read, digest_read(&answer));
        answer
    }

    fn kind(&self, path: &Path) -> Option<FileKind> {
        let answer = self.inner.kind(path);
        self.note(path, Access::Kind, digest_kind(answer));
        answer
    }

    fn read_dir(&self, path: &Path) -> Result<Vec<(String, FileKind)>, FsError> {
        let answer = self.inner.read_dir(path);
        self.note(path, Access::List, digest_list(&answer));
        answer
    }

    fn canonical(&self, path: &Path) -> Result<PathBuf, FsError> {
        let answer = self.inner.canonical(path);
        self.note(path, Access::Canonical, digest_path(answer.as_deref().ok()));
        answer
    }
}
