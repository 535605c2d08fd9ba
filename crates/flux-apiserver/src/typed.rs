//! Built-in objects as the Go types of Kubernetes see them.
//!
//! A built-in object goes through the shape of its Go type on its way in: unknown fields are found and dropped,
//! wrong types are refused with Go's words, empty values vanish or appear as `omitempty` says, quantities and
//! times take their canonical form. The shapes are data, read once from a table of Go struct fields.

mod facts;
mod printed;
mod protobuf;
mod scalar;

use serde_json::{Map, Value};

pub(crate) use facts::Kind as GoKind;
use facts::{Field, Struct, Type};
pub(crate) use facts::{kind_of, object_meta, options_type};
pub(crate) use printed::lazily_merged;
pub(crate) use protobuf::{ProtobufError, to_json as protobuf_to_json};
pub(crate) use scalar::canonical_quantity;

/// Why a document does not fit its type; the text is Go's.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Misfit(pub String, pub Place);

impl Misfit {
    /// Of a value whose place is not known yet.
    fn of(words: String) -> Self {
        Self(words, Place::default())
    }
}

/// Where a document does not fit: the keys and indices on the way.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Place(Vec<Step>);

impl Place {
    /// As [`Shaped::unknown`] has it.
    pub fn text(&self) -> String {
        render(&self.0)
    }

    /// Takes the value there out of the document.
    pub fn clear(&self, document: &mut Value) {
        let mut node = document;
        for step in &self.0 {
            let next = match step {
                Step::Key(key) => node.get_mut(key),
                Step::Index(index) => node.get_mut(index),
            };
            match next {
                Some(next) => node = next,
                None => return,
            }
        }
        *node = Value::Null;
    }
}

/// A document in the shape of its type.
pub(crate) struct Shaped {
    pub value: Value,
    /// Dotted paths of fields that the type does not have.
    pub unknown: Vec<String>,
}

/// Depth bound; deeper documents are refused before they get here, this guards recursive types.
const MAX_DEPTH: usize = 256;

/// Brings a document into the shape of a Go type.
pub(crate) fn shape(kind: GoKind, value: Value) -> Result<Shaped, Misfit> {
    run(kind, value, false)
}

/// The form a document comes back in from upstream's storage.
pub(crate) fn as_stored(kind: GoKind, value: Value) -> Value {
    let given = value.clone();
    run(kind, value, true).map_or(given, |shaped| shaped.value)
}

fn run(kind: GoKind, value: Value, stored: bool) -> Result<Shaped, Misfit> {
    let mut walk = Walk { unknown: Vec::new(), path: Vec::new(), fields: Vec::new(), structure: "", depth: 0, stored };
    let value = walk.structure(kind.shape(), value)?;
    Ok(Shaped { value, unknown: walk.unknown })
}

struct Walk {
    unknown: Vec<String>,
    /// For unknown fields: keys and indices.
    path: Vec<Step>,
    /// For type errors: field names only, as Go's decoder keeps them.
    fields: Vec<&'static str>,
    structure: &'static str,
    depth: usize,
    /// Upstream's storage does not tell an empty list from none.
    stored: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Step {
    Key(String),
    Index(usize),
}

fn render(path: &[Step]) -> String {
    let mut text = String::new();
    for step in path {
        match step {
            Step::Key(key) => {
                if !text.is_empty() {
                    text.push('.');
                }
                text.push_str(key);
            }
            Step::Index(index) => text.push_str(&format!("[{index}]")),
        }
    }
    text
}

impl Walk {
    fn structure(&mut self, shape: &'static Struct, value: Value) -> Result<Value, Misfit> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(self.misfit("exceeded max depth".into()));
        }
        let mut given = match value {
            Value::Object(map) => map,
            Value::Null => Map::new(),
            other => return Err(self.mismatch(&other, shape.go_name)),
        };
        let before = std::mem::replace(&mut self.structure, shape.name);
        let mut out = Map::new();
        for field in &shape.fields {
            let value = given.remove(field.name);
            self.field(field, value, &mut out)?;
        }
        for (key, _) in given {
            self.path.push(Step::Key(key));
            self.unknown.push(self.render_path());
            self.path.pop();
        }
        self.structure = before;
        self.depth -= 1;
        Ok(Value::Object(out))
    }

    fn field(
        &mut self,
        field: &'static Field,
        value: Option<Value>,
        out: &mut Map<String, Value>,
    ) -> Result<(), Misfit> {
        let result = match value {
            None => zero(&field.kind),
            Some(value) => {
                self.path.push(Step::Key(field.name.to_owned()));
                self.fields.push(field.name);
                let result = self.value(&field.kind, value)?;
                self.fields.pop();
                self.path.pop();
                result
            }
        };
        let gone = field.omit_empty && is_empty(&field.kind, &result) || field.omit_zero && is_zero(&result);
        if !gone {
            out.insert(field.name.to_owned(), result);
        }
        Ok(())
    }

