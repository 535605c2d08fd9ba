//! Lists: merging by key, deleting, ordering.

use flux_schema::{PatchMeta, TypeRef};
use serde_json::Value;

use super::{
    LIST, MAP, Object, PATCH, Result, SET_ELEMENT_ORDER, StrategicError, bad_type, directive_target, lookup_list,
    merge_map, without_directives,
};
use crate::value::{go_plain, go_type};

/// What the members of the lists are.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Map,
    Scalar,
}

/// Merges a list of the patch into the list at hand.
pub fn merge(
    original: Vec<Value>,
    patch: Vec<Value>,
    of: Option<&TypeRef>,
    meta: &PatchMeta,
    deletion: bool,
) -> Result<Vec<Value>> {
    if original.is_empty() && patch.is_empty() {
        return Ok(original);
    }
    let kind = kind_of(&[&original, &patch])?;
    let key = meta.merge_key.as_deref().unwrap_or_default();
    let (merged, before, patch) = if kind == Kind::Scalar {
        if deletion {
            return Ok(original.into_iter().filter(|item| !patch.contains(item)).collect());
        }
        let both = original.iter().chain(&patch).cloned().collect();
        (without_repeats(both), original, patch)
    } else {
        if key.is_empty() {
            let kind = if of.is_some_and(|of| of.node().map.is_some()) { "struct" } else { "map" };
            return Err(StrategicError::NoDeclaredKey { kind });
        }
        let (before, patch) = special_elements(original, patch, key)?;
        let merged = plain_elements(before.clone(), &patch, key, of)?;
        (merged, before, patch)
    };
    let (ours, theirs) = partition(merged, &patch, key)?;
    arrange(ours, theirs, &patch, &before, key, kind)
}

/// Obeys `$patch` in items. The rest of the patch comes back with the list it applies to.
fn special_elements(mut original: Vec<Value>, patch: Vec<Value>, key: &str) -> Result<(Vec<Value>, Vec<Value>)> {
    let mut plain = Vec::new();
    let mut replace = false;
    for item in patch {
        let Some(directive) = item.get(PATCH) else {
            plain.push(item);
            continue;
        };
        match directive.as_str() {
            Some("delete") => {
                let value = item.get(key).ok_or_else(|| no_key(&item, key))?;
                if let Some(index) = original.iter().position(|own| !own.is_object()) {
                    return Err(StrategicError::NotAMap { index });
                }
                original.retain(|own| own.get(key) != Some(value));
            }
            Some("replace") => replace = true,
            Some("merge") => return Err(StrategicError::MergeInList),
            _ => {
                return Err(StrategicError::BadDirective { directive: go_plain(directive), map: go_plain(&item) });
            }
        }
    }
    Ok(if replace { (plain, Vec::new()) } else { (original, plain) })
}

fn plain_elements(mut original: Vec<Value>, patch: &[Value], key: &str, of: Option<&TypeRef>) -> Result<Vec<Value>> {
    for item in patch {
        let value = item.get(key).ok_or_else(|| no_key(item, key))?;
        if let Some(index) = original.iter().position(|own| !own.is_object()) {
            return Err(StrategicError::NotAMap { index });
        }
        match original.iter_mut().find(|own| own.get(key) == Some(value)) {
            Some(own) => {
                if let (Value::Object(before), Value::Object(members)) = (own.take(), item.clone()) {
                    *own = Value::Object(merge_map(before, members, of)?);
                }
            }
            None => original.push(item.clone()),
        }
    }
    Ok(original)
}

/// Obeys every `$setElementOrder` of the patch, merging the lists they name.
pub fn order_elements(original: &mut Object, patch: &mut Object, of: Option<&TypeRef>) -> Result<()> {
    let directives: Vec<String> = patch.keys().filter(|key| key.starts_with(SET_ELEMENT_ORDER)).cloned().collect();
    for directive in directives {
        let order = match patch.remove(&directive) {
            Some(Value::Array(order)) => order,
            other => return Err(bad_type(LIST, &other.unwrap_or_default())),
        };
        let name = directive_target(&directive, SET_ELEMENT_ORDER)?;
        let own = as_list(original.get(name))?;
        let items = as_list(patch.get(name))?;
        let (below, meta) = lookup_list(of, name)?;
        let key = meta.merge_key.as_deref().unwrap_or_default();
        check_order(items.as_deref().unwrap_or_default(), &order, key)?;
        let merged = match (&own, &items) {
            (Some(own), None) => own.clone(),
            (None, Some(items)) => items.iter().cloned().filter_map(without_directives).collect(),
            (Some(own), Some(items)) if meta.merge => merge(own.clone(), items.clone(), below.as_ref(), &meta, false)?,
            (Some(_), Some(items)) => items.clone(),
            (None, None) => continue,
        };
        let own = own.unwrap_or_default();
        let kind = kind_of(&[&own, items.as_deref().unwrap_or_default()])?;
        let (ours, theirs) = partition(merged, &order, key)?;
        let arranged = arrange(ours, theirs, &order, &own, key, kind)?;
        original.insert(name.to_owned(), Value::Array(arranged));
        patch.remove(name);
    }
    Ok(())
}

