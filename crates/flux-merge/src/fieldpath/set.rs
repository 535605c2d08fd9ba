//! A set of paths, as a tree of sorted lists.

use std::cmp::Ordering;
use std::sync::Arc;

use flux_schema::{NodeId, Schema, TypeRef};

use super::{Path, PathElement};

/// A set of paths. Sub-trees are shared between copies.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Set {
    /// The elements that are members; sorted.
    pub(crate) members: Vec<PathElement>,
    /// The elements below which there are members; sorted. Being here is not being a member.
    pub(crate) children: Vec<(PathElement, Arc<Set>)>,
}

type Children = [(PathElement, Arc<Set>)];

impl Set {
    pub fn new() -> Self {
        Self::default()
    }

    /// A set of paths of member names.
    pub fn of_fields(paths: &[&[&str]]) -> Self {
        let mut set = Self::default();
        for path in paths {
            set.insert(&Path::fields(path).0);
        }
        set
    }

    /// Adds a path; its parents are not added.
    pub fn insert(&mut self, path: &[PathElement]) {
        match path {
            [] => {}
            [last] => {
                if let Err(at) = self.members.binary_search(last) {
                    self.members.insert(at, last.clone());
                }
            }
            [first, rest @ ..] => {
                let at = match self.find(first) {
                    Ok(at) => at,
                    Err(at) => {
                        self.children.insert(at, (first.clone(), Arc::default()));
                        at
                    }
                };
                Arc::make_mut(&mut self.children[at].1).insert(rest);
            }
        }
    }

    fn find(&self, element: &PathElement) -> Result<usize, usize> {
        self.children.binary_search_by(|(own, _)| own.cmp(element))
    }

    pub fn has(&self, path: &[PathElement]) -> bool {
        match path {
            [] => false,
            [last] => self.has_member(last),
            [first, rest @ ..] => self.below(first).is_some_and(|set| set.has(rest)),
        }
    }

    pub fn has_member(&self, element: &PathElement) -> bool {
        self.members.binary_search(element).is_ok()
    }

    /// The set below `element`.
    pub fn below(&self, element: &PathElement) -> Option<&Set> {
        self.find(element).ok().map(|at| &*self.children[at].1)
    }

    pub fn is_empty(&self) -> bool {
        self.members.is_empty() && self.children.iter().all(|(_, set)| set.is_empty())
    }

    /// The number of paths.
    pub fn len(&self) -> usize {
        self.members.len() + self.children.iter().map(|(_, set)| set.len()).sum::<usize>()
    }

    /// Every path, members before those below them.
    pub fn paths(&self) -> Vec<Path> {
        let mut paths = Vec::with_capacity(self.len());
        self.collect(&mut Vec::new(), &mut paths);
        paths
    }

    fn collect(&self, prefix: &mut Vec<PathElement>, paths: &mut Vec<Path>) {
        for member in &self.members {
            prefix.push(member.clone());
            paths.push(Path(prefix.clone()));
            prefix.pop();
        }
        for (element, set) in &self.children {
            prefix.push(element.clone());
            set.collect(prefix, paths);
            prefix.pop();
        }
    }

    pub fn union(&self, other: &Set) -> Set {
        let mut out = Set {
            members: Vec::with_capacity(self.members.len().max(other.members.len())),
            children: Vec::with_capacity(self.children.len().max(other.children.len())),
        };
        walk(&self.members, &other.members, PathElement::cmp, |left, right| {
            out.members.extend(left.or(right).cloned());
        });
        walk_children(&self.children, &other.children, |left, right| match (left, right) {
            (Some((element, a)), Some((_, b))) if !Arc::ptr_eq(a, b) => {
                out.children.push((element.clone(), Arc::new(a.union(b))));
            }
            _ => out.children.extend(left.or(right).cloned()),
        });
        out
    }

    pub fn intersection(&self, other: &Set) -> Set {
        let mut out = Set::default();
        walk(&self.members, &other.members, PathElement::cmp, |left, right| {
            out.members.extend(left.and(right).cloned());
        });
        walk_children(&self.children, &other.children, |left, right| {
            if let (Some((element, a)), Some((_, b))) = (left, right) {
                out.push_below(element, a.intersection(b));
            }
        });
        out
    }

    /// The paths that are in this set and not in the other. A parent does not stand for its children.
    pub fn difference(&self, other: &Set) -> Set {
        let mut out = Set { members: self.members_without(other), children: Vec::new() };
        walk_children(&self.children, &other.children, |left, right| match (left, right) {
            (Some((element, a)), Some((_, b))) => out.push_below(element, a.difference(b)),
            (Some(own), None) => out.children.push(own.clone()),
            (None, _) => {}
        });
        out
    }

