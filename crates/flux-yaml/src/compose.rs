//! Events to nodes.

use std::borrow::Cow;
use std::collections::HashSet;

use crate::alias;
use crate::error::{Error, ErrorKind};
use crate::input;
use crate::node::{CollectionStyle, Comments, Mapping, Mark, Node, NodeKind, Scalar, ScalarStyle, Sequence, Tag};
use crate::options::{DuplicateKeys, ParseOptions, Schema};
use crate::parser::{Event, EventKind, Parser};
use crate::scanner::{Fault, Place};

/// A document with the comments that belong to it rather than to a node.
#[derive(Clone, Debug, PartialEq)]
pub struct Document {
    pub root: Node,
    /// Comments at the top, set off from the content by an empty line.
    pub head: String,
    /// Comments after the content.
    pub foot: String,
}

/// Bytes that go-yaml reads at a time.
const BLOCK: usize = 512;

/// Reads documents one after another.
pub(crate) struct Composer<'a> {
    parser: Parser<'a>,
    options: &'a ParseOptions,
    bytes: usize,
    /// A refused character follows the text at hand: reaching its end is an error.
    refused: bool,
    anchors: HashSet<Box<str>>,
    /// Anchors some alias of this document names.
    used: HashSet<Box<str>>,
}

/// What the open collections hold so far, so that each is made in its final size.
#[derive(Default)]
struct Parts {
    items: Vec<Node>,
    entries: Vec<(Node, Node)>,
}

/// A collection whose end has not come yet. Its parts are those from `start` on.
enum Open {
    Sequence { node: Node, sequence: Sequence, start: usize },
    Mapping { node: Node, mapping: Mapping, key: Option<Node>, start: usize },
}

impl<'a> Composer<'a> {
    pub fn new(text: &'a str, options: &'a ParseOptions) -> Result<Self, Error> {
        // Places are counted in i32.
        if text.len() > options.limits.max_bytes.min(1 << 30) {
            return Err(Error::limit(format!("document of {} bytes is too large", text.len())));
        }
        let mut text = input::without_mark(text);
        let refused = input::first_refused(text);
        if let Some(at) = refused {
            // Upstream reads by blocks, and meets what is wrong before the block of the character first.
            text = &text[..text.floor_char_boundary(at / BLOCK * BLOCK)];
        }
        Ok(Self {
            parser: Parser::new(text, options),
            options,
            bytes: text.len(),
            refused: refused.is_some(),
            anchors: HashSet::new(),
            used: HashSet::new(),
        })
    }

    fn next_event(&mut self) -> Result<Event<'a>, Error> {
        let event = self.parser.next_event();
        if self.refused && self.parser.is_exhausted() {
            return Err(input::refused_character());
        }
        event.map_err(|fault| self.error(*fault))
    }

    /// go-yaml v3 names the line where the construct began, v2 the one where it went wrong; and neither adds
    /// one to the lines the parser reports, which count from 0.
    fn error(&self, fault: Fault) -> Error {
        let from = |place: Option<Place>| place.map(|place| place.line).filter(|line| *line != 0);
        let one = i32::from(fault.scanner);
        let line = match self.options.schema {
            Schema::V3 => from(fault.context).or(from(Some(fault.place))).map(|line| line + one),
            Schema::Yaml11 => from(Some(fault.place)).map(|line| line + one).or(from(fault.context)),
        };
        let problem = fault.problem.into_owned();
        let kind = if fault.limit { ErrorKind::Limit(problem) } else { ErrorKind::Syntax(problem) };
        Error { kind, line: line.unwrap_or(0) as u32, column: fault.place.column as u32 + 1 }
    }

    /// The next document, or `None` at the end.
    pub fn next_document(&mut self) -> Result<Option<Document>, Error> {
        let event = self.next_event()?;
        if matches!(event.kind, EventKind::StreamEnd) {
            return Ok(None);
        }
        let head = event.comments.map(|comments| comments.head).unwrap_or_default();
        self.used.clear();
        if self.options.schema == Schema::Yaml11 {
            self.anchors.clear();
        }
        let mut root = self.root()?;
        let foot = self.next_event()?.comments.map(|comments| comments.foot).unwrap_or_default();
        if self.options.expand_aliases && !self.anchors.is_empty() {
            alias::expand(&mut root, &self.used, &self.options.limits, self.bytes)?;
        }
        if self.options.duplicate_keys == DuplicateKeys::Error {
            crate::duplicates::check(&root)?;
        }
        Ok(Some(Document { root, head, foot }))
    }

    fn root(&mut self) -> Result<Node, Error> {
        let mut open: Vec<Open> = Vec::new();
        let mut parts = Parts::default();
        loop {
            let event = self.next_event()?;
            let done = match event.kind {
                EventKind::Scalar { anchor, tag, text, style } => {
                    let text = match text {
                        Cow::Borrowed(text) => text.into(),
                        Cow::Owned(text) => text.into(),
                    };
                    let kind = NodeKind::Scalar(Scalar { text, tag: tag_of(tag, style), style });
                    self.start(kind, event.start, event.comments, anchor)
                }
                EventKind::Alias(name) => {
                    if !self.anchors.contains(name) {
                        let problem = format!("unknown anchor '{name}' referenced");
                        return Err(Error::new(ErrorKind::Syntax(problem)));
                    }
                    if !self.used.contains(name) {
                        self.used.insert(name.into());
                    }
                    self.start(NodeKind::Alias(name.into()), event.start, event.comments, None)
                }
                EventKind::SequenceStart { anchor, tag, style } => {
                    let node = self.start(NodeKind::default(), event.start, event.comments, anchor);
                    let sequence = Sequence { style, tag: tag_of(tag, ScalarStyle::Plain), ..Sequence::default() };
                    open.push(Open::Sequence { node, sequence, start: parts.items.len() });
                    continue;
                }
                EventKind::MappingStart { anchor, tag, style } => {
                    let node = self.start(NodeKind::default(), event.start, event.comments, anchor);
                    let mapping = Mapping { style, tag: tag_of(tag, ScalarStyle::Plain), ..Mapping::default() };
                    open.push(Open::Mapping { node, mapping, key: None, start: parts.entries.len() });
                    continue;
                }
                EventKind::SequenceEnd | EventKind::MappingEnd => match open.pop() {
                    Some(open) => close(open, event.comments, &mut parts),
                    None => return Err(Error::value("yaml: unbalanced events")),
                },
                EventKind::StreamEnd | EventKind::DocumentStart | EventKind::DocumentEnd => {
                    return Err(Error::value("yaml: attempted to go past the end of stream; corrupted value?"));
                }
            };
            match open.last_mut() {
                Some(parent) => deliver(parent, done, &mut parts),
                None => return Ok(done),
            }
            if open.len() > self.options.limits.max_depth {
                return Err(Error::limit(format!("exceeded max depth of {}", self.options.limits.max_depth)));
            }
        }
    }

    fn start(
        &mut self,
        kind: NodeKind,
        start: Place,
        comments: Option<Box<Comments>>,
        anchor: Option<&'a str>,
    ) -> Node {
        if let Some(name) = anchor {
            self.anchors.insert(name.into());
        }
        let mark = Mark { line: start.line as u32 + 1, column: start.column as u32 + 1 };
        Node { kind, anchor: anchor.map(Into::into), comments, mark }
    }
}

