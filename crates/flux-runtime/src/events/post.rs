//! Events posted to the notification controller.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::{MAX_MESSAGE, ObjectIdentity, Recorded, Severity};
use crate::conditions::trim_message;

/// One request may take so long; upstream's limit.
const TIMEOUT: Duration = Duration::from_secs(5);
/// Tries per event, the pause doubling from [`PAUSE`].
const TRIES: u32 = 5;
const PAUSE: Duration = Duration::from_millis(500);

/// The body, as upstream's `eventv1.Event`.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Body<'a> {
    involved_object: &'a ObjectIdentity,
    severity: Severity,
    timestamp: jiff::Timestamp,
    message: String,
    reason: &'a str,
    #[serde(skip_serializing_if = "none")]
    metadata: &'a BTreeMap<String, String>,
    reporting_controller: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    reporting_instance: &'a str,
}

fn none(metadata: &&BTreeMap<String, String>) -> bool {
    metadata.is_empty()
}

pub(super) fn body<'a>(recorded: &'a Recorded, instance: &'a str) -> Body<'a> {
    let event = &recorded.event;
    Body {
        involved_object: &event.object,
        severity: event.severity,
        timestamp: jiff::Timestamp::from_second(recorded.time.as_second()).unwrap_or(recorded.time),
        message: trim_message(event.message.clone(), MAX_MESSAGE),
        reason: &event.reason,
        metadata: &event.metadata,
        reporting_controller: &recorded.component,
        reporting_instance: instance,
    }
}

pub(super) async fn run(address: String, mut queue: mpsc::Receiver<Arc<Recorded>>, shutdown: CancellationToken) {
    let client = match reqwest::Client::builder().timeout(TIMEOUT).build() {
        Ok(client) => client,
        Err(error) => {
            tracing::error!(%error, "events cannot be posted");
            return;
        }
    };
    let instance = std::env::var("HOSTNAME").unwrap_or_default();
    loop {
        let recorded = tokio::select! {
            recorded = queue.recv() => recorded,
            () = shutdown.cancelled() => return,
        };
        let Some(recorded) = recorded else { return };
        let body = body(&recorded, &instance);
        tokio::select! {
            () = send(&client, &address, &body) => {}
            () = shutdown.cancelled() => return,
        }
    }
}

/// Sends until the receiver answers with something final. 429 means it has the event already.
async fn send(client: &reqwest::Client, address: &str, body: &Body<'_>) {
    for attempt in 0..TRIES {
        let outcome = client.post(address).json(body).send().await;
        match outcome {
            Ok(answer) if answer.status().is_success() || answer.status().as_u16() == 429 => return,
            Ok(answer) if answer.status().is_client_error() => {
                tracing::error!(status = answer.status().as_u16(), "event refused by the receiver");
                return;
            }
            Ok(answer) => tracing::debug!(status = answer.status().as_u16(), "event not posted"),
            Err(error) => tracing::debug!(error = %error.without_url(), "event not posted"),
        }
        if attempt + 1 < TRIES {
            tokio::time::sleep(PAUSE * 2u32.pow(attempt)).await;
        }
    }
    tracing::error!("event given up: the receiver does not answer");
}
