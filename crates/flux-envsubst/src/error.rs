//! What can go wrong, in upstream's words where it has some.

/// A text that cannot be substituted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    #[error("bad substitution")]
    BadSubstitution,
    #[error("missing closing brace")]
    MissingClosingBrace,
    #[error("unable to parse variable name")]
    VariableName,
    #[error("unable to parse substitution within function")]
    FunctionSubstitution,
    #[error("unable to parse default function")]
    DefaultFunction,
    /// Strict mode, and no operator supplies a default.
    #[error("variable not set (strict mode): {name:?}")]
    NotSet { name: String },
    /// A position or pattern cuts a character in two; upstream writes the broken bytes.
    #[error("substitution of `{name}` splits a character")]
    SplitCharacter { name: String },
    /// A length below zero, on which upstream panics.
    #[error("substitution of `{name}` has a negative length")]
    NegativeLength { name: String },
    #[error("substitutions are nested deeper than {limit}")]
    TooDeep { limit: usize },
    #[error("result is larger than {limit} bytes")]
    TooLarge { limit: usize },
    /// A glob so long, on a value so long, that matching it would take seconds.
    #[error("pattern in the substitution of `{name}` is too expensive")]
    PatternTooExpensive { name: String },
}
