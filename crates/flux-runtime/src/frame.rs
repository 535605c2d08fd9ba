//! The epilogue of every reconcile, written once: finalizer, suspend, status, conditions, event, requeue.

use std::panic::AssertUnwindSafe;
use std::time::{Duration, Instant};

use flux_api::{FluxObject, READY_CONDITION, RECONCILING_CONDITION, STALLED_CONDITION};
use futures::FutureExt as _;
use kube::{Api, ResourceExt as _};
use tracing::Instrument as _;

use crate::attempt::{Attempt, status_json};
use crate::cache::Cache;
use crate::conditions;
use crate::context::ControllerContext;
use crate::controller::Reconciler;
use crate::events::{EventRecorder, Severity};
use crate::halt::{Halt, Next, Outcome, Stop};
use crate::key::{ObjectKey, Reference};
use crate::park::Lot;
use crate::queue::{Lane, Queue, Taken};
use crate::{failpoints, jitter};

mod parking;
mod phase;
pub(crate) mod write;
use phase::retrying;
pub(crate) use write::WriteError;

pub(crate) struct Frame<K: FluxObject, R: Reconciler<K>> {
    ctx: ControllerContext,
    kind: &'static str,
    field_manager: &'static str,
    finalizer: Option<&'static str>,
    cache: Cache<K>,
    queue: Queue,
    events: EventRecorder,
    reconciler: R,
    parked: Lot<K, R::Waited>,
}

impl<K: FluxObject, R: Reconciler<K>> Frame<K, R> {
    #[allow(clippy::too_many_arguments)] // one caller, the builder
    pub fn new(
        ctx: ControllerContext,
        kind: &'static str,
        field_manager: &'static str,
        finalizer: Option<&'static str>,
        cache: Cache<K>,
        queue: Queue,
        events: EventRecorder,
        reconciler: R,
    ) -> Self {
        Self { ctx, kind, field_manager, finalizer, cache, queue, events, reconciler, parked: Lot::default() }
    }

