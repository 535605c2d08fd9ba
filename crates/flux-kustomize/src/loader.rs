//! Finds and reads what kustomizations name, within their bounds.

mod ahead;

use std::cell::{Cell, RefCell};
use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::Arc;

use flux_yaml::Node;

use self::ahead::Ahead;
use crate::documents;
use crate::error::Error;
use crate::fs::{FileKind, FileSystem, clean};
use crate::options::{Limits, LoadRestrictions, Options, RemoteError, RepoSpec};
use crate::remote;

/// The names of a kustomization file, in the order they are looked for.
pub(crate) const FILE_NAMES: [&str; 3] = ["kustomization.yaml", "kustomization.yml", "Kustomization"];

/// A file system that is given for the build, or came with a repository.
#[derive(Clone)]
enum Tree<'a> {
    Given(&'a dyn FileSystem),
    Fetched(Arc<dyn FileSystem>),
}

impl Tree<'_> {
    fn fs(&self) -> &dyn FileSystem {
        match self {
            Self::Given(fs) => *fs,
            Self::Fetched(fs) => fs.as_ref(),
        }
    }
}

/// What one build shares: its choices, its budget, and files read more than once.
pub(crate) struct Session<'a> {
    options: &'a Options<'a>,
    bytes: Cell<u64>,
    bases: Cell<usize>,
    resources: Cell<usize>,
    /// Objects of files: noted at the first reading, kept from the second on.
    parsed: RefCell<HashMap<PathBuf, Option<Rc<Vec<Node>>>>>,
    ahead: RefCell<Ahead>,
}

impl<'a> Session<'a> {
    pub(crate) fn new(options: &'a Options<'a>) -> Self {
        Self {
            options,
            bytes: Cell::new(0),
            bases: Cell::new(0),
            resources: Cell::new(0),
            parsed: RefCell::default(),
            ahead: RefCell::default(),
        }
    }

    pub(crate) fn options(&self) -> &Options<'a> {
        self.options
    }

    pub(crate) fn limits(&self) -> &Limits {
        &self.options.limits
    }

    fn count_bytes(&self, more: usize) -> Result<(), Error> {
        self.bytes.set(self.bytes.get() + more as u64);
        let limit = self.limits().max_bytes;
        (self.bytes.get() <= limit).then_some(()).ok_or(Error::Limit { what: "the size of all files", limit })
    }

    /// Counts a kustomization.
    pub(crate) fn count_base(&self) -> Result<(), Error> {
        self.bases.set(self.bases.get() + 1);
        let limit = self.limits().max_bases;
        (self.bases.get() <= limit)
            .then_some(())
            .ok_or(Error::Limit { what: "the number of bases", limit: limit as u64 })
    }

    /// Counts objects.
    pub(crate) fn count_resources(&self, more: usize) -> Result<(), Error> {
        self.resources.set(self.resources.get() + more);
        let limit = self.limits().max_resources;
        let fine = self.resources.get() <= limit;
        fine.then_some(()).ok_or(Error::Limit { what: "the number of resources", limit: limit as u64 })
    }
}

/// Reads for one kustomization folder.
pub(crate) struct Loader<'a> {
    session: &'a Session<'a>,
    tree: Tree<'a>,
    root: PathBuf,
    root_only: bool,
    /// The repository this folder or one above it came with, and where it lies.
    repo: Option<(Rc<RepoSpec>, PathBuf)>,
    /// The folders that led here, nearest first, each with the repository it was fetched from.
    visited: Rc<Visited>,
    depth: usize,
}

struct Visited {
    root: PathBuf,
    fetched: Option<Rc<RepoSpec>>,
    /// Which file system the folder lies in: 0 for the given one.
    tree: usize,
    before: Option<Rc<Visited>>,
}

impl Visited {
    fn iter(&self) -> impl Iterator<Item = &Visited> {
        std::iter::successors(Some(self), |at| at.before.as_deref())
    }
}

impl<'a> Loader<'a> {
    /// A loader for the folder a build starts in.
    pub(crate) fn start(session: &'a Session<'a>, fs: &'a dyn FileSystem, path: &Path) -> Result<Self, Error> {
        if let Some(spec) = path.to_str().and_then(remote::parse) {
            return Self::fetch(session, spec, None);
        }
        let root = confirm_dir(fs, path).map_err(|error| error.within_not_dir())?;
        Ok(Self {
            session,
            tree: Tree::Given(fs),
            root_only: session.options.load_restrictions == LoadRestrictions::RootOnly,
            repo: None,
            visited: Rc::new(Visited { root: root.clone(), fetched: None, tree: 0, before: None }),
            root,
            depth: 0,
        })
    }

    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    pub(crate) fn session(&self) -> &'a Session<'a> {
        self.session
    }

