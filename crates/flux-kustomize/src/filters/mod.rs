//! The edits transformers are made of. Names and behaviour are upstream's.

pub(crate) mod fieldspec;
pub(crate) mod iam;
pub(crate) mod image;
pub(crate) mod json_patch;
pub(crate) mod labels;
pub(crate) mod name_ref;
pub(crate) mod namespace;
pub(crate) mod path;
pub(crate) mod ref_var;
pub(crate) mod replacement;
pub(crate) mod structured;
#[cfg(test)]
mod tests;
pub(crate) mod value_add;
