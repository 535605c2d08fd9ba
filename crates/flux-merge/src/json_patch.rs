//! JSON patch (RFC 6902) and JSON merge patch (RFC 7396) as kube-apiserver applies them.
//!
//! Its library differs from the RFCs where people notice: negative indices count from the end, `replace` of a missing
//! member adds it, and a merge patch drops null members everywhere in what it adds, inside lists too.

use serde_json::{Map, Value};

/// The API server's bound on the operations of one patch.
const MAX_OPERATIONS: usize = 10_000;
/// The API server's bound on what all `copy` operations of one patch may add, in bytes of JSON.
const MAX_COPIED: usize = 3 * 1024 * 1024;

/// Why a JSON patch was not applied. The document is then unchanged.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PatchError {
    /// Answered with 400.
    #[error("error decoding patch: json: cannot unmarshal {found} into Go value of type []handlers.jsonPatchOp")]
    NotAList { found: &'static str },
    /// Answered with 413.
    #[error("The allowed maximum operations in a JSON patch is {limit}, got {found}")]
    TooManyOperations { limit: usize, found: usize },
    /// Answered with 422.
    #[error("{message}")]
    NotApplicable { message: String },
    #[error(
        "Unable to complete the copy, the accumulated size increase of copy is {found}, exceeding the limit {limit}"
    )]
    TooMuchCopied { limit: usize, found: usize },
}

type Result<T> = std::result::Result<T, PatchError>;

fn fail<T>(message: String) -> Result<T> {
    Err(PatchError::NotApplicable { message })
}

/// Applies all operations of `patch`, or none.
pub fn json_patch(doc: &mut Value, patch: &Value) -> Result<()> {
    let Value::Array(operations) = patch else {
        return Err(PatchError::NotAList { found: kind_of(patch) });
    };
    if operations.len() > MAX_OPERATIONS {
        return Err(PatchError::TooManyOperations { limit: MAX_OPERATIONS, found: operations.len() });
    }
    if let Some(odd) = operations.iter().find(|operation| !operation.is_object()) {
        return Err(PatchError::NotAList { found: kind_of(odd) });
    }
    let mut work = doc.clone();
    let mut copied = 0;
    for operation in operations {
        apply_one(&mut work, operation, &mut copied)?;
    }
    *doc = work;
    Ok(())
}

fn kind_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "bool",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

fn apply_one(doc: &mut Value, operation: &Value, copied: &mut usize) -> Result<()> {
    let value = || operation.get("value").cloned().unwrap_or(Value::Null);
    match operation.get("op").and_then(Value::as_str).unwrap_or("unknown") {
        "add" => {
            let path = path_of(operation, "add operation failed to decode path")?;
            let (parent, key) = parent_or(doc, path, |path| {
                format!("add operation does not apply: doc is missing path: \"{path}\": missing value")
            })?;
            add(parent, &key, value()).or_else(|why| fail(format!("error in add for path: '{path}': {why}")))
        }
        "remove" => {
            let path = path_of(operation, "remove operation failed to decode path")?;
            let (parent, key) = parent_or(doc, path, |path| {
                format!("remove operation does not apply: doc is missing path: \"{path}\": missing value")
            })?;
            remove(parent, &key).map(drop).or_else(|why| fail(format!("error in remove for path: '{path}': {why}")))
        }
        "replace" => replace(doc, operation, value()),
        "move" => relocate(doc, operation),
        "copy" => duplicate(doc, operation, copied),
        "test" => test(doc, operation),
        other => fail(format!("Unexpected kind: {other}")),
    }
}

fn replace(doc: &mut Value, operation: &Value, value: Value) -> Result<()> {
    let path = path_of(operation, "replace operation failed to decode path")?;
    if path.is_empty() {
        if !value.is_object() && !value.is_array() {
            return fail("replace operation value must be object or array".into());
        }
        *doc = value;
        return Ok(());
    }
    let (parent, key) = parent_or(doc, path, |path| {
        format!("replace operation does not apply: doc is missing path: {path}: missing value")
    })?;
    match parent {
        Value::Object(members) => {
            members.insert(key, value);
        }
        Value::Array(items) => match index(&key, items.len()).ok().and_then(|at| items.get_mut(at)) {
            Some(slot) => *slot = value,
            None => {
                return fail(format!("replace operation does not apply: doc is missing key: {path}: missing value"));
            }
        },
        _ => {}
    }
    Ok(())
}

