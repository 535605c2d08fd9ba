//! Nodes to JSON and back.

use std::collections::HashSet;

use serde_json::{Map, Number, Value};

use crate::alias;
use crate::duplicates;
use crate::error::{BAD_MERGE, Error, ErrorKind};
use crate::gofmt;
use crate::gosyntax;
use crate::node::{Mapping, Node, NodeKind, Scalar, ScalarStyle, Sequence, Tag};
use crate::options::{JsonDuplicates, JsonOptions, Schema};
use crate::resolve::{Resolved, resolve};
use crate::timestamp;

/// Turns a node into JSON as the schema's decoder followed by Go's JSON encoder does.
///
/// With [`Schema::Yaml11`] as sigs.k8s.io/yaml: keys that are numbers or booleans become strings, `<<` merges
/// in the order written, timestamps keep their text. With [`Schema::V3`] as go-yaml v3 into
/// `map[string]interface{}`: only the top mapping may have keys that are no strings, `<<` fills what is
/// missing, timestamps are printed as RFC 3339. Whole floats become integers, as they print the same.
///
/// # Errors
/// Duplicate keys by the options, keys JSON cannot have, infinities, values that do not fit their tags.
pub fn to_json_with(node: &Node, options: &JsonOptions) -> Result<Value, Error> {
    let first = Converter::new(options).finish(node);
    if first.is_ok() || !has_alias(node) {
        return first;
    }
    // An alias is an error at first, so that trees without any need not be searched for them.
    let mut expanded = node.clone();
    alias::expand_aliases(&mut expanded, &options.limits)?;
    Converter::new(options).finish(&expanded)
}

fn has_alias(node: &Node) -> bool {
    match &node.kind {
        NodeKind::Alias(_) => true,
        NodeKind::Scalar(_) => false,
        NodeKind::Sequence(sequence) => sequence.items.iter().any(has_alias),
        NodeKind::Mapping(mapping) => mapping.entries.iter().any(|(key, value)| has_alias(key) || has_alias(value)),
    }
}

struct Converter<'a> {
    options: &'a JsonOptions,
    /// Defects that do not stop the decoder, a line each.
    problems: Vec<String>,
    /// Something that only the JSON encoder minds: a key that is no string, an infinity.
    unencodable: bool,
}

impl<'a> Converter<'a> {
    fn new(options: &'a JsonOptions) -> Self {
        Self { options, problems: Vec::new(), unencodable: false }
    }

    fn finish(&mut self, node: &Node) -> Result<Value, Error> {
        let value = self.node(node, true, 0)?;
        if !self.problems.is_empty() {
            return Err(Error::new(ErrorKind::Unmarshal(std::mem::take(&mut self.problems))));
        }
        if self.unencodable
            && let Some(text) = gosyntax::unencodable(node, self.options.schema)
        {
            return Err(Error::value(text));
        }
        Ok(value)
    }

    fn node(&mut self, node: &Node, top: bool, depth: usize) -> Result<Value, Error> {
        if depth > self.options.limits.max_depth {
            return Err(Error::limit(format!("exceeded max depth of {}", self.options.limits.max_depth)));
        }
        match &node.kind {
            NodeKind::Scalar(scalar) => self.scalar(scalar),
            NodeKind::Sequence(sequence) => {
                let mut items = Vec::with_capacity(sequence.items.len());
                for item in &sequence.items {
                    items.push(self.node(item, false, depth + 1)?);
                }
                Ok(Value::Array(items))
            }
            NodeKind::Mapping(mapping) => {
                let mut map = Map::new();
                match self.options.schema {
                    Schema::Yaml11 => self.mapping_v2(mapping, &mut map, depth)?,
                    Schema::V3 => self.mapping_v3(mapping, &mut map, top, depth)?,
                }
                Ok(Value::Object(map))
            }
            NodeKind::Alias(name) => Err(Error::value(format!("yaml: unknown anchor '{name}' referenced"))),
        }
    }

    fn scalar(&mut self, scalar: &Scalar) -> Result<Value, Error> {
        Ok(match resolve(scalar, self.options.schema)? {
            Resolved::Null => Value::Null,
            Resolved::Bool(value) => Value::Bool(value),
            Resolved::Int(value) => Value::from(value),
            Resolved::Uint(value) => Value::from(value),
            Resolved::Float(value) => self.float(value),
            Resolved::Str(text) => Value::from(text),
            Resolved::Merge => Value::from("<<"),
            Resolved::Binary(bytes) => Value::from(replaced(&bytes)),
            Resolved::Timestamp(text) => match (self.options.schema, timestamp::parse(text)) {
                (Schema::V3, Some(time)) => Value::from(time.rfc3339()),
                _ => Value::from(text),
            },
        })
    }

