//! Patching objects.

use std::sync::Arc;

use flux_merge::PatchError;
use serde_json::Value;

use super::{Part, convert, options};
use crate::intake::{self, Findings};
use crate::object::{meta_text, name, text};
use crate::reply::{Reply, form_of};
use crate::request::Ask;
use crate::resources::Resource;
use crate::server::Shared;
use crate::status::{ApiError, FieldError, go_quote};
use crate::{json, managed, typed};

/// The patches that custom resources take.
const CUSTOM_PATCHES: &str = "application/json-patch+json, application/merge-patch+json, application/apply-patch+yaml";

/// The kinds of patches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Format {
    Json,
    Merge,
    Strategic,
    Apply,
}

pub(super) fn format_of(ask: &Ask, resource: &Resource) -> Result<Format, ApiError> {
    match ask.header("content-type").split(';').next().unwrap_or("").trim() {
        "application/json-patch+json" => Ok(Format::Json),
        "application/merge-patch+json" => Ok(Format::Merge),
        "application/strategic-merge-patch+json" if resource.custom().is_none() => Ok(Format::Strategic),
        "application/apply-patch+yaml" => Ok(Format::Apply),
        "application/strategic-merge-patch+json" => Err(ApiError::unsupported_media_type(CUSTOM_PATCHES)),
        _ => Err(ApiError::unsupported_patch()),
    }
}

impl Shared {
    pub(crate) async fn patch(
        self: &Arc<Self>,
        ask: &mut Ask,
        resource: &Arc<Resource>,
        part: Part,
    ) -> Result<Reply, ApiError> {
        let form = form_of(ask)?;
        let format = format_of(ask, resource)?;
        options::check(ask, if format == Format::Apply { options::Kind::Apply } else { options::Kind::Patch })?;
        if format == Format::Apply {
            return self.apply(ask, resource, part).await;
        }
        let (space, object_name) = (ask.target.namespace.clone(), ask.target.name.clone());
        let manager = ask.manager();
        for _ in 0..super::update::RETRIES {
            let entry = self.entry(resource, &space, &object_name).await?;
            let old = convert::of_entry(resource, &entry)?;
            let mut new = patched(ask, resource, format, &old)?;
            managed::after_write(resource, Some(&old), &mut new, &manager, part);
            let given = meta_text(&new, "resourceVersion");
            if !given.is_empty() && given != meta_text(&old, "resourceVersion") {
                return Err(ApiError::modified(&resource.group, &resource.plural, &object_name));
            }
            match self.replace(ask, resource, part, &entry, old, new).await {
                Ok(done) => return self.value_reply(200, resource, done, form),
                Err(error) if error.is_modified() => {}
                Err(error) => return Err(error),
            }
        }
        Err(ApiError::modified(&resource.group, &resource.plural, &object_name))
    }

    async fn apply(self: &Arc<Self>, ask: &mut Ask, resource: &Arc<Resource>, part: Part) -> Result<Reply, ApiError> {
        let form = form_of(ask)?;
        let applied = read_applied(ask, &resource.api_version(), &resource.kind)?;
        let (space, object_name) = (ask.target.namespace.clone(), ask.target.name.clone());
        let manager = ask.manager();
        let force = ask.query.flag("force").unwrap_or(false);
        for _ in 0..super::update::RETRIES {
            let key = resource.key(&space, &object_name);
            let Some(entry) = self.store.get(&resource.table, &key).await else {
                return self.apply_new(ask, resource, part, applied).await;
            };
            let old = convert::of_entry(resource, &entry)?;
            check_given(resource, &applied, &old)?;
            let merged = managed::apply(resource, Some(&old), &applied, &manager, force, part)?;
            let mut new = reshaped(ask, resource, merged, &Origin::Apply)?;
            check_place_and_name(ask, resource, &mut new)?;
            match self.replace(ask, resource, part, &entry, old, new).await {
                Ok(done) => return self.value_reply(200, resource, done, form),
                Err(error) if error.is_modified() && meta_text(&applied, "resourceVersion").is_empty() => {}
                Err(error) => return Err(error),
            }
        }
        Err(ApiError::modified(&resource.group, &resource.plural, &object_name))
    }

