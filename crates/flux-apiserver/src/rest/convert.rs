//! Between stored bytes and served objects.
//!
//! Objects are stored without `apiVersion` and `kind`, in the storage version. So a list of a built-in kind
//! is the stored bytes side by side, as upstream leaves both fields out of list items.

use bytes::Bytes;
use flux_store::Entry;
use serde_json::Value;

use crate::crd;
use crate::object::meta_mut;
use crate::resources::{Origin, Resource};
use crate::status::{ApiError, go_json};

/// An object as a version serves it.
pub(crate) fn served(resource: &Resource, bytes: &[u8]) -> Result<Value, ApiError> {
    let mut value: Value = serde_json::from_slice(bytes)
        .map_err(|_| ApiError::internal(format!("a stored {} cannot be read", resource.kind)))?;
    if resource.api_version() != resource.stored_as {
        crate::conversion::from_stored(resource, &mut value);
    }
    if let Value::Object(map) = &mut value {
        map.insert("apiVersion".into(), resource.api_version().into());
        map.insert("kind".into(), resource.kind.clone().into());
    }
    if let Origin::BuiltIn(kind) = &resource.origin
        && resource.api_version() != resource.stored_as
    {
        value = crate::typed::as_stored(*kind, value);
    }
    if let Origin::Custom { definition, version } = &resource.origin {
        // Upstream's storage fills the defaults of the version it decodes; conversion fills none.
        if let Some(storage) = definition.versions.iter().find(|version| version.storage) {
            crd::apply_defaults(&mut value, &storage.schema);
        }
        if definition.versions.len() > 1 && !definition.preserve_unknown {
            crd::prune(&mut value, &definition.versions[*version].schema, &mut Vec::new());
        }
    }
    Ok(value)
}

/// Whether stored bytes can be sent as they are.
pub(crate) fn is_plain(resource: &Resource) -> bool {
    resource.custom().is_none() && resource.api_version() == resource.stored_as
}

/// Stored bytes with the two missing fields in front.
pub(crate) fn with_kind(resource: &Resource, bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len() + 64);
    out.extend_from_slice(b"{\"apiVersion\":\"");
    out.extend_from_slice(resource.api_version().as_bytes());
    out.extend_from_slice(b"\",\"kind\":\"");
    out.extend_from_slice(resource.kind.as_bytes());
    out.extend_from_slice(b"\",");
    out.extend_from_slice(bytes.strip_prefix(b"{").unwrap_or(bytes));
    out
}

/// The stored form of an object, at the revision that writes it.
pub(crate) fn stored(resource: &Resource, object: &Value, revision: u64) -> Bytes {
    let mut value = object.clone();
    if resource.api_version() != resource.stored_as {
        crate::conversion::to_stored(resource, &mut value);
    }
    if let Value::Object(map) = &mut value {
        map.remove("apiVersion");
        map.remove("kind");
    }
    meta_mut(&mut value).insert("resourceVersion".into(), revision.to_string().into());
    go_json(&value).into()
}

/// The object of an entry, at its revision.
pub(crate) fn of_entry(resource: &Resource, entry: &Entry) -> Result<Value, ApiError> {
    served(resource, &entry.value)
}
