//! Budgets of one render.

use std::sync::Arc;

/// Answers true when the render must stop: a deadline passed, or its result is no longer wanted. Asked every few
/// thousand steps, and before and after slow functions.
pub type Interrupt = Arc<dyn Fn() -> bool + Send + Sync>;

/// Budgets of one render, which is all files of a chart together. Exceeding one is [`crate::Error::Limit`].
#[derive(Clone)]
pub struct Limits {
    /// Evaluated nodes; a function that copies much counts more. The largest charts known need 10 million.
    pub steps: u64,
    /// Bytes of values and buffers alive at one time.
    pub memory: usize,
    /// Bytes of output of all files together.
    pub output: usize,
    /// Bytes of native stack that execution may use, counted from the call of `render`. The thread must have that
    /// much and 256 KiB more: see [`crate::on_large_stack`].
    pub stack: usize,
    pub interrupt: Option<Interrupt>,
}

impl Default for Limits {
    /// 1,000 million steps, 1 GiB of memory, 256 MiB of output and 1 MiB of stack.
    fn default() -> Self {
        Self { steps: 1_000_000_000, memory: 1 << 30, output: 256 << 20, stack: 1 << 20, interrupt: None }
    }
}
