//! Lists whose elements are found by keys, and sets of scalars.
//!
//! Elements lie in a pool and lists hold their places, because upstream's lists share elements and the
//! result depends on it.

use std::collections::{HashMap, HashSet};

use flux_yaml::{Node, NodeKind, Sequence};

use super::directive::{Directive, take_directive};
use super::{Merged, Merger, Patch};
use crate::error::Error;
use crate::node::{self, Shape, is_empty, is_empty_map, is_null, raw, shape, untagged};
use crate::schema::TypeRef;

/// Lists up to this length are searched rather than indexed.
const SHORT: usize = 16;

/// The values of an element's keys; empty where it lacks one.
type Values = Vec<String>;

impl<'a> Merger<'a> {
    pub(super) fn keyed_list(
        &self,
        target: Option<Node>,
        patch: Patch,
        keys: &[&str],
        known: Option<TypeRef<'a>>,
    ) -> Result<Merged, Error> {
        let Some((target, patch)) = visit_list(target, patch)? else { return Ok(Merged::GONE) };
        let mut target = target;
        let NodeKind::Sequence(Sequence { items, .. }) = &mut target.kind else { return Ok(Merged::some(target)) };
        let own = std::mem::take(items);
        let (new, itself) = match patch {
            Patch::Node(Node { kind: NodeKind::Sequence(seq), .. }) => (Some(seq.items), false),
            Patch::Itself => (None, true),
            _ => (None, false),
        };
        let keys = if keys.is_empty() { &[""][..] } else { keys };
        if let ([key], None, false) = (keys, &new, itself)
            && has_own_keys(&own, key)
        {
            *items = self.untouched(own, known.and_then(TypeRef::items))?;
            return Ok(Merged::some(target));
        }
        let list = List { merger: self, keys, new, itself, items: known.and_then(TypeRef::items) };
        *items = list.merge(own)?;
        Ok(Merged::some(target))
    }

    /// A list with plain keys that no patch names: its elements stay where they are.
    fn untouched(&self, own: Vec<Node>, kind: Option<TypeRef<'a>>) -> Result<Vec<Node>, Error> {
        let mut kept = Vec::with_capacity(own.len());
        for item in own {
            kept.extend(self.walk(Some(item), Patch::Nothing, kind)?.node.filter(|node| !is_empty_map(node)));
        }
        Ok(kept)
    }
}

/// True when every element has its own value of the key.
fn has_own_keys(list: &[Node], key: &str) -> bool {
    fn value<'n>(item: &'n Node, key: &str) -> Option<&'n str> {
        item.get(key).and_then(Node::text).filter(|text| !text.is_empty())
    }
    let own = |(at, item)| {
        let new = value(item, key);
        new.is_some() && list[..at].iter().all(|other| value(other, key) != new)
    };
    !key.is_empty() && list.len() <= SHORT && list.iter().enumerate().all(own)
}

/// Decides what a list becomes before its elements are merged.
fn visit_list(target: Option<Node>, patch: Patch) -> Result<Option<(Node, Patch)>, Error> {
    match (target.filter(|target| !is_null(target)), patch) {
        (None, Patch::Node(new)) => Ok(Some((new, Patch::Itself))),
        (None, _) => Ok(None),
        (Some(_), Patch::Node(new)) if is_null(&new) => Ok(None),
        (Some(old), Patch::Nothing) => Ok(Some((old, Patch::Nothing))),
        (Some(mut old), Patch::Itself) => match take_directive(&mut old)? {
            Directive::Delete => Ok(None),
            _ => Ok(Some((old, Patch::Itself))),
        },
        (Some(old), Patch::Node(mut new)) => Ok(match take_directive(&mut new)? {
            Directive::Delete => None,
            Directive::Replace => Some((new, Patch::Itself)),
            Directive::Merge => Some((old, Patch::Node(new))),
        }),
    }
}

pub(super) struct List<'m, 'a> {
    merger: &'m Merger<'a>,
    /// One empty key for a set of scalars.
    keys: &'m [&'m str],
    /// The patch's elements.
    new: Option<Vec<Node>>,
    /// The list is the patch's own.
    itself: bool,
    items: Option<TypeRef<'a>>,
}

