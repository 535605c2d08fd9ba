//! Repositories on this machine, read where they lie: what `flux up` follows.
//!
//! Nothing is written into a user's repository. Plain directories and work trees are snapshotted as commits into a bare
//! repository of our own ([`Snapshots`]).

mod snapshot;
mod source;
mod tree;

use std::path::{Path, PathBuf};

use gix::bstr::ByteSlice as _;

pub use snapshot::{SnapshotLimits, Snapshots};
pub use source::{find, tree};
pub use tree::{LocalTree, TreeEntry, TreeEntryKind};

/// Why a local repository could not be read or a snapshot not be taken.
#[derive(Debug, thiserror::Error)]
pub enum LocalError {
    #[error("cannot open the repository `{path}`: {reason}")]
    Open { path: PathBuf, reason: String },
    #[error("cannot read {what} in `{path}`: {reason}")]
    Read { path: PathBuf, what: String, reason: String },
    #[error("cannot write to the snapshots `{path}`: {reason}")]
    Write { path: PathBuf, reason: String },
    #[error(
        "`{path}`: the files to snapshot are larger than {limit} bytes together; ignore what is no manifest in .gitignore or .sourceignore"
    )]
    TooLarge { path: PathBuf, limit: u64 },
    #[error(
        "`{path}`: there are more than {limit} files to snapshot; ignore what is no manifest in .gitignore or .sourceignore"
    )]
    TooMany { path: PathBuf, limit: usize },
    #[error("`{file}` cannot be read: {reason}")]
    File { file: PathBuf, reason: String },
}

pub(crate) fn open(path: &Path) -> Result<gix::Repository, LocalError> {
    // Isolated: the user's configuration cannot make us run anything, and rewrites no URL.
    gix::open_opts(path, gix::open::Options::isolated())
        .map_err(|error| LocalError::Open { path: path.to_owned(), reason: error.to_string() })
}

fn read_error<E: std::fmt::Display>(path: &Path, what: &str) -> impl FnOnce(E) -> LocalError {
    move |error| LocalError::Read { path: path.to_owned(), what: what.to_owned(), reason: error.to_string() }
}

/// The checked-out branch (`HEAD` when detached) and the commit it names, in hexadecimal; `None` without a commit.
pub fn head(path: &Path) -> Result<Option<(String, String)>, LocalError> {
    let repository = open(path)?;
    let head = repository.head().map_err(read_error(path, "HEAD"))?;
    if head.is_unborn() {
        return Ok(None);
    }
    let branch = head.referent_name().map_or_else(|| "HEAD".to_owned(), |name| name.shorten().to_string());
    let id = head.into_peeled_id().map_err(read_error(path, "HEAD"))?;
    Ok(Some((branch, id.to_string())))
}

/// The checked-out branch, also before its first commit; `None` when detached.
pub fn branch(path: &Path) -> Result<Option<String>, LocalError> {
    let repository = open(path)?;
    let name = repository.head_name().map_err(read_error(path, "HEAD"))?;
    Ok(name.map(|name| name.shorten().to_string()))
}

/// The URLs that the repository's remotes fetch from.
pub fn remotes(path: &Path) -> Result<Vec<String>, LocalError> {
    let repository = open(path)?;
    let names: Vec<_> = repository.remote_names().into_iter().collect();
    let urls = names.into_iter().filter_map(|name| {
        let remote = repository.find_remote(name.as_bstr()).ok()?;
        remote.url(gix::remote::Direction::Fetch).map(|url| url.to_bstring().to_string())
    });
    Ok(urls.collect())
}

/// The repository's own Git directory: of a linked work tree, the one that holds its HEAD.
pub fn git_dir(path: &Path) -> Result<PathBuf, LocalError> {
    Ok(open(path)?.git_dir().to_owned())
}

/// The Git directory that holds the branches, shared by linked work trees.
pub fn common_dir(path: &Path) -> Result<PathBuf, LocalError> {
    Ok(open(path)?.common_dir().to_owned())
}

/// Finds a branch, tag or full reference name and peels it to a commit; `None` when there is none of that name.
pub fn resolve(path: &Path, name: &str) -> Result<Option<String>, LocalError> {
    let repository = open(path)?;
    let Ok(Some(mut reference)) = repository.try_find_reference(name) else { return Ok(None) };
    let id = reference.peel_to_id().map_err(read_error(path, name))?;
    let commit = repository.find_object(id).and_then(gix::Object::peel_to_commit);
    Ok(Some(commit.map_err(read_error(path, name))?.id.to_string()))
}
