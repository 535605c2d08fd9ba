//! Parts of Go's standard library that templates show through.

pub(crate) mod fmt;
pub(crate) mod json;
pub(crate) mod numbers;
pub(crate) mod quoting;
pub(crate) mod runes;
