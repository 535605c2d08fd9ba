//! Types from structured-merge-diff's own schema language.

use std::sync::Arc;

use serde_json::Value;

use super::builder::Builder;
use super::{Field, List, Map, Node, NodeId, Relationship, Scalar, Schema, SchemaError};

const MAX_DEPTH: usize = 256;

type Result<T> = std::result::Result<T, SchemaError>;

impl Schema {
    /// Reads a document with a list of named `types`, each any of `scalar`, `list` and `map`.
    pub fn from_smd(document: &Value) -> Result<Schema> {
        let mut builder = Builder::default();
        let types = document.get("types").and_then(Value::as_array);
        for definition in types.into_iter().flatten() {
            let name = definition.get("name").and_then(Value::as_str);
            let name = name.ok_or(SchemaError::Malformed { at: "types".into(), expected: "a name" })?;
            let id = builder.named_node(name);
            let content = builder.smd_atom(definition, name, 0)?;
            builder.fill(id, content);
        }
        Ok(builder.finish())
    }
}

impl Builder {
    fn smd_atom(&mut self, atom: &Value, at: &str, depth: usize) -> Result<Node> {
        if depth > MAX_DEPTH {
            return Err(SchemaError::TooDeep { at: at.to_owned(), limit: MAX_DEPTH });
        }
        let scalar = match atom.get("scalar").and_then(Value::as_str) {
            None => None,
            Some("numeric" | "number") => Some(Scalar::Number),
            Some("string") => Some(Scalar::String),
            Some("boolean") => Some(Scalar::Boolean),
            Some("untyped") => Some(Scalar::Any),
            Some(found) => return Err(SchemaError::UnknownType { at: at.to_owned(), found: found.to_owned() }),
        };
        let list = atom.get("list").map(|list| self.smd_list(list, at, depth)).transpose()?;
        let map = atom.get("map").map(|map| self.smd_map(map, at, depth)).transpose()?;
        Ok(Node { scalar, list, map, ..Node::default() })
    }

    fn smd_list(&mut self, list: &Value, at: &str, depth: usize) -> Result<List> {
        let element = match list.get("elementType") {
            Some(element) => self.smd_reference(element, at, depth)?,
            None => self.inlined(Node::default()),
        };
        let relationship = relationship(list)?.unwrap_or(Relationship::Separable);
        let keys = list.get("keys").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
        let keys: Arc<[Arc<str>]> = self.intern_all(keys);
        Ok(List { element, relationship, keys })
    }

    fn smd_map(&mut self, map: &Value, at: &str, depth: usize) -> Result<Map> {
        let mut fields = Vec::new();
        for field in map.get("fields").and_then(Value::as_array).into_iter().flatten() {
            let name = field.get("name").and_then(Value::as_str);
            let name = name.ok_or(SchemaError::Malformed { at: at.to_owned(), expected: "a field name" })?;
            let node = match field.get("type") {
                Some(reference) => self.smd_reference(reference, at, depth)?,
                None => self.inlined(Node::default()),
            };
            let default = field.get("default").filter(|value| !value.is_null()).cloned().map(Box::new);
            fields.push(Field { name: self.intern(name), node, default, required: false, patch: None });
        }
        let element = map.get("elementType").map(|element| self.smd_reference(element, at, depth)).transpose()?;
        let relationship = relationship(map)?.unwrap_or(Relationship::Separable);
        Ok(Self::map(fields, element, relationship))
    }

    fn smd_reference(&mut self, reference: &Value, at: &str, depth: usize) -> Result<NodeId> {
        match reference.get("namedType").and_then(Value::as_str) {
            Some(name) => Ok(match relationship(reference)? {
                Some(relationship) => self.overridden_node(name, relationship),
                None => self.named_node(name),
            }),
            None => {
                let mut content = self.smd_atom(reference, at, depth + 1)?;
                if let Some(relationship) = relationship(reference)? {
                    content.set_relationship(relationship);
                }
                Ok(self.inlined(content))
            }
        }
    }
}

fn relationship(container: &Value) -> Result<Option<Relationship>> {
    match container.get("elementRelationship").and_then(Value::as_str) {
        None | Some("") => Ok(None),
        Some("atomic") => Ok(Some(Relationship::Atomic)),
        Some("associative") => Ok(Some(Relationship::Associative)),
        Some("separable" | "granular") => Ok(Some(Relationship::Separable)),
        Some(found) => Err(SchemaError::UnknownMapType { at: "elementRelationship".into(), found: found.to_owned() }),
    }
}
