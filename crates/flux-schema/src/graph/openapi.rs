//! Types from OpenAPI v3 documents and from the structural schemas of CustomResourceDefinitions.
//!
//! Follows the conversion that kube-apiserver uses for server-side apply: a type without `type` accepts
//! anything, an object without properties is deduced, lists are atomic unless they say otherwise.

use std::sync::Arc;

use serde_json::{Map as Object, Value};

use super::builder::Builder;
use super::{
    DEDUCED, Field, List, Map, Node, NodeId, PatchMeta, Relationship, Scalar, Schema, SchemaError, TypeRef,
    UNTYPED_ATOMIC,
};

/// Structural schemas nest; documents beyond this are hostile.
const MAX_DEPTH: usize = 256;
const QUANTITY: &str = "io.k8s.apimachinery.pkg.api.resource.Quantity";
const RAW_EXTENSION: &str = "io.k8s.apimachinery.pkg.runtime.RawExtension";
const OBJECT_META: &str = "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta";
/// The name of a custom resource's own type.
const ROOT: &str = "custom resource";

type Result<T> = std::result::Result<T, SchemaError>;

impl Schema {
    /// Reads every definition below `components.schemas`.
    pub fn from_openapi_v3(document: &Value) -> Result<Schema> {
        let mut builder = Builder::default();
        let definitions = document.pointer("/components/schemas").and_then(Value::as_object);
        for (name, schema) in definitions.into_iter().flatten() {
            builder.define_openapi(name, schema)?;
        }
        Ok(builder.finish())
    }

    /// The type of a custom resource whose version has this `openAPIV3Schema`. As kube-apiserver publishes
    /// it: `metadata` is the standard one, and so are those of embedded resources.
    pub fn from_structural(schema: &Value) -> Result<TypeRef> {
        let mut builder = Builder::default();
        builder.copy_builtin(OBJECT_META);
        let root = builder.named_node(ROOT);
        let mut at = Position { structural: true, preserve: false, depth: 0, path: ROOT.to_owned() };
        let mut content = builder.content(schema, &mut at)?;
        if let Some(map) = &mut content.map {
            builder.add_object_meta(map);
        }
        builder.fill(root, content);
        let schema = Arc::new(builder.finish());
        Ok(schema.named(ROOT).expect("filled above"))
    }
}

/// Where the conversion stands.
#[derive(Clone)]
struct Position {
    /// Inside a custom resource's schema, where embedded resources get the standard metadata.
    structural: bool,
    /// Below `x-kubernetes-preserve-unknown-fields`.
    preserve: bool,
    depth: usize,
    path: String,
}

impl Position {
    fn below(&self, step: &str) -> Result<Self> {
        if self.depth >= MAX_DEPTH {
            return Err(SchemaError::TooDeep { at: self.path.clone(), limit: MAX_DEPTH });
        }
        let path = format!("{}.{step}", self.path);
        Ok(Self { structural: self.structural, preserve: self.preserve, depth: self.depth + 1, path })
    }
}

impl Builder {
    /// Adds a definition of an OpenAPI document.
    pub fn define_openapi(&mut self, name: &str, schema: &Value) -> Result<()> {
        let id = self.named_node(name);
        let content = match name {
            QUANTITY => Node { scalar: Some(Scalar::Quantity), ..Node::default() },
            RAW_EXTENSION => {
                let atomic = self.named_node(UNTYPED_ATOMIC);
                self.anything(atomic, atomic, Relationship::Atomic)
            }
            _ => {
                let mut at = Position { structural: false, preserve: false, depth: 0, path: name.to_owned() };
                self.content(schema, &mut at)?
            }
        };
        self.fill(id, content);
        for row in schema.get("x-kubernetes-group-version-kind").and_then(Value::as_array).into_iter().flatten() {
            let text = |key: &str| row.get(key).and_then(Value::as_str).unwrap_or_default();
            self.kind(text("group"), text("version"), text("kind"), id);
        }
        Ok(())
    }

