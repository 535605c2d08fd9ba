//! Content digests: `sha256:<hex>`.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// `algorithm:encoded`, as OCI and Flux artifacts write it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digest {
    text: String,
    colon: usize,
}

/// Why a text is no digest.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DigestError {
    /// Not of the form `algorithm:encoded`.
    #[error("invalid checksum digest format")]
    Format,
    /// The encoded part does not fit the algorithm.
    #[error("invalid checksum digest length")]
    Length,
}

impl Digest {
    /// The part before the colon.
    pub fn algorithm(&self) -> &str {
        &self.text[..self.colon]
    }

    /// The part after the colon.
    pub fn encoded(&self) -> &str {
        &self.text[self.colon + 1..]
    }

    /// The whole text.
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

/// Hex digits of the known algorithms; Git object ids included.
fn encoded_length(algorithm: &str) -> Option<usize> {
    match algorithm {
        "sha1" => Some(40),
        "sha256" | "blake3" => Some(64),
        "sha384" => Some(96),
        "sha512" => Some(128),
        _ => None,
    }
}

impl FromStr for Digest {
    type Err = DigestError;

    fn from_str(text: &str) -> Result<Self, DigestError> {
        if text.len() > 512 {
            return Err(DigestError::Length);
        }
        let (algorithm, encoded) = text.split_once(':').ok_or(DigestError::Format)?;
        let name = |c: u8| c.is_ascii_lowercase() || c.is_ascii_digit() || b"+._-".contains(&c);
        let value = |c: u8| c.is_ascii_alphanumeric() || b"=_-".contains(&c);
        if algorithm.is_empty() || encoded.is_empty() || !algorithm.bytes().all(name) || !encoded.bytes().all(value) {
            return Err(DigestError::Format);
        }
        if let Some(length) = encoded_length(algorithm) {
            if encoded.len() != length {
                return Err(DigestError::Length);
            }
            if !encoded.bytes().all(|c| matches!(c, b'0'..=b'9' | b'a'..=b'f')) {
                return Err(DigestError::Format);
            }
        }
        Ok(Self { text: text.to_owned(), colon: algorithm.len() })
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Serialize for Digest {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text)
    }
}

impl<'de> Deserialize<'de> for Digest {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        std::borrow::Cow::<'de, str>::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts() {
        let digest: Digest = format!("sha256:{}", "ab".repeat(32)).parse().expect("valid");
        assert_eq!((digest.algorithm(), digest.encoded().len()), ("sha256", 64));
    }

    #[test]
    fn refused() {
        for text in ["", "sha256", "sha256:", ":ab", "sha256:abc", &format!("sha256:{}", "ZZ".repeat(32)), "SHA:ab"] {
            assert!(text.parse::<Digest>().is_err(), "{text}");
        }
    }
}
