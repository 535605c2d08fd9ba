//! The files of a directory as commits in a bare repository of our own.

use std::collections::{BTreeMap, HashMap};
use std::fs::{self, Metadata};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use gix::ObjectId;
use gix::objs::tree::{Entry, EntryKind};
use ignore::WalkBuilder;

use super::{LocalError, open};

/// The branch whose commits are the snapshots.
const BRANCH: &str = "refs/heads/main";

/// What a snapshot may hold at most.
#[derive(Clone, Copy, Debug)]
pub struct SnapshotLimits {
    pub bytes: u64,
    pub files: usize,
}

impl Default for SnapshotLimits {
    /// The limits of an artifact: 1 GiB and 500,000 files.
    fn default() -> Self {
        Self { bytes: 1 << 30, files: 500_000 }
    }
}

/// A file that has not been touched since keeps its object without being read again.
#[derive(Clone, PartialEq, Eq)]
struct Stamp {
    modified: (i64, i64),
    changed: (i64, i64),
    size: u64,
    inode: u64,
}

impl Stamp {
    fn of(metadata: &Metadata) -> Self {
        Self {
            modified: (metadata.mtime(), metadata.mtime_nsec()),
            changed: (metadata.ctime(), metadata.ctime_nsec()),
            size: metadata.size(),
            inode: metadata.ino(),
        }
    }
}

/// Takes snapshots of one directory.
pub struct Snapshots {
    path: PathBuf,
    limits: SnapshotLimits,
    known: HashMap<PathBuf, (Stamp, ObjectId)>,
}

#[derive(Default)]
struct Folder {
    files: BTreeMap<String, (EntryKind, ObjectId)>,
    folders: BTreeMap<String, Folder>,
}

impl Snapshots {
    /// Opens the bare repository at `path`, or makes it.
    pub fn open(path: &Path, limits: SnapshotLimits) -> Result<Self, LocalError> {
        if !path.join("HEAD").is_file() {
            let failed = |reason: String| LocalError::Write { path: path.to_owned(), reason };
            fs::create_dir_all(path).map_err(|error| failed(error.to_string()))?;
            gix::init_bare(path).map_err(|error| failed(error.to_string()))?;
        }
        Ok(Self { path: path.to_owned(), limits, known: HashMap::new() })
    }

    /// Commits the files below `root` and gives the commit's id; the last one when nothing changed.
    ///
    /// `.gitignore` and `.sourceignore` hold; `.git` and the folders of `leave_out` are not entered.
    pub fn take(&mut self, root: &Path, leave_out: &[&Path]) -> Result<String, LocalError> {
        let repository = open(&self.path)?;
        let (mut bytes, mut files) = (0, 0);
        let mut top = Folder::default();
        let mut known = HashMap::new();
        for file in walk(root, leave_out) {
            let (path, metadata) = file?;
            bytes += metadata.size();
            files += 1;
            if bytes > self.limits.bytes {
                return Err(LocalError::TooLarge { path: root.to_owned(), limit: self.limits.bytes });
            }
            if files > self.limits.files {
                return Err(LocalError::TooMany { path: root.to_owned(), limit: self.limits.files });
            }
            let Some((kind, id, stamp)) = self.store(&repository, &path, &metadata)? else { continue };
            let relative = path.strip_prefix(root).expect("the walk stays below its root");
            top.insert(relative, kind, id);
            known.insert(path, (stamp, id));
        }
        self.known = known;
        let tree = self.write_folder(&repository, top)?;
        self.commit(&repository, tree)
    }

    /// The object of a file or link; `None` when it vanished meanwhile.
    fn store(
        &self,
        repository: &gix::Repository,
        path: &Path,
        metadata: &Metadata,
    ) -> Result<Option<(EntryKind, ObjectId, Stamp)>, LocalError> {
        let stamp = Stamp::of(metadata);
        let kind = match metadata {
            m if m.file_type().is_symlink() => EntryKind::Link,
            m if m.permissions().mode() & 0o100 != 0 => EntryKind::BlobExecutable,
            _ => EntryKind::Blob,
        };
        if let Some((known, id)) = self.known.get(path)
            && *known == stamp
        {
            return Ok(Some((kind, *id, stamp)));
        }
        let content = match kind {
            EntryKind::Link => fs::read_link(path).map(|target| target.into_os_string().into_encoded_bytes()),
            _ => fs::read(path),
        };
        let content = match content {
            Ok(content) => content,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(LocalError::File { file: path.to_owned(), reason: error.to_string() }),
        };
        let id = repository.write_blob(content).map_err(|error| self.write_error(&error))?;
        Ok(Some((kind, id.detach(), stamp)))
    }

    fn write_folder(&self, repository: &gix::Repository, folder: Folder) -> Result<ObjectId, LocalError> {
        let mut entries = Vec::with_capacity(folder.files.len() + folder.folders.len());
        for (name, (kind, oid)) in folder.files {
            entries.push(Entry { mode: kind.into(), filename: name.into(), oid });
        }
        for (name, below) in folder.folders {
            let oid = self.write_folder(repository, below)?;
            entries.push(Entry { mode: EntryKind::Tree.into(), filename: name.into(), oid });
        }
        entries.sort();
        let tree = gix::objs::Tree { entries };
        Ok(repository.write_object(&tree).map_err(|error| self.write_error(&error))?.detach())
    }