fn as_list(value: Option<&Value>) -> Result<Option<Vec<Value>>> {
    match value {
        None => Ok(None),
        Some(Value::Array(items)) => Ok(Some(items.clone())),
        Some(other) => Err(bad_type(LIST, other)),
    }
}

/// The patch's items must come in the order that `$setElementOrder` gives.
fn check_order(items: &[Value], order: &[Value], key: &str) -> Result<()> {
    if items.is_empty() || order.is_empty() {
        return Ok(());
    }
    let deletes = |item: &&Value| item.get(PATCH).and_then(Value::as_str) == Some("delete");
    if !key.is_empty()
        && let Some(odd) = items.iter().find(|item| !item.is_object())
    {
        return Err(bad_type(MAP, odd));
    }
    let waiting: Vec<&Value> = items.iter().filter(|item| !deletes(item)).collect();
    let (mut at, mut place) = (0, 0);
    while at < waiting.len() && place < order.len() {
        if waiting[at].get(PATCH).is_some() {
            at += 1;
            continue;
        }
        if same_item(waiting[at], &order[place], key)? {
            at += 1;
        }
        place += 1;
    }
    if at < waiting.len() {
        let text = |items: &[Value]| go_plain(&Value::Array(items.to_vec()));
        return Err(StrategicError::OrderMismatch { patch: text(items), order: text(order) });
    }
    Ok(())
}

fn same_item(left: &Value, right: &Value, key: &str) -> Result<bool> {
    if key.is_empty() {
        return Ok(left == right);
    }
    let value = |item: &Value| match item {
        Value::Object(members) => members.get(key).cloned().ok_or_else(|| no_key(item, key)),
        other => Err(bad_type(MAP, other)),
    };
    Ok(value(left)? == value(right)?)
}

fn no_key(item: &Value, key: &str) -> StrategicError {
    StrategicError::NoMergeKey { map: go_plain(item), key: key.to_owned() }
}

/// Splits into the items that `by` mentions and the others.
fn partition(items: Vec<Value>, by: &[Value], key: &str) -> Result<(Vec<Value>, Vec<Value>)> {
    if key.is_empty() {
        return Ok(items.into_iter().partition(|item| by.contains(item)));
    }
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for item in items {
        let Value::Object(members) = &item else { return Err(bad_type(MAP, &item)) };
        let value = members.get(key).ok_or_else(|| no_key(&item, key))?;
        if let Some(index) = by.iter().position(|own| !own.is_object()) {
            return Err(StrategicError::NotAMap { index });
        }
        if by.iter().any(|own| own.get(key) == Some(value)) {
            ours.push(item);
        } else {
            theirs.push(item);
        }
    }
    Ok((ours, theirs))
}

/// Puts the patch's items in the patch's order, and the server's own between them where they were.
fn arrange(
    ours: Vec<Value>,
    theirs: Vec<Value>,
    order: &[Value],
    before: &[Value],
    key: &str,
    kind: Kind,
) -> Result<Vec<Value>> {
    let place = |list: &[Value], item: &Value| match kind {
        Kind::Map => list.iter().position(|own| own.get(key) == item.get(key)),
        Kind::Scalar => list.iter().position(|own| own == item),
    };
    let sorted = |mut items: Vec<Value>, order: &[Value]| {
        items.sort_by_cached_key(|item| place(order, item).unwrap_or(usize::MAX));
        items
    };
    if kind == Kind::Map
        && let Some(odd) = ours.iter().chain(order).chain(&theirs).chain(before).find(|item| item.get(key).is_none())
    {
        return Err(if odd.is_object() { no_key(odd, key) } else { bad_type(MAP, odd) });
    }
    let mut left = sorted(theirs, before).into_iter().peekable();
    let mut right = sorted(ours, order).into_iter().peekable();
    let mut out = Vec::with_capacity(left.len() + right.len());
    while let (Some(own), Some(new)) = (left.peek(), right.peek()) {
        let first = match (place(before, own), place(before, new)) {
            (Some(own), Some(new)) => own < new,
            _ => false,
        };
        out.extend(if first { left.next() } else { right.next() });
    }
    out.extend(left);
    out.extend(right);
    Ok(out)
}

/// As upstream: each repeat is overwritten by the last item.
fn without_repeats(mut items: Vec<Value>) -> Vec<Value> {
    let mut i = 0;
    while i + 1 < items.len() {
        let mut j = i + 1;
        while j < items.len() {
            if items[i] == items[j] {
                items.swap_remove(j);
            } else {
                j += 1;
            }
        }
        i += 1;
    }
    items
}

fn kind_of(lists: &[&[Value]]) -> Result<Kind> {
    let mut all = lists.iter().flat_map(|list| list.iter());
    let first = all.next().ok_or(StrategicError::EmptyLists)?;
    if first.is_array() {
        return Err(StrategicError::ListOfLists);
    }
    if all.any(|item| go_type(item) != go_type(first)) {
        let texts: Vec<String> = lists.iter().map(|list| go_plain(&Value::Array(list.to_vec()))).collect();
        return Err(StrategicError::MixedList { lists: format!("[{}]", texts.join(" ")) });
    }
    Ok(if first.is_object() { Kind::Map } else { Kind::Scalar })
}
