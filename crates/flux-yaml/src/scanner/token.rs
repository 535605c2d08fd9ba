//! What the scanner hands to the parser.

use std::borrow::Cow;

use crate::node::ScalarStyle;

/// A place in the text, in characters, from 0. Signed, because the comment rules look one before the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Place {
    pub index: i32,
    pub line: i32,
    pub column: i32,
}

/// A token's kind with its text.
#[derive(Clone, Debug, PartialEq)]
pub enum TokenKind<'a> {
    StreamStart,
    StreamEnd,
    VersionDirective { major: u8, minor: u8 },
    TagDirective { handle: Box<str>, prefix: Box<str> },
    DocumentStart,
    DocumentEnd,
    BlockSequenceStart,
    BlockMappingStart,
    BlockEnd,
    FlowSequenceStart,
    FlowSequenceEnd,
    FlowMappingStart,
    FlowMappingEnd,
    BlockEntry,
    FlowEntry,
    Key,
    Value,
    Alias(&'a str),
    Anchor(&'a str),
    Tag { handle: Box<str>, suffix: Box<str> },
    Scalar { text: Cow<'a, str>, style: ScalarStyle },
}

/// A token between two places.
#[derive(Clone, Debug, PartialEq)]
pub struct Token<'a> {
    pub kind: TokenKind<'a>,
    pub start: Place,
    pub end: Place,
}

/// A comment that waits for the token it belongs to. One of the three texts is set.
#[derive(Clone, Debug, Default)]
pub struct Comment {
    /// Where the scan that found it began.
    pub scan: Place,
    /// The token it belongs to starts here.
    pub token: Place,
    pub start: Place,
    pub end: Place,
    pub head: String,
    pub line: String,
    pub foot: String,
}

/// Why scanning or parsing stopped. go-yaml v2 and v3 name different lines of the same fault.
#[derive(Clone, Debug)]
pub struct Fault {
    /// Found by the scanner; else by the parser.
    pub scanner: bool,
    /// Where the construct began, when the fault lies inside one.
    pub context: Option<Place>,
    pub problem: Cow<'static, str>,
    pub place: Place,
    /// A bound of ours, not a fault of the text.
    pub limit: bool,
}
