//! What a chart is called: a path in a source, or a name and a range of versions in a repository.

use std::path::PathBuf;

/// A chart in an unpacked source.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LocalReference {
    /// The unpacked source; nothing outside is read.
    pub work_dir: PathBuf,
    /// A folder or an archive, relative to the source.
    pub path: String,
}

/// A chart in a repository.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RemoteReference {
    pub name: String,
    /// A version or a range; empty for the latest.
    pub version: String,
}

/// Why a reference cannot be one. Worded as upstream.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReferenceError {
    #[error("no work dir set for local chart reference")]
    NoWorkDir,
    #[error("no path set for local chart reference")]
    NoPath,
    #[error("local chart reference work dir is expected to be absolute")]
    RelativeWorkDir,
    #[error("local chart reference path is expected to be relative")]
    AbsolutePath,
    #[error("no name set for remote chart reference")]
    NoName,
    #[error(
        "invalid chart name '{name}': a valid name must be lower case letters and numbers and MAY be separated with dashes (-), slashes (/) or periods (.)"
    )]
    InvalidName { name: String },
}

impl LocalReference {
    /// # Errors
    /// What is missing, or of the wrong kind.
    pub fn validate(&self) -> Result<(), ReferenceError> {
        if self.work_dir.as_os_str().is_empty() {
            return Err(ReferenceError::NoWorkDir);
        }
        if self.path.is_empty() {
            return Err(ReferenceError::NoPath);
        }
        if !self.work_dir.is_absolute() {
            return Err(ReferenceError::RelativeWorkDir);
        }
        if self.path.starts_with('/') {
            return Err(ReferenceError::AbsolutePath);
        }
        Ok(())
    }
}

impl RemoteReference {
    /// # Errors
    /// No name, or one that upstream refuses.
    pub fn validate(&self) -> Result<(), ReferenceError> {
        if self.name.is_empty() {
            return Err(ReferenceError::NoName);
        }
        if !valid_name(&self.name) {
            return Err(ReferenceError::InvalidName { name: self.name.clone() });
        }
        Ok(())
    }
}

/// Words of letters, digits and dashes, each followed by `/`, `.` or `/.` or nothing.
fn valid_name(name: &str) -> bool {
    let word = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    let bytes = name.as_bytes();
    let mut at = 0;
    while at < bytes.len() {
        let start = at;
        while at < bytes.len() && word(bytes[at]) {
            at += 1;
        }
        if at == start {
            return false;
        }
        for mark in *b"/." {
            at += usize::from(bytes.get(at) == Some(&mark));
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        for good in ["a", "valid.chart.name", "i-shall/not", "a/", "a/.b", "-"] {
            assert!(valid_name(good), "{good}");
        }
        for bad in ["/", "a//b", "../a", "A", "a..b", "a b", "."] {
            assert!(!valid_name(bad), "{bad}");
        }
    }
}