    fn float(&mut self, value: f64) -> Value {
        self.unencodable |= !value.is_finite();
        whole(value).map_or_else(|| Value::from(value), Value::Number)
    }

    fn mapping_v2(&mut self, mapping: &Mapping, map: &mut Map<String, Value>, depth: usize) -> Result<(), Error> {
        for (key, value) in &mapping.entries {
            if is_merge(key) {
                for source in merge_sources(value)?.iter().rev() {
                    self.bound(depth)?;
                    self.mapping_v2(source, map, depth + 1)?;
                }
                continue;
            }
            let name = self.key_v2(key, value)?;
            let converted = self.node(value, false, depth + 1)?;
            if self.options.duplicates == JsonDuplicates::ErrorV2 && map.contains_key(&name) {
                let shown = gosyntax::scalar_key(key, Schema::Yaml11);
                self.problems.push(format!("line {}: key {shown} already set in map", value.mark.line));
            } else {
                map.insert(name, converted);
            }
        }
        if self.options.duplicates == JsonDuplicates::ErrorV3 {
            duplicates::report(mapping, &mut self.problems);
        }
        Ok(())
    }

    fn bound(&self, depth: usize) -> Result<(), Error> {
        if depth < self.options.limits.max_depth {
            return Ok(());
        }
        Err(Error::limit(format!("exceeded max depth of {}", self.options.limits.max_depth)))
    }

    fn key_v2(&self, key: &Node, value: &Node) -> Result<String, Error> {
        let NodeKind::Scalar(scalar) = &key.kind else {
            return Err(invalid_key(key, Schema::Yaml11));
        };
        Ok(match resolve(scalar, Schema::Yaml11)? {
            Resolved::Str(text) | Resolved::Timestamp(text) => text.to_owned(),
            Resolved::Merge => "<<".to_owned(),
            Resolved::Bool(flag) => flag.to_string(),
            Resolved::Int(number) => number.to_string(),
            Resolved::Float(number) => gofmt::float_key(number),
            Resolved::Binary(bytes) => replaced(&bytes),
            found @ (Resolved::Null | Resolved::Uint(_)) => {
                let (kind, shown) = match found {
                    Resolved::Uint(number) => ("uint64", format!("{number:#x}")),
                    _ => ("%!s(<nil>)", "<nil>".to_owned()),
                };
                let value = match gosyntax::value(value, Schema::Yaml11) {
                    nil if nil == "interface {}(nil)" => "<nil>".to_owned(),
                    value => value,
                };
                let text = format!("unsupported map key of type: {kind}, key: {shown}, value: {value}");
                return Err(Error::value(text));
            }
        })
    }

    fn mapping_v3(
        &mut self,
        mapping: &Mapping,
        map: &mut Map<String, Value>,
        top: bool,
        depth: usize,
    ) -> Result<(), Error> {
        let (problems, unencodable) = (self.problems.len(), self.unencodable);
        let entered = self.entries_v3(mapping, map, top, depth);
        let refuse = self.options.duplicates != JsonDuplicates::LastWins;
        let merges = matches!(entered, Ok(Some(_)));
        let distinct = map.len() + usize::from(merges) == mapping.entries.len();
        let whole = distinct && !(merges && map.contains_key("<<"));
        if refuse && !(entered.is_ok() && whole) {
            // A mapping with duplicates is not decoded further, so its other faults do not count.
            let mut found = Vec::new();
            if duplicates::report(mapping, &mut found) {
                self.problems.truncate(problems);
                self.problems.append(&mut found);
                self.unencodable = unencodable;
                return Ok(());
            }
        }
        if let Some(merged) = entered? {
            // The merge key counts as present, too: a text key `<<` is not merged.
            let mut present: HashSet<String> = map.keys().cloned().chain(["<<".to_owned()]).collect();
            self.merge_v3(merged, map, &mut present, top, depth)?;
        }
        Ok(())
    }

