//! The frame around every reconcile: work queue, watches, finalizer, status,
//! conditions, events, metrics and logs, written once.
//!
//! A controller gives a [`Reconciler`]: one method that does the work of an
//! attempt and tells, as [`Outcome`] or [`Halt`], what came of it. The frame
//! reads the object, keeps the finalizer, honours `spec.suspend`, writes the
//! status once, records the event and decides when to look again.
//!
//! ```text
//! watch -> cache -> queue (3 lanes) -> frame -> Reconciler -> Outcome | Halt
//!            ^                           |
//!            +------- status patch ------+
//! ```

pub mod acl;
pub mod attempt;
pub mod cache;
pub mod conditions;
pub mod context;
pub mod controller;
pub mod dependency;
pub mod events;
pub mod failpoints;
pub mod flags;
mod frame;
pub mod halt;
pub mod history;
mod index;
pub mod jitter;
pub mod key;
pub mod labels;
pub mod metrics;
pub mod options;
mod park;
pub mod queue;
pub use flux_diagnostics::redact;
pub mod requests;
pub mod secrets;
pub mod waker;

pub use attempt::{AnnounceError, Attempt};
pub use cache::Cache;
pub use conditions::Conditions;
pub use context::ControllerContext;
pub use controller::{Controller, Reconciler};
pub use events::{EventRecorder, Severity};
pub use halt::{Halt, Next, Outcome, Stop};
pub use key::{ObjectKey, Reference};
pub use metrics::Metrics;
pub use options::Options;
pub use queue::Lane;
pub use waker::Waker;

pub use flux_api::FINALIZER;
