//! Types written in comments: `field: # {"type":"array","x-kubernetes-patch-strategy":"merge"}`.

use std::collections::HashMap;

use flux_yaml::{Node, NodeKind};
use serde_json::{Map, Value, json};

use crate::schema::{self, Schema, TypeRef};

/// Types by the comment that describes them.
#[derive(Default)]
pub(super) struct CommentTypes {
    schema: Schema,
    names: HashMap<String, String>,
}

impl CommentTypes {
    /// Reads the comments of both trees. Nearly always there are none.
    pub(super) fn of(trees: [&Node; 2]) -> Self {
        let mut names = HashMap::new();
        let mut definitions = Map::new();
        for tree in trees {
            collect(tree, &mut |comment| {
                if let (false, Some(value)) = (names.contains_key(comment), described(comment)) {
                    let name = format!("comment.{}", names.len());
                    definitions.insert(name.clone(), value);
                    names.insert(comment.to_owned(), name);
                }
            });
        }
        if names.is_empty() {
            return Self::default();
        }
        let document = json!({ "definitions": definitions }).to_string();
        schema::parse(&document, false).map_or_else(|_| Self::default(), |schema| Self { schema, names })
    }

    /// The type an entry's comment gives it: on the value, or on the key of a list.
    pub(super) fn find(&self, key: &Node, value: &Node) -> Option<TypeRef<'_>> {
        if self.names.is_empty() {
            return None;
        }
        let named = [value, key].into_iter().flat_map(comments_of).find_map(|comment| self.names.get(comment));
        named.and_then(|name| self.schema.definition(name))
    }
}

fn comments_of(node: &Node) -> impl Iterator<Item = &str> {
    node.comments.iter().flat_map(|comments| [comments.line.as_str(), comments.head.as_str()])
}

fn collect(node: &Node, found: &mut dyn FnMut(&str)) {
    comments_of(node).filter(|comment| comment.contains('{')).for_each(&mut *found);
    match &node.kind {
        NodeKind::Mapping(map) => map.entries.iter().for_each(|(key, value)| {
            comments_of(key).filter(|comment| comment.contains('{')).for_each(&mut *found);
            collect(value, found);
        }),
        NodeKind::Sequence(seq) => seq.items.iter().for_each(|item| collect(item, found)),
        _ => {}
    }
}

fn described(comment: &str) -> Option<Value> {
    let value: Value = serde_json::from_str(comment.trim_start_matches('#').trim()).ok()?;
    value.as_object().is_some_and(|map| !map.is_empty()).then_some(value)
}
