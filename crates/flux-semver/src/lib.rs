//! Versions and ranges by the rules of Masterminds/semver v3, which Flux and Helm follow.
//!
//! The rules differ from those of Cargo and npm: `=1.2` is a range, a version with a prerelease matches only when
//! the range names one, `^0` and `~0.0.0` have meanings of their own.

mod constraint;
#[cfg(test)]
mod tests;
mod version;

pub use constraint::{Constraint, ConstraintError, Mismatch, Reason};
pub use version::{IncrementError, SegmentError, Version, VersionError};
