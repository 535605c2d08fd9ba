//! The store against a model, and against a disk that fails.
