//! Any reference of a local repository, and the content of what it leads to.

use std::path::Path;

use gix::ObjectId;

use super::open;
use crate::error::GitError;
use crate::fetch::{check_full_name, highest, parse_range};
use crate::objects::{Objects, parse_id};
use crate::reference::{Ref, Resolved, Wanted};
use crate::submodules;
use crate::tree::Tree;

/// What is asked for, in the repository's own references. A branch that is not there is looked for among those of
/// the remote `origin`. `None` when there is no commit yet and the branch is the checked-out one.
pub fn find(path: &Path, reference: &Ref) -> Result<Option<Resolved>, GitError> {
    let repository = open(path).map_err(GitError::repository)?;
    let shown = path.display().to_string();
    let find = |name: &str| commit_of(&repository, name);
    let resolved =
        |reference: String, id: ObjectId| Some(Resolved { reference: Some(reference), hash: id.to_string() });
    match reference.wanted() {
        Wanted::Commit(commit) => {
            let id = parse_id(commit)?;
            if !repository.has_object(id) {
                return Err(GitError::CommitNotFound { commit: commit.to_owned() });
            }
            Ok(Some(Resolved { reference: reference.reference_of_commit(), hash: commit.to_owned() }))
        }
        Wanted::Name(name) => {
            check_full_name(name)?;
            let id = find(name.strip_suffix("^{}").unwrap_or(name))?;
            let id = id.ok_or_else(|| GitError::NameNotFound { name: name.to_owned() })?;
            Ok(resolved(name.to_owned(), id))
        }
        Wanted::Tag(tag) => {
            let name = format!("refs/tags/{tag}");
            match find(&name)? {
                Some(id) => Ok(resolved(name, id)),
                None => Err(GitError::RefNotFound { url: shown, reference: name }),
            }
        }
        Wanted::Branch(branch) => {
            let name = format!("refs/heads/{branch}");
            let id = match find(&name)? {
                Some(id) => Some(id),
                None => find(&format!("refs/remotes/origin/{branch}"))?,
            };
            if let Some(id) = id {
                return Ok(resolved(name, id));
            }
            let unborn = repository.head().map_err(GitError::repository)?;
            if unborn.is_unborn() && unborn.referent_name().is_some_and(|head| head.as_bstr() == name.as_str()) {
                return Ok(None);
            }
            Err(GitError::RefNotFound { url: shown, reference: name })
        }
        Wanted::Semver(range) => highest_tag(&repository, range).map(Some),
    }
}

fn highest_tag(repository: &gix::Repository, range: &str) -> Result<Resolved, GitError> {
    let parsed = parse_range(range)?;
    let platform = repository.references().map_err(GitError::repository)?;
    let mut names = Vec::new();
    for tag in platform.tags().map_err(GitError::repository)? {
        names.push(tag.map_err(GitError::repository)?.name().as_bstr().to_string());
    }
    let best = highest(&parsed, &names, |name| name.strip_prefix("refs/tags/").unwrap_or_default());
    let mut youngest: Option<(i64, Resolved)> = None;
    for name in best {
        let Some(id) = commit_of(repository, name)? else { continue };
        let time = repository.find_commit(id).map_err(GitError::repository)?.time().map_or(0, |time| time.seconds);
        if youngest.as_ref().is_none_or(|(known, _)| time >= *known) {
            youngest = Some((time, Resolved { reference: Some(name.clone()), hash: id.to_string() }));
        }
    }
    youngest.map(|(_, resolved)| resolved).ok_or_else(|| GitError::NoMatch { range: range.to_owned() })
}

/// The commit that a full name leads to.
fn commit_of(repository: &gix::Repository, name: &str) -> Result<Option<ObjectId>, GitError> {
    // A name that no reference can have names none.
    let Ok(full) = gix::refs::FullName::try_from(name) else { return Ok(None) };
    let Some(mut found) = repository.try_find_reference(full.as_ref()).map_err(GitError::repository)? else {
        return Ok(None);
    };
    let id = found.peel_to_id().map_err(GitError::repository)?;
    Ok(Some(id.detach()))
}

/// The content of a commit. With `submodules`, those that the work tree has initialised are part of it; one that
/// is not is an error.
pub fn tree(path: &Path, resolved: &Resolved, submodules: bool) -> Result<Tree, GitError> {
    let common = open(path).map_err(GitError::repository)?.common_dir().to_owned();
    let objects = Objects::open(&common.join("objects"), None)?;
    let id = parse_id(&resolved.hash)?;
    if !objects.reader().exists(&id) {
        return Err(GitError::CommitNotFound { commit: resolved.hash.clone() });
    }
    let mut tree = Tree::open(objects, &id, resolved.reference.clone())?;
    if submodules {
        local_modules(&common, &mut tree, 0)?;
    }
    Ok(tree)
}

fn local_modules(common: &Path, tree: &mut Tree, depth: usize) -> Result<(), GitError> {
    for module in submodules::modules(tree)? {
        let invalid = |reason: &str| GitError::SubmoduleInvalid { path: module.path.clone(), reason: reason.into() };
        if depth > 10 || module.name.split('/').any(|part| matches!(part, "" | "." | "..")) {
            return Err(invalid("invalid name, or nested too deep"));
        }
        let directory = common.join("modules").join(&module.name);
        let objects = directory.join("objects");
        if !objects.is_dir() {
            return Err(invalid("not initialised here; run `git submodule update --init`"));
        }
        let at = |source| GitError::Submodule { path: module.path.clone(), source: Box::new(source) };
        let objects = Objects::open(&objects, None).map_err(at)?;
        let id = parse_id(&module.commit).map_err(at)?;
        let mut child = Tree::open(objects, &id, None).map_err(at)?;
        local_modules(&directory, &mut child, depth + 1).map_err(at)?;
        tree.submodules.insert(module.path, child);
    }
    Ok(())
}
