//! Takes fields and items out of a value, or takes nothing else.

use std::sync::Arc;

use flux_schema::{List, Map, NodeId, Relationship, Schema, TypeRef};
use serde_json::{Map as Object, Value};

use super::Shape;
use super::keys::item_element;
use crate::fieldpath::{PathElement, Set};

/// The value without the fields and items of the set; null when nothing is left.
pub fn remove(value: &Value, items: &Set, of: &TypeRef) -> Value {
    Walk { schema: of.schema(), extract: false }.visit(value, items, Some(of.id())).unwrap_or(Value::Null)
}

/// Only the fields and items of the set; null when there are none.
pub fn extract(value: &Value, items: &Set, of: &TypeRef) -> Value {
    Walk { schema: of.schema(), extract: true }.visit(value, items, Some(of.id())).unwrap_or(Value::Null)
}

/// The set together with the key fields of every item on its paths, as far as the value has those paths.
pub fn with_key_fields(items: &Set, own: &Set) -> Set {
    let mut keys = Set::default();
    for path in items.paths().into_iter().filter(|path| own.has(&path.0)) {
        for (index, element) in path.0.iter().enumerate() {
            let PathElement::Key(fields) = element else { continue };
            for (name, _) in fields.iter() {
                let mut key = path.0[..=index].to_vec();
                key.push(PathElement::Field(Arc::clone(name)));
                keys.insert(&key);
            }
        }
    }
    items.union(&keys)
}

struct Walk<'a> {
    schema: &'a Schema,
    extract: bool,
}

impl Walk<'_> {
    fn visit(&self, value: &Value, set: &Set, id: Option<NodeId>) -> Option<Value> {
        let node = self.schema.node(id?);
        let (empty, atomic) = match (Shape::of(node, Some(value)), value) {
            (Shape::Scalar(_), _) => return Some(value.clone()),
            (Shape::Map(map), Value::Object(members)) => (members.is_empty(), map.relationship == Relationship::Atomic),
            (Shape::List(list), Value::Array(items)) => (items.is_empty(), list.relationship == Relationship::Atomic),
            // Null stands for an empty list or map in an extract, and is nothing else.
            (Shape::Map(_) | Shape::List(_), _) | (Shape::Invalid, _) => return None,
        };
        if empty || atomic {
            return self.extract.then(|| value.clone());
        }
        match (Shape::of(node, Some(value)), value) {
            (Shape::Map(map), Value::Object(members)) => self.map(members, set, map),
            (Shape::List(list), Value::Array(items)) => self.list(items, set, list),
            _ => None,
        }
    }

    fn map(&self, members: &Object<String, Value>, set: &Set, map: &Map) -> Option<Value> {
        let mut out = Object::new();
        for (name, value) in members {
            let element = PathElement::field(name);
            let id = map.member(name);
            if set.has_member(&element) {
                if self.extract {
                    out.insert(name.clone(), self.visit(value, set, id).unwrap_or(Value::Null));
                }
                continue;
            }
            match set.below(&element).filter(|below| !below.is_empty()) {
                Some(below) => {
                    out.insert(name.clone(), self.visit(value, below, id).unwrap_or(Value::Null));
                }
                None if self.extract => {}
                None => {
                    out.insert(name.clone(), value.clone());
                }
            }
        }
        (!out.is_empty()).then_some(Value::Object(out))
    }

    fn list(&self, items: &[Value], set: &Set, list: &List) -> Option<Value> {
        let mut out = Vec::new();
        for item in items {
            let element = item_element(self.schema, list, item).ok();
            let exact = element.as_ref().is_some_and(|element| set.has_member(element));
            let below = element.as_ref().and_then(|element| set.below(element)).filter(|below| !below.is_empty());
            let keep = if self.extract { exact || below.is_some() } else { !exact };
            if !keep {
                continue;
            }
            out.push(match below {
                Some(below) => self.visit(item, below, Some(list.element)).unwrap_or(Value::Null),
                None => item.clone(),
            });
        }
        (!out.is_empty()).then_some(Value::Array(out))
    }
}
