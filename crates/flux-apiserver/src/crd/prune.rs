//! Pruning: fields that the structural schema does not name are dropped.

use serde_json::{Map, Value};

const PRESERVE: &str = "x-kubernetes-preserve-unknown-fields";
const EMBEDDED: &str = "x-kubernetes-embedded-resource";

pub(crate) fn flag(schema: &Value, key: &str) -> bool {
    schema.get(key) == Some(&Value::Bool(true))
}

/// Drops unknown fields of a whole object; the paths of what was dropped are collected.
///
/// `apiVersion`, `kind` and `metadata` of the root are left alone.
pub(crate) fn prune(object: &mut Value, schema: &Value, unknown: &mut Vec<String>) {
    if let Value::Object(map) = object {
        walk(map, schema, "", true, unknown);
    }
}

fn walk(map: &mut Map<String, Value>, schema: &Value, path: &str, resource_root: bool, unknown: &mut Vec<String>) {
    let properties = schema.get("properties").and_then(Value::as_object);
    let preserve = flag(schema, PRESERVE);
    let additional = schema.get("additionalProperties");
    let mut gone = Vec::new();
    for (key, value) in map.iter_mut() {
        if resource_root && matches!(key.as_str(), "apiVersion" | "kind" | "metadata") {
            continue;
        }
        let below = || if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
        match properties.and_then(|properties| properties.get(key)) {
            Some(inner) => descend(value, inner, &below, unknown),
            None => match additional {
                Some(Value::Object(_)) => descend(value, additional.expect("matched above"), &below, unknown),
                Some(Value::Bool(true)) => {}
                _ if preserve => {}
                _ => gone.push((key.clone(), below())),
            },
        }
    }
    for (key, path) in gone {
        map.remove(&key);
        unknown.push(path);
    }
}

fn descend(value: &mut Value, schema: &Value, path: &dyn Fn() -> String, unknown: &mut Vec<String>) {
    match value {
        Value::Object(map) => walk(map, schema, &path(), flag(schema, EMBEDDED), unknown),
        Value::Array(items) => {
            let Some(inner) = schema.get("items") else { return };
            for (index, item) in items.iter_mut().enumerate() {
                descend(item, inner, &|| format!("{}[{index}]", path()), unknown);
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn unknown_fields_go_unless_preserved() {
        let schema = json!({"type": "object", "properties": {
            "spec": {"type": "object", "properties": {
                "a": {"type": "array", "items": {"type": "object", "properties": {"b": {"type": "string"}}}},
                "free": {"type": "object", "x-kubernetes-preserve-unknown-fields": true,
                    "properties": {"known": {"type": "object", "properties": {}}}},
                "map": {"type": "object", "additionalProperties": {"type": "object", "properties": {"x": {}}}},
            }},
        }});
        let mut object = json!({"metadata": {"x": 1}, "extra": 1, "spec": {
            "a": [{"b": "", "c": 1}], "free": {"any": 1, "known": {"z": 1}}, "map": {"k": {"x": 1, "y": 2}},
        }});
        let mut unknown = Vec::new();
        prune(&mut object, &schema, &mut unknown);
        assert_eq!(
            object,
            json!({"metadata": {"x": 1}, "spec": {
                "a": [{"b": ""}], "free": {"any": 1, "known": {}}, "map": {"k": {"x": 1}},
            }})
        );
        unknown.sort();
        assert_eq!(unknown, ["extra", "spec.a[0].c", "spec.free.known.z", "spec.map.k.y"]);
    }
}