    async fn apply_new(
        self: &Arc<Self>,
        ask: &mut Ask,
        resource: &Arc<Resource>,
        part: Part,
        applied: Value,
    ) -> Result<Reply, ApiError> {
        let form = form_of(ask)?;
        if part != Part::Main {
            return Err(ApiError::not_found(&resource.group, &resource.plural, &ask.target.name));
        }
        let uid = meta_text(&applied, "uid");
        if !uid.is_empty() {
            let detail =
                format!("uid mismatch: the provided object specified uid {uid}, and no existing object was found");
            return Err(ApiError::conflict(&resource.group, &resource.plural, name(&applied), &detail));
        }
        let manager = ask.manager();
        let force = ask.query.flag("force").unwrap_or(false);
        let merged = managed::apply(resource, None, &applied, &manager, force, part)?;
        let mut new = reshaped(ask, resource, merged, &Origin::Apply)?;
        check_place_and_name(ask, resource, &mut new)?;
        ask.target.verb = "create".into();
        let created = self.insert(ask, resource, new).await?;
        self.value_reply(201, resource, created, form)
    }
}

/// Only the merged object must be at the place of the URL; what was applied may leave its namespace open.
fn check_place_and_name(ask: &Ask, resource: &Resource, new: &mut Value) -> Result<(), ApiError> {
    intake::check_place(new, &ask.target.namespace, resource)?;
    super::update::check_name(new, &ask.target.name)
}

/// A version or uid in the applied object must be the live one's.
fn check_given(resource: &Resource, applied: &Value, old: &Value) -> Result<(), ApiError> {
    let version = meta_text(applied, "resourceVersion");
    if !version.is_empty() && version != meta_text(old, "resourceVersion") {
        return Err(ApiError::modified(&resource.group, &resource.plural, name(old)));
    }
    let uid = meta_text(applied, "uid");
    if !uid.is_empty() && uid != meta_text(old, "uid") {
        let error = FieldError::invalid("metadata.uid", uid, "field is immutable");
        // Upstream checks metadata twice, by the kind's rules and by the common ones.
        return Err(ApiError::invalid(&resource.group, &resource.kind, name(old), &[error.clone(), error]));
    }
    Ok(())
}

/// The applied configuration, as YAML or JSON.
pub(super) fn read_applied(ask: &mut Ask, api_version: &str, wanted: &str) -> Result<Value, ApiError> {
    let (value, duplicates) = match json::parse(&ask.body) {
        Ok(parsed) => (parsed.value, parsed.duplicates),
        Err(_) => {
            let text = String::from_utf8_lossy(&ask.body).into_owned();
            let value = flux_yaml::yaml_to_json(&text).map_err(|error| {
                ApiError::bad_request(format!("error decoding YAML: error converting YAML to JSON: {error}"))
            })?;
            if let Err(error) = flux_yaml::yaml_to_json_strict(&text) {
                yaml_duplicates(ask, &error.to_string())?;
            }
            (value, Vec::new())
        }
    };
    if !value.is_object() {
        let found = match &value {
            Value::Array(_) => "array",
            Value::String(_) => "string",
            Value::Bool(_) => "bool",
            Value::Number(_) => "number",
            _ => "",
        };
        if !found.is_empty() {
            return Err(ApiError::bad_request(format!(
                "error decoding YAML: error unmarshaling JSON: while decoding JSON: json: cannot unmarshal {found} into Go value of type map[string]interface {{}}"
            )));
        }
    }
    if !duplicates.is_empty() {
        let findings = Findings(duplicates.iter().map(|path| format!("duplicate field {}", go_quote(path))).collect());
        let strictness = intake::strictness(ask);
        findings
            .settle(ask, strictness)
            .map_err(|text| ApiError::bad_request(format!("error decoding YAML: {text}")))?;
    }
    let (version, kind) = (text(&value, "apiVersion").to_owned(), text(&value, "kind").to_owned());
    if version.is_empty() || kind.is_empty() {
        let (group, short) = crate::object::split_api_version(&version);
        return Err(ApiError::bad_request(format!("invalid object type: {}/{}, Kind={kind}", group, short)));
    }
    if version != api_version || kind != wanted {
        let (group, short) = crate::object::split_api_version(&version);
        return Err(ApiError::bad_request(format!("invalid object type: {group}/{short}, Kind={kind}")));
    }
    Ok(value)
}

