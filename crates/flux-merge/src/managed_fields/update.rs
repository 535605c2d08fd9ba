//! Ownership after a create, update, JSON patch, merge patch or strategic merge patch.

use std::borrow::Cow;
use std::collections::BTreeMap;

use flux_schema::TypeRef;
use serde_json::{Value, json};

use super::entry::{Managed, ManagerId, Operation};
use super::{
    Conversion, Request, copy_without_managed_fields, managed_fields, strip, with_managed_fields,
    without_managed_fields,
};
use crate::typed::{Duplicates, Typed, fill_zero, validate};
use crate::updater::Updater;

/// More updaters than this are folded.
const MAX_UPDATERS: usize = 10;
const FOLDED: &str = "ancient-changes";

/// The object to store with its `managedFields`. `live` is what is stored now, `None` for a create.
///
/// Never fails: a write is not refused because its ownership cannot be computed; then nobody owns anything, as upstream
/// has it, because entries that are wrong are worse than none.
pub fn update(live: Option<&Value>, new: Value, request: &Request<'_>) -> Value {
    let managed = decode(live, &new, !request.subresource.is_empty());
    let new = without_managed_fields(new);
    if managed.fields.is_empty() && live.is_some_and(|live| live.pointer("/metadata/uid").is_some()) {
        // Somebody cleared the entries: nothing is tracked until the next apply.
        return with_managed_fields(new, &Managed::default());
    }
    match track(live, &new, managed, request, None) {
        Ok(mut managed) => {
            fold(&mut managed);
            with_managed_fields(new, &managed)
        }
        Err(_) => with_managed_fields(new, &Managed::default()),
    }
}

/// The entries to start from: those the request brings (to let clients edit them), else the stored ones.
fn decode(live: Option<&Value>, new: &Value, subresource: bool) -> Managed {
    let stored = || Managed::decode(live.and_then(managed_fields)).unwrap_or_default();
    if subresource {
        return stored();
    }
    let brought = managed_fields(new);
    if brought.is_some_and(is_reset) {
        return Managed::default();
    }
    match Managed::decode(brought) {
        Ok(managed) if !managed.fields.is_empty() => managed,
        _ => stored(),
    }
}

/// An empty list, or one empty entry, asks to forget all owners.
fn is_reset(entries: &Value) -> bool {
    match entries.as_array().map(Vec::as_slice) {
        Some([]) => true,
        Some([only]) => only.as_object().is_some_and(|entry| entry.is_empty()),
        _ => false,
    }
}

/// Gives what changed between `live` and `new` to the request's manager, or to `other` as an update.
pub(super) fn track(
    live: Option<&Value>,
    new: &Value,
    mut managed: Managed,
    request: &Request<'_>,
    other: Option<&str>,
) -> Result<Managed, String> {
    let of = request.type_of()?;
    let empty = json!({ "apiVersion": request.api_version, "kind": request.kind });
    let live = typed(live.or(request.empty).unwrap_or(&empty), &of)?;
    let new = typed(new, &of)?;
    let mut id = request.id(Operation::Update);
    if let Some(other) = other {
        id.manager = other.to_owned();
    }
    // Not the manager itself, so that its time moves only when it got something new.
    let current = ManagerId { manager: "current-operation".into(), ..id.clone() };
    let conversion = Conversion(request.versions);
    let updater = Updater { converter: &conversion, ignored: request.reset };
    let fields = std::mem::take(&mut managed.fields);
    managed.fields =
        updater.update(&live, &new, request.api_version, fields, &current).map_err(|error| error.to_string())?;
    strip(&mut managed, &current);
    if let Some(mut owned) = managed.fields.remove(&current) {
        if let Some(previous) = managed.fields.get(&id) {
            owned.set = owned.set.union(&previous.set);
        }
        managed.times.insert(id.clone(), request.now.to_owned());
        managed.fields.insert(id, owned);
    }
    Ok(managed)
}

/// The object as ownership sees it, without its own `managedFields`.
fn typed<'a>(object: &'a Value, of: &TypeRef) -> Result<Typed<'a>, String> {
    let mut value = Cow::Borrowed(object);
    if managed_fields(object).is_some() {
        value = Cow::Owned(copy_without_managed_fields(object));
    }
    if std::sync::Arc::ptr_eq(of.schema(), flux_schema::builtin()) {
        fill_zero(value.to_mut(), of);
    }
    validate(&value, of, Duplicates::Allowed).map_err(|error| error.to_string())?;
    Ok(Typed::unchecked(value, of.clone()))
}

/// Folds the oldest updaters of each version into one entry until there are few enough.
fn fold(managed: &mut Managed) {
    let updaters = managed.fields.iter().filter(|(_, owned)| !owned.applied);
    let mut updaters: Vec<(Option<String>, ManagerId)> =
        updaters.map(|(id, _)| (managed.times.get(id).cloned(), id.clone())).collect();
    if updaters.len() <= MAX_UPDATERS {
        return;
    }
    updaters.sort();
    let mut count = updaters.len();
    let mut first_of: BTreeMap<String, ManagerId> = BTreeMap::new();
    for (time, id) in updaters {
        if count <= MAX_UPDATERS {
            break;
        }
        let Some(owned) = managed.fields.get(&id).cloned() else { continue };
        let version = owned.api_version.clone();
        let Some(first) = first_of.get(&version) else {
            first_of.insert(version, id);
            continue;
        };
        let bucket = ManagerId {
            manager: FOLDED.into(),
            operation: Operation::Update,
            api_version: version,
            subresource: String::new(),
        };
        if !managed.fields.contains_key(&bucket)
            && let Some(earlier) = managed.fields.remove(first)
        {
            managed.fields.insert(bucket.clone(), earlier);
        }
        if id != bucket {
            managed.fields.remove(&id);
        }
        if let Some(kept) = managed.fields.get_mut(&bucket) {
            kept.set = kept.set.union(&owned.set);
        }
        count -= 1;
        match time {
            Some(time) => managed.times.insert(bucket, time),
            None => managed.times.remove(&bucket),
        };
    }
}
