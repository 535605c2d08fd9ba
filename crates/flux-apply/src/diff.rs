//! The JSON patch between two states of an object.

use serde::Serialize;
use serde_json::{Map, Value};

/// What a change does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Operation {
    Add,
    Remove,
    Replace,
}

/// One operation of a JSON patch; `old` is what was there.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Change {
    #[serde(rename = "op")]
    pub operation: Operation,
    pub path: String,
    #[serde(skip)]
    pub old: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<Value>,
}

/// What has to be done to the existing object, all in all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DiffType {
    Create,
    Update,
    /// Metadata or a rule keeps it out of the comparison.
    Exclude,
    None,
}

impl DiffType {
    /// The word for it: `create`, `update`, `exclude`, `none`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Update => "update",
            Self::Exclude => "exclude",
            Self::None => "none",
        }
    }
}

/// True when any of the types means work.
pub fn has_changes(types: &[DiffType]) -> bool {
    types.iter().any(|kind| matches!(kind, DiffType::Create | DiffType::Update))
}

/// The operations that turn `old` into `new`, keys in order, lists by index.
pub fn compare(old: &Value, new: &Value) -> Vec<Change> {
    compare_with(old, new, &CompareOptions::default())
}

/// How two states are compared.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CompareOptions {
    /// Pointers whose changes are left out.
    pub ignored: Vec<String>,
    /// Replaces a whole map when that is shorter than the single operations.
    pub rationalize: bool,
}

/// As [`compare`], with options.
pub fn compare_with(old: &Value, new: &Value, options: &CompareOptions) -> Vec<Change> {
    let mut changes = Vec::new();
    walk("", old, new, options, &mut changes);
    changes.retain(|change| !options.ignored.contains(&change.path));
    changes
}

/// The length of operations as JSON.
fn length(changes: &[Change]) -> usize {
    changes.iter().map(|change| serde_json::to_vec(change).map_or(usize::MAX / 1024, |json| json.len())).sum()
}

/// The changes of an object: added and replaced labels and annotations, then everything but metadata and status.
///
/// Removed labels and annotations are left out: other controllers add their own.
pub fn compare_objects(existing: &Value, dry_run: &Value) -> Vec<Change> {
    let mut changes = compare_metadata(existing, dry_run);
    changes.extend(compare_content(existing, dry_run));
    changes
}

/// The added and replaced labels and annotations.
pub fn compare_metadata(existing: &Value, dry_run: &Value) -> Vec<Change> {
    compare_metadata_with(existing, dry_run, &CompareOptions::default())
}

/// As [`compare_metadata`], with options.
pub fn compare_metadata_with(existing: &Value, dry_run: &Value, options: &CompareOptions) -> Vec<Change> {
    let mut changes = compare_with(&names_and_entries(existing), &names_and_entries(dry_run), options);
    changes.retain(|change| change.operation != Operation::Remove);
    changes
}

/// The changes of everything but metadata and status.
pub fn compare_content(existing: &Value, dry_run: &Value) -> Vec<Change> {
    compare_content_with(existing, dry_run, &CompareOptions::default())
}

/// As [`compare_content`], with options.
pub fn compare_content_with(existing: &Value, dry_run: &Value, options: &CompareOptions) -> Vec<Change> {
    compare_with(&without_metadata(existing), &without_metadata(dry_run), options)
}

/// Name, labels and annotations alone. The name keeps a patch from replacing the whole metadata.
pub fn names_and_entries(object: &Value) -> Value {
    let mut kept = Map::new();
    if let Some(meta) = object.get("metadata").and_then(Value::as_object) {
        let wanted = ["name", "annotations", "labels"];
        let meta: Map<String, Value> =
            wanted.into_iter().filter_map(|key| Some((key.to_owned(), meta.get(key)?.clone()))).collect();
        if !meta.is_empty() {
            kept.insert("metadata".into(), Value::Object(meta));
        }
    }
    Value::Object(kept)
}

fn without_metadata(object: &Value) -> Value {
    let mut object = object.clone();
    if let Some(map) = object.as_object_mut() {
        map.remove("metadata");
        map.remove("status");
    }
    object
}

fn escape(key: &str) -> String {
    key.replace('~', "~0").replace('/', "~1")
}

fn walk(path: &str, old: &Value, new: &Value, options: &CompareOptions, changes: &mut Vec<Change>) {
    match (old, new) {
        (Value::Object(a), Value::Object(b)) => {
            let before = changes.len();
            let mut keys: Vec<&String> = a.keys().chain(b.keys()).collect();
            keys.sort_unstable();
            keys.dedup();
            for key in keys {
                let path = format!("{path}/{}", escape(key));
                match (a.get(key), b.get(key)) {
                    (Some(old), Some(new)) => walk(&path, old, new, options, changes),
                    (Some(old), None) => changes.push(removed(path, old)),
                    (None, Some(new)) => changes.push(added(path, new)),
                    (None, None) => {}
                }
            }
            if options.rationalize && changes.len() > before + 1 {
                let whole = replaced(path, old, new);
                if length(std::slice::from_ref(&whole)) < length(&changes[before..]) {
                    changes.truncate(before);
                    changes.push(whole);
                }
            }
        }
        (Value::Array(a), Value::Array(b)) => walk_list(path, a, b, options, changes),
        _ if old == new => {}
        _ => changes.push(replaced(path, old, new)),
    }
}

fn walk_list(path: &str, old: &[Value], new: &[Value], options: &CompareOptions, changes: &mut Vec<Change>) {
    let common = old.len().min(new.len());
    // Removals go from the end, all at the index that closes the common part.
    for gone in &old[common..] {
        changes.push(removed(format!("{path}/{common}"), gone));
    }
    for (at, (old, new)) in old.iter().zip(new).enumerate() {
        walk(&format!("{path}/{at}"), old, new, options, changes);
    }
    for added_value in &new[common..] {
        changes.push(added(format!("{path}/-"), added_value));
    }
}

fn replaced(path: &str, old: &Value, new: &Value) -> Change {
    Change { operation: Operation::Replace, path: path.to_owned(), old: Some(old.clone()), value: Some(new.clone()) }
}

fn removed(path: String, old: &Value) -> Change {
    Change { operation: Operation::Remove, path, old: Some(old.clone()), value: None }
}

fn added(path: String, value: &Value) -> Change {
    Change { operation: Operation::Add, path, old: None, value: Some(value.clone()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn operations_in_key_order() {
        let changes =
            compare(&json!({"a": 1, "b": [1, 2], "c": {"x/y": 1}}), &json!({"b": [1, 3, 4], "c": {"x/y": 2}, "d": 1}));
        let seen: Vec<(Operation, &str)> =
            changes.iter().map(|change| (change.operation, change.path.as_str())).collect();
        assert_eq!(
            seen,
            [
                (Operation::Remove, "/a"),
                (Operation::Replace, "/b/1"),
                (Operation::Add, "/b/-"),
                (Operation::Replace, "/c/x~1y"),
                (Operation::Add, "/d"),
            ]
        );
    }

    #[test]
    fn removed_labels_are_no_change() {
        let existing = json!({"metadata": {"name": "a", "labels": {"theirs": "1", "ours": "1"}}, "spec": 1});
        let dry_run = json!({"metadata": {"name": "a", "labels": {"ours": "2"}}, "spec": 1});
        let changes = compare_objects(&existing, &dry_run);
        assert_eq!(changes.len(), 1);
        assert_eq!(changes[0].path, "/metadata/labels/ours");
    }
}
