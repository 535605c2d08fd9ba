//! Hides the data of Secrets before a diff is shown.

use serde_json::{Map, Value};

use crate::mask::{AFTER, BEFORE, DEFAULT};

/// `data` of the object cannot be hidden.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "unable to get data from {which} object: .data accessor error: {found} is of the type {kind}, expected map[string]interface {{}}"
)]
pub struct SanitizeError {
    which: &'static str,
    found: String,
    kind: &'static str,
}

/// Replaces the values of `data` in both objects: equal ones by `***`, changed ones by `*** (before)` and `*** (after)`.
pub fn sanitize_data(old: Option<&mut Value>, new: Option<&mut Value>) -> Result<(), SanitizeError> {
    let mut none = (Map::new(), Map::new());
    let old = data(old, "old")?.unwrap_or(&mut none.0);
    let new = data(new, "new")?.unwrap_or(&mut none.1);
    mask_maps(old, new);
    Ok(())
}

/// Masks the values of two maps that are compared.
pub(crate) fn mask_maps(old: &mut Map<String, Value>, new: &mut Map<String, Value>) {
    for (key, before) in old.iter_mut() {
        let (left, right) = match new.get(key) {
            Some(after) if after != before => (BEFORE, Some(AFTER)),
            Some(_) => (DEFAULT, Some(DEFAULT)),
            None => (DEFAULT, None),
        };
        *before = left.into();
        if let (Some(right), Some(after)) = (right, new.get_mut(key)) {
            *after = right.into();
        }
    }
    for (key, after) in new.iter_mut().filter(|(key, _)| !old.contains_key(*key)) {
        let _ = key;
        *after = DEFAULT.into();
    }
}

fn data<'a>(
    object: Option<&'a mut Value>,
    which: &'static str,
) -> Result<Option<&'a mut Map<String, Value>>, SanitizeError> {
    match object.and_then(|object| object.get_mut("data")) {
        None => Ok(None),
        Some(Value::Object(map)) => Ok(Some(map)),
        Some(other) => {
            let kind = match other {
                Value::String(_) => "string",
                Value::Bool(_) => "bool",
                Value::Number(number) if number.is_f64() => "float64",
                Value::Number(_) => "int64",
                Value::Array(_) => "[]interface {}",
                Value::Null | Value::Object(_) => "<nil>",
            };
            // The value may be the secret itself: say its type alone.
            Err(SanitizeError { which, found: "***".into(), kind })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn tells_changed_from_equal() {
        let (mut old, mut new) =
            (json!({"data": {"a": "1", "b": "2", "c": "3"}}), json!({"data": {"a": "1", "b": "9", "d": "4"}}));
        sanitize_data(Some(&mut old), Some(&mut new)).expect("maps");
        assert_eq!(old, json!({"data": {"a": "***", "b": "*** (before)", "c": "***"}}));
        assert_eq!(new, json!({"data": {"a": "***", "b": "*** (after)", "d": "***"}}));
    }

    #[test]
    fn errors_keep_the_secret() {
        let error = sanitize_data(Some(&mut json!({"data": "hunter2"})), None).expect_err("no map");
        assert!(!error.to_string().contains("hunter2"));
    }
}
