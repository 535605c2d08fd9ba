//! Wakes objects from within the process, past any watch.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use crate::key::{ObjectKey, Reference};
use crate::queue::{Lane, Queue};

/// Finds the queue of a kind. Clones share the queues.
#[derive(Clone, Default)]
pub struct Waker {
    queues: Arc<Mutex<HashMap<&'static str, Queue>>>,
}

impl Waker {
    /// Asks for an attempt at `kind` `namespace/name` now; `true` when a controller of that kind runs here.
    ///
    /// A kind without a running controller needs no wake: it looks at every object when it starts.
    pub fn wake(&self, kind: &str, namespace: &str, name: &str) -> bool {
        let queues = self.queues.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(queue) = queues.get(kind) else { return false };
        queue.add(ObjectKey::new(namespace, name), Lane::Change, Some(Reference::new(kind, namespace, name)));
        true
    }

    pub(crate) fn register(&self, kind: &'static str, queue: Queue) {
        self.queues.lock().unwrap_or_else(PoisonError::into_inner).insert(kind, queue);
    }
}
