//! YAML as go-yaml reads and prints it: node tree, resolvers, emitters.

mod node;

pub use node::{CollectionStyle, Comments, Mapping, Mark, Node, NodeKind, Scalar, ScalarStyle, Sequence, Tag};
