//! One version.

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};

/// Longer texts are no versions.
const MAX_LENGTH: usize = 256;

/// A version that remembers how it was written. Build metadata does not count in comparisons.
#[derive(Clone, Debug)]
pub struct Version {
    pub major: u64,
    pub minor: u64,
    pub patch: u64,
    /// Without the dash; empty for a release.
    pub prerelease: String,
    /// Without the plus; empty when there is none.
    pub metadata: String,
    original: String,
}

/// Why a text is no version; the texts are those of the original.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum VersionError {
    #[error("invalid semantic version")]
    Invalid,
    #[error("version string empty")]
    Empty,
    #[error("version string is too long (max 256 bytes)")]
    TooLong,
    #[error("invalid characters in version")]
    Characters,
    #[error("version segment starts with 0")]
    LeadingZero,
    #[error("invalid prerelease string")]
    Prerelease,
    #[error("invalid metadata string")]
    Metadata,
    /// A number of the lenient form does not fit.
    #[error("error parsing version segment: {0}")]
    Segment(SegmentError),
    /// A number of the strict form is empty or does not fit.
    #[error("{0}")]
    StrictSegment(SegmentError),
}

/// A part that is no number of 64 bits, in the words of Go's `strconv`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("strconv.ParseUint: parsing {text:?}: {}", if *.range { "value out of range" } else { "invalid syntax" })]
pub struct SegmentError {
    pub text: String,
    pub range: bool,
}

/// A version that has no successor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{part} version increment would overflow uint64")]
pub struct IncrementError {
    pub part: &'static str,
}

impl Version {
    /// `NewVersion`: a leading `v`, missing minor or patch, and leading zeros are fine.
    pub fn parse(text: &str) -> Result<Self, VersionError> {
        if text.len() > MAX_LENGTH {
            return Err(VersionError::TooLong);
        }
        let plain = text.strip_prefix('v').unwrap_or(text);
        let (plain, metadata) = plain.split_once('+').map_or((plain, None), |(plain, rest)| (plain, Some(rest)));
        let (core, prerelease) = plain.split_once('-').map_or((plain, None), |(core, rest)| (core, Some(rest)));
        let shaped = |text: &str| {
            let part =
                |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
            text.split('.').all(part)
        };
        if !prerelease.is_none_or(shaped) || !metadata.is_none_or(shaped) {
            return Err(VersionError::Invalid);
        }
        let parts: Vec<&str> = core.split('.').collect();
        let digits = |part: &&str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
        if parts.len() > 3 || !parts.iter().all(digits) {
            return Err(VersionError::Invalid);
        }
        let mut numbers = [0; 3];
        for (number, part) in numbers.iter_mut().zip(parts) {
            *number = segment(part).map_err(VersionError::Segment)?;
        }
        check_prerelease(prerelease.unwrap_or_default())?;
        Ok(Self::assemble(numbers, prerelease, metadata, text))
    }

    /// `StrictNewVersion`: all three numbers, no `v`, no leading zeros.
    pub fn parse_strict(text: &str) -> Result<Self, VersionError> {
        Self::read_strict(text, text)
    }

    /// Reads strictly, with a leading `v` as the one exception: what Flux takes for a version tag.
    pub fn parse_tag(text: &str) -> Result<Self, VersionError> {
        Self::read_strict(text.strip_prefix('v').unwrap_or(text), text)
    }

    fn read_strict(text: &str, original: &str) -> Result<Self, VersionError> {
        if text.is_empty() {
            return Err(VersionError::Empty);
        }
        if text.len() > MAX_LENGTH {
            return Err(VersionError::TooLong);
        }
        let parts: Vec<&str> = text.splitn(3, '.').collect();
        let [major, minor, last] = parts.as_slice() else { return Err(VersionError::Invalid) };
        let (last, metadata) = last.split_once('+').map_or((*last, None), |(last, rest)| (last, Some(rest)));
        if metadata.is_some_and(|metadata| !identifiers(metadata)) {
            return Err(VersionError::Metadata);
        }
        let (patch, prerelease) = last.split_once('-').map_or((last, None), |(patch, rest)| (patch, Some(rest)));
        if let Some(prerelease) = prerelease {
            if !identifiers(prerelease) {
                return Err(VersionError::Prerelease);
            }
            check_prerelease(prerelease)?;
        }
        let core = [*major, *minor, patch];
        for part in core {
            if !part.bytes().all(|byte| byte.is_ascii_digit()) {
                return Err(VersionError::Characters);
            }
            if part.len() > 1 && part.starts_with('0') {
                return Err(VersionError::LeadingZero);
            }
        }
        let mut numbers = [0; 3];
        for (number, part) in numbers.iter_mut().zip(core) {
            *number = segment(part).map_err(VersionError::StrictSegment)?;
        }
        Ok(Self::assemble(numbers, prerelease, metadata, original))
    }

