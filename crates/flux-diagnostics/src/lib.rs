//! What all crates do with errors before somebody reads them: chains of causes, and redaction.

mod chain;
pub mod redact;
mod secret;

pub use chain::{causes, one_line, root};
pub use secret::Secret;
