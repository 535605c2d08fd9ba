//! Strategic merge patch: a merge patch that knows which lists are keyed, and obeys directives.
//!
//! | directive | meaning |
//! | --- | --- |
//! | `$patch: replace`, `delete`, `merge` | in a map or a list item: replace it, delete it, or merge |
//! | `$retainKeys: [...]` | drop every other member of this map |
//! | `$deleteFromPrimitiveList/NAME: [...]` | take these out of the set NAME |
//! | `$setElementOrder/NAME: [...]` | the order of the list NAME |

mod lists;
#[cfg(test)]
mod tests;

use flux_schema::{PatchMeta, TypeRef};
use serde_json::{Map, Value};

use crate::value::{go_plain, go_type};

const PATCH: &str = "$patch";
const RETAIN_KEYS: &str = "$retainKeys";
const DELETE_FROM_PRIMITIVE_LIST: &str = "$deleteFromPrimitiveList";
const SET_ELEMENT_ORDER: &str = "$setElementOrder";

/// Why a patch cannot be applied; the texts are the API server's.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StrategicError {
    #[error("map: {map} does not contain declared merge key: {key}")]
    NoMergeKey { map: String, key: String },
    #[error("expected a {expected}, but received a {found}")]
    BadType { expected: &'static str, found: &'static str },
    #[error("unknown patch type: {directive} in map: {map}")]
    BadDirective { directive: String, map: String },
    #[error("lists of lists are not supported")]
    ListOfLists,
    #[error("invalid patch format of primitive list")]
    BadPrimitiveList,
    #[error("invalid patch format of retainKeys")]
    BadRetainKeys,
    #[error("invalid patch format of setElementOrder list")]
    BadElementOrder,
    #[error("The order in patch list:\n{patch}\n doesn't match $setElementOrder list:\n{order}\n")]
    OrderMismatch { patch: String, order: String },
    #[error("unable to find api field in struct {kind} for the json field {field:?}")]
    UnknownField { kind: String, field: String },
    #[error("cannot merge lists without merge key for {kind}")]
    NoDeclaredKey { kind: &'static str },
    #[error("merging lists cannot yet be specified in the patch")]
    MergeInList,
    #[error("list element types are not identical: {lists}")]
    MixedList { lists: String },
    #[error("no elements in any of the given slices")]
    EmptyLists,
    #[error("value for key {index} is not a map")]
    NotAMap { index: usize },
}

type Result<T> = std::result::Result<T, StrategicError>;
type Object = Map<String, Value>;

/// The result of laying `patch` over `original`, an object of type `of`.
pub fn strategic_merge_patch(original: &Value, patch: &Value, of: &TypeRef) -> Result<Value> {
    let object = |value: &Value| match value {
        Value::Object(members) => Ok(members.clone()),
        other => Err(bad_type(MAP, other)),
    };
    merge_map(object(original)?, object(patch)?, Some(of)).map(Value::Object)
}

const MAP: &str = "map[string]interface {}";
const LIST: &str = "[]interface {}";

fn bad_type(expected: &'static str, found: &Value) -> StrategicError {
    StrategicError::BadType { expected, found: go_type(found) }
}

fn merge_map(mut original: Object, mut patch: Object, of: Option<&TypeRef>) -> Result<Object> {
    if let Some(directive) = patch.get(PATCH) {
        return match directive.as_str() {
            Some("replace") => {
                patch.remove(PATCH);
                Ok(patch)
            }
            Some("delete") => Ok(Object::new()),
            _ => Err(StrategicError::BadDirective {
                directive: go_plain(directive),
                map: go_plain(&Value::Object(patch.clone())),
            }),
        };
    }
    retain_keys(&mut original, &mut patch)?;
    lists::order_elements(&mut original, &mut patch, of)?;
    for (key, value) in patch {
        merge_member(&mut original, key, value, of)?;
    }
    Ok(original)
}

