//! From a remote and a wish to the content of one commit.

use std::fs::File;
use std::io::BufWriter;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use flux_semver::{Constraint, Version};
use futures::future::BoxFuture;
use gix::ObjectId;

use crate::auth::Remote;
use crate::error::GitError;
use crate::location::{Location, redacted};
use crate::objects::{Objects, parse_id};
use crate::pack;
use crate::reference::{Ref, Resolved, Wanted};
use crate::submodules;
use crate::tree::Tree;
use crate::wire::{Bounds, RemoteRef, Session};

/// Written after the name of a tag to mean the commit it leads to.
const PEELED: &str = "^{}";

/// How a fetch is done.
#[derive(Clone, Debug)]
pub struct FetchOptions {
    /// Directory for the objects while they are used.
    pub scratch: PathBuf,
    /// Fetch the submodules too, and theirs.
    pub submodules: bool,
    /// The revision that is here already: when nothing is newer, nothing is fetched.
    pub last: Option<String>,
    /// Bytes of the list of references.
    pub max_references: u64,
    /// Bytes of a pack.
    pub max_pack: u64,
}

impl FetchOptions {
    /// Without submodules, always fetching, lists up to 128 MiB and packs up to 2 GiB.
    pub fn new(scratch: impl Into<PathBuf>) -> Self {
        Self { scratch: scratch.into(), submodules: false, last: None, max_references: 128 << 20, max_pack: 2 << 30 }
    }

    pub(crate) fn bounds(&self) -> Bounds {
        Bounds { references: self.max_references, pack: self.max_pack }
    }
}

/// What a fetch found.
#[derive(Debug)]
pub enum Fetched {
    /// The revision handed in is still what is asked for.
    Unchanged(Resolved),
    Tree(Box<Tree>),
    /// The repository has no commit yet.
    Empty,
}

/// All references of a repository.
pub async fn ls_remote(remote: &Remote) -> Result<Vec<RemoteRef>, GitError> {
    let options = FetchOptions::new("");
    within(remote, async {
        let mut session = Session::connect(remote, &Location::parse(&remote.url)?, options.bounds()).await?;
        session.references(&[]).await
    })
    .await
}

/// What is asked for at the moment; `None` when the repository has no commit yet. Of tags of one version, such as
/// `v1.0.0` and `1.0.0`, any may be the one found here; [`fetch`] takes the younger.
pub async fn resolve(remote: &Remote, reference: &Ref) -> Result<Option<Resolved>, GitError> {
    if let Wanted::Commit(commit) = reference.wanted() {
        parse_id(commit)?;
        return Ok(Some(Resolved { reference: reference.reference_of_commit(), hash: commit.to_owned() }));
    }
    let options = FetchOptions::new("");
    within(remote, async {
        let mut session = Session::connect(remote, &Location::parse(&remote.url)?, options.bounds()).await?;
        let candidates = candidates(&mut session, reference, &redacted(&remote.url)).await?;
        Ok(candidates.into_iter().flatten().next_back().map(|candidate| candidate.resolved))
    })
    .await
}

/// Fetches one commit, and nothing when it is the one that is here already.
pub async fn fetch(remote: &Remote, reference: &Ref, options: &FetchOptions) -> Result<Fetched, GitError> {
    if let (Wanted::Commit(commit), Some(last)) = (reference.wanted(), &options.last) {
        // A hash never means anything else.
        let resolved = Resolved { reference: reference.reference_of_commit(), hash: commit.to_owned() };
        if resolved.revision(reference.shows_full_name()) == *last {
            return Ok(Fetched::Unchanged(resolved));
        }
    }
    within(remote, fetch_inner(remote, reference, options)).await
}

async fn within<T>(remote: &Remote, work: impl Future<Output = Result<T, GitError>>) -> Result<T, GitError> {
    tokio::time::timeout(remote.timeout, work).await.unwrap_or(Err(GitError::Timeout))
}

async fn fetch_inner(remote: &Remote, reference: &Ref, options: &FetchOptions) -> Result<Fetched, GitError> {
    let url = redacted(&remote.url);
    let location = Location::parse(&remote.url)?;
    let mut session = Session::connect(remote, &location, options.bounds()).await?;
    let found = match reference.wanted() {
        Wanted::Commit(commit) => {
            let reference = reference.clone();
            return fetch_commit(remote, session, commit, &reference, options, &url).await;
        }
        _ => candidates(&mut session, reference, &url).await?,
    };
    let Some(candidates) = found else { return Ok(Fetched::Empty) };
    if let ([only], Some(last)) = (candidates.as_slice(), &options.last)
        && only.resolved.revision(reference.shows_full_name()) == *last
    {
        return Ok(Fetched::Unchanged(only.resolved.clone()));
    }
    let wants: Vec<String> = candidates.iter().map(|candidate| candidate.object.clone()).collect();
    let objects = receive(&mut session, &wants, true, options, &url).await?;
    drop(session);
    let tree = blocking(move || youngest(&objects, candidates)).await?;
    finish(remote, tree, options).await
}

