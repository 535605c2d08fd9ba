//! The scale subresource: replicas of many kinds as one kind.

use std::sync::Arc;

use flux_merge::fieldpath::Path;
use flux_merge::managed_fields::{scale_to_parent, scale_to_subresource};
use serde_json::{Map, Value, json};

use super::patch::{self, Format};
use super::{Part, convert, options, update};
use crate::intake;
use crate::managed;
use crate::negotiate::{Form, View};
use crate::object::{meta_mut, meta_text, name};
use crate::reply::{Reply, form_of};
use crate::request::Ask;
use crate::resources::{Origin, Resource};
use crate::server::Shared;
use crate::status::{ApiError, FieldError};
use crate::typed;

const API_VERSION: &str = "autoscaling/v1";
const KIND: &str = "Scale";

/// Where a version keeps its numbers, as JSON pointers.
struct Places {
    spec: String,
    status: String,
    selector: Option<String>,
}

fn places(resource: &Resource) -> Option<Places> {
    match &resource.origin {
        Origin::BuiltIn(_) => Some(Places {
            spec: "/spec/replicas".into(),
            status: "/status/replicas".into(),
            selector: Some("/spec/selector".into()),
        }),
        Origin::Custom { definition, version } => {
            let scale = definition.versions.get(*version)?.scale.as_ref()?;
            Some(Places {
                spec: scale.spec_replicas.clone(),
                status: scale.status_replicas.clone(),
                selector: scale.selector.clone(),
            })
        }
    }
}

impl Shared {
    pub(crate) async fn get_scale(
        self: &Arc<Self>,
        ask: &mut Ask,
        resource: &Arc<Resource>,
    ) -> Result<Reply, ApiError> {
        let form = form_of(ask)?;
        let entry = self.entry(resource, &ask.target.namespace, &ask.target.name).await?;
        let parent = convert::of_entry(resource, &entry)?;
        let places = places(resource).ok_or_else(ApiError::no_such_path)?;
        if resource.custom().is_some() && parent.pointer(&places.spec).is_none() {
            let field = places.spec.replace('/', ".");
            return Err(ApiError::internal(format!("the spec replicas field \"{field}\" does not exist")));
        }
        reply(&scale_of(&parent, &places), form)
    }

    pub(crate) async fn put_scale(
        self: &Arc<Self>,
        ask: &mut Ask,
        resource: &Arc<Resource>,
    ) -> Result<Reply, ApiError> {
        let form = form_of(ask)?;
        options::check(ask, options::Kind::Update)?;
        let body = intake::body_json(ask)?;
        let given: Value = serde_json::from_slice(&body).map_err(|error| ApiError::bad_request(error.to_string()))?;
        let scale = shaped(given)?;
        self.write_scale(ask, resource, form, false, |_, _| Ok(scale.clone())).await
    }

    pub(crate) async fn patch_scale(
        self: &Arc<Self>,
        ask: &mut Ask,
        resource: &Arc<Resource>,
    ) -> Result<Reply, ApiError> {
        let form = form_of(ask)?;
        let format = patch::format_of(ask, resource)?;
        let apply = format == Format::Apply;
        let custom = resource.custom().is_some();
        options::check(ask, if apply { options::Kind::Apply } else { options::Kind::Patch })?;
        self.write_scale(ask, resource, form, apply, move |ask, live| match format {
            Format::Apply => {
                let applied = patch::read_applied(ask, API_VERSION, KIND)?;
                let force = ask.query.flag("force").unwrap_or(false);
                let scale = managed::apply_scale(live, &applied, &ask.manager(), force).and_then(shaped)?;
                // Upstream finds conflicts, and then cannot convert the scale of a custom resource.
                if custom { Err(not_converted(&applied)) } else { Ok(scale) }
            }
            Format::Json => patch::json_patch(ask, live).and_then(shaped),
            // A scale has no lists, so both merges do the same.
            Format::Merge | Format::Strategic => patch::merge(ask, live).and_then(shaped),
        })
        .await
    }

