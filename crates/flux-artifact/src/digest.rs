//! The digest algorithms of artifacts.

use std::fmt;
use std::io::{self, Write};
use std::str::FromStr;

use sha2::Digest as _;

/// `--artifact-digest-algo`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Algorithm {
    #[default]
    Sha256,
    Sha384,
    Sha512,
    Blake3,
}

/// A name that is no algorithm of artifacts.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unsupported digest algorithm: {name:?}")]
pub struct UnsupportedAlgorithm {
    pub name: String,
}

impl Algorithm {
    pub fn name(self) -> &'static str {
        match self {
            Self::Sha256 => "sha256",
            Self::Sha384 => "sha384",
            Self::Sha512 => "sha512",
            Self::Blake3 => "blake3",
        }
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
        [Self::Sha256, Self::Sha384, Self::Sha512, Self::Blake3]
            .into_iter()
            .find(|algorithm| algorithm.name() == name)
            .ok_or_else(|| UnsupportedAlgorithm { name: name.to_owned() })
    }
}

/// A digest in the making. Bytes are written to it.
pub struct Hasher(State);

enum State {
    Sha256(sha2::Sha256),
    Sha384(sha2::Sha384),
    Sha512(sha2::Sha512),
    Blake3(Box<blake3::Hasher>),
}

impl Hasher {
    pub fn new(algorithm: Algorithm) -> Self {
        Self(match algorithm {
            Algorithm::Sha256 => State::Sha256(sha2::Sha256::new()),
            Algorithm::Sha384 => State::Sha384(sha2::Sha384::new()),
            Algorithm::Sha512 => State::Sha512(sha2::Sha512::new()),
            Algorithm::Blake3 => State::Blake3(Box::default()),
        })
    }

    pub fn update(&mut self, bytes: &[u8]) {
        match &mut self.0 {
            State::Sha256(state) => state.update(bytes),
            State::Sha384(state) => state.update(bytes),
            State::Sha512(state) => state.update(bytes),
            State::Blake3(state) => {
                state.update(bytes);
            }
        }
    }

    /// `algorithm:hex`.
    pub fn finish(self) -> String {
        match self.0 {
            State::Sha256(state) => format!("sha256:{}", hex(&state.finalize())),
            State::Sha384(state) => format!("sha384:{}", hex(&state.finalize())),
            State::Sha512(state) => format!("sha512:{}", hex(&state.finalize())),
            State::Blake3(state) => format!("blake3:{}", state.finalize().to_hex()),
        }
    }
}

impl Write for Hasher {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_digests_of_nothing() {
        let of = |name: &str| Hasher::new(name.parse().unwrap()).finish();
        assert_eq!(of("sha256"), "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
        assert!(of("blake3").starts_with("blake3:af1349b9f5f9a1a6"));
        assert!(of("sha384").starts_with("sha384:38b060a751ac96384cd9327eb1b1e36a"));
        assert!(of("sha512").starts_with("sha512:cf83e1357eefb8bdf1542850d66d8007"));
        assert!("sha1".parse::<Algorithm>().is_err());
    }
}
