//! `values.schema.json`: JSON schema, drafts 4 to 2020-12, with the texts that Helm prints.

mod compile;
mod format;
mod pattern;
#[cfg(test)]
mod tests;
mod validate;
mod violation;

use std::fmt;

use serde_json::Value;

use crate::chart::Chart;
use crate::values::Values;

/// What the values of a chart and of the charts inside violate: Helm's lines under the charts' names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SchemaErrors {
    pub text: String,
}

impl fmt::Display for SchemaErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl std::error::Error for SchemaErrors {}

/// Validates coalesced values against the schemas of a chart and of the charts inside it.
///
/// # Errors
/// All violations.
pub fn validate_chart(chart: &Chart, values: &Values) -> Result<(), SchemaErrors> {
    let mut text = String::new();
    collect(chart, values, &mut text);
    if text.is_empty() { Ok(()) } else { Err(SchemaErrors { text }) }
}

fn collect(chart: &Chart, values: &Values, text: &mut String) {
    if let Some(schema) = &chart.schema
        && let Err(violations) = validate(schema, &Value::Object(values.clone()))
    {
        text.push_str(&format!("{}:\n{violations}", chart.name()));
    }
    for subchart in &chart.dependencies {
        match values.get(subchart.name()) {
            None | Some(Value::Null) => {}
            Some(Value::Object(values)) => collect(subchart, values, text),
            Some(other) => {
                let kind = go_type(other);
                let name = subchart.name();
                text.push_str(&format!("{name}:\ninvalid type for values: expected object (map), got {kind}\n"));
            }
        }
    }
}

fn go_type(value: &Value) -> &'static str {
    match value {
        Value::Null => "<nil>",
        Value::Bool(_) => "bool",
        Value::Number(number) if number.is_f64() => "float64",
        Value::Number(_) => "int64",
        Value::String(_) => "string",
        Value::Array(_) => "[]interface {}",
        Value::Object(_) => "map[string]interface {}",
    }
}

/// Validates one value against one schema; the error is Helm's text, each line with its end. References to files
/// or URLs are refused; nothing is ever read from outside.
///
/// # Errors
/// Violations, or a schema that does not read.
pub fn validate(schema: &[u8], value: &Value) -> Result<(), String> {
    let text = String::from_utf8_lossy(schema);
    let schema: Value = serde_json::from_str(&text).map_err(|error| crate::values::json_fault(&text, &error))?;
    let compiled = compile::compile(schema)?;
    match validate::run(&compiled, value) {
        None => Ok(()),
        Some(violation) => Err(violation::lines(violation)),
    }
}
