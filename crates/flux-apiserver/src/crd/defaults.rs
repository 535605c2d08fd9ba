//! Defaulting by a structural schema.

use serde_json::Value;

use super::prune::flag;

/// Fills defaults below an object; a null where the schema has a default and is not nullable counts as absent.
pub(crate) fn apply(value: &mut Value, schema: &Value) {
    match value {
        Value::Object(map) => {
            let properties = schema.get("properties").and_then(Value::as_object);
            for (key, inner) in properties.into_iter().flatten() {
                let Some(default) = inner.get("default") else { continue };
                let missing = match map.get(key) {
                    None => true,
                    Some(value) => value.is_null() && !flag(inner, "nullable"),
                };
                if missing {
                    map.insert(key.clone(), default.clone());
                }
            }
            let additional = schema.get("additionalProperties").filter(|inner| inner.is_object());
            for (key, value) in map.iter_mut() {
                let inner = properties.and_then(|properties| properties.get(key)).or(additional);
                if let Some(inner) = inner {
                    apply(value, inner);
                }
            }
        }
        Value::Array(items) => {
            if let Some(inner) = schema.get("items") {
                items.iter_mut().for_each(|item| apply(item, inner));
            }
        }
        _ => {}
    }
}

/// Drops nulls for fields that are neither nullable nor defaulted.
pub(crate) fn prune_nulls(value: &mut Value, schema: &Value) {
    match value {
        Value::Object(map) => {
            let properties = schema.get("properties").and_then(Value::as_object);
            let additional = schema.get("additionalProperties").filter(|inner| inner.is_object());
            map.retain(|key, value| {
                let inner = properties.and_then(|properties| properties.get(key));
                !(value.is_null()
                    && inner.is_some_and(|inner| !flag(inner, "nullable") && inner.get("default").is_none()))
            });
            for (key, value) in map.iter_mut() {
                let inner = properties.and_then(|properties| properties.get(key)).or(additional);
                if let Some(inner) = inner {
                    prune_nulls(value, inner);
                }
            }
        }
        Value::Array(items) => {
            if let Some(inner) = schema.get("items") {
                items.iter_mut().for_each(|item| prune_nulls(item, inner));
            }
        }
        _ => {}
    }
}
