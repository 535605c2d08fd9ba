//! Actions under way, beside the queue.
//!
//! An action is a task of its own: it enters the gate to work and leaves it to wait. The attempt that started it is
//! parked; whoever comes next for the same object finds the action here, asks it to end its waiting, and goes on when
//! it has ended in order. So nothing newer waits in line, and no release is left half-made.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use flux_helm::Release;
use flux_helm::release::{Snapshot, Status};
use flux_runtime::{ObjectKey, Reference};
use tokio_util::sync::CancellationToken;

use crate::actions::drift::Corrected;
use crate::actions::{ActionError, Kind};
use crate::inventory::{InventoryError, Listed};
use crate::log::Log;
use crate::storage::Observed;

/// What an action brought.
pub enum Done {
    Released(Result<(), ActionError>),
    RolledBack {
        to: Box<Snapshot>,
        result: Result<(), ActionError>,
    },
    Uninstalled(Result<Release, ActionError>),
    Tested(Result<(Release, Result<(), ActionError>), ActionError>),
    Unlocked(Result<Option<(Release, Status)>, (Release, Status, ActionError)>),
    Corrected(Corrected),
    /// A panic.
    Broken(String),
}

/// What an action left behind.
pub struct Finished {
    pub kind: Kind,
    pub done: Done,
    pub log: Log,
    pub observed: Observed,
    pub inventory: Option<Result<Listed, InventoryError>>,
    pub took: Duration,
}

/// One action under way, as its task and its object share it.
#[derive(Clone)]
pub struct Running {
    pub kind: Kind,
    /// Ends the wait for health.
    pub interrupt: CancellationToken,
    done: CancellationToken,
    finished: Arc<Mutex<Option<Finished>>>,
    /// Who made the action pointless.
    superseded: Arc<Mutex<Option<Reference>>>,
    /// The object has no attempt that waits: it is to be woken.
    unattended: Arc<AtomicBool>,
}

impl Running {
    pub fn new(kind: Kind) -> Self {
        Self {
            kind,
            interrupt: CancellationToken::new(),
            done: CancellationToken::new(),
            finished: Arc::default(),
            superseded: Arc::default(),
            unattended: Arc::default(),
        }
    }

    /// Takes what the action brought; true when somebody has to be woken for it.
    pub fn finish(&self, finished: Finished) -> bool {
        *self.finished.lock().unwrap_or_else(PoisonError::into_inner) = Some(finished);
        self.done.cancel();
        self.unattended.load(Ordering::SeqCst)
    }

    /// Waits for the end.
    pub async fn ended(&self) {
        self.done.cancelled().await;
    }

    /// True when it ended within the time; else whoever asks has to be woken.
    pub async fn ends_within(&self, patience: Duration) -> bool {
        if tokio::time::timeout(patience, self.ended()).await.is_ok() {
            return true;
        }
        self.unattended.store(true, Ordering::SeqCst);
        // It may have ended just now, without a wake.
        self.done.is_cancelled()
    }

    pub fn take(&self) -> Option<Finished> {
        self.finished.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// Says that something newer came.
    pub fn supersede(&self, by: Reference) {
        *self.superseded.lock().unwrap_or_else(PoisonError::into_inner) = Some(by);
        self.interrupt.cancel();
    }

    pub fn superseded(&self) -> Option<Reference> {
        self.superseded.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// The actions under way, and what their attempts know.
pub struct Register<P>(Mutex<HashMap<ObjectKey, (Running, Option<Box<P>>)>>);

impl<P> Default for Register<P> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<P> Register<P> {
    pub fn put(&self, key: &ObjectKey, running: Running, pass: Option<Box<P>>) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(key.clone(), (running, pass));
    }

    pub fn get(&self, key: &ObjectKey) -> Option<Running> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(key).map(|(running, _)| running.clone())
    }

    pub fn take(&self, key: &ObjectKey) -> Option<(Running, Option<Box<P>>)> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(key)
    }
}
