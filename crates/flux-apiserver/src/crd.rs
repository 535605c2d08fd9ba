//! Custom resources: definitions and what they make of objects.

mod cel_check;
mod check;
mod controller;
mod defaults;
mod definition;
mod embedded;
mod formats;
mod prune;
pub(crate) mod rules;
mod validate;

pub(crate) use check::check as check_definition;
pub(crate) use defaults::{apply as apply_defaults, prune_nulls};
pub(crate) use definition::{Definition, Version, compare_versions};
pub(crate) use embedded::embedded_metadata;
pub(crate) use prune::prune;
pub(crate) use validate::{blocks_rules, validate};
