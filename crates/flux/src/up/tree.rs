//! A commit's tree as the file system that the kustomize engine reads.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use flux_git::local::{LocalTree, TreeEntryKind};
use flux_kustomize::{FileKind, FileSystem, FsError};

/// A manifest file is never larger.
const BYTES_AT_MOST: u64 = 64 << 20;

/// The files of one commit under `/`. Links are not followed: what a cluster starts from is plain files.
pub struct TreeFs(pub LocalTree);

fn relative(path: &Path) -> String {
    let clean = flux_kustomize::clean(path);
    clean.to_string_lossy().trim_start_matches('/').to_owned()
}

fn io_error(operation: &'static str, path: &Path, error: &dyn std::fmt::Display) -> FsError {
    FsError::Io { operation, path: path.to_owned(), reason: error.to_string() }
}

impl FileSystem for TreeFs {
    fn read(&self, path: &Path) -> Result<Arc<[u8]>, FsError> {
        let failed = |error| io_error("read", path, &error);
        match self.0.entry(&relative(path)).map_err(failed)? {
            Some(entry) if matches!(entry.kind, TreeEntryKind::File | TreeEntryKind::Executable) => {
                if self.0.size(&entry).map_err(failed)? > BYTES_AT_MOST {
                    return Err(FsError::TooLarge { path: path.to_owned(), limit: BYTES_AT_MOST });
                }
                Ok(self.0.read(&entry).map_err(failed)?.into())
            }
            Some(_) => Err(FsError::NotAFile { path: path.to_owned() }),
            None => Err(FsError::Missing { path: path.to_owned() }),
        }
    }

    fn kind(&self, path: &Path) -> Option<FileKind> {
        let relative = relative(path);
        if relative.is_empty() {
            return Some(FileKind::Dir);
        }
        match self.0.entry(&relative).ok()??.kind {
            TreeEntryKind::File | TreeEntryKind::Executable => Some(FileKind::File),
            TreeEntryKind::Dir => Some(FileKind::Dir),
            TreeEntryKind::Link | TreeEntryKind::Submodule => None,
        }
    }

    fn read_dir(&self, path: &Path) -> Result<Vec<(String, FileKind)>, FsError> {
        let entries = self.0.list(&relative(path)).map_err(|error| io_error("readdir", path, &error))?;
        let entries = entries.ok_or_else(|| FsError::NotADirectory { path: path.to_owned() })?;
        let mut found: Vec<(String, FileKind)> = entries
            .into_iter()
            .filter_map(|entry| match entry.kind {
                TreeEntryKind::File | TreeEntryKind::Executable => Some((entry.name, FileKind::File)),
                TreeEntryKind::Dir => Some((entry.name, FileKind::Dir)),
                TreeEntryKind::Link | TreeEntryKind::Submodule => None,
            })
            .collect();
        found.sort_by(|(a, _), (b, _)| a.cmp(b));
        Ok(found)
    }

    fn canonical(&self, path: &Path) -> Result<PathBuf, FsError> {
        let clean = flux_kustomize::clean(path);
        match self.kind(&clean) {
            Some(_) => Ok(clean),
            None => Err(FsError::Missing { path: path.to_owned() }),
        }
    }
}
