//! Objects inside objects: their metadata has the usual type, and unknown metadata is dropped.

use serde_json::Value;

use super::prune::flag;
use crate::status::go_json;
use crate::typed;

/// Coerces the metadata of embedded resources; the error names the field as upstream does.
pub(crate) fn embedded_metadata(value: &mut Value, schema: &Value, unknown: &mut Vec<String>) -> Result<(), String> {
    walk(value, schema, "", true, unknown)
}

fn walk(value: &mut Value, schema: &Value, path: &str, root: bool, unknown: &mut Vec<String>) -> Result<(), String> {
    match value {
        Value::Object(map) => {
            if !root
                && flag(schema, "x-kubernetes-embedded-resource")
                && let Some(meta) = map.get_mut("metadata")
            {
                let given = meta.take();
                let text = go_json(&given);
                let shaped = typed::shape(typed::object_meta(), given)
                    .map_err(|misfit| format!("{path}.metadata: Invalid value: {text}: {}", misfit.0))?;
                unknown.extend(shaped.unknown.into_iter().map(|field| format!("{path}.metadata.{field}")));
                *meta = shaped.value;
            }
            let properties = schema.get("properties").and_then(Value::as_object);
            let additional = schema.get("additionalProperties").filter(|inner| inner.is_object());
            for (key, value) in map.iter_mut() {
                if !value.is_object() && !value.is_array() {
                    continue;
                }
                if let Some(inner) = properties.and_then(|properties| properties.get(key)).or(additional) {
                    let below = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
                    walk(value, inner, &below, false, unknown)?;
                }
            }
        }
        Value::Array(items) => {
            let Some(inner) = schema.get("items") else { return Ok(()) };
            for (index, item) in items.iter_mut().enumerate() {
                walk(item, inner, &format!("{path}[{index}]"), false, unknown)?;
            }
        }
        _ => {}
    }
    Ok(())
}
