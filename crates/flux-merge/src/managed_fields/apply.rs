//! Server-side apply.

use serde_json::{Value, json};

use super::conflict::ConflictError;
use super::entry::{DecodeError, Managed, Operation};
use super::update::track;
use super::{Conversion, Request, copy_without_managed_fields, kind_text, managed_fields, strip, with_managed_fields};
use crate::fieldpath::Set;
use crate::typed::{Duplicates, Typed};
use crate::updater::{Conflict, UpdateError, Updater};
use crate::value;

const BEFORE_FIRST_APPLY: &str = "before-first-apply";
const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";
/// The API server's bound on all annotations of an object, in bytes.
const MAX_ANNOTATIONS: usize = 256 * 1024;

/// Why an object was not applied.
#[derive(Debug, thiserror::Error)]
pub enum ApplyError {
    /// 409.
    #[error(transparent)]
    Conflict(#[from] ConflictError),
    /// 400.
    #[error("invalid object type: {0}")]
    WrongKind(String),
    /// 400.
    #[error("metadata.managedFields must be nil")]
    ManagedFields,
    /// 500.
    #[error("failed to decode managed fields: {0}")]
    Decode(#[from] DecodeError),
    /// 500: the applied object does not fit its type, or holds an item twice.
    #[error("failed to create typed patch object ({object}): {why}")]
    Patch { object: String, why: String },
    /// 500.
    #[error("failed to create typed live object ({object}): {why}")]
    Live { object: String, why: String },
    /// 500.
    #[error("failed to create manager for existing fields: {0}")]
    FirstApply(String),
    /// 500.
    #[error("{0}")]
    Merge(String),
}

/// The object to store, merged from `live` (`None` when it does not exist) and `applied`, with its `managedFields`.
///
/// The caller defaults and validates the result. When nothing changes, the result is the live object, its owners perhaps
/// aside; see [`super::keep_times`].
pub fn apply(live: Option<&Value>, applied: &Value, force: bool, request: &Request<'_>) -> Result<Value, ApplyError> {
    let text = |key: &str| applied.get(key).and_then(Value::as_str).unwrap_or_default();
    if text("apiVersion") != request.api_version || text("kind") != request.kind {
        return Err(ApplyError::WrongKind(kind_text(text("apiVersion"), text("kind"))));
    }
    if managed_fields(applied).is_some_and(|entries| !entries.is_null()) {
        return Err(ApplyError::ManagedFields);
    }
    let mut managed = Managed::decode(live.and_then(managed_fields))?;
    if let (Some(live), true) = (live, managed.fields.is_empty()) {
        managed = track(None, live, managed, request, Some(BEFORE_FIRST_APPLY)).map_err(ApplyError::FirstApply)?;
    }
    let empty = json!({ "apiVersion": request.api_version, "kind": request.kind });
    let stripped = live.map_or(empty, copy_without_managed_fields);
    let live = &stripped;
    let merged = match merge(live, applied, managed.clone(), force, request) {
        Err(Failure::Conflicts(conflicts)) if request.manager == "kubectl" => {
            let left = without_own(conflicts, live, request);
            if !left.is_empty() {
                return Err(ConflictError::new(&left).into());
            }
            merge(live, applied, managed, true, request)
        }
        other => other,
    };
    let (object, managed) = merged.map_err(|failure| match failure {
        Failure::Conflicts(conflicts) => ConflictError::new(&conflicts).into(),
        Failure::Other(error) => error,
    })?;
    let mut object = object.unwrap_or(stripped);
    if request.manager == "kubectl" {
        refresh_last_applied(&mut object, applied);
    }
    Ok(with_managed_fields(object, &managed))
}

enum Failure {
    Conflicts(Vec<Conflict<super::ManagerId>>),
    Other(ApplyError),
}

/// The merged object, or `None` when it is the live one.
fn merge(
    live: &Value,
    applied: &Value,
    mut managed: Managed,
    force: bool,
    request: &Request<'_>,
) -> Result<(Option<Value>, Managed), Failure> {
    let of = request.type_of().map_err(|why| Failure::Other(ApplyError::Merge(why)))?;
    let config = Typed::new(applied, of.clone(), Duplicates::Refused).map_err(|error| {
        Failure::Other(ApplyError::Patch { object: request.named(applied), why: error.to_string() })
    })?;
    let live_typed = Typed::new(live, of, Duplicates::Allowed)
        .map_err(|error| Failure::Other(ApplyError::Live { object: request.named(live), why: error.to_string() }))?;
    let id = request.id(Operation::Apply);
    let conversion = Conversion(request.versions);
    let updater = Updater { converter: &conversion, ignored: request.reset };
    let fields = std::mem::take(&mut managed.fields);
    let outcome = updater.apply(&live_typed, &config, request.api_version, fields, &id, force);
    let outcome = outcome.map_err(|error| match error {
        UpdateError::Conflicts(conflicts) => Failure::Conflicts(conflicts),
        other => Failure::Other(ApplyError::Merge(other.to_string())),
    })?;
    managed.fields = outcome.managers;
    strip(&mut managed, &id);
    if outcome.unchanged {
        return Ok((None, managed));
    }
    managed.times.insert(id, request.now.to_owned());
    Ok((Some(outcome.object), managed))
}

/// Conflicts on fields that kubectl's client-side apply wrote are kubectl's own.
fn without_own(
    conflicts: Vec<Conflict<super::ManagerId>>,
    live: &Value,
    request: &Request<'_>,
) -> Vec<Conflict<super::ManagerId>> {
    match client_side_fields(live, request) {
        Some(own) => conflicts.into_iter().filter(|conflict| !own.has(&conflict.path.0)).collect(),
        None => conflicts,
    }
}

/// The fields of the last-applied annotation whose values are still the live ones.
fn client_side_fields(live: &Value, request: &Request<'_>) -> Option<Set> {
    let text = last_applied(live).filter(|text| !text.is_empty())?;
    let last: Value = serde_json::from_str(text).ok()?;
    if last.get("apiVersion").and_then(Value::as_str) != Some(request.api_version) {
        return None;
    }
    let of = request.type_of().ok()?;
    let live = Typed::new(live, of.clone(), Duplicates::Refused).ok()?;
    let last = Typed::new(&last, of, Duplicates::Refused).ok()?;
    let fields = last.to_field_set().ok()?;
    let changes = last.compare(&live).ok()?;
    Some(fields.difference(&changes.modified).difference(&changes.added).difference(&changes.removed))
}

fn last_applied(object: &Value) -> Option<&str> {
    object.get("metadata")?.get("annotations")?.get(LAST_APPLIED)?.as_str()
}

/// Rewrites kubectl's annotation where the object has one, so that client-side apply can go on later.
fn refresh_last_applied(object: &mut Value, applied: &Value) {
    if last_applied(object).is_none_or(str::is_empty) {
        return;
    }
    let mut bare = applied.clone();
    if let Some(Value::Object(annotations)) = bare.pointer_mut("/metadata/annotations") {
        annotations.remove(LAST_APPLIED);
    }
    let mut text = String::new();
    value::write_json(&bare, &mut text);
    text.push('\n');
    if let Some(Value::Object(annotations)) = object.pointer_mut("/metadata/annotations") {
        annotations.insert(LAST_APPLIED.into(), text.into());
        let size: usize = annotations.iter().map(|(key, value)| key.len() + value.as_str().map_or(0, str::len)).sum();
        if size > MAX_ANNOTATIONS {
            annotations.remove(LAST_APPLIED);
        }
    }
}