fn key_values(item: &Node, keys: &[&str]) -> Values {
    let field = |key: &str| item.get(key).filter(|value| !is_empty(value)).map(raw).unwrap_or_default().to_owned();
    keys.iter().map(|key| field(key)).collect()
}

impl List<'_, '_> {
    fn scalars(&self) -> bool {
        self.keys == [""]
    }

    pub(super) fn merge(&self, own: Vec<Node>) -> Result<Vec<Node>, Error> {
        match self.plain_keys(&own) {
            Some((own_keys, new_keys)) => self.merge_plain(own, &own_keys, &new_keys),
            None => self.merge_odd(own),
        }
    }

    /// The keys of all elements when there is one key and every element has its own value of it.
    fn plain_keys(&self, own: &[Node]) -> Option<(Vec<String>, Vec<String>)> {
        let [key] = self.keys else { return None };
        let read = |list: &[Node]| -> Option<Vec<String>> {
            let mut seen = HashSet::with_capacity(list.len());
            let keys = list.iter().map(|item| {
                let value = if key.is_empty() { item.text()? } else { item.get(key)?.text()? };
                (!value.is_empty() && seen.insert(value)).then(|| value.to_owned())
            });
            keys.collect()
        };
        // A set of scalars that shed nothing is handled with the rest.
        if key.is_empty() && own.iter().chain(self.new.iter().flatten()).any(is_null) {
            return None;
        }
        Some((read(own)?, read(self.new.as_deref().unwrap_or_default())?))
    }

    /// The usual list: linear.
    fn merge_plain(&self, own: Vec<Node>, own_keys: &[String], new_keys: &[String]) -> Result<Vec<Node>, Error> {
        let mut by_key: HashMap<&str, Node> = own_keys.iter().map(String::as_str).zip(own).collect();
        let mut new: HashMap<&str, &Node> =
            new_keys.iter().map(String::as_str).zip(self.new.iter().flatten()).collect();
        let order: Vec<&str> = match self.merger.options.prepend {
            true => new_keys.iter().map(String::as_str).collect(),
            false => Vec::new(),
        };
        let rest = own_keys.iter().chain(new_keys).map(String::as_str);
        let mut seen = HashSet::new();
        let mut out = Vec::with_capacity(own_keys.len() + new_keys.len());
        for key in order.into_iter().chain(rest).filter(|key| seen.insert(*key)) {
            let old = by_key.remove(key);
            let had = old.is_some();
            let patch = match new.remove(key) {
                Some(node) => Patch::Node(node.clone()),
                None if self.itself => Patch::Itself,
                None => Patch::Nothing,
            };
            // A replaced element is put back by upstream's second pass over the old ones.
            let spare = match (&old, &patch) {
                (Some(old), Patch::Node(patch)) if is_replacement(patch) => Some(old.clone()),
                _ => None,
            };
            let merged = self.merger.walk(old, patch, self.items)?.node.filter(|node| !is_empty_map(node));
            let Some(mut merged) = merged else { continue };
            if !self.scalars() && shape(&merged) == Shape::Mapping && merged.get(self.keys[0]).is_none() {
                node::set_field(node::mapping_mut(&mut merged)?, self.keys[0], Some(untagged(key)), false);
            }
            out.push(if had { spare.unwrap_or(merged) } else { merged });
        }
        Ok(out)
    }

    /// Lists with several keys, and elements that lack one or share one.
    pub(super) fn merge_odd(&self, own: Vec<Node>) -> Result<Vec<Node>, Error> {
        let mut pool = Pool { nodes: own };
        let mut target: Vec<usize> = (0..pool.nodes.len()).collect();
        let mut all = self.all_values(&pool, &target);
        if self.keys.len() > 1 {
            join_values(&mut all);
        }
        let mut merged = Vec::new();
        let mut last_keys = self.keys.to_vec();
        for values in &all {
            let (keys, values) = valid_keys(&all, values, self.keys);
            self.merge_one(&keys, &values, &mut pool, &mut target, &mut merged)?;
            last_keys = keys;
        }
        if all.is_empty() {
            return Ok(pool.take(&target));
        }
        let out = match self.merger.options.prepend {
            true => append_list(merged, &target, &last_keys, &pool)?,
            false => append_list(target, &merged, &last_keys, &pool)?,
        };
        Ok(pool.take(&out))
    }