    fn assemble(numbers: [u64; 3], prerelease: Option<&str>, metadata: Option<&str>, original: &str) -> Self {
        let [major, minor, patch] = numbers;
        Self {
            major,
            minor,
            patch,
            prerelease: prerelease.unwrap_or_default().to_owned(),
            metadata: metadata.unwrap_or_default().to_owned(),
            original: original.to_owned(),
        }
    }

    fn next(&self, numbers: [u64; 3]) -> Self {
        let mut next = Self::assemble(numbers, None, None, "");
        let prefix = if self.original.starts_with('v') { "v" } else { "" };
        next.original = format!("{prefix}{next}");
        next
    }

    /// `IncMajor`.
    ///
    /// # Errors
    /// The number has no successor.
    pub fn increment_major(&self) -> Result<Self, IncrementError> {
        Ok(self.next([increment("major", self.major)?, 0, 0]))
    }

    /// `IncMinor`.
    ///
    /// # Errors
    /// The number has no successor.
    pub fn increment_minor(&self) -> Result<Self, IncrementError> {
        Ok(self.next([self.major, increment("minor", self.minor)?, 0]))
    }

    /// `IncPatch`: a prerelease becomes its release.
    ///
    /// # Errors
    /// The number has no successor.
    pub fn increment_patch(&self) -> Result<Self, IncrementError> {
        let patch = if self.is_prerelease() { self.patch } else { increment("patch", self.patch)? };
        Ok(self.next([self.major, self.minor, patch]))
    }

    /// Compares nothing but the prereleases, identifier by identifier.
    pub(crate) fn compare_prerelease(&self, other: &Self) -> Ordering {
        compare_prerelease(&self.prerelease, &other.prerelease)
    }

    /// The text it was read from.
    pub fn original(&self) -> &str {
        &self.original
    }

    pub fn is_prerelease(&self) -> bool {
        !self.prerelease.is_empty()
    }
}

fn increment(part: &'static str, number: u64) -> Result<u64, IncrementError> {
    number.checked_add(1).ok_or(IncrementError { part })
}

fn segment(text: &str) -> Result<u64, SegmentError> {
    text.parse().map_err(|_| SegmentError { text: text.to_owned(), range: !text.is_empty() })
}

/// Dot-separated identifiers of letters, digits and dashes.
fn identifiers(text: &str) -> bool {
    let part = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    text.split('.').all(part)
}

/// Numbers in a prerelease have no leading zero.
fn check_prerelease(text: &str) -> Result<(), VersionError> {
    let leading =
        |part: &str| part.len() > 1 && part.starts_with('0') && part.bytes().all(|byte| byte.is_ascii_digit());
    if text.split('.').any(leading) { Err(VersionError::LeadingZero) } else { Ok(()) }
}

/// A release is above its prereleases; else identifier by identifier, numbers below words.
fn compare_prerelease(a: &str, b: &str) -> Ordering {
    if a.is_empty() || b.is_empty() {
        return a.is_empty().cmp(&b.is_empty());
    }
    let (mut left, mut right) = (a.split('.'), b.split('.'));
    loop {
        let (a, b) = match (left.next(), right.next()) {
            (None, None) => return Ordering::Equal,
            (None, Some(_)) => return Ordering::Less,
            (Some(_), None) => return Ordering::Greater,
            (Some(a), Some(b)) => (a, b),
        };
        let order = match (a.parse::<u64>(), b.parse::<u64>()) {
            (Ok(a), Ok(b)) => a.cmp(&b),
            (Ok(_), Err(_)) => Ordering::Less,
            (Err(_), Ok(_)) => Ordering::Greater,
            (Err(_), Err(_)) => a.cmp(b),
        };
        if order.is_ne() {
            return order;
        }
    }
}

impl Ord for Version {
    fn cmp(&self, other: &Self) -> Ordering {
        let numbers = |version: &Self| (version.major, version.minor, version.patch);
        numbers(self).cmp(&numbers(other)).then_with(|| compare_prerelease(&self.prerelease, &other.prerelease))
    }
}

impl PartialOrd for Version {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Version {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Version {}

impl Hash for Version {
    fn hash<H: Hasher>(&self, state: &mut H) {
        (self.major, self.minor, self.patch, &self.prerelease).hash(state);
    }
}

/// `major.minor.patch[-prerelease][+metadata]`.
impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.major, self.minor, self.patch)?;
        if !self.prerelease.is_empty() {
            write!(f, "-{}", self.prerelease)?;
        }
        if !self.metadata.is_empty() {
            write!(f, "+{}", self.metadata)?;
        }
        Ok(())
    }
}
