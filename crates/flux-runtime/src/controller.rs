//! Runs one kind: watches it and what it names, and gives each due object to the frame.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use flux_api::FluxObject;
use futures::future::BoxFuture;
use k8s_openapi::api::core::v1::{ConfigMap, Secret};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use crate::attempt::Attempt;
use crate::cache::{Cache, Change, Watched};
use crate::context::ControllerContext;
use crate::frame::Frame;
use crate::halt::{Halt, Outcome};
use crate::index::Index;
use crate::key::{ObjectKey, Reference};
use crate::queue::{Lane, Queue};

mod configs;

/// Attempts under way get so long to end when the process is to end.
const DRAIN: Duration = Duration::from_secs(20);

/// What a kind does; the frame does the rest.
pub trait Reconciler<K: FluxObject>: Send + Sync + 'static {
    /// What a health watch answers with; [`std::convert::Infallible`] for kinds without one.
    type Waited: Send + 'static;

    /// Does the work of one attempt.
    fn reconcile(&self, at: &mut Attempt<K>) -> impl Future<Output = Result<Outcome<Self::Waited>, Halt>> + Send;

    /// Finishes an attempt whose health watch ended.
    fn resume(
        &self,
        _at: &mut Attempt<K>,
        _waited: Self::Waited,
    ) -> impl Future<Output = Result<Outcome<Self::Waited>, Halt>> + Send {
        std::future::ready(Err(Halt::superseded(crate::conditions::PROGRESSING, "Reconciliation in progress")))
    }

    /// Ends an attempt whose health watch something newer made pointless: sets conditions, tells of it.
    fn canceled(&self, _at: &mut Attempt<K>, _by: &Reference) {}

    /// Cleans up before the object goes; the finalizer is removed when this succeeds.
    fn finalize(&self, at: &mut Attempt<K>) -> impl Future<Output = Result<(), Halt>> + Send;

    /// True for an object that is only data: it gets no finalizer, no status and no attempt. One that had them
    /// before is cleaned up as by [`Reconciler::finalize`], once.
    fn is_static(&self, _object: &K) -> bool {
        false
    }

    /// The object is gone: drops what is remembered about it.
    fn forget(&self, _key: &ObjectKey) {}
}

type References<K> = Arc<dyn Fn(&K) -> Vec<Reference> + Send + Sync>;
type Wakes<K> = Arc<dyn Fn(Option<&K>, &K) -> bool + Send + Sync>;
type Wants<K> = Arc<dyn Fn(&K) -> bool + Send + Sync>;
type Watch = Box<dyn FnOnce(ControllerContext, Arc<Index>, Queue) -> BoxFuture<'static, ()> + Send>;

/// Builds and runs the controller of kind `K`.
pub struct Controller<K: FluxObject, R> {
    ctx: ControllerContext,
    name: &'static str,
    field_manager: &'static str,
    finalizer: Option<&'static str>,
    cache: Cache<K>,
    queue: Queue,
    reconciler: R,
    references: References<K>,
    wakes_users: Option<(Wakes<K>, Wants<K>)>,
    watches: Vec<Watch>,
    configs: bool,
}

impl<K: FluxObject, R: Reconciler<K>> Controller<K, R> {
    /// `name` is the reporter of events and the field manager of status writes: `source-controller`.
    /// The controller fills `cache`.
    pub fn new(ctx: ControllerContext, name: &'static str, cache: Cache<K>, reconciler: R) -> Self {
        Self {
            ctx,
            name,
            field_manager: name,
            finalizer: Some(crate::FINALIZER),
            cache,
            queue: Queue::default(),
            reconciler,
            references: Arc::new(|_| Vec::new()),
            wakes_users: None,
            watches: Vec::new(),
            configs: false,
        }
    }

    /// The field manager of writes to objects of this kind, when it is not the name.
    #[must_use]
    pub fn field_manager(mut self, manager: &'static str) -> Self {
        self.field_manager = manager;
        self
    }