/// The candidate with the youngest commit.
fn youngest(objects: &Objects, candidates: Vec<Candidate>) -> Result<Tree, GitError> {
    let mut reader = objects.reader();
    let mut best: Option<(i64, ObjectId, Option<String>)> = None;
    for candidate in candidates {
        let id = reader.peel(parse_id(&candidate.object)?)?;
        let (commit, _) = reader.commit(&id, None)?;
        if best.as_ref().is_none_or(|(time, ..)| commit.committed >= *time) {
            best = Some((commit.committed, id, candidate.resolved.reference));
        }
    }
    let (_, id, reference) = best.ok_or_else(|| GitError::repository("no candidate"))?;
    Tree::open(objects.clone(), &id, reference)
}

async fn fetch_commit(
    remote: &Remote,
    mut session: Session,
    commit: &str,
    reference: &Ref,
    options: &FetchOptions,
    url: &str,
) -> Result<Fetched, GitError> {
    let id = parse_id(commit)?;
    let not_found = || GitError::CommitNotFound { commit: commit.to_owned() };
    let (wants, shallow) = if session.allows_any_object() {
        (vec![commit.to_owned()], true)
    } else {
        let branch = reference.branch.as_deref().filter(|name| !name.is_empty());
        let prefix = branch.map_or("refs/heads/".to_owned(), |name| format!("refs/heads/{name}"));
        let found = session.references(&[prefix.clone(), "refs/tags/".into()]).await?;
        if let Some(tip) = found.iter().find(|known| known.id == commit) {
            (vec![tip.id.clone()], true)
        } else {
            // The commit may be anywhere below the branches: there is no way but to take them whole.
            let heads = found
                .into_iter()
                .filter(|known| branch.map_or(known.name.starts_with("refs/heads/"), |_| known.name == prefix));
            (heads.map(|head| head.id).collect(), false)
        }
    };
    if wants.is_empty() {
        return Err(not_found());
    }
    let received = receive(&mut session, &wants, shallow, options, url).await;
    drop(session);
    let objects = received.map_err(|error| match error {
        GitError::Remote { ref reason, .. } if reason.contains("not our ref") => not_found(),
        error => error,
    })?;
    let shown = reference.reference_of_commit();
    let commit = commit.to_owned();
    let tree = blocking(move || {
        if !objects.reader().exists(&id) {
            return Err(GitError::CommitNotFound { commit });
        }
        Tree::open(objects, &id, shown)
    });
    finish(remote, tree.await?, options).await
}

async fn finish(remote: &Remote, mut tree: Tree, options: &FetchOptions) -> Result<Fetched, GitError> {
    if options.submodules {
        submodules::fetch(remote, &mut tree, options, 0).await?;
    }
    Ok(Fetched::Tree(Box::new(tree)))
}

/// One commit of another repository, for a submodule.
pub(crate) fn fetch_module<'a>(
    remote: &'a Remote,
    commit: &'a str,
    options: &'a FetchOptions,
    depth: usize,
) -> BoxFuture<'a, Result<Tree, GitError>> {
    Box::pin(async move {
        let url = redacted(&remote.url);
        let location = Location::parse(&remote.url)?;
        let session = Session::connect(remote, &location, options.bounds()).await?;
        let alone = FetchOptions { submodules: false, last: None, ..options.clone() };
        match fetch_commit(remote, session, commit, &Ref::default(), &alone, &url).await? {
            Fetched::Tree(mut tree) => {
                submodules::fetch(remote, &mut tree, options, depth).await?;
                Ok(*tree)
            }
            Fetched::Unchanged(_) | Fetched::Empty => Err(GitError::CommitNotFound { commit: commit.to_owned() }),
        }
    })
}

/// Takes a pack and opens it.
async fn receive(
    session: &mut Session,
    wants: &[String],
    shallow: bool,
    options: &FetchOptions,
    url: &str,
) -> Result<Objects, GitError> {
    let file = tempfile::tempfile_in(&options.scratch).map_err(GitError::io(&options.scratch))?;
    let mut out = BufWriter::with_capacity(128 * 1024, file);
    session.pack(wants, shallow, &mut out).await?;
    let file: File = out.into_inner().map_err(|error| GitError::io(&options.scratch)(error.into_error()))?;
    let (scratch, url) = (options.scratch.clone(), url.to_owned());
    let guard = Interrupt(Arc::default());
    let interrupt = Arc::clone(&guard.0);
    let objects = blocking(move || pack::open(file, &scratch, &interrupt, &url)).await;
    drop(guard);
    objects
}

