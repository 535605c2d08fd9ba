//! Strategic merge of one tree into another: kyaml's `merge2` over `walk`, with its directives and quirks.

mod comments;
mod directive;
mod list;
#[cfg(test)]
mod tests;

use flux_yaml::{Mapping, Node, NodeKind};

use crate::error::Error;
use crate::node::{self, Shape, is_null, raw, shape};
use crate::resource::text_field;
use crate::schema::{Schema, TypeRef};
use crate::shared;
use directive::{Directive, take_directive};

/// How lists are merged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MergeOptions {
    /// Without a type, treat a list whose elements all have a `name` as keyed by it.
    pub infer_associative_lists: bool,
    /// Put new elements before the present ones, as builds do.
    pub prepend: bool,
}

/// What is merged into a tree.
enum Patch {
    Nothing,
    Node(Node),
    /// The tree is the patch's own: it only sheds its nulls and directives.
    Itself,
}

/// What became of a tree: nothing is left, or a node. `keep` marks a null that stays.
struct Merged {
    node: Option<Node>,
    keep: bool,
}

impl Merged {
    const GONE: Self = Self { node: None, keep: false };

    fn some(node: Node) -> Self {
        Self { node: Some(node), keep: false }
    }
}

/// Merges `patch` into `target`. `None` when the patch deletes it.
pub(crate) fn merge(target: Node, patch: Node, schema: &Schema, options: MergeOptions) -> Result<Option<Node>, Error> {
    let described = comments::CommentTypes::of([&target, &patch]);
    let merger = Merger { schema, described: &described, options };
    Ok(merger.walk(Some(target), Patch::Node(patch), None)?.node)
}

struct Merger<'a> {
    schema: &'a Schema,
    described: &'a comments::CommentTypes,
    options: MergeOptions,
}

impl<'a> Merger<'a> {
    fn walk(&self, target: Option<Node>, patch: Patch, known: Option<TypeRef<'a>>) -> Result<Merged, Error> {
        let found = target.as_ref().filter(|node| !is_null(node));
        let new = match &patch {
            Patch::Node(node) if !is_null(node) => Some(node),
            _ => None,
        };
        let Some(kind) = found.or(new).map(shape) else { return Ok(self.nulls(target, patch)) };
        for node in [found, new].into_iter().flatten() {
            node::expect_shape(node, kind)?;
        }
        let known = known.or_else(|| self.type_of(found).or_else(|| self.type_of(new)));
        match kind {
            Shape::Mapping => self.map(target, patch, known),
            Shape::Scalar => Ok(replaced(target, patch)),
            Shape::Sequence => {
                let keys = match known {
                    Some(known) => known.merge_keys(),
                    None if self.options.infer_associative_lists
                        && [found, new].into_iter().flatten().any(all_named) =>
                    {
                        Some(vec!["name"])
                    }
                    None => None,
                };
                match keys {
                    Some(keys) => self.keyed_list(target, patch, &keys, known),
                    None => Ok(replaced(target, patch)),
                }
            }
        }
    }

