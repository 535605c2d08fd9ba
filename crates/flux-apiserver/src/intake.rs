//! Request bodies: parsed, checked against their kind, defaulted.

use serde_json::{Map, Value};

use crate::crd;
use crate::object::{meta_mut, section, split_api_version, text};
use crate::request::Ask;
use crate::resources::{Origin, Resource};
use crate::status::{ApiError, go_quote};
use crate::typed::{self, GoKind, ProtobufError};
use crate::{json, status::go_json};

/// How unknown and duplicate fields are met.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Strictness {
    Ignore,
    Warn,
    Strict,
}

/// Reads `fieldValidation`; its value was checked with the other options.
pub(crate) fn strictness(ask: &Ask) -> Strictness {
    match ask.query.get("fieldValidation") {
        Some("Ignore") => Strictness::Ignore,
        Some("Strict") => Strictness::Strict,
        _ => Strictness::Warn,
    }
}

/// What went wrong with a document's shape.
#[derive(Default)]
pub(crate) struct Findings(pub Vec<String>);

impl Findings {
    /// Turns findings into warnings, or into upstream's strict error.
    pub fn settle(self, ask: &mut Ask, strictness: Strictness) -> Result<(), String> {
        match strictness {
            _ if self.0.is_empty() => Ok(()),
            Strictness::Ignore => Ok(()),
            Strictness::Warn => {
                self.0.into_iter().for_each(|text| ask.warn(text));
                Ok(())
            }
            Strictness::Strict => Err(format!("strict decoding error: {}", self.0.join(", "))),
        }
    }
}

const MEDIA_TYPES: &str = "application/json, application/yaml, application/vnd.kubernetes.protobuf";

/// The body as JSON, whatever its encoding.
pub(crate) fn body_json(ask: &Ask) -> Result<Vec<u8>, ApiError> {
    let content_type = ask.header("content-type").split(';').next().unwrap_or("").trim();
    match content_type {
        "" | "application/json" | "*/*" => Ok(ask.body.to_vec()),
        "application/yaml" => {
            let text = String::from_utf8_lossy(&ask.body);
            let value = flux_yaml::yaml_to_json(&text).map_err(|error| ApiError::bad_request(error.to_string()))?;
            Ok(go_json(&value).into_bytes())
        }
        "application/vnd.kubernetes.protobuf" => {
            let value = typed::protobuf_to_json(&ask.body).map_err(|error| match error {
                ProtobufError::UnknownKind { .. } => ApiError::unsupported_media_type(MEDIA_TYPES),
                other => ApiError::bad_request(other.to_string()),
            })?;
            Ok(go_json(&value).into_bytes())
        }
        _ => Err(ApiError::unsupported_media_type(MEDIA_TYPES)),
    }
}

/// What a strict reader has to say about a YAML body.
fn yaml_complaint(ask: &Ask) -> Option<String> {
    let yaml = ask.header("content-type").split(';').next().unwrap_or("").trim() == "application/yaml";
    let text = yaml.then(|| String::from_utf8_lossy(&ask.body))?;
    flux_yaml::yaml_to_json_strict(&text).err().map(|error| error.to_string())
}

/// Reads the object of a create or update.
pub(crate) fn read_object(ask: &mut Ask, resource: &Resource) -> Result<Value, ApiError> {
    let bytes = body_json(ask)?;
    let parsed = json::parse(&bytes).map_err(|error| no_document(&bytes, &error, resource))?;
    let mut value = parsed.value;
    check_kind(&mut value, resource)?;
    let mut findings = Findings::default();
    findings.0.extend(yaml_complaint(ask));
    let value = into_shape(value, resource, &bytes, &parsed.duplicates, &mut findings)
        .map_err(|text| cannot_handle(resource, &text))?;
    let strictness = strictness(ask);
    findings.settle(ask, strictness).map_err(|text| cannot_handle(resource, &text))?;
    Ok(defaulted(value, resource))
}

fn no_document(bytes: &[u8], error: &serde_json::Error, resource: &Resource) -> ApiError {
    let text = json::go_syntax_error(bytes, error);
    match &resource.origin {
        Origin::BuiltIn(_) => {
            let kind = &resource.kind;
            let text = format!("couldn't get version/kind; json parse error: {text}");
            ApiError::bad_request(format!(
                "{kind} in version {} cannot be handled as a {kind}: {text}",
                go_quote(&resource.version)
            ))
        }
        Origin::Custom { .. } => ApiError::bad_request(text),
    }
}

