//! Finds fields by paths of names, places and matches: kyaml's `PathGetter` and `PathMatcher`.

use flux_yaml::{Mapping, Node, NodeKind};

use crate::config::split_path;
use crate::error::Error;
use crate::go::regex;
use crate::node::{self, Shape, is_null, raw};

/// Steps through one document, at most.
const MAX_FOUND: usize = 1_000_000;

/// Splits at a delimiter outside brackets. Brackets around a plain name are taken off.
pub(crate) fn smart_split(path: &str, delimiter: char) -> Vec<String> {
    let pieces = split_path(path, delimiter);
    let mut parts = Vec::with_capacity(pieces.len());
    let mut pieces = pieces.into_iter();
    while let Some(piece) = pieces.next() {
        if !piece.starts_with('[') || piece.ends_with(']') {
            parts.push(piece);
            continue;
        }
        let mut joined = piece;
        for more in pieces.by_ref() {
            joined.push(delimiter);
            joined.push_str(&more);
            if more.ends_with(']') {
                break;
            }
        }
        parts.push(if joined.contains('=') { joined } else { joined.trim_matches(['[', ']']).to_owned() });
    }
    parts
}

fn is_match(step: &str) -> bool {
    step.starts_with('[') && step.ends_with(']')
}

fn place(step: &str) -> Option<usize> {
    step.strip_prefix('+').unwrap_or(step).parse().ok()
}

/// `name` and `value` of `[name=value]`.
fn split_match(step: &str) -> Result<(&str, &str), Error> {
    let inner = step.strip_suffix(']').unwrap_or(step);
    let inner = inner.strip_prefix('[').unwrap_or(inner);
    inner.split_once('=').ok_or_else(|| Error::Replacement {
        reason: "list path element must contain fieldName=fieldValue for element to match".into(),
    })
}

/// The shape of what is made for a step, which depends on the next one.
fn made_shape(next: Option<&String>, last: Shape) -> Shape {
    match next {
        None => last,
        Some(next) if is_match(next) || place(next).is_some() => Shape::Sequence,
        Some(_) => Shape::Mapping,
    }
}

/// Whether missing steps are made, and of which shape the last one is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LookupKind {
    Find,
    Create(Shape),
}

fn clean(path: &[String]) -> Vec<String> {
    path.iter().map(|step| step.trim().to_owned()).filter(|step| !step.is_empty()).collect()
}

/// The one field a path leads to.
pub(crate) fn lookup<'a>(start: &'a Node, path: &[String]) -> Result<Option<&'a Node>, Error> {
    let mut at = start;
    for step in &clean(path) {
        let next = if let Ok(number) = step.parse::<i64>() {
            let number = usize::try_from(number)
                .map_err(|_| Error::Replacement { reason: format!("array index {number} cannot be negative") })?;
            node::sequence(at)?.get(number)
        } else if step == "-" {
            node::sequence(at)?.last()
        } else if step == "*" {
            return Err(Error::Replacement { reason: "wildcard is not supported in PathGetter".into() });
        } else if is_match(step) {
            let (name, value) = split_match(step)?;
            node::sequence(at)?.iter().find(|item| match name {
                "" => raw(item) == value,
                name => item.get(name).is_some_and(|field| raw(field) == value),
            })
        } else {
            node::expect_shape(at, Shape::Mapping)?;
            at.get(step)
        };
        match next {
            Some(next) => at = next,
            None => return Ok(None),
        }
    }
    Ok(Some(at))
}

/// As [`lookup`], for changing what is found, made where that is wanted.
pub(crate) fn lookup_create<'a>(
    start: &'a mut Node,
    path: &[String],
    kind: LookupKind,
) -> Result<Option<&'a mut Node>, Error> {
    let path = clean(path);
    let mut at = start;
    for (position, step) in path.iter().enumerate() {
        let made = match kind {
            LookupKind::Find => None,
            LookupKind::Create(last) => Some(made_shape(path.get(position + 1), last)),
        };
        let next = if let Some(number) = place(step) {
            node::sequence_mut(at)?.get_mut(number)
        } else if step == "-" {
            node::sequence_mut(at)?.last_mut()
        } else if step == "*" {
            return Err(Error::Replacement { reason: "wildcard is not supported in PathGetter".into() });
        } else if is_match(step) {
            element(at, split_match(step)?, made.is_some())?
        } else {
            node::expect_shape(at, Shape::Mapping)?;
            if is_null(at) {
                return Ok(None);
            }
            let map = node::mapping_mut(at)?;
            match made {
                Some(shape) => node::field_or_insert(map, step, || shape.empty()),
                None => map.get_mut(step),
            }
        };
        match next {
            Some(next) => at = next,
            None => return Ok(None),
        }
    }
    Ok(Some(at))
}

