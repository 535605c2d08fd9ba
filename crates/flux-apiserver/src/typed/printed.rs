//! A merged object as error texts show it.
//!
//! Go merges raw JSON lazily: what a patch left alone stays as the struct was encoded, in the order of its fields;
//! what it touched became a map, whose keys are sorted.

use serde_json::{Map, Value};

use super::facts::{Kind, Struct, Type};

/// Prints `merged`, of which everything equal to `old` was left alone.
pub(crate) fn lazily_merged(merged: &Value, old: &Value, kind: Kind) -> String {
    let mut out = String::new();
    let shape = kind.shape();
    match (merged, old) {
        (Value::Object(merged), Value::Object(old)) => touched(&mut out, merged, old, Some(shape)),
        _ => out.push_str(&merged.to_string()),
    }
    out
}

fn touched(out: &mut String, merged: &Map<String, Value>, old: &Map<String, Value>, shape: Option<&'static Struct>) {
    let mut keys: Vec<&String> = merged.keys().collect();
    keys.sort_unstable();
    out.push('{');
    for (index, key) in keys.into_iter().enumerate() {
        separate(out, index, key);
        let kind = shape.and_then(|shape| shape.fields.iter().find(|field| field.name == key)).map(|field| &field.kind);
        match (&merged[key], old.get(key)) {
            (value, Some(before)) if value == before => untouched(out, value, kind),
            (Value::Object(value), Some(Value::Object(before))) => {
                touched(out, value, before, kind.and_then(fields_of))
            }
            (value, _) => out.push_str(&value.to_string()),
        }
    }
    out.push('}');
}

fn untouched(out: &mut String, value: &Value, kind: Option<&'static Type>) {
    match (value, kind) {
        (Value::Object(map), Some(Type::Struct(_) | Type::Pointer(_))) => match kind.and_then(fields_of) {
            Some(shape) => encoded(out, map, shape),
            None => out.push_str(&value.to_string()),
        },
        (Value::Object(map), Some(Type::Map(inner))) => {
            out.push('{');
            for (index, (key, value)) in map.iter().enumerate() {
                separate(out, index, key);
                untouched(out, value, Some(inner));
            }
            out.push('}');
        }
        (Value::Array(items), Some(Type::Slice(inner))) => {
            out.push('[');
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    out.push(',');
                }
                untouched(out, item, Some(inner));
            }
            out.push(']');
        }
        _ => out.push_str(&value.to_string()),
    }
}

fn encoded(out: &mut String, map: &Map<String, Value>, shape: &'static Struct) {
    out.push('{');
    let present = shape.fields.iter().filter_map(|field| Some((field, map.get(field.name)?)));
    for (index, (field, value)) in present.enumerate() {
        separate(out, index, field.name);
        untouched(out, value, Some(&field.kind));
    }
    out.push('}');
}

fn fields_of(kind: &'static Type) -> Option<&'static Struct> {
    match kind {
        Type::Struct(index) => Some(index.get()),
        Type::Pointer(inner) => fields_of(inner),
        _ => None,
    }
}

fn separate(out: &mut String, index: usize, key: &str) {
    if index > 0 {
        out.push(',');
    }
    out.push_str(&Value::from(key).to_string());
    out.push(':');
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::lazily_merged;
    use crate::typed::facts::kind_of;

    #[test]
    fn only_what_was_left_alone_keeps_the_order_of_the_struct() {
        let entry = json!({"manager": "m", "operation": "Update", "apiVersion": "v1", "fieldsType": "FieldsV1"});
        let old = json!({"metadata": {"name": "a", "managedFields": [entry]}, "data": {"b": "1"}});
        let merged = json!({"metadata": {"name": "a", "managedFields": [entry], "bad": 1}, "data": {"b": "1"}});
        let kind = kind_of("", "v1", "ConfigMap").expect("a built-in kind");
        assert_eq!(
            lazily_merged(&merged, &old, kind),
            r#"{"data":{"b":"1"},"metadata":{"bad":1,"managedFields":[{"manager":"m","operation":"Update","apiVersion":"v1","fieldsType":"FieldsV1"}],"name":"a"}}"#
        );
    }
}
