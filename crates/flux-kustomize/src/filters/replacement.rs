//! Copies values from one object into others.

use flux_yaml::{Node, NodeKind};

use super::path::{self, smart_split};
use super::structured;
use crate::error::Error;
use crate::go::print::quote;
use crate::id::Id;
use crate::labels;
use crate::node::{self, Shape, raw, shape};
use crate::resource::{Resource, metadata};
use crate::shared;
use crate::types::{FieldOptions, Matcher, Replacement, SourceSelector, TargetSelector};

fn fault(reason: impl Into<String>) -> Error {
    Error::Replacement { reason: reason.into() }
}

/// Runs replacements in order.
pub(crate) fn apply(objects: &mut [Resource], replacements: &[Replacement]) -> Result<(), Error> {
    for replacement in replacements {
        let sources = replacement.source.is_some() || replacement.source_value.is_some();
        let Some(targets) = replacement.targets.as_ref().filter(|_| sources) else {
            return Err(fault("replacements must specify a source and at least one target"));
        };
        let value = source_value(objects, replacement)?;
        for target in targets {
            apply_to(objects, &value, target)?;
        }
    }
    Ok(())
}

fn source_value(objects: &[Resource], replacement: &Replacement) -> Result<Node, Error> {
    let source = match (&replacement.source, &replacement.source_value) {
        (Some(_), Some(_)) => return Err(fault("value and resource selectors are mutually exclusive")),
        (None, Some(text)) => return Ok(Node::plain(text.as_str())),
        (Some(source), None) => source,
        (None, None) => return Err(Error::internal("a source was just found")),
    };
    let object = source_object(objects, source)?;
    let path = if source.field_path.is_empty() { "metadata.name" } else { &source.field_path };
    let found = path::lookup(&object.node, &smart_split(path, '.'))
        .map_err(|error| error.within("error looking up replacement source"))?;
    let Some(found) = found.filter(|found| !node::is_empty(found)) else {
        return Err(fault(format!("fieldPath `{path}` is missing for replacement source {}", source.id())));
    };
    refine(source.options.as_ref(), found)
}

/// The ids an object has and had, without knowledge of its scope.
fn all_ids(object: &Resource) -> impl Iterator<Item = Id<'_>> {
    let now = Id { gvk: object.gvk(), name: object.name(), namespace: object.namespace(), cluster_scoped: false };
    std::iter::once(now).chain(object.past_ids())
}

fn source_object<'a>(objects: &'a [Resource], source: &SourceSelector) -> Result<&'a Resource, Error> {
    let wanted = source.id();
    let selected = |id: Id<'_>| {
        (wanted.name.is_empty() || wanted.name == id.name)
            && (wanted.namespace.is_empty() || wanted.same_namespace(&id))
            && id.gvk.is_selected(wanted.gvk)
    };
    let mut matches = objects.iter().filter(|object| all_ids(object).any(selected));
    match (matches.next(), matches.next()) {
        (Some(one), None) => Ok(one),
        (Some(_), Some(_)) => Err(fault(format!("multiple matches for selector {source}"))),
        (None, _) => Err(fault(format!("nothing selected by {source}"))),
    }
}

/// The part of a value between delimiters.
fn refine(options: Option<&FieldOptions>, found: &Node) -> Result<Node, Error> {
    let mut value = found.clone();
    node::pin(&mut value);
    let Some(options) = options.filter(|options| !options.delimiter.is_empty()) else { return Ok(value) };
    if shape(found) != Shape::Scalar {
        return Err(fault("delimiter option can only be used with scalar nodes"));
    }
    let text = node::value(found);
    let part = usize::try_from(options.index).ok().and_then(|index| text.split(&options.delimiter).nth(index));
    let Some(part) = part else {
        return Err(fault(format!("options.index {} is out of bounds for value {text}", options.index)));
    };
    if let NodeKind::Scalar(scalar) = &mut value.kind {
        scalar.text = part.into();
    }
    Ok(value)
}

