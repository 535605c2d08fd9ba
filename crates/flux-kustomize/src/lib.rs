//! The kustomize build engine, pure: a file system is handed in, nothing else is read, nothing is written.
//!
//! It gives what kustomize 5.8.1 gives (the version Flux 2.9 ships), byte for byte, including its error texts.
//! `docs/kustomize.md` says what is supported, what is bounded, and what differs.
//!
//! ```
//! use flux_kustomize::{MemoryFs, Options, build};
//!
//! let mut fs = MemoryFs::new();
//! fs.insert("/app/kustomization.yaml", *b"namePrefix: prod-\nresources: [cm.yaml]\n");
//! fs.insert("/app/cm.yaml", *b"apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {k: v}\n");
//! let objects = build(&fs, "/app".as_ref(), &Options::default())?;
//! assert_eq!(objects.to_yaml()?, "apiVersion: v1\ndata:\n  k: v\nkind: ConfigMap\nmetadata:\n  name: prod-a\n");
//! # Ok::<(), flux_kustomize::Error>(())
//! ```

mod builtin;
mod config;
mod documents;
mod error;
mod filters;
pub mod flux;
mod fs;
mod go;
mod hash;
mod id;
mod kv;
mod labels;
mod loader;
mod merge;
mod node;
mod objects;
mod options;
mod origin;
pub mod parts;
mod remote;
mod resmap;
mod resource;
mod schema;
mod shared;
mod sort;
mod target;
mod types;

pub use error::Error;
pub use fs::{Access, FileKind, FileSystem, FsError, MemoryFs, Overlay, Record, Recorder, RootedDir, clean};
pub use objects::Objects;
pub use options::{Limits, LoadRestrictions, Options, RemoteError, RemoteLoader, RemoteTree, Reorder, RepoSpec};

use std::path::Path;

/// Builds the kustomization in the folder `path` of `fs`.
///
/// # Errors
/// Whatever is wrong with the input, in upstream's words; see [`Error`].
pub fn build(fs: &dyn FileSystem, path: &Path, options: &Options<'_>) -> Result<Objects, Error> {
    on_large_stack(|| {
        loader::reserve(options.reserve);
        target::run(fs, path, options)
    })
}

/// True for a text that kustomize takes for the URL of a git repository rather than for a path.
pub fn is_repository(text: &str) -> bool {
    remote::parse(text).is_some()
}

/// Bytes of stack for a build: bases lie inside bases and trees inside trees, and a caller's thread may have
/// little. Only what is used becomes memory.
const STACK: usize = 256 << 20;

fn on_large_stack<T: Send>(work: impl FnOnce() -> Result<T, Error> + Send) -> Result<T, Error> {
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().name("kustomize".into()).stack_size(STACK).spawn_scoped(scope, work);
        let thread = thread.map_err(|error| Error::Internal { reason: format!("cannot start a thread: {error}") })?;
        thread.join().unwrap_or_else(|panic| {
            let text = panic.downcast_ref::<String>().cloned();
            let text = text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()));
            let text = text.unwrap_or_else(|| "unknown".into());
            Err(Error::Internal { reason: format!("recovered from kustomize build panic: {text}") })
        })
    })
}
