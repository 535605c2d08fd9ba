//! Watches, timers and the writes themselves.

mod discover;
mod engine;
mod execute;
mod nodes;
mod timers;
mod watch;

use crate::{Config, Error};
use engine::Engine;
use tokio_util::sync::CancellationToken;

/// Simulates workloads on the control plane behind `client` until `shutdown` is cancelled, then ends with `Ok`.
///
/// Nodes are made to equal `config` first. Everything else follows events; failed writes are tried again with a
/// growing pause, so one object that cannot be written holds up no other. Kinds that the server does not have are left out.
///
/// # Errors
/// Only at the start: when the server's kinds cannot be read, or a node cannot be written.
pub async fn run(client: kube::Client, config: Config, shutdown: CancellationToken) -> Result<(), Error> {
    tokio::select! {
        result = simulate(client, config) => result,
        () = shutdown.cancelled() => Ok(()),
    }
}

async fn simulate(client: kube::Client, config: Config) -> Result<(), Error> {
    let served = discover::served(&client).await?;
    nodes::ensure(&client, &config).await?;
    Engine::new(client, config, served).run().await
}
