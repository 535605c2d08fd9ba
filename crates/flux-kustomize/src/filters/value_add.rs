//! Puts a value into a field, or a part into a file path.

use flux_yaml::Node;

use super::path::{self, LookupKind};
use crate::config::split_path;
use crate::error::Error;
use crate::node::{self, Shape};

/// Adds `value` at `field_path`; with a position, as that part of the path there, counted from 1.
pub(crate) fn apply(object: &mut Node, value: &str, field_path: &str, position: i64) -> Result<(), Error> {
    let mut parts: Vec<String> = split_path(field_path, '/');
    if field_path.starts_with('/') {
        parts.insert(0, String::new());
    }
    let Some(field) = path::lookup_create(object, &parts, LookupKind::Create(Shape::Scalar))? else { return Ok(()) };
    node::expect_shape(field, Shape::Scalar)?;
    let new = match usize::try_from(position) {
        Ok(position) if position > 0 => insert_part(node::raw(field), position - 1, value),
        _ => value.to_owned(),
    };
    if !new.is_empty() {
        super::fieldspec::set_text(field, &new)?;
    }
    Ok(())
}

/// Inserts a part into a path; a place behind the end appends.
fn insert_part(path: &str, place: usize, part: &str) -> String {
    if path.is_empty() {
        return part.to_owned();
    }
    let (root, rest) = match path.strip_prefix('/') {
        Some(rest) => ("/", rest),
        None => ("", path),
    };
    let mut parts: Vec<&str> = rest.split('/').filter(|one| !one.is_empty()).collect();
    parts.insert(place.min(parts.len()), part);
    format!("{root}{}", parts.join("/"))
}
