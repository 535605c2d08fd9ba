//! Server-side apply on whole objects: `metadata.managedFields` in, `metadata.managedFields` out.
//!
//! [`apply`] and [`update`] do what kube-apiserver's field manager does around structured merge: they leave the
//! object's identity out of ownership, keep a manager's time while its set stays, fold the oldest of more than ten
//! updaters into `ancient-changes`, give an object's fields to `before-first-apply` when it is first applied, and keep
//! kubectl's last-applied annotation in step.

mod apply;
mod conflict;
mod entry;
mod scale;
#[cfg(test)]
mod tests;
mod times;
mod update;

use flux_schema::TypeRef;
use serde_json::Value;

use crate::fieldpath::Set;
use crate::typed::{Duplicates, Typed};
use crate::updater::{ConvertError, Converter};

pub use apply::{ApplyError, apply};
pub use conflict::{Cause, ConflictError};
pub use entry::{DecodeError, Managed, ManagerId, Operation};
pub use scale::{scale_to_parent, scale_to_subresource};
pub use times::keep_times;
pub use update::update;

/// The versions of a kind, and the way between them.
pub trait Versions {
    /// The type in `api_version`, such as `apps/v1`; `None` when that is not served.
    fn type_of(&self, api_version: &str) -> Option<TypeRef>;

    /// The object in `api_version`.
    fn convert(&self, object: &Value, api_version: &str) -> Result<Value, ConvertError>;
}

/// A kind whose versions differ in their `apiVersion` alone, or that has one version.
#[derive(Debug, Clone)]
pub struct SameObject {
    /// `apiVersion` and type of each.
    pub versions: Vec<(String, TypeRef)>,
}

impl SameObject {
    pub fn one(api_version: impl Into<String>, of: TypeRef) -> Self {
        Self { versions: vec![(api_version.into(), of)] }
    }
}

impl Versions for SameObject {
    fn type_of(&self, api_version: &str) -> Option<TypeRef> {
        self.versions.iter().find(|(own, _)| own == api_version).map(|(_, of)| of.clone())
    }

    fn convert(&self, object: &Value, api_version: &str) -> Result<Value, ConvertError> {
        if self.type_of(api_version).is_none() {
            return Err(ConvertError::MissingVersion(api_version.to_owned()));
        }
        let mut object = object.clone();
        if let Some(members) = object.as_object_mut() {
            members.insert("apiVersion".into(), api_version.into());
        }
        Ok(object)
    }
}

/// A write, as far as ownership is concerned.
pub struct Request<'a> {
    /// The `fieldManager`; `unknown` when empty.
    pub manager: &'a str,
    /// The version of the request, such as `apps/v1`; objects are given in this version.
    pub api_version: &'a str,
    pub kind: &'a str,
    /// Empty for the main resource.
    pub subresource: &'a str,
    /// The time of the write, RFC 3339 in whole seconds and UTC.
    pub now: &'a str,
    pub versions: &'a dyn Versions,
    /// Per version, the fields that this endpoint resets, so that nobody gets to own them: `status` for the main resource
    /// of a kind with a status, everything else for the status.
    pub reset: &'a dyn Fn(&str) -> Option<&'a Set>,
    /// The object before anything is written, where that is more than `apiVersion` and `kind`: a Go struct has
    /// fields that nobody wrote and nobody owns.
    pub empty: Option<&'a Value>,
}

/// Says that an endpoint resets nothing.
pub fn reset_nothing<'a>(_: &str) -> Option<&'a Set> {
    None
}