    /// Every combination of key values, each once: in the order elements are to have.
    fn all_values(&self, pool: &Pool, target: &[usize]) -> Vec<Values> {
        let scalars = self.scalars();
        let of = |node: &Node| match scalars {
            true => vec![raw(node).to_owned()],
            false => key_values(node, self.keys),
        };
        let own: Vec<Values> = target.iter().map(|place| of(&pool.nodes[*place])).collect();
        let new: Vec<Values> = self.new.iter().flatten().map(of).collect();
        let (first, second) = if self.merger.options.prepend { (new, own) } else { (own, new) };
        let mut seen = HashSet::new();
        first.into_iter().chain(second).filter(|values| seen.insert(values.clone())).collect()
    }

    fn merge_one(
        &self,
        keys: &[&str],
        values: &Values,
        pool: &mut Pool,
        target: &mut Vec<usize>,
        merged: &mut Vec<usize>,
    ) -> Result<(), Error> {
        let (look_keys, look_values) = valid_keys(std::slice::from_ref(values), values, keys);
        let old = target.iter().copied().find(|place| element_matches(&pool.nodes[*place], &look_keys, &look_values));
        let new = self.new.iter().flatten().find(|node| element_matches(node, &look_keys, &look_values));
        let replaces = new.is_some_and(is_replacement);
        let taken = old.map(|place| if replaces { pool.nodes[place].clone() } else { pool.take_one(place) });
        let patch = match new {
            Some(node) => Patch::Node(node.clone()),
            None if self.itself && taken.is_some() => Patch::Itself,
            None => Patch::Nothing,
        };
        let result = self.merger.walk(taken, patch, self.items)?.node;
        let Some(mut node) = result.filter(|node| !is_empty_map(node)) else {
            set_element(target, None, keys, values, pool)?;
            return Ok(());
        };
        for (key, value) in keys.iter().zip(values) {
            if shape(&node) == Shape::Mapping && node.get(key).is_none() && !value.is_empty() {
                node::set_field(node::mapping_mut(&mut node)?, key, Some(untagged(value)), false);
            }
        }
        let place = match old.filter(|_| !replaces) {
            Some(place) => {
                pool.nodes[place] = node;
                place
            }
            None => pool.add(node),
        };
        set_element(merged, Some(place), keys, values, pool)
    }
}

fn is_replacement(patch: &Node) -> bool {
    patch.get("$patch").is_some_and(|value| raw(value) == "replace")
}

/// Elements by place.
struct Pool {
    nodes: Vec<Node>,
}

impl Pool {
    fn add(&mut self, node: Node) -> usize {
        self.nodes.push(node);
        self.nodes.len() - 1
    }

    fn take_one(&mut self, place: usize) -> Node {
        std::mem::replace(&mut self.nodes[place], Node::null())
    }

    fn take(self, places: &[usize]) -> Vec<Node> {
        let mut nodes: Vec<Option<Node>> = self.nodes.into_iter().map(Some).collect();
        let mut out: Vec<Node> = Vec::with_capacity(places.len());
        let mut first: HashMap<usize, usize> = HashMap::new();
        for place in places {
            let node = match nodes[*place].take() {
                Some(node) => {
                    first.insert(*place, out.len());
                    node
                }
                None => out[first[place]].clone(),
            };
            out.push(node);
        }
        out
    }
}

/// The first mapping all of whose keys have these values; for scalars, the one of this text.
fn element_matches(item: &Node, keys: &[&str], values: &Values) -> bool {
    if keys.first().is_none_or(|key| key.is_empty()) {
        return values.first().is_some_and(|value| raw(item) == value);
    }
    if shape(item) != Shape::Mapping || keys.len() != values.len() {
        return false;
    }
    keys.iter().zip(values).all(|(key, value)| item.get(key).is_some_and(|field| raw(field) == value))
}