    /// Writes through the scale: `change` makes the new scale of the live one.
    async fn write_scale(
        self: &Arc<Self>,
        ask: &mut Ask,
        resource: &Arc<Resource>,
        form: Form,
        apply: bool,
        change: impl Fn(&mut Ask, &Value) -> Result<Value, ApiError>,
    ) -> Result<Reply, ApiError> {
        let places = places(resource).ok_or_else(ApiError::no_such_path)?;
        let (space, object_name) = (ask.target.namespace.clone(), ask.target.name.clone());
        let manager = ask.manager();
        for _ in 0..update::RETRIES {
            let entry = self.entry(resource, &space, &object_name).await?;
            let old = convert::of_entry(resource, &entry)?;
            let live = scale_with_owners(resource, &old, &places);
            let mut scale = change(ask, &live)?;
            if name(&scale) != object_name && !name(&scale).is_empty() {
                return Err(ApiError::bad_request(format!(
                    "the name of the object ({}) does not match the name on the URL ({object_name})",
                    name(&scale)
                )));
            }
            let given = meta_text(&scale, "resourceVersion").to_owned();
            if !given.is_empty() && given != meta_text(&old, "resourceVersion") {
                return Err(ApiError::modified(&resource.group, &resource.plural, &object_name));
            }
            if !apply {
                managed::after_scale(&live, &mut scale, &manager);
            }
            let new = rescaled(resource, &old, &scale, &places)?;
            match self.replace(ask, resource, Part::Main, &entry, old, new).await {
                Ok(done) => return reply(&scale_of(&done, &places), form),
                Err(error) if error.is_modified() && given.is_empty() => {}
                Err(error) => return Err(error),
            }
        }
        Err(ApiError::modified(&resource.group, &resource.plural, &object_name))
    }
}

/// Upstream's words for the applied scale of a custom resource, which it cannot store.
fn not_converted(applied: &Value) -> ApiError {
    let given = format!("{}/{}; {API_VERSION}, Kind={KIND}", crate::object::namespace(applied), name(applied));
    ApiError::bare(format!(
        "failed to convert new object ({given}) to proper version: request to convert CR to an invalid group/version: {API_VERSION}"
    ))
}

/// Brings a document into the shape of a scale.
fn shaped(given: Value) -> Result<Value, ApiError> {
    let kind = typed::kind_of("autoscaling", "v1", KIND).ok_or_else(ApiError::no_such_path)?;
    typed::shape(kind, given).map(|shaped| shaped.value).map_err(|misfit| ApiError::bad_request(misfit.0))
}

fn reply(scale: &Value, form: Form) -> Result<Reply, ApiError> {
    let version = |beta: bool| if beta { "meta.k8s.io/v1beta1" } else { "meta.k8s.io/v1" };
    let shown = match form.view {
        View::Table { beta } => crate::table::scale(scale, version(beta), form.include),
        View::Partial { beta } => super::view::partial(scale, beta),
        _ => return Ok(Reply::value(200, scale, form)),
    };
    Ok(Reply::value(200, &shown, form))
}

fn number(object: &Value, pointer: &str) -> i64 {
    object.pointer(pointer).and_then(Value::as_i64).unwrap_or(0)
}

fn scale_of(parent: &Value, places: &Places) -> Value {
    let mut meta = Map::new();
    for key in ["name", "namespace", "uid", "resourceVersion", "creationTimestamp"] {
        if let Some(value) = crate::object::meta(parent, key) {
            meta.insert(key.to_owned(), value.clone());
        }
    }
    let mut spec = Map::new();
    let replicas = number(parent, &places.spec);
    if replicas != 0 {
        spec.insert("replicas".into(), replicas.into());
    }
    let mut status = json!({ "replicas": number(parent, &places.status) });
    let selector = places.selector.as_ref().and_then(|pointer| parent.pointer(pointer)).map(selector_text);
    if let Some(text) = selector.filter(|text| !text.is_empty()) {
        status["selector"] = text.into();
    }
    json!({ "apiVersion": "autoscaling/v1", "kind": "Scale", "metadata": meta, "spec": spec, "status": status })
}

