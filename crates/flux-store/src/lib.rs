//! The API server's storage.

/// Why a storage file could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    #[error("`{path}` is not a usable database")]
    Database {
        path: std::path::PathBuf,
        #[source]
        source: redb::Error,
    },
}