/// `KIND in version "V" cannot be handled as a KIND: TEXT`.
pub(crate) fn cannot_handle(resource: &Resource, text: &str) -> ApiError {
    let kind = &resource.kind;
    ApiError::bad_request(format!(
        "{kind} in version {} cannot be handled as a {kind}: {text}",
        go_quote(&resource.version)
    ))
}

fn check_kind(value: &mut Value, resource: &Resource) -> Result<(), ApiError> {
    let Value::Object(map) = value else {
        return Err(cannot_handle(
            resource,
            "couldn't get version/kind; json parse error: json: cannot unmarshal array into Go value of type struct { APIVersion string \"json:\\\"apiVersion,omitempty\\\"\"; Kind string \"json:\\\"kind,omitempty\\\"\" }",
        ));
    };
    let custom = resource.custom().is_some();
    let missing = |map: &Map<String, Value>, key: &str| map.get(key).and_then(Value::as_str).is_none_or(str::is_empty);
    if custom && missing(map, "kind") {
        let text = format!("Object 'Kind' is missing in '{}'", go_json(&Value::Object(map.clone())));
        return Err(ApiError::bad_request(text));
    }
    if missing(map, "apiVersion") {
        map.insert("apiVersion".into(), resource.api_version().into());
    }
    if missing(map, "kind") {
        map.insert("kind".into(), resource.kind.clone().into());
    }
    let (given_version, given_kind) = (text(value, "apiVersion").to_owned(), text(value, "kind").to_owned());
    if given_version != resource.api_version() {
        let text = format!(
            "the API version in the data ({given_version}) does not match the expected API version ({})",
            resource.api_version()
        );
        return Err(ApiError::bad_request(text));
    }
    if given_kind != resource.kind {
        return Err(wrong_kind(&given_version, &given_kind, resource));
    }
    Ok(())
}

fn wrong_kind(version: &str, kind: &str, resource: &Resource) -> ApiError {
    let (group, short) = split_api_version(version);
    if typed::kind_of(group, short, kind).is_some() || resource.custom().is_some() {
        let text = format!("the kind in the data ({kind}) does not match the expected kind ({})", resource.kind);
        return ApiError::bad_request(text);
    }
    let text = format!(
        "{kind} in version {} cannot be handled as a {}: no kind {} is registered for version {} in scheme \"pkg/api/legacyscheme/scheme.go:30\"",
        go_quote(short),
        resource.kind,
        go_quote(kind),
        go_quote(version)
    );
    ApiError::bad_request(text)
}

/// Brings a document into the shape of its kind; unknown fields become findings.
pub(crate) fn into_shape(
    value: Value,
    resource: &Resource,
    bytes: &[u8],
    duplicates: &[String],
    findings: &mut Findings,
) -> Result<Value, String> {
    let (value, mut unknown) = match &resource.origin {
        Origin::BuiltIn(kind) => shape_built_in(value, *kind, bytes)?,
        Origin::Custom { definition, version } => {
            let schema = &definition.versions[*version].schema;
            shape_custom(value, schema, definition.preserve_unknown)?
        }
    };
    let mut found: Vec<(usize, String)> = Vec::new();
    let several = unknown.len() + duplicates.len() > 1;
    if resource.custom().is_some() {
        unknown.sort();
    }
    let order = if several && resource.custom().is_none() { json::key_order(bytes) } else { Vec::new() };
    for path in duplicates {
        let at = order.iter().rposition(|known| known == path).unwrap_or(0);
        found.push((at, format!("duplicate field {}", go_quote(path))));
    }
    for path in &unknown {
        let at = order.iter().position(|known| known == path).unwrap_or(usize::MAX);
        found.push((at, format!("unknown field {}", go_quote(path))));
    }
    found.sort_by_key(|(at, _)| *at);
    findings.0.extend(found.into_iter().map(|(_, text)| text));
    Ok(value)
}

/// Misfits looked at when there are several.
const MISFITS_MAX: usize = 16;

fn shape_built_in(value: Value, kind: GoKind, bytes: &[u8]) -> Result<(Value, Vec<String>), String> {
    match typed::shape(kind, value) {
        Ok(shaped) => Ok((shaped.value, shaped.unknown)),
        Err(misfit) => Err(first_misfit(misfit, kind, bytes)),
    }
}

