//! Shell-like variable substitution as Flux's postBuild uses it.
//!
//! Follows fluxcd/pkg's envsubst 1.7.0, oddities included: only `${...}` is looked at, `$$` becomes `$`
//! everywhere, positions count bytes, and `:+` and `:?` supply defaults like `:-` does.
//!
//! | form | meaning |
//! | --- | --- |
//! | `${x}` | the value; empty, or an error in strict mode, when not set |
//! | `${#x}` | its length in bytes |
//! | `${x^}` `${x^^}` `${x,}` `${x,,}` | first or all letters in upper or lower case |
//! | `${x:n}` `${x:n:len}` | a part; a negative `n` counts from the end |
//! | `${x#p}` `${x##p}` `${x%p}` `${x%%p}` | without the shortest or longest prefix or suffix that matches the glob |
//! | `${x/a/b}` `${x//a/b}` `${x/#a/b}` `${x/%a/b}` | first, all, leading or trailing `a` replaced |
//! | `${x:-d}` `${x:=d}` `${x=d}` `${x:+d}` `${x:?d}` | the default `d`, which may hold `${...}`, when empty |
//!
//! ```
//! let lookup = |name: &str| (name == "app").then(|| "podinfo".to_owned());
//! let text = flux_envsubst::eval("name: ${app}-${tier:-web} $$HOME", &lookup, false)?;
//! assert_eq!(text, "name: podinfo-web $HOME");
//! # Ok::<(), flux_envsubst::Error>(())
//! ```

mod error;
mod eval;
mod glob;
mod parse;

pub use error::Error;
pub use eval::{Limits, eval, eval_with};
pub use parse::{Node, parse};

#[cfg(test)]
mod tests;
