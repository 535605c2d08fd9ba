//! A recording watch over everything that carries a Kustomization's owner labels, and over the Kustomizations.
//!
//! It survives kills of the server: after each reconnect it lists again, and an object that vanished meanwhile is
//! recorded as deleted at an unknown revision.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use anyhow::Result;
use futures::{StreamExt as _, TryStreamExt as _};
use kube::Client;
use kube::api::{Api, ApiResource, DynamicObject, GroupVersionKind, ListParams, WatchEvent, WatchParams};
use serde_json::Value;
use tokio::task::JoinHandle;

use super::cluster::Cluster;

pub const OWNER_LABEL: &str = "kustomize.toolkit.fluxcd.io/name";

/// One thing seen.
#[derive(Clone, Debug)]
pub enum Seen {
    /// The object as it was at a revision (ADDED or MODIFIED).
    Present { revision: u64, object: Value },
    /// It was deleted; the revision is the event's, or `None` when it was gone after a reconnect.
    Deleted { revision: Option<u64>, object: Value },
}

/// What was recorded of one object, in order.
#[derive(Clone, Debug, Default)]
pub struct Track {
    pub seen: Vec<Seen>,
}

/// Objects by inventory id (`<namespace>_<name>_<group>_<kind>`).
pub type Record = BTreeMap<String, Track>;

/// The kinds to watch: `(apiVersion, kind)`. Kinds that the server does not know are retried with each reconnect.
pub struct Recorder {
    record: Arc<Mutex<Record>>,
    tasks: Vec<JoinHandle<()>>,
}

impl Recorder {
    /// Starts watching `kinds` in the context `name`; a kubeconfig is read again at each reconnect.
    pub fn start(kubeconfig: PathBuf, context: &str, kinds: &[(&str, &str)]) -> Self {
        let record = Arc::new(Mutex::new(Record::new()));
        let watch = |(api_version, kind): &(&str, &str)| {
            let (group, version) = api_version.rsplit_once('/').unwrap_or(("", api_version));
            let resource = ApiResource::from_gvk(&GroupVersionKind::gvk(group, version, kind));
            let (record, kubeconfig, context) = (record.clone(), kubeconfig.clone(), context.to_owned());
            tokio::spawn(async move {
                loop {
                    if let Ok(cluster) = Cluster::from_kubeconfig(&kubeconfig, &context).await {
                        // The stream ends with the server; start again until the recorder is dropped.
                        let _ = follow(cluster.client, &resource, &record).await;
                    }
                    tokio::time::sleep(Duration::from_millis(20)).await;
                }
            })
        };
        let tasks = kinds.iter().map(watch).collect();
        Self { record, tasks }
    }

    /// What was recorded so far.
    pub fn record(&self) -> Record {
        self.record.lock().expect("no holder panics").clone()
    }
}

impl Drop for Recorder {
    fn drop(&mut self) {
        for task in &self.tasks {
            task.abort();
        }
    }
}

/// Kustomizations have no owner label of their own when they are roots, so they are all taken.
fn selector(resource: &ApiResource) -> &'static str {
    if resource.kind == "Kustomization" { "" } else { OWNER_LABEL }
}

async fn follow(client: Client, resource: &ApiResource, record: &Mutex<Record>) -> Result<()> {
    let api: Api<DynamicObject> = Api::all_with(client, resource);
    let list = api.list(&ListParams::default().labels(selector(resource))).await?;
    let revision = list.metadata.resource_version.clone().unwrap_or_default();
    relist(resource, list.items, record)?;
    let params = WatchParams::default().labels(selector(resource)).timeout(290);
    let mut events = api.watch(&params, &revision).await?.boxed();
    while let Some(event) = events.try_next().await? {
        let seen = match event {
            WatchEvent::Added(object) | WatchEvent::Modified(object) => present(resource, object)?,
            WatchEvent::Deleted(object) => {
                let revision = revision_of(&object);
                Seen::Deleted { revision, object: json(resource, object)? }
            }
            WatchEvent::Bookmark(_) => continue,
            WatchEvent::Error(status) => anyhow::bail!("watch ended: {}", status.message),
        };
        push(record, seen);
    }
    Ok(())
}

fn relist(resource: &ApiResource, items: Vec<DynamicObject>, record: &Mutex<Record>) -> Result<()> {
    let mut here = BTreeSet::new();
    for object in items {
        let seen = present(resource, object)?;
        here.insert(inventory_id(seen.object()));
        push(record, seen);
    }
    let suffix = format!("_{}_{}", resource.group, resource.kind);
    let mut record = record.lock().expect("no holder panics");
    for (_, track) in record.iter_mut().filter(|(id, _)| id.ends_with(&suffix) && !here.contains(*id)) {
        if let Some(Seen::Present { object, .. }) = track.seen.last() {
            let object = object.clone();
            track.seen.push(Seen::Deleted { revision: None, object });
        }
    }
    Ok(())
}

fn push(record: &Mutex<Record>, seen: Seen) {
    let id = inventory_id(seen.object());
    record.lock().expect("no holder panics").entry(id).or_default().seen.push(seen);
}

fn present(resource: &ApiResource, object: DynamicObject) -> Result<Seen> {
    let revision = revision_of(&object).unwrap_or(0);
    Ok(Seen::Present { revision, object: json(resource, object)? })
}

fn revision_of(object: &DynamicObject) -> Option<u64> {
    object.metadata.resource_version.as_deref()?.parse().ok()
}

/// List items carry no kind; a recorded object always does.
fn json(resource: &ApiResource, object: DynamicObject) -> Result<Value> {
    let mut value = serde_json::to_value(object)?;
    value["apiVersion"] = resource.api_version.clone().into();
    value["kind"] = resource.kind.clone().into();
    Ok(value)
}

impl Seen {
    pub fn object(&self) -> &Value {
        match self {
            Self::Present { object, .. } | Self::Deleted { object, .. } => object,
        }
    }
}

/// `<namespace>_<name>_<group>_<kind>`, with `:` in names escaped as upstream's inventory does.
pub fn inventory_id(object: &Value) -> String {
    let text = |pointer: &str| object.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
    let group = text("/apiVersion").rsplit_once('/').map_or("", |(group, _)| group);
    let name = text("/metadata/name").replace(':', "__");
    format!("{}_{name}_{group}_{}", text("/metadata/namespace"), text("/kind"))
}
