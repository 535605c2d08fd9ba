//! Partial views of objects: metadata only, or a Table.

use serde_json::{Map, Value, json};

use crate::negotiate::View;
use crate::resources::Resource;
use crate::status::ApiError;
use crate::table;

fn meta_version(beta: bool) -> &'static str {
    if beta { "meta.k8s.io/v1beta1" } else { "meta.k8s.io/v1" }
}

/// One object in the view asked for.
pub(crate) fn one(
    resource: &Resource,
    value: Value,
    view: View,
    headers: table::Headers,
    include: table::Include,
) -> Result<Value, ApiError> {
    match view {
        View::Whole => Ok(value),
        View::Partial { beta } => Ok(partial_of(resource, &value, beta)),
        View::PartialList { .. } => {
            let package = match resource.group.split('.').next() {
                _ if resource.custom().is_some() => "unstructured.Unstructured".to_owned(),
                Some("") | None => format!("core.{}", resource.kind),
                Some(group) => format!("{group}.{}", resource.kind),
            };
            Err(ApiError::not_acceptable_object(&format!(
                "you requested PartialObjectMetadataList, but the requested object is not a list (*{package})"
            )))
        }
        View::Table { beta } => {
            let version = value.pointer("/metadata/resourceVersion").cloned().unwrap_or(json!(""));
            Ok(table::table(
                resource,
                &[value],
                meta_version(beta),
                json!({"resourceVersion": version}),
                headers,
                include,
            ))
        }
    }
}

/// `PartialObjectMetadata` of an object of a resource: upstream's internal form of a DaemonSet has no room for one note.
pub(crate) fn partial_of(resource: &Resource, value: &Value, beta: bool) -> Value {
    let mut shown = partial(value, beta);
    if resource.is("apps", "daemonsets")
        && let Some(notes) = shown.pointer_mut("/metadata/annotations").and_then(Value::as_object_mut)
    {
        notes.remove("deprecated.daemonset.template.generation");
        if notes.is_empty() {
            crate::object::meta_mut(&mut shown).remove("annotations");
        }
    }
    shown
}

/// `PartialObjectMetadata` of an object.
pub(crate) fn partial(value: &Value, beta: bool) -> Value {
    let metadata = value.get("metadata").cloned().unwrap_or_else(|| json!({}));
    json!({"kind": "PartialObjectMetadata", "apiVersion": meta_version(beta), "metadata": metadata})
}

/// A whole list in the view asked for.
pub(crate) fn list(
    resource: &Resource,
    items: Vec<Value>,
    meta: Map<String, Value>,
    view: View,
    headers: table::Headers,
    include: table::Include,
) -> Result<Value, ApiError> {
    let meta = Value::Object(meta);
    Ok(match view {
        View::Whole => {
            let mut meta = meta;
            if resource.custom().is_some() && meta.get("continue").is_none() {
                meta["continue"] = "".into();
            }
            json!({"kind": resource.list_kind, "apiVersion": resource.api_version(), "metadata": meta, "items": items})
        }
        View::PartialList { beta } => {
            let items: Value = if items.is_empty() {
                Value::Null
            } else {
                items.iter().map(|item| partial_of(resource, item, beta)).collect()
            };
            json!({"kind": "PartialObjectMetadataList", "apiVersion": meta_version(beta), "metadata": meta, "items": items})
        }
        View::Partial { .. } if resource.custom().is_none() => {
            let group = resource.group.split('.').next().filter(|group| !group.is_empty()).unwrap_or("core");
            return Err(ApiError::not_acceptable_object(&format!(
                "you requested PartialObjectMetadata, but the requested object is a list (*{group}.{})",
                resource.list_kind
            )));
        }
        View::Partial { .. } => {
            return Err(ApiError::not_acceptable(
                "application/json, application/yaml, application/vnd.kubernetes.protobuf",
            ));
        }
        View::Table { beta } => table::table(resource, &items, meta_version(beta), meta, headers, include),
    })
}
