//! Values that upstream has once in memory although they stand in several places of an object.
//!
//! A transformer that adds one label in three places adds one node three times, and who changes it in one place later
//! changes it in all of them. Here such nodes carry the same anchor, and a change is copied to the others.

use std::cell::Cell;

use flux_yaml::{Node, NodeKind};

/// Before the anchor of a node that was changed and whose twins were not yet.
const CHANGED: char = '!';

thread_local! {
    static LAST: Cell<u64> = const { Cell::new(0) };
    /// Some twin was changed since the last settling.
    static PENDING: Cell<bool> = const { Cell::new(false) };
}

/// A name for the places one value is put in.
pub(crate) fn group() -> Box<str> {
    let number = LAST.get() + 1;
    LAST.set(number);
    number.to_string().into()
}

/// Notes that a value has taken the place of one that had this anchor.
pub(crate) fn changed(node: &mut Node, anchor: Option<Box<str>>) {
    let Some(anchor) = anchor else { return };
    PENDING.set(true);
    node.anchor = Some(match anchor.starts_with(CHANGED) {
        true => anchor,
        false => format!("{CHANGED}{anchor}").into(),
    });
}

/// Notes that a value was changed in place.
pub(crate) fn touched(node: &mut Node) {
    let anchor = node.anchor.take();
    changed(node, anchor);
}

/// Copies what was changed in an object to the twins in it.
pub(crate) fn settle(object: &mut Node) {
    if !PENDING.replace(false) {
        return;
    }
    let mut found = Vec::new();
    collect(object, &mut found);
    for (group, kind) in &found {
        spread(object, group, kind);
    }
}

fn collect(node: &mut Node, found: &mut Vec<(Box<str>, NodeKind)>) {
    if let Some(group) = node.anchor.as_deref().and_then(|anchor| anchor.strip_prefix(CHANGED)) {
        let group: Box<str> = group.into();
        found.push((group.clone(), node.kind.clone()));
        node.anchor = Some(group);
    }
    match &mut node.kind {
        NodeKind::Sequence(list) => list.items.iter_mut().for_each(|item| collect(item, found)),
        NodeKind::Mapping(map) => map.entries.iter_mut().for_each(|(_, value)| collect(value, found)),
        NodeKind::Scalar(_) | NodeKind::Alias(_) => {}
    }
}

fn spread(node: &mut Node, group: &str, kind: &NodeKind) {
    if node.anchor.as_deref() == Some(group) {
        node.kind = kind.clone();
        return;
    }
    match &mut node.kind {
        NodeKind::Sequence(list) => list.items.iter_mut().for_each(|item| spread(item, group, kind)),
        NodeKind::Mapping(map) => map.entries.iter_mut().for_each(|(_, value)| spread(value, group, kind)),
        NodeKind::Scalar(_) | NodeKind::Alias(_) => {}
    }
}
