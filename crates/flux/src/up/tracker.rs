//! Follows the Flux objects of one cluster and turns bursts of changes into one list of units each.

use std::collections::BTreeMap;
use std::time::Duration;

use futures::{Stream, StreamExt as _, TryStreamExt as _, stream};
use kube::api::{Api, ApiResource, DynamicObject, ListParams};
use kube::runtime::WatchStreamExt as _;
use kube::runtime::watcher::{self, Event, watcher};
use kube::{Client, Resource};
use serde_json::Value;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::progress::FRAME;
use super::units::{Expected, Unit, evaluate};

type Key = (String, String, String);
type Objects = BTreeMap<Key, Value>;

/// Says whether a GitRepository is served from the watched repository's head.
pub type Follows = std::sync::Arc<dyn Fn(&Value) -> bool + Send + Sync>;

/// What is needed to judge the units of a cluster.
#[derive(Clone)]
pub struct Tracker {
    client: Client,
    head: watch::Receiver<String>,
    follows: Follows,
}

impl Tracker {
    /// `head` is the commit that followed sources have to reach.
    pub fn new(client: Client, head: watch::Receiver<String>, follows: Follows) -> Self {
        Self { client, head, follows }
    }

    /// The units as the server has them now.
    pub async fn list(&self) -> Result<Vec<Unit>, kube::Error> {
        let mut objects = Objects::new();
        for resource in resources() {
            let api: Api<DynamicObject> = Api::all_with(self.client.clone(), &resource);
            for object in api.list(&ListParams::default()).await? {
                put(&mut objects, &resource, object);
            }
        }
        Ok(self.judge(&objects))
    }

    /// Calls `report` with all units whenever something changed, at most once per frame, until `shutdown`.
    pub async fn run(mut self, shutdown: CancellationToken, report: impl Fn(Vec<Unit>)) {
        let mut objects = Objects::new();
        let mut events = self.events();
        loop {
            tokio::select! {
                () = shutdown.cancelled() => return,
                event = events.next() => match event {
                    Some((resource, event)) => apply(&mut objects, &resource, event),
                    None => return,
                },
                _ = self.head.changed() => {}
            }
            let deadline = tokio::time::Instant::now() + FRAME;
            while let Ok(Some((resource, event))) = tokio::time::timeout_at(deadline, events.next()).await {
                apply(&mut objects, &resource, event);
            }
            report(self.judge(&objects));
        }
    }

    fn judge(&self, objects: &Objects) -> Vec<Unit> {
        let head = self.head.borrow().clone();
        let follows = self.follows.clone();
        let follows = move |object: &Value| follows(object);
        let expected = Expected { commit: &head, follows: &follows };
        evaluate(objects.values(), Some(&expected))
    }

    fn events(&self) -> impl Stream<Item = (ApiResource, Event<DynamicObject>)> + Unpin + use<> {
        let client = self.client.clone();
        let streams = resources().into_iter().map(move |resource| {
            let api: Api<DynamicObject> = Api::all_with(client.clone(), &resource);
            let kind = resource.clone();
            // An interrupted watch starts again by itself; its errors are no news for a person.
            watcher(api, watcher::Config::default())
                .default_backoff()
                .map_ok(move |event| (kind.clone(), event))
                .filter_map(|event| async { event.ok() })
                .boxed()
        });
        stream::select_all(streams)
    }
}

/// The kinds whose controllers run in this process.
fn resources() -> Vec<ApiResource> {
    vec![
        ApiResource::erase::<flux_api::GitRepository>(&()),
        ApiResource::erase::<flux_api::HelmChart>(&()),
        ApiResource::erase::<flux_api::HelmRelease>(&()),
        ApiResource::erase::<flux_api::Kustomization>(&()),
    ]
}

fn apply(objects: &mut Objects, resource: &ApiResource, event: Event<DynamicObject>) {
    match event {
        Event::Init => objects.retain(|(kind, _, _), _| *kind != resource.kind),
        Event::InitApply(object) | Event::Apply(object) => put(objects, resource, object),
        Event::Delete(object) => {
            let meta = object.meta();
            let key = (resource.kind.clone(), meta.namespace.clone(), meta.name.clone());
            objects.remove(&(key.0, key.1.unwrap_or_default(), key.2.unwrap_or_default()));
        }
        Event::InitDone => {}
    }
}

/// Keeps what the units are judged by; inventories and managed fields would cost memory for nothing.
fn put(objects: &mut Objects, resource: &ApiResource, mut object: DynamicObject) {
    object.metadata.managed_fields = None;
    let key = (
        resource.kind.clone(),
        object.metadata.namespace.clone().unwrap_or_default(),
        object.metadata.name.clone().unwrap_or_default(),
    );
    let Ok(mut value) = serde_json::to_value(object) else { return };
    value["kind"] = resource.kind.clone().into();
    if let Some(status) = value.get_mut("status").and_then(Value::as_object_mut) {
        status.remove("inventory");
        status.remove("history");
    }
    objects.insert(key, value);
}

/// How long a confirmation may take before the units count as not settled after all.
pub const CONFIRM: Duration = Duration::from_secs(5);