    /// The mapping's own entries; answers what is to be merged.
    fn entries_v3<'n>(
        &mut self,
        mapping: &'n Mapping,
        map: &mut Map<String, Value>,
        top: bool,
        depth: usize,
    ) -> Result<Option<&'n Node>, Error> {
        let mut merged = None;
        for (key, value) in &mapping.entries {
            if is_merge(key) {
                merged = Some(value);
                continue;
            }
            if let Some(name) = self.key_v3(key, top)? {
                let converted = self.node(value, false, depth + 1)?;
                map.insert(name, converted);
            }
        }
        Ok(merged)
    }

    /// Adds what the merged mappings have and nobody before them.
    fn merge_v3(
        &mut self,
        merged: &Node,
        map: &mut Map<String, Value>,
        present: &mut HashSet<String>,
        top: bool,
        depth: usize,
    ) -> Result<(), Error> {
        self.bound(depth)?;
        for source in merge_sources(merged)? {
            let refuse = self.options.duplicates != JsonDuplicates::LastWins;
            if refuse && duplicates::report(source, &mut self.problems) {
                continue;
            }
            let mut nested = None;
            for (key, value) in &source.entries {
                if is_merge(key) {
                    nested = Some(value);
                    continue;
                }
                let Some(name) = self.key_v3(key, top)? else { continue };
                if present.insert(name.clone()) {
                    let converted = self.node(value, false, depth + 1)?;
                    map.insert(name, converted);
                }
            }
            if let Some(nested) = nested {
                self.merge_v3(nested, map, present, top, depth + 1)?;
            }
        }
        Ok(())
    }

    /// A key's string; `None` for one that is left out. The top mapping takes any scalar as text.
    fn key_v3(&mut self, key: &Node, top: bool) -> Result<Option<String>, Error> {
        let NodeKind::Scalar(scalar) = &key.kind else {
            if top {
                let kind = if matches!(key.kind, NodeKind::Mapping(_)) { "!!map" } else { "!!seq" };
                self.problems.push(format!("line {}: cannot unmarshal {kind} into string", key.mark.line));
                return Ok(None);
            }
            return Err(invalid_key(key, Schema::V3));
        };
        match resolve(scalar, Schema::V3)? {
            Resolved::Str(text) => Ok(Some(text.to_owned())),
            Resolved::Merge => Ok(Some("<<".to_owned())),
            Resolved::Binary(bytes) => Ok(Some(replaced(&bytes))),
            Resolved::Null if top => Ok(None),
            _ => {
                self.unencodable |= !top;
                Ok(Some(scalar.text.to_string()))
            }
        }
    }
}

fn invalid_key(key: &Node, schema: Schema) -> Error {
    Error::new(ErrorKind::Syntax(format!("invalid map key: {}", gosyntax::value(key, schema))))
}

pub(crate) fn is_merge(key: &Node) -> bool {
    key.as_scalar().is_some_and(|scalar| {
        &*scalar.text == "<<"
            && match &scalar.tag {
                Tag::Implicit => scalar.style == ScalarStyle::Plain,
                Tag::Merge => true,
                Tag::Other(tag) => &**tag == "!",
                _ => false,
            }
    })
}

pub(crate) fn bad_merge() -> Error {
    Error::value(BAD_MERGE)
}

/// The mappings that a `<<` names, first one first.
fn merge_sources(value: &Node) -> Result<Vec<&Mapping>, Error> {
    match &value.kind {
        NodeKind::Mapping(mapping) => Ok(vec![mapping]),
        NodeKind::Sequence(sequence) => {
            sequence.items.iter().map(|item| item.as_mapping().ok_or_else(bad_merge)).collect()
        }
        _ => Err(bad_merge()),
    }
}

/// Go's JSON encoder puts U+FFFD for each byte that is not UTF-8.
fn replaced(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        out.push_str(chunk.valid());
        out.extend(std::iter::repeat_n('\u{FFFD}', chunk.invalid().len()));
    }
    out
}

/// The integer that Go's JSON text of a float reads as, when it is one.
pub(crate) fn whole(value: f64) -> Option<Number> {
    if value.fract() != 0.0 || value.abs() >= 1e21 {
        return None;
    }
    // Shortest digits padded with zeros, as Go prints: not always the float's exact value.
    let digits = value.to_string();
    digits.parse::<i64>().map(Number::from).or_else(|_| digits.parse::<u64>().map(Number::from)).ok()
}

/// A block-style tree of a JSON value; strings carry [`Tag::Str`], floats are in Go's spelling.
pub fn from_json(value: &Value) -> Node {
    let tagged = |text: String, tag: Tag| {
        Node::new(NodeKind::Scalar(Scalar { text: text.into(), tag, style: ScalarStyle::Plain }))
    };
    match value {
        Value::Null => Node::null(),
        Value::Bool(flag) => tagged(flag.to_string(), Tag::Bool),
        Value::Number(number) if number.is_f64() => {
            let value = number.as_f64().unwrap_or_default();
            match whole(value) {
                Some(number) => tagged(number.to_string(), Tag::Int),
                None => tagged(gofmt::float(value), Tag::Float),
            }
        }
        Value::Number(number) => tagged(number.to_string(), Tag::Int),
        Value::String(text) => Node::string(text.as_str()),
        Value::Array(items) => {
            let items = items.iter().map(from_json).collect();
            Node::new(NodeKind::Sequence(Sequence { items, ..Sequence::default() }))
        }
        Value::Object(map) => {
            let entries = map.iter().map(|(key, value)| (Node::string(key.as_str()), from_json(value))).collect();
            Node::new(NodeKind::Mapping(Mapping { entries, ..Mapping::default() }))
        }
    }
}
