//! Paths of fields, and questions about objects that several rules ask.

use std::fmt;

use serde_json::Value;

use crate::status::word;

/// A step of a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// A key.
    Key(String),
    /// A place in a list.
    Index(i64),
}

/// A path as a JSONPath-like text: `.spec.versions[1].name`, `.metadata["a b"]`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FieldPath(pub Vec<Step>);

impl fmt::Display for FieldPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|step| match step {
            Step::Key(key) if is_simple(key) => write!(f, ".{key}"),
            Step::Key(key) => write!(f, "[{key:?}]"),
            Step::Index(index) => write!(f, "[{index}]"),
        })
    }
}

/// Letters, digits, `_` and `-`, with a letter first and no mark last.
fn is_simple(key: &str) -> bool {
    key.starts_with(|c: char| c.is_ascii_alphabetic())
        && key.ends_with(|c: char| c.is_ascii_alphanumeric())
        && key.bytes().all(|c| c.is_ascii_alphanumeric() || c == b'_' || c == b'-')
}

/// True for a core Namespace.
pub fn is_namespace(object: &Value) -> bool {
    word(object, &["kind"], "") == "Namespace" && !word(object, &["apiVersion"], "").contains('/')
}

/// True for a CustomResourceDefinition of any version.
pub fn is_custom_resource_definition(object: &Value) -> bool {
    word(object, &["kind"], "") == "CustomResourceDefinition"
        && word(object, &["apiVersion"], "").starts_with("apiextensions.k8s.io/")
}