    fn content(&mut self, schema: &Value, at: &mut Position) -> Result<Node> {
        if schema.get("x-kubernetes-preserve-unknown-fields") == Some(&Value::Bool(true)) {
            at.preserve = true;
        }
        let format = schema.get("format").and_then(Value::as_str).unwrap_or_default();
        let scalar = match schema.get("type").and_then(Value::as_str).unwrap_or_default() {
            "" => {
                let free = if is_int_or_string(schema, format) { Scalar::IntOrString } else { Scalar::Any };
                let (list, map) = (self.list(schema, at)?, self.object(schema, at)?);
                return Ok(Node { scalar: Some(free), list: Some(list), map: Some(map), ..Node::default() });
            }
            "object" => return Ok(Node { map: Some(self.object(schema, at)?), ..Node::default() }),
            "array" => return Ok(Node { list: Some(self.list(schema, at)?), ..Node::default() }),
            "boolean" => Scalar::Boolean,
            "number" => Scalar::Number,
            "integer" => match format {
                "int32" => Scalar::Int32,
                "int64" => Scalar::Int64,
                _ => Scalar::Integer,
            },
            "string" => match format {
                "" => Scalar::String,
                "byte" => Scalar::Bytes,
                "date-time" => Scalar::DateTime,
                "int-or-string" => Scalar::IntOrString,
                _ => Scalar::Formatted,
            },
            found => return Err(SchemaError::UnknownType { at: at.path.clone(), found: found.to_owned() }),
        };
        let allowed = schema.get("enum").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
        let enumeration = self.intern_all(allowed);
        Ok(Node { scalar: Some(scalar), enumeration, ..Node::default() })
    }

    /// A type in use: a reference (alone, or as the only member of `allOf`) or an inlined type.
    fn reference(&mut self, schema: &Value, at: &Position, step: &str) -> Result<NodeId> {
        if let Some(name) = reference_name(schema) {
            return Ok(match map_relationship(schema, at)? {
                Some(relationship) => self.overridden_node(name, relationship),
                None => self.named_node(name),
            });
        }
        let mut below = at.below(step)?;
        let content = self.content(schema, &mut below)?;
        Ok(self.inlined(content))
    }

    fn object(&mut self, schema: &Value, at: &Position) -> Result<Map> {
        let empty = Object::new();
        let properties = schema.get("properties").and_then(Value::as_object).unwrap_or(&empty);
        let required = schema.get("required").and_then(Value::as_array);
        let is_required = |name: &str| required.is_some_and(|all| all.iter().any(|one| one == name));
        let mut fields = Vec::with_capacity(properties.len());
        for (name, member) in properties {
            fields.push(Field {
                name: self.intern(name),
                node: self.reference(member, at, name)?,
                default: member.get("default").filter(|value| !value.is_null()).cloned().map(Box::new),
                required: is_required(name),
                patch: self.patch_meta(member).map(Box::new),
            });
        }
        let element = match schema.get("additionalProperties") {
            None if at.preserve || properties.is_empty() => Some(self.named_node(DEDUCED)),
            None | Some(Value::Bool(false)) => None,
            Some(Value::Bool(true)) => Some(self.named_node(DEDUCED)),
            Some(member) => Some(self.reference(member, at, "*")?),
        };
        let relationship = map_relationship(schema, at)?.unwrap_or(Relationship::Separable);
        let mut map = Self::map(fields, element, relationship);
        if at.structural && schema.get("x-kubernetes-embedded-resource") == Some(&Value::Bool(true)) {
            self.add_object_meta(&mut map);
        }
        Ok(map)
    }

    fn list(&mut self, schema: &Value, at: &Position) -> Result<List> {
        let element = match schema.get("items") {
            Some(items) => self.reference(items, at, "[]")?,
            None => self.named_node(UNTYPED_ATOMIC),
        };
        let (relationship, keys) = self.list_relationship(schema, at)?;
        Ok(List { element, relationship, keys })
    }

    fn list_relationship(&mut self, schema: &Value, at: &Position) -> Result<(Relationship, Arc<[Arc<str>]>)> {
        let none = self.intern_all([]);
        let text = |key: &str| schema.get(key).and_then(Value::as_str);
        match text("x-kubernetes-list-type") {
            Some("atomic") => return Ok((Relationship::Atomic, none)),
            Some("set") => return Ok((Relationship::Associative, none)),
            Some("map") => {
                let keys = schema.get("x-kubernetes-list-map-keys").and_then(Value::as_array);
                let keys = keys.ok_or_else(|| SchemaError::MissingMapKeys { at: at.path.clone() })?;
                let keys = self.intern_all(keys.iter().filter_map(Value::as_str));
                return Ok((Relationship::Associative, keys));
            }
            Some(found) => return Err(SchemaError::UnknownListType { at: at.path.clone(), found: found.into() }),
            None => {}
        }
        match text("x-kubernetes-patch-strategy") {
            Some("merge" | "merge,retainKeys") => {
                let keys = self.intern_all(text("x-kubernetes-patch-merge-key"));
                Ok((Relationship::Associative, keys))
            }
            Some("retainKeys" | "replace") | None => Ok((Relationship::Atomic, none)),
            Some(found) => Err(SchemaError::UnknownPatchStrategy { at: at.path.clone(), found: found.into() }),
        }
    }

