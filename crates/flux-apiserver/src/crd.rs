//! Custom resources: definitions and what they make of objects.

mod controller;
mod defaults;
mod definition;
mod embedded;
mod prune;

pub(crate) use controller::CLEANUP;
pub(crate) use defaults::{apply as apply_defaults, prune_nulls};
pub(crate) use definition::{Definition, Scale, Version};
pub(crate) use embedded::embedded_metadata;
pub(crate) use prune::prune;
