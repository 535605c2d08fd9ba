//! The built-in plugins: what transformer fields of a kustomization, and plugin objects, turn into.

mod config;
mod generators;
mod names;
mod patches;
mod transform;

pub(crate) use config::{load_replacements, parse_generator, parse_transformer};
pub(crate) use generators::Generator;
pub(crate) use names::Affix;
pub(crate) use patches::{JsonPatchTransformer, MergePatchTransformer, PatchTransformer};
pub(crate) use transform::Transformer;