fn relocate(doc: &mut Value, operation: &Value) -> Result<()> {
    let from = from_of(operation, "move operation failed to decode from")?;
    let (parent, key) = parent_or(doc, from, |from| {
        format!("move operation does not apply: doc is missing from path: {from}: missing value")
    })?;
    let value = remove(parent, &key).or_else(|why| fail(format!("error in move for path: '{key}': {why}")))?;
    let path = path_of(operation, "move operation failed to decode path")?;
    let (parent, key) = parent_or(doc, path, |path| {
        format!("move operation does not apply: doc is missing destination path: {path}: missing value")
    })?;
    add(parent, &key, value).or_else(|why| fail(format!("error in move for path: '{path}': {why}")))
}

fn duplicate(doc: &mut Value, operation: &Value, copied: &mut usize) -> Result<()> {
    let from = from_of(operation, "copy operation failed to decode from")?;
    let (parent, key) = parent_or(doc, from, |from| {
        format!("copy operation does not apply: doc is missing from path: {from}: missing value")
    })?;
    let value = get(parent, &key).or_else(|why| fail(format!("error in copy for from: '{from}': {why}")))?;
    let value = value.cloned().unwrap_or(Value::Null);
    let path = path_of(operation, "copy operation failed to decode path")?;
    let (parent, key) = parent_or(doc, path, |path| {
        format!("copy operation does not apply: doc is missing destination path: {path}: missing value")
    })?;
    *copied += value.to_string().len();
    if *copied > MAX_COPIED {
        return Err(PatchError::TooMuchCopied { limit: MAX_COPIED, found: *copied });
    }
    add(parent, &key, value).or_else(|why| fail(format!("error while adding value during copy: {why}")))
}

fn test(doc: &mut Value, operation: &Value) -> Result<()> {
    let path = path_of(operation, "test operation failed to decode path")?;
    let wanted = operation.get("value").unwrap_or(&Value::Null);
    let differs = || fail(format!("testing value {path} failed: test failed"));
    if path.is_empty() {
        return if doc == wanted { Ok(()) } else { differs() };
    }
    let (parent, key) =
        parent_or(doc, path, |path| format!("test operation does not apply: is missing path: {path}: missing value"))?;
    let own = get(parent, &key).or_else(|why| fail(format!("error in test for path: '{path}': {why}")))?;
    if own.unwrap_or(&Value::Null) == wanted { Ok(()) } else { differs() }
}

fn path_of<'a>(operation: &'a Value, step: &str) -> Result<&'a str> {
    operation.get("path").and_then(Value::as_str).map_or_else(|| fail(format!("{step}: missing value")), Ok)
}

fn from_of<'a>(operation: &'a Value, step: &str) -> Result<&'a str> {
    let from = operation.get("from").and_then(Value::as_str);
    from.map_or_else(|| fail(format!("{step}: operation, missing from field: missing value")), Ok)
}

/// The container that holds the last step of `path`, and that step.
fn parent_or<'a>(doc: &'a mut Value, path: &str, missing: impl Fn(&str) -> String) -> Result<(&'a mut Value, String)> {
    let mut steps: Vec<&str> = path.split('/').collect();
    let last = steps.pop().filter(|_| !steps.is_empty());
    let mut node = Some(doc);
    for step in steps.into_iter().skip(1) {
        node = node.and_then(|node| match node {
            Value::Object(members) => members.get_mut(&decoded(step)),
            Value::Array(items) => {
                let at = index(&decoded(step), items.len()).ok()?;
                items.get_mut(at)
            }
            _ => None,
        });
    }
    match (node, last) {
        (Some(node), Some(last)) if node.is_object() || node.is_array() => Ok((node, decoded(last))),
        _ => fail(missing(path)),
    }
}

fn decoded(step: &str) -> String {
    step.replace("~1", "/").replace("~0", "~")
}

fn index(key: &str, len: usize) -> std::result::Result<usize, String> {
    let at: i64 = key.parse().map_err(|_| format!("strconv.Atoi: parsing {key:?}: invalid syntax"))?;
    let len = i64::try_from(len).unwrap_or(i64::MAX);
    let place = if at < 0 { at + len } else { at };
    if place < 0 || place >= len {
        return Err(format!("Unable to access invalid index: {at}: invalid index referenced"));
    }
    usize::try_from(place).map_err(|_| "invalid index referenced".into())
}

fn get<'a>(parent: &'a Value, key: &str) -> std::result::Result<Option<&'a Value>, String> {
    match parent {
        Value::Array(items) => index(key, items.len()).map(|at| items.get(at)),
        other => Ok(other.get(key)),
    }
}

fn add(parent: &mut Value, key: &str, value: Value) -> std::result::Result<(), String> {
    match parent {
        Value::Object(members) => {
            members.insert(key.to_owned(), value);
        }
        Value::Array(items) if key == "-" => items.push(value),
        Value::Array(items) => {
            let at = index(key, items.len() + 1).map_err(|why| {
                if why.starts_with("strconv") {
                    format!("value was not a proper array index: '{key}': {why}")
                } else {
                    why
                }
            })?;
            items.insert(at, value);
        }
        _ => {}
    }
    Ok(())
}

