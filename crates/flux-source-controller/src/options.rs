//! What the controller is started with.

use std::collections::BTreeSet;
use std::fmt;
use std::fs;
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use flux_artifact::{Storage, Workdirs};

use crate::archives::Archives;
use crate::helm::{CacheOptions, ChartLimits};

/// Namespace and name of the GitRepositories that follow a repository on this machine; kept by the controller, for
/// whoever sees a new commit and wakes them.
pub type Followers = Arc<Mutex<BTreeSet<(String, String)>>>;

/// Where a followed repository stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LocalHead {
    /// The repository that has the commit: the mapped one, or its snapshots.
    pub repository: PathBuf,
    /// The branch that the commit is shown to be on.
    pub branch: String,
    /// Hex.
    pub commit: String,
}

/// A URL that is served from a repository on this machine.
#[derive(Clone)]
pub struct UrlMapping {
    /// As [`flux_git::normalize`] gives it.
    pub url: String,
    /// Where branches and tags are looked up.
    pub repository: PathBuf,
    /// Tells the followed head. It stands in for whatever the GitRepository `flux-system` names, and for the
    /// branch that is checked out. `None` when the repository is not followed.
    pub head: Option<Arc<dyn Fn() -> Option<LocalHead> + Send + Sync>>,
}

impl fmt::Debug for UrlMapping {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UrlMapping")
            .field("url", &self.url)
            .field("repository", &self.repository)
            .finish_non_exhaustive()
    }
}

/// Where artifacts go and where repositories come from.
#[derive(Clone)]
pub struct Options {
    pub storage: Storage,
    /// For the objects of a repository while they are read; emptied at the start.
    pub scratch: PathBuf,
    /// URLs that are not fetched.
    pub url_map: Vec<UrlMapping>,
    pub followers: Followers,
    /// Archives of local commits, for all clusters of the process.
    pub archives: Archives,
    /// Where charts find the unpacked content of their sources; a place of its own in `scratch` when there is none.
    pub workdirs: Option<Workdirs>,
    /// Indexes of chart repositories in memory.
    pub index_cache: CacheOptions,
    /// Bounds of charts and indexes.
    pub chart_limits: ChartLimits,
}

impl Options {
    /// Everything is fetched from where its URL says.
    pub fn new(storage: Storage, scratch: impl Into<PathBuf>) -> Self {
        Self {
            storage,
            scratch: scratch.into(),
            url_map: Vec::new(),
            followers: Followers::default(),
            archives: Archives::default(),
            workdirs: None,
            index_cache: CacheOptions::default(),
            chart_limits: ChartLimits::default(),
        }
    }

    /// Makes the scratch directory, and removes what a process that was killed left in it.
    pub(crate) fn prepare_scratch(&self) -> io::Result<()> {
        fs::create_dir_all(&self.scratch)?;
        for entry in fs::read_dir(&self.scratch)? {
            let entry = entry?;
            if entry.file_name().to_string_lossy().starts_with("git-") {
                fs::remove_dir_all(entry.path())?;
            }
        }
        Ok(())
    }

    /// The mapping of a URL, if there is one.
    pub(crate) fn mapping(&self, url: &str) -> Option<&UrlMapping> {
        if self.url_map.is_empty() {
            return None;
        }
        let url = flux_git::normalize(url);
        self.url_map.iter().find(|mapping| mapping.url == url)
    }
}
