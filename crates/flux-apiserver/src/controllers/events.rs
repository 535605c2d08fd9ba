//! Removes old events, so that a busy loop cannot fill memory or disk.

use std::collections::VecDeque;
use std::sync::Arc;

use tokio::time::Instant;

use crate::object::{name, namespace};
use crate::rest::DeleteOptions;
use crate::server::Shared;

const TABLE: &str = "core/events";

/// Runs until the server stops.
pub(super) async fn run(shared: Arc<Shared>) {
    let Some(resource) = shared.registry.find("", "v1", "events") else { return };
    let Ok(mut changes) = shared.store.watch(TABLE, shared.store.revision()) else { return };
    let ttl = shared.config.event_ttl;
    // Events found at start count from now: their age is not worth a second format.
    let mut queue: VecDeque<(Instant, String)> = VecDeque::new();
    for event in shared.all(&resource, "").await {
        queue.push_back((Instant::now(), format!("{}/{}", namespace(&event), name(&event))));
    }
    loop {
        let due = queue.front().map_or_else(|| Instant::now() + ttl, |(seen, _)| *seen + ttl);
        tokio::select! {
            batch = changes.next() => match batch {
                Ok(batch) => {
                    let fresh = batch.iter().filter(|change| !change.removed && change.previous.is_none());
                    queue.extend(fresh.map(|change| (Instant::now(), change.key.to_string())));
                }
                Err(_) => return,
            },
            () = tokio::time::sleep_until(due) => {}
            () = shared.stopped() => return,
        }
        while queue.len() > shared.config.event_cap || queue.front().is_some_and(|(seen, _)| seen.elapsed() >= ttl) {
            let Some((_, key)) = queue.pop_front() else { break };
            if let Some((space, event)) = key.split_once('/') {
                // It may be gone already.
                let _ = shared.delete_object(&resource, space, event, &DeleteOptions::default()).await;
            }
        }
    }
}
