//! Archives that depend on content alone: the same tree gives the same bytes.
//!
//! Entries carry no owner, no time and one of three modes. The caller hands them in sorted by name within each
//! directory, a directory before what is in it.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use flate2::write::GzEncoder;
use flate2::{Compression, GzBuilder};
use tar::{Builder, EntryType, Header};

use crate::{Limits, Matcher};

const FILE_MODE: u32 = 0o600;
const EXECUTABLE_MODE: u32 = 0o700;
const DIRECTORY_MODE: u32 = 0o750;

/// Why no archive was made.
#[derive(Debug, thiserror::Error)]
pub enum ArchiveError {
    #[error("invalid dir path: {}", .path.display())]
    NotADirectory { path: PathBuf },
    #[error("failed to read {}", .path.display())]
    Read { path: PathBuf, source: io::Error },
    #[error("failed to write archive")]
    Write { source: io::Error },
    /// The files so far are larger than the archive may be.
    #[error("`{path}` ({size} bytes) makes the archive bigger than the max archive size of {limit} bytes")]
    TooLarge { path: String, size: u64, limit: u64 },
    #[error("more than {limit} files and directories at `{path}`")]
    TooManyEntries { path: String, limit: u64 },
    /// The content handed in is not of the size that was announced.
    #[error("`{path}` changed while it was read")]
    Changed { path: String },
}

/// Writes a tar.gz entry by entry.
pub struct Writer<W: Write> {
    tar: Builder<GzEncoder<W>>,
    limits: Limits,
    bytes: u64,
    entries: u64,
}

impl<W: Write> Writer<W> {
    /// An archive with the root directory in it already.
    pub fn new(out: W, limits: Limits) -> Result<Self, ArchiveError> {
        let gzip = GzBuilder::new().mtime(0).write(out, Compression::fast());
        let mut writer = Self { tar: Builder::new(gzip), limits, bytes: 0, entries: 0 };
        writer.entry(b".", EntryType::Directory, DIRECTORY_MODE, 0, io::empty())?;
        Ok(writer)
    }

    /// Adds a directory; the path is relative, with slashes.
    pub fn directory(&mut self, path: &[u8]) -> Result<(), ArchiveError> {
        self.entry(path, EntryType::Directory, DIRECTORY_MODE, 0, io::empty())
    }

    /// Adds a file of exactly `size` bytes.
    pub fn file(&mut self, path: &[u8], executable: bool, size: u64, content: impl Read) -> Result<(), ArchiveError> {
        let mode = if executable { EXECUTABLE_MODE } else { FILE_MODE };
        self.entry(path, EntryType::Regular, mode, size, content)
    }

    /// Whether a file of that size would still fit; told before its content is read.
    pub fn check(&self, path: &[u8], size: u64) -> Result<(), ArchiveError> {
        let name = || String::from_utf8_lossy(path).into_owned();
        if self.entries >= self.limits.entries {
            return Err(ArchiveError::TooManyEntries { path: name(), limit: self.limits.entries });
        }
        match self.limits.bytes {
            Some(limit) if self.bytes.saturating_add(size) > limit => {
                Err(ArchiveError::TooLarge { path: name(), size, limit })
            }
            _ => Ok(()),
        }
    }

    fn entry(
        &mut self,
        path: &[u8],
        kind: EntryType,
        mode: u32,
        size: u64,
        content: impl Read,
    ) -> Result<(), ArchiveError> {
        self.check(path, size)?;
        self.entries += 1;
        self.bytes += size;
        let mut header = Header::new_ustar();
        header.set_entry_type(kind);
        header.set_mode(mode);
        header.set_uid(0);
        header.set_gid(0);
        header.set_mtime(0);
        header.set_size(size);
        let write = |source| ArchiveError::Write { source };
        let mut content = Counted { inner: content, left: size, short: false };
        if !set_name(&mut header, path) {
            self.long_name(path).map_err(write)?;
        }
        header.set_cksum();
        self.tar.append(&header, &mut content).map_err(write)?;
        if content.short || content.left > 0 || content.more().unwrap_or(true) {
            return Err(ArchiveError::Changed { path: String::from_utf8_lossy(path).into_owned() });
        }
        Ok(())
    }

