//! Adapts a field set to a type whose lists or maps became atomic.

use flux_schema::{List, Map, NodeId, Relationship, Schema, TypeRef};

use super::{Errors, Shape, ValidationErrors, invalid_atom, resolve};
use crate::fieldpath::{PathElement, Set};

/// The set after the change, or `None` when the type asks for none.
pub fn reconcile(set: &Set, of: &TypeRef) -> Result<Option<Set>, ValidationErrors> {
    let mut walk = Walk { schema: of.schema(), path: Vec::new(), collapsed: Set::default(), errors: Errors::default() };
    walk.visit(Some(set), of.id(), false);
    walk.errors.into_result()?;
    if walk.collapsed.is_empty() {
        return Ok(None);
    }
    // The owner of what is below an atomic field now owns the field.
    Ok(Some(set.recursive_difference(&walk.collapsed).union(&walk.collapsed)))
}

struct Walk<'a> {
    schema: &'a Schema,
    path: Vec<PathElement>,
    collapsed: Set,
    errors: Errors,
}

impl<'a> Walk<'a> {
    fn visit(&mut self, set: Option<&Set>, id: NodeId, leaf: bool) {
        let node = match resolve(self.schema, id) {
            Ok(node) => node,
            Err(errors) => return self.errors.extend(errors),
        };
        match Shape::of(node, None) {
            Shape::Scalar(_) => {}
            Shape::Map(map) => self.map(set, map, leaf),
            Shape::List(list) => self.list(set, list, leaf),
            Shape::Invalid => self.errors.extend(invalid_atom(node)),
        }
    }

    fn map(&mut self, set: Option<&Set>, map: &'a Map, leaf: bool) {
        let free = map.fields.is_empty() && map.element.is_some_and(|element| self.schema.is_deduced(element));
        if free {
            return;
        }
        if !leaf && map.relationship == Relationship::Atomic {
            if set.is_some_and(|set| !set.is_empty()) {
                self.collapse();
            }
            return;
        }
        self.members(set, |element| match element {
            PathElement::Field(name) => map.member(name),
            _ => map.element,
        });
    }

    fn list(&mut self, set: Option<&Set>, list: &'a List, leaf: bool) {
        if !leaf && list.relationship == Relationship::Atomic {
            return self.collapse();
        }
        self.members(set, |_| Some(list.element));
    }

    fn collapse(&mut self) {
        self.collapsed.insert(&self.path);
    }

    fn members(&mut self, set: Option<&Set>, type_of: impl Fn(&PathElement) -> Option<NodeId>) {
        let Some(set) = set else { return };
        for (element, below) in &set.children {
            if !set.has_member(element) {
                self.member(element, Some(below), false, type_of(element));
            }
        }
        for element in &set.members {
            let below = set.below(element);
            self.member(element, below, below.is_none(), type_of(element));
        }
    }

    /// Members that the type does not know are left alone.
    fn member(&mut self, element: &PathElement, below: Option<&Set>, leaf: bool, id: Option<NodeId>) {
        if let Some(id) = id {
            self.path.push(element.clone());
            self.visit(below, id, leaf);
            self.path.pop();
        }
    }
}
