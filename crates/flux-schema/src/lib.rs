//! Facts about the kinds that Kubernetes itself serves, and typed schemas of any kind.
//!
//! | question | answer |
//! | --- | --- |
//! | which resources exist, with which scope, verbs, short names, columns | [`resources`], [`find`], [`find_kind`], [`is_namespaced`] |
//! | what discovery, `/version` and `/openapi/v3` answer | [`discovery_document`], [`version_json`], [`openapi_v3`] |
//! | of which type is a field: list keys, atomic or granular, patch keys, defaults | [`schema_for`], [`Schema`], [`TypeRef`] |
//! | the same for a custom resource | [`Schema::from_structural`] |
//! | the same for an object nobody knows | [`deduced`] |
//!
//! The facts are those of Kubernetes v1.36 and lie as generated files under `data`; `cargo xtask gen schema`
//! makes them. They are decoded at first use and kept in a compact form.

mod builtin;
mod graph;
mod resource;
mod served;

pub use builtin::{builtin, schema_for};
pub use graph::{
    Field, List, Map, Node, NodeId, PatchMeta, Relationship, Scalar, ScalarClass, Schema, SchemaError, TypeRef, deduced,
};
pub use resource::{Column, Resource, Subresource, find, find_kind, is_namespaced, resources};
pub use served::{discovery_document, openapi_v3, openapi_v3_paths, version_json};
