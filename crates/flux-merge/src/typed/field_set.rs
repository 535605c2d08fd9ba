//! Which fields does a value mention?

use std::collections::BTreeSet;

use flux_schema::{List, Map, NodeId, Relationship, Schema, TypeRef};
use serde_json::Value;

use super::keys::item_element;
use super::{Errors, Shape, ValidationErrors, invalid_atom, resolve};
use crate::fieldpath::{PathElement, Set};

/// The set below a node, and whether the node itself is a leaf.
type Found = (Set, bool);

pub fn to_field_set(value: &Value, of: &TypeRef) -> Result<Set, ValidationErrors> {
    let mut errors = Errors::default();
    let (set, _) = visit(of.schema(), value, of.id(), &mut errors);
    errors.into_result().map(|()| set)
}

fn visit(schema: &Schema, value: &Value, id: NodeId, errors: &mut Errors) -> Found {
    let node = match resolve(schema, id) {
        Ok(node) => node,
        Err(found) => {
            errors.extend(found);
            return Found::default();
        }
    };
    match Shape::of(node, Some(value)) {
        Shape::Scalar(_) => (Set::default(), true),
        Shape::Map(map) if map.relationship == Relationship::Atomic => (Set::default(), true),
        Shape::List(list) if list.relationship == Relationship::Atomic => (Set::default(), true),
        Shape::Map(map) => (members(schema, value, map, errors), false),
        Shape::List(list) => (items(schema, value, list, errors), false),
        Shape::Invalid => {
            errors.extend(invalid_atom(node));
            Found::default()
        }
    }
}

fn members(schema: &Schema, value: &Value, map: &Map, errors: &mut Errors) -> Set {
    let mut set = Set::default();
    for (name, member) in value.as_object().into_iter().flatten() {
        let field = map.field(name);
        let element = PathElement::Field(field.map_or_else(|| name.as_str().into(), |field| field.name.clone()));
        let (below, mut leaf) = match field.map(|field| field.node).or(map.element) {
            Some(id) => visit(schema, member, id, errors),
            None => {
                errors.extend(Errors::new("schema error: invalid atom: inlined"));
                Found::default()
            }
        };
        // Null and empty maps have nothing below them that could be owned; members of free maps are items.
        leaf |= member.is_null() || member.as_object().is_some_and(|own| own.is_empty()) || field.is_none();
        set.attach(&element, below, leaf);
    }
    set
}

fn items(schema: &Schema, value: &Value, list: &List, errors: &mut Errors) -> Set {
    let mut set = Set::default();
    let Some(values) = value.as_array() else { return set };
    let elements: Vec<Option<PathElement>> = values.iter().map(|item| item_element(schema, list, item).ok()).collect();
    let (mut seen, mut repeated) = (BTreeSet::new(), BTreeSet::new());
    for element in elements.iter().flatten() {
        if !seen.insert(element) {
            repeated.insert(element);
        }
    }
    for (item, element) in values.iter().zip(&elements) {
        let Some(element) = element else { continue };
        if repeated.contains(element) {
            set.attach(element, Set::default(), true);
        } else {
            let (below, _) = visit(schema, item, list.element, errors);
            set.attach(element, below, true);
        }
    }
    set.normalize();
    set
}
