//! A commit's files, read one by one without a checkout.

use std::path::Path;

use gix::ObjectId;
use gix::bstr::ByteSlice as _;
use gix::objs::tree::EntryKind;

use super::{LocalError, open, read_error};

/// What a tree entry is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TreeEntryKind {
    File,
    Executable,
    Link,
    Dir,
    /// The commit of a submodule.
    Submodule,
}

/// One name in a folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TreeEntry {
    pub name: String,
    pub kind: TreeEntryKind,
    id: ObjectId,
}

/// The files of one commit. Cheap to clone, usable from several threads.
#[derive(Clone)]
pub struct LocalTree {
    repository: gix::ThreadSafeRepository,
    path: std::path::PathBuf,
    root: ObjectId,
}

impl LocalTree {
    /// The tree of `commit`, a hexadecimal id, in the repository at `path`.
    pub fn open(path: &Path, commit: &str) -> Result<Self, LocalError> {
        let repository = open(path)?;
        let id = ObjectId::from_hex(commit.as_bytes()).map_err(read_error(path, commit))?;
        let root = {
            let commit_object = repository.find_commit(id).map_err(read_error(path, commit))?;
            commit_object.tree_id().map_err(read_error(path, commit))?.detach()
        };
        Ok(Self { path: path.to_owned(), root, repository: repository.into_sync() })
    }

    /// The entries of a folder, sorted as Git sorts them; `None` when there is no such folder. `""` is the root.
    pub fn list(&self, folder: &str) -> Result<Option<Vec<TreeEntry>>, LocalError> {
        let id = match folder {
            "" => self.root,
            folder => match self.entry(folder)? {
                Some(TreeEntry { kind: TreeEntryKind::Dir, id, .. }) => id,
                _ => return Ok(None),
            },
        };
        let repository = self.repository.to_thread_local();
        let tree = repository.find_tree(id).map_err(read_error(&self.path, folder))?;
        let decoded = tree.decode().map_err(read_error(&self.path, folder))?;
        let entry = |entry: &gix::objs::tree::EntryRef<'_>| TreeEntry {
            name: entry.filename.to_str_lossy().into_owned(),
            kind: kind(entry.mode.kind()),
            id: entry.oid.to_owned(),
        };
        Ok(Some(decoded.entries.iter().map(entry).collect()))
    }

    /// What `path` (slashes, relative to the root) names.
    pub fn entry(&self, path: &str) -> Result<Option<TreeEntry>, LocalError> {
        let repository = self.repository.to_thread_local();
        let tree = repository.find_tree(self.root).map_err(read_error(&self.path, path))?;
        let found = tree.lookup_entry_by_path(Path::new(path)).map_err(read_error(&self.path, path))?;
        Ok(found.map(|entry| TreeEntry {
            name: entry.filename().to_str_lossy().into_owned(),
            kind: kind(entry.mode().kind()),
            id: entry.object_id(),
        }))
    }

    /// The bytes of a file, or the target of a link.
    pub fn read(&self, entry: &TreeEntry) -> Result<Vec<u8>, LocalError> {
        let repository = self.repository.to_thread_local();
        let mut blob = repository.find_blob(entry.id).map_err(read_error(&self.path, &entry.name))?;
        Ok(blob.take_data())
    }

    /// The size of a file in bytes, without reading its content.
    pub fn size(&self, entry: &TreeEntry) -> Result<u64, LocalError> {
        let repository = self.repository.to_thread_local();
        Ok(repository.find_header(entry.id).map_err(read_error(&self.path, &entry.name))?.size())
    }
}

fn kind(kind: EntryKind) -> TreeEntryKind {
    match kind {
        EntryKind::Blob => TreeEntryKind::File,
        EntryKind::BlobExecutable => TreeEntryKind::Executable,
        EntryKind::Link => TreeEntryKind::Link,
        EntryKind::Tree => TreeEntryKind::Dir,
        EntryKind::Commit => TreeEntryKind::Submodule,
    }
}
