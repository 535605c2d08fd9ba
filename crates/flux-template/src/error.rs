//! Why a template could not be parsed or executed.

use std::fmt;

/// A budget that ran out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exceeded {
    /// Evaluated nodes and work inside functions.
    Steps,
    /// Bytes of values and buffers alive at one time.
    Memory,
    /// Bytes of output of one render.
    Output,
    /// The native stack.
    Depth,
    /// The caller's [`crate::Interrupt`] said stop.
    Interrupted,
}

impl fmt::Display for Exceeded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Steps => "too many steps",
            Self::Memory => "too much memory",
            Self::Output => "too much output",
            Self::Depth => "nested too deeply",
            Self::Interrupted => "interrupted, or out of time",
        })
    }
}

/// Why rendering failed. `Display` is the text that Helm prints.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// A template does not parse.
    #[error("{text}")]
    Parse {
        /// The file as Helm names it: `CHART/templates/NAME`.
        file: String,
        /// Helm's text: `parse error at (FILE:LINE): MESSAGE`.
        text: String,
        /// Go's text: `template: FILE:LINE: MESSAGE`.
        raw: String,
    },
    /// A template failed while it was executed.
    #[error("{text}")]
    Execute {
        file: String,
        /// Helm's text: nested groups of place, expression and message, or Go's text where Helm leaves it.
        text: String,
        /// Go's text: `template: FILE:LINE:COLUMN: executing "NAME" at <EXPRESSION>: MESSAGE`.
        raw: String,
    },
    /// A budget of [`crate::Limits`] ran out; Helm has none of these.
    #[error("template `{file}` stopped: {exceeded}")]
    Limit { file: String, exceeded: Exceeded },
}

impl Error {
    /// The text of Go's own error, before Helm's rewriting.
    pub fn raw(&self) -> String {
        match self {
            Self::Parse { raw, .. } | Self::Execute { raw, .. } => raw.clone(),
            Self::Limit { .. } => self.to_string(),
        }
    }
}
