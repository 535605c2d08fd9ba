//! Error chains, hints and redaction shared by all crates.
