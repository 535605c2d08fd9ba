//! The content of artifacts, for consumers.
//!
//! An artifact is unpacked once per digest into a scratch directory that all its users share. It goes when the
//! last user and the short memory of recent ones let go of it. Nothing is handed out before its digest matched.

mod http;
#[cfg(test)]
mod tests;
mod workdir;

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use flux_api::meta::Artifact;
use flux_archive::{Limits, Symlinks, UnpackError, unpack};

use crate::digest::Hasher;
use crate::storage::{Storage, StorageError, hasher_for};

pub use http::address_to_ask;
pub use workdir::{Workdir, Workdirs};

/// Why an artifact's content is not to be had.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    /// The file is not there (any more); a new artifact will be announced.
    #[error("file not found")]
    NotFound,
    #[error("failed to verify archive: empty digest")]
    EmptyDigest,
    #[error("failed to verify archive: failed to parse digest '{digest}': {reason}")]
    BadDigest { digest: String, reason: String },
    #[error(
        "failed to verify archive: computed digest doesn't match provided '{digest}' (check whether file size exceeds max download size)"
    )]
    DigestMismatch { digest: String },
    #[error("invalid artifact URL '{url}': {reason}")]
    Url { url: String, reason: String },
    #[error("failed to download archive: {reason}")]
    Download { reason: String },
    #[error("failed to download archive from {url} (status: {status})")]
    Status { url: String, status: String },
    #[error("artifact is greater than the max download size of {limit} bytes")]
    TooLarge { limit: u64 },
    #[error("failed to extract archive (check whether file size exceeds max download size): {0}")]
    Unpack(#[from] UnpackError),
    #[error("failed to copy temp contents: {0}")]
    Io(#[from] io::Error),
    /// The process is ending.
    #[error("fetching was cut off")]
    Cancelled,
}

impl From<StorageError> for FetchError {
    fn from(error: StorageError) -> Self {
        match error {
            StorageError::NoDigest => Self::EmptyDigest,
            StorageError::BadDigest { digest, reason } => Self::BadDigest { digest, reason },
            StorageError::DigestMismatch { digest } => Self::DigestMismatch { digest },
            StorageError::Unpack(error) => Self::Unpack(error),
            StorageError::Io { source, .. } if source.kind() == io::ErrorKind::NotFound => Self::NotFound,
            StorageError::Io { source, .. } => Self::Io(source),
            other => Self::Download { reason: other.to_string() },
        }
    }
}

/// How artifacts are fetched.
#[derive(Clone, Debug)]
pub struct FetchOptions {
    /// Requests after the first one, when the server is unreachable or fails (`--http-retry`).
    pub retries: u32,
    /// The wait before the first retry; doubled each time.
    pub retry_wait: Duration,
    pub retry_wait_max: Duration,
    /// Bytes of the compressed file.
    pub max_download: Option<u64>,
    /// Bounds of what is unpacked.
    pub limits: Limits,
    /// Host and port to ask instead of the URL's (`SOURCE_CONTROLLER_LOCALHOST`).
    pub host: Option<String>,
    /// No byte for that long ends a download.
    pub idle_timeout: Duration,
}

impl Default for FetchOptions {
    fn default() -> Self {
        Self {
            retries: 9,
            retry_wait: Duration::from_secs(5),
            retry_wait_max: Duration::from_secs(30),
            max_download: Some(1 << 30),
            limits: Limits::default(),
            host: None,
            idle_timeout: Duration::from_secs(30),
        }
    }
}

enum Origin {
    Local(Storage),
    Http(reqwest::Client),
}

struct Inner {
    origin: Origin,
    options: FetchOptions,
    workdirs: Workdirs,
}

/// Fetches artifacts. Clones share what is unpacked.
#[derive(Clone)]
pub struct Fetcher(Arc<Inner>);

impl Fetcher {
    /// Reads the store of the source controller in the same process. `scratch` is emptied first.
    pub fn local(storage: Storage, scratch: impl Into<PathBuf>, options: FetchOptions) -> Result<Self, FetchError> {
        Ok(Self::local_into(storage, Workdirs::open(scratch)?, options))
    }

    /// As [`Fetcher::local`], with unpacked contents that others share: what one of them unpacked, all have.
    pub fn local_into(storage: Storage, workdirs: Workdirs, options: FetchOptions) -> Self {
        Self(Arc::new(Inner { origin: Origin::Local(storage), options, workdirs }))
    }

    /// Asks the file server that an artifact's URL names. `scratch` is emptied first.
    pub fn http(scratch: impl Into<PathBuf>, options: FetchOptions) -> Result<Self, FetchError> {
        let origin = Origin::Http(http::client(&options)?);
        Ok(Self(Arc::new(Inner { origin, options, workdirs: Workdirs::open(scratch)? })))
    }

    /// The content of an artifact: at once when its digest is known here, else fetched, checked and unpacked.
    /// Several callers of one digest share the work.
    pub async fn fetch(&self, artifact: &Artifact) -> Result<Arc<Workdir>, FetchError> {
        let digest = normalized(&artifact.digest)?;
        self.0.workdirs.get(&digest, self.prepare(artifact, &digest)).await
    }

    /// The bytes of an artifact's file, checked against its digest; nothing is kept.
    pub async fn bytes(&self, artifact: &Artifact) -> Result<Vec<u8>, FetchError> {
        let digest = normalized(&artifact.digest)?;
        let options = &self.0.options;
        let file = match &self.0.origin {
            Origin::Local(storage) => {
                let path = storage.local_path(&artifact.path).ok_or(FetchError::NotFound)?;
                match File::open(path) {
                    Err(error) if error.kind() == io::ErrorKind::NotFound => return Err(FetchError::NotFound),
                    opened => opened?,
                }
            }
            Origin::Http(client) => {
                http::download(client, options, self.0.workdirs.scratch(), &artifact.url, &digest).await?
            }
        };
        let limit = options.max_download.unwrap_or(u64::MAX - 1);
        let read = move || {
            let mut bytes = Vec::new();
            let mut reader = HashingReader { inner: file.take(limit + 1), hasher: hasher_for(&digest)? };
            reader.read_to_end(&mut bytes)?;
            if bytes.len() as u64 > limit {
                return Err(FetchError::TooLarge { limit });
            }
            if reader.hasher.finish() != digest {
                return Err(FetchError::DigestMismatch { digest });
            }
            Ok(bytes)
        };
        tokio::task::spawn_blocking(read).await.map_err(|_| FetchError::Cancelled)?
    }

    async fn prepare(&self, artifact: &Artifact, digest: &str) -> Result<Workdir, FetchError> {
        let limits = self.0.options.limits;
        match &self.0.origin {
            Origin::Local(storage) => {
                let path = storage.local_path(&artifact.path).ok_or(FetchError::NotFound)?;
                let open = move || match File::open(&path) {
                    Ok(file) => Ok(file),
                    Err(error) if error.kind() == io::ErrorKind::NotFound => Err(FetchError::NotFound),
                    Err(error) => Err(error.into()),
                };
                self.unpack(open, digest.to_owned(), limits).await
            }
            Origin::Http(client) => {
                let file =
                    http::download(client, &self.0.options, self.0.workdirs.scratch(), &artifact.url, digest).await?;
                self.unpack(move || Ok(file), digest.to_owned(), limits).await
            }
        }
    }

    /// Unpacks a file into a new directory; it is taken away again when the digest of the bytes read is another.
    async fn unpack(
        &self,
        open: impl FnOnce() -> Result<File, FetchError> + Send + 'static,
        digest: String,
        limits: Limits,
    ) -> Result<Workdir, FetchError> {
        let scratch = self.0.workdirs.scratch().to_owned();
        let work = move || {
            let file = open()?;
            let workdir = Workdir::new(&scratch, digest.clone())?;
            match verified_unpack(file, &digest, workdir.path(), limits) {
                Ok(()) => Ok(workdir),
                Err(error) => {
                    workdir.remove();
                    Err(error)
                }
            }
        };
        tokio::task::spawn_blocking(work).await.map_err(|_| FetchError::Cancelled)?
    }
}

fn verified_unpack(file: File, digest: &str, target: &Path, limits: Limits) -> Result<(), FetchError> {
    let mut reader =
        HashingReader { inner: io::BufReader::with_capacity(128 * 1024, file), hasher: hasher_for(digest)? };
    let unpacked = unpack(&mut reader, target, limits, Symlinks::Skip);
    // What the archive's end left over counts too.
    io::copy(&mut reader, &mut io::sink())?;
    if reader.hasher.finish() != digest {
        return Err(FetchError::DigestMismatch { digest: digest.to_owned() });
    }
    Ok(unpacked?)
}

/// `algorithm:hex`; a bare checksum is SHA-256.
fn normalized(digest: &str) -> Result<String, FetchError> {
    let digest = if digest.is_empty() || digest.contains(':') { digest.to_owned() } else { format!("sha256:{digest}") };
    hasher_for(&digest)?;
    Ok(digest)
}

struct HashingReader<R> {
    inner: R,
    hasher: Hasher,
}

impl<R: Read> Read for HashingReader<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        self.hasher.update(&buffer[..count]);
        Ok(count)
    }
}
