//! Choices of a build.

use std::path::PathBuf;
use std::sync::Arc;

use crate::fs::FileSystem;

/// Where a file named by a kustomization may lie.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LoadRestrictions {
    /// In or below the folder of the kustomization that names it: the `kustomize` program's default.
    RootOnly,
    /// Anywhere the file system allows: what Flux does, in a file system locked to the artifact.
    #[default]
    None,
}

/// The order of the result, unless the kustomization has `sortOptions`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Reorder {
    /// The order of accumulation: what Flux does.
    #[default]
    None,
    /// A fixed order of kinds.
    Legacy,
    /// The `kustomize` program's default; the same as `Legacy`.
    Unspecified,
}

/// Bounds of one build. Exceeding one is [`crate::Error::Limit`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Kustomizations inside one another.
    pub max_depth: usize,
    /// Kustomizations accumulated in all, counting a base once for each use.
    pub max_bases: usize,
    /// Resources in all, counting one in a base once for each use of it.
    pub max_resources: usize,
    /// Bytes of all files read, counting a file once for each read.
    pub max_bytes: u64,
    /// Bounds of one YAML text.
    pub yaml: flux_yaml::Limits,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_depth: 200,
            max_bases: 50_000,
            max_resources: 500_000,
            max_bytes: 4 << 30,
            yaml: flux_yaml::Limits::default(),
        }
    }
}

/// A git repository named by a kustomization.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RepoSpec {
    /// As written.
    pub raw: String,
    /// What a git client clones: `https://host/path`, `git@host:path`, `ssh://...`, `file://...`.
    pub clone_url: String,
    /// The folder in the repository, without a leading slash; empty for its root.
    pub path: String,
    /// Branch, tag or commit; the default branch when absent.
    pub reference: Option<String>,
    /// Seconds the fetch may take.
    pub timeout_seconds: u64,
    pub submodules: bool,
}

/// A fetched repository: a file system, and where in it the repository's root lies.
pub struct RemoteTree {
    pub fs: Arc<dyn FileSystem>,
    pub root: PathBuf,
}

/// Why something remote could not be had.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
pub enum RemoteError {
    /// An answer other than 2xx. Stops the build at once.
    #[error("HTTP Error: status code {status} ({text})")]
    Status { status: u16, text: String },
    #[error("hit {seconds}s timeout running '{what}'")]
    Timeout { what: String, seconds: u64 },
    #[error("{reason}")]
    Failed { reason: String },
}

/// Fetches what lies outside the file system. The engine has none of its own: without one,
/// remote bases and files are refused with a typed error.
pub trait RemoteLoader: Send + Sync {
    /// Fetches a repository at the wanted reference.
    fn repository(&self, spec: &RepoSpec) -> Result<RemoteTree, RemoteError>;

    /// Fetches a file over http or https.
    fn file(&self, url: &str) -> Result<Arc<[u8]>, RemoteError>;
}

/// Choices of a build. The default is what Flux does, without remote bases.
///
/// Helm and programs are always off: their fields give upstream's error for disabled plugins.
#[derive(Clone, Default)]
pub struct Options<'a> {
    pub load_restrictions: LoadRestrictions,
    pub reorder: Reorder,
    pub remote: Option<&'a dyn RemoteLoader>,
    /// Adds the label `app.kubernetes.io/managed-by: kustomize-VERSION`. A kustomization may ask for it too.
    pub add_managed_by_label: bool,
    /// The version in that label; upstream's `(devel)` when absent.
    pub version: Option<&'a str>,
    pub limits: Limits,
    /// As in the `kustomize` program, `openapi.path` takes the place of the compiled facts unless something has asked
    /// for them before. Without it both are in force, as in Flux.
    pub openapi_replaces: bool,
    /// Threads that may read the files of long lists; 0 is 1. The result is the same.
    pub threads: usize,
    /// Bytes of memory the build takes from the allocator at its start and gives back at once, so that a process that
    /// makes one build and ends does not ask the system for it page by page.
    pub reserve: usize,
}