/// Leaves out the keys that no element has.
fn valid_keys<'k>(all: &[Values], values: &Values, keys: &[&'k str]) -> (Vec<&'k str>, Values) {
    let used = |number: usize| all.iter().any(|values| values.get(number).is_some_and(|value| !value.is_empty()));
    if !(0..keys.len()).any(used) {
        return (keys.to_vec(), values.clone());
    }
    let keys = keys.iter().enumerate().filter(|(number, _)| used(*number)).map(|(_, key)| *key).collect();
    let values = values
        .iter()
        .enumerate()
        .filter(|(number, value)| !value.is_empty() || used(*number))
        .map(|(_, value)| value.clone());
    (keys, values.collect())
}

/// Combinations that agree where both say something become one.
fn join_values(all: &mut [Values]) {
    for i in 0..all.len() {
        for j in 0..all.len() {
            if let Some(joined) = joined(&all[i], &all[j]) {
                all[i].clone_from(&joined);
                all[j] = joined;
            }
        }
    }
}

fn joined(a: &Values, b: &Values) -> Option<Values> {
    if a.len() != b.len() {
        return None;
    }
    let mut common = false;
    let mut out = Vec::with_capacity(a.len());
    for (a, b) in a.iter().zip(b) {
        if a == b {
            common = true;
            out.push(a.clone());
        } else if !a.is_empty() && !b.is_empty() {
            return None;
        } else {
            out.push(if a.is_empty() { b.clone() } else { a.clone() });
        }
    }
    common.then_some(out)
}

/// kyaml's `ElementSetter`: replaces the matching elements, removes them, or appends.
fn set_element(
    list: &mut Vec<usize>,
    element: Option<usize>,
    keys: &[&str],
    values: &[String],
    pool: &Pool,
) -> Result<(), Error> {
    let keys = if keys.is_empty() { &[""][..] } else { keys };
    let of_mappings = !keys[0].is_empty() && values.first().is_some_and(|value| !value.is_empty());
    let mut kept = Vec::with_capacity(list.len() + 1);
    let mut found = false;
    for place in list.iter().copied() {
        let item = &pool.nodes[place];
        if is_empty_map(item) {
            continue;
        }
        if of_mappings && shape(item) != Shape::Mapping {
            kept.push(place);
            continue;
        }
        let mut matches = true;
        for (number, key) in keys.iter().enumerate() {
            matches = match values.get(number) {
                // A value that is missing is taken to match when the ones before it do.
                None => number > 0,
                Some(value) => field_matches(item, key, value)?,
            };
            if !matches {
                break;
            }
        }
        if !matches {
            if !values.is_empty() {
                kept.push(place);
            }
            continue;
        }
        found = true;
        kept.extend(element);
    }
    if let (false, Some(element)) = (found, element) {
        kept.push(element);
    }
    *list = kept;
    Ok(())
}

/// An empty value matches any field that is there.
fn field_matches(item: &Node, key: &str, value: &str) -> Result<bool, Error> {
    if key.is_empty() {
        node::expect_shape(item, Shape::Scalar)?;
        return Ok(node::value(item) == value);
    }
    node::expect_shape(item, Shape::Mapping)?;
    Ok(item.get(key).is_some_and(|field| value.is_empty() || raw(field) == value))
}

/// Puts the elements of `from` into `into`, each in the place of its like.
fn append_list(mut into: Vec<usize>, from: &[usize], keys: &[&str], pool: &Pool) -> Result<Vec<usize>, Error> {
    for place in from.iter().copied() {
        let item = &pool.nodes[place];
        if keys.first().is_none_or(|key| key.is_empty()) {
            set_element(&mut into, Some(place), &[""], &[raw(item).to_owned()], pool)?;
            continue;
        }
        let mut values = Vec::with_capacity(keys.len());
        for key in keys {
            node::expect_shape(item, Shape::Mapping)?;
            match item.get(key) {
                Some(field) => values.push(raw(field).to_owned()),
                None => into.push(place),
            }
        }
        if keys.len() > 1 {
            set_element(&mut into, None, keys, &values, pool)?;
        }
        set_element(&mut into, Some(place), keys, &values, pool)?;
    }
    Ok(into)
}

/// A list of containers to be merged, for tests.
#[cfg(test)]
pub(super) fn testing<'m, 'a>(merger: &'m Merger<'a>, new: Vec<Node>) -> List<'m, 'a> {
    List { merger, keys: &["name"], new: Some(new), itself: false, items: None }
}
