//! Source revisions: `main@sha1:<hash>`, `v1.0.0@sha256:<digest>`, `sha1:<hash>`.

use std::fmt;
use std::str::FromStr;

use crate::digest::Digest;

/// What a source points at: a name, a digest, or both. A Helm chart version is a name alone.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Revision {
    /// Branch, tag, reference or chart version; empty when only the digest is known.
    pub name: String,
    /// The content.
    pub digest: Option<Digest>,
}

/// Why a text is no revision.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RevisionError {
    /// Nothing there.
    #[error("revision is empty")]
    Empty,
    /// Longer than any reference name and digest can be.
    #[error("revision is longer than {limit} bytes")]
    TooLong {
        /// The most bytes.
        limit: usize,
    },
}

const LIMIT: usize = 4096;

impl Revision {
    /// `name@digest`.
    pub fn named(name: impl Into<String>, digest: Digest) -> Self {
        Self { name: name.into(), digest: Some(digest) }
    }

    /// The short form for people: a Git hash cut to eight digits, a longer digest likewise.
    pub fn short(&self) -> String {
        let Some(digest) = &self.digest else { return self.name.clone() };
        let hash: String = digest.encoded().chars().take(8).collect();
        let at = if self.name.is_empty() { "" } else { "@" };
        format!("{}{at}{}:{hash}", self.name, digest.algorithm())
    }
}

impl FromStr for Revision {
    type Err = RevisionError;

    /// Reads the current forms and upstream's old ones, `main/<hash>` and `HEAD/<hash>`.
    fn from_str(text: &str) -> Result<Self, RevisionError> {
        if text.is_empty() {
            return Err(RevisionError::Empty);
        }
        if text.len() > LIMIT {
            return Err(RevisionError::TooLong { limit: LIMIT });
        }
        if let Ok(digest) = text.parse() {
            return Ok(Self { name: String::new(), digest: Some(digest) });
        }
        if let Some((name, digest)) = text.rsplit_once('@')
            && let Ok(digest) = digest.parse()
        {
            return Ok(Self::named(name, digest));
        }
        if let Some((name, hash)) = text.rsplit_once('/')
            && let Some(digest) = bare_hash(hash)
        {
            let name = if name == "HEAD" { "" } else { name };
            return Ok(Self::named(name, digest));
        }
        match bare_hash(text) {
            Some(digest) => Ok(Self { name: String::new(), digest: Some(digest) }),
            None => Ok(Self { name: text.to_owned(), digest: None }),
        }
    }
}

/// A hash without its algorithm: 40 digits are SHA-1, 64 are SHA-256.
fn bare_hash(text: &str) -> Option<Digest> {
    let algorithm = match text.len() {
        40 => "sha1",
        64 => "sha256",
        _ => return None,
    };
    format!("{algorithm}:{text}").parse().ok()
}

impl fmt::Display for Revision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.digest {
            None => f.write_str(&self.name),
            Some(digest) if self.name.is_empty() => write!(f, "{digest}"),
            Some(digest) => write!(f, "{}@{digest}", self.name),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HASH: &str = "5394cb7f48332b2de7c17dd8b8384bbc84b7e738";

    #[test]
    fn forms() {
        for (text, printed) in [
            (format!("main@sha1:{HASH}"), format!("main@sha1:{HASH}")),
            (format!("sha1:{HASH}"), format!("sha1:{HASH}")),
            (format!("main/{HASH}"), format!("main@sha1:{HASH}")),
            (format!("HEAD/{HASH}"), format!("sha1:{HASH}")),
            (format!("feature/x@sha1:{HASH}"), format!("feature/x@sha1:{HASH}")),
            ("6.5.0".into(), "6.5.0".into()),
        ] {
            assert_eq!(text.parse::<Revision>().map(|r| r.to_string()), Ok(printed));
        }
        let short = format!("main@sha1:{HASH}").parse::<Revision>().map(|r| r.short());
        assert_eq!(short, Ok("main@sha1:5394cb7f".into()));
    }
}
