//! From a tree to a stored file.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::PoisonError;

use flux_api::source::{GitInclude, GitRepositorySpec};
use flux_api::{Artifact, GitRepository};
use flux_archive::{Matcher, ignore, write_tar_gz};
use flux_artifact::{Storage, StorageError};
use flux_diagnostics::one_line;
use flux_git::{GitError, Tree};
use flux_runtime::ObjectKey;

use crate::archives::{Archives, Key, Made};
use crate::include;
use crate::options::Options;
use crate::reason::{Failure, Reason};

/// What an archive is made of, beside the tree.
pub struct Recipe {
    pub storage: Storage,
    pub scratch: PathBuf,
    pub ignore: Option<String>,
    pub sparse: Vec<String>,
    pub include: Vec<GitInclude>,
    pub included: Vec<Artifact>,
    /// For commits of a repository on this machine: where they are, and the archives made of it.
    pub shared: Option<(PathBuf, Archives)>,
    pub submodules: bool,
}

impl Recipe {
    pub fn new(options: &Options, spec: &GitRepositorySpec, included: &[Artifact], local: Option<&Path>) -> Self {
        Self {
            storage: options.storage.clone(),
            scratch: options.scratch.clone(),
            shared: local.map(|repository| (repository.to_owned(), options.archives.clone())),
            submodules: spec.recurse_submodules,
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
        if self.include.is_empty() { self.shared(&mut artifact, tree) } else { self.composed(&mut artifact, tree) }
            .map_err(Stop::into_failure)?;
        Ok(artifact)
    }

    /// Takes the archive that was made of the same commit for another object or cluster, or makes it.
    fn shared(&self, artifact: &mut Artifact, tree: &Tree) -> Result<(), Stop> {
        let Some((repository, archives)) = &self.shared else { return self.plain(artifact, tree) };
        let slot = archives.slot(Key {
            repository: repository.clone(),
            commit: tree.commit().hash.clone(),
            submodules: self.submodules,
            ignore: self.ignore.clone(),
            sparse: self.sparse.clone(),
        });
        let mut made = slot.lock().unwrap_or_else(PoisonError::into_inner);
        // The file may be gone or overwritten: then nothing is lost but the short way.
        if let Some(known) = made.as_ref()
            && self.storage.copy_from_path(artifact, &known.path).is_ok()
            && artifact.digest == known.digest
        {
            return Ok(());
        }
        self.plain(artifact, tree)?;
        *made = self.storage.local_path(&artifact.path).map(|path| Made { path, digest: artifact.digest.clone() });
        Ok(())
    }

    fn plain(&self, artifact: &mut Artifact, tree: &Tree) -> Result<(), Stop> {
        let limits = self.storage.limits();
        self.storage.store(artifact, |out: &mut dyn Write| {
            let archived = tree.archive(out, self.ignore.as_deref(), &self.sparse, limits);
            archived.map(drop).map_err(Stop::from)
        })
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
