//! Node trees straight to go-yaml v2's text, without a JSON value between.

use std::fmt::Write as _;

use super::{Emitter, is_odd_key, is_odd_text, number_text};
use crate::emit::analysis::analyze;
use crate::emit::order;
use crate::emit::writer::Writer;
use crate::gofmt;
use crate::json::{is_merge, whole};
use crate::node::{Mapping, Node, NodeKind, Scalar, ScalarStyle, Tag};
use crate::options::{Limits, Schema};
use crate::resolve::{Resolved, resolve};

/// Appends what [`crate::marshal_v2`] makes of what [`crate::to_json`] with [`Schema::V3`] makes of an ordinary tree.
///
/// False, and nothing appended, for a tree with anything out of the ordinary in it: aliases, merges, keys that occur
/// twice or are no strings, texts that do not fit their tags, infinities, control characters. Those take the long way,
/// where what is wrong gets its words.
pub fn append_v2(node: &Node, text: &mut String) -> bool {
    let before = text.len();
    let mut writer = Writer::new(2, 80);
    writer.out = std::mem::take(text);
    let mut printer = Printer { emitter: Emitter { writer, bytewise: false }, depth: Limits::default().max_depth };
    let done = printer.node(node, false).is_some();
    let mut writer = printer.emitter.writer;
    if done {
        writer.indent = -1;
        writer.write_indent();
    } else {
        writer.out.truncate(before);
    }
    *text = writer.out;
    done
}

struct Printer {
    emitter: Emitter,
    /// Levels that may still be entered.
    depth: usize,
}

impl Printer {
    fn node(&mut self, node: &Node, in_mapping: bool) -> Option<()> {
        match &node.kind {
            NodeKind::Scalar(scalar) => self.scalar(scalar),
            NodeKind::Sequence(sequence) if sequence.items.is_empty() => {
                self.emitter.empty("[", "]");
                Some(())
            }
            NodeKind::Mapping(mapping) if mapping.entries.is_empty() => {
                self.emitter.empty("{", "}");
                Some(())
            }
            NodeKind::Sequence(sequence) => {
                self.depth = self.depth.checked_sub(1)?;
                let outer = self.emitter.enter_sequence(in_mapping);
                for item in &sequence.items {
                    self.emitter.entry();
                    self.node(item, false)?;
                }
                self.emitter.writer.indent = outer;
                self.depth += 1;
                Some(())
            }
            NodeKind::Mapping(mapping) => self.mapping(mapping),
            NodeKind::Alias(_) => None,
        }
    }

    fn mapping(&mut self, mapping: &Mapping) -> Option<()> {
        self.depth = self.depth.checked_sub(1)?;
        let mut entries: Vec<(&str, &Node)> = Vec::with_capacity(mapping.entries.len());
        for (key, value) in &mapping.entries {
            entries.push((text_key(key)?, value));
        }
        // The order of some keys depends on the one they had before, which is that of a sorted map.
        entries.sort_unstable_by_key(|entry| entry.0);
        if entries.windows(2).any(|pair| pair[0].0 == pair[1].0) {
            return None;
        }
        order::sort(&mut entries);
        let outer = self.emitter.enter_mapping();
        for (key, value) in entries {
            self.emitter.key(key);
            self.node(value, true)?;
        }
        self.emitter.writer.indent = outer;
        self.depth += 1;
        Some(())
    }

    fn scalar(&mut self, scalar: &Scalar) -> Option<()> {
        match resolve(scalar, Schema::V3).ok()? {
            Resolved::Str(text) if is_odd_text(text) => return None,
            Resolved::Str(text) => {
                let analysis = analyze(text, true);
                self.emitter.string(text, &analysis, false);
            }
            Resolved::Null => self.emitter.plain("null"),
            Resolved::Bool(true) => self.emitter.plain("true"),
            Resolved::Bool(false) => self.emitter.plain("false"),
            Resolved::Int(value) => self.number(value),
            Resolved::Uint(value) => self.number(value),
            Resolved::Float(value) if value.is_finite() => {
                let text = whole(value).map_or_else(|| gofmt::float(value), |whole| number_text(&whole));
                self.emitter.plain(&text);
            }
            Resolved::Float(_) | Resolved::Timestamp(_) | Resolved::Binary(_) | Resolved::Merge => return None,
        }
        Some(())
    }

