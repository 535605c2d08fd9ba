//! Flow sequences and mappings.

use super::{Event, EventKind, Parse, Parser, Peek, State};
use crate::node::CollectionStyle;

impl<'a> Parser<'a> {
    pub(super) fn flow_sequence_entry(&mut self, first: bool) -> Parse<Event<'a>> {
        if first {
            let (_, start) = self.peek()?;
            self.marks.push(start);
            self.scanner.skip();
        }
        let (mut kind, mut place) = self.peek()?;
        if kind != Peek::FlowSequenceEnd && !first {
            if kind != Peek::FlowEntry {
                return Err(self.fault(self.marks.last().copied(), "did not find expected ',' or ']'", place));
            }
            self.scanner.skip();
            (kind, place) = self.peek()?;
        }
        match kind {
            Peek::FlowSequenceEnd => {
                self.pop_state();
                self.marks.pop();
                let event = self.commented(EventKind::SequenceEnd, place);
                self.scanner.skip();
                Ok(event)
            }
            Peek::Key => {
                self.state = State::FlowSequenceEntryMappingKey;
                self.scanner.skip();
                let kind = EventKind::MappingStart { anchor: None, tag: None, style: CollectionStyle::Flow };
                Ok(self.event(kind, place))
            }
            _ => {
                self.states.push(State::FlowSequenceEntry);
                self.node(false, false)
            }
        }
    }

    /// `[a: b]` holds a mapping of one pair.
    pub(super) fn flow_pair_key(&mut self) -> Parse<Event<'a>> {
        let (kind, _) = self.peek()?;
        if matches!(kind, Peek::Value | Peek::FlowEntry | Peek::FlowSequenceEnd) {
            // The token is dropped with the missing key, as upstream does.
            let end = self.scanner.skip().end;
            self.state = State::FlowSequenceEntryMappingValue;
            return Ok(self.empty_scalar(end));
        }
        self.states.push(State::FlowSequenceEntryMappingValue);
        self.node(false, false)
    }

    pub(super) fn flow_pair_value(&mut self) -> Parse<Event<'a>> {
        let (mut kind, mut place) = self.peek()?;
        if kind == Peek::Value {
            self.scanner.skip();
            (kind, place) = self.peek()?;
            if !matches!(kind, Peek::FlowEntry | Peek::FlowSequenceEnd) {
                self.states.push(State::FlowSequenceEntryMappingEnd);
                return self.node(false, false);
            }
        }
        self.state = State::FlowSequenceEntryMappingEnd;
        Ok(self.empty_scalar(place))
    }

    pub(super) fn flow_pair_end(&mut self) -> Parse<Event<'a>> {
        let (_, place) = self.peek()?;
        self.state = State::FlowSequenceEntry;
        Ok(self.event(EventKind::MappingEnd, place))
    }

    pub(super) fn flow_mapping_key(&mut self, first: bool) -> Parse<Event<'a>> {
        if first {
            let (_, start) = self.peek()?;
            self.marks.push(start);
            self.scanner.skip();
        }
        let (mut kind, mut place) = self.peek()?;
        if kind != Peek::FlowMappingEnd && !first {
            if kind != Peek::FlowEntry {
                return Err(self.fault(self.marks.last().copied(), "did not find expected ',' or '}'", place));
            }
            self.scanner.skip();
            (kind, place) = self.peek()?;
        }
        match kind {
            Peek::FlowMappingEnd => {
                self.pop_state();
                self.marks.pop();
                let event = self.commented(EventKind::MappingEnd, place);
                self.scanner.skip();
                Ok(event)
            }
            Peek::Key => {
                self.scanner.skip();
                let (kind, place) = self.peek()?;
                if matches!(kind, Peek::Value | Peek::FlowEntry | Peek::FlowMappingEnd) {
                    self.state = State::FlowMappingValue;
                    return Ok(self.empty_scalar(place));
                }
                self.states.push(State::FlowMappingValue);
                self.node(false, false)
            }
            _ => {
                self.states.push(State::FlowMappingEmptyValue);
                self.node(false, false)
            }
        }
    }

    pub(super) fn flow_mapping_value(&mut self, empty: bool) -> Parse<Event<'a>> {
        let (mut kind, mut place) = self.peek()?;
        if !empty && kind == Peek::Value {
            self.scanner.skip();
            (kind, place) = self.peek()?;
            if !matches!(kind, Peek::FlowEntry | Peek::FlowMappingEnd) {
                self.states.push(State::FlowMappingKey);
                return self.node(false, false);
            }
        }
        self.state = State::FlowMappingKey;
        Ok(self.empty_scalar(place))
    }
}
