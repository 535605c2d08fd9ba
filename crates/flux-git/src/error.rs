//! What can go wrong. Wording that upstream's users know is kept.

use std::io;

use flux_archive::ArchiveError;

/// Why a repository could not be read. No variant holds a secret; URLs come without credentials.
#[derive(Debug, thiserror::Error)]
pub enum GitError {
    #[error("context deadline exceeded")]
    Timeout,
    #[error("cannot parse url '{url}': {reason}")]
    Url { url: String, reason: String },
    #[error("unable to clone: {reason}: git repository: '{url}'")]
    RepositoryNotFound { url: String, reason: &'static str },
    /// The branch or tag is not there.
    #[error("unable to clone '{url}': couldn't find remote ref \"{reference}\"")]
    RefNotFound { url: String, reference: String },
    /// The full name is not there.
    #[error("unable to resolve ref '{name}' to a specific commit")]
    NameNotFound { name: String },
    #[error("ref {name} is invalid; Git refs cannot begin or end with a slash '/'")]
    NameInvalid { name: String },
    #[error("semver parse error: {reason}")]
    Range { reason: String },
    #[error("no match found for semver: {range}")]
    NoMatch { range: String },
    #[error("unable to resolve commit object for '{commit}': object not found")]
    CommitNotFound { commit: String },
    #[error("unable to clone '{url}': {reason}")]
    Authentication { url: String, reason: String },
    #[error("unable to construct auth method with options: {reason}")]
    Credentials { reason: String },
    #[error(
        "unable to clone '{url}': unexpected client error: unexpected requesting \"{request}\" status code: {status}"
    )]
    Status { url: String, request: String, status: u16 },
    #[error("unable to clone '{url}': {reason}")]
    Network { url: String, reason: String },
    /// The server said something that it must not.
    #[error("unable to clone '{url}': protocol error: {reason}")]
    Protocol { url: String, reason: String },
    /// The server's own words.
    #[error("unable to clone '{url}': remote error: {reason}")]
    Remote { url: String, reason: String },
    #[error("unable to clone '{url}': {what} is larger than {limit} bytes")]
    TooLarge { url: String, what: &'static str, limit: u64 },
    #[error("{field} is not supported: {reason}")]
    Unsupported { field: &'static str, reason: String },
    #[error("unsafe path in tree: {path:?}")]
    UnsafePath { path: String },
    #[error("trees are nested deeper than {limit} at `{path}`")]
    TooDeep { path: String, limit: usize },
    #[error("file `{path}` ({size} bytes) is larger than {limit} bytes")]
    FileTooLarge { path: String, size: u64, limit: u64 },
    #[error("sparse checkout dir '{path}' does not exist in repository")]
    SparseMissing { path: String },
    #[error("submodule `{path}`: {source}")]
    Submodule { path: String, source: Box<GitError> },
    #[error("submodule `{path}`: {reason}")]
    SubmoduleInvalid { path: String, reason: String },
    /// An object is missing or damaged, or a repository cannot be opened.
    #[error("unable to read repository: {reason}")]
    Repository { reason: String },
    /// A snapshot of a directory would be too large.
    #[error("snapshot of `{path}` is larger than {limit} {unit}; leave files out with .gitignore")]
    SnapshotTooLarge { path: String, limit: u64, unit: &'static str },
    #[error("failed to read `{path}`: {source}")]
    Io { path: String, source: io::Error },
    #[error("failed to read `{file}`: {reason}")]
    IgnoreFile { file: String, reason: String },
    #[error(transparent)]
    Archive(#[from] ArchiveError),
    /// The process is ending.
    #[error("reading the repository was cut off")]
    Cancelled,
}

impl GitError {
    pub(crate) fn repository(error: impl std::fmt::Display) -> Self {
        Self::Repository { reason: one_line(&error.to_string()) }
    }

    pub(crate) fn io(path: impl AsRef<std::path::Path>) -> impl FnOnce(io::Error) -> Self {
        let path = path.as_ref().display().to_string();
        move |source| Self::Io { path, source }
    }
}

/// Text of others in one line of bounded length, without control characters.
pub(crate) fn one_line(text: &str) -> String {
    let cleaned: String = text.trim().chars().take(500).map(|c| if c.is_control() { ' ' } else { c }).collect();
    cleaned.split_whitespace().collect::<Vec<_>>().join(" ")
}
