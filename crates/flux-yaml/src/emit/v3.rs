//! go-yaml v3's printer for node trees: styles and comments stay.
//!
//! Comments wait in the emitter until the place where upstream's state machine writes them; some of its
//! places are odd (a comma before a comment in flow collections), and matched.

mod comment;
mod flow;

use super::analysis::{Analysis, analyze};
use super::scalar::select_style;
use super::writer::Writer;
use crate::compose::Document;
use crate::node::{CollectionStyle, Mapping, Node, NodeKind, Scalar, ScalarStyle, Sequence, Tag};
use crate::options::{EmitOptions, Schema};
use crate::resolve::{Resolved, resolve_plain};

/// Past this a key needs the `? key` form.
const SIMPLE_KEY: usize = 128;

/// Prints a node as go-yaml v3's encoder does, with comments and styles. Ends with a newline.
pub fn emit_v3(node: &Node, options: &EmitOptions) -> String {
    emit(node, "", "", options)
}

/// As [`emit_v3`], with the comments of the document.
pub fn emit_document_v3(document: &Document, options: &EmitOptions) -> String {
    emit(&document.root, &document.head, &document.foot, options)
}

fn emit(node: &Node, head: &str, foot: &str, options: &EmitOptions) -> String {
    let indent = if (2..=9).contains(&options.indent) { options.indent as i32 } else { 2 };
    let mut emitter = Emitter {
        writer: Writer::new(indent, i32::MAX),
        compact: options.compact_sequences,
        head: head.to_owned(),
        line: String::new(),
        foot: String::new(),
        tail: String::new(),
        key_line: String::new(),
    };
    if !head.is_empty() {
        emitter.write_head();
        emitter.writer.put_break();
    }
    emitter.arrive(node, "");
    emitter.write_head();
    emitter.node(node, Place::Root, After::Comments);
    if !foot.is_empty() {
        foot.clone_into(&mut emitter.foot);
    }
    emitter.writer.foot_indent = 0;
    emitter.write_foot();
    emitter.writer.foot_indent = -1;
    emitter.writer.write_indent();
    emitter.writer.out
}

/// Where a node stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Root,
    BlockItem,
    Key { simple: bool },
    BlockValue,
    FlowItem,
    FlowValue,
}

impl Place {
    fn in_mapping(self) -> bool {
        matches!(self, Self::Key { .. } | Self::BlockValue | Self::FlowValue)
    }
}

/// What follows a scalar, or the start of a collection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum After {
    Nothing,
    Comments,
    /// With a comma when there are any.
    FlowComments,
}

struct Emitter {
    writer: Writer,
    compact: bool,
    head: String,
    line: String,
    foot: String,
    tail: String,
    key_line: String,
}

/// How a scalar is to be printed.
struct Shape {
    analysis: Analysis,
    tag: String,
    wanted: ScalarStyle,
}

impl Emitter {
    fn node(&mut self, node: &Node, place: Place, after: After) {
        match &node.kind {
            NodeKind::Alias(name) => {
                self.writer.indicator("*", true, false, false);
                self.word(name);
                self.after(after);
            }
            NodeKind::Scalar(scalar) => {
                self.scalar(node, scalar, place);
                self.after(after);
            }
            NodeKind::Sequence(sequence) => {
                self.anchor(node);
                self.tag(&collection_tag(&sequence.tag));
                self.after(after);
                if self.writer.flow_level > 0 || sequence.style == CollectionStyle::Flow || sequence.items.is_empty() {
                    self.flow_sequence(node, sequence, place);
                } else {
                    self.block_sequence(node, sequence, place);
                }
            }
            NodeKind::Mapping(mapping) => {
                self.anchor(node);
                self.tag(&collection_tag(&mapping.tag));
                self.after(after);
                if self.writer.flow_level > 0 || mapping.style == CollectionStyle::Flow || mapping.entries.is_empty() {
                    self.flow_mapping(node, mapping, place);
                } else {
                    self.block_mapping(node, mapping, place);
                }
            }
        }
    }

    /// Deeper by a level; answers the indentation to go back to.
    fn increase_indent(&mut self, place: Place, flow: bool, compact: bool) -> i32 {
        let outer = self.writer.indent;
        let best = self.writer.best_indent;
        self.writer.indent = match outer {
            ..0 if flow => best,
            ..0 => 0,
            _ if place == Place::BlockItem => outer + 2,
            _ => best * ((outer + best) / best) - if compact { 2 } else { 0 },
        };
        outer
    }

    fn block_sequence(&mut self, node: &Node, sequence: &Sequence, place: Place) {
        let compact = place.in_mapping() && (self.writer.column == 0 || !self.writer.indention) && self.compact;
        let outer = self.increase_indent(place, false, compact);
        for item in &sequence.items {
            self.arrive(item, "");
            self.write_head();
            self.writer.write_indent();
            self.writer.indicator("-", true, false, true);
            self.node(item, Place::BlockItem, After::Comments);
        }
        self.leave(node, "", place);
        self.writer.indent = outer;
    }

    fn block_mapping(&mut self, node: &Node, mapping: &Mapping, place: Place) {
        let outer = self.increase_indent(place, false, false);
        // A key's foot comment is written after its value, that is before the next key.
        let mut tail = "";
        for (key, value) in &mapping.entries {
            self.arrive_key(key, tail);
            tail = key.comments.as_ref().map_or("", |comments| &comments.foot);
            self.write_head();
            self.writer.write_indent();
            if !self.line.is_empty() {
                self.key_line = std::mem::take(&mut self.line);
            }
            let simple = is_simple_key(key);
            if simple {
                self.node(key, Place::Key { simple }, After::Nothing);
                self.arrive(value, "");
                self.writer.indicator(":", false, false, false);
            } else {
                self.writer.indicator("?", true, false, true);
                self.node(key, Place::Key { simple }, After::Nothing);
                self.arrive(value, "");
                self.writer.write_indent();
                self.writer.indicator(":", true, false, true);
            }
            self.place_key_comment(value);
            self.node(value, Place::BlockValue, After::Comments);
        }
        self.leave(node, tail, place);
        self.write_head();
        self.writer.indent = outer;
    }

