//! Events as objects of the API server.

use std::collections::HashMap;
use std::sync::Arc;

use jiff::Timestamp;
use k8s_openapi::api::core::v1::{Event as CoreEvent, EventSource, ObjectReference};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, Time};
use kube::api::{Patch, PatchParams, PostParams};
use kube::{Api, Client};
use serde_json::json;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::{Recorded, Severity};

/// So many different events are remembered to raise their count; then the memory starts anew.
const REMEMBERED: usize = 4096;

#[derive(Clone, PartialEq, Eq, Hash)]
struct Identity {
    component: Arc<str>,
    uid: String,
    severity: bool,
    reason: String,
    message: String,
    metadata: Vec<(String, String)>,
}

struct Known {
    namespace: String,
    name: String,
    count: i32,
}

pub(super) async fn run(client: Client, mut queue: mpsc::Receiver<Arc<Recorded>>, shutdown: CancellationToken) {
    let mut known: HashMap<Identity, Known> = HashMap::new();
    loop {
        let recorded = tokio::select! {
            recorded = queue.recv() => recorded,
            () = shutdown.cancelled() => queue.try_recv().ok(),
        };
        let Some(recorded) = recorded else { return };
        if known.len() >= REMEMBERED {
            known.clear();
        }
        if let Err(error) = write(&client, &recorded, &mut known).await {
            tracing::debug!(%error, "event not recorded");
        }
    }
}

async fn write(client: &Client, recorded: &Recorded, known: &mut HashMap<Identity, Known>) -> kube::Result<()> {
    let identity = identity(recorded);
    if let Some(same) = known.get_mut(&identity) {
        same.count += 1;
        let api: Api<CoreEvent> = Api::namespaced(client.clone(), &same.namespace);
        let patch = json!({"count": same.count, "lastTimestamp": recorded.time});
        match api.patch(&same.name, &PatchParams::default(), &Patch::Merge(patch)).await {
            Ok(_) => return Ok(()),
            // It has expired: record it anew.
            Err(kube::Error::Api(status)) if status.is_not_found() => {}
            Err(error) => return Err(error),
        }
    }
    let event = object(recorded);
    let (namespace, name) =
        (event.metadata.namespace.clone().unwrap_or_default(), event.metadata.name.clone().unwrap_or_default());
    Api::<CoreEvent>::namespaced(client.clone(), &namespace).create(&PostParams::default(), &event).await?;
    known.insert(identity, Known { namespace, name, count: 1 });
    Ok(())
}

fn identity(recorded: &Recorded) -> Identity {
    let event = &recorded.event;
    Identity {
        component: recorded.component.clone(),
        uid: event.object.uid.clone(),
        severity: event.severity == Severity::Error,
        reason: event.reason.clone(),
        message: event.message.clone(),
        metadata: event.metadata.iter().map(|(name, value)| (name.clone(), value.clone())).collect(),
    }
}

pub(super) fn object(recorded: &Recorded) -> CoreEvent {
    let event = &recorded.event;
    let object = &event.object;
    let namespace = if object.namespace.is_empty() { "default" } else { &object.namespace };
    let time = Time(whole_seconds(recorded.time));
    CoreEvent {
        metadata: ObjectMeta {
            name: Some(format!("{}.{:x}", object.name, recorded.time.as_nanosecond())),
            namespace: Some(namespace.into()),
            annotations: Some(event.metadata.clone()),
            ..ObjectMeta::default()
        },
        involved_object: ObjectReference {
            api_version: Some(object.api_version.clone()),
            kind: Some(object.kind.clone()),
            namespace: Some(object.namespace.clone()),
            name: Some(object.name.clone()),
            uid: Some(object.uid.clone()),
            resource_version: Some(object.resource_version.clone()),
            field_path: None,
        },
        type_: Some(if event.severity == Severity::Error { "Warning" } else { "Normal" }.into()),
        reason: Some(event.reason.clone()),
        message: Some(event.message.clone()),
        count: Some(1),
        first_timestamp: Some(time.clone()),
        last_timestamp: Some(time),
        source: Some(EventSource { component: Some(recorded.component.to_string()), host: None }),
        reporting_component: Some(recorded.component.to_string()),
        ..CoreEvent::default()
    }
}

fn whole_seconds(time: Timestamp) -> Timestamp {
    Timestamp::from_second(time.as_second()).unwrap_or(time)
}
