//! Names of releases.

use sha2::{Digest as _, Sha256};

use crate::digest::hex;

/// Helm's limit: it leaves room for suffixes within the 63 characters of a label.
const MAX_LENGTH: usize = 53;
const HASH_LENGTH: usize = 12;

/// A name that Helm accepts: longer ones are cut and end with a part of their SHA-256.
pub fn shorten_name(name: &str) -> String {
    if name.len() <= MAX_LENGTH {
        return name.to_owned();
    }
    let hash = hex(&Sha256::digest(name));
    let kept = &name.as_bytes()[..MAX_LENGTH - HASH_LENGTH - 1];
    format!("{}-{}", String::from_utf8_lossy(kept), &hash[..HASH_LENGTH])
}

/// Why Helm refuses a release's name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReleaseNameError {
    #[error("no name provided")]
    Empty,
    #[error(
        "invalid release name, must match regex ^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$ and the length must not be longer than 53"
    )]
    Invalid { name: String },
}

/// Accepts lower-case DNS names of at most 53 characters.
///
/// # Errors
/// Anything else.
pub fn validate_name(name: &str) -> Result<(), ReleaseNameError> {
    if name.is_empty() {
        return Err(ReleaseNameError::Empty);
    }
    let label = |label: &str| {
        let alphanumeric =
            |byte: Option<u8>| byte.is_some_and(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit());
        alphanumeric(label.bytes().next())
            && alphanumeric(label.bytes().next_back())
            && label.bytes().all(|byte| byte == b'-' || alphanumeric(Some(byte)))
    };
    if name.len() > MAX_LENGTH || !name.split('.').all(label) {
        return Err(ReleaseNameError::Invalid { name: name.to_owned() });
    }
    Ok(())
}
