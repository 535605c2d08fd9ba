//! The directory that an archive is unpacked into.

use std::fs::File;
use std::io::{self, Read};
use std::os::fd::{AsFd as _, OwnedFd};
use std::path::{Component, Path, PathBuf};

use rustix::fs::{CWD, Mode, OFlags, fstat, mkdirat, openat};
use rustix::io::Errno;

use super::UnpackError;

const OPEN_DIRECTORY: OFlags = OFlags::DIRECTORY.union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC).union(OFlags::RDONLY);

/// Directories kept open at most: an archive of very deep paths must not use up the process's descriptors.
pub(super) const WAY_AT_MOST: usize = 32;

/// An open directory and the way to the one within it that was used last; most entries follow others of their
/// directory, or of one beside it.
pub(super) struct Target {
    root: OwnedFd,
    way: Vec<(String, OwnedFd)>,
    /// The end of a way that is longer than what is kept open.
    deep: Option<OwnedFd>,
    buffer: Vec<u8>,
}

impl Target {
    /// Opens the directory itself, making it and its parents when missing; a link in its place is refused.
    pub(super) fn open(dir: &Path) -> Result<Self, UnpackError> {
        let below: PathBuf;
        let dir = if dir.is_absolute() {
            dir
        } else {
            below = dir.components().filter(|part| matches!(part, Component::Normal(_))).collect();
            &below
        };
        let refused = |_| UnpackError::NotADirectory { path: dir.to_owned() };
        if let Err(source) = std::fs::create_dir_all(dir) {
            return Err(if source.kind() == io::ErrorKind::AlreadyExists {
                UnpackError::NotADirectory { path: dir.to_owned() }
            } else {
                UnpackError::Write { name: dir.display().to_string(), source }
            });
        }
        let root = openat(CWD, dir, OPEN_DIRECTORY, Mode::empty()).map_err(refused)?;
        Ok(Self { root, way: Vec::new(), deep: None, buffer: vec![0; 64 * 1024] })
    }

    /// Makes a directory with its parents.
    pub(super) fn directory(&mut self, segments: &[&str]) -> io::Result<()> {
        self.enter(segments).map(drop)
    }

    /// Writes a file of `size` bytes; one of the same name is overwritten.
    pub(super) fn file(
        &mut self,
        segments: &[&str],
        executable: bool,
        size: u64,
        content: &mut impl Read,
    ) -> io::Result<()> {
        let Some((name, parents)) = segments.split_last() else {
            return Err(io::Error::from(io::ErrorKind::IsADirectory));
        };
        let mode = Mode::from_raw_mode(if executable { 0o700 } else { 0o600 });
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::TRUNC | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let fd = openat(self.enter(parents)?, *name, flags, mode)?;
        // A pipe or device that stood there before must not be written to.
        if !rustix::fs::FileType::from_raw_mode(fstat(&fd)?.st_mode).is_file() {
            return Err(io::Error::from(io::ErrorKind::InvalidInput));
        }
        let mut file = File::from(fd);
        let mut left = size;
        while left > 0 {
            let count = content.read(&mut self.buffer)?;
            if count == 0 {
                return Err(io::Error::from(io::ErrorKind::UnexpectedEof));
            }
            io::Write::write_all(&mut file, &self.buffer[..count])?;
            left = left.saturating_sub(count as u64);
        }
        Ok(())
    }

    /// The directory at these segments, opened one by one as far as the way differs from the last one.
    fn enter(&mut self, segments: &[&str]) -> io::Result<rustix::fd::BorrowedFd<'_>> {
        let known = self.way.iter().zip(segments).take_while(|((name, _), wanted)| name == *wanted).count();
        self.way.truncate(known);
        self.deep = None;
        for &name in &segments[known..] {
            let parent = self.deep.as_ref().or(self.way.last().map(|(_, fd)| fd)).unwrap_or(&self.root);
            let next = match openat(parent, name, OPEN_DIRECTORY, Mode::empty()) {
                Err(Errno::NOENT) => {
                    mkdirat(parent, name, Mode::from_raw_mode(0o750))?;
                    openat(parent, name, OPEN_DIRECTORY, Mode::empty())?
                }
                other => other?,
            };
            if self.way.len() < WAY_AT_MOST {
                self.way.push((name.to_owned(), next));
            } else {
                self.deep = Some(next);
            }
        }
        let end = self.deep.as_ref().or(self.way.last().map(|(_, fd)| fd));
        Ok(end.unwrap_or(&self.root).as_fd())
    }
}
