//! Block sequences and mappings.

use super::{Event, EventKind, Parse, Parser, Peek, State};

impl<'a> Parser<'a> {
    pub(super) fn block_sequence_entry(&mut self, first: bool) -> Parse<Event<'a>> {
        if first {
            let (_, start) = self.peek()?;
            self.marks.push(start);
            self.scanner.skip();
        }
        let (kind, place) = self.peek()?;
        match kind {
            Peek::BlockEntry => {
                let end = self.skip_entry()?;
                let (kind, _) = self.peek()?;
                if matches!(kind, Peek::BlockEntry | Peek::BlockEnd) {
                    self.state = State::BlockSequenceEntry;
                    return Ok(self.empty_scalar(end));
                }
                self.states.push(State::BlockSequenceEntry);
                self.node(true, false)
            }
            Peek::BlockEnd => {
                self.pop_state();
                self.marks.pop();
                self.scanner.skip();
                Ok(self.event(EventKind::SequenceEnd, place))
            }
            _ => Err(self.fault(self.marks.last().copied(), "did not find expected '-' indicator", place)),
        }
    }

    /// A sequence below a key without deeper indentation: no token ends it.
    pub(super) fn indentless_sequence_entry(&mut self) -> Parse<Event<'a>> {
        let (kind, place) = self.peek()?;
        if kind != Peek::BlockEntry {
            self.pop_state();
            return Ok(self.event(EventKind::SequenceEnd, place));
        }
        let end = self.skip_entry()?;
        let (kind, _) = self.peek()?;
        if matches!(kind, Peek::BlockEntry | Peek::Key | Peek::Value | Peek::BlockEnd) {
            self.state = State::IndentlessSequenceEntry;
            return Ok(self.empty_scalar(end));
        }
        self.states.push(State::IndentlessSequenceEntry);
        self.node(true, false)
    }

    /// Takes the `-`; a head comment before it becomes the stem when a collection follows.
    fn skip_entry(&mut self) -> Parse<crate::scanner::Place> {
        let head = self.pending.head.len();
        let end = self.scanner.skip().end;
        if head > 0 {
            let (kind, _) = self.peek()?;
            if matches!(kind, Peek::BlockSequenceStart | Peek::BlockMappingStart) {
                let rest = self.pending.head.get(head + 1..).unwrap_or("").to_owned();
                self.pending.head.truncate(head);
                self.stem = Some(std::mem::replace(&mut self.pending.head, rest));
            }
        }
        Ok(end)
    }

    pub(super) fn block_mapping_key(&mut self, first: bool) -> Parse<Event<'a>> {
        if first {
            let (_, start) = self.peek()?;
            self.marks.push(start);
            self.scanner.skip();
        }
        let (kind, place) = self.peek()?;
        match kind {
            Peek::Key => {
                let end = self.scanner.skip().end;
                let (kind, _) = self.peek()?;
                if matches!(kind, Peek::Key | Peek::Value | Peek::BlockEnd) {
                    self.state = State::BlockMappingValue;
                    return Ok(self.empty_scalar(end));
                }
                self.states.push(State::BlockMappingValue);
                self.node(true, true)
            }
            Peek::BlockEnd => {
                self.pop_state();
                self.marks.pop();
                let event = self.commented(EventKind::MappingEnd, place);
                self.scanner.skip();
                Ok(event)
            }
            _ => Err(self.fault(self.marks.last().copied(), "did not find expected key", place)),
        }
    }

    pub(super) fn block_mapping_value(&mut self) -> Parse<Event<'a>> {
        let (kind, place) = self.peek()?;
        if kind != Peek::Value {
            self.state = State::BlockMappingKey;
            return Ok(self.empty_scalar(place));
        }
        let end = self.scanner.skip().end;
        let (kind, _) = self.peek()?;
        if matches!(kind, Peek::Key | Peek::Value | Peek::BlockEnd) {
            self.state = State::BlockMappingKey;
            return Ok(self.empty_scalar(end));
        }
        self.states.push(State::BlockMappingKey);
        self.node(true, true)
    }
}
