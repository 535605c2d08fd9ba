//! How a list's item is found: by its key fields or by its value.

use flux_schema::{List, Relationship, Schema};
use serde_json::Value;

use crate::fieldpath::PathElement;

/// The path element of an item, or why it has none.
pub fn item_element(schema: &Schema, list: &List, item: &Value) -> Result<PathElement, String> {
    if list.relationship != Relationship::Associative {
        return Err("invalid indexing of non-associative list".into());
    }
    if list.keys.is_empty() { value_element(item) } else { key_element(schema, list, item) }
}

fn key_element(schema: &Schema, list: &List, item: &Value) -> Result<PathElement, String> {
    let members = match item {
        Value::Null => return Err("associative list with keys may not have a null element".into()),
        Value::Object(members) => members,
        _ => return Err("associative list with keys may not have non-map elements".into()),
    };
    let mut fields = Vec::with_capacity(list.keys.len());
    for name in list.keys.iter() {
        let value = match members.get(&**name) {
            Some(value) => Some(value.clone()),
            None => default_of(schema, list, name)
                .map_err(|error| format!("couldn't find default value for {name}: {error}"))?
                .cloned(),
        };
        // A missing key without default is another item than one that has it.
        fields.extend(value.map(|value| (name.clone(), value)));
    }
    if fields.is_empty() {
        let names: Vec<String> = list.keys.iter().map(|name| crate::value::go_quote(name)).collect();
        return Err(format!(
            "associative list with keys has an element that omits all key fields [{}] (and doesn't have default \
             values for any key fields)",
            names.join(" ")
        ));
    }
    Ok(PathElement::key(fields))
}

fn default_of<'a>(schema: &'a Schema, list: &List, name: &str) -> Result<Option<&'a Value>, &'static str> {
    let map = schema.node(list.element).map.as_ref().ok_or("associative list may not have non-map types")?;
    Ok(map.field(name).and_then(|field| field.default.as_deref()))
}

fn value_element(item: &Value) -> Result<PathElement, String> {
    match item {
        Value::Object(_) => Err("associative list without keys has an element that's a map type".into()),
        Value::Array(_) => Err("not supported: associative list with lists as elements".into()),
        Value::Null => Err("associative list without keys has an element that's an explicit null".into()),
        scalar => Ok(PathElement::value(scalar.clone())),
    }
}
