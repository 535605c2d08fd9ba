//! From text to trees, as `text/template/parse` does it, with its error texts.

mod display;
mod lexer;
mod number;
mod parser;
pub(crate) mod tree;

pub(crate) use parser::parse;
