//! Keys that a mapping has twice, as go-yaml v3 reports them.

use std::collections::HashMap;

use crate::error::{Error, ErrorKind};
use crate::gofmt;
use crate::node::{Mapping, Node, NodeKind};

/// So many are named at most; the number of pairs grows with the square.
const NAMED: usize = 100;

/// Refuses a tree with a duplicate key anywhere.
pub(crate) fn check(node: &Node) -> Result<(), Error> {
    let mut found = Vec::new();
    walk(node, &mut found);
    if found.is_empty() { Ok(()) } else { Err(Error::new(ErrorKind::Unmarshal(found))) }
}

fn walk(node: &Node, found: &mut Vec<String>) {
    match &node.kind {
        NodeKind::Scalar(_) | NodeKind::Alias(_) => {}
        NodeKind::Sequence(sequence) => sequence.items.iter().for_each(|item| walk(item, found)),
        NodeKind::Mapping(mapping) => {
            // A mapping with duplicates is not decoded further.
            if !report(mapping, found) {
                for (key, value) in &mapping.entries {
                    walk(key, found);
                    walk(value, found);
                }
            }
        }
    }
}

/// Kinds compare as go-yaml's do: of collections only the kind counts.
fn identity(node: &Node) -> (u8, &str) {
    match &node.kind {
        NodeKind::Scalar(scalar) => (0, &scalar.text),
        NodeKind::Alias(name) => (1, name),
        NodeKind::Sequence(_) => (2, ""),
        NodeKind::Mapping(_) => (3, ""),
    }
}

/// Adds a line per pair of equal keys; true when there was one.
pub(crate) fn report(mapping: &Mapping, found: &mut Vec<String>) -> bool {
    let keys: Vec<&Node> = mapping.entries.iter().map(|(key, _)| key).collect();
    if keys.len() <= 8 {
        let twice = |(at, key): (usize, &&Node)| keys[..at].iter().any(|other| identity(other) == identity(key));
        if !keys.iter().enumerate().any(twice) {
            return false;
        }
    }
    let mut groups: HashMap<(u8, &str), Vec<usize>> = HashMap::with_capacity(keys.len());
    for (at, key) in keys.iter().enumerate() {
        groups.entry(identity(key)).or_default().push(at);
    }
    if groups.len() == keys.len() {
        return false;
    }
    for (at, first) in keys.iter().enumerate() {
        let group = &groups[&identity(first)];
        for later in group.iter().filter(|later| **later > at).map(|later| keys[*later]) {
            if found.len() >= NAMED {
                return true;
            }
            let name = gofmt::quote(identity(later).1);
            found.push(format!(
                "line {}: mapping key {name} already defined at line {}",
                later.mark.line, first.mark.line
            ));
        }
    }
    true
}
