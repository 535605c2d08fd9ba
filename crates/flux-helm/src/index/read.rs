//! Reading `index.yaml` piece by piece.
//!
//! Nearly every index is block-style YAML written by a program: charts under `entries`, versions under charts. Such
//! a text is cut at its lines, and only a few versions at a time become a tree. Anything else is read whole, up to
//! a size at which the tree stays small enough.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::Value;

use super::{Index, IndexError};

/// YAML text that becomes a tree at once.
const BATCH: usize = 256 << 10;
/// A text that cannot be cut is read whole up to this size.
const WHOLE: usize = 8 << 20;

pub(super) fn parse(bytes: &[u8], limit: usize) -> Result<Index, IndexError> {
    if bytes.is_empty() {
        return Err(IndexError::Empty);
    }
    if bytes.len() > limit {
        return Err(IndexError::TooLarge { limit });
    }
    let text = std::str::from_utf8(bytes).map_err(|_| IndexError::NotText)?;
    let mut index = match json(text) {
        Some(index) => index?,
        None => match cut(text) {
            Ok(index) => index,
            // Errors are better told from the whole text: they name its lines.
            Err(_) if text.len() <= WHOLE => whole(text)?,
            Err(reason) => return Err(IndexError::Malformed { reason }),
        },
    };
    if index.api_version.is_empty() {
        return Err(IndexError::NoApiVersion);
    }
    index.sort();
    Ok(index)
}

fn malformed(reason: String) -> IndexError {
    IndexError::Malformed { reason }
}

/// The top of an index without its entries.
fn head(index: &mut Index, top: &Value) -> Result<(), String> {
    let Some(map) = top.as_object() else {
        return match top {
            Value::Null => Ok(()),
            other => crate::decode::json(other, |decoder, value| {
                decoder.mismatch(value, crate::decode::Place::ROOT, "repo.IndexFile");
            }),
        };
    };
    const KNOWN: [&str; 6] = ["serverInfo", "apiVersion", "generated", "entries", "publicKeys", "annotations"];
    if let Some(unknown) = map.keys().find(|key| !KNOWN.iter().any(|known| known.eq_ignore_ascii_case(key))) {
        return Err(format!("error unmarshaling JSON: while decoding JSON: json: unknown field \"{unknown}\""));
    }
    crate::decode::json(top, |decoder, _| {
        crate::decode::each_field(map, &["apiVersion", "generated"], |name, value| match name {
            "apiVersion" => {
                index.api_version = decoder.string(value, crate::decode::Place::new("IndexFile", name));
            }
            _ => index.generated = decoder.time(value),
        });
    })
}

fn whole(text: &str) -> Result<Index, IndexError> {
    let value = flux_yaml::yaml_to_json_strict(text);
    let mut value = value.map_err(|error| malformed(format!("error converting YAML to JSON: {error}")))?;
    let entries = value.as_object_mut().and_then(|map| map.remove("entries"));
    let mut index = Index::default();
    head(&mut index, &value).map_err(malformed)?;
    for (name, versions) in entries.iter().filter_map(Value::as_object).flatten() {
        let Some(items) = versions.as_array() else {
            if versions.is_null() {
                continue;
            }
            let shown = if versions.is_object() { "object" } else { "string" };
            let reason = format!(
                "error unmarshaling JSON: while decoding JSON: json: cannot unmarshal {shown} into Go struct field IndexFile.entries of type repo.ChartVersions"
            );
            return Err(malformed(reason));
        };
        index.add(name, items).map_err(malformed)?;
    }
    Ok(index)
}

/// Cuts a block-style text. The error says why it cannot be cut, or what is wrong in a piece.
fn cut(text: &str) -> Result<Index, String> {
    if text.starts_with(['{', '%']) || text.contains("\t") && text.lines().any(|line| line.starts_with('\t')) {
        return Err("index is not in block style".to_owned());
    }
    let mut top = String::new();
    let mut index = Index::default();
    let mut lines = Lines { text, at: 0 };
    while let Some((line, indent)) = lines.peek() {
        if indent == 0 && is_key(line, "entries") {
            lines.next();
            top.push_str("entries:\n");
            entries(&mut lines, &mut index)?;
            continue;
        }
        if line.starts_with("...") || (line.starts_with("---") && !top.is_empty()) {
            break;
        }
        top.push_str(line);
        lines.next();
    }
    let value =
        flux_yaml::yaml_to_json_strict(&top).map_err(|error| format!("error converting YAML to JSON: {error}"))?;
    head(&mut index, &value)?;
    Ok(index)
}

/// `name:` and nothing behind it.
fn is_key(line: &str, name: &str) -> bool {
    line.strip_prefix(name).and_then(|rest| rest.strip_prefix(':')).is_some_and(|rest| rest.trim().is_empty())
}