    /// The type a comment gives a field, in the target or in the patch.
    fn described_type(&self, target: &Mapping, patch: &Patch, name: &str) -> Option<TypeRef<'a>> {
        let find = |map: &Mapping| {
            let (key, value) = map.entries.iter().find(|(key, _)| raw(key) == name)?;
            self.described.find(key, value)
        };
        find(target).or_else(|| match patch {
            Patch::Node(node) => node.as_mapping().and_then(find),
            _ => None,
        })
    }

    /// The type of an object in a place whose type is unknown.
    fn type_of(&self, node: Option<&Node>) -> Option<TypeRef<'a>> {
        let node = node.filter(|node| shape(node) == Shape::Mapping)?;
        let (api_version, kind) = (text_field(node, "apiVersion"), text_field(node, "kind"));
        if api_version.is_empty() || kind.is_empty() { None } else { self.schema.resource(api_version, kind) }
    }

    /// Neither side says anything.
    fn nulls(&self, target: Option<Node>, patch: Patch) -> Merged {
        match (target, patch) {
            // A null that was written stays; one that was left blank does not.
            (Some(old), Patch::Nothing) if !raw(&old).is_empty() => Merged { node: Some(old), keep: true },
            (_, Patch::Node(new)) => Merged::some(new),
            (Some(old), Patch::Itself) => Merged::some(old),
            _ => Merged::GONE,
        }
    }

    fn map(&self, target: Option<Node>, patch: Patch, known: Option<TypeRef<'a>>) -> Result<Merged, Error> {
        let Some((mut target, mut patch)) = visit_map(target, patch)? else { return Ok(Merged::GONE) };
        let names = {
            let own = target.as_mapping().map(|map| map.entries.as_slice()).unwrap_or_default();
            let new = match &patch {
                Patch::Node(node) => node.as_mapping().map(|map| map.entries.as_slice()).unwrap_or_default(),
                Patch::Nothing | Patch::Itself => &[],
            };
            let named = |name: &str| new.iter().any(|(key, _)| raw(key) == name);
            let own = own.iter().filter(|(key, value)| !stays(value) || named(raw(key))).map(|(key, _)| key);
            let mut names: Vec<Box<str>> =
                own.chain(new.iter().map(|(key, _)| key)).map(|key| raw(key).into()).collect();
            names.sort_unstable();
            names.dedup();
            names
        };
        let NodeKind::Mapping(map) = &mut target.kind else { return Ok(Merged::some(target)) };
        for name in names {
            let described = self.described_type(map, &patch, &name);
            let own = map.get_mut(&name).map(std::mem::take);
            let had_own = own.is_some();
            let anchor = own.as_ref().and_then(|own| own.anchor.clone());
            let style = own.as_ref().and_then(|own| own.as_scalar().map(|scalar| scalar.style));
            let below = match &mut patch {
                Patch::Nothing => Patch::Nothing,
                Patch::Itself => Patch::Itself,
                Patch::Node(node) => {
                    node.as_mapping_mut().and_then(|map| map.remove(&name)).map_or(Patch::Nothing, Patch::Node)
                }
            };
            let from_patch = matches!(below, Patch::Node(_));
            let merged = self.walk(own, below, described.or_else(|| known.and_then(|known| known.field(&name))))?;
            put(map, &name, merged, had_own, style.filter(|_| from_patch), anchor.filter(|_| from_patch));
        }
        Ok(Merged::some(target))
    }
}

/// Puts a merged value back under its name. `style` and `anchor` are those of the value the patch has replaced.
fn put(
    map: &mut Mapping,
    name: &str,
    merged: Merged,
    had_own: bool,
    style: Option<flux_yaml::ScalarStyle>,
    anchor: Option<Box<str>>,
) {
    let Some(mut value) = merged.node.filter(|node| merged.keep || !is_null(node)) else {
        map.remove(name);
        return;
    };
    if let Some(style) = style {
        // What was there keeps its style, so that a quoted field stays a string.
        node::pin(&mut value);
        if let NodeKind::Scalar(scalar) = &mut value.kind {
            scalar.style = style;
        }
    }
    // A text without a type that YAML 1.1 would not read as a string is quoted.
    node::quote_untagged(&mut value);
    match map.get_mut(name).filter(|_| had_own) {
        Some(slot) => {
            *slot = value;
            shared::changed(slot, anchor);
        }
        None => map.entries.push((Node::plain(name), value)),
    }
}

/// The patch's value where it has one, else the target's.
fn replaced(target: Option<Node>, patch: Patch) -> Merged {
    match patch {
        Patch::Node(new) => Merged::some(new),
        Patch::Nothing | Patch::Itself => target.map_or(Merged::GONE, Merged::some),
    }
}

/// Decides what a map becomes before its fields are merged.
fn visit_map(target: Option<Node>, patch: Patch) -> Result<Option<(Node, Patch)>, Error> {
    match (target.filter(|target| !is_null(target)), patch) {
        (None, Patch::Node(mut new)) => {
            // An unknown directive is not noticed here.
            let directive = take_directive(&mut new).unwrap_or(Directive::Merge);
            Ok((directive != Directive::Delete).then_some((new, Patch::Itself)))
        }
        (None, _) => Ok(None),
        (Some(old), Patch::Nothing) => Ok(Some((old, Patch::Nothing))),
        (Some(mut old), Patch::Itself) => match take_directive(&mut old)? {
            Directive::Delete => Ok(None),
            _ => Ok(Some((old, Patch::Itself))),
        },
        (Some(_), Patch::Node(new)) if is_null(&new) => Ok(None),
        (Some(old), Patch::Node(mut new)) => Ok(match take_directive(&mut new)? {
            Directive::Delete => None,
            Directive::Replace => Some((new, Patch::Itself)),
            Directive::Merge => Some((old, Patch::Node(new))),
        }),
    }
}

/// True for what no merge changes unless a patch names it: a scalar that says something and was not made here.
fn stays(value: &Node) -> bool {
    matches!(value.kind, NodeKind::Scalar(_)) && !is_null(value) && !node::is_untagged(value)
}

fn all_named(list: &Node) -> bool {
    list.as_sequence().is_some_and(|list| list.items.iter().all(|item| item.get("name").is_some()))
}
