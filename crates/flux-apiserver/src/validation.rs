//! Checks of complete objects.

use std::sync::Arc;

use serde_json::Value;

use crate::object::{meta_text, name};
use crate::request::Ask;
use crate::resources::Resource;
use crate::rest::Part;
use crate::server::Shared;
use crate::status::{ApiError, FieldError};

mod meta_rules;

/// Checks a new object.
pub(crate) async fn on_create(
    _shared: &Arc<Shared>,
    _ask: &mut Ask,
    resource: &Arc<Resource>,
    object: &Value,
) -> Result<(), ApiError> {
    let mut errors = Vec::new();
    meta_rules::check(resource, object, &mut errors);
    settle(resource, object, errors)
}

/// Checks a changed object.
pub(crate) async fn on_update(
    _shared: &Arc<Shared>,
    _ask: &mut Ask,
    resource: &Arc<Resource>,
    old: &Value,
    new: &Value,
    _part: Part,
) -> Result<(), ApiError> {
    let mut errors = Vec::new();
    meta_rules::check(resource, new, &mut errors);
    meta_rules::check_update(old, new, &mut errors);
    settle(resource, new, errors)
}

fn settle(resource: &Resource, object: &Value, errors: Vec<FieldError>) -> Result<(), ApiError> {
    if errors.is_empty() {
        return Ok(());
    }
    let shown = if name(object).is_empty() { meta_text(object, "generateName") } else { name(object) };
    Err(ApiError::invalid(&resource.group, &resource.kind, shown, &errors))
}
