//! Patching objects.

use std::sync::Arc;

use serde_json::Value;

use super::{Part, convert, options};
use crate::intake::{self, Findings};
use crate::object::{meta_text, name, text};
use crate::reply::{Reply, form_of};
use crate::request::Ask;
use crate::resources::Resource;
use crate::server::Shared;
use crate::status::ApiError;
use crate::{json, managed};

/// The kinds of patches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Format {
    Json,
    Merge,
    Strategic,
    Apply,
}

fn format_of(ask: &Ask, resource: &Resource) -> Result<Format, ApiError> {
    match ask.header("content-type").split(';').next().unwrap_or("").trim() {
        "application/json-patch+json" => Ok(Format::Json),
        "application/merge-patch+json" => Ok(Format::Merge),
        "application/strategic-merge-patch+json" if resource.custom().is_none() => Ok(Format::Strategic),
        "application/apply-patch+yaml" => Ok(Format::Apply),
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
            let mut new = self.patched(ask, resource, format, &old)?;
            let named_version = meta_text(&new, "resourceVersion") != meta_text(&old, "resourceVersion");
            if named_version && !meta_text(&new, "resourceVersion").is_empty() {
                return Err(ApiError::modified(&resource.group, &resource.plural, &object_name));
            }
            managed::after_write(resource, Some(&old), &mut new, &manager, part);
            match self.replace(ask, resource, part, &entry, old, new).await {
                Ok(done) => return self.value_reply(200, resource, done, form),
                Err(error) if error.is_modified() => {}
                Err(error) => return Err(error),
            }
        }
        Err(ApiError::modified(&resource.group, &resource.plural, &object_name))
    }

    /// The patched object, in the shape of its kind and defaulted.
    fn patched(&self, ask: &mut Ask, resource: &Resource, format: Format, old: &Value) -> Result<Value, ApiError> {
        let patched = match format {
            Format::Merge => merge(ask, old)?,
            Format::Json | Format::Strategic | Format::Apply => {
                return Err(ApiError::not_implemented("this kind of patch"));
            }
        };
        if name(&patched) != name(old) {
            let (given, url) = (name(&patched).to_owned(), name(old));
            return Err(ApiError::bad_request(format!(
                "the name of the object ({given}) does not match the name on the URL ({url})"
            )));
        }
        if text(&patched, "kind") != resource.kind || text(&patched, "apiVersion") != resource.api_version() {
            return Err(ApiError::bad_request("the patch may not change apiVersion or kind"));
        }
        let mut findings = Findings::default();
        let shaped = intake::into_shape(patched, resource, &[], &mut findings)
            .map_err(|text| intake::cannot_handle(resource, &text))?;
        let strictness = intake::strictness(ask);
        findings.settle(ask, strictness).map_err(|text| intake::cannot_handle(resource, &text))?;
        Ok(intake::defaulted(shaped, resource))
    }

    async fn apply(
        self: &Arc<Self>,
        _ask: &mut Ask,
        _resource: &Arc<Resource>,
        _part: Part,
    ) -> Result<Reply, ApiError> {
        Err(ApiError::not_implemented("server-side apply"))
    }
}

fn merge(ask: &Ask, old: &Value) -> Result<Value, ApiError> {
    let parsed = json::parse(&ask.body).map_err(|error| {
        ApiError::bad_request(format!("error decoding patch: {}", json::go_syntax_error(&ask.body, &error)))
    })?;
    let mut new = old.clone();
    merge_into(&mut new, parsed.value);
    Ok(new)
}

fn merge_into(target: &mut Value, patch: Value) {
    let Value::Object(patch) = patch else {
        *target = patch;
        return;
    };
    if !target.is_object() {
        *target = Value::Object(serde_json::Map::new());
    }
    let Some(map) = target.as_object_mut() else { return };
    for (key, value) in patch {
        if value.is_null() {
            map.remove(&key);
        } else {
            merge_into(map.entry(key).or_insert(Value::Null), value);
        }
    }
}
