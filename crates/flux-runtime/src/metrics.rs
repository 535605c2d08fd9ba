//! Metrics in the OpenMetrics text format, with upstream's names.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use prometheus_client::encoding::{EncodeLabelSet, text::encode};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;

use crate::key::ObjectKey;

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct ObjectLabels {
    kind: String,
    name: String,
    namespace: String,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct KindLabels {
    kind: String,
    lane: String,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct EventLabels {
    result: String,
}

/// True when the series of an object may go: it is being deleted and none of our finalizers is left.
pub fn is_deleted(deleting: bool, finalizers: &[String], owned: &[String]) -> bool {
    deleting && !finalizers.iter().any(|finalizer| owned.contains(finalizer))
}

/// The metrics of a process; clones share them.
#[derive(Clone)]
pub struct Metrics {
    registry: Arc<Mutex<Registry>>,
    durations: Family<ObjectLabels, Histogram, fn() -> Histogram>,
    waits: Family<KindLabels, Histogram, fn() -> Histogram>,
    events: Family<EventLabels, Counter>,
}

/// Upstream's buckets: ten of them, from 10 ns, each ten times the last.
fn duration_histogram() -> Histogram {
    Histogram::new((0..10).map(|power| 10e-9 * 10f64.powi(power)))
}

/// From 1 ms to 128 s.
fn wait_histogram() -> Histogram {
    Histogram::new((0..18).map(|power| 0.001 * 2f64.powi(power)))
}

impl Default for Metrics {
    fn default() -> Self {
        let durations = Family::new_with_constructor(duration_histogram as fn() -> Histogram);
        let waits = Family::new_with_constructor(wait_histogram as fn() -> Histogram);
        let events = Family::default();
        let mut registry = Registry::default();
        registry.register(
            "gotk_reconcile_duration_seconds",
            "The duration in seconds of a GitOps Toolkit resource reconciliation",
            durations.clone(),
        );
        registry.register(
            "gotk_queue_seconds",
            "Seconds that an object was due before its attempt began",
            waits.clone(),
        );
        registry.register("gotk_events", "Events by what became of them", events.clone());
        Self { registry: Arc::new(Mutex::new(registry)), durations, waits, events }
    }
}

impl Metrics {
    pub(crate) fn reconciled(&self, kind: &str, key: &ObjectKey, took: Duration) {
        self.durations.get_or_create(&labels(kind, key)).observe(took.as_secs_f64());
    }

    pub(crate) fn waited(&self, kind: &str, lane: crate::Lane, waited: Duration) {
        let lane = format!("{lane:?}").to_lowercase();
        self.waits.get_or_create(&KindLabels { kind: kind.into(), lane }).observe(waited.as_secs_f64());
    }

    pub(crate) fn event(&self, result: &str) {
        self.events.get_or_create(&EventLabels { result: result.into() }).inc();
    }

    /// Drops the series of an object that is gone.
    pub(crate) fn forget(&self, kind: &str, key: &ObjectKey) {
        self.durations.remove(&labels(kind, key));
    }

    /// Adds metrics of another part of the process.
    pub fn register(&self, add: impl FnOnce(&mut Registry)) {
        add(&mut self.registry.lock().unwrap_or_else(PoisonError::into_inner));
    }

    /// All metrics as text, for `/metrics`.
    pub fn encode(&self) -> String {
        let mut text = String::new();
        let registry = self.registry.lock().unwrap_or_else(PoisonError::into_inner);
        // Writing into a String cannot fail.
        let _ = encode(&mut text, &registry);
        text
    }
}

fn labels(kind: &str, key: &ObjectKey) -> ObjectLabels {
    ObjectLabels { kind: kind.into(), name: key.name.to_string(), namespace: key.namespace.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_labelled_and_forgotten() {
        let metrics = Metrics::default();
        let key = ObjectKey::new("ns", "app");
        metrics.reconciled("Kustomization", &key, Duration::from_millis(20));
        let text = metrics.encode();
        assert!(
            text.contains(r#"gotk_reconcile_duration_seconds_count{kind="Kustomization",name="app",namespace="ns"} 1"#),
            "{text}"
        );
        metrics.forget("Kustomization", &key);
        assert!(!metrics.encode().contains(r#"name="app""#));
    }
}
