//! JSON text as Go's `encoding/json` writes it. Digests are taken over these bytes, so every one counts.

use std::fmt::Write as _;

use serde_json::{Map, Number, Value};

/// Writes JSON into a text, field by field.
#[derive(Default)]
pub(crate) struct Writer {
    pub out: String,
}

/// An object under construction: it knows whether a comma is due.
pub(crate) struct Object<'a> {
    writer: &'a mut Writer,
    empty: bool,
}

impl Writer {
    /// Writes an object whose fields the closure adds.
    pub fn object(&mut self, fields: impl FnOnce(&mut Object<'_>)) {
        self.out.push('{');
        fields(&mut Object { writer: self, empty: true });
        self.out.push('}');
    }

    pub fn array<T>(&mut self, items: impl IntoIterator<Item = T>, mut item: impl FnMut(&mut Self, T)) {
        self.out.push('[');
        for (at, value) in items.into_iter().enumerate() {
            if at > 0 {
                self.out.push(',');
            }
            item(self, value);
        }
        self.out.push(']');
    }

    pub fn string(&mut self, text: &str) {
        self.out.push('"');
        let mut plain = 0;
        for (at, character) in text.char_indices() {
            let escape = match character {
                '"' => "\\\"",
                '\\' => "\\\\",
                '\n' => "\\n",
                '\r' => "\\r",
                '\t' => "\\t",
                '\u{8}' => "\\b",
                '\u{c}' => "\\f",
                '\0'..='\u{1f}' | '<' | '>' | '&' | '\u{2028}' | '\u{2029}' => "",
                _ => continue,
            };
            self.out.push_str(&text[plain..at]);
            plain = at + character.len_utf8();
            if escape.is_empty() {
                _ = write!(self.out, "\\u{:04x}", u32::from(character));
            } else {
                self.out.push_str(escape);
            }
        }
        self.out.push_str(&text[plain..]);
        self.out.push('"');
    }

    pub fn value(&mut self, value: &Value) {
        match value {
            Value::Null => self.out.push_str("null"),
            Value::Bool(flag) => _ = write!(self.out, "{flag}"),
            Value::Number(number) => self.number(number),
            Value::String(text) => self.string(text),
            Value::Array(items) => self.array(items, Self::value),
            Value::Object(map) => self.map(map),
        }
    }

    /// Keys come in bytewise order, as the map holds them.
    pub fn map(&mut self, map: &Map<String, Value>) {
        self.object(|object| map.iter().for_each(|(key, value)| object.field(key).value(value)));
    }

    fn number(&mut self, number: &Number) {
        match number.as_f64().filter(|_| number.is_f64()) {
            Some(value) => self.out.push_str(&float(value)),
            None => _ = write!(self.out, "{number}"),
        }
    }
}

/// A float in Go's JSON: an exponent below 1e-6 and from 1e21 up.
pub(crate) fn float(value: f64) -> String {
    let size = value.abs();
    if size == 0.0 || (1e-6..1e21).contains(&size) {
        return value.to_string();
    }
    let text = format!("{value:e}");
    match text.split_once('e') {
        Some((digits, exponent)) if !exponent.starts_with('-') => format!("{digits}e+{exponent}"),
        _ => text,
    }
}

impl Object<'_> {
    /// Writes the name; the value must follow.
    pub fn field(&mut self, name: &str) -> &mut Writer {
        if !self.empty {
            self.writer.out.push(',');
        }
        self.empty = false;
        self.writer.string(name);
        self.writer.out.push(':');
        self.writer
    }

    pub fn string(&mut self, name: &str, text: &str) {
        self.field(name).string(text);
    }

    /// Left out when empty, as all of these.
    pub fn omit_string(&mut self, name: &str, text: &str) {
        if !text.is_empty() {
            self.string(name, text);
        }
    }

    pub fn omit_bool(&mut self, name: &str, flag: bool) {
        if flag {
            self.field(name).out.push_str("true");
        }
    }

    pub fn int(&mut self, name: &str, number: i64) {
        _ = write!(self.field(name).out, "{number}");
    }

    pub fn omit_int(&mut self, name: &str, number: i64) {
        if number != 0 {
            self.int(name, number);
        }
    }

    pub fn omit_strings<S: AsRef<str>>(&mut self, name: &str, texts: &[S]) {
        if !texts.is_empty() {
            self.field(name).array(texts, |writer, text| writer.string(text.as_ref()));
        }
    }

    pub fn omit_string_map(&mut self, name: &str, map: &std::collections::BTreeMap<String, String>) {
        if !map.is_empty() {
            self.field(name).object(|object| map.iter().for_each(|(key, value)| object.string(key, value)));
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn escapes_and_numbers_are_gos() {
        let mut writer = Writer::default();
        writer.value(
            &json!({"b": "<é>&\u{2028}\u{1}\u{8}\"", "a": [1.0, -0.5, 1e21, 1e-7, 9_007_199_254_740_993_i64, null]}),
        );
        let expected =
            "{\"a\":[1,-0.5,1e+21,1e-7,9007199254740993,null],\"b\":\"\\u003cé\\u003e\\u0026\\u2028\\u0001\\b\\\"\"}";
        assert_eq!(writer.out, expected);
    }
}