/// Keys that a YAML document holds twice: warnings, or a refusal when they must not be.
fn yaml_duplicates(ask: &mut Ask, complaint: &str) -> Result<(), ApiError> {
    match intake::strictness(ask) {
        intake::Strictness::Ignore => {}
        intake::Strictness::Strict => {
            let text = format!("error strict decoding YAML: error converting YAML to JSON: {complaint}");
            return Err(ApiError::bad_request(text));
        }
        intake::Strictness::Warn => {
            for line in complaint.lines().map(str::trim).filter(|line| line.contains("already set in map")) {
                ask.warn(line);
            }
        }
    }
    Ok(())
}

/// The patched object, in the shape of its kind and defaulted.
fn patched(ask: &mut Ask, resource: &Resource, format: Format, old: &Value) -> Result<Value, ApiError> {
    let merged = match format {
        Format::Merge => merge(ask, old)?,
        Format::Json => json_patch(ask, old)?,
        _ => strategic(ask, resource, old)?,
    };
    if name(&merged) != name(old) {
        let (given, url) = (name(&merged).to_owned(), name(old));
        if given.is_empty() {
            return Err(ApiError::bad_request(format!(
                "the name of the object ({url} based on URL) was undeterminable: name must be provided"
            )));
        }
        return Err(ApiError::bad_request(format!(
            "the name of the object ({given}) does not match the name on the URL ({url})"
        )));
    }
    let strategic = (format == Format::Strategic).then(|| decode(ask)).transpose()?;
    let origin = strategic.as_ref().map_or(Origin::Lazily(old), Origin::Strategic);
    let mut new = reshaped(ask, resource, merged, &origin)?;
    intake::check_place(&mut new, &ask.target.namespace, resource)?;
    Ok(new)
}

