//! `$patch: delete`, `replace` and `merge`. Other directives are not known and stay in the tree.

use flux_yaml::{Node, NodeKind};

use crate::error::Error;
use crate::node::{is_empty_map, raw};

const KEY: &str = "$patch";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Directive {
    Merge,
    Replace,
    Delete,
}

fn parse(text: &str) -> Result<Directive, Error> {
    match text {
        "merge" => Ok(Directive::Merge),
        "replace" => Ok(Directive::Replace),
        "delete" => Ok(Directive::Delete),
        other => Err(Error::patch(format!("unknown patch strategy '{other}'"))),
    }
}

/// Reads a tree's directive and takes it out. In a list it is an element of its own.
pub(super) fn take_directive(patch: &mut Node) -> Result<Directive, Error> {
    match &mut patch.kind {
        NodeKind::Mapping(map) => match map.get(KEY) {
            None => Ok(Directive::Merge),
            Some(value) => {
                let directive = parse(raw(value))?;
                map.remove(KEY);
                Ok(directive)
            }
        },
        NodeKind::Sequence(seq) => {
            let Some(element) = seq.items.iter().find_map(|item| item.as_mapping().filter(|map| map.contains_key(KEY)))
            else {
                return Ok(Directive::Merge);
            };
            let Some(value) = element.get(KEY).filter(|_| element.len() == 1) else { return Ok(Directive::Merge) };
            let text = raw(value).to_owned();
            let directive = parse(&text)?;
            seq.items.retain(|item| !is_empty_map(item) && item.get(KEY).is_none_or(|value| raw(value) != text));
            Ok(directive)
        }
        _ => Ok(Directive::Merge),
    }
}