/// The full tag as written to a [`Tag`]. A lone `!` only says "not by content" of a quoted scalar.
fn tag_of(tag: Option<Box<str>>, style: ScalarStyle) -> Tag {
    let Some(tag) = tag else { return Tag::Implicit };
    match tag.strip_prefix("tag:yaml.org,2002:") {
        Some("str") => Tag::Str,
        Some("int") => Tag::Int,
        Some("float") => Tag::Float,
        Some("bool") => Tag::Bool,
        Some("null") => Tag::Null,
        Some("timestamp") => Tag::Timestamp,
        Some("binary") => Tag::Binary,
        Some("merge") => Tag::Merge,
        Some("map") => Tag::Map,
        Some("seq") => Tag::Seq,
        _ if &*tag == "!" && style != ScalarStyle::Plain => Tag::Str,
        _ => Tag::Other(tag),
    }
}

fn foot_of(node: &Node) -> &str {
    node.comments.as_ref().map_or("", |comments| &comments.foot)
}

fn take_foot(node: &mut Node) -> String {
    node.comments.as_mut().map(|comments| std::mem::take(&mut comments.foot)).unwrap_or_default()
}

fn set_foot(node: &mut Node, foot: String) {
    node.comments.get_or_insert_default().foot = foot;
}

/// Puts a finished node into its parent. A foot comment moves to the key of the entry it ends.
fn deliver(parent: &mut Open, mut done: Node, parts: &mut Parts) {
    match parent {
        Open::Sequence { .. } => parts.items.push(done),
        Open::Mapping { mapping, key, start, .. } => match key.take() {
            None => {
                if mapping.style == CollectionStyle::Block
                    && !foot_of(&done).is_empty()
                    && let Some((before, _)) = parts.entries[*start..].last_mut()
                {
                    set_foot(before, take_foot(&mut done));
                }
                *key = Some(done);
            }
            Some(mut key) => {
                if foot_of(&key).is_empty() && !foot_of(&done).is_empty() {
                    set_foot(&mut key, take_foot(&mut done));
                }
                parts.entries.push((key, done));
            }
        },
    }
}

/// Finishes a collection with the comments of its end.
fn close(open: Open, end: Option<Box<Comments>>, parts: &mut Parts) -> Node {
    let end = end.map(|end| *end).unwrap_or_default();
    let (mut node, mut foot) = match open {
        Open::Sequence { mut node, mut sequence, start } => {
            sequence.items = parts.items.drain(start..).collect();
            node.kind = NodeKind::Sequence(sequence);
            (node, end.foot)
        }
        Open::Mapping { mut node, mut mapping, start, .. } => {
            mapping.entries = parts.entries.drain(start..).collect();
            let mut foot = end.foot;
            if mapping.style == CollectionStyle::Block
                && !foot.is_empty()
                && let Some((last, _)) = mapping.entries.last_mut()
            {
                set_foot(last, std::mem::take(&mut foot));
            }
            node.kind = NodeKind::Mapping(mapping);
            (node, foot)
        }
    };
    if node.comments.is_some() || !end.line.is_empty() || !foot.is_empty() {
        let comments = node.comments.get_or_insert_default();
        comments.line = end.line;
        comments.foot = std::mem::take(&mut foot);
    }
    node
}
