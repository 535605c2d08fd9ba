//! Changes values inside a text that is YAML or JSON itself.

use flux_yaml::{JsonDuplicates, JsonOptions, Node, NodeKind, ParseOptions, Schema};

use super::path::{self, LookupKind};
use crate::error::Error;
use crate::go::print::json_text;
use crate::node::{self, Shape, raw, shape, text_of};

/// Follows `path` through a scalar whose text has structure, calls `set` on what is found there, and writes
/// the text again. False when the path does not lead through such a text.
pub(crate) fn visit(
    object: &mut Node,
    path: &[String],
    create: Option<Shape>,
    set: &mut dyn FnMut(&mut Node) -> Result<(), Error>,
) -> Result<bool, Error> {
    let Some((outer, text)) = outer_scalar(object, path) else { return Ok(false) };
    let options = ParseOptions { keep_comments: true, ..ParseOptions::default() };
    let Ok(Some(mut inner)) = flux_yaml::parse_one(&text, &options) else { return Ok(false) };
    if shape(&inner) == Shape::Scalar {
        return Ok(false);
    }
    // What fails inside is reported, if at all, by the plain path.
    match path::visit(&mut inner, &path[outer..], create, set) {
        Ok(found) if found > 0 => {}
        Err(error @ Error::Limit { .. }) => return Err(error),
        _ => return Ok(false),
    }
    let Some(printed) = print(&inner, &text) else { return Ok(false) };
    if let Some(field) = path::lookup_create(object, &path[..outer], LookupKind::Find)? {
        node::pin(field);
        if let NodeKind::Scalar(scalar) = &mut field.kind {
            scalar.text = printed.into();
        }
    }
    Ok(true)
}

/// How many steps lead to a scalar before the path's end, and its text.
fn outer_scalar(object: &Node, path: &[String]) -> Option<(usize, String)> {
    (1..path.len()).find_map(|steps| {
        let found = path::lookup(object, &path[..steps]).ok()??;
        (shape(found) == Shape::Scalar).then(|| (steps, raw(found).to_owned()))
    })
}

fn print(inner: &Node, original: &str) -> Option<String> {
    if !original.trim_start().starts_with(['{', '[']) {
        return Some(text_of(inner).trim().to_owned());
    }
    let options = JsonOptions { duplicates: JsonDuplicates::ErrorV3, ..JsonOptions::new(Schema::V3) };
    let mut settled = inner.clone();
    node::settle(&mut settled);
    let value = flux_yaml::to_json_with(&settled, &options).ok()?;
    if original.contains('\n') && original.contains("  ") {
        let pretty = serde_json::to_string_pretty(&value).ok()?;
        return Some(pretty.replace('<', "\\u003c").replace('>', "\\u003e").replace('&', "\\u0026"));
    }
    Some(json_text(&value))
}
