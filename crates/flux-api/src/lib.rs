//! The kinds of Flux v2.9 as Rust types and CustomResourceDefinitions.
