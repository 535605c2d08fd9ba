//! What the repository holds now: from a server, or from a repository on this machine.

use std::path::PathBuf;

use flux_api::GitRepository;
use flux_api::meta::GitReference;
use flux_git::{FetchOptions, Fetched, GitError, Ref, Remote, Resolved, Tree, fetch, local};

use crate::options::UrlMapping;
use crate::reason::{Failure, Reason};

/// What a look at the source gave.
pub enum Found {
    /// The revision of the stored artifact is still the wanted one.
    Unchanged(Resolved),
    Tree(Box<Tree>),
}

impl Found {
    /// As it stands in artifacts.
    pub fn revision(&self, full_name: bool) -> String {
        match self {
            Self::Unchanged(resolved) => resolved.revision(full_name),
            Self::Tree(tree) => tree.commit().revision(full_name),
        }
    }
}

/// `spec.ref`.
pub fn reference(spec: Option<&GitReference>) -> Ref {
    spec.map_or_else(Ref::default, |spec| Ref {
        branch: spec.branch.clone(),
        tag: spec.tag.clone(),
        semver: spec.semver.clone(),
        name: spec.name.clone(),
        commit: spec.commit.clone(),
    })
}

fn failed(error: &GitError) -> Failure {
    Failure::fetch(Reason::GitOperationFailed, format!("failed to checkout and determine revision: {error}"))
}

fn empty() -> Failure {
    Failure::fetch(Reason::EmptyGitRepository, "git repository is empty")
}

/// Fetches from the server; nothing when its revision is `last`.
pub async fn remote(
    remote: &Remote,
    wanted: &Ref,
    scratch: PathBuf,
    submodules: bool,
    last: Option<String>,
) -> Result<Found, Failure> {
    let options = FetchOptions { submodules, last, ..FetchOptions::new(scratch) };
    match fetch(remote, wanted, &options).await.map_err(|error| failed(&error))? {
        Fetched::Unchanged(resolved) => Ok(Found::Unchanged(resolved)),
        Fetched::Tree(tree) => Ok(Found::Tree(tree)),
        Fetched::Empty => Err(empty()),
    }
}

/// Looks into a repository on this machine. Blocks.
pub fn mapped(
    mapping: &UrlMapping,
    obj: &GitRepository,
    submodules: bool,
    last: Option<&str>,
) -> Result<Found, Failure> {
    let wanted = reference(obj.spec.reference.as_ref());
    let head = mapping.head.as_ref().and_then(|head| head());
    let followed = head.filter(|head| stands_at(obj, &wanted, &head.branch));
    let (repository, resolved) = match followed {
        Some(head) => {
            let resolved = Resolved { reference: Some(format!("refs/heads/{}", head.branch)), hash: head.commit };
            (head.repository, resolved)
        }
        None => {
            let found = local::find(&mapping.repository, &wanted).map_err(|error| failed(&error))?;
            (mapping.repository.clone(), found.ok_or_else(empty)?)
        }
    };
    if last.is_some_and(|last| resolved.revision(wanted.shows_full_name()) == last) {
        return Ok(Found::Unchanged(resolved));
    }
    let tree = local::tree(&repository, &resolved, submodules).map_err(|error| failed(&error))?;
    Ok(Found::Tree(Box::new(tree)))
}

/// Whether the followed head is what the object asks for: it is for the root source, whatever that names, and for
/// the branch that is checked out.
fn stands_at(obj: &GitRepository, wanted: &Ref, branch: &str) -> bool {
    if obj.metadata.name.as_deref() == Some("flux-system") {
        return true;
    }
    let plain = Ref { branch: None, ..wanted.clone() } == Ref::default();
    plain && wanted.branch.as_deref().unwrap_or(flux_git::DEFAULT_BRANCH) == branch
}
