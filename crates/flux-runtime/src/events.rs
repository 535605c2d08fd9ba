//! Events: recorded in Kubernetes and posted to the notification controller.
//!
//! Nobody waits for an event: they go through bounded queues, and one that
//! finds its queue full is dropped and counted. The same event again raises
//! the count of the one in Kubernetes.

mod kubernetes;
mod post;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::sync::Arc;

use flux_api::FluxObject;
use jiff::Timestamp;
use kube::{Client, ResourceExt as _};
use serde::Serialize;
use tokio::sync::{broadcast, mpsc};
use tokio_util::sync::CancellationToken;

use crate::metrics::Metrics;

/// Events that may wait for the server; more are dropped.
const QUEUE: usize = 4096;
/// Longer messages are cut for the receiver; upstream's limit.
pub const MAX_MESSAGE: usize = 39_000;

/// How much an event matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Kubernetes events only, never posted.
    Trace,
    Info,
    Error,
}

/// The object an event is about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ObjectIdentity {
    pub kind: String,
    pub namespace: String,
    pub name: String,
    pub uid: String,
    pub api_version: String,
    pub resource_version: String,
}

impl ObjectIdentity {
    pub fn of<K: FluxObject>(obj: &K) -> Self {
        Self {
            kind: K::kind(&()).into_owned(),
            namespace: obj.namespace().unwrap_or_default(),
            name: obj.name_any(),
            uid: obj.uid().unwrap_or_default(),
            api_version: K::api_version(&()).into_owned(),
            resource_version: obj.resource_version().unwrap_or_default(),
        }
    }
}

/// The annotations of an object that belong into the metadata of its events.
pub fn annotation_metadata(annotations: Option<&BTreeMap<String, String>>) -> BTreeMap<String, String> {
    let entries = annotations.into_iter().flatten();
    entries
        .filter(|(name, _)| name.starts_with(flux_api::EVENT_METADATA_PREFIX))
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect()
}

/// Something that happened to an object.
#[derive(Clone, Debug)]
pub struct Event {
    pub object: ObjectIdentity,
    pub severity: Severity,
    pub reason: String,
    pub message: String,
    /// Full keys: `kustomize.toolkit.fluxcd.io/revision`, `event.toolkit.fluxcd.io/summary`, ...
    pub metadata: BTreeMap<String, String>,
}

/// An event with its reporter and time, as queues and listeners get it.
#[derive(Clone, Debug)]
pub struct Recorded {
    pub event: Event,
    pub component: Arc<str>,
    pub time: Timestamp,
}

/// Records events; clones share the queues.
#[derive(Clone)]
pub struct EventRecorder {
    component: Arc<str>,
    kubernetes: mpsc::Sender<Arc<Recorded>>,
    post: Option<mpsc::Sender<Arc<Recorded>>>,
    listeners: broadcast::Sender<Arc<Recorded>>,
    metrics: Option<Metrics>,
}

impl EventRecorder {
    /// A recorder that posts to `address` too, when there is one (`--events-addr`). Must be called within a runtime.
    pub fn new(client: Client, address: Option<String>, shutdown: CancellationToken) -> Self {
        let (kubernetes, receiver) = mpsc::channel(QUEUE);
        tokio::spawn(kubernetes::run(client, receiver, shutdown.clone()));
        let post = address.filter(|address| !address.is_empty()).map(|address| {
            let (sender, receiver) = mpsc::channel(QUEUE);
            tokio::spawn(post::run(address, receiver, shutdown));
            sender
        });
        let (listeners, _) = broadcast::channel(QUEUE);
        Self { component: "flux".into(), kubernetes, post, listeners, metrics: None }
    }

    /// The same recorder under the name of another controller.
    #[must_use]
    pub fn component(&self, name: &str) -> Self {
        Self { component: name.into(), ..self.clone() }
    }

    /// The same recorder, counting what becomes of the events.
    #[must_use]
    pub fn with_metrics(&self, metrics: Metrics) -> Self {
        Self { metrics: Some(metrics), ..self.clone() }
    }

    /// Hears of all events of the process from now on; a slow listener loses the oldest.
    pub fn subscribe(&self) -> broadcast::Receiver<Arc<Recorded>> {
        self.listeners.subscribe()
    }

    /// Records an event; never waits.
    pub fn emit(&self, event: Event) {
        let trace = event.severity == Severity::Trace;
        let recorded = Arc::new(Recorded { event, component: self.component.clone(), time: Timestamp::now() });
        // Nobody may listen.
        let _ = self.listeners.send(recorded.clone());
        self.count(self.kubernetes.try_send(recorded.clone()).is_ok());
        if let Some(post) = self.post.as_ref().filter(|_| !trace) {
            self.count(post.try_send(recorded).is_ok());
        }
    }

    fn count(&self, queued: bool) {
        if let Some(metrics) = &self.metrics {
            metrics.event(if queued { "queued" } else { "dropped" });
        }
    }
}
