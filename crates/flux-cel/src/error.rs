//! Errors with upstream's words, which conditions quote.

/// Why an expression was refused or gave no usable value.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CelError {
    /// Not CEL, or not valid for its variables.
    #[error("failed to parse the CEL expression '{expression}': {message}")]
    Parse {
        /// The text.
        expression: String,
        /// The place and what is wrong there.
        message: String,
    },
    /// Types and names are only looked at when compiling.
    #[error("output type and variables can only be set when compiling the expression")]
    NotCompiled,
    /// The checked type is not the one asked for.
    #[error("CEL expression output type mismatch: expected {expected}, got {found}")]
    OutputType {
        /// Asked for.
        expected: String,
        /// Inferred.
        found: String,
    },
    /// Evaluation went wrong.
    #[error("failed to evaluate the CEL expression '{expression}': {reason}")]
    Evaluate {
        /// The text.
        expression: String,
        /// In cel-go's words.
        reason: String,
    },
    /// The value is no boolean.
    #[error("failed to evaluate CEL expression as boolean: '{expression}'")]
    NotBoolean {
        /// The text.
        expression: String,
    },
    /// The value is no text.
    #[error("failed to evaluate CEL expression as string: '{expression}'")]
    NotString {
        /// The text.
        expression: String,
    },
    /// The value is no list of texts.
    #[error("failed to evaluate CEL expression '{expression}' as []string: {reason}")]
    NotStrings {
        /// The text.
        expression: String,
        /// In cel-go's words.
        reason: String,
    },
}

/// Why an evaluation stopped.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Failure {
    #[error("no such attribute(s): {0}")]
    NoSuchAttribute(String),
    #[error("no such key: {0}")]
    NoSuchKey(String),
    #[error("no such overload")]
    NoSuchOverload,
    #[error("index out of bounds: {0}")]
    IndexOutOfBounds(i64),
    #[error("{0}")]
    Function(String),
    #[error("actual cost limit exceeded")]
    TooCostly,
}

impl Failure {
    pub(crate) fn text(message: impl Into<String>) -> Self {
        Self::Function(message.into())
    }

    /// A limit must end the evaluation; other failures may be absorbed by `&&` and `||`.
    pub(crate) fn is_final(&self) -> bool {
        matches!(self, Self::TooCostly)
    }
}