struct Lines<'t> {
    text: &'t str,
    at: usize,
}

impl<'t> Lines<'t> {
    /// The next line and its indentation; blank lines and comments count as deeper than anything.
    fn peek(&self) -> Option<(&'t str, usize)> {
        let rest = self.text.get(self.at..).filter(|rest| !rest.is_empty())?;
        let line = rest.find('\n').map_or(rest, |end| &rest[..=end]);
        let content = line.trim_start_matches(' ');
        let blank = content.trim_end().is_empty() || content.starts_with('#');
        Some((line, if blank { usize::MAX } else { line.len() - content.len() }))
    }

    fn next(&mut self) -> Option<(&'t str, usize)> {
        let found = self.peek()?;
        self.at += found.0.len();
        Some(found)
    }
}

fn entries(lines: &mut Lines<'_>, index: &mut Index) -> Result<(), String> {
    let mut level = None;
    while let Some((line, indent)) = lines.peek() {
        if indent == usize::MAX {
            lines.next();
            continue;
        }
        let level = *level.get_or_insert(indent);
        if indent == 0 || indent < level {
            return Ok(());
        }
        if indent > level || line[indent..].starts_with("- ") {
            return Err("index entries are not in block style".to_owned());
        }
        lines.next();
        chart(lines, index, line, level)?;
    }
    Ok(())
}

/// One chart: its key line was taken, its versions follow.
fn chart(lines: &mut Lines<'_>, index: &mut Index, key: &str, level: usize) -> Result<(), String> {
    let value =
        flux_yaml::yaml_to_json_strict(key).map_err(|error| format!("error converting YAML to JSON: {error}"))?;
    let Some((name, value)) = value.as_object().and_then(|map| map.iter().next()) else {
        return Err("index entry is not a mapping".to_owned());
    };
    if index.entries.contains_key(name) {
        return Err(format!("error converting YAML to JSON: yaml: key \"{name}\" already set in map"));
    }
    match value {
        Value::Null => {}
        Value::Array(items) => return index.add(name, items),
        _ => return Err("index entry is not a list".to_owned()),
    }
    let mut start = lines.at;
    let mut items_level = None;
    loop {
        let next = lines.peek();
        let item = next.is_some_and(|(line, indent)| {
            indent != usize::MAX
                && indent >= level
                && line[indent..].starts_with('-')
                && *items_level.get_or_insert(indent) == indent
        });
        let inside = next.is_some_and(|(_, indent)| indent > level);
        let full = lines.at - start >= BATCH;
        if (item && full) || !(item || inside) {
            let items = flux_yaml::yaml_to_json_strict(&lines.text[start..lines.at]);
            let items = items.map_err(|error| format!("error converting YAML to JSON: {error}"))?;
            match &items {
                Value::Array(items) => index.add(name, items)?,
                Value::Null => index.add(name, &[])?,
                _ => return Err("index entry is not a list".to_owned()),
            }
            start = lines.at;
            if !(item || inside) {
                return Ok(());
            }
        }
        lines.next();
    }
}

/// A JSON index; `None` when the text is no JSON at all.
fn json(text: &str) -> Option<Result<Index, IndexError>> {
    if !text.trim_start().starts_with('{') || serde_json::from_str::<IgnoredAny>(text).is_err() {
        return None;
    }
    let mut index = Index::default();
    let mut top = serde_json::Map::new();
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let read = (&mut deserializer).deserialize_map(Top { index: &mut index, top: &mut top });
    let done = read.map_err(|error| error.to_string()).and_then(|()| head(&mut index, &Value::Object(top)));
    Some(done.map(|()| index).map_err(malformed))
}

struct Top<'a> {
    index: &'a mut Index,
    top: &'a mut serde_json::Map<String, Value>,
}

impl<'de> Visitor<'de> for Top<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an index")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(key) = map.next_key::<String>()? {
            if key.eq_ignore_ascii_case("entries") {
                map.next_value_seed(Entries { index: self.index })?;
            } else {
                self.top.insert(key, map.next_value()?);
            }
        }
        Ok(())
    }
}

struct Entries<'a> {
    index: &'a mut Index,
}

impl<'de> DeserializeSeed<'de> for Entries<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Entries<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the charts of an index")
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(name) = map.next_key::<String>()? {
            self.index.entries.remove(&name);
            map.next_value_seed(Versions { index: self.index, name: &name })?;
        }
        Ok(())
    }
}

struct Versions<'a> {
    index: &'a mut Index,
    name: &'a str,
}

impl<'de> DeserializeSeed<'de> for Versions<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Versions<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the versions of a chart")
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        while let Some(item) = items.next_element::<Value>()? {
            self.index.add(self.name, &[item]).map_err(serde::de::Error::custom)?;
        }
        Ok(())
    }
}