fn element<'a>(list: &'a mut Node, (name, value): (&str, &str), make: bool) -> Result<Option<&'a mut Node>, Error> {
    let matches = |item: &Node| match name {
        "" => raw(item) == value,
        name => item.get(name).is_some_and(|field| raw(field) == value),
    };
    let found = node::sequence(list)?.iter().position(matches);
    let found = match (found, &mut list.kind) {
        (Some(found), _) => found,
        (None, NodeKind::Sequence(seq)) if make => {
            seq.items.push(new_element(name, value));
            seq.items.len() - 1
        }
        (None, _) => return Ok(None),
    };
    Ok(node::sequence_mut(list)?.get_mut(found))
}

fn new_element(name: &str, value: &str) -> Node {
    if name.is_empty() {
        return Node::plain(value);
    }
    let mut map = Mapping::default();
    map.entries.push((Node::plain(name), Node::plain(value)));
    Node::new(NodeKind::Mapping(map))
}

/// Calls `set` on every field a path matches; `[name=pattern]` and `*` can match many.
/// Returns how many were found.
pub(crate) fn visit(
    start: &mut Node,
    path: &[String],
    create: Option<Shape>,
    set: &mut dyn FnMut(&mut Node) -> Result<(), Error>,
) -> Result<usize, Error> {
    let mut visitor = Visitor { create, set, found: 0 };
    visitor.walk(start, path)?;
    Ok(visitor.found)
}

struct Visitor<'a> {
    create: Option<Shape>,
    set: &'a mut dyn FnMut(&mut Node) -> Result<(), Error>,
    found: usize,
}

impl Visitor<'_> {
    fn walk(&mut self, at: &mut Node, path: &[String]) -> Result<(), Error> {
        let Some((step, rest)) = path.split_first() else {
            self.found += 1;
            if self.found > MAX_FOUND {
                return Err(Error::Limit { what: "the number of fields a path matches", limit: MAX_FOUND as u64 });
            }
            return (self.set)(at);
        };
        let mut lost;
        let at = match is_null(at) && self.create.is_some() && step != "*" {
            // What upstream makes inside a null counts as found and is never printed.
            true => {
                lost = made_shape(Some(step), Shape::Scalar).empty();
                &mut lost
            }
            false => at,
        };
        if let Some(number) = place(step) {
            self.item(at, number, rest)
        } else if is_match(step) {
            self.matching(at, split_match(step)?, rest)
        } else if step == "*" {
            node::sequence_mut(at)?.iter_mut().try_for_each(|item| self.walk(item, rest))
        } else {
            self.field(at, step, rest)
        }
    }

    fn field(&mut self, at: &mut Node, name: &str, rest: &[String]) -> Result<(), Error> {
        node::expect_shape(at, Shape::Mapping)?;
        if at.get(name).is_none() {
            let Some(last) = self.create else { return Ok(()) };
            let made = made_shape(rest.first(), last).empty();
            node::mapping_mut(at)?.entries.push((Node::plain(name), made));
        }
        let Some(field) = at.get_mut(name) else { return Ok(()) };
        if !rest.is_empty() && node::shape(field) == Shape::Scalar && !is_null(field) {
            // The text may hold structure, but a change in a copy of it reaches nobody.
            let limits = flux_yaml::Limits::default();
            let options = flux_yaml::ParseOptions { limits, ..flux_yaml::ParseOptions::default() };
            let Some(mut inner) = flux_yaml::parse_one(raw(field), &options)? else { return Ok(()) };
            return self.walk(&mut inner, rest);
        }
        self.walk(field, rest)
    }

    fn item(&mut self, at: &mut Node, number: usize, rest: &[String]) -> Result<(), Error> {
        let count = node::sequence(at)?.len();
        if let (true, Some(last), NodeKind::Sequence(seq)) = (count == number, self.create, &mut at.kind) {
            seq.items.push(made_shape(rest.first(), last).empty());
        }
        match node::sequence_mut(at)?.get_mut(number) {
            Some(item) => self.walk(item, rest),
            None => {
                Err(Error::Replacement { reason: format!("index {number} specified but only {count} elements found") })
            }
        }
    }

    fn matching(&mut self, at: &mut Node, (name, pattern): (&str, &str), rest: &[String]) -> Result<(), Error> {
        let compiled = regex::compile(pattern).map_err(|reason| Error::Replacement { reason })?;
        let before = self.found;
        let matches = |item: &Node| match name {
            "" => compiled.is_match(node::text_of(item).trim()),
            name => item.get(name).is_some_and(|field| compiled.is_match(node::text_of(field).trim())),
        };
        for item in node::sequence_mut(at)?.iter_mut() {
            if matches(item) {
                self.walk(item, if name.is_empty() { &[] } else { rest })?;
            }
        }
        if self.found > before || self.create.is_none() {
            return Ok(());
        }
        let NodeKind::Sequence(seq) = &mut at.kind else { return Ok(()) };
        seq.items.push(new_element(name, pattern));
        match seq.items.last_mut() {
            Some(item) if matches(item) => self.walk(item, if name.is_empty() { &[] } else { rest }),
            _ => Err(Error::Replacement { reason: format!("failed to create element for \"[{name}={pattern}]\"") }),
        }
    }
}
