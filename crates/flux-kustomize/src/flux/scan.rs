//! Finds the manifests below a folder that has no kustomization file.

use std::path::{Path, PathBuf};

use super::Ignore;
use crate::documents;
use crate::error::Error;
use crate::fs::{FileKind, FileSystem};
use crate::loader::FILE_NAMES;

/// Folders inside one another, and paths in all, that are looked at.
const MAX_DEPTH: usize = 200;
const MAX_PATHS: usize = 500_000;

/// Every `.yaml` and `.yml` file below `base`, in order of names, and every folder that has a kustomization
/// file, which is not entered. Links to folders are not followed.
///
/// # Errors
/// A file that is no Kubernetes YAML.
pub fn scan(fs: &dyn FileSystem, base: &Path, ignore: Option<Ignore<'_>>) -> Result<Vec<PathBuf>, Error> {
    let mut scan = Scan { fs, ignore, looked_at: 0, found: Vec::new() };
    let real = fs.canonical(base)?;
    scan.folder(base, &real, 0)?;
    Ok(scan.found)
}

struct Scan<'a> {
    fs: &'a dyn FileSystem,
    ignore: Option<Ignore<'a>>,
    looked_at: usize,
    found: Vec<PathBuf>,
}

impl Scan<'_> {
    fn folder(&mut self, dir: &Path, real: &Path, depth: usize) -> Result<(), Error> {
        if depth > MAX_DEPTH {
            return Err(Error::Limit { what: "the depth of folders", limit: MAX_DEPTH as u64 });
        }
        for (name, kind) in self.fs.read_dir(dir)? {
            self.looked_at += 1;
            if self.looked_at > MAX_PATHS {
                return Err(Error::Limit { what: "the number of files", limit: MAX_PATHS as u64 });
            }
            let path = dir.join(&name);
            match kind {
                FileKind::File => self.file(path)?,
                FileKind::Dir => {
                    let place = real.join(&name);
                    let is_link = self.fs.canonical(&path)? != place;
                    if is_link {
                        continue;
                    }
                    if FILE_NAMES.iter().any(|file| self.fs.kind(&path.join(file)) == Some(FileKind::File)) {
                        self.found.push(path);
                    } else {
                        self.folder(&path, &place, depth + 1)?;
                    }
                }
            }
        }
        Ok(())
    }

    fn file(&mut self, path: PathBuf) -> Result<(), Error> {
        let extension = path.to_str().and_then(|path| path.rsplit('/').next()?.rsplit_once('.')).map(|parts| parts.1);
        if !matches!(extension, Some("yaml" | "yml")) || self.ignore.is_some_and(|ignore| ignore(&path, false)) {
            return Ok(());
        }
        let content = self.fs.read(&path)?;
        documents::read(&content, &flux_yaml::Limits::default()).map_err(|error| match error.is_limit() {
            true => error,
            false => error.within(format!("failed to decode Kubernetes YAML from {}", path.display())),
        })?;
        self.found.push(path);
        Ok(())
    }
}