fn remove(parent: &mut Value, key: &str) -> std::result::Result<Value, String> {
    match parent {
        Value::Object(members) => {
            members.remove(key).ok_or_else(|| format!("Unable to remove nonexistent key: {key}: missing value"))
        }
        Value::Array(items) => index(key, items.len()).map(|at| items.remove(at)),
        _ => Err("missing value".into()),
    }
}

/// Lays `patch` over `doc`; null members of the patch delete.
pub fn merge_patch(doc: &mut Value, patch: &Value) {
    match (doc, patch) {
        (Value::Object(own), Value::Object(members)) => {
            for (key, value) in members {
                if value.is_null() {
                    own.remove(key);
                    continue;
                }
                match own.get_mut(key) {
                    Some(known) => merge_patch(known, value),
                    None => {
                        own.insert(key.clone(), without_nulls(value));
                    }
                }
            }
        }
        (doc, patch) => *doc = without_nulls(patch),
    }
}

fn without_nulls(value: &Value) -> Value {
    match value {
        Value::Object(members) => {
            let kept = members.iter().filter(|(_, value)| !value.is_null());
            Value::Object(kept.map(|(key, value)| (key.clone(), without_nulls(value))).collect::<Map<_, _>>())
        }
        Value::Array(items) => Value::Array(items.iter().map(without_nulls).collect()),
        other => other.clone(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[track_caller]
    fn check(doc: Value, patch: Value, expect: Value) {
        let mut got = doc;
        json_patch(&mut got, &patch).unwrap();
        assert_eq!(got, expect);
    }

    #[track_caller]
    fn fails(doc: Value, patch: Value, expect: &str) {
        let mut got = doc.clone();
        assert_eq!(json_patch(&mut got, &patch).unwrap_err().to_string(), expect);
        assert_eq!(got, doc);
    }

    #[test]
    fn operations_apply_in_order() {
        check(
            json!({ "a": [1, 2], "b/c": 1 }),
            json!([
                { "op": "add", "path": "/a/-", "value": 3 },
                { "op": "remove", "path": "/a/0" },
                { "op": "add", "path": "/a/-1", "value": 9 },
                { "op": "move", "from": "/b~1c", "path": "/d" },
                { "op": "copy", "from": "/d", "path": "/e" },
                { "op": "test", "path": "/missing", "value": null },
                { "op": "replace", "path": "/new", "value": {} }
            ]),
            json!({ "a": [2, 3, 9], "d": 1, "e": 1, "new": {} }),
        );
    }

    #[test]
    fn failures_leave_the_document_alone() {
        fails(
            json!({ "a": 1 }),
            json!([{ "op": "add", "path": "/b", "value": 1 }, { "op": "test", "path": "/a", "value": 2 }]),
            "testing value /a failed: test failed",
        );
        fails(
            json!({}),
            json!([{ "op": "add", "path": "/x/y", "value": 1 }]),
            "add operation does not apply: doc is missing path: \"/x/y\": missing value",
        );
        fails(
            json!({}),
            json!([{ "op": "remove", "path": "/x" }]),
            "error in remove for path: '/x': Unable to remove nonexistent key: x: missing value",
        );
        fails(json!({}), json!([{ "op": "bogus", "path": "/x" }]), "Unexpected kind: bogus");
        fails(
            json!({}),
            json!({}),
            "error decoding patch: json: cannot unmarshal object into Go value of type []handlers.jsonPatchOp",
        );
        let many = Value::Array(vec![json!({ "op": "test", "path": "/x", "value": null }); 10_001]);
        fails(json!({}), many, "The allowed maximum operations in a JSON patch is 10000, got 10001");
    }

    #[test]
    fn copies_are_bounded() {
        let mut doc = json!({ "a": "x".repeat(1024 * 1024) });
        let copy = |to: &str| json!({ "op": "copy", "from": "/a", "path": to });
        let patch = json!([copy("/b"), copy("/c"), copy("/d"), copy("/e")]);
        assert!(matches!(json_patch(&mut doc, &patch), Err(PatchError::TooMuchCopied { .. })));
    }

    #[test]
    fn merge_patch_deletes_by_null_and_stores_none() {
        let mut doc = json!({ "a": { "b": 1, "c": 2 }, "d": [1] });
        merge_patch(&mut doc, &json!({ "a": { "b": null, "e": { "f": null, "g": 1 } }, "d": [{ "h": null }] }));
        assert_eq!(doc, json!({ "a": { "c": 2, "e": { "g": 1 } }, "d": [{}] }));
    }
}
