//! How an attempt ends: seen through, watching health, or halted.

use std::time::Duration;

use futures::future::BoxFuture;

/// An attempt that did its work. `W` is what a health watch answers with.
pub enum Outcome<W> {
    /// Seen through: the frame sets Ready=True with this reason and message, removes
    /// Reconciling and Stalled and records the generation as observed.
    Ready {
        reason: &'static str,
        message: String,
        /// Until the next attempt, before jitter; `None` leaves it to events alone.
        after: Option<Duration>,
    },
    /// As [`Outcome::Ready`], but the attempt has set its conditions itself (or has none).
    Done { after: Option<Duration> },
    /// The attempt has set all conditions itself, Reconciling and Stalled included; they stay as they are.
    Settled {
        /// Whether the generation counts as observed.
        observed: bool,
        next: Next,
    },
    /// Nothing is left to do but to wait for health. The slot is free while `wait` runs; then
    /// [`crate::Reconciler::resume`] finishes the attempt. A newer trigger drops `wait`.
    Watching { wait: BoxFuture<'static, W> },
}

/// When an object whose attempt settled is looked at again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// When something changes.
    Event,
    After(Duration),
    /// As after a failure.
    BackOff,
}

/// Why an attempt stopped before its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Halt {
    /// Needs an edit: Stalled and Ready=False, no retry.
    Stalled(Stop),
    /// Waits for another object: Ready=False, an event wakes it, `after` is the safety net.
    Waiting(Stop),
    /// Failed: Ready=False, retried after `after` or with back-off.
    Failed(Stop),
    /// A newer trigger makes the attempt pointless: run again, at once.
    Superseded(Stop),
}

/// Reason and message of a [`Halt`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stop {
    pub reason: &'static str,
    /// One line without secrets; becomes the Ready condition's message.
    pub message: String,
    /// Until the next attempt; `None` means back-off (Failed) or never (Stalled).
    pub after: Option<Duration>,
    /// Whether an event tells of it. Waiting is silent unless it says otherwise.
    pub event: Option<crate::Severity>,
    /// The message of the event when it differs from the condition's.
    pub event_message: Option<String>,
}

impl Stop {
    fn new(reason: &'static str, message: impl Into<String>, event: Option<crate::Severity>) -> Self {
        Self { reason, message: message.into(), after: None, event, event_message: None }
    }
}

impl Halt {
    pub fn stalled(reason: &'static str, message: impl Into<String>) -> Self {
        Self::Stalled(Stop::new(reason, message, Some(crate::Severity::Error)))
    }

    pub fn waiting(reason: &'static str, message: impl Into<String>) -> Self {
        Self::Waiting(Stop::new(reason, message, None))
    }

    pub fn failed(reason: &'static str, message: impl Into<String>) -> Self {
        Self::Failed(Stop::new(reason, message, Some(crate::Severity::Error)))
    }

    pub fn superseded(reason: &'static str, message: impl Into<String>) -> Self {
        Self::Superseded(Stop::new(reason, message, Some(crate::Severity::Info)))
    }

    /// Sets the delay until the next attempt.
    #[must_use]
    pub fn after(mut self, delay: Duration) -> Self {
        self.stop_mut().after = Some(delay);
        self
    }

    /// Sets whether and how an event tells of it.
    #[must_use]
    pub fn event(mut self, severity: Option<crate::Severity>) -> Self {
        self.stop_mut().event = severity;
        self
    }

    pub fn stop(&self) -> &Stop {
        match self {
            Self::Stalled(stop) | Self::Waiting(stop) | Self::Failed(stop) | Self::Superseded(stop) => stop,
        }
    }

    pub fn stop_mut(&mut self) -> &mut Stop {
        match self {
            Self::Stalled(stop) | Self::Waiting(stop) | Self::Failed(stop) | Self::Superseded(stop) => stop,
        }
    }
}
