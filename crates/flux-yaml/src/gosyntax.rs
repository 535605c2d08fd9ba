//! Values in Go's `%#v` form, which go-yaml shows in errors about keys.
//!
//! The usual way to meet one is a template that was never rendered: `name: {{ .Values.name }}`.

use crate::gofmt;
use crate::node::{Mapping, Node, NodeKind};
use crate::options::Schema;
use crate::resolve::{Resolved, resolve};
use crate::timestamp;

/// Longer texts are cut; an error is for reading.
const LONGEST: usize = 64 << 10;

pub(crate) fn value(node: &Node, schema: Schema) -> String {
    let mut out = String::new();
    write(node, schema, &mut out, 0, false);
    out
}

/// A scalar key alone.
pub(crate) fn scalar_key(node: &Node, schema: Schema) -> String {
    value(node, schema)
}

/// As decoded into `map[string]interface{}`: the keys of the outermost mapping are texts.
pub(crate) fn object(node: &Node, schema: Schema) -> String {
    let mut out = String::new();
    write(node, schema, &mut out, 0, true);
    out
}

/// What Go's JSON encoder minds first in the decoded node, in its words.
pub(crate) fn unencodable(node: &Node, schema: Schema) -> Option<String> {
    find_unencodable(node, schema, true)
}

fn find_unencodable(node: &Node, schema: Schema, top: bool) -> Option<String> {
    match &node.kind {
        NodeKind::Scalar(scalar) => match resolve(scalar, schema) {
            Ok(Resolved::Float(number)) if !number.is_finite() => {
                Some(format!("json: unsupported value: {}", float(number)))
            }
            _ => None,
        },
        NodeKind::Alias(_) => None,
        NodeKind::Sequence(sequence) => sequence.items.iter().find_map(|item| find_unencodable(item, schema, false)),
        NodeKind::Mapping(mapping) => {
            if schema == Schema::V3 && !top && !has_text_keys(mapping, schema) {
                return Some("json: unsupported type: map[interface {}]interface {}".to_owned());
            }
            sorted(mapping, schema).into_iter().find_map(|(_, value)| find_unencodable(value, schema, false))
        }
    }
}

fn write(node: &Node, schema: Schema, out: &mut String, depth: usize, top: bool) {
    if out.len() > LONGEST || depth > 1_000 {
        out.push_str("...");
        return;
    }
    match &node.kind {
        NodeKind::Scalar(scalar) => match resolve(scalar, schema) {
            Ok(Resolved::Null) => out.push_str("interface {}(nil)"),
            Ok(Resolved::Bool(flag)) => out.push_str(&flag.to_string()),
            Ok(Resolved::Int(number)) => out.push_str(&number.to_string()),
            Ok(Resolved::Uint(number)) => out.push_str(&format!("{number:#x}")),
            Ok(Resolved::Float(number)) => out.push_str(&float(number)),
            Ok(Resolved::Binary(bytes)) => out.push_str(&gofmt::quote(&String::from_utf8_lossy(&bytes))),
            Ok(Resolved::Timestamp(text)) => match (schema, timestamp::parse(text)) {
                (Schema::V3, Some(time)) => out.push_str(&time.go_syntax()),
                _ => out.push_str(&gofmt::quote(text)),
            },
            _ => out.push_str(&gofmt::quote(&scalar.text)),
        },
        NodeKind::Alias(name) => out.push_str(&gofmt::quote(name)),
        NodeKind::Sequence(sequence) => {
            out.push_str("[]interface {}{");
            for (at, item) in sequence.items.iter().enumerate() {
                if at > 0 {
                    out.push_str(", ");
                }
                write(item, schema, out, depth + 1, false);
            }
            out.push('}');
        }
        NodeKind::Mapping(mapping) => write_map(mapping, schema, out, depth, top),
    }
}

/// `%#v` of a float.
fn float(number: f64) -> String {
    match number {
        number if number.is_nan() => "NaN".to_owned(),
        f64::INFINITY => "+Inf".to_owned(),
        f64::NEG_INFINITY => "-Inf".to_owned(),
        number => gofmt::float(number),
    }
}

fn has_text_keys(mapping: &Mapping, schema: Schema) -> bool {
    mapping.entries.iter().all(|(key, _)| {
        key.as_scalar()
            .is_some_and(|scalar| matches!(resolve(scalar, schema), Ok(Resolved::Str(_) | Resolved::Binary(_))))
    })
}

/// In Go's order of map keys: by kind, then by value.
fn sorted(mapping: &Mapping, schema: Schema) -> Vec<&(Node, Node)> {
    let rank = |key: &Node| match key.as_scalar().map(|scalar| resolve(scalar, schema)) {
        Some(Ok(Resolved::Null)) => (0, 0.0),
        Some(Ok(Resolved::Int(number))) => (2, number as f64),
        Some(Ok(Resolved::Uint(number))) => (2, number as f64),
        Some(Ok(Resolved::Float(number))) => (3, number),
        Some(Ok(Resolved::Bool(flag))) => (4, f64::from(u8::from(flag))),
        Some(Ok(Resolved::Timestamp(_))) => (5, 0.0),
        _ => (1, 0.0),
    };
    let mut entries: Vec<_> = mapping.entries.iter().map(|entry| (rank(&entry.0), entry)).collect();
    entries.sort_by(|((a_kind, a), a_entry), ((b_kind, b), b_entry)| {
        let text = |entry: &(Node, Node)| entry.0.text().unwrap_or_default().to_owned();
        a_kind.cmp(b_kind).then(a.total_cmp(b)).then_with(|| text(a_entry).cmp(&text(b_entry)))
    });
    entries.into_iter().map(|(_, entry)| entry).collect()
}

fn write_map(mapping: &Mapping, schema: Schema, out: &mut String, depth: usize, top: bool) {
    let strings = schema == Schema::V3 && (top || has_text_keys(mapping, schema));
    out.push_str(if strings { "map[string]interface {}{" } else { "map[interface {}]interface {}{" });
    for (at, (key, value)) in sorted(mapping, schema).into_iter().enumerate() {
        if at > 0 {
            out.push_str(", ");
        }
        match key.text() {
            Some(text) if top => out.push_str(&gofmt::quote(text)),
            _ => write(key, schema, out, depth + 1, false),
        }
        out.push(':');
        write(value, schema, out, depth + 1, false);
    }
    out.push('}');
}
