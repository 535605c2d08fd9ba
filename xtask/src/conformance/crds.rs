//! Suite `crds`: our definitions against upstream's, field by field and as a whole.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context as _, Result};
use serde_json::{Map, Value, json};

use super::{Case, Inputs, Verdict};

type Rows = BTreeMap<(String, String), Value>;

pub fn load(inputs: &Inputs) -> Result<Vec<Case>> {
    let definitions = flux_api::base_crds()?;
    let ours: Arc<Rows> = Arc::new(definitions.iter().flat_map(rows).collect());
    let mut cases = Vec::new();
    let fields = inputs.fixture("fields.jsonl");
    if fields.exists() {
        let text = fs::read_to_string(&fields).with_context(|| format!("read {}", fields.display()))?;
        for line in text.lines().filter(|line| !line.trim().is_empty()) {
            let row: Value = serde_json::from_str(line)?;
            let ours = Arc::clone(&ours);
            let key = key(&row);
            cases.push(Case::new(format!("{}/{}", key.0, key.1), move || match ours.get(&key) {
                // The rows leave some markers out, which the comparison of the whole looks at.
                Some(own) => first_difference(&row, own),
                None => Verdict::Fail("we have no such field".into()),
            }));
        }
    }
    for path in yaml_files(&inputs.dir)? {
        let text = fs::read_to_string(&path)?;
        let mut theirs = flux_yaml::yaml_to_json(&text).with_context(|| format!("read {}", path.display()))?;
        strip_descriptions(&mut theirs);
        let kind = theirs["spec"]["names"]["kind"].as_str().unwrap_or_default().to_owned();
        let own = definitions.iter().find(|definition| definition["spec"]["names"]["kind"] == kind).cloned();
        cases.push(Case::new(format!("{kind}/#whole"), move || match &own {
            None => Verdict::Fail("we have no such kind".into()),
            Some(own) => {
                let mut own = own.clone();
                strip_descriptions(&mut own);
                same(&mut Vec::new(), &theirs, &own)
            }
        }));
    }
    Ok(cases)
}

fn first_difference(row: &Value, own: &Value) -> Verdict {
    let mut members = row.as_object().into_iter().flatten();
    match members.find(|(name, value)| own.get(name.as_str()) != Some(value)) {
        Some((name, value)) => Verdict::Fail(format!("{name}: expected {value}, got {}", own[name.as_str()])),
        None => Verdict::Pass,
    }
}

fn yaml_files(folder: &Path) -> Result<Vec<std::path::PathBuf>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            found.extend(yaml_files(&path)?);
        } else if path.extension().is_some_and(|extension| extension == "yaml") {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

fn key(row: &Value) -> (String, String) {
    let text = |name: &str| row[name].as_str().unwrap_or_default().to_owned();
    (text("kind"), text("path"))
}

/// The rows of a definition in the form of `fields.jsonl`.
fn rows(definition: &Value) -> Vec<((String, String), Value)> {
    let names = &definition["spec"]["names"];
    let kind = names["kind"].as_str().unwrap_or_default();
    let mut found = Vec::new();
    for version in definition["spec"]["versions"].as_array().into_iter().flatten() {
        let schema = &version["schema"]["openAPIV3Schema"];
        let root = json!({ "kind": kind, "version": version["name"] });
        for top in ["spec", "status"] {
            if let Some(property) = schema["properties"].get(top) {
                walk(&root, top, property, false, &mut found);
            }
        }
        let mut printer = root.clone();
        printer["path"] = json!("#printer");
        printer["columns"] = version["additionalPrinterColumns"].clone();
        printer["subresources"] = version.get("subresources").cloned().unwrap_or_else(|| json!({}));
        printer["names"] = names.clone();
        found.push((key(&printer), printer));
    }
    found
}

fn walk(root: &Value, path: &str, schema: &Value, required: bool, found: &mut Vec<((String, String), Value)>) {
    let mut row = root.clone();
    row["path"] = json!(path);
    for (name, value) in schema.as_object().into_iter().flatten() {
        if !matches!(name.as_str(), "description" | "properties" | "items" | "additionalProperties" | "required") {
            row[name.as_str()] = value.clone();
        }
    }
    if required {
        row["required"] = json!(true);
    }
    found.push((key(&row), row));
    let needed =
        |name: &str| schema["required"].as_array().is_some_and(|names| names.iter().any(|known| known == name));
    for (name, property) in schema["properties"].as_object().into_iter().flatten() {
        walk(root, &format!("{path}.{name}"), property, needed(name), found);
    }
    if let Some(items) = schema.get("items") {
        walk(root, &format!("{path}[]"), items, false, found);
    }
    if let Some(values) = schema.get("additionalProperties").filter(|values| values.is_object()) {
        walk(root, &format!("{path}{{}}"), values, false, found);
    }
}

/// Descriptions of schemas are each project's own words; a property called `description` is none.
fn strip_descriptions(value: &mut Value) {
    let of_schema = |members: &Map<String, Value>| {
        ["type", "properties", "x-kubernetes-preserve-unknown-fields"].iter().any(|name| members.contains_key(*name))
    };
    match value {
        Value::Object(members) => {
            if of_schema(members) && members.get("description").is_some_and(Value::is_string) {
                members.remove("description");
            }
            members.values_mut().for_each(strip_descriptions);
        }
        Value::Array(items) => items.iter_mut().for_each(strip_descriptions),
        _ => {}
    }
}

/// The first place that differs.
fn same(path: &mut Vec<String>, theirs: &Value, ours: &Value) -> Verdict {
    match (theirs, ours) {
        (a, b) if a == b => Verdict::Pass,
        (Value::Object(a), Value::Object(b)) => {
            let names: std::collections::BTreeSet<&String> = a.keys().chain(b.keys()).collect();
            for name in names {
                let (Some(x), Some(y)) = (a.get(name), b.get(name)) else {
                    return Verdict::Fail(format!("{}.{name} is on one side only", path.join(".")));
                };
                path.push(name.clone());
                let verdict = same(path, x, y);
                path.pop();
                if !matches!(verdict, Verdict::Pass) {
                    return verdict;
                }
            }
            Verdict::Pass
        }
        (a, b) => Verdict::Fail(format!("{}: expected {a}, got {b}", path.join("."))),
    }
}
