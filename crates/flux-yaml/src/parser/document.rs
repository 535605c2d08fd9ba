//! Where documents begin and end.

use super::{Event, EventKind, Parse, Parser, Peek, State};
use crate::node::Comments;
use crate::scanner::{Place, TokenKind};

impl<'a> Parser<'a> {
    pub(super) fn document_start(&mut self, implicit: bool) -> Parse<Event<'a>> {
        let (mut kind, mut start) = self.peek()?;
        if !implicit {
            while kind == Peek::DocumentEnd {
                self.scanner.skip();
                (kind, start) = self.peek()?;
            }
        }
        if kind == Peek::StreamEnd {
            self.state = State::End;
            return Ok(self.event(EventKind::StreamEnd, start));
        }
        let explicit = matches!(kind, Peek::VersionDirective | Peek::TagDirective | Peek::DocumentStart);
        self.directives()?;
        self.states.push(State::DocumentEnd);
        let mut event = self.event(EventKind::DocumentStart, start);
        if implicit && !explicit {
            self.state = State::BlockNode;
            let head = self.document_head();
            event.comments = (!head.is_empty()).then(|| Box::new(Comments { head, ..Comments::default() }));
            return Ok(event);
        }
        let (kind, place) = self.peek()?;
        if kind != Peek::DocumentStart {
            return Err(self.fault(None, "did not find expected <document start>", place));
        }
        self.state = State::DocumentContent;
        self.scanner.skip();
        Ok(event)
    }

    /// Comments before the last empty line belong to the document, those after it to what follows.
    fn document_head(&mut self) -> String {
        let head = &self.pending.head;
        let bytes = head.as_bytes();
        let last = bytes.len().saturating_sub(1);
        for at in (1..bytes.len()).rev().filter(|at| bytes[*at] == b'\n') {
            let end = if at == last {
                at
            } else if bytes[at - 1] == b'\n' {
                at - 1
            } else {
                continue;
            };
            let document = head[..end].to_owned();
            self.pending.head.drain(..=at);
            return document;
        }
        String::new()
    }

    pub(super) fn document_content(&mut self) -> Parse<Event<'a>> {
        let (kind, start) = self.peek()?;
        match kind {
            Peek::VersionDirective | Peek::TagDirective | Peek::DocumentStart | Peek::DocumentEnd | Peek::StreamEnd => {
                self.pop_state();
                Ok(self.empty_scalar(start))
            }
            _ => self.node(true, false),
        }
    }

    pub(super) fn document_end(&mut self) -> Parse<Event<'a>> {
        let (kind, start) = self.peek()?;
        if kind == Peek::DocumentEnd {
            self.scanner.skip();
        }
        self.tag_directives.clear();
        self.state = State::DocumentStart;
        let mut event = self.commented(EventKind::DocumentEnd, start);
        if let Some(comments) = &mut event.comments
            && comments.foot.is_empty()
        {
            comments.foot = std::mem::take(&mut comments.head);
        }
        Ok(event)
    }

    fn directives(&mut self) -> Parse<()> {
        let mut version = false;
        loop {
            let (kind, place) = self.peek()?;
            if !matches!(kind, Peek::VersionDirective | Peek::TagDirective) {
                break;
            }
            match self.scanner.skip().kind {
                TokenKind::VersionDirective { .. } if version => {
                    return Err(self.fault(None, "found duplicate %YAML directive", place));
                }
                TokenKind::VersionDirective { major: 1, minor: 1 } => version = true,
                TokenKind::TagDirective { handle, prefix } => self.add_tag_directive(handle, prefix, place)?,
                _ => return Err(self.fault(None, "found incompatible YAML document", place)),
            }
        }
        for (handle, prefix) in [("!", "!"), ("!!", "tag:yaml.org,2002:")] {
            if !self.tag_directives.iter().any(|(known, _)| **known == *handle) {
                self.tag_directives.push((handle.into(), prefix.into()));
            }
        }
        Ok(())
    }

    fn add_tag_directive(&mut self, handle: Box<str>, prefix: Box<str>, place: Place) -> Parse<()> {
        if self.tag_directives.iter().any(|(known, _)| *known == handle) {
            return Err(self.fault(None, "found duplicate %TAG directive", place));
        }
        self.tag_directives.push((handle, prefix));
        Ok(())
    }
}
