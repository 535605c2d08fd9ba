//! The content of a commit, streamed into an archive without a checkout.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::path::Path;

use flux_archive::ignore::IGNORE_FILE;
use flux_archive::{Limits, Matcher, Symlinks, Writer, unpack};
use gix::ObjectId;

use crate::error::GitError;
use crate::objects::{EntryKind, Objects, Reader};
use crate::reference::Commit;

/// Directories within directories.
const MAX_DEPTH: usize = 256;
/// The largest file of an archive; it is in memory once.
const MAX_FILE: u64 = 256 << 20;
/// Rules longer than this are refused.
const MAX_IGNORE_FILE: u64 = 1 << 20;

/// The content of a commit, with the submodules that were fetched.
#[derive(Clone)]
pub struct Tree {
    commit: Commit,
    root: ObjectId,
    objects: Objects,
    pub(crate) submodules: BTreeMap<String, Tree>,
}

/// What an archive was made of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Archived {
    pub files: u64,
    /// Bytes of the files before compression.
    pub bytes: u64,
}

/// A path of the tree and where its content is.
struct Node<'a> {
    path: String,
    kind: EntryKind,
    id: ObjectId,
    tree: &'a Tree,
}

impl std::fmt::Debug for Tree {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tree").field("commit", &self.commit).finish_non_exhaustive()
    }
}

impl Tree {
    pub(crate) fn open(objects: Objects, commit: &ObjectId, reference: Option<String>) -> Result<Self, GitError> {
        let (commit, root) = objects.reader().commit(commit, reference)?;
        Ok(Self { commit, root, objects, submodules: BTreeMap::new() })
    }

    pub fn commit(&self) -> &Commit {
        &self.commit
    }

    pub(crate) fn reader(&self) -> Reader {
        self.objects.reader()
    }

    pub(crate) fn root(&self) -> ObjectId {
        self.root
    }

    /// Writes the reproducible archive of an artifact: without what the tree's `.sourceignore` files and
    /// `spec_ignore` exclude, with only the `sparse` directories when there are any. Links are left out.
    ///
    /// Blocks: reads and compresses everything.
    pub fn archive<W: Write>(
        &self,
        out: W,
        spec_ignore: Option<&str>,
        sparse: &[String],
        limits: Limits,
    ) -> Result<(W, Archived), GitError> {
        let nodes = self.nodes(sparse, limits)?;
        let mut readers = Readers::default();
        let rules = rules(&nodes, &mut readers)?;
        let rules = rules.iter().map(|(directory, text)| (directory.as_str(), text.as_str()));
        let matcher = Matcher::for_artifact(rules, spec_ignore);
        write(&nodes, &mut readers, Some(&matcher), out, limits)
    }

    /// Writes the content into an empty directory, nothing left out but links.
    pub fn checkout(&self, dir: &Path, sparse: &[String], limits: Limits) -> Result<(), GitError> {
        let nodes = self.nodes(sparse, limits)?;
        let file = tempfile::tempfile().map_err(GitError::io("temporary file"))?;
        let (mut file, _) = write(&nodes, &mut Readers::default(), None, file, limits)?;
        io::Seek::seek(&mut file, io::SeekFrom::Start(0)).map_err(GitError::io("temporary file"))?;
        unpack(io::BufReader::new(file), dir, limits, Symlinks::Refuse).map_err(GitError::repository)
    }

