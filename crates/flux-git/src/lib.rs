//! Reading Git repositories over http(s) and ssh, and from disk.
//!
//! Over the network one commit is fetched, as shallow as the server allows, by a client of our own for the two wire
//! protocols: everything is asynchronous, so that a timeout ends a request wherever it hangs, and every answer is
//! bounded. The pack is checked and read by gix. There is no checkout: a [`Tree`] is streamed into an archive.
//! No program is ever run.
//!
//! ```text
//! Remote + Ref -> resolve (ls-refs) -> fetch (pack) -> Tree -> archive
//! local::find / local::Snapshots ---------^
//! ```

mod auth;
mod error;
mod fetch;
mod keys;
pub mod local;
mod location;
mod objects;
mod pack;
mod reference;
mod submodules;
mod tree;
mod url;
mod wire;

pub use self::url::normalize;
pub use auth::{Auth, Proxy, Remote, Secret, SshAuth, SshKeyError, Tls, check_ssh_key};
pub use error::GitError;
pub use fetch::{FetchOptions, Fetched, fetch, ls_remote, resolve};
pub use keys::{KeyKind, KeyPair, RSA_BITS, generate as generate_key, public_key};
pub use location::{Location, redacted};
pub use reference::{Commit, DEFAULT_BRANCH, Ref, Resolved};
pub use tree::{Archived, Tree};
pub use wire::{RemoteRef, scan_host_key};