fn merge_member(original: &mut Object, key: String, value: Value, of: Option<&TypeRef>) -> Result<()> {
    let deletion = key.starts_with(DELETE_FROM_PRIMITIVE_LIST);
    let key = if deletion { directive_target(&key, DELETE_FROM_PRIMITIVE_LIST)?.to_owned() } else { key };
    if value.is_null() {
        original.remove(&key);
        return Ok(());
    }
    let own = match original.get_mut(&key) {
        Some(own) if same_kind(own, &value) => own,
        _ if deletion => return Ok(()),
        _ => {
            set_or_remove(original, key, without_nulls(value));
            return Ok(());
        }
    };
    match (own, value) {
        (own @ Value::Object(_), Value::Object(members)) => {
            let (below, meta) = lookup(of, &key)?;
            if meta.replace {
                *own = Value::Object(members);
            } else if let Value::Object(before) = own.take() {
                *own = Value::Object(merge_map(before, members, below.as_ref())?);
            }
        }
        (own @ Value::Array(_), Value::Array(items)) => {
            let (below, meta) = lookup_list(of, &key)?;
            if !meta.merge && !deletion {
                *own = Value::Array(items);
            } else if let Value::Array(before) = own.take() {
                *own = Value::Array(lists::merge(before, items, below.as_ref(), &meta, deletion)?);
            }
        }
        (_, scalar) => set_or_remove(original, key, scalar),
    }
    Ok(())
}

fn set_or_remove(original: &mut Object, key: String, value: Value) {
    match without_directives(value) {
        Some(value) => {
            original.insert(key, value);
        }
        None => {
            original.remove(&key);
        }
    }
}

fn same_kind(left: &Value, right: &Value) -> bool {
    go_type(left) == go_type(right)
}

/// Drops every member that `$retainKeys` does not list.
fn retain_keys(original: &mut Object, patch: &mut Object) -> Result<()> {
    let Some(keys) = patch.remove(RETAIN_KEYS) else { return Ok(()) };
    let Value::Array(keys) = keys else { return Err(StrategicError::BadRetainKeys) };
    let listed = |key: &str| keys.iter().any(|own| own.as_str() == Some(key));
    let directive = |key: &str| key.starts_with(DELETE_FROM_PRIMITIVE_LIST) || key.starts_with(SET_ELEMENT_ORDER);
    if patch.iter().any(|(key, value)| !value.is_null() && !directive(key) && !listed(key)) {
        return Err(StrategicError::BadRetainKeys);
    }
    original.retain(|key, _| listed(key));
    Ok(())
}

/// The name after the slash of a directive.
fn directive_target<'a>(key: &'a str, directive: &str) -> Result<&'a str> {
    let target = key.split_once('/').filter(|(own, _)| *own == directive).map(|(_, target)| target);
    target.ok_or(if directive == SET_ELEMENT_ORDER {
        StrategicError::BadElementOrder
    } else {
        StrategicError::BadPrimitiveList
    })
}

/// What is left of a value that goes in as it is; `None` when a directive stands for all of it.
fn without_directives(value: Value) -> Option<Value> {
    match value {
        Value::Object(members) => {
            if members.contains_key(PATCH) {
                return None;
            }
            let kept = members.into_iter().filter_map(|(key, value)| Some((key, without_directives(value)?)));
            Some(Value::Object(kept.collect()))
        }
        Value::Array(items) => Some(Value::Array(items.into_iter().filter_map(without_directives).collect())),
        other => Some(other),
    }
}

fn without_nulls(value: Value) -> Value {
    match value {
        Value::Object(members) => {
            let kept = members.into_iter().filter(|(_, value)| !value.is_null());
            Value::Object(kept.map(|(key, value)| (key, without_nulls(value))).collect())
        }
        Value::Array(items) => Value::Array(items.into_iter().map(without_nulls).collect()),
        other => other,
    }
}

/// The type and patch strategy of a member.
fn lookup(of: Option<&TypeRef>, key: &str) -> Result<(Option<TypeRef>, PatchMeta)> {
    let Some(of) = of else { return Ok((None, PatchMeta::default())) };
    let Some(map) = &of.node().map else { return Ok((None, PatchMeta::default())) };
    match (map.field(key), map.element) {
        (Some(field), _) => Ok((Some(of.at(field.node)), field.patch.as_deref().cloned().unwrap_or_default())),
        (None, Some(element)) => Ok((Some(of.at(element)), PatchMeta::default())),
        (None, None) => {
            let name = of.name().and_then(|name| name.rsplit('.').next()).unwrap_or_default();
            Err(StrategicError::UnknownField { kind: name.to_owned(), field: key.to_owned() })
        }
    }
}

/// As [`lookup`], with the type of the list's items.
fn lookup_list(of: Option<&TypeRef>, key: &str) -> Result<(Option<TypeRef>, PatchMeta)> {
    let (below, meta) = lookup(of, key)?;
    Ok((below.and_then(|list| list.element()), meta))
}
