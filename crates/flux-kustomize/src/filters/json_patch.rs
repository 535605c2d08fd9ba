//! JSON6902 patches with the behaviour and texts of the Go library kustomize uses.

use serde_json::{Map, Value};

use crate::error::Error;

/// Operations of one patch, at most.
const MAX_OPERATIONS: usize = 100_000;

/// A decoded patch.
#[derive(Clone, Debug)]
pub(crate) struct JsonPatch(Vec<Map<String, Value>>);

impl JsonPatch {
    /// Decodes a patch: JSON when it starts with `[`, else YAML.
    pub(crate) fn parse(text: &str) -> Result<Self, Error> {
        let value = match text.starts_with('[') {
            true => serde_json::from_str(text).map_err(|error| Error::patch(error.to_string()))?,
            false => flux_yaml::yaml_to_json(text)?,
        };
        Self::from_value(value)
    }

    fn from_value(value: Value) -> Result<Self, Error> {
        let items = match value {
            Value::Array(items) => items,
            Value::Null => Vec::new(),
            other => return Err(mismatch(&other, "jsonpatch.Patch")),
        };
        if items.len() > MAX_OPERATIONS {
            return Err(Error::Limit { what: "the number of operations in a patch", limit: MAX_OPERATIONS as u64 });
        }
        let operations = items.into_iter().map(|item| match item {
            Value::Object(map) => Ok(map),
            Value::Null => Ok(Map::new()),
            other => Err(mismatch(&other, "jsonpatch.Operation")),
        });
        operations.collect::<Result<_, _>>().map(Self)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Applies every operation in order.
    pub(crate) fn apply(&self, document: &mut Value) -> Result<(), Error> {
        self.0.iter().try_for_each(|operation| apply_one(operation, document)).map_err(Error::patch)
    }
}

fn mismatch(value: &Value, go_type: &str) -> Error {
    let what = match value {
        Value::String(_) => "string",
        Value::Bool(_) => "bool",
        Value::Number(_) => "number",
        Value::Array(_) => "array",
        _ => "object",
    };
    Error::patch(format!("json: cannot unmarshal {what} into Go value of type {go_type}"))
}

const MISSING: &str = "missing value";
const TEST_FAILED: &str = "test failed";

fn apply_one(operation: &Map<String, Value>, document: &mut Value) -> Result<(), String> {
    let text = |name: &str| operation.get(name).and_then(Value::as_str);
    let kind = text("op").unwrap_or("unknown");
    let value = || operation.get("value").cloned().unwrap_or(Value::Null);
    let path = |what: &str| text("path").ok_or_else(|| format!("{what} operation failed to decode path: {MISSING}"));
    let from = |what: &str| text("from").ok_or_else(|| format!("{what} operation failed to decode from: {MISSING}"));
    match kind {
        "add" => add(document, path(kind)?, value()),
        "remove" => remove(document, path(kind)?),
        "replace" => replace(document, path(kind)?, value()),
        "move" => move_value(document, from(kind)?, path(kind)?),
        "copy" => copy_value(document, from(kind)?, path(kind)?),
        "test" => test(document, path(kind)?, operation.get("value")),
        other => Err(format!("Unexpected kind: {other}")),
    }
}

fn add(document: &mut Value, path: &str, value: Value) -> Result<(), String> {
    let Some((parent, key)) = find(document, path) else {
        return Err(format!("add operation does not apply: doc is missing path: \"{path}\": {MISSING}"));
    };
    insert(parent, &key, value).map_err(|error| format!("error in add for path: '{path}': {error}"))
}

fn remove(document: &mut Value, path: &str) -> Result<(), String> {
    let Some((parent, key)) = find(document, path) else {
        return Err(format!("remove operation does not apply: doc is missing path: \"{path}\": {MISSING}"));
    };
    take(parent, &key).map(drop).map_err(|error| format!("error in remove for path: '{path}': {error}"))
}

fn replace(document: &mut Value, path: &str, value: Value) -> Result<(), String> {
    if path.is_empty() {
        if !value.is_object() && !value.is_array() {
            return Err("replace operation value must be object or array".into());
        }
        *document = value;
        return Ok(());
    }
    let Some((parent, key)) = find(document, path) else {
        return Err(format!("replace operation does not apply: doc is missing path: {path}: {MISSING}"));
    };
    if let Value::Object(map) = parent {
        // An absent member is made.
        map.insert(key, value);
        return Ok(());
    }
    match get_mut(parent, &key) {
        Ok(slot) => {
            *slot = value;
            Ok(())
        }
        Err(_) => Err(format!("replace operation does not apply: doc is missing key: {path}: {MISSING}")),
    }
}

fn move_value(document: &mut Value, from: &str, path: &str) -> Result<(), String> {
    let Some((parent, key)) = find(document, from) else {
        return Err(format!("move operation does not apply: doc is missing from path: {from}: {MISSING}"));
    };
    let value = take(parent, &key).map_err(|error| format!("error in move for path: '{key}': {error}"))?;
    let Some((parent, key)) = find(document, path) else {
        return Err(format!("move operation does not apply: doc is missing destination path: {path}: {MISSING}"));
    };
    insert(parent, &key, value).map_err(|error| format!("error in move for path: '{path}': {error}"))
}

fn copy_value(document: &mut Value, from: &str, path: &str) -> Result<(), String> {
    let Some((parent, key)) = find(document, from) else {
        return Err(format!("copy operation does not apply: doc is missing from path: {from}: {MISSING}"));
    };
    let parent_is_object = parent.is_object();
    let value = match (get_mut(parent, &key), parent_is_object) {
        (Ok(value), _) => value.clone(),
        // An absent member counts as null.
        (Err(_), true) => Value::Null,
        (Err(error), false) => return Err(format!("error in copy for from: '{from}': {error}")),
    };
    let Some((parent, key)) = find(document, path) else {
        return Err(format!("copy operation does not apply: doc is missing destination path: {path}: {MISSING}"));
    };
    insert(parent, &key, value).map_err(|error| format!("error while adding value during copy: {error}"))
}

fn test(document: &mut Value, path: &str, wanted: Option<&Value>) -> Result<(), String> {
    let failed = || Err(format!("testing value {path} failed: {TEST_FAILED}"));
    let wanted = wanted.unwrap_or(&Value::Null);
    if path.is_empty() {
        return if same(document, wanted) { Ok(()) } else { failed() };
    }
    let Some((parent, key)) = find(document, path) else {
        return Err(format!("test operation does not apply: is missing path: {path}: {MISSING}"));
    };
    match get_mut(parent, &key) {
        Ok(found) if same(found, wanted) => Ok(()),
        Err(error) if !error.ends_with(MISSING) => Err(format!("error in test for path: '{path}': {error}")),
        Err(_) if wanted.is_null() => Ok(()),
        _ => failed(),
    }
}

/// Equality that does not tell `1` from `1.0`.
fn same(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Number(a), Value::Number(b)) => a == b || a.as_f64() == b.as_f64(),
        (Value::Array(a), Value::Array(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b)),
        (Value::Object(a), Value::Object(b)) => {
            a.len() == b.len() && a.iter().all(|(key, value)| b.get(key).is_some_and(|other| same(value, other)))
        }
        _ => a == b,
    }
}

