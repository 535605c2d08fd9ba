//! Short ways into the metadata of an object.

use serde_json::{Map, Value};

/// An object's map, or an empty one put there.
pub(crate) fn section<'a>(object: &'a mut Value, key: &str) -> &'a mut Map<String, Value> {
    if !object.is_object() {
        *object = Value::Object(Map::new());
    }
    let map = object.as_object_mut().expect("made above");
    let entry = map.entry(key).or_insert_with(|| Value::Object(Map::new()));
    if !entry.is_object() {
        *entry = Value::Object(Map::new());
    }
    entry.as_object_mut().expect("made above")
}

pub(crate) fn meta_mut(object: &mut Value) -> &mut Map<String, Value> {
    section(object, "metadata")
}

pub(crate) fn meta<'a>(object: &'a Value, key: &str) -> Option<&'a Value> {
    object.get("metadata")?.get(key)
}

/// A string of the metadata, empty when absent.
pub(crate) fn meta_text<'a>(object: &'a Value, key: &str) -> &'a str {
    meta(object, key).and_then(Value::as_str).unwrap_or("")
}

pub(crate) fn name(object: &Value) -> &str {
    meta_text(object, "name")
}

pub(crate) fn namespace(object: &Value) -> &str {
    meta_text(object, "namespace")
}

pub(crate) fn text<'a>(object: &'a Value, key: &str) -> &'a str {
    object.get(key).and_then(Value::as_str).unwrap_or("")
}

/// The text at a JSON pointer, empty when absent.
pub(crate) fn text_at<'a>(object: &'a Value, pointer: &str) -> &'a str {
    object.pointer(pointer).and_then(Value::as_str).unwrap_or("")
}

pub(crate) fn list_at<'a>(object: &'a Value, pointer: &str) -> &'a [Value] {
    object.pointer(pointer).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// The numeric `resourceVersion`, 0 when absent.
pub(crate) fn revision(object: &Value) -> u64 {
    meta_text(object, "resourceVersion").parse().unwrap_or(0)
}

pub(crate) fn finalizers(object: &Value) -> Vec<&str> {
    list_at(object, "/metadata/finalizers").iter().filter_map(Value::as_str).collect()
}

pub(crate) fn is_deleting(object: &Value) -> bool {
    meta(object, "deletionTimestamp").is_some_and(|time| !time.is_null())
}

/// Now, as object times are written.
pub(crate) fn now() -> String {
    format!(
        "{:.0}",
        jiff::Timestamp::from_second(jiff::Timestamp::now().as_second()).unwrap_or(jiff::Timestamp::UNIX_EPOCH)
    )
}

/// Splits `GROUP/VERSION`.
pub(crate) fn split_api_version(text: &str) -> (&str, &str) {
    text.split_once('/').unwrap_or(("", text))
}

/// Sets or removes a key.
pub(crate) fn put(map: &mut Map<String, Value>, key: &str, value: Option<Value>) {
    match value {
        Some(value) => {
            map.insert(key.to_owned(), value);
        }
        None => {
            map.remove(key);
        }
    }
}
