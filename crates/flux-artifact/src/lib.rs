//! Where artifacts live and how consumers get them.
//!
//! [`Storage`] writes, verifies and clears the files of a source controller, [`server()`] serves them over HTTP, and
//! [`Fetcher`] gives a consumer the unpacked content: from the store itself when both run in one process, over
//! HTTP otherwise. Consumers cannot tell which.

mod digest;
pub mod fetch;
pub mod options;
pub mod server;
pub mod storage;

pub use digest::{Algorithm, Hasher, UnsupportedAlgorithm};
pub use fetch::{FetchError, FetchOptions, Fetcher, Workdir, Workdirs, address_to_ask};
pub use flux_api::meta::Artifact;
pub use options::{Options, OptionsError};
pub use server::server;
pub use storage::{Retention, Storage, StorageError, artifact_dir, artifact_path, revisions_differ};