    /// As [`Self::difference`], but a path in the other set takes all below it along.
    pub fn recursive_difference(&self, other: &Set) -> Set {
        let mut out = Set { members: self.members_without(other), children: Vec::new() };
        walk_children(&self.children, &other.children, |left, right| {
            let Some((element, a)) = left else { return };
            if other.has_member(element) {
                return;
            }
            match right {
                Some((_, b)) => out.push_below(element, a.recursive_difference(b)),
                None => out.children.push((element.clone(), Arc::clone(a))),
            }
        });
        out
    }

    fn members_without(&self, other: &Set) -> Vec<PathElement> {
        let mut members = Vec::new();
        walk(&self.members, &other.members, PathElement::cmp, |left, right| {
            if right.is_none() {
                members.extend(left.cloned());
            }
        });
        members
    }

    fn push_below(&mut self, element: &PathElement, below: Set) {
        if !below.is_empty() {
            self.children.push((element.clone(), Arc::new(below)));
        }
    }

    /// The paths with nothing below them.
    pub fn leaves(&self) -> Set {
        let members = self.members.iter().filter(|member| self.find(member).is_err()).cloned().collect();
        let children = self.children.iter().map(|(element, set)| (element.clone(), Arc::new(set.leaves()))).collect();
        Set { members, children }
    }

    /// Adds every declared field that has members below it: whoever owns `a.b.c` keeps the struct `a.b`.
    pub fn with_named_parents(&self, schema: &TypeRef) -> Set {
        self.with_parents(schema.schema(), Some(schema.id()))
    }

    fn with_parents(&self, schema: &Schema, node: Option<NodeId>) -> Set {
        let node = node.map(|id| schema.node(id));
        let map = node.and_then(|node| node.map.as_ref());
        let list = node.and_then(|node| node.list.as_ref());
        let mut out = Set { members: self.members.clone(), children: Vec::with_capacity(self.children.len()) };
        for (element, set) in &self.children {
            let below = match element {
                PathElement::Field(name) => {
                    if map.is_some_and(|map| map.field(name).is_some())
                        && let Err(at) = out.members.binary_search(element)
                    {
                        out.members.insert(at, element.clone());
                    }
                    map.and_then(|map| map.member(name))
                }
                PathElement::Key(_) => list.map(|list| list.element),
                _ => None,
            };
            out.children.push((element.clone(), Arc::new(set.with_parents(schema, below))));
        }
        out
    }

    /// Adds a node's findings: itself, and what is below it. Callers sort with [`Self::normalize`] unless they add in order.
    pub(crate) fn attach(&mut self, element: &PathElement, below: Set, member: bool) {
        if member {
            self.members.push(element.clone());
        }
        if !(below.members.is_empty() && below.children.is_empty()) {
            self.children.push((element.clone(), Arc::new(below)));
        }
    }

    /// Sorts, and merges repeated elements.
    pub(crate) fn normalize(&mut self) {
        if !self.members.is_sorted() {
            self.members.sort();
        }
        self.members.dedup();
        if !self.children.is_sorted_by(|a, b| a.0 < b.0) {
            self.children.sort_by(|a, b| a.0.cmp(&b.0));
            self.children.dedup_by(|later, first| {
                let same = later.0 == first.0;
                if same {
                    first.1 = Arc::new(first.1.union(&later.1));
                }
                same
            });
        }
    }
}

/// Walks two sorted lists side by side.
fn walk<'a, T>(
    left: &'a [T],
    right: &'a [T],
    order: impl Fn(&T, &T) -> Ordering,
    mut visit: impl FnMut(Option<&'a T>, Option<&'a T>),
) {
    let (mut i, mut j) = (0, 0);
    while i < left.len() || j < right.len() {
        let next = match (left.get(i), right.get(j)) {
            (Some(a), Some(b)) => order(a, b),
            (Some(_), None) => Ordering::Less,
            _ => Ordering::Greater,
        };
        let a = if next.is_le() { left.get(i) } else { None };
        let b = if next.is_ge() { right.get(j) } else { None };
        i += usize::from(a.is_some());
        j += usize::from(b.is_some());
        visit(a, b);
    }
}

fn walk_children<'a>(
    left: &'a Children,
    right: &'a Children,
    visit: impl FnMut(Option<&'a (PathElement, Arc<Set>)>, Option<&'a (PathElement, Arc<Set>)>),
) {
    walk(left, right, |a, b| a.0.cmp(&b.0), visit);
}
