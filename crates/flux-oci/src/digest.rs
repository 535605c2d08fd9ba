//! Digests of content, compared while it is read.

use sha2::Digest as _;

enum State {
    Sha256(sha2::Sha256),
    Sha384(sha2::Sha384),
    Sha512(sha2::Sha512),
}

/// Compares bytes with the digest they are known by.
pub struct Verifier {
    state: State,
    expected: String,
}

impl Verifier {
    /// `None` for what is no digest, or of another algorithm than the SHA-2 family.
    pub fn new(digest: &str) -> Option<Self> {
        let (algorithm, hex) = digest.split_once(':')?;
        let (state, length) = match algorithm {
            "sha256" => (State::Sha256(sha2::Sha256::new()), 64),
            "sha384" => (State::Sha384(sha2::Sha384::new()), 96),
            "sha512" => (State::Sha512(sha2::Sha512::new()), 128),
            _ => return None,
        };
        let lower = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
        (hex.len() == length && hex.bytes().all(lower)).then(|| Self { state, expected: hex.to_owned() })
    }

    pub fn update(&mut self, bytes: &[u8]) {
        match &mut self.state {
            State::Sha256(state) => state.update(bytes),
            State::Sha384(state) => state.update(bytes),
            State::Sha512(state) => state.update(bytes),
        }
    }

    /// Whether what was read has the digest.
    pub fn matches(self) -> bool {
        let found = match self.state {
            State::Sha256(state) => hex(&state.finalize()),
            State::Sha384(state) => hex(&state.finalize()),
            State::Sha512(state) => hex(&state.finalize()),
        };
        found == self.expected
    }
}

/// `sha256:hex`.
pub fn digest_of(bytes: &[u8]) -> String {
    format!("sha256:{}", hex(&sha2::Sha256::digest(bytes)))
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
    fn only_whole_digests_of_known_algorithms() {
        let empty = digest_of(b"");
        assert!(Verifier::new(&empty).is_some_and(Verifier::matches));
        let mut other = Verifier::new(&empty).expect("digest");
        other.update(b"x");
        assert!(!other.matches());
        for bad in
            ["", "sha256", "sha256:", "md5:d41d8cd98f00b204e9800998ecf8427e", &empty.to_uppercase(), &empty[..70]]
        {
            assert!(Verifier::new(bad).is_none(), "{bad}");
        }
    }
}
