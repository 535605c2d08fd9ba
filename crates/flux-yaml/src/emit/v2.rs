//! go-yaml v2's printer for JSON values: sigs.k8s.io/yaml's `Marshal`.

mod tree;

use serde_json::{Number, Value};

pub use tree::append_v2;

use super::analysis::{Analysis, analyze};
use super::order;
use super::scalar::select_style;
use super::writer::Writer;
use crate::error::Error;
use crate::gofmt;
use crate::json::{self, whole};
use crate::node::ScalarStyle;
use crate::options::{JsonOptions, ParseOptions, Schema};
use crate::resolve::{Resolved, is_base60, resolve_plain};

/// Past this a key needs the `? key` form.
const SIMPLE_KEY: usize = 128;

/// Prints a value as go-yaml v2 does: keys in natural order, sequences not indented, folded at 80 columns.
/// Ends with a newline.
pub fn emit_v2(value: &Value) -> String {
    emit(value, false)
}

/// As [`emit_v2`], but with keys in bytewise order (`"1"`, `"10"`, `"9"`): what Flux takes digests of values over.
pub fn emit_v2_bytewise(value: &Value) -> String {
    emit(value, true)
}

fn emit(value: &Value, bytewise: bool) -> String {
    let mut emitter = Emitter { writer: Writer::new(2, 80), bytewise };
    emitter.value(value, false);
    emitter.writer.indent = -1;
    emitter.writer.write_indent();
    emitter.writer.out
}

/// `sigs.k8s.io/yaml.Marshal` and `JSONToYAML`: as [`emit_v2`], but the value passes through JSON text that is
/// read as YAML, so a control character in a string is refused and a U+0085 is folded as a line break.
///
/// # Errors
/// `yaml: control characters are not allowed` for U+007F and its kin; keys longer than 1,024 characters.
pub fn marshal_v2(value: &Value) -> Result<String, Error> {
    if !is_odd(value) {
        return Ok(emit_v2(value));
    }
    let text = value.to_string().replace('\u{2028}', "\\u2028").replace('\u{2029}', "\\u2029");
    let options = ParseOptions { schema: Schema::Yaml11, ..ParseOptions::default() };
    let node = crate::parse_one(&text, &options)?.unwrap_or_else(crate::Node::null);
    let read = json::to_json_with(&node, &JsonOptions::new(Schema::Yaml11))?;
    Ok(emit_v2(&read))
}

/// True when some string would not come back from JSON text read as YAML as it was.
fn is_odd(value: &Value) -> bool {
    match value {
        Value::String(text) => is_odd_text(text),
        Value::Array(items) => items.iter().any(is_odd),
        Value::Object(map) => map.iter().any(|(key, value)| is_odd_key(key) || is_odd(value)),
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}

fn is_odd_text(text: &str) -> bool {
    text.bytes().any(|byte| matches!(byte, 0x7F | 0xC2 | 0xEF))
        && text.chars().any(|c| matches!(c, '\u{7F}'..='\u{9F}' | '\u{FFFE}' | '\u{FFFF}'))
}

fn is_odd_key(key: &str) -> bool {
    key.len() > 1000 || is_odd_text(key)
}

struct Emitter {
    writer: Writer,
    /// Keys as the map has them, instead of in natural order.
    bytewise: bool,
}

impl Emitter {
    /// Writes a value; `in_mapping` when it stands behind a key.
    fn value(&mut self, value: &Value, in_mapping: bool) {
        match value {
            Value::Null => self.plain("null"),
            Value::Bool(true) => self.plain("true"),
            Value::Bool(false) => self.plain("false"),
            Value::Number(number) => self.plain(&number_text(number)),
            Value::String(text) => {
                let analysis = analyze(text, true);
                self.string(text, &analysis, false);
            }
            Value::Array(items) if items.is_empty() => self.empty("[", "]"),
            Value::Object(map) if map.is_empty() => self.empty("{", "}"),
            Value::Array(items) => self.sequence(items, in_mapping),
            Value::Object(map) => self.mapping(map),
        }
    }

    fn empty(&mut self, open: &str, close: &str) {
        self.writer.indicator(open, true, true, false);
        self.writer.indicator(close, false, false, false);
    }

    fn plain(&mut self, text: &str) {
        self.writer.scalar(text, ScalarStyle::Plain, false);
    }

    fn sequence(&mut self, items: &[Value], in_mapping: bool) {
        let outer = self.enter_sequence(in_mapping);
        for item in items {
            self.entry();
            self.value(item, false);
        }
        self.writer.indent = outer;
    }

    fn entry(&mut self) {
        self.writer.write_indent();
        self.writer.indicator("-", true, false, true);
    }

    /// Answers the indentation to go back to.
    fn enter_sequence(&mut self, in_mapping: bool) -> i32 {
        let outer = self.writer.indent;
        // A sequence behind `key:` is not indented; behind `? key` newline `:` it is.
        if outer < 0 {
            self.writer.indent = 0;
        } else if !in_mapping || self.writer.indention {
            self.writer.indent += self.writer.best_indent;
        }
        outer
    }

    /// Answers the indentation to go back to.
    fn enter_mapping(&mut self) -> i32 {
        let outer = self.writer.indent;
        self.writer.indent = if outer < 0 { 0 } else { outer + self.writer.best_indent };
        outer
    }

    fn mapping(&mut self, map: &serde_json::Map<String, Value>) {
        let outer = self.enter_mapping();
        let mut entries: Vec<(&str, &Value)> = map.iter().map(|(key, value)| (key.as_str(), value)).collect();
        if !self.bytewise {
            order::sort(&mut entries);
        }
        for (key, value) in entries {
            self.key(key);
            self.value(value, true);
        }
        self.writer.indent = outer;
    }

    fn key(&mut self, key: &str) {
        let analysis = analyze(key, true);
        self.writer.write_indent();
        if !analysis.multiline && key.len() <= SIMPLE_KEY {
            self.string(key, &analysis, true);
            self.writer.indicator(":", false, false, false);
        } else {
            self.writer.indicator("?", true, false, true);
            self.string(key, &analysis, false);
            self.writer.write_indent();
            self.writer.indicator(":", true, false, true);
        }
    }

    fn string(&mut self, text: &str, analysis: &Analysis, simple_key: bool) {
        let wanted = if text.contains('\n') {
            ScalarStyle::Literal
        } else if can_be_plain(text) {
            ScalarStyle::Plain
        } else {
            ScalarStyle::DoubleQuoted
        };
        let style = select_style(text, analysis, wanted, false, simple_key);
        let writer = &mut self.writer;
        let outer = writer.indent;
        writer.indent = if outer < 0 { writer.best_indent } else { outer + writer.best_indent };
        if style == ScalarStyle::Literal {
            writer.indicator("|", true, false, false);
            writer.block_hints(text);
            writer.put_break();
        }
        writer.scalar(text, style, !simple_key);
        writer.indent = outer;
    }
}

/// True when go-yaml's encoders quote the string, since some reader would take it for something else.
pub fn needs_quotes(text: &str) -> bool {
    !can_be_plain(text)
}

/// True when the text, unquoted, is read as a string again.
fn can_be_plain(text: &str) -> bool {
    matches!(resolve_plain(text, Schema::Yaml11), Resolved::Str(_) | Resolved::Merge) && !is_base60(text)
}

fn number_text(number: &Number) -> String {
    match number.as_f64() {
        Some(value) if number.is_f64() => whole(value).map_or_else(|| gofmt::float(value), |whole| whole.to_string()),
        _ => number.to_string(),
    }
}