    fn patch_meta(&mut self, schema: &Value) -> Option<PatchMeta> {
        let text = |key: &str| schema.get(key).and_then(Value::as_str);
        let strategies = text("x-kubernetes-patch-strategy").unwrap_or_default();
        let merge_key = text("x-kubernetes-patch-merge-key").map(|key| self.intern(key));
        let has = |wanted: &str| strategies.split(',').any(|one| one == wanted);
        let meta =
            PatchMeta { merge: has("merge"), replace: has("replace"), retain_keys: has("retainKeys"), merge_key };
        (meta != PatchMeta::default()).then_some(meta)
    }

    /// Replaces `metadata` by the standard one and adds `apiVersion` and `kind`.
    fn add_object_meta(&mut self, map: &mut Map) {
        let text = self.inlined(Node { scalar: Some(Scalar::String), ..Node::default() });
        let meta = self.named_node(OBJECT_META);
        let mut fields: Vec<Field> = map.fields.to_vec();
        fields.retain(|field| !matches!(&*field.name, "metadata" | "apiVersion" | "kind"));
        for (name, node) in [("metadata", meta), ("apiVersion", text), ("kind", text)] {
            fields.push(Field { name: self.intern(name), node, default: None, required: false, patch: None });
        }
        *map = Self::map(fields, map.element, map.relationship);
    }

    /// Copies a built-in type and all that it refers to.
    fn copy_builtin(&mut self, name: &str) {
        let source = crate::builtin();
        let Some(root) = source.named(name) else { return };
        let mut waiting = vec![(root.id(), self.named_node(name))];
        let mut done = std::collections::HashMap::from([(root.id(), waiting[0].1)]);
        while let Some((from, to)) = waiting.pop() {
            let mut content = source.node(from).clone();
            let mut target = |id: NodeId, builder: &mut Self| match done.get(&id) {
                Some(known) => *known,
                None => {
                    let new = match &source.node(id).name {
                        Some(name) => builder.named_node(name),
                        None => builder.push(Node::default()),
                    };
                    done.insert(id, new);
                    // The common types are there already and are the same everywhere.
                    if !matches!(source.node(id).name.as_deref(), Some(DEDUCED | UNTYPED_ATOMIC)) {
                        waiting.push((id, new));
                    }
                    new
                }
            };
            if let Some(list) = &mut content.list {
                list.element = target(list.element, self);
            }
            if let Some(map) = &mut content.map {
                map.element = map.element.map(|element| target(element, self));
                let fields = map.fields.iter().map(|field| Field { node: target(field.node, self), ..field.clone() });
                map.fields = fields.collect();
            }
            self.fill(to, content);
        }
    }
}

fn is_int_or_string(schema: &Value, format: &str) -> bool {
    format == "int-or-string" || schema.get("x-kubernetes-int-or-string") == Some(&Value::Bool(true))
}

fn reference_name(schema: &Value) -> Option<&str> {
    let own = schema.get("$ref").and_then(Value::as_str);
    let text = own.or_else(|| match schema.get("allOf").and_then(Value::as_array).map(Vec::as_slice) {
        Some([only]) => only.get("$ref").and_then(Value::as_str),
        _ => None,
    })?;
    text.rsplit('/').next().filter(|name| !name.is_empty())
}

fn map_relationship(schema: &Value, at: &Position) -> Result<Option<Relationship>> {
    match schema.get("x-kubernetes-map-type").and_then(Value::as_str) {
        None => Ok(None),
        Some("atomic") => Ok(Some(Relationship::Atomic)),
        Some("granular") => Ok(Some(Relationship::Separable)),
        Some(found) => Err(SchemaError::UnknownMapType { at: at.path.clone(), found: found.to_owned() }),
    }
}
