//! How Kubernetes merges: JSON patch, merge patch, strategic merge patch, and server-side apply.
//!
//! | question | here |
//! | --- | --- |
//! | RFC 6902 and RFC 7396 with the API server's limits and messages | [`json_patch`], [`merge_patch`] |
//! | patches of built-in kinds with list keys and directives | [`strategic_merge_patch`] |
//! | sets of field paths and their FieldsV1 form | [`fieldpath`] |
//! | values with a type: validate, merge, compare, extract | [`typed`] |
//! | who owns what after an apply or update | [`updater`] |
//! | the same on whole objects with `metadata.managedFields` | [`managed_fields`] |
//!
//! Everything here is a function of its arguments: no clock, no client.

pub mod fieldpath;
mod json_patch;
pub mod managed_fields;
mod strategic;
pub mod typed;
pub mod updater;
pub mod value;

pub use json_patch::{PatchError, json_patch, merge_patch};
pub use strategic::{StrategicError, strategic_merge_patch};
