//! What every controller of a process shares.

use kube::Client;
use tokio_util::sync::CancellationToken;

use crate::events::EventRecorder;
use crate::metrics::Metrics;
use crate::options::Options;
use crate::waker::Waker;

/// Client, events, metrics, wake-ups and flags; cloned into each controller.
#[derive(Clone)]
pub struct ControllerContext {
    pub client: Client,
    pub events: EventRecorder,
    pub metrics: Metrics,
    /// Cancelled when the process is to end: attempts finish, no new one starts.
    pub shutdown: CancellationToken,
    pub waker: Waker,
    pub options: Options,
}

impl ControllerContext {
    /// A context with default flags and no address for events.
    pub fn new(client: Client) -> Self {
        let shutdown = CancellationToken::new();
        Self {
            events: EventRecorder::new(client.clone(), None, shutdown.clone()),
            client,
            metrics: Metrics::default(),
            shutdown,
            waker: Waker::default(),
            options: Options::default(),
        }
    }
}
