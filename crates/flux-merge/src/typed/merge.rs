//! Lays one value over another.

use std::collections::{BTreeMap, BTreeSet};

use flux_schema::{List, Map, NodeId, Relationship, Scalar, Schema, TypeRef};
use serde_json::{Map as Object, Value};

use super::keys::item_element;
use super::validate::check_scalar;
use super::{Errors, Shape, ValidationErrors, invalid_atom, resolve};
use crate::fieldpath::PathElement;

pub fn merge(left: &Value, right: &Value, of: &TypeRef) -> Result<Value, ValidationErrors> {
    let mut walk = Walk { schema: of.schema(), errors: Errors::default() };
    let merged = walk.visit(left, right, of.id());
    walk.errors.into_result().map(|()| merged.unwrap_or(Value::Null))
}

struct Walk<'a> {
    schema: &'a Schema,
    errors: Errors,
}

impl Walk<'_> {
    /// Merges where both sides have a value; `None` when nothing is left.
    fn visit(&mut self, left: &Value, right: &Value, id: NodeId) -> Option<Value> {
        let node = match resolve(self.schema, id) {
            Ok(node) => node,
            Err(errors) => {
                self.errors.extend(errors);
                return None;
            }
        };
        match Shape::of(node, Some(right)) {
            Shape::Map(map) => self.map(left, right, map),
            Shape::List(list) => self.list(left, right, list),
            Shape::Scalar(scalar) => self.scalar(left, right, scalar),
            Shape::Invalid => {
                self.errors.extend(invalid_atom(node));
                None
            }
        }
    }

    fn scalar(&mut self, left: &Value, right: &Value, scalar: Scalar) -> Option<Value> {
        let mut errors = check_scalar(scalar, Some(left), "lhs: ");
        let right_errors = check_scalar(scalar, Some(right), "rhs: ");
        if !errors.is_empty() && !right_errors.is_empty() {
            errors.extend(right_errors);
            self.errors.extend(errors);
            return None;
        }
        Some(right.clone())
    }

    fn map(&mut self, left: &Value, right: &Value, map: &Map) -> Option<Value> {
        let nothing = Object::new();
        let own = left.as_object().unwrap_or(&nothing);
        let other = right.as_object().unwrap_or(&nothing);
        // Two empty maps are one leaf, so that null and {} stay different.
        if map.relationship == Relationship::Atomic || (own.is_empty() && other.is_empty()) {
            return Some(right.clone());
        }
        let mut out = Object::new();
        for (name, value) in own {
            let merged = match (other.get(name), map.member(name)) {
                (None, _) => Some(value.clone()),
                (Some(patch), Some(id)) => self.visit(value, patch, id),
                (Some(_), None) => {
                    self.errors.extend(Errors::new("schema error: invalid atom: inlined"));
                    None
                }
            };
            if let Some(merged) = merged {
                out.insert(name.clone(), merged);
            }
        }
        for (name, patch) in other {
            if !own.contains_key(name) {
                out.insert(name.clone(), patch.clone());
            }
        }
        (!out.is_empty()).then_some(Value::Object(out))
    }

    fn list(&mut self, left: &Value, right: &Value, list: &List) -> Option<Value> {
        let own = left.as_array().map_or(&[] as &[Value], Vec::as_slice);
        let other = right.as_array().map_or(&[] as &[Value], Vec::as_slice);
        if list.relationship == Relationship::Atomic || (own.is_empty() && other.is_empty()) {
            return Some(right.clone());
        }
        let before = self.errors.0.len();
        let rights = self.index(list, other, false);
        let lefts = self.index(list, own, true);
        if self.errors.0.len() > before {
            return None;
        }
        let out = self.interleave(list, own, &lefts, &rights);
        (!out.is_empty()).then_some(Value::Array(out))
    }

    fn index<'v>(&mut self, list: &List, items: &'v [Value], duplicates: bool) -> Index<'v> {
        let mut index = Index::default();
        for (at, item) in items.iter().enumerate() {
            let element = match item_element(self.schema, list, item) {
                Ok(element) => element,
                Err(message) => {
                    self.errors.extend(Errors::new(format!("element {at}: {message}")));
                    continue;
                }
            };
            if index.items.contains_key(&element) {
                if !duplicates {
                    self.errors.extend(Errors::new(format!("duplicate entries for key {element}")));
                    continue;
                }
                // Repeated items are not merged with a new value.
                index.items.insert(element.clone(), &Value::Null);
            } else {
                index.items.insert(element.clone(), item);
            }
            index.order.push(element);
        }
        index
    }

    /// Items of the right in their order; those of the left alone keep their place between the shared ones.
    fn interleave(&mut self, list: &List, own: &[Value], lefts: &Index<'_>, rights: &Index<'_>) -> Vec<Value> {
        let mut out = Vec::with_capacity(own.len().max(rights.order.len()));
        let mut shared = rights.order.iter().filter(|element| lefts.items.contains_key(element));
        let mut next_shared = shared.next();
        let mut merged = BTreeSet::new();
        let (mut i, mut j) = (0, 0);
        while i < lefts.order.len() || j < rights.order.len() {
            if let (Some(left), Some(right)) = (lefts.order.get(i), rights.order.get(j)) {
                if left == right {
                    merged.insert(right);
                    out.extend(self.item(list, lefts, rights, right));
                    i += 1;
                    j += 1;
                    next_shared = shared.next();
                    continue;
                }
                if rights.items.contains_key(left) && next_shared.is_some_and(|next| next != left) {
                    i += 1;
                    continue;
                }
            }
            if let Some(left) = lefts.order.get(i) {
                if !rights.items.contains_key(left) {
                    out.push(own[i].clone());
                    i += 1;
                    continue;
                }
                if merged.contains(left) {
                    i += 1;
                }
            }
            if let Some(right) = rights.order.get(j) {
                merged.insert(right);
                out.extend(self.item(list, lefts, rights, right));
                j += 1;
                if next_shared == Some(right) {
                    next_shared = shared.next();
                }
            }
        }
        out
    }

    fn item(&mut self, list: &List, lefts: &Index<'_>, rights: &Index<'_>, element: &PathElement) -> Option<Value> {
        let right = rights.items.get(element)?;
        match lefts.items.get(element) {
            Some(left) => self.visit(left, right, list.element),
            None => Some((*right).clone()),
        }
    }
}

#[derive(Default)]
struct Index<'v> {
    order: Vec<PathElement>,
    items: BTreeMap<PathElement, &'v Value>,
}