    /// A key for the folder when it lies in the given file system.
    pub(crate) fn shared_key(&self) -> Option<&Path> {
        matches!(self.tree, Tree::Given(_)).then_some(self.root.as_path())
    }

    /// The folders that led here.
    pub(crate) fn visited_roots(&self) -> impl Iterator<Item = &Path> {
        self.visited.iter().map(|at| at.root.as_path())
    }

    /// A loader for a base: a folder relative to this one, or a repository.
    pub(crate) fn enter(&self, path: &str) -> Result<Self, Error> {
        let load = |reason: String| Error::Load { path: path.into(), reason };
        if path.is_empty() {
            return Err(load("new root cannot be empty".into()));
        }
        let limit = self.session.limits().max_depth;
        if self.depth >= limit {
            return Err(Error::Limit { what: "the depth of bases", limit: limit as u64 });
        }
        if let Some(spec) = remote::parse(path) {
            self.check_repo_cycle(&spec)?;
            return Self::fetch(self.session, spec, Some(self));
        }
        if path.starts_with('/') {
            return Err(load(format!("new root '{path}' cannot be absolute")));
        }
        let root =
            confirm_dir(self.tree.fs(), &clean(&self.root.join(path))).map_err(|error| error.within_not_dir())?;
        if let Some((_, clone)) = &self.repo
            && !root.starts_with(clone)
        {
            return Err(load(format!(
                "security; bases in kustomizations found in cloned git repos must be within the repo, but base '{}' is \
                 outside '{}'",
                root.display(),
                clone.display()
            )));
        }
        self.check_cycle(&root)?;
        Ok(Self {
            session: self.session,
            tree: self.tree.clone(),
            root_only: self.root_only,
            repo: self.repo.clone(),
            visited: Rc::new(Visited {
                root: root.clone(),
                fetched: None,
                tree: self.visited.tree,
                before: Some(Rc::clone(&self.visited)),
            }),
            root,
            depth: self.depth + 1,
        })
    }

    fn fetch(session: &'a Session<'a>, spec: RepoSpec, from: Option<&Self>) -> Result<Self, Error> {
        let loader = session.options.remote.ok_or_else(|| Error::RemoteDisabled { url: spec.raw.clone() })?;
        let fetched = loader.repository(&spec)?;
        let place = clean(&fetched.root.join(&spec.path));
        let root = confirm_dir(fetched.fs.as_ref(), &place)?;
        let clone = fetched.fs.canonical(&fetched.root)?;
        if !root.starts_with(&clone) {
            let reason = format!("{place:?} refers to directory outside of repo {clone:?}");
            return Err(Error::Load { path: place, reason });
        }
        let spec = Rc::new(spec);
        let tree = from.map_or(0, |from| from.visited.iter().map(|at| at.tree).max().unwrap_or(0)) + 1;
        Ok(Self {
            session,
            tree: Tree::Fetched(fetched.fs),
            root_only: true,
            repo: Some((Rc::clone(&spec), clone)),
            visited: Rc::new(Visited {
                root: root.clone(),
                fetched: Some(spec),
                tree,
                before: from.map(|from| Rc::clone(&from.visited)),
            }),
            root,
            depth: from.map_or(0, |from| from.depth + 1),
        })
    }

    /// A folder that led here, or one above such a folder, is a cycle.
    fn check_cycle(&self, candidate: &Path) -> Result<(), Error> {
        let here = self.visited.tree;
        match self.visited.iter().find(|at| at.tree == here && at.root.starts_with(candidate)) {
            Some(at) => Err(Error::Cycle { candidate: candidate.into(), visited: at.root.clone() }),
            None => Ok(()),
        }
    }

    fn check_repo_cycle(&self, new: &RepoSpec) -> Result<(), Error> {
        let previous =
            self.visited.iter().filter_map(|at| at.fetched.as_ref()).find(|old| old.raw.starts_with(&new.raw));
        match previous {
            Some(old) => Err(Error::RemoteCycle { new: new.raw.clone(), previous: old.raw.clone() }),
            None => Ok(()),
        }
    }

    /// Reads a file relative to this folder, or an http one.
    pub(crate) fn load(&self, path: &str) -> Result<Arc<[u8]>, Error> {
        let content = if remote::is_file_url(path) {
            let loader = self.session.options.remote.ok_or_else(|| Error::RemoteDisabled { url: path.into() })?;
            loader.file(path).map_err(|error| match error {
                // A refused file may be a repository's address; it is tried as one next.
                RemoteError::Status { .. } if remote::parse(path).is_some() => {
                    RemoteError::Failed { reason: "URL is a git repository".into() }
                }
                error => error,
            })?
        } else {
            self.tree.fs().read(&self.resolve(path)?)?
        };
        self.session.count_bytes(content.len())?;
        Ok(content)
    }

