//! The two printers: go-yaml v2 for results, v3 for node trees.

mod analysis;
mod order;
mod scalar;
mod v2;
mod v3;
mod writer;

pub use order::sort_keys;
pub use v2::{append_v2, emit_v2, emit_v2_bytewise, marshal_v2, needs_quotes};
pub use v3::{emit_document_v3, emit_v3};
