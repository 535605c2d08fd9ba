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

/// Why a text is no version.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum VersionError {
    #[error("invalid semantic version")]
    Invalid,
    #[error("version segment starts with 0")]
    LeadingZero,
    #[error("invalid prerelease string")]
    Prerelease,
    #[error("invalid metadata string")]
    Metadata,
}

impl Version {
    /// Reads leniently: a leading `v` and missing minor or patch are fine.
    pub fn parse(text: &str) -> Result<Self, VersionError> {
        Self::read(text, text.strip_prefix('v').unwrap_or(text), 1)
    }

    /// Reads strictly, all three numbers, with a leading `v` as the one exception: what Flux takes for a version
    /// tag.
    pub fn parse_tag(text: &str) -> Result<Self, VersionError> {
        Self::read(text, text.strip_prefix('v').unwrap_or(text), 3)
    }

    fn read(original: &str, text: &str, least: usize) -> Result<Self, VersionError> {
        if text.is_empty() || text.len() > MAX_LENGTH {
            return Err(VersionError::Invalid);
        }
        let (text, metadata) = text.split_once('+').map_or((text, None), |(text, rest)| (text, Some(rest)));
        let (core, prerelease) = text.split_once('-').map_or((text, None), |(core, rest)| (core, Some(rest)));
        let parts: Vec<&str> = core.split('.').collect();
        if parts.len() < least || parts.len() > 3 {
            return Err(VersionError::Invalid);
        }
        let mut numbers = [0; 3];
        for (number, part) in numbers.iter_mut().zip(parts) {
            *number = segment(part)?;
        }
        if prerelease.is_some_and(|text| !identifiers(text, true)) {
            return Err(VersionError::Prerelease);
        }
        if metadata.is_some_and(|text| !identifiers(text, false)) {
            return Err(VersionError::Metadata);
        }
        let [major, minor, patch] = numbers;
        Ok(Self {
            major,
            minor,
            patch,
            prerelease: prerelease.unwrap_or_default().to_owned(),
            metadata: metadata.unwrap_or_default().to_owned(),
            original: original.to_owned(),
        })
    }

    /// The text it was read from.
    pub fn original(&self) -> &str {
        &self.original
    }

    pub fn is_prerelease(&self) -> bool {
        !self.prerelease.is_empty()
    }
}

fn segment(text: &str) -> Result<u64, VersionError> {
    if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(VersionError::Invalid);
    }
    if text.len() > 1 && text.starts_with('0') {
        return Err(VersionError::LeadingZero);
    }
    text.parse().map_err(|_| VersionError::Invalid)
}

/// Dot-separated identifiers; in a prerelease numbers have no leading zero.
fn identifiers(text: &str, prerelease: bool) -> bool {
    text.split('.').all(|part| {
        let numeric = part.bytes().all(|byte| byte.is_ascii_digit());
        !part.is_empty()
            && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
            && !(prerelease && numeric && part.len() > 1 && part.starts_with('0'))
    })
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
