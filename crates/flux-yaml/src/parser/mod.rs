//! Tokens to events: libyaml's grammar as a state machine, so that depth costs no stack.

mod block;
mod document;
mod event;
mod flow;

use std::borrow::Cow;

pub use event::{Event, EventKind};

use crate::node::{CollectionStyle, Comments, ScalarStyle};
use crate::options::{ParseOptions, Schema};
use crate::scanner::{Fault, Place, Scanner, TokenKind};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    StreamStart,
    ImplicitDocumentStart,
    DocumentStart,
    DocumentContent,
    DocumentEnd,
    BlockNode,
    BlockSequenceFirstEntry,
    BlockSequenceEntry,
    IndentlessSequenceEntry,
    BlockMappingFirstKey,
    BlockMappingKey,
    BlockMappingValue,
    FlowSequenceFirstEntry,
    FlowSequenceEntry,
    FlowSequenceEntryMappingKey,
    FlowSequenceEntryMappingValue,
    FlowSequenceEntryMappingEnd,
    FlowMappingFirstKey,
    FlowMappingKey,
    FlowMappingValue,
    FlowMappingEmptyValue,
    End,
}

/// A token's kind without its text, to decide by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Peek {
    StreamStart,
    StreamEnd,
    VersionDirective,
    TagDirective,
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
    Alias,
    Anchor,
    Tag,
    Scalar,
}

type Parse<T> = Result<T, Box<Fault>>;

/// The parser. Events end with `StreamEnd`.
pub struct Parser<'a> {
    scanner: Scanner<'a>,
    state: State,
    states: Vec<State>,
    marks: Vec<Place>,
    tag_directives: Vec<(Box<str>, Box<str>)>,
    keep_comments: bool,
    /// Comments seen and not yet given to an event.
    pending: Comments,
    /// The head of a collection that is a sequence's entry, as opposed to the head of its first element.
    stem: Option<String>,
}

impl<'a> Parser<'a> {
    pub fn new(text: &'a str, options: &ParseOptions) -> Self {
        let keep_comments = options.keep_comments;
        let lookahead = if keep_comments || options.schema == Schema::V3 { 2 } else { 0 };
        Self {
            scanner: Scanner::new(text, &options.limits, keep_comments, lookahead),
            state: State::StreamStart,
            states: Vec::new(),
            marks: Vec::new(),
            tag_directives: Vec::new(),
            keep_comments,
            pending: Comments::default(),
            stem: None,
        }
    }

    /// True when all text was looked at.
    pub fn is_exhausted(&self) -> bool {
        self.scanner.is_exhausted()
    }

