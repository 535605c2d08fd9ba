//! Does a value fit its type?

use std::collections::BTreeSet;

use flux_schema::{List, Map, NodeId, Relationship, Scalar, ScalarClass, Schema, TypeRef};
use serde_json::Value;

use super::keys::item_element;
use super::{Duplicates, Errors, Shape, ValidationErrors, invalid_atom, resolve};
use crate::fieldpath::PathElement;
use crate::value::{go_plain, go_syntax, go_type};

struct Walk<'a> {
    schema: &'a Schema,
    duplicates: Duplicates,
}

pub fn validate(value: &Value, of: &TypeRef, duplicates: Duplicates) -> Result<(), ValidationErrors> {
    Walk { schema: of.schema(), duplicates }.visit(value, of.id()).into_result()
}

impl Walk<'_> {
    fn visit(&self, value: &Value, id: NodeId) -> Errors {
        let node = match resolve(self.schema, id) {
            Ok(node) => node,
            Err(errors) => return errors,
        };
        match Shape::of(node, Some(value)) {
            Shape::Map(map) => self.map(value, map),
            Shape::Scalar(scalar) => check_scalar(scalar, Some(value), ""),
            Shape::List(list) => self.list(value, list),
            Shape::Invalid => invalid_atom(node),
        }
    }

    fn map(&self, value: &Value, map: &Map) -> Errors {
        let members = match value {
            Value::Null => return Errors::default(),
            Value::Object(members) => members,
            other => return Errors::new(format!("expected map, got &{{{}}}", go_plain(other))),
        };
        let mut errors = Errors::default();
        for (name, member) in members {
            match map.member(name) {
                Some(id) => {
                    let found = self.visit(member, id);
                    if !found.is_empty() {
                        errors.extend(found.under(&PathElement::field(name)));
                    }
                }
                None => {
                    errors.extend(Errors::new("field not declared in schema").under(&PathElement::field(name)));
                    return errors;
                }
            }
        }
        errors
    }

    fn list(&self, value: &Value, list: &List) -> Errors {
        let items = match value {
            Value::Null => return Errors::default(),
            Value::Array(items) => items,
            other => return Errors::new(format!("expected list, got &{{{}}}", go_plain(other))),
        };
        let mut errors = Errors::default();
        let mut seen = BTreeSet::new();
        for (index, item) in items.iter().enumerate() {
            let element = if list.relationship == Relationship::Associative {
                match item_element(self.schema, list, item) {
                    Ok(element) => {
                        if !seen.insert(element.clone()) && self.duplicates == Duplicates::Refused {
                            errors.extend(Errors::new(format!("duplicate entries for key {element}")));
                        }
                        element
                    }
                    Err(message) => {
                        errors.extend(Errors::new(format!("element {index}: {message}")));
                        return errors;
                    }
                }
            } else {
                PathElement::Index(index as i64)
            };
            let found = self.visit(item, list.element);
            if !found.is_empty() {
                errors.extend(found.under(&element));
            }
        }
        errors
    }
}

/// Absent and null values fit every scalar.
pub fn check_scalar(scalar: Scalar, value: Option<&Value>, prefix: &str) -> Errors {
    let value = match value {
        None | Some(Value::Null) => return Errors::default(),
        Some(value) => value,
    };
    let message = match (scalar.class(), value) {
        (ScalarClass::Numeric, Value::Number(_))
        | (ScalarClass::String, Value::String(_))
        | (ScalarClass::Boolean, Value::Bool(_))
        | (ScalarClass::Untyped, Value::Number(_) | Value::String(_) | Value::Bool(_)) => return Errors::default(),
        (ScalarClass::Numeric, other) => format!("expected numeric (int or float), got {}", go_type(other)),
        (ScalarClass::String, other) => {
            format!("expected string, got &value.valueUnstructured{{Value:{}}}", go_syntax(other))
        }
        (ScalarClass::Boolean, other) => format!("expected boolean, got &{{{}}}", go_plain(other)),
        (ScalarClass::Untyped, other) => format!("expected any scalar, got &{{{}}}", go_plain(other)),
    };
    Errors::new(format!("{prefix}{message}"))
}
