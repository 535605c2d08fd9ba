//! Reads and writes the metadata of objects that are plain JSON.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

fn text<'a>(object: &'a Value, pointer: &str) -> &'a str {
    object.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

pub fn name(object: &Value) -> &str {
    text(object, "/metadata/name")
}

pub fn namespace(object: &Value) -> &str {
    text(object, "/metadata/namespace")
}

pub fn kind(object: &Value) -> &str {
    text(object, "/kind")
}

pub fn api_version(object: &Value) -> &str {
    text(object, "/apiVersion")
}

pub fn uid(object: &Value) -> &str {
    text(object, "/metadata/uid")
}

pub fn resource_version(object: &Value) -> &str {
    text(object, "/metadata/resourceVersion")
}

/// Group and version; the group of `v1` is empty.
pub fn group_version(object: &Value) -> (&str, &str) {
    let api_version = api_version(object);
    api_version.split_once('/').unwrap_or(("", api_version))
}

/// The value of a label; empty when there is none.
pub fn label<'a>(object: &'a Value, key: &str) -> &'a str {
    entry(object, "labels", key)
}

/// The value of an annotation; empty when there is none.
pub fn annotation<'a>(object: &'a Value, key: &str) -> &'a str {
    entry(object, "annotations", key)
}

fn entry<'a>(object: &'a Value, field: &str, key: &str) -> &'a str {
    object.get("metadata").and_then(|meta| meta.get(field)?.get(key)?.as_str()).unwrap_or_default()
}

/// Labels or annotations as text; what is no text is left out.
pub fn entries(object: &Value, field: &str) -> BTreeMap<String, String> {
    let map = object.get("metadata").and_then(|meta| meta.get(field)?.as_object());
    map.into_iter().flatten().filter_map(|(key, value)| Some((key.clone(), value.as_str()?.to_owned()))).collect()
}

/// True when a label or annotation has one of the wanted values, whatever the case.
pub fn any_matches(object: &Value, wanted: &[(&str, &str)]) -> bool {
    wanted.iter().any(|(key, value)| {
        let same = |found: &str| !found.is_empty() && found.eq_ignore_ascii_case(value);
        same(label(object, key)) || same(annotation(object, key))
    })
}

/// Sets labels and annotations, over those of the objects.
pub fn set_common(objects: &mut [Value], labels: &BTreeMap<String, String>, annotations: &BTreeMap<String, String>) {
    for object in objects {
        set_entries(object, "labels", labels);
        set_entries(object, "annotations", annotations);
    }
}

/// Adds entries to `metadata.labels` or `metadata.annotations`.
pub fn set_entries(object: &mut Value, field: &str, entries: &BTreeMap<String, String>) {
    if entries.is_empty() {
        return;
    }
    let Some(object) = object.as_object_mut() else { return };
    let meta = object_in(object, "metadata");
    let map = object_in(meta, field);
    for (key, value) in entries {
        map.insert(key.clone(), Value::String(value.clone()));
    }
}

/// The object at `key`, made when there is none.
pub(crate) fn object_in<'a>(parent: &'a mut Map<String, Value>, key: &str) -> &'a mut Map<String, Value> {
    let slot = parent.entry(key).or_insert_with(|| Value::Object(Map::new()));
    if !slot.is_object() {
        *slot = Value::Object(Map::new());
    }
    slot.as_object_mut().expect("made an object above")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn matches_labels_and_annotations_whatever_the_case() {
        let object = json!({"metadata": {"labels": {"a": "Disabled"}, "annotations": {"b": "merge"}}});
        assert!(any_matches(&object, &[("a", "disabled")]));
        assert!(any_matches(&object, &[("x", "y"), ("b", "Merge")]));
        assert!(!any_matches(&object, &[("a", "enabled"), ("c", "")]));
    }

    #[test]
    fn common_metadata_wins() {
        let mut objects =
            [json!({"metadata": {"labels": {"a": "own"}}}), json!({"kind": "X", "metadata": {"labels": null}})];
        let labels = BTreeMap::from([("a".to_owned(), "common".to_owned())]);
        set_common(&mut objects, &labels, &BTreeMap::new());
        assert_eq!(objects[0], json!({"metadata": {"labels": {"a": "common"}}}));
        assert_eq!(label(&objects[1], "a"), "common");
    }
}
