//! Values with a type: validation, merge, comparison, field sets.
//!
//! Each operation is a walk over value and type side by side. A type may allow several shapes; the value picks
//! its own ([`Shape::of`]), and null fits any.

mod compare;
mod field_set;
mod keys;
mod merge;
mod reconcile;
mod remove;
mod validate;
mod zero;

use std::borrow::Cow;
use std::fmt;

use flux_schema::{List, Map, Node, NodeId, Scalar, Schema, TypeRef};
use serde_json::Value;

use crate::fieldpath::{PathElement, Set};

pub use compare::Comparison;

/// Why a value does not fit its type; one entry per place.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct ValidationErrors(pub Vec<ValidationError>);

/// One place where a value does not fit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ValidationError {
    /// As `.spec.ports[port=80]`; empty for the root.
    pub path: String,
    pub message: String,
}

impl fmt::Display for ValidationError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.path.is_empty() { out.write_str(&self.message) } else { write!(out, "{}: {}", self.path, self.message) }
    }
}

impl fmt::Display for ValidationErrors {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.as_slice() {
            [only] => only.fmt(out),
            all => {
                out.write_str("errors:")?;
                all.iter().try_for_each(|error| write!(out, "\n  {error}"))
            }
        }
    }
}

/// Errors on their way up; most walks find none.
#[derive(Default)]
pub(crate) struct Errors(Vec<ValidationError>);

impl Errors {
    pub fn new(message: impl Into<String>) -> Self {
        Self(vec![ValidationError { path: String::new(), message: message.into() }])
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn extend(&mut self, other: Errors) {
        self.0.extend(other.0);
    }

    pub fn under(mut self, element: &PathElement) -> Self {
        for error in &mut self.0 {
            error.path.insert_str(0, &element.to_string());
        }
        self
    }

    pub fn into_result(self) -> Result<(), ValidationErrors> {
        if self.0.is_empty() { Ok(()) } else { Err(ValidationErrors(self.0)) }
    }
}

/// The shape that a type offers to a value.
#[derive(Clone, Copy)]
pub(crate) enum Shape<'a> {
    Map(&'a Map),
    Scalar(Scalar),
    List(&'a List),
    Invalid,
}

impl<'a> Shape<'a> {
    /// The shape that fits `value`; where none does, the first that the type has, so that the walk says what is wrong.
    pub fn of(node: &'a Node, value: Option<&Value>) -> Self {
        match value {
            Some(Value::Bool(_) | Value::Number(_) | Value::String(_)) => {
                node.scalar.map_or_else(|| Self::first(node), Self::Scalar)
            }
            Some(Value::Array(_)) => node.list.as_ref().map_or_else(|| Self::first(node), Self::List),
            Some(Value::Object(_)) => node.map.as_ref().map_or_else(|| Self::first(node), Self::Map),
            Some(Value::Null) | None => Self::first(node),
        }
    }

    fn first(node: &'a Node) -> Self {
        match (&node.map, node.scalar, &node.list) {
            (Some(map), _, _) => Self::Map(map),
            (None, Some(scalar), _) => Self::Scalar(scalar),
            (None, None, Some(list)) => Self::List(list),
            (None, None, None) => Self::Invalid,
        }
    }

    fn rank(&self) -> u8 {
        match self {
            Self::Map(_) => 0,
            Self::Scalar(_) => 1,
            Self::List(_) => 2,
            Self::Invalid => 3,
        }
    }
}

/// Whether both values pick the same set of shapes from a type.
pub(crate) fn same_shape(node: &Node, left: &Value, right: &Value) -> bool {
    let narrowed = |value: &Value| match value {
        Value::Null => None,
        Value::Array(_) => node.list.as_ref().map(|_| 2),
        Value::Object(_) => node.map.as_ref().map(|_| 0),
        _ => node.scalar.map(|_| 1),
    };
    let several = [node.scalar.is_some(), node.list.is_some(), node.map.is_some()].iter().filter(|has| **has).count();
    let pick = |value: &Value| if several > 1 { narrowed(value) } else { Some(Shape::first(node).rank()) };
    pick(left) == pick(right)
}

/// The node of a type, or the error of a type that is nowhere defined.
pub(crate) fn resolve(schema: &Schema, id: NodeId) -> Result<&Node, Errors> {
    let node = schema.node(id);
    if node.undefined {
        let name = node.name.as_deref().unwrap_or("inlined type");
        return Err(Errors::new(format!("schema error: no type found matching: {name}")));
    }
    Ok(node)
}

pub(crate) fn invalid_atom(node: &Node) -> Errors {
    let name = node.name.as_ref().map_or_else(|| "inlined".to_owned(), |name| format!("named type: {name}"));
    Errors::new(format!("schema error: invalid atom: {name}"))
}

/// A value and its type.
#[derive(Debug, Clone)]
pub struct Typed<'a> {
    pub value: Cow<'a, Value>,
    pub of: TypeRef,
}

impl<'a> Typed<'a> {
    /// Without a check; for values that are known to fit.
    pub fn unchecked(value: Cow<'a, Value>, of: TypeRef) -> Self {
        Self { value, of }
    }

