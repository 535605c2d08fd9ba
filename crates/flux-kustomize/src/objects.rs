//! The result of a build.

use flux_yaml::{Node, Schema};
use serde_json::Value;

use crate::error::Error;

/// The built objects in order.
#[derive(Clone, Debug, Default)]
pub struct Objects {
    nodes: Vec<Node>,
    warnings: Vec<String>,
}

impl Objects {
    pub(crate) fn new(nodes: Vec<Node>, warnings: Vec<String>) -> Self {
        Self { nodes, warnings }
    }

    pub fn len(&self) -> usize {
        self.nodes.len()
    }

    pub fn is_empty(&self) -> bool {
        self.nodes.is_empty()
    }

    /// Deprecation warnings, in the words the `kustomize` program writes to stderr.
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }

    /// The objects as node trees.
    pub fn iter(&self) -> std::slice::Iter<'_, Node> {
        self.nodes.iter()
    }

    /// The objects as JSON.
    ///
    /// # Errors
    /// A mapping key that occurs twice is noticed here, as upstream does.
    pub fn to_json(&self) -> Result<Vec<Value>, Error> {
        self.nodes.iter().map(|node| flux_yaml::to_json(node, Schema::V3).map_err(Error::from)).collect()
    }

    /// As [`Objects::to_json`], giving the trees' memory back.
    pub fn into_json(self) -> Result<Vec<Value>, Error> {
        self.nodes.into_iter().map(|node| flux_yaml::to_json(&node, Schema::V3).map_err(Error::from)).collect()
    }

    /// The objects as `kustomize build` prints them.
    ///
    /// # Errors
    /// Duplicate keys, and texts YAML cannot hold.
    pub fn to_yaml(&self) -> Result<String, Error> {
        let mut text = String::new();
        for value in self.to_json()? {
            if !text.is_empty() {
                text.push_str("---\n");
            }
            text.push_str(&flux_yaml::marshal_v2(&value)?);
        }
        Ok(text)
    }
}

impl<'a> IntoIterator for &'a Objects {
    type Item = &'a Node;
    type IntoIter = std::slice::Iter<'a, Node>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}
