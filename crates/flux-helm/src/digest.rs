//! The digest algorithms by which Flux remembers values and releases.

use std::fmt::{self, Write as _};
use std::str::FromStr;

use sha2::Digest as _;

/// `--snapshot-digest-algo`. SHA-1 is known for what older controllers left.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Algorithm {
    Sha1,
    #[default]
    Sha256,
    Sha384,
    Sha512,
    Blake3,
}

/// A name that is no algorithm.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unsupported digest algorithm: {name}")]
pub struct UnsupportedAlgorithm {
    pub name: String,
}

impl Algorithm {
    const ALL: [Self; 5] = [Self::Sha1, Self::Sha256, Self::Sha384, Self::Sha512, Self::Blake3];

    pub fn name(self) -> &'static str {
        match self {
            Self::Sha1 => "sha1",
            Self::Sha256 => "sha256",
            Self::Sha384 => "sha384",
            Self::Sha512 => "sha512",
            Self::Blake3 => "blake3",
        }
    }

    /// Digits of a digest in hexadecimal.
    fn digits(self) -> usize {
        match self {
            Self::Sha1 => 40,
            Self::Sha256 | Self::Blake3 => 64,
            Self::Sha384 => 96,
            Self::Sha512 => 128,
        }
    }

    /// `algorithm:hex` of the bytes.
    pub fn digest(self, bytes: impl AsRef<[u8]>) -> String {
        let bytes = bytes.as_ref();
        let hex = match self {
            Self::Sha1 => hex(&sha1::Sha1::digest(bytes)),
            Self::Sha256 => hex(&sha2::Sha256::digest(bytes)),
            Self::Sha384 => hex(&sha2::Sha384::digest(bytes)),
            Self::Sha512 => hex(&sha2::Sha512::digest(bytes)),
            Self::Blake3 => hex(blake3::hash(bytes).as_bytes()),
        };
        format!("{self}:{hex}")
    }

    /// The algorithm of a digest; `None` when the digest does not read.
    pub fn of(digest: &str) -> Option<Self> {
        let (name, hex) = digest.split_once(':')?;
        let algorithm: Self = name.parse().ok()?;
        let readable = hex.len() == algorithm.digits() && hex.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        readable.then_some(algorithm)
    }
}

impl fmt::Display for Algorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Algorithm {
    type Err = UnsupportedAlgorithm;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        let known = Self::ALL.into_iter().find(|algorithm| algorithm.name() == name);
        known.ok_or_else(|| UnsupportedAlgorithm { name: name.to_owned() })
    }
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digests_name_their_algorithm() {
        for algorithm in Algorithm::ALL {
            let digest = algorithm.digest("x");
            assert_eq!(Algorithm::of(&digest), Some(algorithm));
            assert_eq!(Algorithm::of(&digest[..digest.len() - 1]), None);
            assert_eq!(Algorithm::of(&digest.to_uppercase()), None);
        }
        assert_eq!(Algorithm::Sha1.digest(""), "sha1:da39a3ee5e6b4b0d3255bfef95601890afd80709");
        assert_eq!("md5".parse::<Algorithm>().unwrap_err().to_string(), "unsupported digest algorithm: md5");
    }
}
