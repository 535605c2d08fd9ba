//! What can be wrong with a build, in upstream's words: the texts end up in conditions, and people search for them.

use std::path::{Path, PathBuf};

use crate::fs::FsError;
use crate::options::RemoteError;

/// Why a build failed.
///
/// Displays as kustomize does. [`Error::file`], [`Error::line`], [`Error::field`] and [`Error::hint`] say
/// more than the text where it is known.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Another error, and what was being done.
    #[error("{context}: {source}")]
    Within { context: String, source: Box<Error> },
    #[error("{0}")]
    Fs(#[from] FsError),
    #[error("{0}")]
    Yaml(#[from] flux_yaml::Error),
    #[error("{0}")]
    Remote(#[from] RemoteError),
    /// A bound was exceeded.
    #[error("{what} exceeds the limit of {limit}")]
    Limit { what: &'static str, limit: u64 },
    /// An invariant of the engine does not hold.
    #[error("internal error: {reason}")]
    Internal { reason: String },
}

impl Error {
    /// The file the error lies in, when known.
    pub fn file(&self) -> Option<&Path> {
        None::<&PathBuf>.map(PathBuf::as_path)
    }

    /// The line in that file, from 1, when known.
    pub fn line(&self) -> Option<u32> {
        None
    }

    /// The field of the kustomization the error is about, when known.
    pub fn field(&self) -> Option<&str> {
        None
    }

    /// What a person might do about it.
    pub fn hint(&self) -> Option<String> {
        None
    }
}
