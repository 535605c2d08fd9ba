//! Walks to the fields a rule names, making what is missing when the rule says so.

use flux_yaml::{Node, NodeKind, Scalar, ScalarStyle, Tag};

use crate::config::FieldSpec;
use crate::error::Error;
use crate::id::{GvkRef, Id};
use crate::node::{self, Shape, is_null, shape};
use crate::resource::{meta_text, text_field};
use crate::shared;

/// What to make when the last step is missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Make {
    Nothing,
    Mapping,
    /// A scalar; where a null is found, it gets this tag.
    Text,
    Number,
}

impl Make {
    fn shape(self) -> Option<Shape> {
        match self {
            Self::Nothing => None,
            Self::Mapping => Some(Shape::Mapping),
            Self::Text | Self::Number => Some(Shape::Scalar),
        }
    }

    fn tag(self) -> Tag {
        match self {
            Self::Number => Tag::Int,
            _ => Tag::Str,
        }
    }
}

/// What is done with a field that was found.
pub(crate) type Set<'a> = dyn FnMut(&mut Node) -> Result<(), Error> + 'a;

/// True when the rule is for objects like this one.
fn applies_to(spec: &FieldSpec, object: &Node) -> bool {
    gvk_of(object).is_selected(spec.gvk())
}

/// What kind of object a tree is.
pub(crate) fn gvk_of(object: &Node) -> GvkRef<'_> {
    GvkRef::new(text_field(object, "apiVersion"), text_field(object, "kind"))
}

/// Calls `set` on every field the rule names in `object`.
pub(crate) fn apply(object: &mut Node, spec: &FieldSpec, make: Make, set: &mut Set<'_>) -> Result<(), Error> {
    if !applies_to(spec, object) {
        return Ok(());
    }
    apply_path(object, spec, make, set)
}

/// As [`apply`], whatever the object's kind.
pub(crate) fn apply_path(object: &mut Node, spec: &FieldSpec, make: Make, set: &mut Set<'_>) -> Result<(), Error> {
    let make = if spec.create() { make } else { Make::Nothing };
    let walked = walk(object, spec.parts(), make, set);
    shared::settle(object);
    walked.map_err(|error| {
        let id = plain_id(object).to_string();
        error.within(format!("considering field '{}' of object {id}", spec.path()))
    })
}

/// The id of a tree without knowledge of its scope.
pub(crate) fn plain_id(object: &Node) -> Id<'_> {
    Id {
        gvk: GvkRef::new(text_field(object, "apiVersion"), text_field(object, "kind")),
        name: meta_text(object, "name"),
        namespace: meta_text(object, "namespace"),
        cluster_scoped: false,
    }
}

fn walk(at: &mut Node, path: &[String], make: Make, set: &mut Set<'_>) -> Result<(), Error> {
    let Some((step, rest)) = path.split_first() else { return set(at) };
    if is_null(at) {
        return Ok(());
    }
    match &mut at.kind {
        NodeKind::Sequence(seq) => {
            for item in &mut seq.items {
                walk(item, path, make, set)
                    .map_err(|error| error.within(format!("visit traversal on path: [{}]", path.join(" "))))?;
            }
            Ok(())
        }
        NodeKind::Mapping(_) => match step_into(at, step, rest.is_empty(), make)? {
            Some(field) => walk(field, rest, make, set),
            None => Ok(()),
        },
        _ => Err(Error::Reference { reason: "expected sequence or mapping node".into() }),
    }
}

/// The field a step names, made or turned from null when that is wanted.
fn step_into<'a>(at: &'a mut Node, step: &str, last: bool, make: Make) -> Result<Option<&'a mut Node>, Error> {
    let (name, is_list) = match step.strip_suffix("[]") {
        Some(name) => (name, true),
        None => (step, false),
    };
    if name.is_empty() {
        return Err(Error::Reference { reason: "cannot set or create an empty field name".into() });
    }
    if name == "*" {
        return Err(Error::Reference { reason: format!("fieldName: {name}: wildcard is not supported in PathGetter") });
    }
    if name.bytes().all(|b| b.is_ascii_digit()) {
        // A number is a place in a list to upstream, and this is no list.
        return node::sequence(at).map(|_| None).map_err(|error| error.within(format!("fieldName: {name}")));
    }
    let wanted = match make.shape() {
        None => None,
        Some(_) if is_list => None,
        Some(shape) if last => Some((shape, make.tag())),
        Some(_) => Some((Shape::Mapping, Tag::Implicit)),
    };
    let map = node::mapping_mut(at)?;
    if !map.contains_key(name) {
        let Some((shape, _)) = &wanted else { return Ok(None) };
        map.entries.push((Node::plain(name), shape.empty()));
    }
    let Some(field) = map.get_mut(name) else { return Ok(None) };
    if is_null(field) {
        match wanted {
            Some((Shape::Scalar, tag)) => {
                let text = node::raw(field).into();
                field.kind = NodeKind::Scalar(Scalar { text, tag, style: ScalarStyle::Plain });
            }
            Some((shape, _)) => field.kind = shape.empty().kind,
            None if is_list => field.kind = Shape::Sequence.empty().kind,
            None => {}
        }
    }
    Ok(Some(field))
}

/// Sets a scalar's text, tagged as a string.
pub(crate) fn set_string(at: &mut Node, text: &str) -> Result<(), Error> {
    node::set_scalar_text(at, text, Tag::Str)
}

/// Sets a scalar's text; what it means is decided when it is printed.
pub(crate) fn set_text(at: &mut Node, text: &str) -> Result<(), Error> {
    node::set_scalar_text(at, text, Tag::Implicit)
}

/// True when a scalar says something.
pub(crate) fn has_value(at: &Node) -> bool {
    !is_null(at) && shape(at) == Shape::Scalar && !node::value(at).is_empty()
}
