//! Attempts that wait beside the queue and hold no slot.

use std::sync::PoisonError;

use flux_api::FluxObject;
use futures::future::BoxFuture;
use tokio_util::sync::CancellationToken;

use super::Frame;
use super::phase::{SHOW_PHASE_AFTER, show};
use crate::attempt::{Attempt, status_json};
use crate::controller::Reconciler;
use crate::key::ObjectKey;
use crate::park::Parked;

impl<K: FluxObject, R: Reconciler<K>> Frame<K, R> {
    /// Gives the slot back and waits beside the queue.
    pub(super) fn park(&self, mut at: Attempt<K>, mut wait: BoxFuture<'static, R::Waited>) {
        let key = at.key().clone();
        let cancel = CancellationToken::new();
        let (cancelled, queue) = (cancel.clone(), self.queue.clone());
        let writer = self.writer();
        let task = tokio::spawn(async move {
            let key = at.key().clone();
            let waited = tokio::select! {
                biased;
                () = cancelled.cancelled() => None,
                waited = &mut wait => Some(waited),
                () = tokio::time::sleep(SHOW_PHASE_AFTER) => {
                    let phase = at.phase.lock().unwrap_or_else(PoisonError::into_inner).clone();
                    show(at.object_mut(), &phase.message, phase.conditions);
                    match writer.patch_status(at.object(), &at.stored).await {
                        Ok(Some(written)) => at.stored = status_json(&written),
                        Ok(None) => {}
                        Err(error) => tracing::debug!(%error, "phase could not be shown"),
                    }
                    tokio::select! {
                        () = cancelled.cancelled() => None,
                        waited = &mut wait => Some(waited),
                    }
                }
            };
            if waited.is_some() {
                queue.resume(key);
            }
            (at, waited)
        });
        self.parked.put(key, Parked { cancel, task });
    }

    pub(super) async fn leave_parked(&self, key: &ObjectKey) {
        if let Some(parked) = self.parked.take(key) {
            parked.cancel.cancel();
            // The status it would have written is of no use any more.
            let _ = parked.task.await;
        }
    }
}
