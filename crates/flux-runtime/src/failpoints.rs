//! Named places where kill tests end the process.
//!
//! Inert unless the environment variable `FLUX_FAILPOINT` names a step when
//! the process starts: then the process aborts as it passes that step.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

/// The environment variable: `STEP`, or `STEP:N` to survive the first N-1 passes.
pub const VARIABLE: &str = "FLUX_FAILPOINT";

struct Armed {
    step: String,
    left: AtomicU64,
}

static ARMED: OnceLock<Option<Armed>> = OnceLock::new();

/// Aborts the process when `step` is the armed one.
pub fn pass(step: &str) {
    let armed = ARMED.get_or_init(|| std::env::var(VARIABLE).ok().map(|text| parse(&text)));
    if let Some(armed) = armed
        && armed.step == step
        && armed.left.fetch_sub(1, Ordering::Relaxed) == 1
    {
        eprintln!("failpoint {step}");
        std::process::abort();
    }
}

/// As [`pass`] for the `number`th part of a step, such as `apply-3`.
pub fn pass_numbered(step: &str, number: usize) {
    if ARMED.get().is_none_or(Option::is_some) {
        pass(&format!("{step}-{number}"));
    }
}

fn parse(text: &str) -> Armed {
    let (step, count) = match text.rsplit_once(':').and_then(|(step, count)| Some((step, count.parse().ok()?))) {
        Some((step, count)) => (step, count),
        None => (text, 1),
    };
    Armed { step: step.to_owned(), left: AtomicU64::new(count) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_step_and_count() {
        assert_eq!(parse("apply-2").step, "apply-2");
        let armed = parse("status:3");
        assert_eq!((armed.step.as_str(), armed.left.into_inner()), ("status", 3));
    }

    #[test]
    fn does_nothing_unarmed() {
        pass("fetch");
        pass_numbered("apply", 1);
    }
}
