//! When comments are written.

use super::super::analysis::is_break;
use super::{After, Emitter, Place};
use crate::node::{CollectionStyle, Node, NodeKind};

/// Keeps what waits when nothing new comes.
fn replace(slot: &mut String, text: &str) {
    if !text.is_empty() {
        text.clone_into(slot);
    }
}

impl Emitter {
    /// The node's comments begin to wait. Collections bring their line and foot at their end.
    pub(super) fn arrive(&mut self, node: &Node, tail: &str) {
        self.arrive_with(node, tail, true);
    }

    /// As [`Self::arrive`], but a key's foot waits for the next key.
    pub(super) fn arrive_key(&mut self, key: &Node, tail: &str) {
        self.arrive_with(key, tail, false);
    }

    fn arrive_with(&mut self, node: &Node, tail: &str, foot: bool) {
        replace(&mut self.tail, tail);
        let Some(comments) = &node.comments else { return };
        replace(&mut self.head, &comments.head);
        if matches!(node.kind, NodeKind::Scalar(_) | NodeKind::Alias(_)) {
            replace(&mut self.line, &comments.line);
            if foot {
                replace(&mut self.foot, &comments.foot);
            }
        }
    }

    /// The end of a collection: its line and foot comments begin to wait; a key's foot waits elsewhere.
    pub(super) fn leave(&mut self, node: &Node, tail: &str, place: Place) {
        replace(&mut self.tail, tail);
        if let Some(comments) = &node.comments {
            replace(&mut self.line, &comments.line);
            if !matches!(place, Place::Key { .. }) {
                replace(&mut self.foot, &comments.foot);
            }
        }
    }

    pub(super) fn after(&mut self, after: After) {
        match after {
            After::Nothing => return,
            After::FlowComments if self.waiting() => self.writer.indicator(",", false, false, false),
            After::FlowComments | After::Comments => {}
        }
        self.write_line(false);
        self.write_foot();
    }

    pub(super) fn waiting(&self) -> bool {
        !(self.line.is_empty() && self.foot.is_empty() && self.tail.is_empty())
    }

    /// A comment on a key's line goes behind the scalar, or at once when an indented block follows.
    pub(super) fn place_key_comment(&mut self, value: &Node) {
        if self.key_line.is_empty() {
            return;
        }
        let indented = match &value.kind {
            NodeKind::Scalar(_) => {
                if self.line.is_empty() {
                    self.line = std::mem::take(&mut self.key_line);
                }
                return;
            }
            NodeKind::Alias(_) => false,
            NodeKind::Sequence(sequence) => sequence.style == CollectionStyle::Block,
            NodeKind::Mapping(mapping) => mapping.style == CollectionStyle::Block,
        };
        if indented {
            std::mem::swap(&mut self.line, &mut self.key_line);
            self.write_line(false);
            std::mem::swap(&mut self.line, &mut self.key_line);
        }
    }

    pub(super) fn write_head(&mut self) {
        if !self.tail.is_empty() {
            self.writer.write_indent();
            let tail = std::mem::take(&mut self.tail);
            self.comment(&tail);
            self.writer.foot_indent = self.writer.indent.max(0);
        }
        if !self.head.is_empty() {
            self.writer.write_indent();
            let head = std::mem::take(&mut self.head);
            self.comment(&head);
        }
    }

    /// `line_break`: the line ends here even without a comment.
    pub(super) fn write_line(&mut self, line_break: bool) {
        if self.line.is_empty() {
            if line_break {
                self.writer.put_break();
            }
            return;
        }
        if !self.writer.whitespace {
            self.writer.put(' ');
        }
        let line = std::mem::take(&mut self.line);
        self.comment(&line);
    }

    pub(super) fn write_foot(&mut self) {
        if self.foot.is_empty() {
            return;
        }
        self.writer.write_indent();
        let foot = std::mem::take(&mut self.foot);
        self.comment(&foot);
        self.writer.foot_indent = self.writer.indent.max(0);
    }

    fn comment(&mut self, comment: &str) {
        let (mut after_break, mut marked) = (false, false);
        for character in comment.chars() {
            if is_break(character) {
                self.writer.scalar_break(character);
                after_break = true;
                marked = false;
                continue;
            }
            if after_break {
                self.writer.write_indent();
            }
            if !marked {
                if character != '#' {
                    self.writer.text("# ");
                }
                marked = true;
            }
            self.writer.character(character);
            self.writer.indention = false;
            after_break = false;
        }
        if !after_break {
            self.writer.put_break();
        }
        self.writer.whitespace = true;
    }
}