    fn value(&mut self, kind: &'static Type, value: Value) -> Result<Value, Misfit> {
        match kind {
            Type::Struct(index) => self.structure(index.get(), value),
            Type::Pointer(_) if value.is_null() => Ok(Value::Null),
            Type::Pointer(inner) => self.value(inner, value),
            Type::Slice(inner) => self.slice(kind, inner, value),
            Type::Map(inner) => self.map(kind, inner, value),
            Type::SchemaOrBool if value.is_boolean() || value.is_null() => Ok(value),
            Type::SchemaOrBool | Type::SchemaOrArray if value.is_object() => {
                self.structure(facts::schema_shape(), value)
            }
            Type::SchemaOrStrings if value.is_object() => self.structure(facts::schema_shape(), value),
            Type::SchemaOrBool | Type::SchemaOrArray | Type::SchemaOrStrings => Ok(value),
            scalar => scalar::shape(scalar, value, |value, name| self.mismatch(value, name)).map_err(|mut misfit| {
                if misfit.1.0.is_empty() {
                    misfit.1 = Place(self.path.clone());
                }
                misfit
            }),
        }
    }

    fn slice(&mut self, kind: &'static Type, inner: &'static Type, value: Value) -> Result<Value, Misfit> {
        let items = match value {
            Value::Array(items) if items.is_empty() && self.stored => return Ok(Value::Null),
            Value::Array(items) => items,
            Value::Null => return Ok(Value::Null),
            other => return Err(self.mismatch(&other, &kind.go_name())),
        };
        let mut out = Vec::with_capacity(items.len());
        for (index, item) in items.into_iter().enumerate() {
            self.path.push(Step::Index(index));
            out.push(if item.is_null() { zero(inner) } else { self.value(inner, item)? });
            self.path.pop();
        }
        Ok(Value::Array(out))
    }

    fn map(&mut self, kind: &'static Type, inner: &'static Type, value: Value) -> Result<Value, Misfit> {
        let entries = match value {
            Value::Object(entries) if entries.is_empty() && self.stored => return Ok(Value::Null),
            Value::Object(entries) => entries,
            Value::Null => return Ok(Value::Null),
            other => return Err(self.mismatch(&other, &kind.go_name())),
        };
        let mut out = Map::new();
        for (key, item) in entries {
            self.path.push(Step::Key(key.clone()));
            let item = if item.is_null() { zero(inner) } else { self.value(inner, item)? };
            self.path.pop();
            out.insert(key, item);
        }
        Ok(Value::Object(out))
    }

    fn mismatch(&self, value: &Value, go_type: &str) -> Misfit {
        let given = match value {
            Value::Null => "null".to_owned(),
            Value::Bool(_) => "bool".to_owned(),
            Value::Number(number) => match go_type {
                "string" | "bool" | "[]uint8" => "number".to_owned(),
                name if name.starts_with("int") || name.starts_with("uint") || name.starts_with("float") => {
                    format!("number {number}")
                }
                _ => "number".to_owned(),
            },
            Value::String(_) => "string".to_owned(),
            Value::Array(_) => "array".to_owned(),
            Value::Object(_) => "object".to_owned(),
        };
        let place = if self.fields.is_empty() {
            format!("value of type {go_type}")
        } else {
            format!("struct field {}.{} of type {go_type}", self.structure, self.fields.join("."))
        };
        self.misfit(format!("json: cannot unmarshal {given} into Go {place}"))
    }

    fn misfit(&self, words: String) -> Misfit {
        Misfit(words, Place(self.path.clone()))
    }

    fn render_path(&self) -> String {
        render(&self.path)
    }
}

/// What Go's encoder writes for a field that was not given.
fn zero(kind: &'static Type) -> Value {
    match kind {
        Type::Struct(index) => {
            let mut out = Map::new();
            for field in &index.get().fields {
                let value = zero(&field.kind);
                if !(field.omit_empty && is_empty(&field.kind, &value) || field.omit_zero && is_zero(&value)) {
                    out.insert(field.name.to_owned(), value);
                }
            }
            Value::Object(out)
        }
        Type::String(_) => "".into(),
        Type::Bool => false.into(),
        Type::Integer { .. } | Type::IntOrString => 0.into(),
        Type::Float => 0.into(),
        Type::Quantity => "0".into(),
        Type::Duration => "0s".into(),
        _ => Value::Null,
    }
}

/// Go's `omitempty`.
fn is_empty(kind: &Type, value: &Value) -> bool {
    match kind {
        Type::Struct(_) | Type::Time { .. } | Type::Quantity | Type::IntOrString | Type::Duration | Type::Raw => false,
        Type::Pointer(_) => value.is_null(),
        _ => match value {
            Value::Null => true,
            Value::Bool(on) => !on,
            Value::Number(number) => number.as_f64() == Some(0.0),
            Value::String(text) => text.is_empty(),
            Value::Array(items) => items.is_empty(),
            Value::Object(map) => map.is_empty() && matches!(kind, Type::Map(_)),
        },
    }
}

/// Go's `omitzero` for the types that use it.
fn is_zero(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Object(map) => map.is_empty(),
        _ => false,
    }
}

#[cfg(test)]
mod tests;
