//! What changed between two values of one type?

use std::collections::BTreeMap;

use flux_schema::{List, Map, NodeId, Relationship, Scalar, Schema, TypeRef};
use serde_json::Value;

use super::keys::item_element;
use super::validate::check_scalar;
use super::{Errors, Shape, ValidationErrors, invalid_atom, resolve, same_shape};
use crate::fieldpath::{PathElement, Set};
use crate::value::equal;

/// The fields that differ; no field is in two of the sets.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Comparison {
    pub removed: Set,
    pub modified: Set,
    pub added: Set,
}

impl Comparison {
    pub fn is_same(&self) -> bool {
        self.removed.is_empty() && self.modified.is_empty() && self.added.is_empty()
    }

    /// Without the fields of the set and all below them.
    pub fn without(self, fields: &Set) -> Self {
        if fields.is_empty() {
            return self;
        }
        Self {
            removed: self.removed.recursive_difference(fields),
            modified: self.modified.recursive_difference(fields),
            added: self.added.recursive_difference(fields),
        }
    }
}

/// The findings of a node: sets below it, and how the node itself changed.
#[derive(Default)]
struct Found {
    below: Comparison,
    removed: bool,
    modified: bool,
    added: bool,
    /// The node was judged as a whole.
    leaf: bool,
}

impl Found {
    fn join(&mut self, other: Found) {
        self.below.removed = self.below.removed.union(&other.below.removed);
        self.below.modified = self.below.modified.union(&other.below.modified);
        self.below.added = self.below.added.union(&other.below.added);
        self.removed |= other.removed;
        self.modified |= other.modified;
        self.added |= other.added;
    }

    fn attach(&mut self, element: &PathElement, child: Found) {
        self.below.removed.attach(element, child.below.removed, child.removed);
        self.below.modified.attach(element, child.below.modified, child.modified);
        self.below.added.attach(element, child.below.added, child.added);
    }
}

pub fn compare(left: &Value, right: &Value, of: &TypeRef) -> Result<Comparison, ValidationErrors> {
    let mut walk = Walk { schema: of.schema(), errors: Errors::default() };
    let found = walk.visit(Some(left), Some(right), of.id());
    walk.errors.into_result().map(|()| found.below)
}

struct Walk<'a> {
    schema: &'a Schema,
    errors: Errors,
}

impl<'a> Walk<'a> {
    fn visit(&mut self, left: Option<&Value>, right: Option<&Value>, id: NodeId) -> Found {
        let node = match resolve(self.schema, id) {
            Ok(node) => node,
            Err(errors) => {
                self.errors.extend(errors);
                return Found::default();
            }
        };
        let mut found = match (left, right) {
            (Some(own), None) => self.shape(left, right, Shape::of(node, Some(own)), id),
            (Some(own), Some(other)) if !same_shape(node, own, other) => {
                let mut found = self.shape(left, right, Shape::of(node, left), id);
                let second = self.shape(left, right, Shape::of(node, right), id);
                found.leaf = second.leaf;
                found.join(second);
                found
            }
            _ => self.shape(left, right, Shape::of(node, right), id),
        };
        if !found.leaf {
            found.added |= left.is_none();
            found.removed |= left.is_some() && right.is_none();
        }
        found
    }

    fn shape(&mut self, left: Option<&Value>, right: Option<&Value>, shape: Shape<'a>, id: NodeId) -> Found {
        match shape {
            Shape::Map(map) => self.map(left, right, map),
            Shape::List(list) => self.list(left, right, list),
            Shape::Scalar(scalar) => self.scalar(left, right, scalar),
            Shape::Invalid => {
                self.errors.extend(invalid_atom(self.schema.node(id)));
                Found::default()
            }
        }
    }

    fn scalar(&mut self, left: Option<&Value>, right: Option<&Value>, scalar: Scalar) -> Found {
        let mut errors = check_scalar(scalar, left, "lhs: ");
        let right_errors = check_scalar(scalar, right, "rhs: ");
        // One side that fits is enough.
        if !errors.is_empty() && !right_errors.is_empty() {
            errors.extend(right_errors);
            self.errors.extend(errors);
            return Found::default();
        }
        leaf(left, right)
    }

