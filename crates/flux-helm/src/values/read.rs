//! Values from YAML text.

use serde_json::{Map, Number, Value};

use super::Values;
use crate::decode::Place;

/// Why a text holds no values, in Helm's words.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    #[error("cannot unmarshal yaml document: {reason}")]
    Document { reason: String },
    /// One document read alone.
    #[error("{reason}")]
    Single { reason: String },
}

/// Reads a stream of YAML documents and merges them, later ones winning: `values.yaml`, and files given by the user.
///
/// # Errors
/// The first document that is no YAML or no table.
pub fn read_values(text: &str) -> Result<Values, ReadError> {
    let mut values = Values::new();
    for document in documents(text) {
        let found = parse(document, "map[string]interface {}").map_err(|reason| ReadError::Document { reason })?;
        values = merge_maps(values, found);
    }
    Ok(values)
}

/// Reads one document, as the data of a ConfigMap or Secret is read; what follows it is ignored.
///
/// # Errors
/// No YAML, or no table.
pub fn read_values_document(text: &str) -> Result<Values, ReadError> {
    parse(text, "common.Values").map_err(|reason| ReadError::Single { reason })
}

fn parse(text: &str, wanted: &str) -> Result<Values, String> {
    let value = flux_yaml::yaml_to_json(text).map_err(|error| format!("error converting YAML to JSON: {error}"))?;
    match value {
        Value::Object(map) => Ok(float_map(map)),
        Value::Null => Ok(Values::new()),
        other => crate::decode::json(&other, |decoder, value| decoder.mismatch(value, Place::ROOT, wanted))
            .map(|()| Values::new()),
    }
}

/// The documents between lines that begin with `---`; what else stands on such a line is lost, as the reader of
/// Kubernetes' client library has it.
fn documents(text: &str) -> Vec<&str> {
    let mut found = Vec::new();
    let (mut start, mut at) = (0, 0);
    for line in text.split_inclusive('\n') {
        let rest = line.strip_prefix("---");
        if rest.is_some_and(|rest| rest.trim().is_empty()) {
            if at > start {
                found.push(&text[start..at]);
            }
            start = at + line.len();
        }
        at += line.len();
    }
    if at > start {
        found.push(&text[start..]);
    }
    found
}

/// Makes every number a float, as Go's JSON decoder does with untyped values. Integers above 2^53 lose digits.
pub fn floats(value: Value) -> Value {
    match value {
        Value::Number(number) => match number.as_f64().and_then(Number::from_f64) {
            Some(float) => Value::Number(float),
            None => Value::Number(number),
        },
        Value::Array(items) => Value::Array(items.into_iter().map(floats).collect()),
        Value::Object(map) => Value::Object(float_map(map)),
        other => other,
    }
}

fn float_map(map: Map<String, Value>) -> Map<String, Value> {
    map.into_iter().map(|(key, value)| (key, floats(value))).collect()
}

/// Merges two tables, the second one winning; tables in both are merged, null is a value.
pub fn merge_maps(mut base: Values, over: Values) -> Values {
    for (key, value) in over {
        match (base.get_mut(&key), value) {
            (Some(Value::Object(below)), Value::Object(above)) => *below = merge_maps(std::mem::take(below), above),
            (_, value) => _ = base.insert(key, value),
        }
    }
    base
}
