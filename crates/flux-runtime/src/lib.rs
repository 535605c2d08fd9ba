//! The reconcile frame: queue, conditions, events, metrics.