    fn commit(&self, repository: &gix::Repository, tree: ObjectId) -> Result<String, LocalError> {
        let last = repository.find_reference(BRANCH).ok().map(|reference| reference.id().detach());
        if let Some(last) = last {
            let same = repository.find_commit(last).ok().and_then(|commit| commit.tree_id().ok());
            if same.is_some_and(|id| id.detach() == tree) {
                return Ok(last.to_string());
            }
        }
        let seconds = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
        let time = format!("{seconds} +0000");
        let author =
            gix::actor::SignatureRef { name: "flux up".into(), email: "flux-up@localhost".into(), time: &time };
        let commit = repository
            .commit_as(author, author, BRANCH, "snapshot", tree, last)
            .map_err(|error| self.write_error(&error))?;
        Ok(commit.to_string())
    }

    fn write_error(&self, error: &dyn std::fmt::Display) -> LocalError {
        LocalError::Write { path: self.path.clone(), reason: error.to_string() }
    }
}

impl Folder {
    fn insert(&mut self, path: &Path, kind: EntryKind, id: ObjectId) {
        let mut parts: Vec<String> = path.iter().map(|part| part.to_string_lossy().into_owned()).collect();
        let Some(name) = parts.pop() else { return };
        let folder = parts.into_iter().fold(self, |folder, part| folder.folders.entry(part).or_default());
        folder.files.insert(name, (kind, id));
    }
}

/// Files and links below `root` that are not ignored.
fn walk<'a>(
    root: &'a Path,
    leave_out: &'a [&'a Path],
) -> impl Iterator<Item = Result<(PathBuf, Metadata), LocalError>> + 'a {
    let left_out: Vec<PathBuf> = leave_out.iter().map(|path| (*path).to_owned()).collect();
    let walk = WalkBuilder::new(root)
        .hidden(false)
        .ignore(false)
        .git_global(false)
        .git_exclude(false)
        .require_git(false)
        .parents(false)
        .add_custom_ignore_filename(".sourceignore")
        .filter_entry(move |entry| entry.file_name() != ".git" && !left_out.iter().any(|path| path == entry.path()))
        .build();
    walk.filter_map(move |entry| {
        let failed = |file: &Path, reason: String| LocalError::File { file: file.to_owned(), reason };
        let entry = match entry {
            Ok(entry) => entry,
            // What vanishes during the walk is as if it had never been there.
            Err(error) if error.io_error().is_some_and(|e| e.kind() == std::io::ErrorKind::NotFound) => return None,
            Err(error) => return Some(Err(failed(root, error.to_string()))),
        };
        let kind = entry.file_type()?;
        if !kind.is_file() && !kind.is_symlink() {
            return None;
        }
        match fs::symlink_metadata(entry.path()) {
            Ok(metadata) => Some(Ok((entry.into_path(), metadata))),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
            Err(error) => Some(Err(failed(entry.path(), error.to_string()))),
        }
    })
}

#[cfg(test)]
mod tests {
    use super::super::{LocalTree, TreeEntryKind, head};
    use super::*;

    #[test]
    fn a_snapshot_holds_what_is_not_ignored() {
        let (dir, store) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let root = dir.path();
        fs::create_dir_all(root.join("apps/base")).unwrap();
        fs::create_dir_all(root.join(".state")).unwrap();
        for (name, text) in [
            ("apps/base/a.yaml", "a"),
            (".gitignore", "*.log\n"),
            ("noise.log", "x"),
            (".sourceignore", "secret.txt\n"),
            ("secret.txt", "x"),
            (".state/db", "x"),
        ] {
            fs::write(root.join(name), text).unwrap();
        }
        let mut snapshots = Snapshots::open(&store.path().join("s.git"), SnapshotLimits::default()).unwrap();
        let state = root.join(".state");
        let first = snapshots.take(root, &[&state]).unwrap();
        assert_eq!(snapshots.take(root, &[&state]).unwrap(), first, "nothing changed");
        let tree = LocalTree::open(&store.path().join("s.git"), &first).unwrap();
        let names: Vec<String> = tree.list("").unwrap().unwrap().into_iter().map(|entry| entry.name).collect();
        assert_eq!(names, [".gitignore", ".sourceignore", "apps"]);
        let entry = tree.entry("apps/base/a.yaml").unwrap().unwrap();
        assert_eq!((entry.kind, tree.read(&entry).unwrap()), (TreeEntryKind::File, b"a".to_vec()));
        assert!(tree.list("nowhere").unwrap().is_none());

        fs::write(root.join("apps/base/a.yaml"), "b").unwrap();
        let second = snapshots.take(root, &[&state]).unwrap();
        assert_ne!(second, first);
        let at = head(&store.path().join("s.git")).unwrap();
        assert_eq!(at, Some(("main".into(), second)));
    }

    #[test]
    fn too_much_is_refused_by_name() {
        let (dir, store) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        fs::write(dir.path().join("large"), vec![0; 2000]).unwrap();
        let limits = SnapshotLimits { bytes: 1000, files: 10 };
        let error = Snapshots::open(store.path(), limits).unwrap().take(dir.path(), &[]).unwrap_err();
        assert!(matches!(error, LocalError::TooLarge { limit: 1000, .. }), "{error}");
    }
}