    /// The finalizer; `None` for kinds without.
    #[must_use]
    pub fn finalizer(mut self, finalizer: Option<&'static str>) -> Self {
        self.finalizer = finalizer;
        self
    }

    /// Which other objects an object names: what its [`Controller::watches`] look it up by.
    #[must_use]
    pub fn references(mut self, references: impl Fn(&K) -> Vec<Reference> + Send + Sync + 'static) -> Self {
        self.references = Arc::new(references);
        self
    }

    /// Fills `cache` and wakes the objects that name a `W` whenever `wakes(old, new)` says so.
    #[must_use]
    pub fn watches<W>(mut self, cache: Cache<W>, wakes: impl Fn(Option<&W>, &W) -> bool + Send + Sync + 'static) -> Self
    where
        W: Watched + kube::Resource<Scope = kube::core::NamespaceResourceScope>,
    {
        self.watches.push(Box::new(move |ctx, index, queue| {
            Box::pin(async move {
                let kind = W::kind(&()).into_owned();
                let namespace = ctx.options.watch_namespace.clone();
                cache
                    .run(ctx.client, namespace, String::new(), ctx.shutdown, |change| {
                        let Some(new) = change.new else { return };
                        if wakes(change.old.map(AsRef::as_ref), new) {
                            wake_users(&index, &queue, &kind, change.key);
                        }
                    })
                    .await;
            })
        }));
        self
    }

    /// Wakes the objects that name another one of the same kind when `wakes(old, new)` says so, and the one to be
    /// woken waits for that: `wants`, or it is being worked on and may be about to.
    #[must_use]
    pub fn wakes_users(
        mut self,
        wakes: impl Fn(Option<&K>, &K) -> bool + Send + Sync + 'static,
        wants: impl Fn(&K) -> bool + Send + Sync + 'static,
    ) -> Self {
        self.wakes_users = Some((Arc::new(wakes), Arc::new(wants)));
        self
    }

    /// Wakes the objects that name a ConfigMap or Secret which `--watch-configs-label-selector` selects.
    #[must_use]
    pub fn watches_configs(mut self) -> Self {
        self.configs = true;
        self
    }

    /// Runs until the context's shutdown; then waits for attempts under way.
    pub async fn run(self) {
        let kind = kind_of::<K>();
        let index = Arc::new(Index::default());
        let mut watches = JoinSet::new();
        for watch in self.watches {
            watches.spawn(watch(self.ctx.clone(), index.clone(), self.queue.clone()));
        }
        if self.configs && !self.ctx.options.feature("DisableConfigWatchers", false) {
            watches.spawn(configs::watch::<ConfigMap>(self.ctx.clone(), index.clone(), self.queue.clone()));
            watches.spawn(configs::watch::<Secret>(self.ctx.clone(), index.clone(), self.queue.clone()));
        }
        let primary = Primary {
            index,
            queue: self.queue.clone(),
            cache: self.cache.clone(),
            references: self.references,
            wakes_users: self.wakes_users,
        };
        let (ctx, cache) = (self.ctx.clone(), self.cache.clone());
        watches.spawn(async move {
            let options = &ctx.options;
            let (namespace, labels) = (options.watch_namespace.clone(), options.watch_label_selector.clone());
            cache
                .run(ctx.client.clone(), namespace, labels, ctx.shutdown.clone(), |change| primary.changed(&change))
                .await;
        });
        self.ctx.waker.register(kind, self.queue.clone());
        let events = self.ctx.events.component(self.name).with_metrics(self.ctx.metrics.clone());
        let frame = Frame::new(
            self.ctx.clone(),
            kind,
            self.field_manager,
            self.finalizer,
            self.cache,
            self.queue.clone(),
            events,
            self.reconciler,
        );
        dispatch(&self.ctx, &self.queue, Arc::new(frame)).await;
        watches.shutdown().await;
    }
}

/// Gives due objects to the frame, at most `concurrent` at a time.
async fn dispatch<K: FluxObject, R: Reconciler<K>>(ctx: &ControllerContext, queue: &Queue, frame: Arc<Frame<K, R>>) {
    let slots = Arc::new(Semaphore::new(ctx.options.concurrent.max(1)));
    let mut running = JoinSet::new();
    loop {
        let slot = tokio::select! {
            slot = slots.clone().acquire_owned() => slot,
            () = ctx.shutdown.cancelled() => break,
        };
        let Ok(slot) = slot else { break };
        let taken = tokio::select! {
            taken = queue.next() => taken,
            () = ctx.shutdown.cancelled() => break,
        };
        let Some(taken) = taken else { break };
        let frame = frame.clone();
        let queue = queue.clone();
        running.spawn(async move {
            let key = taken.key.clone();
            frame.process(taken).await;
            queue.done(&key);
            drop(slot);
        });
        while running.try_join_next().is_some() {}
    }
    queue.close();
    let drained = tokio::time::timeout(DRAIN, async { while running.join_next().await.is_some() {} }).await;
    if drained.is_err() {
        tracing::warn!(kind = frame.kind(), "attempts were cut off by the shutdown");
    }
    frame.shutdown().await;
}

/// What a change of an object of the kind itself leads to.
struct Primary<K: FluxObject> {
    index: Arc<Index>,
    queue: Queue,
    cache: Cache<K>,
    references: References<K>,
    wakes_users: Option<(Wakes<K>, Wants<K>)>,
}

impl<K: FluxObject> Primary<K> {
    fn changed(&self, change: &Change<'_, K>) {
        let key = change.key;
        let Some(new) = change.new else {
            self.index.set(key, Vec::new());
            self.queue.add(key.clone(), Lane::Change, None);
            return;
        };
        let old = change.old.map(AsRef::as_ref);
        // An object made anew under a known name begins at the same generation.
        let respecified =
            old.is_none_or(|old| old.meta().uid != new.meta().uid || old.meta().generation != new.meta().generation);
        if respecified {
            self.index.set(key, (self.references)(new));
        }
        if let Some(lane) = lane(old, new) {
            self.queue.add(key.clone(), lane, Some(Reference { kind: kind_of::<K>().into(), key: key.clone() }));
        }
        let Some((wakes, wants)) = &self.wakes_users else { return };
        if !wakes(old, new) {
            return;
        }
        let reference = Reference { kind: kind_of::<K>().into(), key: key.clone() };
        for user in self.index.users(&reference) {
            if self.queue.is_running(&user) || self.cache.get(&user).is_some_and(|user| wants(&user)) {
                self.queue.add(user, Lane::Change, Some(reference.clone()));
            }
        }
    }
}

/// The lane of a change, or `None` when it is of no interest.
pub(crate) fn lane<K: FluxObject>(old: Option<&K>, new: &K) -> Option<Lane> {
    let Some(old) = old else {
        let seen =
            new.observed_generation() == new.meta().generation.unwrap_or_default() && new.pending_request().is_none();
        // After a restart the known ones come after those that wait for us.
        return Some(if seen { Lane::Interval } else { Lane::Change });
    };
    if crate::requests::is_new(old.meta().annotations.as_ref(), new.meta().annotations.as_ref()) {
        return Some(Lane::Person);
    }
    let changed = old.meta().uid != new.meta().uid
        || old.meta().generation != new.meta().generation
        || old.meta().deletion_timestamp.is_none() && new.meta().deletion_timestamp.is_some();
    changed.then_some(Lane::Change)
}

fn wake_users(index: &Index, queue: &Queue, kind: &str, key: &ObjectKey) {
    let reference = Reference { kind: kind.into(), key: key.clone() };
    for user in index.users(&reference) {
        queue.add(user, Lane::Change, Some(reference.clone()));
    }
}

/// The kind's name; types that implement `FluxObject` have a literal one.
fn kind_of<K: FluxObject>() -> &'static str {
    match K::kind(&()) {
        std::borrow::Cow::Borrowed(kind) => kind,
        std::borrow::Cow::Owned(kind) => flux_api::kind_info(&kind).map_or("", |info| info.kind),
    }
}