/// What made a merged object; errors about it quote different things.
enum Origin<'a> {
    Apply,
    /// A JSON or merge patch of this object.
    Lazily(&'a Value),
    /// This strategic patch.
    Strategic(&'a Value),
}

/// Brings a merged object into the shape of its kind and fills defaults.
fn reshaped(ask: &mut Ask, resource: &Resource, merged: Value, origin: &Origin<'_>) -> Result<Value, ApiError> {
    let mut findings = Findings::default();
    check_still_that_kind(resource, &merged, origin)?;
    let quoted = merged.clone();
    let shaped = intake::into_shape(merged, resource, &[], &[], &mut findings)
        .map_err(|text| unfit(resource, &quoted, origin, &text))?;
    let strictness = intake::strictness(ask);
    findings.settle(ask, strictness).map_err(|text| unfit(resource, &quoted, origin, &text))?;
    // An applied null is no less wrong for being no value; only documents that are decoded lose it.
    let nulls = if matches!(origin, Origin::Apply) { intake::Nulls::Kept } else { intake::Nulls::Dropped };
    Ok(intake::defaulted_with(shaped, resource, nulls))
}

/// A patch may not turn an object into one of another kind. Upstream decodes such a one as the kind it names.
fn check_still_that_kind(resource: &Resource, merged: &Value, origin: &Origin<'_>) -> Result<(), ApiError> {
    let (version, kind) = (text(merged, "apiVersion"), text(merged, "kind"));
    let same = |given: &str, own: &str| given.is_empty() || given == own;
    if resource.custom().is_some() || (same(version, &resource.api_version()) && same(kind, &resource.kind)) {
        return Ok(());
    }
    let (group, short) = crate::object::split_api_version(version);
    let unknown = || {
        format!(
            "no kind {} is registered for version {} in scheme \"pkg/runtime/scheme.go:111\"",
            go_quote(kind),
            go_quote(version)
        )
    };
    let complaint = match typed::kind_of(group, short, kind) {
        Some(other) => match typed::shape(other, merged.clone()) {
            Ok(_) => return Err(ApiError::bad_request(format!("{kind} cannot be handled as a {}", resource.kind))),
            Err(misfit) => misfit.0,
        },
        None => unknown(),
    };
    Err(unfit(resource, merged, origin, &complaint))
}

/// A patched object that does not fit its kind.
fn unfit(resource: &Resource, merged: &Value, origin: &Origin<'_>, text: &str) -> ApiError {
    let kind = typed::kind_of(&resource.group, &resource.version, &resource.kind);
    let shown = match (origin, kind) {
        (Origin::Lazily(old), Some(kind)) => crate::status::go_escaped(typed::lazily_merged(merged, old, kind)),
        (Origin::Strategic(patch), _) => flux_merge::value::go_plain(patch),
        _ => crate::status::go_json(merged),
    };
    let text = match origin {
        Origin::Strategic(_) => in_converters_words(text),
        _ => text.to_owned(),
    };
    ApiError::invalid("", "", "", &[FieldError::invalid("patch", shown, text)])
}

/// A strategic merge is turned into a struct by a converter that has its own words for what does not fit.
fn in_converters_words(text: &str) -> String {
    let Some((given, wanted)) = text
        .strip_prefix("json: cannot unmarshal ")
        .and_then(|rest| rest.split_once(" into Go "))
        .and_then(|(given, rest)| Some((given, rest.rsplit_once(" of type ")?.1)))
    else {
        return text.to_owned();
    };
    let given = match given.split(' ').next().unwrap_or("") {
        "array" => "slice",
        "object" => "map",
        "number" if given.contains('.') => "float64",
        "number" => "int64",
        other => other,
    };
    match wanted {
        _ if wanted.starts_with("[]") => format!("cannot restore slice from {given}"),
        _ if wanted.starts_with("map[") => format!("cannot restore map from {given}"),
        "string" if given == "int64" => "cannot convert int64 to string".to_owned(),
        _ if wanted.starts_with("v1.") && wanted.chars().nth(3).is_some_and(char::is_uppercase) && given != "map" => {
            format!("cannot restore struct from: {given}")
        }
        _ if given == "float64" => format!("cannot convert float64 to {wanted}"),
        _ => format!("unrecognized type: {wanted}"),
    }
}

fn decode(ask: &mut Ask) -> Result<Value, ApiError> {
    let parsed = json::parse(&ask.body).map_err(|error| {
        ApiError::bad_request(format!("error decoding patch: {}", json::go_syntax_error(&ask.body, &error)))
    })?;
    if !parsed.duplicates.is_empty() {
        let findings =
            Findings(parsed.duplicates.iter().map(|path| format!("duplicate field {}", go_quote(path))).collect());
        let strictness = intake::strictness(ask);
        findings
            .settle(ask, strictness)
            .map_err(|text| ApiError::bad_request(format!("error decoding patch: {text}")))?;
    }
    Ok(parsed.value)
}

fn not_a_map(patch: &Value) -> ApiError {
    let found = match patch {
        Value::Array(_) => "array",
        Value::String(_) => "string",
        Value::Bool(_) => "bool",
        _ => "number",
    };
    ApiError::bad_request(format!(
        "error decoding patch: json: cannot unmarshal {found} into Go value of type map[string]interface {{}}"
    ))
}

pub(super) fn merge(ask: &mut Ask, old: &Value) -> Result<Value, ApiError> {
    let patch = decode(ask)?;
    if !patch.is_object() && !patch.is_null() {
        return Err(not_a_map(&patch));
    }
    let mut new = old.clone();
    flux_merge::merge_patch(&mut new, &patch);
    Ok(new)
}

pub(super) fn json_patch(ask: &mut Ask, old: &Value) -> Result<Value, ApiError> {
    let patch = decode(ask)?;
    let mut new = old.clone();
    flux_merge::json_patch(&mut new, &patch).map_err(|error| match error {
        PatchError::NotAList { .. } => ApiError::bad_request(error.to_string()),
        PatchError::TooManyOperations { .. } => ApiError::too_large(error.to_string()),
        PatchError::NotApplicable { .. } | PatchError::TooMuchCopied { .. } => ApiError::unprocessable(),
    })?;
    Ok(new)
}

fn strategic(ask: &mut Ask, resource: &Resource, old: &Value) -> Result<Value, ApiError> {
    let patch = decode(ask)?;
    if !patch.is_object() && !patch.is_null() {
        return Err(not_a_map(&patch));
    }
    let Some(of) = managed::type_of(resource) else { return Err(ApiError::unsupported_patch()) };
    flux_merge::strategic_merge_patch(old, &patch, &of).map_err(|error| ApiError::bare(error.to_string()))
}
