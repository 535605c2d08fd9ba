//! Checks of complete objects.
//!
//! `rules` holds the rules of all built-in kinds, one file per family, after upstream's validation packages.

use std::sync::Arc;

use serde_json::Value;

use crate::crd;
use crate::object::{meta_text, name};
use crate::request::Ask;
use crate::resources::Resource;
use crate::rest::Part;
use crate::server::Shared;
use crate::status::{ApiError, FieldError};

mod meta_rules;
mod rules;

pub(crate) use rules::nano;

/// Checks a new object.
pub(crate) async fn on_create(
    _shared: &Arc<Shared>,
    _ask: &mut Ask,
    resource: &Arc<Resource>,
    object: &Value,
) -> Result<(), ApiError> {
    let mut errors = Vec::new();
    if resource.group != "policy" {
        meta_rules::check(resource, object, &mut errors);
    }
    custom(resource, None, object, &mut errors);
    if resource.custom().is_none() {
        let mut report = rules::Report { errors };
        rules::create(resource, object, &mut report);
        errors = report.errors;
    }
    // Upstream looks at the metadata of what passed once more, which only shows for kinds without own checks of it.
    if errors.is_empty() && resource.group == "policy" {
        meta_rules::check(resource, object, &mut errors);
    }
    settle(resource, object, errors)
}

/// Checks a changed object.
pub(crate) async fn on_update(
    _shared: &Arc<Shared>,
    _ask: &mut Ask,
    resource: &Arc<Resource>,
    old: &Value,
    new: &Value,
    part: Part,
) -> Result<(), ApiError> {
    let mut errors = Vec::new();
    meta_rules::check_update(resource, old, new, &mut errors);
    custom(resource, Some(old), new, &mut errors);
    if resource.custom().is_none() {
        let mut report = rules::Report { errors };
        match part {
            Part::Main => rules::update(resource, old, new, &mut report),
            Part::Status => rules::update_status(resource, old, new, &mut report),
        }
        errors = report.errors;
    }
    settle(resource, new, errors)
}

/// Checks a custom resource against schema and rules of its version.
fn custom(resource: &Resource, old: Option<&Value>, new: &Value, errors: &mut Vec<FieldError>) {
    if resource.is("apiextensions.k8s.io", "customresourcedefinitions") {
        errors.extend(crd::check_definition(old, new));
    }
    let Some(version) = resource.custom() else { return };
    let found = crd::validate(new, old, &version.schema);
    let blocked = found.iter().any(crd::blocks_rules);
    errors.extend(found);
    if !version.has_rules {
        return;
    }
    if blocked {
        let words = "some validation rules were not checked because the object was invalid; correct the existing errors to complete validation";
        errors.push(FieldError::invalid("<nil>", Value::Null, words));
    } else {
        errors.extend(crd::rules::check(new, old, &version.schema));
    }
}

fn settle(resource: &Resource, object: &Value, errors: Vec<FieldError>) -> Result<(), ApiError> {
    if errors.is_empty() {
        return Ok(());
    }
    let shown = if name(object).is_empty() { meta_text(object, "generateName") } else { name(object) };
    // Events are core objects within, whichever group shows them.
    let group = if resource.group == "events.k8s.io" { "" } else { &resource.group };
    Err(ApiError::invalid(group, &resource.kind, shown, &errors))
}