    pub fn kind(&self) -> &'static str {
        self.kind
    }

    /// Ends all waits.
    pub async fn shutdown(&self) {
        for parked in self.parked.drain() {
            parked.task.abort();
        }
    }

    /// Works on one object until there is nothing to do but to wait.
    pub async fn process(&self, taken: Taken) {
        self.ctx.metrics.waited(self.kind, taken.lane, taken.waited);
        let key = taken.key.clone();
        let span = tracing::info_span!(
            "reconcile",
            controllerGroup = %K::group(&()),
            controllerKind = self.kind,
            namespace = %key.namespace,
            name = %key.name,
            reconcileID = %reconcile_id(),
        );
        let started = Instant::now();
        if let Err(error) = self.step(taken).instrument(span.clone()).await {
            let _in = span.enter();
            match error {
                WriteError::Gone => {}
                error => {
                    tracing::error!(%error, "object could not be written");
                    self.retry(&key, None);
                }
            }
        }
        if self.cache.get(&key).is_some() {
            self.ctx.metrics.reconciled(self.kind, &key, started.elapsed());
        }
    }

    async fn step(&self, taken: Taken) -> Result<(), WriteError> {
        let key = &taken.key;
        let Some(object) = self.cache.get(key) else {
            self.forget(key).await;
            return Ok(());
        };
        let mut object = (*object).clone();
        if object.meta().deletion_timestamp.is_some() {
            self.leave_parked(key).await;
            return self.finalize(object, taken).await;
        }
        if self.reconciler.is_static(&object) {
            self.leave_parked(key).await;
            return self.settle(object, taken).await;
        }
        if let Some(finalizer) = self.finalizer
            && !object.finalizers().iter().any(|known| known == finalizer)
        {
            object = self.add_finalizer(object, finalizer).await?;
        }
        if object.suspended() {
            self.leave_parked(key).await;
            tracing::info!("reconciliation is suspended for this object");
            return Ok(());
        }
        let mut preempted = None;
        if let Some(parked) = self.parked.take(key) {
            if taken.fresh {
                parked.cancel.cancel();
            }
            if let Ok((mut at, waited)) = parked.task.await {
                match waited {
                    Some(waited) if !taken.fresh => {
                        at.refresh_annotations(&object);
                        let result = self.guard(at, async |at| self.reconciler.resume(at, waited).await).await;
                        return self.finish(result.0, result.1).await;
                    }
                    _ => {
                        let by = taken
                            .trigger
                            .clone()
                            .unwrap_or_else(|| Reference { kind: self.kind.into(), key: key.clone() });
                        self.reconciler.canceled(&mut at, &by);
                        if let Some(written) = self.write_status(&mut at).await? {
                            object = written;
                        }
                        preempted = Some(by);
                    }
                }
            }
        }
        let mut at = self.attempt(object, taken);
        if let Some(by) = preempted {
            at.set_preempted(by);
        }
        let (at, result) = self.guard(at, async |at| self.reconciler.reconcile(at).await).await;
        self.finish(at, result).await
    }

    async fn finish(&self, mut at: Attempt<K>, result: Result<Outcome<R::Waited>, Halt>) -> Result<(), WriteError> {
        let key = at.key().clone();
        match result {
            Ok(Outcome::Watching { wait }) => {
                self.park(at, wait);
                return Ok(());
            }
            Ok(Outcome::Ready { reason, message, after }) => {
                at.conditions().mark_true(READY_CONDITION, reason, message);
                self.seen_through(&mut at);
                self.conclude(&mut at).await?;
                self.queue.succeed(&key);
                self.plan(&key, after);
            }
            Ok(Outcome::Done { after }) => {
                self.seen_through(&mut at);
                self.conclude(&mut at).await?;
                self.queue.succeed(&key);
                self.plan(&key, after);
            }
            Ok(Outcome::Settled { observed, next }) => {
                if observed {
                    let generation = at.generation();
                    at.object_mut().set_observed_generation(generation);
                }
                self.conclude(&mut at).await?;
                match next {
                    Next::BackOff => self.retry(&key, None),
                    Next::After(delay) => {
                        self.queue.succeed(&key);
                        self.plan(&key, Some(delay));
                    }
                    Next::Event => self.queue.succeed(&key),
                }
            }
            Err(halt) => return self.halted(at, halt).await,
        }
        Ok(())
    }

    fn seen_through(&self, at: &mut Attempt<K>) {
        at.conditions().delete(RECONCILING_CONDITION);
        at.conditions().delete(STALLED_CONDITION);
        let generation = at.generation();
        at.object_mut().set_observed_generation(generation);
    }

    async fn halted(&self, mut at: Attempt<K>, halt: Halt) -> Result<(), WriteError> {
        let key = at.key().clone();
        let stop = halt.stop().clone();
        if matches!(halt, Halt::Superseded(_)) {
            // The attempt that follows tells; this one leaves no trace.
            tracing::debug!(reason = stop.reason, "{}", stop.message);
            self.queue.add(key, Lane::Change, at.trigger().cloned());
            return Ok(());
        }
        at.conditions().mark_false(READY_CONDITION, stop.reason, stop.message.clone());
        match &halt {
            Halt::Stalled(_) => {
                at.conditions().mark_stalled(stop.reason, stop.message.clone());
                let generation = at.generation();
                at.object_mut().set_observed_generation(generation);
            }
            Halt::Failed(_) | Halt::Superseded(_) => retrying(&mut at),
            Halt::Waiting(_) => {
                at.conditions().delete(STALLED_CONDITION);
                if conditions::is_true(at.object().conditions(), RECONCILING_CONDITION) {
                    retrying(&mut at);
                }
            }
        }
        self.tell(&at, &stop);
        self.conclude(&mut at).await?;
        match halt {
            Halt::Stalled(_) => self.queue.succeed(&key),
            Halt::Waiting(_) => self.plan(&key, stop.after.or(Some(self.ctx.options.requeue_dependency))),
            Halt::Failed(_) | Halt::Superseded(_) => self.retry(&key, stop.after),
        }
        Ok(())
    }

    fn tell(&self, at: &Attempt<K>, stop: &Stop) {
        let message = stop.event_message.as_ref().unwrap_or(&stop.message);
        match stop.event {
            Some(severity) => {
                at.event(severity, stop.reason, message);
                if severity == Severity::Error {
                    tracing::error!(reason = stop.reason, error = %message, "reconciliation failed");
                }
            }
            None => tracing::info!(reason = stop.reason, "{message}"),
        }
    }

    /// Echoes the request and writes the status.
    async fn conclude(&self, at: &mut Attempt<K>) -> Result<(), WriteError> {
        if let Some(token) = at.object().pending_request().map(str::to_owned) {
            at.object_mut().set_last_handled_reconcile_at(&token);
        }
        self.write_status(at).await?;
        Ok(())
    }

    async fn write_status(&self, at: &mut Attempt<K>) -> Result<Option<K>, WriteError> {
        failpoints::pass("status");
        let written = self.patch_status(at.object(), &at.stored).await?;
        if let Some(written) = &written {
            at.stored = status_json(written);
        }
        Ok(written)
    }

    /// Plans the next attempt after a good one, or one that waits.
    fn plan(&self, key: &ObjectKey, after: Option<Duration>) {
        if let Some(after) = after {
            let after = jitter::spread(after, self.ctx.options.interval_jitter_percentage);
            self.queue.add_after(key.clone(), Lane::Interval, after);
        }
    }

    /// Plans the next attempt after a failed one.
    fn retry(&self, key: &ObjectKey, after: Option<Duration>) {
        let failures = self.queue.fail(key);
        let after = after.unwrap_or_else(|| self.ctx.options.retry_delay(failures));
        self.queue.add_after(key.clone(), Lane::Interval, after);
    }

    async fn forget(&self, key: &ObjectKey) {
        self.leave_parked(key).await;
        self.queue.forget(key);
        self.ctx.metrics.forget(self.kind, key);
        self.reconciler.forget(key);
    }

    /// Takes finalizer and status from an object that is only data (now).
    async fn settle(&self, object: K, taken: Taken) -> Result<(), WriteError> {
        let key = taken.key.clone();
        self.queue.succeed(&key);
        if object.suspended() {
            return Ok(());
        }
        let ours = |object: &K| object.finalizers().iter().any(|known| Some(known.as_str()) == self.finalizer);
        // What the definition defaults to is no status of ours.
        let mut bare = object.clone();
        bare.set_observed_generation(0);
        let had_status = bare.status().is_some_and(|status| *status != K::Status::default());
        if ours(&object) {
            self.finalize(object, taken).await?;
        }
        if had_status {
            let empty = |object: &mut K| {
                *object.status_mut() = K::Status::default();
                true
            };
            self.writer().edit_status(&key, empty).await?;
        }
        Ok(())
    }

    async fn finalize(&self, object: K, taken: Taken) -> Result<(), WriteError> {
        let Some(finalizer) =
            self.finalizer.filter(|finalizer| object.finalizers().iter().any(|known| known == finalizer))
        else {
            return Ok(());
        };
        let mut at = self.attempt(object, taken);
        let result = AssertUnwindSafe(self.reconciler.finalize(&mut at)).catch_unwind().await;
        let result = result.unwrap_or_else(|panic| {
            Err(Halt::failed(conditions::FAILED, format!("internal error: {}", panic_text(&panic))))
        });
        match result {
            Ok(()) => {
                failpoints::pass("finalizer");
                self.remove_finalizer(at.object(), finalizer).await
            }
            Err(halt) => self.halted(at, halt).await,
        }
    }

    fn attempt(&self, object: K, taken: Taken) -> Attempt<K> {
        Attempt::new(object, taken.lane, taken.trigger, self.events.clone(), self.queue.clone(), self.writer())
    }

    fn api(&self, object: &K) -> Api<K> {
        Api::namespaced(self.ctx.client.clone(), &object.namespace().unwrap_or_default())
    }
}

fn panic_text(panic: &Box<dyn std::any::Any + Send>) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_else(|| "panic".into())
}

fn reconcile_id() -> String {
    use rand::Rng as _;
    let random: u128 = rand::rng().random();
    uuid::Builder::from_random_bytes(random.to_be_bytes()).into_uuid().to_string()
}
