//! Names of things in registries: `host/repository[:tag][@digest]`.

use std::fmt;
use std::str::FromStr;

use crate::digest::Verifier;

const MAX_REPOSITORY: usize = 255;
const MAX_TAG: usize = 128;

/// A repository in a registry, and what is wanted of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reference {
    /// Host, with the port if there is one.
    pub registry: String,
    pub repository: String,
    pub tag: Option<String>,
    pub digest: Option<String>,
}

/// Why a text names nothing in a registry.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReferenceError {
    #[error("invalid reference: missing registry or repository")]
    Incomplete,
    #[error("invalid reference: invalid registry {0:?}")]
    Registry(String),
    #[error("invalid reference: invalid repository {0:?}")]
    Repository(String),
    #[error("invalid reference: invalid tag {0:?}")]
    Tag(String),
    #[error("invalid reference: invalid digest {0:?}")]
    Digest(String),
}

/// A chart's version as a tag: tags have no `+`.
pub fn tag_of_version(version: &str) -> String {
    version.replace('+', "_")
}

impl Reference {
    /// The host that is asked; Docker Hub answers at another name.
    pub fn host(&self) -> &str {
        if self.registry == "docker.io" { "registry-1.docker.io" } else { &self.registry }
    }

    /// Tag or digest, the digest first; `latest` when there is neither.
    pub fn wanted(&self) -> &str {
        self.digest.as_deref().or(self.tag.as_deref()).unwrap_or("latest")
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.registry, self.repository)?;
        if let Some(tag) = &self.tag {
            write!(f, ":{tag}")?;
        }
        if let Some(digest) = &self.digest {
            write!(f, "@{digest}")?;
        }
        Ok(())
    }
}

impl FromStr for Reference {
    type Err = ReferenceError;

    /// Reads a reference; a leading `oci://` is left out.
    fn from_str(text: &str) -> Result<Self, ReferenceError> {
        let text = text.strip_prefix("oci://").unwrap_or(text);
        let (registry, rest) = text.split_once('/').ok_or(ReferenceError::Incomplete)?;
        let (rest, digest) = match rest.split_once('@') {
            Some((rest, digest)) => (rest, Some(digest.to_owned())),
            None => (rest, None),
        };
        let (repository, tag) = match rest.rsplit_once(':') {
            Some((repository, tag)) => (repository, Some(tag.to_owned())),
            None => (rest, None),
        };
        if registry.is_empty() || repository.is_empty() {
            return Err(ReferenceError::Incomplete);
        }
        if !valid_registry(registry) {
            return Err(ReferenceError::Registry(registry.to_owned()));
        }
        let hub = registry == "docker.io" && !repository.contains('/');
        let repository = if hub { format!("library/{repository}") } else { repository.to_owned() };
        if !valid_repository(&repository) {
            return Err(ReferenceError::Repository(repository));
        }
        if let Some(tag) = tag.as_ref().filter(|tag| !valid_tag(tag)) {
            return Err(ReferenceError::Tag(tag.clone()));
        }
        if let Some(digest) = digest.as_ref().filter(|digest| Verifier::new(digest).is_none()) {
            return Err(ReferenceError::Digest(digest.clone()));
        }
        Ok(Self { registry: registry.to_owned(), repository, tag, digest })
    }
}

fn valid_registry(registry: &str) -> bool {
    let parsed = url::Url::parse(&format!("http://{registry}/"));
    let plain = |url: &url::Url| url.username().is_empty() && url.password().is_none();
    !registry.contains(['@', '?', '#', '%', ' ', '\\'])
        && parsed.is_ok_and(|url| plain(&url) && url.host_str().is_some() && url.path() == "/")
}

/// Parts of lower-case letters and digits, with `.`, `_`, `__` or dashes between them.
fn valid_repository(repository: &str) -> bool {
    let part = |part: &str| {
        let bytes = part.as_bytes();
        let alphanumeric = |byte: &u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
        let ends = bytes.first().is_some_and(alphanumeric) && bytes.last().is_some_and(alphanumeric);
        ends && part
            .split(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit())
            .all(|between| matches!(between, "" | "." | "_" | "__") || between.bytes().all(|byte| byte == b'-'))
    };
    repository.len() <= MAX_REPOSITORY && repository.split('/').all(part)
}

fn valid_tag(tag: &str) -> bool {
    let word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    tag.len() <= MAX_TAG
        && tag.bytes().next().is_some_and(word)
        && tag.bytes().all(|byte| word(byte) || matches!(byte, b'.' | b'-'))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn parts() {
        let digest = crate::digest_of(b"");
        for good in [
            "localhost:5000/a/b:1.0.0_x".to_owned(),
            "[::1]:5000/a".to_owned(),
            format!("ghcr.io/a/b@{digest}"),
            format!("ghcr.io/a-b/c__d:v1@{digest}"),
        ] {
            let read: Reference = good.parse().expect(&good);
            assert_eq!(read.to_string(), good);
        }
        let hub: Reference = "oci://docker.io/redis".parse().expect("valid");
        assert_eq!(
            (hub.host(), hub.repository.as_str(), hub.wanted()),
            ("registry-1.docker.io", "library/redis", "latest")
        );
        for bad in [
            "host",
            "host/",
            "/a",
            "host/A",
            "ho st/a",
            "u@host/a",
            "host/a:b c",
            "host/a@sha256:0",
            "host/../a",
            "host/a//b",
        ] {
            assert!(bad.parse::<Reference>().is_err(), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn what_is_read_prints_the_same(text in "[a-z:@/._0-9-]{0,40}") {
            if let Ok(read) = text.parse::<Reference>() {
                let again: Reference = read.to_string().parse().expect("printed");
                prop_assert_eq!(again, read);
            }
        }
    }
}