    fn map(&mut self, left: Option<&Value>, right: Option<&Value>, map: &Map) -> Found {
        let (own, other) = (left.and_then(Value::as_object), right.and_then(Value::as_object));
        let empty = own.is_none_or(|map| map.is_empty()) && other.is_none_or(|map| map.is_empty());
        // Two empty maps are compared as a whole, so that null and {} stay different.
        if map.relationship == Relationship::Atomic || empty {
            return leaf(left, right);
        }
        let mut found = Found::default();
        let mut names: Vec<&String> = own.into_iter().chain(other).flat_map(|map| map.keys()).collect();
        if own.is_some() && other.is_some() {
            names.sort();
            names.dedup();
        }
        for name in names {
            let (a, b) = (own.and_then(|map| map.get(name)), other.and_then(|map| map.get(name)));
            let field = map.field(name);
            let Some(id) = field.map(|field| field.node).or(map.element) else {
                self.errors.extend(Errors::new("schema error: invalid atom: inlined"));
                continue;
            };
            if let (Some(a), Some(b)) = (a, b)
                && a == b
            {
                continue;
            }
            let element = PathElement::Field(field.map_or_else(|| name.as_str().into(), |field| field.name.clone()));
            let child = self.visit(a, b, id);
            found.attach(&element, child);
        }
        found
    }

    fn list(&mut self, left: Option<&Value>, right: Option<&Value>, list: &List) -> Found {
        let own = left.and_then(Value::as_array).map_or(&[] as &[Value], Vec::as_slice);
        let other = right.and_then(Value::as_array).map_or(&[] as &[Value], Vec::as_slice);
        if list.relationship == Relationship::Atomic || (own.is_empty() && other.is_empty()) {
            return leaf(left, right);
        }
        let mut items: BTreeMap<PathElement, (Vec<&Value>, Vec<&Value>)> = BTreeMap::new();
        for (index, item) in own.iter().enumerate() {
            if let Some(element) = self.element(list, index, item) {
                items.entry(element).or_default().0.push(item);
            }
        }
        for (index, item) in other.iter().enumerate() {
            if let Some(element) = self.element(list, index, item) {
                items.entry(element).or_default().1.push(item);
            }
        }
        let mut found = Found::default();
        for (element, (lefts, rights)) in items {
            let child = self.item(list, &lefts, &rights);
            found.attach(&element, child);
        }
        found
    }

    fn element(&mut self, list: &List, index: usize, item: &Value) -> Option<PathElement> {
        item_element(self.schema, list, item)
            .map_err(|message| self.errors.extend(Errors::new(format!("element {index}: {message}"))))
            .ok()
    }

    /// Repeated items are one leaf; when repetition begins or ends, the single item is added or removed beside it.
    fn item(&mut self, list: &List, lefts: &[&Value], rights: &[&Value]) -> Found {
        match (lefts, rights) {
            ([] | [_], [] | [_]) => self.visit(lefts.first().copied(), rights.first().copied(), list.element),
            ([_, _, ..], [_, _, ..]) => {
                let same = lefts.len() == rights.len() && lefts.iter().zip(rights).all(|(a, b)| equal(a, b));
                Found { modified: !same, ..Found::default() }
            }
            ([_, _, ..], _) => {
                let single = rights.first().map(|item| self.visit(None, Some(item), list.element));
                Found { removed: true, ..single.unwrap_or_default() }
            }
            _ => {
                let single = lefts.first().map(|item| self.visit(Some(item), None, list.element));
                Found { added: true, ..single.unwrap_or_default() }
            }
        }
    }
}

fn leaf(left: Option<&Value>, right: Option<&Value>) -> Found {
    let mut found = Found { leaf: true, ..Found::default() };
    match (left, right) {
        (None, _) => found.added = true,
        (_, None) => found.removed = true,
        (Some(a), Some(b)) => found.modified = !equal(a, b),
    }
    found
}
