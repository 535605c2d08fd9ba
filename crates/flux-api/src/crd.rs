//! The CustomResourceDefinitions: structure as data, descriptions from their own table.
//!
//! `crds/structure.jsonl` holds types, defaults, enums, rules, printer columns and names, equal to
//! upstream's field by field. `crds/descriptions.tsv` holds one text per field. Both are joined
//! here; `crds/*.yaml` is the printed result for people and is checked against it.

use std::collections::HashMap;

use serde_json::{Map, Value, json};

const STRUCTURE: &str = include_str!("../crds/structure.jsonl");
const DESCRIPTIONS: &str = include_str!("../crds/descriptions.tsv");

/// The group whose dropped version is still served.
const IMAGE_GROUP: &str = "image.toolkit.fluxcd.io";
const IMAGE_OLD_VERSION: &str = "v1beta2";

/// Why the embedded definitions cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum CrdError {
    /// The embedded text is damaged.
    #[error("embedded definition {number} cannot be read")]
    Damaged {
        /// Counted from 1.
        number: usize,
        /// What the parser says.
        #[source]
        source: serde_json::Error,
    },
}

/// The definitions of all kinds, sources first, with the old versions that are still served.
pub fn crds() -> Result<Vec<Value>, CrdError> {
    let mut definitions = base_crds()?;
    for definition in &mut definitions {
        serve_old_version(definition);
    }
    Ok(definitions)
}

/// The definition of one kind, as in [`crds`]; `None` for a kind that is not Flux's.
pub fn crd(kind: &str) -> Result<Option<Value>, CrdError> {
    Ok(crds()?.into_iter().find(|definition| definition["spec"]["names"]["kind"] == kind))
}

/// The definitions with the versions of upstream only.
pub fn base_crds() -> Result<Vec<Value>, CrdError> {
    let descriptions = Descriptions::read();
    let lines = STRUCTURE.lines().filter(|line| !line.is_empty()).enumerate();
    lines
        .map(|(index, line)| {
            let mut definition: Value =
                serde_json::from_str(line).map_err(|source| CrdError::Damaged { number: index + 1, source })?;
            descriptions.apply(&mut definition);
            Ok(definition)
        })
        .collect()
}

/// [`crds`] as one YAML stream.
pub fn crds_yaml() -> Result<String, CrdError> {
    Ok(crds()?.iter().map(|definition| format!("---\n{}", flux_yaml::emit_v2(definition))).collect())
}

/// Adds the version that upstream dropped last; its fields are those of the stored one, so that
/// conversion is a change of `apiVersion` alone.
fn serve_old_version(definition: &mut Value) {
    if definition["spec"]["group"] != IMAGE_GROUP {
        return;
    }
    let kind = definition["spec"]["names"]["kind"].as_str().unwrap_or_default().to_owned();
    let Some(versions) = definition["spec"]["versions"].as_array_mut() else { return };
    let Some(mut old) = versions.first().cloned() else { return };
    old["name"] = json!(IMAGE_OLD_VERSION);
    old["storage"] = json!(false);
    old["deprecated"] = json!(true);
    old["deprecationWarning"] = json!(format!("{IMAGE_OLD_VERSION} {kind} is deprecated, upgrade to v1"));
    versions.push(old);
}

struct Descriptions(HashMap<&'static str, &'static str>);

impl Descriptions {
    fn read() -> Self {
        let lines = DESCRIPTIONS.lines().filter(|line| !line.starts_with('#'));
        Self(lines.filter_map(|line| line.split_once('\t')).collect())
    }

    fn apply(&self, definition: &mut Value) {
        let kind = definition["spec"]["names"]["kind"].as_str().unwrap_or_default().to_owned();
        for version in definition["spec"]["versions"].as_array_mut().into_iter().flatten() {
            let schema = &mut version["schema"]["openAPIV3Schema"];
            if let Some(text) = self.0.get(format!("kind {kind}").as_str()) {
                schema["description"] = json!(text);
            }
            self.describe_properties(&kind, &mut Vec::new(), schema);
        }
    }

    fn describe_properties(&self, kind: &str, path: &mut Vec<String>, schema: &mut Value) {
        for (name, property) in schema["properties"].as_object_mut().into_iter().flatten() {
            path.push(name.clone());
            if let (Some(text), Some(property)) = (self.find(kind, path), property.as_object_mut()) {
                property.insert("description".into(), json!(text));
            }
            self.describe_inside(kind, path, property);
            path.pop();
        }
    }

    fn describe_inside(&self, kind: &str, path: &mut Vec<String>, schema: &mut Value) {
        let Some(members) = schema.as_object_mut() else { return };
        if members.contains_key("properties") {
            self.describe_properties(kind, path, schema);
            return;
        }
        for member in ["items", "additionalProperties"] {
            if let Some(inner) = schema.get_mut(member) {
                self.describe_inside(kind, path, inner);
            }
        }
    }

    /// The text of the longest key that fits: the whole path of the kind, or its last parts.
    fn find(&self, kind: &str, path: &[String]) -> Option<&'static str> {
        let whole = format!("{kind}:{}", path.join("."));
        let ends = (path.len().saturating_sub(3)..path.len()).map(|start| path[start..].join("."));
        std::iter::once(whole).chain(ends).find_map(|key| self.0.get(key.as_str()).copied())
    }
}

/// Every field of a definition's version that has no description, as `Kind:path`.
pub fn undescribed(definition: &Value) -> Vec<String> {
    let kind = definition["spec"]["names"]["kind"].as_str().unwrap_or_default();
    let mut found = Vec::new();
    for version in definition["spec"]["versions"].as_array().into_iter().flatten() {
        collect_undescribed(&version["schema"]["openAPIV3Schema"], &mut kind.to_owned(), &mut found);
    }
    found
}

fn collect_undescribed(schema: &Value, path: &mut String, found: &mut Vec<String>) {
    let empty = Map::new();
    for (name, property) in schema["properties"].as_object().unwrap_or(&empty) {
        let length = path.len();
        path.push('.');
        path.push_str(name);
        if name != "metadata" && !property["description"].is_string() {
            found.push(path.clone());
        }
        collect_undescribed(property, path, found);
        path.truncate(length);
    }
    for member in ["items", "additionalProperties"] {
        if let Some(inner) = schema.get(member) {
            collect_undescribed(inner, path, found);
        }
    }
}

#[cfg(test)]
mod tests;