/// A selector as the scale shows it: requirements sorted by key.
fn selector_text(selector: &Value) -> String {
    let members = match selector {
        Value::String(text) => return text.clone(),
        Value::Object(members) => members,
        _ => return String::new(),
    };
    let structured = members.contains_key("matchLabels") || members.contains_key("matchExpressions");
    let labels = if structured { members.get("matchLabels").and_then(Value::as_object) } else { Some(members) };
    let mut parts: Vec<(String, String)> = Vec::new();
    for (key, value) in labels.into_iter().flatten() {
        parts.push((key.clone(), format!("{key}={}", value.as_str().unwrap_or_default())));
    }
    for expression in crate::object::list_at(selector, "/matchExpressions") {
        let key = crate::object::text(expression, "key").to_owned();
        let mut values: Vec<&str> =
            crate::object::list_at(expression, "/values").iter().filter_map(Value::as_str).collect();
        values.sort_unstable();
        let text = match crate::object::text(expression, "operator") {
            "In" => format!("{key} in ({})", values.join(",")),
            "NotIn" => format!("{key} notin ({})", values.join(",")),
            "DoesNotExist" => format!("!{key}"),
            _ => key.clone(),
        };
        parts.push((key, text));
    }
    parts.sort();
    parts.into_iter().map(|(_, text)| text).collect::<Vec<_>>().join(",")
}

/// The paths of replicas in every version of a resource.
fn replicas_path(resource: &Resource) -> impl Fn(&str) -> Option<Path> + '_ {
    move |api_version| match &resource.origin {
        Origin::BuiltIn(_) => (api_version == resource.api_version()).then(|| Path::fields(&["spec", "replicas"])),
        Origin::Custom { definition, .. } => {
            let short = api_version.strip_prefix(&format!("{}/", definition.group))?;
            let version = definition.versions.iter().find(|version| version.name == short)?;
            let pointer = &version.scale.as_ref()?.spec_replicas;
            Some(Path::fields(&pointer.split('/').skip(1).collect::<Vec<_>>()))
        }
    }
}

fn scale_with_owners(resource: &Resource, parent: &Value, places: &Places) -> Value {
    let mut scale = scale_of(parent, places);
    let entries = parent.pointer("/metadata/managedFields");
    if let Ok(Some(entries)) = scale_to_subresource(entries, &replicas_path(resource)) {
        meta_mut(&mut scale).insert("managedFields".into(), entries);
    }
    scale
}

/// The parent with the scale's replicas and owners.
fn rescaled(resource: &Resource, parent: &Value, scale: &Value, places: &Places) -> Result<Value, ApiError> {
    let replicas = number(scale, "/spec/replicas");
    if replicas < 0 {
        let error = FieldError::invalid("spec.replicas", replicas, "must be greater than or equal to 0");
        return Err(ApiError::invalid("autoscaling", "Scale", name(parent), &[error]));
    }
    let mut new = parent.clone();
    put_number(&mut new, &places.spec, replicas);
    let entries = scale_to_parent(
        parent.pointer("/metadata/managedFields"),
        scale.pointer("/metadata/managedFields"),
        &resource.api_version(),
        &replicas_path(resource),
    );
    if let Ok(entries) = entries {
        crate::object::put(meta_mut(&mut new), "managedFields", entries);
    }
    Ok(new)
}

fn put_number(object: &mut Value, pointer: &str, number: i64) {
    let mut node = object;
    for step in pointer.split('/').skip(1) {
        if !node.is_object() {
            *node = json!({});
        }
        node = &mut node[step];
    }
    *node = number.into();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn selectors_are_sorted_by_key() {
        let selector = json!({ "matchLabels": { "z": "1" }, "matchExpressions": [
            { "key": "a", "operator": "In", "values": ["y", "x"] }, { "key": "b", "operator": "DoesNotExist" } ] });
        assert_eq!(selector_text(&selector), "a in (x,y),!b,z=1");
        assert_eq!(selector_text(&json!({ "k": "v" })), "k=v");
    }
}
