//! Charts in folders, read through the file system handed in.

use std::path::{Path, PathBuf};

use flux_archive::helmignore::{HelmIgnore, HelmIgnoreError};
use flux_kustomize::{FileKind, FileSystem, FsError};

use super::archive::without_bom;
use super::{File, Limits, go_quote};

/// Why the files of a folder cannot be listed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DirectoryError {
    #[error("{source}")]
    FileSystem { source: FsError },
    #[error("{source}")]
    Ignore { source: HelmIgnoreError },
    #[error("chart file {} is larger than the maximum file size {limit}", go_quote(.name))]
    FileTooLarge { name: String, limit: u64 },
    #[error("decompressed chart is larger than the maximum size {limit}")]
    TooLarge { limit: u64 },
    #[error("chart has more than {limit} files")]
    TooManyFiles { limit: usize },
    #[error("`{}` lies more than {limit} folders deep", .path.display())]
    TooDeep { path: PathBuf, limit: usize },
}

/// Folders inside folders; links may lead round in circles.
const DEPTH: usize = 100;

/// The rule that Helm adds to every `.helmignore`.
const DEFAULT_RULE: &str = "\ntemplates/.?*\n";

/// The files of a chart's folder in the order of their names, without those that `.helmignore` excludes.
///
/// # Errors
/// What the file system says, a malformed `.helmignore`, sizes above the limits.
pub fn directory_files(fs: &dyn FileSystem, path: &Path, limits: &Limits) -> Result<Vec<File>, DirectoryError> {
    let ignore_file = path.join(".helmignore");
    let text = match fs.kind(&ignore_file) {
        Some(_) => {
            let bytes = fs.read(&ignore_file).map_err(|source| DirectoryError::FileSystem { source })?;
            String::from_utf8_lossy(&bytes).into_owned()
        }
        None => String::new(),
    };
    let rules = HelmIgnore::parse(&(text + DEFAULT_RULE)).map_err(|source| DirectoryError::Ignore { source })?;
    let mut walk = Walk { fs, rules, limits, files: Vec::new(), bytes: 0 };
    walk.folder(path, "", 0)?;
    Ok(walk.files)
}

struct Walk<'a> {
    fs: &'a dyn FileSystem,
    rules: HelmIgnore,
    limits: &'a Limits,
    files: Vec<File>,
    bytes: u64,
}

impl Walk<'_> {
    fn folder(&mut self, path: &Path, prefix: &str, depth: usize) -> Result<(), DirectoryError> {
        if depth > DEPTH {
            return Err(DirectoryError::TooDeep { path: path.to_owned(), limit: DEPTH });
        }
        let entries = self.fs.read_dir(path).map_err(|source| DirectoryError::FileSystem { source })?;
        for (name, kind) in entries {
            let relative = if prefix.is_empty() { name.clone() } else { format!("{prefix}/{name}") };
            if self.rules.ignores(&relative, kind == FileKind::Dir) {
                continue;
            }
            let path = path.join(&name);
            match kind {
                FileKind::Dir => self.folder(&path, &relative, depth + 1)?,
                FileKind::File => self.file(&path, relative, name)?,
            }
        }
        Ok(())
    }

    fn file(&mut self, path: &Path, relative: String, name: String) -> Result<(), DirectoryError> {
        let data = self.fs.read(path).map_err(|source| DirectoryError::FileSystem { source })?;
        if data.len() as u64 > self.limits.file_bytes {
            return Err(DirectoryError::FileTooLarge { name, limit: self.limits.file_bytes });
        }
        self.bytes += data.len() as u64;
        if self.bytes > self.limits.chart_bytes {
            return Err(DirectoryError::TooLarge { limit: self.limits.chart_bytes });
        }
        if self.files.len() >= self.limits.files {
            return Err(DirectoryError::TooManyFiles { limit: self.limits.files });
        }
        let content = without_bom(&data);
        let data = if content.len() == data.len() { data.clone() } else { content.into() };
        self.files.push(File::new(relative, data));
        Ok(())
    }
}
