//! Values in Go's `%#v` form, which go-yaml shows in errors about keys.
//!
//! The usual way to meet one is a template that was never rendered: `name: {{ .Values.name }}`.

use crate::gofmt;
use crate::json::whole;
use crate::node::{Mapping, Node, NodeKind};
use crate::options::Schema;
use crate::resolve::{Resolved, resolve};

/// Longer texts are cut; an error is for reading.
const LONGEST: usize = 4096;

pub(crate) fn value(node: &Node, schema: Schema) -> String {
    let mut out = String::new();
    write(node, schema, &mut out, 0);
    out
}

/// A scalar key alone.
pub(crate) fn scalar_key(node: &Node, schema: Schema) -> String {
    value(node, schema)
}

fn write(node: &Node, schema: Schema, out: &mut String, depth: usize) {
    if out.len() > LONGEST || depth > 50 {
        out.push_str("...");
        return;
    }
    match &node.kind {
        NodeKind::Scalar(scalar) => match resolve(scalar, schema) {
            Ok(Resolved::Null) => out.push_str("interface {}(nil)"),
            Ok(Resolved::Bool(flag)) => out.push_str(&flag.to_string()),
            Ok(Resolved::Int(number)) => out.push_str(&number.to_string()),
            Ok(Resolved::Uint(number)) => out.push_str(&format!("{number:#x}")),
            Ok(Resolved::Float(number)) => match whole(number) {
                Some(number) => out.push_str(&number.to_string()),
                None => out.push_str(&gofmt::float(number)),
            },
            Ok(Resolved::Binary(bytes)) => out.push_str(&gofmt::quote(&String::from_utf8_lossy(&bytes))),
            _ => out.push_str(&gofmt::quote(&scalar.text)),
        },
        NodeKind::Alias(name) => out.push_str(&gofmt::quote(name)),
        NodeKind::Sequence(sequence) => {
            out.push_str("[]interface {}{");
            for (at, item) in sequence.items.iter().enumerate() {
                if at > 0 {
                    out.push_str(", ");
                }
                write(item, schema, out, depth + 1);
            }
            out.push('}');
        }
        NodeKind::Mapping(mapping) => write_map(mapping, schema, out, depth),
    }
}

fn write_map(mapping: &Mapping, schema: Schema, out: &mut String, depth: usize) {
    let text_keys = mapping
        .entries
        .iter()
        .all(|(key, _)| key.as_scalar().is_some_and(|scalar| matches!(resolve(scalar, schema), Ok(Resolved::Str(_)))));
    let strings = schema == Schema::V3 && text_keys;
    out.push_str(if strings { "map[string]interface {}{" } else { "map[interface {}]interface {}{" });
    let mut entries: Vec<&(Node, Node)> = mapping.entries.iter().collect();
    entries.sort_by_key(|(key, _)| key.text().unwrap_or("").to_owned());
    for (at, (key, value)) in entries.into_iter().enumerate() {
        if at > 0 {
            out.push_str(", ");
        }
        write(key, schema, out, depth + 1);
        out.push(':');
        write(value, schema, out, depth + 1);
    }
    out.push('}');
}
