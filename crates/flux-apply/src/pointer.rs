//! JSON pointers (RFC 6901) for removing and replacing single fields.

use serde_json::Value;

/// The unescaped parts of a pointer; `None` when it does not begin with a slash.
pub(crate) fn parts(pointer: &str) -> Option<Vec<String>> {
    let rest = pointer.strip_prefix('/')?;
    Some(rest.split('/').map(|part| part.replace("~1", "/").replace("~0", "~")).collect())
}

fn parent_mut<'a>(mut value: &'a mut Value, parts: &[String]) -> Option<&'a mut Value> {
    for part in parts {
        value = match value {
            Value::Object(map) => map.get_mut(part)?,
            Value::Array(list) => {
                let at = index(part, list.len())?;
                list.get_mut(at)?
            }
            _ => return None,
        };
    }
    Some(value)
}

/// An array index; negative ones count from the end, as upstream allows.
fn index(part: &str, length: usize) -> Option<usize> {
    match part.strip_prefix('-') {
        Some(back) => length.checked_sub(back.parse().ok()?),
        None => part.parse().ok(),
    }
}

/// Removes what the pointer names; nothing when it is not there.
pub(crate) fn remove(value: &mut Value, pointer: &str) {
    let Some(parts) = parts(pointer) else { return };
    let Some((last, parents)) = parts.split_last() else { return };
    match parent_mut(value, parents) {
        Some(Value::Object(map)) => {
            map.remove(last);
        }
        Some(Value::Array(list)) => {
            if let Some(at) = index(last, list.len()).filter(|at| *at < list.len()) {
                list.remove(at);
            }
        }
        _ => {}
    }
}

/// Replaces what the pointer names; false when it is not there.
pub(crate) fn replace(value: &mut Value, pointer: &str, with: Value) -> bool {
    let Some(parts) = parts(pointer) else { return false };
    match parent_mut(value, &parts) {
        Some(slot) => {
            *slot = with;
            true
        }
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn removes_and_replaces() {
        let mut value = json!({"a": {"b/c": [1, 2, 3]}});
        remove(&mut value, "/a/b~1c/1");
        remove(&mut value, "/a/none/deeper");
        assert!(replace(&mut value, "/a/b~1c/-1", json!(9)));
        assert!(!replace(&mut value, "/x", json!(1)));
        assert_eq!(value, json!({"a": {"b/c": [1, 9]}}));
    }
}
