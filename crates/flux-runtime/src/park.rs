//! Attempts that only wait for health: they hold no slot.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use flux_api::FluxObject;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::attempt::Attempt;
use crate::key::ObjectKey;

/// One waiting attempt; its task answers with what the wait brought, or `None` when cancelled.
pub(crate) struct Parked<K: FluxObject, W> {
    pub cancel: CancellationToken,
    pub task: JoinHandle<(Attempt<K>, Option<W>)>,
}

/// All waiting attempts of a kind.
pub(crate) struct Lot<K: FluxObject, W>(Mutex<HashMap<ObjectKey, Parked<K, W>>>);

impl<K: FluxObject, W> Default for Lot<K, W> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<K: FluxObject, W> Lot<K, W> {
    pub fn put(&self, key: ObjectKey, parked: Parked<K, W>) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(key, parked);
    }

    pub fn take(&self, key: &ObjectKey) -> Option<Parked<K, W>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(key)
    }

    pub fn drain(&self) -> Vec<Parked<K, W>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).drain().map(|(_, parked)| parked).collect()
    }
}
