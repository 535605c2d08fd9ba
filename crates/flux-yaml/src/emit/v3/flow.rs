//! Flow collections.

use super::{After, Emitter, Place, is_simple_key};
use crate::node::{Mapping, Node, Sequence};

impl Emitter {
    pub(super) fn flow_sequence(&mut self, node: &Node, sequence: &Sequence, place: Place) {
        self.writer.indicator("[", true, true, false);
        let outer = self.increase_indent(place, true, false);
        self.writer.flow_level += 1;
        let mut comma = false;
        for item in &sequence.items {
            self.arrive(item, "");
            self.flow_element(comma);
            comma = !self.waiting();
            self.node(item, Place::FlowItem, After::FlowComments);
        }
        self.leave(node, "", place);
        self.writer.flow_level -= 1;
        self.writer.indent = outer;
        if self.writer.column == 0 {
            self.writer.write_indent();
        }
        self.writer.indicator("]", false, false, false);
        self.write_line(false);
        self.write_foot();
    }

    /// The comma after the element before, unless a comment forced it already.
    fn flow_element(&mut self, comma: bool) {
        if comma {
            self.writer.indicator(",", false, false, false);
        }
        self.write_head();
        if self.writer.column == 0 || self.writer.column > self.writer.best_width {
            self.writer.write_indent();
        }
    }

    pub(super) fn flow_mapping(&mut self, node: &Node, mapping: &Mapping, place: Place) {
        self.writer.indicator("{", true, true, false);
        let outer = self.increase_indent(place, true, false);
        self.writer.flow_level += 1;
        let mut comma = false;
        let mut tail = "";
        for (key, value) in &mapping.entries {
            self.arrive_key(key, tail);
            tail = key.comments.as_ref().map_or("", |comments| &comments.foot);
            self.flow_element(comma);
            let simple = is_simple_key(key);
            if !simple {
                self.writer.indicator("?", true, false, false);
            }
            self.node(key, Place::Key { simple }, After::Nothing);
            self.arrive(value, "");
            if !simple && self.writer.column > self.writer.best_width {
                self.writer.write_indent();
            }
            self.writer.indicator(":", !simple, false, false);
            comma = !self.waiting();
            self.node(value, Place::FlowValue, After::FlowComments);
        }
        self.leave(node, tail, place);
        let waiting = !(self.head.is_empty() && self.foot.is_empty() && self.tail.is_empty());
        if waiting && comma {
            self.writer.indicator(",", false, false, false);
        }
        self.write_head();
        self.writer.flow_level -= 1;
        self.writer.indent = outer;
        self.writer.indicator("}", false, false, false);
        self.write_line(false);
        self.write_foot();
    }
}
