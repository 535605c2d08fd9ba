//! Taking archives apart without leaving the target directory.
//!
//! Only files and directories are made. Every name is checked segment by segment and opened relative to the
//! directory before it, never through a symbolic link. Sizes and counts are checked while reading, long names and
//! extended headers are bounded, and the content is streamed.

mod target;
#[cfg(test)]
mod tests;

use std::io::{self, Read};
use std::path::{Path, PathBuf};

use flate2::read::MultiGzDecoder;
use tar::{Archive, Entry, EntryType};

use crate::Limits;
use target::Target;

/// Longest name, and longest extended header, in bytes.
const MAX_HEADER: u64 = 64 * 1024;

/// What happens to symbolic links in an archive.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Symlinks {
    /// The archive is refused.
    #[default]
    Refuse,
    /// They are left out.
    Skip,
}

/// Why an archive was not, or not wholly, unpacked.
#[derive(Debug, thiserror::Error)]
pub enum UnpackError {
    #[error("dir '{}' must be a directory", .path.display())]
    NotADirectory { path: PathBuf },
    #[error("tar contained invalid name error {name:?}")]
    Name { name: String },
    #[error("tar {name:?} is bigger than max archive size of {limit} bytes")]
    TooLarge { name: String, limit: u64 },
    #[error("tar has more than {limit} entries")]
    TooManyEntries { limit: u64 },
    #[error("tar file entry {name} is a symlink, which is not allowed in this context")]
    Symlink { name: String },
    #[error("tar file entry {name} contained unsupported file type {kind}")]
    Kind { name: String, kind: &'static str },
    #[error("tar header of {name:?} is longer than {MAX_HEADER} bytes")]
    Header { name: String },
    #[error("tar error: {source}")]
    Read { source: io::Error },
    #[error("error writing to {name}: {source}")]
    Write { name: String, source: io::Error },
}

/// Unpacks a gzip-compressed tar into `dir`, which is made when it does not exist. A relative `dir` cannot ascend
/// from the working directory.
pub fn unpack(archive: impl Read, dir: &Path, limits: Limits, symlinks: Symlinks) -> Result<(), UnpackError> {
    let mut target = Target::open(dir)?;
    let mut tar = Archive::new(MultiGzDecoder::new(archive));
    let read = |source| UnpackError::Read { source };
    let (mut bytes, mut entries) = (0u64, 0u64);
    let mut long_name: Option<Vec<u8>> = None;
    for entry in tar.entries().map_err(read)?.raw(true) {
        let mut entry = entry.map_err(read)?;
        entries += 1;
        if entries > limits.entries {
            return Err(UnpackError::TooManyEntries { limit: limits.entries });
        }
        let kind = entry.header().entry_type();
        let header_name = entry.header().path_bytes().into_owned();
        match kind {
            EntryType::GNULongName => {
                long_name = Some(trim_zero(bounded(&mut entry, &header_name)?));
                continue;
            }
            EntryType::XHeader => {
                if let Some(path) = extended_path(&bounded(&mut entry, &header_name)?, &header_name)? {
                    long_name = Some(path);
                }
                continue;
            }
            EntryType::GNULongLink | EntryType::XGlobalHeader => {
                bounded(&mut entry, &header_name)?;
                continue;
            }
            _ => {}
        }
        let name = long_name.take().unwrap_or(header_name);
        let name = String::from_utf8_lossy(&name).into_owned();
        bytes = bytes.saturating_add(entry.header().entry_size().map_err(read)?);
        if let Some(limit) = limits.bytes.filter(|&limit| bytes > limit) {
            return Err(UnpackError::TooLarge { name, limit });
        }
        place(&mut target, &mut entry, kind, name, symlinks)?;
    }
    Ok(())
}

fn place(
    target: &mut Target,
    entry: &mut Entry<'_, impl Read>,
    kind: EntryType,
    name: String,
    symlinks: Symlinks,
) -> Result<(), UnpackError> {
    let segments = segments(&name)?;
    // Old archives mark a directory by the slash at its end alone.
    let is_dir = kind == EntryType::Directory || (kind == EntryType::Regular && name.ends_with('/'));
    if is_dir {
        return target.directory(&segments).map_err(|source| UnpackError::Write { name, source });
    }
    match kind {
        EntryType::Regular | EntryType::Continuous => {
            let size = entry.header().entry_size().map_err(|source| UnpackError::Read { source })?;
            let executable = entry.header().mode().unwrap_or(0) & 0o100 != 0;
            target.file(&segments, executable, size, entry).map_err(|source| UnpackError::Write { name, source })
        }
        EntryType::Symlink if symlinks == Symlinks::Skip => Ok(()),
        EntryType::Symlink => Err(UnpackError::Symlink { name }),
        kind => Err(UnpackError::Kind { name, kind: describe(kind) }),
    }
}

fn describe(kind: EntryType) -> &'static str {
    match kind {
        EntryType::Link => "hard link",
        EntryType::Char => "character device",
        EntryType::Block => "block device",
        EntryType::Fifo => "named pipe",
        EntryType::GNUSparse => "sparse file",
        _ => "unknown",
    }
}

/// The segments of a relative name that stays below its root; `.` segments are dropped.
fn segments(name: &str) -> Result<Vec<&str>, UnpackError> {
    let invalid = || UnpackError::Name { name: name.to_owned() };
    if name.is_empty() || name.starts_with('/') || name.contains(['\\', '\0']) {
        return Err(invalid());
    }
    let parts: Vec<&str> = name.split('/').filter(|part| !part.is_empty() && *part != ".").collect();
    if parts.contains(&"..") { Err(invalid()) } else { Ok(parts) }
}

/// The content of a small entry.
fn bounded(entry: &mut Entry<'_, impl Read>, name: &[u8]) -> Result<Vec<u8>, UnpackError> {
    let read = |source| UnpackError::Read { source };
    let size = entry.header().entry_size().map_err(read)?;
    if size > MAX_HEADER {
        return Err(UnpackError::Header { name: String::from_utf8_lossy(name).into_owned() });
    }
    let mut content = Vec::with_capacity(usize::try_from(size).unwrap_or_default());
    entry.read_to_end(&mut content).map_err(read)?;
    Ok(content)
}

fn trim_zero(mut name: Vec<u8>) -> Vec<u8> {
    if let Some(end) = name.iter().position(|&byte| byte == 0) {
        name.truncate(end);
    }
    name
}

/// The `path` of an extended header. One that gives a size is refused: no file here is that large.
fn extended_path(header: &[u8], name: &[u8]) -> Result<Option<Vec<u8>>, UnpackError> {
    let mut path = None;
    for record in tar::PaxExtensions::new(header) {
        let record = record.map_err(|source| UnpackError::Read { source })?;
        match record.key_bytes() {
            b"path" => path = Some(record.value_bytes().to_owned()),
            b"size" => return Err(UnpackError::Header { name: String::from_utf8_lossy(name).into_owned() }),
            _ => {}
        }
    }
    Ok(path)
}
