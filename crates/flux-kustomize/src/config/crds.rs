//! Rules from `crds`: OpenAPI definitions whose extensions say what a field is.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::{Config, FieldSpec, NameReference, merge_one, spec};
use crate::error::Error;
use crate::id::GvkRef;

/// References inside one another, at most: a definition may name itself.
const MAX_DEPTH: usize = 64;

/// Rules at most from one file: definitions that name each other multiply.
const MAX_RULES: usize = 100_000;

/// Reads one file of definitions.
pub(crate) fn from_crds(text: &str, path: &str) -> Result<Config, Error> {
    let parsed = match text.starts_with('{') {
        true => serde_json::from_str(text).map_err(|error| error.to_string()),
        false => flux_yaml::yaml_to_json(text).map_err(|error| format!("error converting YAML to JSON: {error}")),
    };
    let fail =
        |reason| Error::Config { reason: format!("unable to parse open API definition from '{path}': {reason}") };
    let value = parsed.map_err(fail)?;
    let types: BTreeMap<&str, &Map<String, Value>> = value
        .as_object()
        .into_iter()
        .flatten()
        .filter_map(|(name, api)| {
            let schema = get(api, "Schema")?;
            Some((name.as_str(), get(schema, "properties")?.as_object()?))
        })
        .collect();
    let mut config = Config::default();
    for (name, properties) in &types {
        if ["kind", "apiVersion", "metadata"].iter().all(|field| properties.contains_key(*field)) {
            let kind = name.rsplit('.').next().unwrap_or_default();
            let mut walk = Walk { config: &mut config, types: &types, kind, left: MAX_RULES };
            walk.definition(name, &mut Vec::new())?;
        }
    }
    Ok(config)
}

fn get<'a>(value: &'a Value, name: &str) -> Option<&'a Value> {
    value.as_object()?.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value)
}

struct Walk<'a> {
    config: &'a mut Config,
    types: &'a BTreeMap<&'a str, &'a Map<String, Value>>,
    kind: &'a str,
    left: usize,
}

impl<'a> Walk<'a> {
    fn definition(&mut self, name: &str, path: &mut Vec<&'a str>) -> Result<(), Error> {
        let Some(properties) = self.types.get(name).copied() else { return Ok(()) };
        if path.len() > MAX_DEPTH {
            return Err(Error::Limit { what: "the depth of CRD definitions", limit: MAX_DEPTH as u64 });
        }
        for (field, property) in properties {
            self.left = self
                .left
                .checked_sub(1)
                .ok_or(Error::Limit { what: "the number of fields in CRD definitions", limit: MAX_RULES as u64 })?;
            path.push(field);
            self.property(property, path)?;
            path.pop();
        }
        Ok(())
    }

    fn property(&mut self, property: &Value, path: &mut Vec<&'a str>) -> Result<(), Error> {
        let text = |name: &str| property.get(name).and_then(Value::as_str);
        let spec =
            |path: &[&str], kind| FieldSpec::new(GvkRef { group: "", version: "", kind }, &path.join("/"), false);
        if text("x-kubernetes-annotation").is_some() {
            merge_one(&mut self.config.common_annotations, &spec(path, self.kind))?;
        }
        if text("x-kubernetes-label-selector").is_some() {
            merge_one(&mut self.config.common_labels, &spec(path, self.kind))?;
        }
        if text("x-kubernetes-identity").is_some() {
            merge_one(&mut self.config.name_prefix, &spec(path, self.kind))?;
        }
        let version = text("x-kubernetes-object-ref-api-version");
        if let (Some(version), Some(kind)) = (version, text("x-kubernetes-object-ref-kind")) {
            let key = text("x-kubernetes-object-ref-name-key").unwrap_or("name");
            let mut path: Vec<&str> = path.clone();
            path.push(key);
            let reference = NameReference::new("", version, kind, vec![spec(&path, self.kind)]);
            self.config.name_reference = spec::merge_references(&self.config.name_reference, &[reference])?;
        }
        match text("$ref") {
            Some(reference) => self.definition(reference, path),
            None => Ok(()),
        }
    }
}
