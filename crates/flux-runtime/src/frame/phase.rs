//! The phase of an attempt under way, shown in the conditions once it lasts.

use std::panic::AssertUnwindSafe;
use std::sync::PoisonError;
use std::time::Duration;

use flux_api::{FluxObject, READY_CONDITION, RECONCILING_CONDITION};
use futures::FutureExt as _;
use serde_json::Value;
use tokio_util::sync::CancellationToken;

use super::{Frame, panic_text};
use crate::attempt::{Attempt, SharedPhase, status_json};
use crate::conditions::{self, PROGRESSING, PROGRESSING_WITH_RETRY};
use crate::controller::Reconciler;
use crate::halt::{Halt, Outcome};

/// A phase that lasts longer is shown.
pub(super) const SHOW_PHASE_AFTER: Duration = Duration::from_secs(1);

impl<K: FluxObject, R: Reconciler<K>> Frame<K, R> {
    /// Runs a part of an attempt: shows its phase when it lasts, and turns a panic into a failure.
    pub(super) async fn guard<F>(&self, mut at: Attempt<K>, work: F) -> (Attempt<K>, Result<Outcome<R::Waited>, Halt>)
    where
        F: AsyncFnOnce(&mut Attempt<K>) -> Result<Outcome<R::Waited>, Halt>,
    {
        let ended = CancellationToken::new();
        let (phase, before) = (at.phase.clone(), at.object().clone());
        let work = async {
            let result = AssertUnwindSafe(work(&mut at)).catch_unwind().await;
            ended.cancel();
            result.unwrap_or_else(|panic| {
                Err(Halt::failed(conditions::FAILED, format!("internal error: {}", panic_text(&panic))))
            })
        };
        let (result, shown) = futures::future::join(work, self.show_phase(before, &phase, &ended)).await;
        // What the attempt itself has announced meanwhile stays: only conditions were shown.
        if let (Some(shown), Some(stored)) =
            (shown.as_ref().and_then(|shown| shown.get("conditions")), at.stored.as_object_mut())
        {
            stored.insert("conditions".into(), shown.clone());
        }
        (at, result)
    }

    /// Writes the phase into the conditions each time one lasts; the answer is the status as then stored.
    async fn show_phase(&self, mut object: K, phase: &SharedPhase, ended: &CancellationToken) -> Option<Value> {
        let mut shown: Option<Value> = None;
        let mut last = String::new();
        loop {
            tokio::select! {
                () = ended.cancelled() => return shown,
                () = tokio::time::sleep(SHOW_PHASE_AFTER) => {}
            }
            let now = phase.lock().unwrap_or_else(PoisonError::into_inner).clone();
            if now.message.is_empty() || now.message == last {
                continue;
            }
            last.clone_from(&now.message);
            let stored = shown.clone().unwrap_or_else(|| status_json(&object));
            show(&mut object, &now.message, now.conditions);
            match self.patch_status(&object, &stored).await {
                Ok(written) => shown = Some(written.as_ref().map_or(stored, status_json)),
                Err(error) => tracing::debug!(%error, "phase could not be shown"),
            }
        }
    }
}

/// Sets the conditions of an attempt under way.
pub(super) fn show<K: FluxObject>(object: &mut K, message: &str, more: Vec<flux_api::Condition>) {
    let mut working = conditions::Conditions::of(object);
    working.mark_reconciling(PROGRESSING, message);
    working.mark_unknown(READY_CONDITION, PROGRESSING, "Reconciliation in progress");
    for condition in more {
        working.set(condition);
    }
}

/// Reconciling says that another attempt follows, with the phase that failed.
pub(super) fn retrying<K: FluxObject>(at: &mut Attempt<K>) {
    let phase = at.phase.lock().unwrap_or_else(PoisonError::into_inner).message.clone();
    let known = conditions::get(at.object().conditions(), RECONCILING_CONDITION).map(|known| known.message.clone());
    let message = if phase.is_empty() { known.unwrap_or_else(|| "Reconciliation in progress".into()) } else { phase };
    at.conditions().mark_reconciling(PROGRESSING_WITH_RETRY, message);
}
