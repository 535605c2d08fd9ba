//! All that can go wrong, under one roof.

use crate::RenderError;
use crate::chart::{LoadError, SaveError};
use crate::index::IndexError;
use crate::release::storage::StorageError;
use crate::values::{OptionsError, ReferenceError};

/// Any error of this crate, for callers that do not care which part it came from.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum Error {
    #[error(transparent)]
    Load(#[from] LoadError),
    #[error(transparent)]
    Save(#[from] SaveError),
    #[error(transparent)]
    Render(#[from] RenderError),
    #[error(transparent)]
    Storage(#[from] StorageError),
    #[error(transparent)]
    Index(#[from] IndexError),
    #[error(transparent)]
    Options(#[from] OptionsError),
    #[error(transparent)]
    References(#[from] ReferenceError),
}
