//! Go's `time` package, as far as templates reach.

/// An instant in a zone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Time {
    /// Nanoseconds since 1970 in UTC.
    pub(crate) nanos: i128,
}
