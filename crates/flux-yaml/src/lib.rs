//! YAML as go-yaml reads and prints it: node tree, resolvers, emitters.
//!
//! Flux, Helm and kustomize users see go-yaml's behaviour: which words are booleans, how long lines
//! are folded, which strings are quoted, and its error texts. This crate has that behaviour.
//!
//! | upstream | here |
//! | --- | --- |
//! | `yaml.v3` into `yaml.Node` | [`parse`], [`parse_one`] |
//! | `sigs.k8s.io/yaml.YAMLToJSON` | [`yaml_to_json`], or [`parse`] and [`to_json`] with [`Schema::Yaml11`] |
//! | `sigs.k8s.io/yaml.Marshal`, `JSONToYAML` | [`emit_v2`], [`marshal_v2`] |
//! | `yaml.v3` encoder, kyaml's `String()` | [`emit_v3`] |

mod error;
mod node;
mod options;

pub use error::{Error, ErrorKind};
pub use node::{CollectionStyle, Comments, Mapping, Mark, Node, NodeKind, Scalar, ScalarStyle, Sequence, Tag};
pub use options::{DuplicateKeys, EmitOptions, JsonDuplicates, JsonOptions, Limits, ParseOptions, Schema};

use serde_json::Value;
use std::borrow::Cow;

/// Parses every document of `text`. An empty document between markers is a null scalar; a text without
/// any document (nothing, or comments only) gives an empty list.
pub fn parse(_text: &str, _options: &ParseOptions) -> Result<Vec<Node>, Error> {
    Err(Error::value("not yet"))
}

/// Parses the first document of `text` and ignores what follows, as go-yaml's `Unmarshal` does. `None` when there is none.
pub fn parse_one(_text: &str, _options: &ParseOptions) -> Result<Option<Node>, Error> {
    Err(Error::value("not yet"))
}

/// Turns bytes into text: UTF-8 with or without a byte order mark, or UTF-16 with one.
pub fn decode(_bytes: &[u8]) -> Result<Cow<'_, str>, Error> {
    Err(Error::value("not yet"))
}

/// What a scalar means.
#[derive(Clone, Debug, PartialEq)]
pub enum Resolved<'a> {
    Null,
    Bool(bool),
    Int(i64),
    /// Only above `i64::MAX`.
    Uint(u64),
    Float(f64),
    Str(&'a str),
    /// A date or time; JSON gets the schema's rendering of it.
    Timestamp(&'a str),
    /// The decoded bytes of a `!!binary` scalar.
    Binary(Vec<u8>),
    /// A plain `<<`.
    Merge,
}

/// Finds the meaning of a scalar by its tag, style and text.
pub fn resolve(_scalar: &Scalar, _schema: Schema) -> Result<Resolved<'_>, Error> {
    Err(Error::value("not yet"))
}

/// Turns a node into JSON as the schema's decoder followed by Go's JSON encoder does.
pub fn to_json(node: &Node, schema: Schema) -> Result<Value, Error> {
    to_json_with(node, &JsonOptions::new(schema))
}

/// As [`to_json`], with a choice about duplicate keys.
pub fn to_json_with(_node: &Node, _options: &JsonOptions) -> Result<Value, Error> {
    Err(Error::value("not yet"))
}

/// `sigs.k8s.io/yaml.YAMLToJSON`: the first document of `text` by YAML 1.1 rules; null when there is none.
pub fn yaml_to_json(_text: &str) -> Result<Value, Error> {
    Err(Error::value("not yet"))
}

/// A block-style tree of a JSON value; strings carry [`Tag::Str`].
pub fn from_json(_value: &Value) -> Node {
    Node::null()
}

/// Prints a value as go-yaml v2 does: keys in natural order, sequences not indented, folded at 80 columns.
/// Ends with a newline.
pub fn emit_v2(_value: &Value) -> String {
    String::new()
}

/// `sigs.k8s.io/yaml.Marshal` and `JSONToYAML`: as [`emit_v2`], but the value passes through JSON text that is
/// read as YAML, so a U+007F in a string is refused and a U+0085 is folded as a line break.
pub fn marshal_v2(_value: &Value) -> Result<String, Error> {
    Err(Error::value("not yet"))
}

/// Prints a node as go-yaml v3's encoder does, with comments and styles. Ends with a newline.
pub fn emit_v3(_node: &Node, _options: &EmitOptions) -> String {
    String::new()
}
