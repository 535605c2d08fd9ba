//! The repository at PATH: what is followed, and the commit it stands at.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use flux_git::local::{self, LocalError, SnapshotLimits, Snapshots};

use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::watch::Watch;

/// Files must be left alone for this long before a snapshot is taken.
pub const QUIET: Duration = Duration::from_millis(50);

/// File events of the past are here after this long.
const EVENTS_ARRIVE: Duration = Duration::from_millis(10);

/// A steadily written tree is snapshotted at least so often.
const QUIET_AT_MOST: Duration = Duration::from_secs(2);

/// Git operations that leave the tree between two states; the names of their marks in the Git directory.
const BUSY_MARKS: &[&str] =
    &["index.lock", "HEAD.lock", "rebase-merge", "rebase-apply", "MERGE_HEAD", "CHERRY_PICK_HEAD", "REVERT_HEAD"];

/// Where HEAD points.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    /// The checked-out branch; `main` for a directory, `HEAD` when detached.
    pub branch: String,
    /// The commit's id in hexadecimal.
    pub commit: String,
}

/// What `flux up` follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Follow {
    /// Commits of the checked-out branch.
    Commits,
    /// Files of a Git work tree.
    WorkTree,
    /// Files of a plain directory.
    Directory,
}

/// Why the repository cannot be followed.
#[derive(Debug, thiserror::Error)]
pub enum RepositoryError {
    #[error("`{path}` is not a directory")]
    NotADirectory { path: PathBuf },
    #[error("`--worktree` needs the root of a Git repository, and `{path}` is none")]
    NoWorkTree { path: PathBuf },
    #[error("`{path}` has no commit yet")]
    NoCommit { path: PathBuf },
    #[error("cannot read the repository `{path}`")]
    Git { path: PathBuf, source: LocalError },
}

/// A followed repository.
#[derive(Clone)]
pub struct Repository {
    /// What the user named, absolute.
    pub root: PathBuf,
    pub follow: Follow,
    /// Where commits are read from: the repository itself, or the snapshots in the state directory.
    pub commits: PathBuf,
    snapshots: Option<Arc<Mutex<Snapshots>>>,
    /// The Git directory; where a repository was without one, the usual place.
    git: PathBuf,
}

impl Repository {
    /// Finds out what PATH is. `snapshots` is where the snapshot repository goes when one is needed.
    pub fn open(root: &Path, worktree: bool, snapshots: PathBuf) -> Result<Self, RepositoryError> {
        if !root.is_dir() {
            return Err(RepositoryError::NotADirectory { path: root.to_owned() });
        }
        let git = root.join(".git");
        let is_repository = git.exists();
        let git = if is_repository { local::git_dir(root).unwrap_or(git) } else { git };
        let follow = match (is_repository, worktree) {
            (true, false) => Follow::Commits,
            (true, true) => Follow::WorkTree,
            (false, false) => Follow::Directory,
            (false, true) => return Err(RepositoryError::NoWorkTree { path: root.to_owned() }),
        };
        if follow == Follow::Commits {
            return Ok(Self { root: root.to_owned(), follow, commits: root.to_owned(), snapshots: None, git });
        }
        let store = Snapshots::open(&snapshots, SnapshotLimits::default())
            .map_err(|source| RepositoryError::Git { path: root.to_owned(), source })?;
        let store = Some(Arc::new(Mutex::new(store)));
        Ok(Self { root: root.to_owned(), follow, commits: snapshots, snapshots: store, git })
    }

    /// URLs of the repository's remotes; none for a plain directory.
    pub fn remotes(&self) -> Vec<String> {
        if self.follow == Follow::Directory {
            return Vec::new();
        }
        local::remotes(&self.root).unwrap_or_default()
    }

    /// The commit to follow now; takes a snapshot when files are followed.
    pub fn head(&self, state: &Path) -> Result<Head, RepositoryError> {
        let failed = |source| RepositoryError::Git { path: self.root.clone(), source };
        let Some(snapshots) = &self.snapshots else {
            let head = local::head(&self.root).map_err(failed)?;
            let (branch, commit) = head.ok_or_else(|| RepositoryError::NoCommit { path: self.root.clone() })?;
            return Ok(Head { branch, commit });
        };
        let mut snapshots = snapshots.lock().unwrap_or_else(PoisonError::into_inner);
        let commit = snapshots.take(&self.root, &[state]).map_err(failed)?;
        Ok(Head { branch: self.branch(), commit })
    }