    /// Checks the value against the type. Live objects may hold duplicates in sets and keyed lists, applied ones may not.
    pub fn new(value: &'a Value, of: TypeRef, duplicates: Duplicates) -> Result<Self, ValidationErrors> {
        validate(value, &of, duplicates)?;
        Ok(Self { value: Cow::Borrowed(value), of })
    }

    /// As [`Self::new`], taking the value.
    pub fn owned(value: Value, of: TypeRef, duplicates: Duplicates) -> Result<Self, ValidationErrors> {
        validate(&value, &of, duplicates)?;
        Ok(Self { value: Cow::Owned(value), of })
    }

    /// A second handle on the same value.
    pub fn borrow(&self) -> Typed<'_> {
        Typed { value: Cow::Borrowed(&self.value), of: self.of.clone() }
    }

    pub fn into_value(self) -> Value {
        self.value.into_owned()
    }

    /// Every leaf field and list item the value mentions.
    pub fn to_field_set(&self) -> Result<Set, ValidationErrors> {
        field_set::to_field_set(&self.value, &self.of)
    }

    /// The value with `patch` laid over it: nothing is removed, lists are ordered as the patch orders them.
    pub fn merge(&self, patch: &Typed<'_>) -> Result<Typed<'static>, ValidationErrors> {
        self.same_type(patch)?;
        let value = merge::merge(&self.value, &patch.value, &self.of)?;
        Ok(Typed { value: Cow::Owned(value), of: self.of.clone() })
    }

    /// What `other` adds, changes and removes.
    pub fn compare(&self, other: &Typed<'_>) -> Result<Comparison, ValidationErrors> {
        self.same_type(other)?;
        compare::compare(&self.value, &other.value, &self.of)
    }

    /// The value without the fields and items of the set.
    pub fn remove(&self, items: &Set) -> Typed<'static> {
        Typed { value: Cow::Owned(remove::remove(&self.value, items, &self.of)), of: self.of.clone() }
    }

    /// Only the fields and items of the set; with `key_fields` also the keys of the items it mentions.
    pub fn extract(&self, items: &Set, key_fields: bool) -> Typed<'static> {
        let value = if key_fields {
            match self.to_field_set() {
                Ok(own) => remove::extract(&self.value, &remove::with_key_fields(items, &own), &self.of),
                Err(_) => remove::extract(&self.value, items, &self.of),
            }
        } else {
            remove::extract(&self.value, items, &self.of)
        };
        Typed { value: Cow::Owned(value), of: self.of.clone() }
    }

    fn same_type(&self, other: &Typed<'_>) -> Result<(), ValidationErrors> {
        if !std::sync::Arc::ptr_eq(self.of.schema(), other.of.schema()) {
            return Errors::new("expected objects with types from the same schema").into_result();
        }
        if self.of != other.of {
            let name = |of: &TypeRef| of.name().unwrap_or("inlined").to_owned();
            let (own, theirs) = (name(&self.of), name(&other.of));
            return Errors::new(format!("expected objects of the same type, but got {own} and {theirs}")).into_result();
        }
        Ok(())
    }
}

/// Whether sets and keyed lists may hold an item twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Duplicates {
    Allowed,
    Refused,
}

/// Says where `value` does not fit `of`.
pub fn validate(value: &Value, of: &TypeRef, duplicates: Duplicates) -> Result<(), ValidationErrors> {
    validate::validate(value, of, duplicates)
}

/// Adapts a set to a type that became atomic since it was written; `None` when nothing changes.
pub fn reconcile(set: &Set, of: &TypeRef) -> Result<Option<Set>, ValidationErrors> {
    reconcile::reconcile(set, of)
}

pub use zero::fill_zero;
