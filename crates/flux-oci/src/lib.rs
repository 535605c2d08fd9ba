//! A client of OCI registries, and the HTTP client below it.
//!
//! [`Registry`] speaks the distribution protocol with one registry: it answers challenges, keeps tokens per scope,
//! follows pages of tags, and hands out nothing whose digest does not match. [`chart`] knows how Helm keeps charts
//! in registries. [`http`] is the plain client: redirects never carry credentials to another host, retries and
//! bodies are bounded.
//!
//! Errors are worded as those of the libraries that upstream uses, as tools match on them.

pub mod chart;
pub mod credentials;
mod digest;
mod error;
pub mod http;
mod manifest;
mod reference;
mod registry;
mod token;

pub use chart::{ChartPull, pull_chart};
pub use credentials::{Credentials, DockerConfig, DockerConfigError, Secret};
pub use digest::{Verifier, digest_of};
pub use error::{ApiError, OciError};
pub use http::{Connection, Http, HttpError, Proxy, Retry, Tls};
pub use manifest::{Descriptor, Index, Manifest};
pub use reference::{Reference, ReferenceError, tag_of_version};
pub use registry::{FetchedManifest, Limits, Registry};
