//! What can go wrong, in go-yaml's words: users meet these texts through kustomize and Flux.

use std::fmt;

pub(crate) const BAD_MERGE: &str = "yaml: map merge requires map or sequence of maps as the value";

/// Why a text is not the YAML somebody wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ErrorKind {
    /// The text is not YAML, in libyaml's words.
    Syntax(String),
    /// The bytes are not text YAML allows.
    Reader(String),
    /// Well-formed, but not to be turned into values: one entry per defect, each `line N: ...`.
    Unmarshal(Vec<String>),
    /// A value or key that JSON cannot hold, or a document that is refused as a whole.
    Value(String),
    /// Deeper, larger or more repetitive than [`crate::Limits`] allow.
    Limit(String),
}

/// A refused document.
///
/// Displays as go-yaml does: `yaml: line 3: mapping values are not allowed in this context`,
/// or `yaml: unmarshal errors:` with one indented line per defect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    pub kind: ErrorKind,
    /// From 1; 0 when the place is unknown or go-yaml does not name it. This is the line go-yaml
    /// reports, which can lie beside the true one.
    pub line: u32,
    /// From 1; 0 when unknown. Not part of the text.
    pub column: u32,
}

impl Error {
    pub(crate) fn new(kind: ErrorKind) -> Self {
        Self { kind, line: 0, column: 0 }
    }

    pub(crate) fn value(text: impl Into<String>) -> Self {
        Self::new(ErrorKind::Value(text.into()))
    }

    pub(crate) fn limit(text: impl Into<String>) -> Self {
        Self::new(ErrorKind::Limit(text.into()))
    }

    /// True when a `<<` names something that is no mapping.
    pub fn is_bad_merge(&self) -> bool {
        matches!(&self.kind, ErrorKind::Value(text) if text == BAD_MERGE)
    }

    /// True when a limit refused the text, rather than its own faults.
    pub fn is_limit(&self) -> bool {
        matches!(self.kind, ErrorKind::Limit(_))
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.kind {
            ErrorKind::Unmarshal(lines) => {
                f.write_str("yaml: unmarshal errors:")?;
                lines.iter().try_for_each(|line| write!(f, "\n  {line}"))
            }
            ErrorKind::Value(text) => f.write_str(text),
            ErrorKind::Syntax(text) | ErrorKind::Reader(text) | ErrorKind::Limit(text) if self.line > 0 => {
                write!(f, "yaml: line {}: {text}", self.line)
            }
            ErrorKind::Syntax(text) | ErrorKind::Reader(text) | ErrorKind::Limit(text) => write!(f, "yaml: {text}"),
        }
    }
}

impl std::error::Error for Error {}