    /// All paths of the tree in the order of an archive.
    fn nodes(&self, sparse: &[String], limits: Limits) -> Result<Vec<Node<'_>>, GitError> {
        let sparse = Sparse::new(sparse);
        let mut nodes = Vec::new();
        self.walk("", "", &self.root, 0, &sparse, limits, &mut nodes)?;
        sparse.check(&nodes)?;
        Ok(nodes)
    }

    /// `prefix` is the path of this tree in the whole, `inner` the directory within this tree.
    #[allow(clippy::too_many_arguments)]
    fn walk<'a>(
        &'a self,
        prefix: &str,
        inner: &str,
        id: &ObjectId,
        depth: usize,
        sparse: &Sparse,
        limits: Limits,
        nodes: &mut Vec<Node<'a>>,
    ) -> Result<(), GitError> {
        if depth > MAX_DEPTH {
            return Err(GitError::TooDeep { path: join(prefix, inner), limit: MAX_DEPTH });
        }
        for entry in self.reader_for(id)? {
            let name = String::from_utf8_lossy(&entry.name);
            let within = join(inner, &name);
            let path = join(prefix, &within);
            let is_dir = matches!(entry.kind, EntryKind::Directory | EntryKind::Submodule);
            if !sparse.wants(&path, is_dir) {
                continue;
            }
            if nodes.len() as u64 >= limits.entries {
                return Err(flux_archive::ArchiveError::TooManyEntries { path, limit: limits.entries }.into());
            }
            nodes.push(Node { path: path.clone(), kind: entry.kind, id: entry.id, tree: self });
            match (entry.kind, self.submodules.get(&within)) {
                (EntryKind::Directory, _) => {
                    self.walk(prefix, &within, &entry.id, depth + 1, sparse, limits, nodes)?;
                }
                (EntryKind::Submodule, Some(module)) => {
                    module.walk(&path, "", &module.root, depth + 1, sparse, limits, nodes)?;
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn reader_for(&self, id: &ObjectId) -> Result<Vec<crate::objects::Entry>, GitError> {
        self.objects.reader().tree(id)
    }
}

/// One reader per repository that takes part.
#[derive(Default)]
struct Readers<'a>(Vec<(&'a Tree, Reader)>);

impl<'a> Readers<'a> {
    fn of(&mut self, tree: &'a Tree) -> &mut Reader {
        let at = self.0.iter().position(|(known, _)| std::ptr::eq(*known, tree)).unwrap_or_else(|| {
            self.0.push((tree, tree.reader()));
            self.0.len() - 1
        });
        &mut self.0[at].1
    }
}

/// The directories and texts of the rule files, in the order of the walk.
fn rules<'a>(nodes: &[Node<'a>], readers: &mut Readers<'a>) -> Result<Vec<(String, String)>, GitError> {
    let mut found = Vec::new();
    for node in nodes.iter().filter(|node| matches!(node.kind, EntryKind::File { .. })) {
        let (directory, name) = node.path.rsplit_once('/').unwrap_or(("", &node.path));
        if name != IGNORE_FILE {
            continue;
        }
        let reader = readers.of(node.tree);
        let size = reader.size(&node.id)?;
        if size > MAX_IGNORE_FILE {
            return Err(GitError::FileTooLarge { path: node.path.clone(), size, limit: MAX_IGNORE_FILE });
        }
        found.push((directory.to_owned(), String::from_utf8_lossy(reader.blob(&node.id)?).into_owned()));
    }
    Ok(found)
}

fn write<'a, W: Write>(
    nodes: &[Node<'a>],
    readers: &mut Readers<'a>,
    matcher: Option<&Matcher>,
    out: W,
    limits: Limits,
) -> Result<(W, Archived), GitError> {
    let mut writer = Writer::new(out, limits)?;
    let mut archived = Archived::default();
    for node in nodes {
        let is_dir = matches!(node.kind, EntryKind::Directory | EntryKind::Submodule);
        if matcher.is_some_and(|matcher| matcher.excludes(&node.path, is_dir)) {
            continue;
        }
        match node.kind {
            EntryKind::Directory | EntryKind::Submodule => writer.directory(node.path.as_bytes())?,
            EntryKind::Link => {}
            EntryKind::File { executable } => {
                let reader = readers.of(node.tree);
                let size = reader.size(&node.id)?;
                writer.check(node.path.as_bytes(), size)?;
                if size > MAX_FILE {
                    return Err(GitError::FileTooLarge { path: node.path.clone(), size, limit: MAX_FILE });
                }
                let content = reader.blob(&node.id)?;
                writer.file(node.path.as_bytes(), executable, content.len() as u64, content)?;
                archived.files += 1;
                archived.bytes += size;
            }
        }
    }
    Ok((writer.finish()?, archived))
}

fn join(directory: &str, name: &str) -> String {
    if directory.is_empty() || name.is_empty() { format!("{directory}{name}") } else { format!("{directory}/{name}") }
}

/// The directories of a sparse checkout; none means everything.
struct Sparse {
    /// As written, and cleaned.
    wanted: Vec<(String, String)>,
    all: bool,
}

impl Sparse {
    fn new(paths: &[String]) -> Self {
        let clean = |path: &String| {
            let parts: Vec<&str> = path.split('/').filter(|part| !matches!(*part, "" | ".")).collect();
            parts.join("/")
        };
        let wanted: Vec<_> = paths.iter().map(|path| (path.clone(), clean(path))).collect();
        let all = wanted.is_empty() || wanted.iter().any(|(_, path)| path.is_empty());
        Self { wanted, all }
    }

    /// A path below a wanted one, or a directory on the way to one.
    fn wants(&self, path: &str, is_dir: bool) -> bool {
        self.all || self.wanted.iter().any(|(_, wanted)| below(path, wanted) || (is_dir && below(wanted, path)))
    }

    /// Every wanted path must be there.
    fn check(&self, nodes: &[Node<'_>]) -> Result<(), GitError> {
        for (written, wanted) in &self.wanted {
            if !wanted.is_empty() && !nodes.iter().any(|node| node.path == *wanted) {
                return Err(GitError::SparseMissing { path: written.clone() });
            }
        }
        Ok(())
    }
}

/// Whether `path` is `top` or below it.
fn below(path: &str, top: &str) -> bool {
    path.strip_prefix(top).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}