    fn scalar(&mut self, node: &Node, scalar: &Scalar, place: Place) {
        let simple_key = place == Place::Key { simple: true };
        let Shape { analysis, tag, wanted } = shape(scalar);
        let text = &*scalar.text;
        let style = select_style(text, &analysis, wanted, self.writer.flow_level > 0, simple_key);
        self.anchor(node);
        self.tag(&tag);
        let outer = self.increase_indent(place, true, false);
        let introducer = match style {
            ScalarStyle::Literal => "|",
            ScalarStyle::Folded => ">",
            _ => "",
        };
        if !introducer.is_empty() {
            self.writer.indicator(introducer, true, false, false);
            self.writer.block_hints(text);
            self.write_line(true);
        }
        self.writer.scalar(text, style, !simple_key);
        self.writer.indent = outer;
    }

    fn word(&mut self, word: &str) {
        self.writer.text(word);
        self.writer.whitespace = false;
        self.writer.indention = false;
    }

    fn anchor(&mut self, node: &Node) {
        if let Some(anchor) = &node.anchor {
            self.writer.indicator("&", true, false, false);
            self.word(anchor);
        }
    }

    /// Writes a tag in its short form; nothing for an empty one.
    fn tag(&mut self, tag: &str) {
        if tag.is_empty() {
            return;
        }
        let (open, suffix, close) = if let Some(suffix) = tag.strip_prefix("tag:yaml.org,2002:") {
            ("!!", suffix, "")
        } else if let Some(suffix) = tag.strip_prefix('!') {
            ("!", suffix, "")
        } else {
            ("!<", tag, ">")
        };
        self.writer.indicator(open, true, false, false);
        let mut text = String::new();
        for byte in suffix.bytes() {
            if byte.is_ascii_alphanumeric() || b"-_;/?:@&=+$,.~*'()[]".contains(&byte) {
                text.push(char::from(byte));
            } else {
                text.push_str(&format!("%{byte:02X}"));
            }
        }
        self.word(&text);
        if !close.is_empty() {
            self.writer.indicator(close, false, false, false);
        }
    }
}

fn collection_tag(tag: &Tag) -> String {
    match tag {
        Tag::Other(tag) if &**tag != "!" => long_tag(tag),
        _ => String::new(),
    }
}

fn long_tag(tag: &str) -> String {
    match tag.strip_prefix("!!") {
        Some(name) => format!("tag:yaml.org,2002:{name}"),
        None => tag.to_owned(),
    }
}

/// Decides tag and style: a tag is written when the text alone would mean another thing.
fn shape(scalar: &Scalar) -> Shape {
    let text = &*scalar.text;
    let quoted = scalar.style != ScalarStyle::Plain;
    let mut force = false;
    let tag = match &scalar.tag {
        Tag::Implicit if !quoted && text == "<<" => long_tag("!!merge"),
        Tag::Implicit => String::new(),
        Tag::Other(tag) if &**tag == "!" => String::new(),
        Tag::Other(tag) => long_tag(tag),
        Tag::Str if quoted => String::new(),
        tag => {
            let found = match resolve_plain(text, Schema::V3) {
                Resolved::Null => Tag::Null,
                Resolved::Bool(_) => Tag::Bool,
                Resolved::Int(_) | Resolved::Uint(_) => Tag::Int,
                Resolved::Float(_) => Tag::Float,
                Resolved::Timestamp(_) => Tag::Timestamp,
                Resolved::Str(_) | Resolved::Merge | Resolved::Binary(_) => Tag::Str,
            };
            force = *tag == Tag::Str && found != Tag::Str;
            let silent = found == *tag || force;
            if silent { String::new() } else { long_tag(crate::resolve::name(tag)) }
        }
    };
    let wanted = match scalar.style {
        ScalarStyle::Plain if text.contains('\n') => ScalarStyle::Literal,
        ScalarStyle::Plain if force => ScalarStyle::DoubleQuoted,
        style => style,
    };
    Shape { analysis: analyze(text, false), tag, wanted }
}

/// Keys written without `?`: short and on one line.
fn is_simple_key(key: &Node) -> bool {
    let anchor = key.anchor.as_ref().map_or(0, |anchor| anchor.len());
    // Handle and suffix, not the full tag.
    let shown = |tag: &str| tag.strip_prefix("tag:yaml.org,2002:").map_or(tag.len(), |name| name.len() + 2);
    let length = match &key.kind {
        NodeKind::Alias(name) => name.len(),
        NodeKind::Scalar(scalar) => {
            let Shape { analysis, tag, .. } = shape(scalar);
            if analysis.multiline {
                return false;
            }
            scalar.text.len() + shown(&tag)
        }
        NodeKind::Sequence(sequence) if sequence.items.is_empty() => shown(&collection_tag(&sequence.tag)),
        NodeKind::Mapping(mapping) if mapping.entries.is_empty() => shown(&collection_tag(&mapping.tag)),
        NodeKind::Sequence(_) | NodeKind::Mapping(_) => return false,
    };
    anchor + length <= SIMPLE_KEY
}
