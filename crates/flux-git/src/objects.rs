//! Reading objects of one repository.

use std::path::Path;
use std::sync::Arc;

use gix::ObjectId;
use gix::objs::{CommitRef, Find as _, FindHeader as _, Kind, TagRef, TreeRefIter};
use tempfile::TempDir;

use crate::error::GitError;
use crate::reference::Commit;

/// Tags that point to tags that point to tags.
const MAX_TAGS: usize = 16;
/// Larger commits, tags and trees are refused.
const MAX_SMALL_OBJECT: u64 = 64 << 20;

/// The objects of a repository; the directory of a temporary one goes with its last user.
#[derive(Clone)]
pub(crate) struct Objects {
    store: Arc<gix::odb::Store>,
    _directory: Option<Arc<TempDir>>,
}

/// An entry of a tree.
pub(crate) struct Entry {
    pub name: Vec<u8>,
    pub kind: EntryKind,
    pub id: ObjectId,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum EntryKind {
    Directory,
    File { executable: bool },
    Link,
    Submodule,
}

type Handle = gix::odb::Cache<gix::odb::store::Handle<Arc<gix::odb::Store>>>;

/// For one thread, with a cache of its own.
pub(crate) struct Reader {
    handle: Handle,
    buffer: Vec<u8>,
}

impl Objects {
    pub(crate) fn open(objects: &Path, directory: Option<Arc<TempDir>>) -> Result<Self, GitError> {
        let handle = gix::odb::at(objects, gix::hash::Kind::Sha1).map_err(GitError::io(objects))?;
        let handle = handle.into_arc().map_err(GitError::io(objects))?;
        Ok(Self { store: handle.store(), _directory: directory })
    }

    pub(crate) fn reader(&self) -> Reader {
        // Neighbours in a pack often share their base.
        let handle = self
            .store
            .to_cache_arc()
            .with_pack_cache(|| Box::new(gix::odb::pack::cache::lru::MemoryCappedHashmap::new(8 << 20)));
        Reader { handle, buffer: Vec::new() }
    }
}

pub(crate) fn parse_id(hex: &str) -> Result<ObjectId, GitError> {
    ObjectId::from_hex(hex.as_bytes()).map_err(|_| GitError::CommitNotFound { commit: hex.chars().take(64).collect() })
}

impl Reader {
    pub(crate) fn exists(&self, id: &ObjectId) -> bool {
        gix::objs::Exists::exists(&self.handle, id)
    }

    /// The size of an object, without reading it.
    pub(crate) fn size(&self, id: &ObjectId) -> Result<u64, GitError> {
        let header = self.handle.try_header(id).map_err(GitError::repository)?;
        Ok(header.ok_or_else(|| missing(id))?.size)
    }

    /// The bytes of a blob.
    pub(crate) fn blob(&mut self, id: &ObjectId) -> Result<&[u8], GitError> {
        self.find(id, Kind::Blob)
    }

    fn find(&mut self, id: &ObjectId, kind: Kind) -> Result<&[u8], GitError> {
        if kind != Kind::Blob && self.size(id)? > MAX_SMALL_OBJECT {
            return Err(GitError::repository(format!("object {id} is too large")));
        }
        let found = self.handle.try_find(id, &mut self.buffer).map_err(GitError::repository)?;
        let data = found.ok_or_else(|| missing(id))?;
        if data.kind != kind {
            return Err(GitError::repository(format!("object {id} is a {}, not a {kind}", data.kind)));
        }
        Ok(&self.buffer)
    }

