//! Go text/template natively, with sprig's functions and Helm's.
//!
//! Charts are written against Go: its kinds show in results (`1` is an int, `.Values.n` a float64), its error
//! texts name file, line and column, its `Printf` and `time` have spellings of their own. This crate has that
//! behaviour without Go. It is pure: the clock, random bytes, cluster look-ups and the deadline are handed in by a
//! [`Host`] and [`Limits`].
//!
//! | upstream | here |
//! | --- | --- |
//! | values as templates see them | [`Value`], [`Map`], [`List`], [`Str`] |
//! | `engine.Engine.Render` | [`helm::Templates::parse`], then [`helm::Templates::render`] |
//! | `common.Capabilities`, `engine.files` | [`helm::capabilities`], [`helm::files`] |
//! | `semver`, `sprig`, `fmt`, `time` | behind the functions |
//!
//! # Who does what
//! [`helm`] has Helm's engine rules: parse order, render order, `include`, `tpl`, `required`, `fail`, `lookup`,
//! removal of `<no value>`, library-wide template names, and its rewriting of errors. The caller loads charts,
//! computes values, leaves out what a library chart must not render, and hands in one scope for each file.
//!
//! # Stack
//! Execution recurses on the native stack as templates nest, and measures how far. Run it inside
//! [`on_large_stack`] so that Helm's own limits (1,000 nested includes, 100,000 nested templates) are met before
//! ours; on a small stack the answer to deep nesting is [`Error::Limit`].

pub mod helm;

mod error;
mod exec;
mod functions;
mod glob;
mod go;
mod host;
mod limits;
mod parse;
mod regexes;
mod stack;
#[cfg(test)]
mod tests;
mod time;
mod value;

pub use error::{Error, Exceeded};
pub use host::{Host, HostError, Offline};
pub use limits::{Interrupt, Limits};
pub use stack::on_large_stack;
pub use time::Time;
pub use value::{Elem, IntKind, List, Map, MapKind, Record, Str, UintKind, Value};
