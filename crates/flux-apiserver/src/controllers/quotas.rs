//! Keeps the status of ResourceQuotas, which is what makes them count.

use std::collections::BTreeSet;
use std::sync::Arc;

use tokio::sync::mpsc;

use crate::admission::refresh_quotas;
use crate::object::namespace;
use crate::server::Shared;

/// Runs until the server stops. Namespaces come in whenever something in them was written.
pub(super) async fn run(shared: Arc<Shared>, mut changed: mpsc::UnboundedReceiver<String>) {
    if let Some(resource) = shared.registry.find("", "v1", "resourcequotas") {
        let spaces: BTreeSet<String> =
            shared.all(&resource, "").await.iter().map(|quota| namespace(quota).to_owned()).collect();
        for space in spaces {
            refresh_quotas(&shared, &space).await;
        }
    }
    let mut waiting = Vec::new();
    loop {
        tokio::select! {
            count = changed.recv_many(&mut waiting, 1024) => if count == 0 { return },
            () = shared.stopped() => return,
        }
        // Many writes to a namespace are one recount.
        for space in waiting.drain(..).collect::<BTreeSet<_>>() {
            refresh_quotas(&shared, &space).await;
        }
    }
}
