//! Ignore rules and reproducible tar.gz archives of source trees.
//!
//! [`ignore`] decides which paths of a source belong into its artifact,
//! [`Writer`] and [`write_tar_gz`] make the archive, [`unpack`] takes one apart.
//! Nothing here knows of Kubernetes; the caller hands in readers and directories.

mod go_match;
pub mod helmignore;
pub mod ignore;
pub mod unpack;
mod write;

pub use ignore::{Matcher, Pattern};
pub use unpack::{Symlinks, UnpackError, unpack};
pub use write::{ArchiveError, Writer, write_tar_gz};

/// Bounds of an archive, when it is written and when it is unpacked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Sum of the sizes of all files, in bytes; `None` for no bound.
    pub bytes: Option<u64>,
    /// Files and directories together.
    pub entries: u64,
}

impl Default for Limits {
    /// 1 GiB and 500,000 entries.
    fn default() -> Self {
        Self { bytes: Some(1 << 30), entries: 500_000 }
    }
}
