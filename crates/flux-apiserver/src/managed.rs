//! `metadata.managedFields`: who set what. The rules are `flux-merge`'s; here are the types and resets of each kind.

use std::sync::LazyLock;

use flux_merge::fieldpath::Set;
use flux_merge::managed_fields::{self, ApplyError, Request, Versions};
use flux_merge::updater::ConvertError;
use flux_schema::TypeRef;
use serde_json::Value;

use crate::conversion;
use crate::object::{now, text};
use crate::resources::{Origin, Resource, built_ins};
use crate::rest::Part;
use crate::status::{ApiError, Cause};
use crate::typed::GoKind;

/// The versions of a resource as structured merge sees them.
struct Kinds<'a>(&'a Resource);

impl Versions for Kinds<'_> {
    fn type_of(&self, api_version: &str) -> Option<TypeRef> {
        type_in(self.0, api_version)
    }

    fn convert(&self, object: &Value, api_version: &str) -> Result<Value, ConvertError> {
        if self.type_of(api_version).is_none() {
            return Err(ConvertError::MissingVersion(api_version.to_owned()));
        }
        let mut object = object.clone();
        let from = text(&object, "apiVersion").to_owned();
        if self.0.custom().is_none() && from != api_version {
            if let Some(source) = sibling(self.0, &from) {
                conversion::to_stored(source, &mut object);
            }
            if let Some(target) = sibling(self.0, api_version) {
                conversion::from_stored(target, &mut object);
            }
        }
        if let Some(map) = object.as_object_mut() {
            map.insert("apiVersion".into(), api_version.into());
        }
        Ok(object)
    }
}

/// A built-in resource of the same store in another version, when that one needs conversion.
fn sibling(resource: &Resource, api_version: &str) -> Option<&'static Resource> {
    let found = built_ins().iter().find(|other| other.table == resource.table && other.api_version() == api_version)?;
    (found.stored_as != api_version).then_some(found.as_ref())
}

/// The type of a resource in one of its versions.
fn type_in(resource: &Resource, api_version: &str) -> Option<TypeRef> {
    match &resource.origin {
        Origin::BuiltIn(_) => {
            let other =
                built_ins().iter().find(|other| other.table == resource.table && other.api_version() == api_version)?;
            flux_schema::schema_for(&other.group, &other.version, &other.kind)
        }
        Origin::Custom { definition, .. } => definition.type_of(api_version),
    }
}

/// The type of a resource in its own version.
pub(crate) fn type_of(resource: &Resource) -> Option<TypeRef> {
    type_in(resource, &resource.api_version())
}

static STATUS: LazyLock<Set> = LazyLock::new(|| Set::of_fields(&[&["status"]]));
static SPEC: LazyLock<Set> = LazyLock::new(|| Set::of_fields(&[&["spec"]]));
static SPEC_AND_META: LazyLock<Set> = LazyLock::new(|| Set::of_fields(&[&["spec"], &["metadata"]]));
static SPEC_AND_LABELS: LazyLock<Set> = LazyLock::new(|| Set::of_fields(&[&["spec"], &["metadata", "labels"]]));
static POD_STATUS: LazyLock<Set> = LazyLock::new(|| {
    Set::of_fields(&[&["spec"], &["metadata", "deletionTimestamp"], &["metadata", "ownerReferences"]])
});

/// The fields that a write of this part resets, so that nobody gets to own them.
fn resets(resource: &Resource, part: Part) -> Option<&'static Set> {
    match part {
        Part::Main => resource.has_status().then(|| &*STATUS),
        Part::Status if resource.custom().is_some() => Some(&SPEC_AND_META),
        Part::Status => Some(match (resource.group.as_str(), resource.plural.as_str()) {
            ("apps", "deployments") => &SPEC_AND_LABELS,
            ("", "pods") => &POD_STATUS,
            ("networking.k8s.io", "servicecidrs")
            | (
                "resource.k8s.io"
                | "flowcontrol.apiserver.k8s.io"
                | "apiextensions.k8s.io"
                | "admissionregistration.k8s.io",
                _,
            ) => &SPEC_AND_META,
            _ => &SPEC,
        }),
    }
}

