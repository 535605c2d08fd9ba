//! The crate from outside: recorded behaviour, hostile texts, laws.

mod hostile;
mod json;
mod properties;
mod recorded;