/// Stops the work on another thread when the one that waits for it is gone.
struct Interrupt(Arc<AtomicBool>);

impl Drop for Interrupt {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, GitError> + Send + 'static,
) -> Result<T, GitError> {
    tokio::task::spawn_blocking(work).await.map_err(|_| GitError::Cancelled)?
}

/// A reference that may be the one.
pub(crate) struct Candidate {
    pub resolved: Resolved,
    /// What to ask for: the tag where there is one.
    pub object: String,
}

impl Candidate {
    fn new(shown: &str, found: &RemoteRef) -> Self {
        let resolved = Resolved { reference: Some(shown.to_owned()), hash: found.commit().to_owned() };
        Self { resolved, object: found.id.clone() }
    }
}

/// The references that are asked for; more than one only when tags tie. `None` for an empty repository.
async fn candidates(session: &mut Session, reference: &Ref, url: &str) -> Result<Option<Vec<Candidate>>, GitError> {
    match reference.wanted() {
        Wanted::Branch(branch) => {
            let name = format!("refs/heads/{branch}");
            if let Some(found) = exact(session, &name).await? {
                return Ok(Some(vec![Candidate::new(&name, &found)]));
            }
            if session.references(&[]).await?.is_empty() {
                return Ok(None);
            }
            Err(GitError::RefNotFound { url: url.to_owned(), reference: name })
        }
        Wanted::Tag(tag) => {
            let name = format!("refs/tags/{tag}");
            match exact(session, &name).await? {
                Some(found) => Ok(Some(vec![Candidate::new(&name, &found)])),
                None if session.references(&[]).await?.is_empty() => {
                    Err(GitError::RepositoryNotFound { url: url.to_owned(), reason: "remote repository is empty" })
                }
                None => Err(GitError::RefNotFound { url: url.to_owned(), reference: name }),
            }
        }
        Wanted::Name(name) => {
            check_full_name(name)?;
            let found = exact(session, name.strip_suffix(PEELED).unwrap_or(name)).await?;
            let found = found.ok_or_else(|| GitError::NameNotFound { name: name.to_owned() })?;
            Ok(Some(vec![Candidate::new(name, &found)]))
        }
        Wanted::Semver(range) => {
            let range_parsed = parse_range(range)?;
            let tags = session.references(&["refs/tags/".to_owned()]).await?;
            let best = highest(&range_parsed, &tags, |tag| tag.name.strip_prefix("refs/tags/").unwrap_or_default());
            if best.is_empty() {
                return Err(GitError::NoMatch { range: range.to_owned() });
            }
            Ok(Some(best.into_iter().map(|tag| Candidate::new(&tag.name, tag)).collect()))
        }
        Wanted::Commit(_) => Ok(Some(Vec::new())),
    }
}

async fn exact(session: &mut Session, name: &str) -> Result<Option<RemoteRef>, GitError> {
    if name.contains(['\n', '\0', ' ']) {
        return Ok(None);
    }
    let found = session.references(&[name.to_owned()]).await?;
    Ok(found.into_iter().find(|reference| reference.name == name))
}

pub(crate) fn check_full_name(name: &str) -> Result<(), GitError> {
    if name.starts_with('/') || name.ends_with('/') {
        return Err(GitError::NameInvalid { name: name.to_owned() });
    }
    Ok(())
}

pub(crate) fn parse_range(range: &str) -> Result<Constraint, GitError> {
    range.parse().map_err(|error: flux_semver::ConstraintError| GitError::Range { reason: error.to_string() })
}

/// The tags of the highest version in the range; several when they differ in what does not count.
pub(crate) fn highest<'a, T>(range: &Constraint, tags: &'a [T], name: impl Fn(&'a T) -> &'a str) -> Vec<&'a T> {
    let mut best: Option<Version> = None;
    let mut found = Vec::new();
    for tag in tags {
        let Ok(version) = Version::parse_tag(name(tag)) else { continue };
        if !range.matches(&version) || best.as_ref().is_some_and(|best| version < *best) {
            continue;
        }
        if best.as_ref().is_none_or(|best| version > *best) {
            found.clear();
            best = Some(version);
        }
        found.push(tag);
    }
    found
}