    /// Reads a text file.
    pub(crate) fn load_text(&self, path: &str) -> Result<String, Error> {
        let content = self.load(path)?;
        Ok(flux_yaml::decode(&content)?.into_owned())
    }

    fn resolve(&self, path: &str) -> Result<PathBuf, Error> {
        place_of(self.tree.fs(), &self.root, self.root_only, path)
    }

    /// Reads the objects of a file.
    pub(crate) fn objects(&self, path: &str) -> Result<Vec<Node>, Error> {
        let key = match (&self.tree, remote::is_file_url(path)) {
            (Tree::Given(_), false) => Some(self.resolve(path)?),
            _ => None,
        };
        if let Some(key) = &key
            && let Some(Some(known)) = self.session.parsed.borrow().get(key)
        {
            return Ok(known.as_ref().clone());
        }
        let ahead = key.as_deref().and_then(|key| self.session.ahead.borrow_mut().take(key));
        let nodes = match ahead {
            Some(file) => {
                self.session.count_bytes(file.bytes)?;
                file.nodes
            }
            None => {
                let content = self.load(path)?;
                documents::read(&content, &self.session.limits().yaml).map_err(|error| in_file(error, path))?
            }
        };
        if let Some(key) = key {
            let mut parsed = self.session.parsed.borrow_mut();
            // Most files are read once, and copying a tree costs; the second reading shows that it pays.
            let again = parsed.contains_key(&key);
            parsed.insert(key, again.then(|| Rc::new(nodes.clone())));
        }
        Ok(nodes)
    }

    /// Finds the one kustomization file and reads it.
    pub(crate) fn kustomization(&self) -> Result<(Arc<[u8]>, &'static str), Error> {
        let mut found = FILE_NAMES.iter().filter_map(|name| Some((self.load(name).ok()?, *name)));
        match (found.next(), found.next()) {
            (Some(one), None) => Ok(one),
            (None, _) => Err(Error::MissingKustomization { dir: self.root.clone() }),
            (Some(_), Some(_)) => Err(Error::SeveralKustomizations { dir: self.root.clone() }),
        }
    }

    /// True when two loaders' folders lie in one file system.
    pub(crate) fn would_cycle(&self, roots: &HashSet<PathBuf>) -> bool {
        roots.iter().any(|root| self.visited_roots().skip(1).any(|visited| visited.starts_with(root)))
    }
}

/// Takes memory from this thread's allocator in one piece and gives it back.
pub(crate) fn reserve(bytes: usize) {
    drop(std::hint::black_box(Vec::<u8>::with_capacity(bytes)));
}

/// Where a file lies that a kustomization in `root` names.
fn place_of(fs: &dyn FileSystem, root: &Path, root_only: bool, path: &str) -> Result<PathBuf, Error> {
    let place = if path.starts_with('/') { PathBuf::from(path) } else { clean(&root.join(path)) };
    if !root_only {
        return Ok(place);
    }
    let real = fs.canonical(&place)?;
    if fs.kind(&real) == Some(FileKind::Dir) {
        let reason = format!("'{}' must resolve to a file", place.display());
        return Err(Error::Object { reason });
    }
    match real.parent().is_some_and(|dir| dir.starts_with(root)) {
        true => Ok(real),
        false => Err(Error::OutsideRoot { path: place, root: root.to_owned() }),
    }
}

/// Says which file is malformed, as upstream does only for syntax.
pub(crate) fn in_file(error: Error, path: &str) -> Error {
    match error {
        Error::MalformedYaml { yaml, file: None } => Error::MalformedYaml { yaml, file: Some(path.into()) },
        other => other,
    }
}

fn confirm_dir(fs: &dyn FileSystem, path: &Path) -> Result<PathBuf, Error> {
    let load = |reason: String| Error::Load { path: path.into(), reason };
    if path.as_os_str().is_empty() {
        return Err(load("directory path cannot be empty".into()));
    }
    let real = fs.canonical(path).map_err(|error| load(format!("not a valid directory: {error}")))?;
    match fs.kind(&real) {
        Some(FileKind::Dir) => Ok(real),
        _ => Err(load(format!("'{}': file is not directory", path.display()))),
    }
}

impl Error {
    fn within_not_dir(self) -> Self {
        match self {
            Self::Load { path, reason } => Self::Load { path, reason: format!("must build at directory: {reason}") },
            other => other,
        }
    }
}