    fn branch(&self) -> String {
        let checked_out = match self.follow {
            Follow::Directory => None,
            _ => local::branch(&self.root).ok().flatten(),
        };
        checked_out.unwrap_or_else(|| "main".to_owned())
    }

    /// True while a Git operation is under way, so that what is on disk is between two states.
    fn busy(&self) -> bool {
        let marks: &[&str] = match self.follow {
            // A commit is whole once HEAD names it, but a rebase names many that nobody wants applied.
            Follow::Commits => &["rebase-merge", "rebase-apply"],
            Follow::WorkTree => BUSY_MARKS,
            Follow::Directory => return false,
        };
        marks.iter().any(|mark| self.git.join(mark).exists())
    }

    fn watch(&self, state: &Path) -> Watch {
        let git = local::git_dir(&self.root).ok();
        let common = local::common_dir(&self.root).ok();
        let state = state.to_owned();
        match self.follow {
            Follow::Commits => {
                let folders = [git.clone(), common.clone(), common.map(|dir| dir.join("refs/heads"))];
                let mut roots: Vec<PathBuf> = folders.into_iter().flatten().filter(|dir| dir.is_dir()).collect();
                roots.dedup();
                // Below the Git directory only branches matter; objects change with every write.
                Watch::start(roots, |path| path.components().any(|part| part.as_os_str() == "heads"))
            }
            Follow::WorkTree | Follow::Directory => {
                let mut roots = vec![self.root.clone()];
                roots.extend(git.filter(|_| self.follow == Follow::WorkTree));
                Watch::start(roots, move |path| {
                    *path != *state && !path.components().any(|part| part.as_os_str() == ".git")
                })
            }
        }
    }
}

/// Publishes each new head until `shutdown`. Problems are reported once and the last head stays.
pub async fn follow(
    repository: Repository,
    state: PathBuf,
    head: watch::Sender<Head>,
    report: impl Fn(&RepositoryError),
    shutdown: CancellationToken,
) {
    let watch = repository.watch(&state);
    let mut last_problem = String::new();
    let mut disturbed_since = None;
    loop {
        if disturbed_since.is_none() {
            tokio::select! {
                () = shutdown.cancelled() => return,
                () = watch.changed() => {}
            }
        }
        settle(&repository, &watch).await;
        let (looked, state) = (repository.clone(), state.clone());
        let Ok(now) = tokio::task::spawn_blocking(move || looked.head(&state)).await else { continue };
        // Files that changed while they were read may make up a state that never was: look again.
        let since = *disturbed_since.get_or_insert_with(tokio::time::Instant::now);
        let disturbed = disturbed(&repository, &watch).await;
        if disturbed && (repository.busy() || since.elapsed() < QUIET_AT_MOST) {
            continue;
        }
        // A tree that is written all the time is shown as it was, and looked at again at once.
        disturbed_since = disturbed.then(tokio::time::Instant::now);
        match now {
            Ok(now) => {
                last_problem.clear();
                head.send_if_modified(|head| {
                    let changed = *head != now;
                    *head = now;
                    changed
                });
            }
            Err(error) => {
                let text = flux_diagnostics::one_line(&error);
                if text != last_problem {
                    report(&error);
                    last_problem = text;
                }
            }
        }
    }
}

/// True when something changed while a snapshot was taken, or a Git operation is under way now.
async fn disturbed(repository: &Repository, watch: &Watch) -> bool {
    if repository.follow == Follow::Commits {
        return false;
    }
    repository.busy() || tokio::time::timeout(EVENTS_ARRIVE, watch.changed()).await.is_ok()
}

/// Waits until files are left alone and no Git operation is under way. Commits are whole and need no quiet.
async fn settle(repository: &Repository, watch: &Watch) {
    let deadline = tokio::time::Instant::now() + QUIET_AT_MOST;
    if repository.follow != Follow::Commits {
        while tokio::time::timeout(QUIET, watch.changed()).await.is_ok() {
            if tokio::time::Instant::now() > deadline {
                break;
            }
        }
    }
    // The end of the operation is a file event of its own; the timeout is for systems that lose one.
    while repository.busy() {
        let _ = tokio::time::timeout(Duration::from_secs(1), watch.changed()).await;
    }
}