impl Request<'_> {
    fn type_of(&self) -> Result<TypeRef, String> {
        self.versions
            .type_of(self.api_version)
            .ok_or_else(|| format!("no corresponding type for {}", kind_text(self.api_version, self.kind)))
    }

    fn id(&self, operation: Operation) -> ManagerId {
        let manager = if self.manager.is_empty() { "unknown" } else { self.manager };
        ManagerId {
            manager: manager.to_owned(),
            operation,
            api_version: if operation == Operation::Apply { String::new() } else { self.api_version.to_owned() },
            subresource: self.subresource.to_owned(),
        }
    }

    /// An object in words, as errors name it: `default/web; apps/v1, Kind=Deployment`.
    fn named(&self, object: &Value) -> String {
        let text = |key: &str| object.pointer(key).and_then(Value::as_str).unwrap_or_default();
        let (namespace, name) = (text("/metadata/namespace"), text("/metadata/name"));
        format!("{namespace}/{name}; {}", kind_text(text("/apiVersion"), text("/kind")))
    }
}

/// As Go prints a kind; the core group is empty: `/v1, Kind=Pod`.
fn kind_text(api_version: &str, kind: &str) -> String {
    let slash = if api_version.contains('/') { "" } else { "/" };
    format!("{slash}{api_version}, Kind={kind}")
}

/// Structured merge's view of [`Versions`].
struct Conversion<'a>(&'a dyn Versions);

impl Converter for Conversion<'_> {
    fn convert<'a>(&self, object: &'a Typed<'_>, api_version: &str) -> Result<Typed<'a>, ConvertError> {
        if object.value.get("apiVersion").and_then(Value::as_str) == Some(api_version) {
            return Ok(object.borrow());
        }
        let missing = || ConvertError::MissingVersion(api_version.to_owned());
        let of = self.0.type_of(api_version).ok_or_else(missing)?;
        let converted = self.0.convert(&object.value, api_version)?;
        Typed::owned(converted, of, Duplicates::Refused).map_err(|error| ConvertError::Failed(error.to_string()))
    }
}

fn managed_fields(object: &Value) -> Option<&Value> {
    object.get("metadata")?.get("managedFields")
}

fn without_managed_fields(mut object: Value) -> Value {
    if let Some(Value::Object(metadata)) = object.get_mut("metadata") {
        metadata.remove("managedFields");
    }
    object
}

/// A copy without the entries, which are often the larger half.
fn copy_without_managed_fields(object: &Value) -> Value {
    let Value::Object(members) = object else { return object.clone() };
    let copy = |(key, value): (&String, &Value)| {
        let value = match value {
            Value::Object(metadata) if key == "metadata" => {
                let kept = metadata.iter().filter(|(key, _)| *key != "managedFields");
                Value::Object(kept.map(|(key, value)| (key.clone(), value.clone())).collect())
            }
            other => other.clone(),
        };
        (key.clone(), value)
    };
    Value::Object(members.iter().map(copy).collect())
}

fn with_managed_fields(mut object: Value, managed: &Managed) -> Value {
    let entries = managed.encode();
    if let Some(members) = object.as_object_mut() {
        let metadata = members.entry("metadata").or_insert_with(|| Value::Object(Default::default()));
        if let Value::Object(metadata) = metadata {
            match entries {
                Some(entries) => metadata.insert("managedFields".into(), entries),
                None => metadata.remove("managedFields"),
            };
        }
    }
    object
}

/// Takes the object's identity out of what a manager owns; a manager that owns nothing else goes.
fn strip(managed: &mut Managed, manager: &ManagerId) {
    static IDENTITY: std::sync::LazyLock<Set> = std::sync::LazyLock::new(|| {
        Set::of_fields(&[
            &["apiVersion"],
            &["kind"],
            &["metadata"],
            &["metadata", "name"],
            &["metadata", "namespace"],
            &["metadata", "creationTimestamp"],
            &["metadata", "selfLink"],
            &["metadata", "uid"],
            &["metadata", "clusterName"],
            &["metadata", "generation"],
            &["metadata", "managedFields"],
            &["metadata", "resourceVersion"],
        ])
    });
    if let Some(owned) = managed.fields.get_mut(manager) {
        owned.set = owned.set.difference(&IDENTITY);
        if owned.set.is_empty() {
            managed.fields.remove(manager);
        }
    }
}
