//! Reads an OpenAPI document given by `openapi.path`.

use std::collections::HashMap;

use serde_json::{Map, Value};

use super::{CustomType, Link, Schema, builtin_definition};
use crate::error::Error;

/// Definitions inside one another in one document, at most.
const MAX_DEPTH: usize = 100;

/// Reads a document, JSON or YAML, over the compiled facts, or with `bare` in their place.
pub(crate) fn parse(text: &str, bare: bool) -> Result<Schema, Error> {
    let value = match text.starts_with('{') {
        true => serde_json::from_str(text).map_err(|error| Error::Schema { reason: error.to_string() })?,
        false => flux_yaml::yaml_to_json(text)?,
    };
    let empty = Map::new();
    let definitions = value.get("definitions").and_then(Value::as_object).unwrap_or(&empty);
    let mut reader = Reader { definitions, schema: Schema { bare, ..Schema::default() }, named: HashMap::new() };
    for (name, definition) in definitions {
        let link = reader.named(name, 0)?;
        reader.schema.definitions.insert(name.clone(), link);
        let kinds = definition.get("x-kubernetes-group-version-kind").and_then(Value::as_array);
        for kind in kinds.into_iter().flatten() {
            if let Some(key) = type_meta(kind) {
                reader.schema.roots.insert(key, link);
            }
        }
    }
    reader.paths(value.get("paths"));
    Ok(reader.schema)
}

fn type_meta(kind: &Value) -> Option<(String, String)> {
    let text = |key| kind.get(key).and_then(Value::as_str);
    let version = text("version")?;
    let api_version = match text("group").filter(|group| !group.is_empty()) {
        Some(group) => format!("{group}/{version}"),
        None => version.to_owned(),
    };
    Some((api_version, text("kind")?.to_owned()))
}

struct Reader<'a> {
    definitions: &'a Map<String, Value>,
    schema: Schema,
    named: HashMap<String, Link>,
}

impl Reader<'_> {
    /// The definition of that name: this document's own, else a compiled one.
    fn named(&mut self, name: &str, depth: usize) -> Result<Link, Error> {
        if let Some(link) = self.named.get(name) {
            return Ok(*link);
        }
        let Some(definition) = self.definitions.get(name) else {
            let compiled = builtin_definition(name).filter(|_| !self.schema.bare);
            return Ok(compiled.map_or(Link::Builtin(0), Link::Builtin));
        };
        let link = self.reserve();
        self.named.insert(name.to_owned(), link);
        self.fill(link, definition, depth + 1)?;
        Ok(link)
    }

    fn reserve(&mut self) -> Link {
        self.schema.types.push(CustomType::default());
        Link::Custom(u32::try_from(self.schema.types.len() - 1).unwrap_or(u32::MAX))
    }

    fn fill(&mut self, link: Link, node: &Value, depth: usize) -> Result<(), Error> {
        let mut kind = CustomType::default();
        if let Some(fields) = node.get("properties").and_then(Value::as_object) {
            for (name, field) in fields {
                kind.fields.insert(name.clone(), self.any(field, depth)?);
            }
        }
        if let Some(values @ Value::Object(_)) = node.get("additionalProperties") {
            kind.values = Some(self.any(values, depth)?);
        }
        let is_array = match node.get("type") {
            Some(Value::String(kind)) => kind == "array",
            Some(Value::Array(kinds)) => kinds.len() == 1 && kinds[0] == "array",
            _ => false,
        };
        if let (true, Some(items @ Value::Object(_))) = (is_array, node.get("items")) {
            kind.items = Some(self.any(items, depth)?);
        }
        kind.merge = merge_keys(node);
        if let Link::Custom(place) = link {
            self.schema.types[place as usize] = kind;
        }
        Ok(())
    }

    fn any(&mut self, node: &Value, depth: usize) -> Result<Link, Error> {
        if depth > MAX_DEPTH {
            return Err(Error::Limit { what: "the depth of an OpenAPI document", limit: MAX_DEPTH as u64 });
        }
        if let Some(reference) = node.get("$ref").and_then(Value::as_str) {
            return self.named(reference.rsplit('/').next().unwrap_or_default(), depth);
        }
        let link = self.reserve();
        self.fill(link, node, depth + 1)?;
        Ok(link)
    }

    /// A kind whose GET path names no namespace has none.
    fn paths(&mut self, paths: Option<&Value>) {
        let mut namespaced = HashMap::new();
        for (path, methods) in paths.and_then(Value::as_object).into_iter().flatten() {
            let kind = methods.get("get").and_then(|get| get.get("x-kubernetes-group-version-kind"));
            if let Some(key) = kind.and_then(type_meta) {
                *namespaced.entry(key).or_insert(false) |= path.contains("namespaces/{namespace}");
            }
        }
        let without = namespaced.into_iter().filter(|(_, inside)| !inside).map(|(key, _)| key);
        self.schema.cluster_scoped.extend(without);
    }
}

fn merge_keys(node: &Value) -> Option<Vec<String>> {
    let strategy = node.get("x-kubernetes-patch-strategy").and_then(Value::as_str)?;
    if !strategy.split(',').any(|one| one == "merge") {
        return None;
    }
    if let Some(keys) = node.get("x-kubernetes-list-map-keys").and_then(Value::as_array) {
        return Some(keys.iter().filter_map(Value::as_str).map(str::to_owned).collect());
    }
    let key = node.get("x-kubernetes-patch-merge-key").and_then(Value::as_str);
    Some(key.map(str::to_owned).into_iter().collect())
}
