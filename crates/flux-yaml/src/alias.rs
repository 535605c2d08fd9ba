//! Putting copies of anchored nodes in their aliases' places, within bounds.

use std::collections::{HashMap, HashSet};

use crate::error::{Error, ErrorKind};
use crate::json;
use crate::node::{Node, NodeKind};
use crate::options::Limits;

/// Replaces every alias below `node` and drops all anchors.
///
/// # Errors
/// An alias to an anchor that is not there or that holds the alias itself, or a result larger than `limits`
/// allow for the size of the tree's text.
pub fn expand_aliases(node: &mut Node, limits: &Limits) -> Result<(), Error> {
    let mut used = HashSet::new();
    let mut bytes = 0;
    survey(node, &mut used, &mut bytes);
    expand(node, &used, limits, bytes)
}

fn survey(node: &Node, used: &mut HashSet<Box<str>>, bytes: &mut usize) {
    *bytes += own_size(node);
    match &node.kind {
        NodeKind::Alias(name) => {
            used.insert(name.clone());
        }
        NodeKind::Scalar(_) => {}
        NodeKind::Sequence(sequence) => sequence.items.iter().for_each(|item| survey(item, used, bytes)),
        NodeKind::Mapping(mapping) => {
            for (key, value) in &mapping.entries {
                survey(key, used, bytes);
                survey(value, used, bytes);
            }
        }
    }
}

/// Roughly the text a node needs: its scalar and two characters around it.
fn own_size(node: &Node) -> usize {
    node.as_scalar().map_or(2, |scalar| scalar.text.len() + 2)
}

pub(crate) fn expand(node: &mut Node, used: &HashSet<Box<str>>, limits: &Limits, bytes: usize) -> Result<(), Error> {
    let budget = bytes.saturating_mul(limits.max_alias_factor).max(limits.alias_floor);
    let mut expander = Expander { used, known: HashMap::new(), entered: 0, budget, depth: limits.max_depth };
    expander.walk(node, 0).map(|_| ())
}

struct Expander<'a> {
    used: &'a HashSet<Box<str>>,
    /// The latest anchor of each name.
    known: HashMap<Box<str>, Anchored>,
    /// Anchors met so far.
    entered: usize,
    budget: usize,
    depth: usize,
}

enum Anchored {
    /// We are inside of it; the number tells it from a later one of its name.
    Open(usize),
    Done(Known),
}

struct Known {
    node: Node,
    size: usize,
    height: usize,
}

impl Expander<'_> {
    /// Answers size and height of the expanded node.
    fn walk(&mut self, node: &mut Node, depth: usize) -> Result<(usize, usize), Error> {
        let anchor = node.anchor.take().filter(|name| self.used.contains(name));
        self.entered += 1;
        let number = self.entered;
        if let Some(name) = &anchor {
            self.known.insert(name.clone(), Anchored::Open(number));
        }
        let mut size = own_size(node);
        let mut height = 0;
        match &mut node.kind {
            NodeKind::Scalar(_) => {}
            NodeKind::Alias(name) => {
                let name = name.clone();
                return self.resolve(node, &name, depth);
            }
            NodeKind::Sequence(sequence) => {
                for item in &mut sequence.items {
                    let (item_size, item_height) = self.walk(item, depth + 1)?;
                    size += item_size;
                    height = height.max(item_height + 1);
                }
            }
            NodeKind::Mapping(mapping) => {
                for (key, value) in &mut mapping.entries {
                    let merged_alias = json::is_merge(key) && matches!(value.kind, NodeKind::Alias(_));
                    for part in [key, &mut *value] {
                        let (part_size, part_height) = self.walk(part, depth + 1)?;
                        size += part_size;
                        height = height.max(part_height + 1);
                    }
                    if merged_alias && value.as_mapping().is_none() {
                        return Err(json::bad_merge());
                    }
                }
            }
        }
        if let Some(name) = anchor
            && matches!(self.known.get(&name), Some(Anchored::Open(open)) if *open == number)
        {
            self.spend(size)?;
            self.known.insert(name, Anchored::Done(Known { node: node.clone(), size, height }));
        }
        Ok((size, height))
    }

    fn resolve(&mut self, node: &mut Node, name: &str, depth: usize) -> Result<(usize, usize), Error> {
        let (size, height) = match self.known.get(name) {
            None => return Err(syntax(format!("unknown anchor '{name}' referenced"))),
            Some(Anchored::Open(_)) => return Err(syntax(format!("anchor '{name}' value contains itself"))),
            Some(Anchored::Done(known)) => (known.size, known.height),
        };
        self.spend(size)?;
        if depth + height > self.depth {
            return Err(Error::limit(format!("exceeded max depth of {}", self.depth)));
        }
        if let Some(Anchored::Done(known)) = self.known.get(name) {
            node.kind = known.node.kind.clone();
        }
        Ok((size, height))
    }

    fn spend(&mut self, size: usize) -> Result<(), Error> {
        match self.budget.checked_sub(size) {
            Some(left) => {
                self.budget = left;
                Ok(())
            }
            None => Err(Error::limit("document contains excessive aliasing")),
        }
    }
}

fn syntax(problem: String) -> Error {
    Error::new(ErrorKind::Syntax(problem))
}
