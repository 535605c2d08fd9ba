//! From a tree to a stored file.

use std::io::Write;
use std::path::{Path, PathBuf};

use flux_api::source::{GitInclude, GitRepositorySpec};
use flux_api::{Artifact, GitRepository};
use flux_archive::{Matcher, ignore, write_tar_gz};
use flux_artifact::{Storage, StorageError};
use flux_diagnostics::one_line;
use flux_git::{GitError, Tree};
use flux_runtime::ObjectKey;

use crate::include;
use crate::reason::{Failure, Reason};

/// What an archive is made of, beside the tree.
pub struct Recipe {
    pub storage: Storage,
    pub scratch: PathBuf,
    pub ignore: Option<String>,
    pub sparse: Vec<String>,
    pub include: Vec<GitInclude>,
    pub included: Vec<Artifact>,
}

impl Recipe {
    pub fn new(storage: &Storage, scratch: &Path, spec: &GitRepositorySpec, included: &[Artifact]) -> Self {
        Self {
            storage: storage.clone(),
            scratch: scratch.to_owned(),
            ignore: spec.ignore.clone(),
            sparse: spec.sparse_checkout.clone(),
            include: spec.include.clone(),
            included: included.to_vec(),
        }
    }

    /// Archives the tree into the store. Blocks.
    pub fn store(&self, key: &ObjectKey, tree: &Tree, revision: &str) -> Result<Artifact, Failure> {
        let file = format!("{}.tar.gz", tree.commit().hash);
        let mut artifact = self.storage.new_artifact(GitRepository::KIND, &key.namespace, &key.name, revision, &file);
        let limits = self.storage.limits();
        if self.include.is_empty() {
            self.storage.store(&mut artifact, |out: &mut dyn Write| {
                let archived = tree.archive(out, self.ignore.as_deref(), &self.sparse, limits);
                archived.map(drop).map_err(Stop::from)
            })
        } else {
            self.composed(&mut artifact, tree)
        }
        .map_err(Stop::into_failure)?;
        Ok(artifact)
    }

    /// With included content, everything is laid out on disk first.
    fn composed(&self, artifact: &mut Artifact, tree: &Tree) -> Result<(), Stop> {
        let made = tempfile::Builder::new().prefix("git-").tempdir_in(&self.scratch);
        let dir = made.map_err(|error| {
            let message = format!("failed to create temporary working directory: {error}");
            Stop::Failure(Failure::storage(Reason::DirectoryCreationFailed, message))
        })?;
        tree.checkout(dir.path(), &self.sparse, self.storage.limits())?;
        include::copy(&self.storage, &self.include, &self.included, dir.path()).map_err(Stop::Failure)?;
        let files = ignore::load_files(dir.path()).map_err(|error| {
            let message = format!("failed to load source ignore patterns from repository: {error}");
            Stop::Failure(Failure::retry(crate::reason::STORAGE_OPERATION_FAILED, Reason::SourceIgnoreError, message))
        })?;
        let rules = files.iter().map(|(directory, text)| (directory.as_str(), text.as_str()));
        let matcher = Matcher::for_artifact(rules, self.ignore.as_deref());
        self.storage.store(artifact, |out: &mut dyn Write| {
            let written = write_tar_gz(dir.path(), Some(&matcher), out, self.storage.limits());
            written.map(drop).map_err(|error| Stop::Storage(error.into()))
        })
    }
}

enum Stop {
    Git(GitError),
    Storage(StorageError),
    Failure(Failure),
}

impl From<GitError> for Stop {
    fn from(error: GitError) -> Self {
        Self::Git(error)
    }
}

impl From<StorageError> for Stop {
    fn from(error: StorageError) -> Self {
        Self::Storage(error)
    }
}

impl Stop {
    fn into_failure(self) -> Failure {
        let archive = |error: &dyn std::fmt::Display| {
            Failure::storage(Reason::ArchiveOperationFailed, format!("unable to archive artifact to storage: {error}"))
        };
        match self {
            Self::Failure(failure) => failure,
            Self::Storage(error) => archive(&one_line(&error)),
            Self::Git(error @ GitError::SparseMissing { .. }) => {
                let message = format!("failed to sparse checkout directories : {error}");
                Failure::fetch(Reason::GitOperationFailed, message)
            }
            Self::Git(error @ (GitError::Archive(_) | GitError::FileTooLarge { .. })) => archive(&one_line(&error)),
            Self::Git(error) => {
                let message = format!("failed to checkout and determine revision: {error}");
                Failure::fetch(Reason::GitOperationFailed, message)
            }
        }
    }
}

/// Whether anything but the commit differs from what the stored artifact was made of.
pub fn recipe_changed(obj: &GitRepository, included: &[Artifact]) -> bool {
    let spec = &obj.spec;
    let Some(status) = &obj.status else { return true };
    spec.ignore != status.observed_ignore
        || spec.recurse_submodules != status.observed_recurse_submodules
        || spec.include != status.observed_include
        || spec.sparse_checkout != status.observed_sparse_checkout
        || spec.include.len() != included.len()
        || include::differ(included, &status.included_artifacts)
}
