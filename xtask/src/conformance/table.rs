//! Rows of upstream's table tests: what `cases/AREA` folders hold.

use std::fs;

use anyhow::{Context as _, Result};
use serde_json::Value;

use super::{Case, Inputs, Verdict};

/// One row.
pub struct Row {
    /// The Go file, such as `merge_test.go`.
    pub file: String,
    /// The Go test, such as `TestSummary`.
    pub test: String,
    /// Every field is plain data.
    pub complete: bool,
    pub fields: Value,
}

/// Makes a case of each row; `judge` decides.
pub fn load(inputs: &Inputs, judge: fn(&Row) -> Verdict) -> Result<Vec<Case>> {
    let path = inputs.dir.join("cases.jsonl");
    let text = fs::read_to_string(&path).with_context(|| format!("read {}", path.display()))?;
    let row = |line: &str| -> Result<Case> {
        let row: Value = serde_json::from_str(line)?;
        let id = row["id"].as_str().context("a case has an id")?.to_owned();
        let part = |back| id.split('/').rev().nth(back).unwrap_or_default().to_owned();
        let row = Row {
            file: part(2),
            test: part(1),
            complete: row["complete"].as_bool().unwrap_or(false),
            fields: row["case"].clone(),
        };
        Ok(Case::new(id, move || judge(&row)))
    };
    text.lines().filter(|line| !line.trim().is_empty()).map(row).collect()
}

impl Row {
    /// The verdict for a row with a run-time value or a function in it, or a call that is none of `constructors`.
    pub fn marked(&self, constructors: &[&str]) -> Option<Verdict> {
        let found = if self.complete { None } else { marker(&self.fields, constructors) };
        found.map(|name| Verdict::Skip(format!("run-time value {name}")))
    }

    pub fn text(&self, field: &str) -> &str {
        self.fields[field].as_str().unwrap_or_default()
    }

    pub fn flag(&self, field: &str) -> bool {
        self.fields[field].as_bool().unwrap_or(false)
    }

    pub fn list(&self, field: &str) -> &[Value] {
        list(&self.fields[field])
    }

    pub fn texts(&self, field: &str) -> Vec<String> {
        texts(&self.fields[field])
    }

    /// Judges an outcome by `errMsg`-like text: none must be there when it is empty, else the error must hold it.
    pub fn expect_error<T>(&self, field: &str, outcome: &Result<T, String>) -> Option<Verdict> {
        let expected = match &self.fields[field] {
            Value::String(text) => text.clone(),
            error => error["$error"].as_str().unwrap_or_default().to_owned(),
        };
        match (expected.as_str(), outcome) {
            ("", Ok(_)) => None,
            ("", Err(error)) => Some(Verdict::Fail(format!("unexpected error: {error}"))),
            (expected, Ok(_)) => Some(Verdict::Fail(format!("expected the error {expected:?}"))),
            (expected, Err(error)) if error.contains(expected) => Some(Verdict::Pass),
            (expected, Err(error)) => Some(Verdict::Fail(format!("expected {expected:?} in {error:?}"))),
        }
    }
}

pub fn list(value: &Value) -> &[Value] {
    value.as_array().map(Vec::as_slice).unwrap_or_default()
}

pub fn texts(value: &Value) -> Vec<String> {
    list(value).iter().filter_map(|text| text.as_str().map(str::to_owned)).collect()
}

/// The name and arguments of a call.
pub fn call(value: &Value) -> Option<(&str, &[Value])> {
    Some((value["$call"].as_str()?, list(&value["args"])))
}

fn marker(value: &Value, constructors: &[&str]) -> Option<String> {
    match value {
        Value::Object(map) => {
            for name in ["$var", "$index", "$func", "$regex", "$concat", "$sprintf"] {
                if let Some(found) = map.get(name) {
                    return Some(format!("{name} {}", found.as_str().unwrap_or_default()).trim().to_owned());
                }
            }
            if let Some((name, _)) = call(value)
                && !constructors.contains(&name)
            {
                return Some(format!("$call {name}"));
            }
            map.values().find_map(|value| marker(value, constructors))
        }
        Value::Array(items) => items.iter().find_map(|item| marker(item, constructors)),
        _ => None,
    }
}

/// A Go struct as JSON: names as their tags have them in almost all cases, type names dropped.
pub fn go_to_json(value: &Value) -> Value {
    match value {
        Value::Object(map) => {
            let mut json = serde_json::Map::new();
            for (name, value) in map.iter().filter(|(name, _)| *name != "$type") {
                let value = go_to_json(value);
                match (name.as_str(), value) {
                    ("TypeMeta", Value::Object(inner)) => json.extend(inner),
                    ("ObjectMeta", value) => {
                        json.insert("metadata".into(), value);
                    }
                    (name, value) => {
                        json.insert(json_name(name), value);
                    }
                }
            }
            Value::Object(json)
        }
        Value::Array(items) => items.iter().map(go_to_json).collect(),
        other => other.clone(),
    }
}

fn json_name(go: &str) -> String {
    let capitals = go.chars().take_while(|c| c.is_ascii_uppercase()).count();
    let lower = if capitals > 1 && capitals < go.len() { capitals - 1 } else { capitals.max(1) };
    go.chars().enumerate().map(|(at, c)| if at < lower { c.to_ascii_lowercase() } else { c }).collect()
}

/// A value without what Go would leave out.
#[cfg(feature = "apply")]
pub fn without_zeros(value: &Value) -> Value {
    match value {
        Value::Object(map) => {
            let kept =
                map.iter().map(|(key, value)| (key.clone(), without_zeros(value))).filter(|(_, value)| !is_zero(value));
            Value::Object(kept.collect())
        }
        Value::Array(items) => items.iter().map(without_zeros).collect(),
        other => other.clone(),
    }
}

#[cfg(feature = "apply")]
fn is_zero(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Number(number) => number.as_f64() == Some(0.0),
        Value::Bool(value) => !value,
        Value::Array(items) => items.is_empty(),
        Value::Object(map) => map.is_empty(),
    }
}
