//! Values: reading them, `--set`, merging, what becomes of them on their way to a chart's templates.
//!
//! A value is JSON. Its numbers keep the kind Go would give them: from files they are floats (`1.0` in
//! `serde_json`'s terms), from `--set` they are integers; templates can tell the difference.

mod coalesce;
mod dependencies;
mod digest;
mod options;
mod read;
mod references;
mod set;
mod shared;

use serde_json::{Map, Value};

pub use coalesce::{CoalesceError, coalesce_tables, coalesce_values, merge_tables, merge_values};
pub(crate) use dependencies::is_compatible;
pub use dependencies::process_dependencies;
pub use digest::{config_digest, encode_values, verify_config_digest};
pub use options::{OptionsError, ValuesOptions};
pub use read::{ReadError, floats, merge_maps, read_values, read_values_document};
pub use references::{
    FetchValues, Reference, ReferenceError, ReferenceReason, ValuesData, compose_values, replace_path_literal,
    replace_path_value,
};
pub(crate) use set::json_fault;
pub use set::{SetError, SetKind, parse_set, parse_set_file, parse_set_into};

/// Values of a chart: a JSON object.
pub type Values = Map<String, Value>;

/// The key whose table every chart sees.
pub const GLOBAL: &str = "global";

/// The table at a dotted path. Keys with dots in them cannot be named.
pub fn table<'v>(values: &'v Values, path: &str) -> Option<&'v Values> {
    path.split('.').try_fold(values, |table, key| table.get(key)?.as_object())
}

/// The value at a dotted path; tables do not count.
pub fn path_value<'v>(values: &'v Values, path: &str) -> Option<&'v Value> {
    let (parents, key) = path.rsplit_once('.').unwrap_or(("", path));
    let table = if parents.is_empty() && !path.starts_with('.') { values } else { table(values, parents)? };
    table.get(key).filter(|value| !value.is_object())
}