    fn number(&mut self, value: impl std::fmt::Display) {
        let mut text = Digits::default();
        // Twenty digits and a sign always fit.
        let _ = write!(text, "{value}");
        self.emitter.plain(text.as_str());
    }
}

/// A number's text without an allocation.
#[derive(Default)]
struct Digits {
    bytes: [u8; 24],
    length: usize,
}

impl Digits {
    fn as_str(&self) -> &str {
        std::str::from_utf8(&self.bytes[..self.length]).unwrap_or_default()
    }
}

impl std::fmt::Write for Digits {
    fn write_str(&mut self, part: &str) -> std::fmt::Result {
        let end = self.length + part.len();
        self.bytes.get_mut(self.length..end).ok_or(std::fmt::Error)?.copy_from_slice(part.as_bytes());
        self.length = end;
        Ok(())
    }
}

/// The text of a key that is a string and nothing else.
fn text_key(key: &Node) -> Option<&str> {
    let scalar = key.as_scalar()?;
    let text = &*scalar.text;
    let simple = scalar.tag == Tag::Implicit
        && scalar.style == ScalarStyle::Plain
        && text
            .bytes()
            .next()
            .is_some_and(|first| first.is_ascii_lowercase() && !matches!(first, b'y' | b'n' | b't' | b'f' | b'o'));
    if !simple && (is_merge(key) || !matches!(resolve(scalar, Schema::V3), Ok(Resolved::Str(_)))) {
        return None;
    }
    (!is_odd_key(text)).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{ParseOptions, marshal_v2, parse_one, to_json};

    fn check(text: &str, ordinary: bool) {
        let node =
            parse_one(text, &ParseOptions { expand_aliases: false, ..ParseOptions::default() }).unwrap().unwrap();
        let mut printed = String::from("before\n");
        assert_eq!(append_v2(&node, &mut printed), ordinary, "{text}");
        let long = match ordinary {
            true => marshal_v2(&to_json(&node, Schema::V3).unwrap()).unwrap(),
            false => String::new(),
        };
        assert_eq!(printed, format!("before\n{long}"), "{text}");
    }

    #[test]
    fn ordinary_trees_are_printed_as_by_the_long_way() {
        for text in [
            "a: 1\n",
            "b: {}\na: []\nc: ~\n",
            "x10: y\nx9: [1, [2, {b: 3, a: 4}], [], {}]\n",
            "on: \"yes\"\n8080: no\n".replace("8080", "\"8080\"").as_str(),
            "f: [1.5, 1e3, 1e30, -0.0, 0x10, 18446744073709551615, -9223372036854775808]\n",
            "l: |\n  two\n  lines\nlong: aaaaaaaaaaaaaaaaaaaaaaaaaaa bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb ccccccccccccccccccccccccc ddd\n",
            "- a\n- b: [true, False, null]\n",
            "just text\n",
            "\"multi\\nline\": {\"\": 1, é: ü}\n",
            "t: !!str 12\nu: !!int 7\n",
        ] {
            check(text, true);
        }
    }

    #[test]
    fn anything_odd_is_left_to_the_long_way() {
        for text in [
            "a: 1\na: 2\n",
            "a: &x 1\nb: *x\n",
            "a: {<<: {b: 1}}\n",
            "1: a\n",
            "a: .inf\n",
            "a: 2001-01-01\n",
            "a: \"\\x7F\"\n",
            "a: !!int x\n",
            "[a, b]: c\n",
        ] {
            check(text, false);
        }
        check(&format!("{}{}", "[".repeat(999), "]".repeat(999)), true);
    }
}