    /// The entry before one whose name does not fit its header.
    fn long_name(&mut self, path: &[u8]) -> io::Result<()> {
        let mut header = Header::new_gnu();
        let name = b"././@LongLink";
        header.as_gnu_mut().map(|gnu| gnu.name[..name.len()].copy_from_slice(name));
        header.set_entry_type(EntryType::GNULongName);
        header.set_mode(0o644);
        header.set_uid(0);
        header.set_gid(0);
        header.set_mtime(0);
        header.set_size(path.len() as u64 + 1);
        header.set_cksum();
        self.tar.append(&header, path.chain(&[0u8][..]))
    }

    /// Writes the end and gives the output back.
    pub fn finish(self) -> Result<W, ArchiveError> {
        let write = |source| ArchiveError::Write { source };
        self.tar.into_inner().map_err(write)?.finish().map_err(write)
    }
}

/// Writes the name into the header, split at a slash where that helps; `false` when it does not fit.
fn set_name(header: &mut Header, path: &[u8]) -> bool {
    let Some(ustar) = header.as_ustar_mut() else { return false };
    if path.len() <= ustar.name.len() {
        ustar.name[..path.len()].copy_from_slice(path);
        return true;
    }
    let longest = path.len().min(ustar.prefix.len() + 1);
    let split = path[..longest].iter().rposition(|&byte| byte == b'/');
    if let Some(at) = split.filter(|&at| at > 0 && path.len() - at - 1 <= ustar.name.len()) {
        ustar.prefix[..at].copy_from_slice(&path[..at]);
        ustar.name[..path.len() - at - 1].copy_from_slice(&path[at + 1..]);
        return true;
    }
    // What the entry is called for readers that do not know long names.
    let cut = ustar.name.len();
    ustar.name.copy_from_slice(&path[..cut]);
    false
}

/// A reader that gives exactly as many bytes as announced and knows when there were fewer.
struct Counted<R> {
    inner: R,
    left: u64,
    short: bool,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let most = usize::try_from(self.left).unwrap_or(usize::MAX).min(buffer.len());
        if most == 0 {
            return Ok(0);
        }
        let count = self.inner.read(&mut buffer[..most])?;
        self.short |= count == 0;
        self.left -= count as u64;
        Ok(count)
    }
}

impl<R: Read> Counted<R> {
    /// Whether bytes are left that were not announced.
    fn more(&mut self) -> io::Result<bool> {
        Ok(self.inner.read(&mut [0])? > 0)
    }
}

/// Archives the files and directories below `dir`, leaving out what the matcher excludes, and anything else,
/// such as symbolic links.
///
/// An excluded directory is still entered: a rule may include what is in it.
pub fn write_tar_gz<W: Write>(
    dir: &Path,
    matcher: Option<&Matcher>,
    out: W,
    limits: Limits,
) -> Result<W, ArchiveError> {
    if !fs::metadata(dir).is_ok_and(|meta| meta.is_dir()) {
        return Err(ArchiveError::NotADirectory { path: dir.to_owned() });
    }
    let mut writer = Writer::new(out, limits)?;
    let mut path = Vec::new();
    walk(&mut writer, dir, matcher, &mut path)?;
    writer.finish()
}

fn walk<W: Write>(
    writer: &mut Writer<W>,
    dir: &Path,
    matcher: Option<&Matcher>,
    path: &mut Vec<String>,
) -> Result<(), ArchiveError> {
    let failed = |path: &Path| {
        let path = path.to_owned();
        move |source| ArchiveError::Read { path, source }
    };
    let mut found = fs::read_dir(dir).and_then(Iterator::collect::<Result<Vec<_>, _>>).map_err(failed(dir))?;
    found.sort_by_key(fs::DirEntry::file_name);
    for entry in found {
        let at = entry.path();
        let meta = entry.metadata().map_err(failed(&at))?;
        path.push(entry.file_name().to_string_lossy().into_owned());
        let parts: Vec<&str> = path.iter().map(String::as_str).collect();
        let excluded = matcher.is_some_and(|matcher| matcher.matches(&parts, meta.is_dir()));
        let name = parts.join("/");
        if meta.is_dir() {
            if !excluded {
                writer.directory(name.as_bytes())?;
            }
            walk(writer, &at, matcher, path)?;
        } else if meta.is_file() && !excluded {
            let file = File::open(&at).map_err(failed(&at))?;
            writer.file(name.as_bytes(), is_executable(&meta), meta.len(), file)?;
        }
        path.pop();
    }
    Ok(())
}

#[cfg(unix)]
fn is_executable(meta: &fs::Metadata) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    meta.permissions().mode() & 0o111 != 0
}

#[cfg(not(unix))]
fn is_executable(_meta: &fs::Metadata) -> bool {
    false
}