    /// The commit that an object leads to through tags.
    pub(crate) fn peel(&mut self, id: ObjectId) -> Result<ObjectId, GitError> {
        let mut id = id;
        for _ in 0..MAX_TAGS {
            let header = self.handle.try_header(&id).map_err(GitError::repository)?.ok_or_else(|| missing(&id))?;
            match header.kind {
                Kind::Commit => return Ok(id),
                Kind::Tag => {
                    let data = self.find(&id, Kind::Tag)?;
                    id = TagRef::from_bytes(data, gix::hash::Kind::Sha1).map_err(GitError::repository)?.target();
                }
                other => return Err(GitError::repository(format!("object {id} is a {other}, not a commit"))),
            }
        }
        Err(GitError::repository(format!("more than {MAX_TAGS} tags on the way to {id}")))
    }

    /// A commit and its tree.
    pub(crate) fn commit(&mut self, id: &ObjectId, reference: Option<String>) -> Result<(Commit, ObjectId), GitError> {
        let data = self.find(id, Kind::Commit)?;
        let commit = CommitRef::from_bytes(data, gix::hash::Kind::Sha1).map_err(GitError::repository)?;
        let committed = commit.committer().ok().and_then(|who| who.time().ok()).map_or(0, |time| time.seconds);
        let message = commit.message.to_string();
        let tree = commit.tree();
        Ok((Commit { hash: id.to_string(), reference, message, committed }, tree))
    }

    /// The entries of a tree, sorted by name alone. Names that no checkout may have are an error.
    pub(crate) fn tree(&mut self, id: &ObjectId) -> Result<Vec<Entry>, GitError> {
        if *id == ObjectId::empty_tree(gix::hash::Kind::Sha1) {
            return Ok(Vec::new());
        }
        let data = self.find(id, Kind::Tree)?;
        let mut entries = Vec::new();
        for entry in TreeRefIter::from_bytes(data, gix::hash::Kind::Sha1) {
            let entry = entry.map_err(GitError::repository)?;
            check_name(entry.filename)?;
            let kind = match entry.mode.kind() {
                gix::objs::tree::EntryKind::Tree => EntryKind::Directory,
                gix::objs::tree::EntryKind::Blob => EntryKind::File { executable: false },
                gix::objs::tree::EntryKind::BlobExecutable => EntryKind::File { executable: true },
                gix::objs::tree::EntryKind::Link => EntryKind::Link,
                gix::objs::tree::EntryKind::Commit => EntryKind::Submodule,
            };
            entries.push(Entry { name: entry.filename.to_vec(), kind, id: entry.oid.to_owned() });
        }
        entries.sort_by(|a, b| a.name.cmp(&b.name));
        if let Some(pair) = entries.windows(2).find(|pair| pair[0].name == pair[1].name) {
            return Err(GitError::UnsafePath { path: String::from_utf8_lossy(&pair[0].name).into_owned() });
        }
        Ok(entries)
    }
}

fn missing(id: &ObjectId) -> GitError {
    GitError::repository(format!("object {id} is missing"))
}

/// Refuses what would leave the tree or reach into a repository's own directory on any file system.
fn check_name(name: &[u8]) -> Result<(), GitError> {
    let lower: Vec<u8> = name.to_ascii_lowercase();
    // Trailing dots and spaces vanish on some file systems, and streams follow a colon.
    let stem = lower.split(|&byte| byte == b':').next().unwrap_or_default();
    let end = stem.iter().rposition(|byte| !b" .".contains(byte)).map_or(0, |at| at + 1);
    let bad = name.is_empty()
        || matches!(name, b"." | b"..")
        || name.iter().any(|byte| b"/\\\0".contains(byte))
        || matches!(&stem[..end], b".git" | b"git~1");
    if bad {
        return Err(GitError::UnsafePath { path: String::from_utf8_lossy(name).into_owned() });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        for name in ["", ".", "..", "a/b", "a\\b", "a\0", ".git", ".GIT", ".git ", ".git.", ".git::$INDEX", "GIT~1"] {
            assert!(check_name(name.as_bytes()).is_err(), "{name:?}");
        }
        for name in ["a", ".gitignore", ".github", "...", "git", "a b"] {
            assert!(check_name(name.as_bytes()).is_ok(), "{name:?}");
        }
    }
}
