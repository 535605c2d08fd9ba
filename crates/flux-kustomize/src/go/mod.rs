//! Go's ways that users see: JSON decoding, quoting, regular expressions, `%#v`.

pub(crate) mod json;
pub(crate) mod print;
pub(crate) mod regex;
#[cfg(test)]
mod tests;
