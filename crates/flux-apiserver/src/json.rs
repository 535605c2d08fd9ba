//! JSON as request bodies are read: duplicates noticed, order of fields known, depth bounded.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

/// A document and the paths of keys that appear twice.
pub(crate) struct Parsed {
    pub value: Value,
    pub duplicates: Vec<String>,
}

/// Parses a document; later duplicates win, as in Go.
pub(crate) fn parse(bytes: &[u8]) -> Result<Parsed, serde_json::Error> {
    let mut notes = Notes::default();
    let value = read(bytes, &mut notes)?;
    Ok(Parsed { value, duplicates: notes.duplicates })
}

/// Every key's path, in the order of the document.
pub(crate) fn key_order(bytes: &[u8]) -> Vec<String> {
    let mut notes = Notes { order: Some(Vec::new()), ..Notes::default() };
    // A document that cannot be read was refused before.
    let _ = read(bytes, &mut notes);
    notes.order.unwrap_or_default()
}

fn read(bytes: &[u8], notes: &mut Notes) -> Result<Value, serde_json::Error> {
    let mut deserializer = serde_json::Deserializer::from_slice(bytes);
    let value = Seed { notes }.deserialize(&mut deserializer)?;
    deserializer.end()?;
    Ok(value)
}

#[derive(Default)]
struct Notes {
    path: String,
    duplicates: Vec<String>,
    order: Option<Vec<String>>,
}

struct Seed<'a> {
    notes: &'a mut Notes,
}

impl<'de> DeserializeSeed<'de> for Seed<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Seed<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<Value, E> {
        Number::from_f64(value).map(Value::Number).ok_or_else(|| E::custom("number out of range"))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Value, A::Error> {
        let mut items = Vec::new();
        let length = self.notes.path.len();
        loop {
            self.notes.path.push_str(&format!("[{}]", items.len()));
            let item = access.next_element_seed(Seed { notes: self.notes })?;
            self.notes.path.truncate(length);
            match item {
                Some(item) => items.push(item),
                None => return Ok(Value::Array(items)),
            }
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Value, A::Error> {
        let mut map = Map::new();
        let length = self.notes.path.len();
        while let Some(key) = access.next_key::<String>()? {
            if length > 0 {
                self.notes.path.push('.');
            }
            self.notes.path.push_str(&key);
            if map.contains_key(&key) && !self.notes.duplicates.contains(&self.notes.path) {
                self.notes.duplicates.push(self.notes.path.clone());
            }
            if let Some(order) = &mut self.notes.order {
                order.push(self.notes.path.clone());
            }
            let value = access.next_value_seed(Seed { notes: self.notes }).map_err(A::Error::custom)?;
            self.notes.path.truncate(length);
            map.insert(key, value);
        }
        Ok(Value::Object(map))
    }
}

/// Go's words for a document that cannot be read.
pub(crate) fn go_syntax_error(bytes: &[u8], error: &serde_json::Error) -> String {
    let text = String::from_utf8_lossy(bytes);
    if error.is_eof() || text.trim().is_empty() {
        return "unexpected end of JSON input".to_owned();
    }
    let at = offset(&text, error.line(), error.column());
    let letter = text[at..].chars().next().unwrap_or(' ');
    format!("invalid character '{letter}' looking for beginning of value")
}

fn offset(text: &str, line: usize, column: usize) -> usize {
    let start: usize = text.split_inclusive('\n').take(line.saturating_sub(1)).map(str::len).sum();
    let mut at = (start + column.saturating_sub(1)).min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn duplicates_are_noticed_and_the_last_wins() {
        let parsed = parse(br#"{"a":1,"b":[{"c":1,"c":2}],"a":3}"#).unwrap();
        assert_eq!(parsed.value, serde_json::json!({"a": 3, "b": [{"c": 2}]}));
        assert_eq!(parsed.duplicates, ["b[0].c", "a"]);
    }

    #[test]
    fn keys_are_listed_as_in_the_document() {
        assert_eq!(key_order(br#"{"z":1,"a":{"b":2}}"#), ["z", "a", "a.b"]);
    }
}
