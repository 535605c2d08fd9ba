//! What the parser hands to the composer.

use std::borrow::Cow;

use crate::node::{CollectionStyle, Comments, ScalarStyle};
use crate::scanner::Place;

/// One step through a document.
#[derive(Debug)]
pub struct Event<'a> {
    pub kind: EventKind<'a>,
    pub start: Place,
    /// Nearly always none.
    pub comments: Option<Box<Comments>>,
}

#[derive(Debug)]
pub enum EventKind<'a> {
    StreamEnd,
    DocumentStart,
    DocumentEnd,
    Alias(&'a str),
    Scalar { anchor: Option<&'a str>, tag: Option<Box<str>>, text: Cow<'a, str>, style: ScalarStyle },
    SequenceStart { anchor: Option<&'a str>, tag: Option<Box<str>>, style: CollectionStyle },
    SequenceEnd,
    MappingStart { anchor: Option<&'a str>, tag: Option<Box<str>>, style: CollectionStyle },
    MappingEnd,
}