fn apply_to(objects: &mut [Resource], value: &Node, target: &TargetSelector) -> Result<(), Error> {
    let Some(select) = &target.select else { return Err(fault("target must specify resources to select")) };
    let creating = |error: Error| error.within("error creating target selector");
    let matcher = Matcher::new(select).map_err(creating)?;
    let rejects = target
        .reject
        .iter()
        .map(|reject| Ok((reject, Matcher::new(reject)?)))
        .collect::<Result<Vec<_>, Error>>()
        .map_err(creating)?;
    let labelled = |object: &Resource, selector: &crate::types::Selector| -> Result<bool, Error> {
        let meta = |name: &str| metadata(&object.node).and_then(|meta| meta.get(name)).and_then(Node::as_mapping);
        Ok(labels::parse(&selector.annotation_selector)?.matches(meta("annotations"))
            && labels::parse(&selector.label_selector)?.matches(meta("labels")))
    };
    for object in objects {
        if !labelled(object, select)? {
            continue;
        }
        let mut rejected = false;
        for (reject, by_id) in &rejects {
            if !reject.annotation_selector.is_empty() || !reject.label_selector.is_empty() {
                rejected |= labelled(object, reject)?;
            }
            rejected |= !reject.has_no_id() && all_ids(object).any(|id| by_id.id(&id));
        }
        if !rejected && all_ids(object).any(|id| matcher.id(&id)) {
            copy_value(&mut object.node, value, target)?;
        }
    }
    Ok(())
}

fn copy_value(object: &mut Node, value: &Node, target: &TargetSelector) -> Result<(), Error> {
    let default = ["metadata.name".to_owned()];
    let paths = if target.field_paths.is_empty() { &default[..] } else { &target.field_paths };
    let options = target.options.as_ref();
    let create = options.filter(|options| options.create).map(|_| shape(value));
    for path in paths {
        let parts = smart_split(path, '.');
        let mut set = |field: &mut Node| set_field(options, field, value);
        if structured::visit(object, &parts, create, &mut set)? {
            continue;
        }
        let verb = if create.is_some() { "find or create" } else { "find" };
        let missing = format!("unable to {verb} field {} in replacement target", quote(path));
        // A fault of the value itself is not one of the path.
        let mut refused = None;
        let found = path::visit(object, &parts, create, &mut |field| {
            set_field(options, field, value).or_else(|error| {
                refused.get_or_insert(error);
                Ok(())
            })
        });
        shared::settle(object);
        match (found, refused) {
            (Err(error @ Error::Limit { .. }), _) => return Err(error),
            (Err(error), _) => return Err(error.within(missing)),
            (Ok(0), _) => return Err(fault(missing)),
            (Ok(_), Some(error)) => return Err(error),
            (Ok(_), None) => {}
        }
    }
    Ok(())
}

/// Writes the value into a field: only the text into a scalar, else the whole node.
fn set_field(options: Option<&FieldOptions>, field: &mut Node, value: &Node) -> Result<(), Error> {
    let joined = match options.filter(|options| !options.delimiter.is_empty()) {
        None => None,
        Some(_) if shape(field) != Shape::Scalar => {
            return Err(fault("delimiter option can only be used with scalar nodes"));
        }
        Some(options) => Some(splice(raw(field), node::value(value), options)),
    };
    if shape(field) != Shape::Scalar {
        *field = value.clone();
        return Ok(());
    }
    node::pin(field);
    if let NodeKind::Scalar(scalar) = &mut field.kind {
        scalar.text = joined.unwrap_or_else(|| raw(value).to_owned()).into();
        shared::touched(field);
    }
    Ok(())
}

/// Puts a part between delimiters: before the first, after the last, or in the place of one.
fn splice(text: &str, part: &str, options: &FieldOptions) -> String {
    let mut parts: Vec<&str> = text.split(&options.delimiter).collect();
    match usize::try_from(options.index) {
        Err(_) => parts.insert(0, part),
        Ok(index) if index >= parts.len() => parts.push(part),
        Ok(index) => parts[index] = part,
    }
    parts.join(&options.delimiter)
}
