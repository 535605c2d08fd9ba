//! Room for recursion.

use std::io;
use std::thread;

/// Bytes of a large stack that are left alone for what is not measured.
const RESERVE: usize = 1 << 20;

/// Runs `work` on a thread of its own with a stack of `bytes` (256 MiB suit Helm's limits; pages are only used
/// when touched) and hands it the number for [`crate::Limits::stack`].
///
/// # Errors
/// The thread could not be started.
///
/// # Panics
/// When `work` panics, with its payload.
pub fn on_large_stack<R: Send>(bytes: usize, work: impl FnOnce(usize) -> R + Send) -> io::Result<R> {
    thread::scope(|scope| {
        let usable = bytes.saturating_sub(RESERVE);
        let builder = thread::Builder::new().stack_size(bytes.max(2 * RESERVE));
        let worker = builder.spawn_scoped(scope, move || work(usable))?;
        match worker.join() {
            Ok(result) => Ok(result),
            Err(payload) => std::panic::resume_unwind(payload),
        }
    })
}

/// How far the native stack grew since a point, and how far it may.
pub(crate) struct Stack {
    base: usize,
    limit: usize,
}

impl Stack {
    /// Measures from the caller's frame.
    #[inline(never)]
    pub(crate) fn new(limit: usize) -> Self {
        Self { base: here(), limit }
    }

    /// Bytes left.
    pub(crate) fn room(&self) -> usize {
        self.limit.saturating_sub(self.base.abs_diff(here()))
    }

    /// True when more than the limit is in use.
    pub(crate) fn is_deep(&self) -> bool {
        self.base.abs_diff(here()) > self.limit
    }
}

/// An address in the present frame; stacks grow one way, so differences measure use.
#[inline(always)]
fn here() -> usize {
    let marker = 0u8;
    std::ptr::from_ref(std::hint::black_box(&marker)) as usize
}
