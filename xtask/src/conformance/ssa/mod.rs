//! Suite `ssa`: structured merge as upstream's own tables and recorded random programs have it.

mod converters;
mod paths;
mod programs;
mod values;

use std::collections::HashMap;
use std::fs;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context as _, Result};
use flux_merge::fieldpath::Set;
use flux_schema::{Schema, TypeRef, deduced};
use serde_json::Value;

use super::{Case, Inputs, Verdict};

/// The schemas of a corpus, by id.
type Schemas = Arc<HashMap<String, Arc<Schema>>>;

pub fn load(inputs: &Inputs) -> Result<Vec<Case>> {
    let schemas: Schemas = Arc::new(schemas(&inputs.fixture("schemas"))?);
    let mut cases = Vec::new();
    for (file, make) in [
        ("merge", programs::run as fn(&Value, &Schemas) -> Verdict),
        ("random", programs::run),
        ("typed", values::run),
        ("fieldpath", paths::run),
    ] {
        let path = inputs.dir.join(format!("{file}.jsonl"));
        if !path.exists() {
            continue;
        }
        let text = fs::read_to_string(&path).with_context(|| format!("read {}", path.display()))?;
        for (index, line) in text.lines().filter(|line| !line.trim().is_empty()).enumerate() {
            let row: Value = serde_json::from_str(line)?;
            let schemas = Arc::clone(&schemas);
            let name = format!("{file}/{}", name(&row, index));
            cases.push(Case::new(name, move || make(&row, &schemas)));
        }
    }
    Ok(cases)
}

/// Names repeat within a file; the line's number makes them unique.
fn name(row: &Value, index: usize) -> String {
    let text = |key: &str| row.get(key).and_then(Value::as_str).unwrap_or_default();
    let parts = [text("kind"), text("test"), text("name")];
    let words: Vec<&str> = parts.into_iter().filter(|part| !part.is_empty()).collect();
    format!("{}#{index}", words.join("/").replace(' ', "_"))
}

fn schemas(dir: &Path) -> Result<HashMap<String, Arc<Schema>>> {
    let mut schemas = HashMap::new();
    for entry in fs::read_dir(dir).with_context(|| format!("read {}", dir.display()))? {
        let path = entry?.path();
        let id = path.file_stem().context("schemas are files")?.to_string_lossy().into_owned();
        let document = document(&fs::read_to_string(&path)?).with_context(|| path.display().to_string())?;
        schemas.insert(id, Arc::new(Schema::from_smd(&document)?));
    }
    Ok(schemas)
}

/// YAML, most of it JSON.
fn document(text: &str) -> Result<Value> {
    if let Ok(value) = serde_json::from_str(text) {
        return Ok(value);
    }
    Ok(flux_yaml::yaml_to_json(text)?)
}

/// The type that a case names; without a schema the deduced one.
fn type_of(schemas: &Schemas, schema: Option<&str>, name: &str) -> Result<TypeRef, String> {
    let Some(id) = schema else { return Ok(deduced()) };
    let schema = schemas.get(id).ok_or_else(|| format!("no schema {id}"))?;
    schema.named(name).ok_or_else(|| format!("schema {id} has no type {name}"))
}

fn same_set(what: &str, wanted: &Value, got: &Set) -> Result<(), String> {
    let wanted = Set::from_value(wanted).map_err(|error| format!("{what}: {error}"))?;
    if wanted == *got {
        return Ok(());
    }
    Err(format!("{what}: expected {}, got {}", wanted.to_json(), got.to_json()))
}

fn same_value(what: &str, wanted: &Value, got: &Value) -> Result<(), String> {
    if flux_merge::value::equal(wanted, got) {
        return Ok(());
    }
    Err(format!("{what}: expected {wanted}, got {got}"))
}

fn verdict(outcome: Result<(), String>) -> Verdict {
    match outcome {
        Ok(()) => Verdict::Pass,
        Err(why) => Verdict::Fail(why),
    }
}
