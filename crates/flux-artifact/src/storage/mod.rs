//! The files of artifacts: `<kind>/<namespace>/<name>/<file>` below one directory.
//!
//! A file appears whole or not at all: it is written beside its place and renamed. Its digest is taken while it
//! is written. Any path that comes from an object's status is checked before it touches the disk.

mod garbage;
#[cfg(test)]
mod tests;

use std::fs::{self, File};
use std::io::{self, BufWriter, Read, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use flux_api::Digest;
use flux_api::meta::{Artifact, Time};
use flux_archive::{ArchiveError, Limits, Matcher, Symlinks, UnpackError, unpack, write_tar_gz};

use crate::digest::{Algorithm, Hasher, UnsupportedAlgorithm};

/// Files looked at in one collection of garbage.
pub const GARBAGE_COUNT_LIMIT: usize = 1000;

/// What survives a collection of garbage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retention {
    /// Files younger than this are kept as long as there are few.
    pub ttl: Duration,
    /// The most files to keep, the current one included.
    pub records: usize,
}

impl Default for Retention {
    fn default() -> Self {
        Self { ttl: Duration::from_secs(60), records: 2 }
    }
}

/// Why the store did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum StorageError {
    #[error("invalid dir path: {}", .path.display())]
    Root { path: PathBuf },
    /// A path that leaves the store, or is empty.
    #[error("invalid artifact path: {path:?}")]
    Path { path: String },
    #[error("artifact has no digest")]
    NoDigest,
    #[error("failed to parse artifact digest '{digest}': {reason}")]
    BadDigest { digest: String, reason: String },
    #[error("computed digest doesn't match '{digest}'")]
    DigestMismatch { digest: String },
    #[error("{operation} {}: {source}", .path.display())]
    Io { operation: &'static str, path: PathBuf, source: io::Error },
    #[error("context deadline exceeded")]
    Timeout,
    #[error(transparent)]
    Archive(#[from] ArchiveError),
    #[error(transparent)]
    Unpack(#[from] UnpackError),
}

impl From<UnsupportedAlgorithm> for StorageError {
    fn from(error: UnsupportedAlgorithm) -> Self {
        Self::BadDigest { digest: error.name, reason: "unsupported digest algorithm".into() }
    }
}

fn io_error(operation: &'static str, path: &Path) -> impl FnOnce(io::Error) -> StorageError {
    let path = path.to_owned();
    move |source| StorageError::Io { operation, path, source }
}

/// `<kind>/<namespace>/<name>`, the kind in lower case.
pub fn artifact_dir(kind: &str, namespace: &str, name: &str) -> String {
    artifact_path(kind, namespace, name, "")
}

/// The directory of an object and the name of a file in it.
pub fn artifact_path(kind: &str, namespace: &str, name: &str, file: &str) -> String {
    let parts = [kind.to_lowercase(), namespace.into(), name.into(), file.into()];
    parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("/")
}

/// Whether the revisions of two lists of artifacts differ, in whatever order they are.
pub fn revisions_differ(current: &[Artifact], updated: &[Artifact]) -> bool {
    let known = |artifact: &Artifact| updated.iter().any(|other| other.revision == artifact.revision);
    current.len() != updated.len() || !current.iter().all(known)
}

/// The store. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Storage {
    root: PathBuf,
    advertised: String,
    retention: Retention,
    algorithm: Algorithm,
    limits: Limits,
}

impl Storage {
    /// A store in an existing directory; `advertised` is the host and port of its file server, or a URL.
    pub fn new(
        root: impl Into<PathBuf>,
        advertised: impl Into<String>,
        retention: Retention,
    ) -> Result<Self, StorageError> {
        let root = root.into();
        if !fs::metadata(&root).is_ok_and(|meta| meta.is_dir()) {
            return Err(StorageError::Root { path: root });
        }
        let root = fs::canonicalize(&root).map_err(io_error("resolve", &root))?;
        Ok(Self {
            root,
            advertised: advertised.into(),
            retention,
            algorithm: Algorithm::default(),
            limits: Limits::default(),
        })
    }

    /// The algorithm of new digests.
    #[must_use]
    pub fn with_algorithm(mut self, algorithm: Algorithm) -> Self {
        self.algorithm = algorithm;
        self
    }

    /// The bounds of new archives.
    #[must_use]
    pub fn with_limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    pub fn root(&self) -> &Path {
        &self.root
    }

    pub fn limits(&self) -> Limits {
        self.limits
    }

    /// Where the file of that artifact path is, or `None` when the path is empty or leaves the store.
    pub fn local_path(&self, path: &str) -> Option<PathBuf> {
        let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty() && *part != ".").collect();
        if parts.is_empty() || parts.iter().any(|part| *part == ".." || part.contains('\0')) {
            return None;
        }
        Some(parts.into_iter().fold(self.root.clone(), |at, part| at.join(part)))
    }

    fn checked_path(&self, artifact: &Artifact) -> Result<PathBuf, StorageError> {
        self.local_path(&artifact.path).ok_or_else(|| StorageError::Path { path: artifact.path.clone() })
    }

    /// The address of a file; empty for an empty path.
    pub fn url(&self, path: &str) -> String {
        if path.is_empty() {
            return String::new();
        }
        let scheme = if self.advertised.starts_with("http://") || self.advertised.starts_with("https://") {
            ""
        } else {
            "http://"
        };
        format!("{scheme}{}/{}", self.advertised, path.trim_start_matches('/'))
    }

    /// An artifact that is not written yet: without digest and size.
    pub fn new_artifact(&self, kind: &str, namespace: &str, name: &str, revision: &str, file: &str) -> Artifact {
        let path = artifact_path(kind, namespace, name, file);
        Artifact {
            digest: String::new(),
            last_update_time: Time(jiff::Timestamp::UNIX_EPOCH),
            metadata: Default::default(),
            url: self.url(&path),
            path,
            revision: revision.to_owned(),
            size: 0,
        }
    }

    /// Writes the file of an artifact through `write`, then sets digest, size and time. When `write` fails,
    /// nothing has changed.
    pub fn store<E: From<StorageError>>(
        &self,
        artifact: &mut Artifact,
        write: impl FnOnce(&mut dyn Write) -> Result<(), E>,
    ) -> Result<(), E> {
        let path = self.checked_path(artifact)?;
        let dir = path.parent().unwrap_or(&self.root);
        create_dir(dir)?;
        let temporary = tempfile::Builder::new()
            .prefix(".tmp-")
            .tempfile_in(dir)
            .map_err(|source| io_error("create a file in", dir)(source))?;
        let mut out = BufWriter::with_capacity(
            256 * 1024,
            Hashing { inner: temporary.as_file(), hasher: Hasher::new(self.algorithm), size: 0 },
        );
        write(&mut out)?;
        let hashing = out.into_inner().map_err(|error| io_error("write", &path)(error.into_error()))?;
        let (digest, size) = (hashing.hasher.finish(), hashing.size);
        temporary.persist(&path).map_err(|error| io_error("write", &path)(error.error))?;
        artifact.digest = digest;
        artifact.size = i64::try_from(size).unwrap_or(i64::MAX);
        artifact.last_update_time = now();
        Ok(())
    }

    /// Archives a directory into the artifact's file.
    pub fn archive(&self, artifact: &mut Artifact, dir: &Path, matcher: Option<&Matcher>) -> Result<(), StorageError> {
        self.store(artifact, |out| Ok(write_tar_gz(dir, matcher, out, self.limits).map(drop)?))
    }

    /// Copies a file into the artifact's place.
    pub fn copy_from_path(&self, artifact: &mut Artifact, path: &Path) -> Result<(), StorageError> {
        let mut file = File::open(path).map_err(io_error("open", path))?;
        self.store(artifact, |out| io::copy(&mut file, out).map(drop).map_err(io_error("copy", path)))
    }

    /// Lets `name`, beside the artifact's file, stand for it; gives the address of that name.
    pub fn link(&self, artifact: &Artifact, name: &str) -> Result<String, StorageError> {
        let path = self.checked_path(artifact)?;
        let (Some(dir), Some(file)) = (path.parent(), path.file_name()) else {
            return Err(StorageError::Path { path: artifact.path.clone() });
        };
        let link = dir.join(name);
        let temporary = dir.join(format!(".tmp-{name}"));
        // Left by a process that was killed.
        let _ = fs::remove_file(&temporary);
        #[cfg(unix)]
        std::os::unix::fs::symlink(file, &temporary).map_err(io_error("link", &temporary))?;
        #[cfg(not(unix))]
        fs::copy(dir.join(file), &temporary).map_err(io_error("copy", &temporary))?;
        fs::rename(&temporary, &link).map_err(io_error("link", &link))?;
        let parent = artifact.path.rsplit_once('/').map_or("", |(parent, _)| parent);
        Ok(self.url(&format!("{parent}/{name}")))
    }

    /// The address with the host that consumers are told now.
    pub fn with_host(&self, url: &str) -> String {
        let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
        rest.split_once('/').map_or_else(|| url.to_owned(), |(_, path)| self.url(path))
    }

    /// Whether the artifact's file is there, and is a file.
    pub fn exists(&self, artifact: &Artifact) -> bool {
        self.local_path(&artifact.path)
            .and_then(|path| fs::symlink_metadata(path).ok())
            .is_some_and(|meta| meta.is_file())
    }

    /// Compares the file with the artifact's digest.
    pub fn verify(&self, artifact: &Artifact) -> Result<(), StorageError> {
        let mut hasher = hasher_for(&artifact.digest)?;
        let path = self.checked_path(artifact)?;
        let mut file = File::open(&path).map_err(io_error("open", &path))?;
        let mut buffer = vec![0; 256 * 1024];
        loop {
            let count = file.read(&mut buffer).map_err(io_error("read", &path))?;
            if count == 0 {
                break;
            }
            hasher.update(&buffer[..count]);
        }
        if hasher.finish() == artifact.digest {
            Ok(())
        } else {
            Err(StorageError::DigestMismatch { digest: artifact.digest.clone() })
        }
    }

    /// Removes the artifact's file.
    pub fn remove(&self, artifact: &Artifact) -> Result<(), StorageError> {
        let path = self.checked_path(artifact)?;
        fs::remove_file(&path).map_err(io_error("remove", &path))
    }

    /// Removes the directory of the artifact's object; gives its path back when there was one.
    pub fn remove_all(&self, artifact: &Artifact) -> Result<Option<PathBuf>, StorageError> {
        let path = self.checked_path(artifact)?;
        let Some(dir) = path.parent().filter(|dir| **dir != self.root) else { return Ok(None) };
        match fs::remove_dir_all(dir) {
            Ok(()) => Ok(Some(dir.to_owned())),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(io_error("remove", dir)(error)),
        }
    }

    /// Unpacks the artifact and moves what is at `from` within it, everything when empty, to `to`.
    pub fn copy_to_path(&self, artifact: &Artifact, from: &str, to: &Path) -> Result<(), StorageError> {
        let path = self.checked_path(artifact)?;
        let file = File::open(&path).map_err(io_error("open", &path))?;
        let parent = to.parent().unwrap_or(to);
        create_dir(parent)?;
        let scratch = tempfile::Builder::new()
            .prefix(".include-")
            .tempdir_in(parent)
            .map_err(|source| io_error("create a directory in", parent)(source))?;
        let unpacked = scratch.path().join("unpack");
        unpack(file, &unpacked, Limits { bytes: None, ..self.limits }, Symlinks::Refuse)?;
        // Nothing that was unpacked is a link, so joining cannot leave it.
        let source =
            from.split('/').filter(|part| !matches!(*part, "" | "." | "..")).fold(unpacked, |at, part| at.join(part));
        fs::rename(&source, to).map_err(io_error("move to", to))
    }
}

fn create_dir(dir: &Path) -> Result<(), StorageError> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(dir).map_err(io_error("create", dir))
}

/// The hasher for comparing with a digest.
pub(crate) fn hasher_for(digest: &str) -> Result<Hasher, StorageError> {
    if digest.is_empty() {
        return Err(StorageError::NoDigest);
    }
    let bad = |reason: String| StorageError::BadDigest { digest: digest.to_owned(), reason };
    let parsed: Digest = digest.parse().map_err(|error: flux_api::DigestError| bad(error.to_string()))?;
    let algorithm: Algorithm = parsed.algorithm().parse().map_err(|_| bad("unsupported digest algorithm".into()))?;
    Ok(Hasher::new(algorithm))
}

fn now() -> Time {
    let now = jiff::Timestamp::now();
    Time(jiff::Timestamp::from_second(now.as_second()).unwrap_or(now))
}

/// Counts and hashes what is written.
struct Hashing<W> {
    inner: W,
    hasher: Hasher,
    size: u64,
}

impl<W: Write> Write for Hashing<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = self.inner.write(bytes)?;
        self.hasher.update(&bytes[..count]);
        self.size += count as u64;
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}