/// The misfit that comes first in the document, as Go's decoder reads it from front to back.
fn first_misfit(first: typed::Misfit, kind: GoKind, bytes: &[u8]) -> String {
    let Ok(mut document) = json::parse(bytes).map(|parsed| parsed.value) else { return first.0 };
    let order = json::key_order(bytes);
    let rank = |misfit: &typed::Misfit| {
        let place = misfit.1.text();
        order.iter().position(|known| *known == place).unwrap_or(usize::MAX)
    };
    let mut found = vec![first];
    while found.len() < MISFITS_MAX {
        if let Some(last) = found.last() {
            last.1.clear(&mut document);
        }
        match typed::shape(kind, document.clone()) {
            Err(misfit) if !found.contains(&misfit) => found.push(misfit),
            _ => break,
        }
    }
    found.into_iter().min_by_key(rank).map(|misfit| misfit.0).unwrap_or_default()
}

fn shape_custom(mut value: Value, schema: &Value, preserve: bool) -> Result<(Value, Vec<String>), String> {
    let mut unknown = Vec::new();
    let given = value.get("metadata").cloned().unwrap_or(Value::Object(Map::new()));
    let shaped = typed::shape(typed::object_meta(), given).map_err(|misfit| misfit.0)?;
    unknown.extend(shaped.unknown.into_iter().map(|path| format!("metadata.{path}")));
    section(&mut value, "metadata");
    value["metadata"] = shaped.value;
    if !preserve {
        crd::prune(&mut value, schema, &mut unknown);
    }
    crd::embedded_metadata(&mut value, schema, &mut unknown)?;
    Ok((value, unknown))
}

/// What becomes of nulls where a custom resource's schema wants none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Nulls {
    Dropped,
    Kept,
}

/// Fills the defaults of an object's kind.
pub(crate) fn defaulted(value: Value, resource: &Resource) -> Value {
    defaulted_with(value, resource, Nulls::Dropped)
}

/// As [`defaulted`], with a word on nulls.
pub(crate) fn defaulted_with(mut value: Value, resource: &Resource, nulls: Nulls) -> Value {
    match &resource.origin {
        Origin::BuiltIn(_) => {
            crate::defaulting::apply_defaults(&resource.group, &resource.version, &resource.kind, &mut value);
            if resource.is("", "pods") {
                pod_addresses(&mut value);
            }
        }
        Origin::Custom { definition, version } => {
            let schema = &definition.versions[*version].schema;
            if nulls == Nulls::Dropped {
                crd::prune_nulls(&mut value, schema);
            }
            crd::apply_defaults(&mut value, schema);
        }
    }
    value
}

/// A pod's one address is the first of its list.
fn pod_addresses(pod: &mut Value) {
    let address = crate::object::text_at(pod, "/status/podIP").to_owned();
    if !address.is_empty() && crate::object::list_at(pod, "/status/podIPs").is_empty() {
        section(pod, "status").insert("podIPs".into(), serde_json::json!([{"ip": address}]));
    }
}

/// The form an object comes back in from the storage: custom ones lose what the stored version does not know.
pub(crate) fn as_stored(mut value: Value, resource: &Resource) -> Value {
    match &resource.origin {
        Origin::BuiltIn(kind) => typed::as_stored(*kind, value),
        Origin::Custom { definition, .. } => {
            if resource.api_version() != resource.stored_as
                && !definition.preserve_unknown
                && let Some(storage) = definition.versions.iter().find(|version| version.storage)
            {
                crd::prune(&mut value, &storage.schema, &mut Vec::new());
            }
            value
        }
    }
}

/// Makes name and namespace of body and path agree.
pub(crate) fn check_place(value: &mut Value, namespace: &str, resource: &Resource) -> Result<(), ApiError> {
    let given = text(&value["metadata"], "namespace").to_owned();
    if !resource.namespaced {
        meta_mut(value).remove("namespace");
        return Ok(());
    }
    if given.is_empty() {
        meta_mut(value).insert("namespace".into(), namespace.into());
    } else if given != namespace {
        return Err(ApiError::bad_request(
            "the namespace of the provided object does not match the namespace sent on the request",
        ));
    }
    Ok(())
}