fn with_request<T>(resource: &Resource, manager: &str, part: Part, run: impl FnOnce(&Request<'_>) -> T) -> T {
    let api_version = resource.api_version();
    let now = now();
    let kinds = Kinds(resource);
    let reset = |_: &str| resets(resource, part);
    // A new object is compared with what its Go type is when empty, so that nobody owns what is always there.
    let empty = match &resource.origin {
        Origin::BuiltIn(kind) => empty_object(resource, *kind),
        Origin::Custom { .. } => None,
    };
    run(&Request {
        manager,
        api_version: &api_version,
        kind: &resource.kind,
        subresource: part.subresource(),
        now: &now,
        versions: &kinds,
        reset: &reset,
        empty: empty.as_ref(),
    })
}

/// Records a create, update or plain patch of `manager`.
pub(crate) fn after_write(resource: &Resource, old: Option<&Value>, new: &mut Value, manager: &str, part: Part) {
    let given = std::mem::take(new);
    *new = with_request(resource, manager, part, |request| managed_fields::update(old, given, request));
}

fn empty_object(resource: &Resource, kind: GoKind) -> Option<Value> {
    let mut empty = crate::typed::shape(kind, serde_json::json!({})).ok()?.value;
    let members = empty.as_object_mut()?;
    members.insert("apiVersion".into(), resource.api_version().into());
    members.insert("kind".into(), resource.kind.clone().into());
    Some(empty)
}

/// The object that an apply makes of the live one.
pub(crate) fn apply(
    resource: &Resource,
    live: Option<&Value>,
    applied: &Value,
    manager: &str,
    force: bool,
    part: Part,
) -> Result<Value, ApiError> {
    let merged = with_request(resource, manager, part, |request| managed_fields::apply(live, applied, force, request));
    merged.map_err(failure)
}

fn failure(error: ApplyError) -> ApiError {
    match error {
        ApplyError::Conflict(conflict) => {
            let causes = conflict.causes.into_iter().map(|cause| Cause {
                reason: "FieldManagerConflict".into(),
                message: cause.message,
                field: cause.field,
            });
            ApiError::apply_conflict(conflict.message, causes.collect())
        }
        other => other_failure(&other),
    }
}

fn other_failure(error: &ApplyError) -> ApiError {
    match error {
        ApplyError::ManagedFields | ApplyError::WrongKind(_) => ApiError::bad_request(error.to_string()),
        _ => ApiError::bare(error.to_string()),
    }
}

/// As [`apply`], for the scale of an object.
pub(crate) fn apply_scale(live: &Value, applied: &Value, manager: &str, force: bool) -> Result<Value, ApiError> {
    with_scale(manager, |request| managed_fields::apply(Some(live), applied, force, request)).map_err(failure)
}

/// As [`after_write`], for the scale of an object.
pub(crate) fn after_scale(live: &Value, new: &mut Value, manager: &str) {
    let given = std::mem::take(new);
    *new = with_scale(manager, |request| managed_fields::update(Some(live), given, request));
}

fn with_scale<T>(manager: &str, run: impl FnOnce(&Request<'_>) -> T) -> T {
    const API_VERSION: &str = "autoscaling/v1";
    let of = flux_schema::schema_for("autoscaling", "v1", "Scale").unwrap_or_else(flux_schema::deduced);
    let versions = managed_fields::SameObject::one(API_VERSION, of);
    let now = now();
    run(&Request {
        manager,
        api_version: API_VERSION,
        kind: "Scale",
        subresource: "scale",
        now: &now,
        versions: &versions,
        reset: &managed_fields::reset_nothing,
        empty: None,
    })
}

/// Records what one of the server's own controllers applied: it owns what it changed.
pub(crate) fn after_apply(resource: &Resource, old: &Value, new: &mut Value, manager: &str) {
    let mut applied = serde_json::json!({
        "apiVersion": resource.api_version(), "kind": resource.kind,
        "metadata": {"name": old["metadata"]["name"]},
    });
    applied["rules"] = new["rules"].clone();
    if let Ok(merged) = apply(resource, Some(old), &applied, manager, true, Part::Main) {
        *new = merged;
    }
}

/// Times of entries that did not change otherwise stay as they were.
pub(crate) fn forget_idle_times(old: &Value, new: &mut Value) {
    managed_fields::keep_times(old, new);
}

/// Records who asked for a token.
pub(crate) fn after_token(object: &mut Value, manager: &str) {
    let Some(of) = flux_schema::schema_for("authentication.k8s.io", "v1", "TokenRequest") else { return };
    let now = now();
    let given = std::mem::take(object);
    let empty = crate::typed::kind_of("authentication.k8s.io", "v1", "TokenRequest")
        .and_then(|kind| crate::typed::shape(kind, serde_json::json!({})).ok())
        .map(|shaped| {
            let mut empty = shaped.value;
            empty["apiVersion"] = "authentication.k8s.io/v1".into();
            empty["kind"] = "TokenRequest".into();
            empty
        });
    *object = managed_fields::update(
        empty.as_ref(),
        given,
        &Request {
            manager,
            api_version: "authentication.k8s.io/v1",
            kind: "TokenRequest",
            subresource: "token",
            now: &now,
            versions: &managed_fields::SameObject::one("authentication.k8s.io/v1", of),
            reset: &managed_fields::reset_nothing,
            empty: None,
        },
    );
}
