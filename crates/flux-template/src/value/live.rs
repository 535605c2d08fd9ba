//! How many bytes of values are alive on this thread: the memory budget's measure.

use std::cell::Cell;

/// Overhead of a string beside its bytes.
pub(crate) const STRING: usize = 40;
/// Overhead of a list or map, and of each entry.
pub(crate) const COLLECTION: usize = 96;
pub(crate) const ITEM: usize = 24;
pub(crate) const ENTRY: usize = 48;

thread_local! {
    // Values made on one thread and freed on another move the counts apart, hence signed; a render compares with
    // where it began.
    static LIVE: Cell<isize> = const { Cell::new(0) };
}

pub(crate) fn made(bytes: usize) {
    LIVE.with(|live| live.set(live.get().wrapping_add_unsigned(bytes)));
}

pub(crate) fn freed(bytes: usize) {
    // A value may outlive the thread's locals.
    _ = LIVE.try_with(|live| live.set(live.get().wrapping_sub_unsigned(bytes)));
}

pub(crate) fn now() -> isize {
    LIVE.with(Cell::get)
}