fn decode_key(key: &str) -> String {
    key.replace("~1", "/").replace("~0", "~")
}

/// The container a path ends in, and the last key.
fn find<'a>(document: &'a mut Value, path: &str) -> Option<(&'a mut Value, String)> {
    let mut steps: Vec<&str> = path.split('/').collect();
    if steps.len() < 2 {
        return None;
    }
    let key = decode_key(steps.pop()?);
    let mut at = document;
    for step in &steps[1..] {
        at = get_mut(at, &decode_key(step)).ok()?;
    }
    (at.is_object() || at.is_array()).then_some((at, key))
}

fn go_atoi(key: &str) -> Result<i64, String> {
    key.parse().map_err(|_| format!("strconv.Atoi: parsing {}: invalid syntax", crate::go::print::quote(key)))
}

fn invalid_index(index: i64) -> String {
    format!("Unable to access invalid index: {index}: invalid index referenced")
}

/// A place in a list of `count`; negative ones count from the end.
fn index(key: &str, count: usize) -> Result<usize, String> {
    let number = go_atoi(key)?;
    let from_end = number.checked_add(count as i64).ok_or_else(|| invalid_index(number))?;
    let place = if number < 0 { from_end } else { number };
    match usize::try_from(place) {
        Ok(place) if place < count => Ok(place),
        _ => Err(invalid_index(number)),
    }
}

fn get_mut<'a>(parent: &'a mut Value, key: &str) -> Result<&'a mut Value, String> {
    match parent {
        Value::Object(map) => {
            map.get_mut(key).ok_or_else(|| format!("unable to get nonexistent key: {key}: {MISSING}"))
        }
        Value::Array(items) => {
            let place = index(key, items.len())?;
            Ok(&mut items[place])
        }
        _ => Err(MISSING.into()),
    }
}

fn insert(parent: &mut Value, key: &str, value: Value) -> Result<(), String> {
    match parent {
        Value::Object(map) => {
            map.insert(key.to_owned(), value);
            Ok(())
        }
        Value::Array(items) if key == "-" => {
            items.push(value);
            Ok(())
        }
        Value::Array(items) => {
            go_atoi(key).map_err(|error| format!("value was not a proper array index: '{key}': {error}"))?;
            let place = index(key, items.len() + 1)?;
            items.insert(place, value);
            Ok(())
        }
        _ => Err(MISSING.into()),
    }
}

fn take(parent: &mut Value, key: &str) -> Result<Value, String> {
    match parent {
        Value::Object(map) => {
            map.remove(key).ok_or_else(|| format!("Unable to remove nonexistent key: {key}: {MISSING}"))
        }
        Value::Array(items) => {
            let place = index(key, items.len())?;
            Ok(items.remove(place))
        }
        _ => Err(MISSING.into()),
    }
}
