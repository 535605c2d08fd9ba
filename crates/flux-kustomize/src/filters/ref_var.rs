//! Expands `$(NAME)`.

use std::collections::BTreeMap;

use flux_yaml::{Node, NodeKind, Scalar, ScalarStyle, Tag};

use super::fieldspec::{self, Make};
use crate::config::FieldSpec;
use crate::error::Error;
use crate::node::{is_null, is_string, raw, scalar_tag};

/// A var's value: its text and type.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct VarValue {
    pub text: String,
    /// Nothing for a map or list, which cannot stand in a text.
    pub tag: Option<Tag>,
}

/// Expands the fields a rule names.
pub(crate) fn apply(object: &mut Node, spec: &FieldSpec, values: &BTreeMap<String, VarValue>) -> Result<(), Error> {
    fieldspec::apply(object, spec, Make::Nothing, &mut |field| expand_field(field, values))
}

fn expand_field(field: &mut Node, values: &BTreeMap<String, VarValue>) -> Result<(), Error> {
    if is_null(field) {
        return Ok(());
    }
    match &mut field.kind {
        NodeKind::Scalar(_) => {
            expand_scalar(field, values);
            Ok(())
        }
        NodeKind::Mapping(map) => {
            for (key, value) in &mut map.entries {
                if !is_string(key) {
                    let tag = key.as_scalar().map(scalar_tag);
                    let reason = format!("invalid map key: value='{}', tag='{}'", raw(key), tag_text(tag.as_ref()));
                    return Err(Error::Var { reason });
                }
                expand_scalar(value, values);
            }
            Ok(())
        }
        NodeKind::Sequence(seq) => seq.items.iter_mut().try_for_each(|item| match is_string(item) {
            true => {
                expand_scalar(item, values);
                Ok(())
            }
            false => Err(Error::Var { reason: "invalid value type expect a string".into() }),
        }),
        NodeKind::Alias(_) => Ok(()),
    }
}

fn tag_text(tag: Option<&Tag>) -> &'static str {
    match tag {
        Some(Tag::Int) => "!!int",
        Some(Tag::Bool) => "!!bool",
        Some(Tag::Float) => "!!float",
        Some(Tag::Null) => "!!null",
        Some(Tag::Timestamp) => "!!timestamp",
        _ => "",
    }
}

fn expand_scalar(node: &mut Node, values: &BTreeMap<String, VarValue>) {
    if !is_string(node) {
        return;
    }
    let expanded = expand(raw(node), values);
    node.kind = NodeKind::Scalar(Scalar {
        text: expanded.text.into(),
        tag: expanded.tag.unwrap_or(Tag::Str),
        style: ScalarStyle::Plain,
    });
}

fn wrapped(name: &str) -> String {
    format!("$({name})")
}

/// Expands a text. One that is a single reference takes the value's type.
pub(crate) fn expand(text: &str, values: &BTreeMap<String, VarValue>) -> VarValue {
    let known = |name: &str| values.get(name).filter(|value| value.tag.is_some());
    let whole = text.strip_prefix("$(").and_then(|rest| rest.strip_suffix(')')).filter(|name| !name.contains(')'));
    if let Some(value) = whole.and_then(known) {
        return value.clone();
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('$') {
        out.push_str(&rest[..at]);
        let tail = &rest[at + 1..];
        if tail.is_empty() {
            rest = &rest[at..];
            break;
        }
        rest = if let Some(tail) = tail.strip_prefix('$') {
            out.push('$');
            tail
        } else if let Some(inner) = tail.strip_prefix('(') {
            match inner.split_once(')') {
                Some((name, tail)) => {
                    match known(name) {
                        Some(value) => out.push_str(&value.text),
                        None => out.push_str(&wrapped(name)),
                    }
                    tail
                }
                None => {
                    out.push_str("$(");
                    inner
                }
            }
        } else {
            out.push('$');
            tail
        };
    }
    out.push_str(rest);
    VarValue { text: out, tag: Some(Tag::Str) }
}
