//! A pack that arrived: checked, indexed, and opened.

use std::fs::{self, File};
use std::io::{BufReader, Seek as _, SeekFrom};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use gix::odb::pack::Bundle;
use gix::odb::pack::bundle::write::Options;
use gix::odb::pack::data::input::Mode;
use tempfile::TempDir;

use crate::error::{GitError, one_line};
use crate::objects::Objects;

/// The largest object of a pack.
pub(crate) const MAX_OBJECT: u64 = 512 << 20;

/// Indexes a pack, hashing every object in it, and opens the result. `scratch` holds it as long as it is used.
pub(crate) fn open(mut pack: File, scratch: &Path, interrupt: &AtomicBool, url: &str) -> Result<Objects, GitError> {
    let directory = tempfile::Builder::new().prefix("git-").tempdir_in(scratch).map_err(GitError::io(scratch))?;
    let objects = directory.path().join("objects");
    let packs = objects.join("pack");
    fs::create_dir_all(&packs).map_err(GitError::io(&packs))?;
    pack.seek(SeekFrom::Start(0)).map_err(GitError::io(&packs))?;
    let options = Options {
        // The work is small, and others run beside it.
        thread_limit: Some(1),
        iteration_mode: Mode::Verify,
        alloc_limit_bytes: usize::try_from(MAX_OBJECT).ok(),
        ..Options::default()
    };
    Bundle::write_to_directory(
        &mut BufReader::with_capacity(64 * 1024, pack),
        Some(&packs),
        &mut gix::progress::Discard,
        interrupt,
        None::<gix::objs::find::Never>,
        gix::hash::Kind::Sha1,
        options,
    )
    .map_err(|error| failed(&error, url))?;
    Objects::open(&objects, Some(Arc::<TempDir>::new(directory)))
}

fn failed(error: &gix::Error, url: &str) -> GitError {
    let reason = one_line(&format!("{error:#}"));
    if reason.contains("too large to fit in memory") || reason.contains("Entry too large") {
        return GitError::TooLarge { url: url.to_owned(), what: "an object", limit: MAX_OBJECT };
    }
    GitError::Protocol { url: url.to_owned(), reason: format!("invalid pack: {reason}") }
}