    pub fn next_event(&mut self) -> Parse<Event<'a>> {
        match self.state {
            State::StreamStart => {
                self.peek()?;
                self.scanner.skip();
                self.state = State::ImplicitDocumentStart;
                self.document_start(true)
            }
            State::ImplicitDocumentStart => self.document_start(true),
            State::DocumentStart => self.document_start(false),
            State::DocumentContent => self.document_content(),
            State::DocumentEnd => self.document_end(),
            State::BlockNode => self.node(true, false),
            State::BlockSequenceFirstEntry => self.block_sequence_entry(true),
            State::BlockSequenceEntry => self.block_sequence_entry(false),
            State::IndentlessSequenceEntry => self.indentless_sequence_entry(),
            State::BlockMappingFirstKey => self.block_mapping_key(true),
            State::BlockMappingKey => self.block_mapping_key(false),
            State::BlockMappingValue => self.block_mapping_value(),
            State::FlowSequenceFirstEntry => self.flow_sequence_entry(true),
            State::FlowSequenceEntry => self.flow_sequence_entry(false),
            State::FlowSequenceEntryMappingKey => self.flow_pair_key(),
            State::FlowSequenceEntryMappingValue => self.flow_pair_value(),
            State::FlowSequenceEntryMappingEnd => self.flow_pair_end(),
            State::FlowMappingFirstKey => self.flow_mapping_key(true),
            State::FlowMappingKey => self.flow_mapping_key(false),
            State::FlowMappingValue => self.flow_mapping_value(false),
            State::FlowMappingEmptyValue => self.flow_mapping_value(true),
            State::End => Ok(self.event(EventKind::StreamEnd, Place::default())),
        }
    }

    /// The next token's kind and place; comments up to it become pending.
    fn peek(&mut self) -> Parse<(Peek, Place)> {
        let token = self.scanner.peek()?;
        let kind = match &token.kind {
            TokenKind::StreamStart => Peek::StreamStart,
            TokenKind::StreamEnd => Peek::StreamEnd,
            TokenKind::VersionDirective { .. } => Peek::VersionDirective,
            TokenKind::TagDirective { .. } => Peek::TagDirective,
            TokenKind::DocumentStart => Peek::DocumentStart,
            TokenKind::DocumentEnd => Peek::DocumentEnd,
            TokenKind::BlockSequenceStart => Peek::BlockSequenceStart,
            TokenKind::BlockMappingStart => Peek::BlockMappingStart,
            TokenKind::BlockEnd => Peek::BlockEnd,
            TokenKind::FlowSequenceStart => Peek::FlowSequenceStart,
            TokenKind::FlowSequenceEnd => Peek::FlowSequenceEnd,
            TokenKind::FlowMappingStart => Peek::FlowMappingStart,
            TokenKind::FlowMappingEnd => Peek::FlowMappingEnd,
            TokenKind::BlockEntry => Peek::BlockEntry,
            TokenKind::FlowEntry => Peek::FlowEntry,
            TokenKind::Key => Peek::Key,
            TokenKind::Value => Peek::Value,
            TokenKind::Alias(_) => Peek::Alias,
            TokenKind::Anchor(_) => Peek::Anchor,
            TokenKind::Tag { .. } => Peek::Tag,
            TokenKind::Scalar { .. } => Peek::Scalar,
        };
        let start = token.start;
        if self.keep_comments {
            self.gather_comments(kind, start);
        }
        Ok((kind, start))
    }

    fn gather_comments(&mut self, kind: Peek, start: Place) {
        fn append(to: &mut String, from: &str) {
            if !from.is_empty() {
                if !to.is_empty() {
                    to.push('\n');
                }
                to.push_str(from);
            }
        }
        while let Some(comment) = self.scanner.comments.front() {
            // Ends have no heads: a head waits for the token that follows.
            if start.index < comment.token.index || !comment.head.is_empty() && kind == Peek::BlockEnd {
                return;
            }
            append(&mut self.pending.head, &comment.head);
            append(&mut self.pending.foot, &comment.foot);
            append(&mut self.pending.line, &comment.line);
            self.scanner.comments.pop_front();
        }
    }

    fn event(&self, kind: EventKind<'a>, start: Place) -> Event<'a> {
        Event { kind, start, comments: None }
    }

    /// An event that takes the pending comments.
    fn commented(&mut self, kind: EventKind<'a>, start: Place) -> Event<'a> {
        self.stem = None;
        let Comments { head, line, foot } = &self.pending;
        let none = head.is_empty() && line.is_empty() && foot.is_empty();
        let comments = (!none).then(|| Box::new(std::mem::take(&mut self.pending)));
        Event { kind, start, comments }
    }

    fn empty_scalar(&self, start: Place) -> Event<'a> {
        let kind = EventKind::Scalar { anchor: None, tag: None, text: Cow::Borrowed(""), style: ScalarStyle::Plain };
        self.event(kind, start)
    }

    fn pop_state(&mut self) {
        self.state = self.states.pop().expect("each node was entered from a state");
    }

    fn fault(&self, context: Option<Place>, problem: &'static str, place: Place) -> Box<Fault> {
        Box::new(Fault { scanner: false, context, problem: problem.into(), place, limit: false })
    }

    /// A node: alias, or properties and content, either of which may be missing.
    fn node(&mut self, block: bool, indentless: bool) -> Parse<Event<'a>> {
        let (mut kind, mut place) = self.peek()?;
        let start = place;
        if kind == Peek::Alias {
            self.pop_state();
            let TokenKind::Alias(name) = self.scanner.peek()?.kind else { unreachable!("peeked") };
            let event = self.commented(EventKind::Alias(name), start);
            self.scanner.skip();
            return Ok(event);
        }
        let mut anchor = None;
        let mut tag = None;
        // Either order, each once.
        for _ in 0..2 {
            match kind {
                Peek::Anchor if anchor.is_none() => {
                    if let TokenKind::Anchor(name) = self.scanner.skip().kind {
                        anchor = Some(name);
                    }
                }
                Peek::Tag if tag.is_none() => {
                    if let TokenKind::Tag { handle, suffix } = self.scanner.skip().kind {
                        tag = Some((handle, suffix, place));
                    }
                }
                _ => break,
            }
            (kind, place) = self.peek()?;
        }
        let tag = match tag {
            Some((handle, suffix, at)) => self.full_tag(&handle, &suffix, start, at)?,
            None => None,
        };
        let (state, event) = match kind {
            Peek::BlockEntry if indentless => {
                let kind = EventKind::SequenceStart { anchor, tag, style: CollectionStyle::Block };
                (State::IndentlessSequenceEntry, self.event(kind, start))
            }
            Peek::Scalar => {
                self.pop_state();
                let mut event = self.commented(EventKind::StreamEnd, start);
                if let TokenKind::Scalar { text, style } = self.scanner.skip().kind {
                    event.kind = EventKind::Scalar { anchor, tag, text, style };
                }
                return Ok(event);
            }
            Peek::FlowSequenceStart => {
                let kind = EventKind::SequenceStart { anchor, tag, style: CollectionStyle::Flow };
                (State::FlowSequenceFirstEntry, self.commented(kind, start))
            }
            Peek::FlowMappingStart => {
                let kind = EventKind::MappingStart { anchor, tag, style: CollectionStyle::Flow };
                (State::FlowMappingFirstKey, self.commented(kind, start))
            }
            Peek::BlockSequenceStart if block => {
                let kind = EventKind::SequenceStart { anchor, tag, style: CollectionStyle::Block };
                (State::BlockSequenceFirstEntry, self.stemmed(kind, start))
            }
            Peek::BlockMappingStart if block => {
                let kind = EventKind::MappingStart { anchor, tag, style: CollectionStyle::Block };
                (State::BlockMappingFirstKey, self.stemmed(kind, start))
            }
            _ if anchor.is_some() || tag.is_some() => {
                self.pop_state();
                let text = Cow::Borrowed("");
                let kind = EventKind::Scalar { anchor, tag, text, style: ScalarStyle::Plain };
                return Ok(self.event(kind, start));
            }
            _ => return Err(self.fault(Some(start), "did not find expected node content", place)),
        };
        self.state = state;
        Ok(event)
    }

    fn stemmed(&mut self, kind: EventKind<'a>, start: Place) -> Event<'a> {
        let mut event = self.event(kind, start);
        if let Some(stem) = self.stem.take() {
            event.comments = (!stem.is_empty()).then(|| Box::new(Comments { head: stem, ..Comments::default() }));
        }
        event
    }

    fn full_tag(&self, handle: &str, suffix: &str, start: Place, at: Place) -> Parse<Option<Box<str>>> {
        if handle.is_empty() {
            return Ok(Some(suffix.into()));
        }
        match self.tag_directives.iter().find(|(known, _)| **known == *handle) {
            Some((_, prefix)) if prefix.len() + suffix.len() > 0 => Ok(Some([prefix, suffix].concat().into())),
            _ => Err(self.fault(Some(start), "found undefined tag handle", at)),
        }
    }
}
