//! YAML as go-yaml reads and prints it: node tree, resolvers, emitters.
//!
//! Flux, Helm and kustomize users see go-yaml's behaviour: which words are booleans, how long lines
//! are folded, which strings are quoted, and its error texts. This crate has that behaviour, go-yaml v2's
//! (YAML 1.1, hence sigs.k8s.io/yaml) and v3's (kustomize's nodes), for both directions.
//!
//! | upstream | here |
//! | --- | --- |
//! | `yaml.v3` into `yaml.Node` | [`parse`], [`parse_one`], [`parse_documents`] |
//! | `sigs.k8s.io/yaml.YAMLToJSON`, `YAMLToJSONStrict` | [`yaml_to_json`], [`yaml_to_json_strict`] |
//! | `yaml.v3` into `map[string]interface{}`, then JSON | [`to_json`] with [`Schema::V3`] |
//! | `sigs.k8s.io/yaml.Marshal`, `JSONToYAML` | [`marshal_v2`], or [`emit_v2`] for text known to be harmless |
//! | `yaml.Marshal` of what `yaml.v3` decodes | [`append_v2`] for ordinary trees, else [`to_json`] and [`marshal_v2`] |
//! | `yaml.v3` encoder, kyaml's `String()` | [`emit_v3`], [`emit_document_v3`] |
//!
//! ```
//! use flux_yaml::{ParseOptions, Schema, marshal_v2, parse_one, to_json, yaml_to_json};
//!
//! let text = "on: yes\nport: 0x50\nname: \"yes\" # a string\n";
//! // YAML 1.1 takes `on` and `yes` for booleans, v3 does not.
//! assert_eq!(yaml_to_json(text)?.to_string(), r#"{"name":"yes","port":80,"true":true}"#);
//! let node = parse_one(text, &ParseOptions::default())?.expect("one document");
//! let value = to_json(&node, Schema::V3)?;
//! assert_eq!(marshal_v2(&value)?, "name: \"yes\"\n\"on\": \"yes\"\nport: 80\n");
//! # Ok::<(), flux_yaml::Error>(())
//! ```
//!
//! # How it works
//! `scanner` turns text into tokens in libyaml's manner, `parser` tokens into events, `compose` events into
//! [`Node`]s; none of them recurses. `resolve` gives scalars their types, `json` makes values of nodes, and
//! `emit` prints either. Comments are attached as go-yaml v3 attaches them, when asked for.
//!
//! # Bounds
//! [`Limits`] bound size, depth, alias expansion and number of documents; time and memory are linear in the
//! input. About 80 MB/s to nodes and 190 MB/s from values to text on one shared x86-64 core (CRD manifests).
//!
//! # Differences from go-yaml
//! - Nesting ends at 1,000 levels instead of 10,000.
//! - An explicit standard tag (`!!str x`) is kept as a meaning, not as a spelling: it is printed only when the
//!   text alone would mean another thing.
//! - All aliases of a document are expanded before anything is decoded, so a fault in one comes first.

mod alias;
mod compose;
mod duplicates;
mod emit;
mod error;
mod gofmt;
mod gosyntax;
mod input;
mod json;
mod node;
mod number;
mod options;
mod parser;
mod resolve;
mod scanner;
mod timestamp;

pub use alias::expand_aliases;
pub use compose::Document;
pub use emit::{append_v2, emit_document_v3, emit_v2, emit_v2_bytewise, emit_v3, marshal_v2, needs_quotes, sort_keys};
pub use error::{Error, ErrorKind};
pub use input::decode;
pub use json::{from_json, to_json_with};
pub use node::{CollectionStyle, Comments, Mapping, Mark, Node, NodeKind, Scalar, ScalarStyle, Sequence, Tag};
pub use options::{DuplicateKeys, EmitOptions, JsonDuplicates, JsonOptions, Limits, ParseOptions, Schema};
pub use resolve::{Resolved, resolve};

use compose::Composer;
use serde_json::Value;

/// Parses every document of `text`. An empty document between markers is an empty plain scalar, which resolves
/// to null; a text without any document (nothing, or comments only) gives an empty list.
///
/// # Errors
/// The first syntax error, a limit, or a duplicate key when the options refuse them.
pub fn parse(text: &str, options: &ParseOptions) -> Result<Vec<Node>, Error> {
    Ok(parse_documents(text, options)?.into_iter().map(|document| document.root).collect())
}

/// As [`parse`], with the comments that belong to a document rather than to a node.
///
/// # Errors
/// As [`parse`].
pub fn parse_documents(text: &str, options: &ParseOptions) -> Result<Vec<Document>, Error> {
    let mut composer = Composer::new(text, options)?;
    let mut documents = Vec::new();
    while let Some(document) = composer.next_document()? {
        if documents.len() >= options.limits.max_documents {
            return Err(Error::limit(format!("more than {} documents", options.limits.max_documents)));
        }
        documents.push(document);
    }
    Ok(documents)
}

/// Parses the first document of `text` and ignores what follows, as go-yaml's `Unmarshal` does. `None` when
/// there is none.
///
/// # Errors
/// As [`parse`], for the first document.
pub fn parse_one(text: &str, options: &ParseOptions) -> Result<Option<Node>, Error> {
    Ok(Composer::new(text, options)?.next_document()?.map(|document| document.root))
}

/// Turns a node into JSON: [`to_json_with`] with the schema's usual options.
///
/// # Errors
/// As [`to_json_with`].
pub fn to_json(node: &Node, schema: Schema) -> Result<Value, Error> {
    to_json_with(node, &JsonOptions::new(schema))
}

/// A node in Go's `%#v` form, as decoded into `map[string]interface{}`; upstream's errors show objects so.
pub fn go_syntax(node: &Node, schema: Schema) -> String {
    gosyntax::object(node, schema)
}

/// `sigs.k8s.io/yaml.YAMLToJSON`: the first document of `text` by YAML 1.1 rules; null when there is none. Of
/// equal keys the last one wins.
///
/// # Errors
/// As [`parse_one`] and [`to_json_with`].
pub fn yaml_to_json(text: &str) -> Result<Value, Error> {
    yaml_to_json_by(text, JsonDuplicates::LastWins)
}

/// `sigs.k8s.io/yaml.YAMLToJSONStrict`: as [`yaml_to_json`], but equal keys are refused.
///
/// # Errors
/// As [`parse_one`] and [`to_json_with`].
pub fn yaml_to_json_strict(text: &str) -> Result<Value, Error> {
    yaml_to_json_by(text, JsonDuplicates::ErrorV2)
}

fn yaml_to_json_by(text: &str, duplicates: JsonDuplicates) -> Result<Value, Error> {
    let options = ParseOptions { schema: Schema::Yaml11, ..ParseOptions::default() };
    let Some(node) = parse_one(text, &options)? else { return Ok(Value::Null) };
    to_json_with(&node, &JsonOptions { duplicates, ..JsonOptions::new(Schema::Yaml11) })
}
