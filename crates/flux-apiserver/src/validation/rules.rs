//! Rules of built-in kinds: what upstream's validation packages refuse, in their words and order.

mod at;
mod report;

pub(super) use report::Report;
