//! Reading Git repositories over https, ssh and from disk.

pub mod local;
mod url;

pub use url::normalize;
