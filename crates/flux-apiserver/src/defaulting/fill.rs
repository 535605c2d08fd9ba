//! Setting what is absent.

use serde_json::{Map, Value};

/// An object's members.
pub(super) type Members = Map<String, Value>;

/// Sets `key` unless it has a value; null and the empty text are none.
pub(super) fn set(members: &mut Members, key: &str, value: impl Into<Value>) {
    if is_unset(members.get(key)) {
        members.insert(key.to_owned(), value.into());
    }
}

/// Absent, null or the empty text.
pub(super) fn is_unset(value: Option<&Value>) -> bool {
    value.is_none_or(|value| value.is_null() || value.as_str() == Some(""))
}

/// Sets a number that Go keeps without a pointer, so that zero is unset too.
pub(super) fn set_number(members: &mut Members, key: &str, value: i64) {
    if members.get(key).is_none_or(|own| own.is_null() || own.as_i64() == Some(0)) {
        members.insert(key.to_owned(), value.into());
    }
}

/// Whether a list or map is absent or empty.
pub(super) fn is_empty(value: Option<&Value>) -> bool {
    match value {
        None | Some(Value::Null) => true,
        Some(Value::Array(items)) => items.is_empty(),
        Some(Value::Object(members)) => members.is_empty(),
        _ => false,
    }
}

/// The text of `key`, empty when absent.
pub(super) fn text<'a>(members: &'a Members, key: &str) -> &'a str {
    members.get(key).and_then(Value::as_str).unwrap_or_default()
}

/// The members of `key`, made when absent.
pub(super) fn section<'a>(members: &'a mut Members, key: &str) -> Option<&'a mut Members> {
    let own = members.entry(key).or_insert_with(|| Value::Object(Map::new()));
    if own.is_null() {
        *own = Value::Object(Map::new());
    }
    own.as_object_mut()
}

/// The members of `key`, if it is there.
pub(super) fn given<'a>(members: &'a mut Members, key: &str) -> Option<&'a mut Members> {
    members.get_mut(key)?.as_object_mut()
}

/// The members of `spec`, made when absent.
pub(super) fn spec(object: &mut Value) -> Option<&mut Members> {
    section(object.as_object_mut()?, "spec")
}

/// The items of the list `key` that are objects.
pub(super) fn items<'a>(members: &'a mut Members, key: &str) -> impl Iterator<Item = &'a mut Members> {
    members.get_mut(key).and_then(Value::as_array_mut).into_iter().flatten().filter_map(Value::as_object_mut)
}

/// Rounds the quantities of a resource list up to thousandths, as the API keeps them.
pub(super) fn round_up(members: &mut Members, key: &str) {
    let Some(list) = given(members, key) else { return };
    for quantity in list.values_mut() {
        let Some(text) = quantity.as_str() else { continue };
        let divisor = match text.chars().next_back() {
            Some('n') => 1_000_000,
            Some('u') => 1_000,
            _ => continue,
        };
        let Ok(count) = text[..text.len() - 1].parse::<i128>() else { continue };
        let rounded = (count + if count > 0 { divisor - 1 } else { 0 }) / divisor;
        let milli = format!("{rounded}m");
        *quantity = crate::typed::canonical_quantity(&milli).unwrap_or(milli).into();
    }
}

/// Adds to the resource list `to` what only `from` has.
pub(super) fn copy_missing(members: &mut Members, from: &str, to: &str) {
    let Some(Value::Object(source)) = members.get(from).cloned() else { return };
    if source.is_empty() {
        return;
    }
    if let Some(target) = section(members, to) {
        for (name, quantity) in source {
            target.entry(name).or_insert(quantity);
        }
    }
}
