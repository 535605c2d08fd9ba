//! Follows the objects of the watched kinds.

use crate::kinds::{Kind, Resource};
use crate::world::{Key, Object};
use futures::{StreamExt, pin_mut};
use jiff::Timestamp;
use kube::api::{Api, ApiResource, DynamicObject};
use kube::runtime::WatchStreamExt;
use kube::runtime::watcher::{self, Event};
use serde_json::Value;
use std::collections::HashSet;
use tokio::sync::mpsc::Sender;

/// What a watch tells the engine.
#[derive(Debug)]
pub(super) enum News {
    Changed(Box<Object>),
    Deleted {
        key: Key,
        uid: String,
    },
    /// A list is complete: what is not in it does not exist.
    Listed {
        kind: Kind,
        uids: HashSet<String>,
    },
    /// A kind that stages are for is there, at this address.
    Defined(Resource),
    /// A kind that stages are for is gone.
    Undefined {
        group: String,
        kind: String,
    },
}

fn api(client: kube::Client, resource: &Resource) -> Api<DynamicObject> {
    let resource = ApiResource {
        group: resource.group.clone(),
        version: resource.version.clone(),
        api_version: resource.api_version(),
        kind: resource.kind.clone(),
        plural: resource.plural.clone(),
    };
    Api::all_with(client, &resource)
}

/// Reports every object of a kind until the receiver is gone. Broken watches start again with growing pauses.
pub(super) async fn follow(client: kube::Client, kind: Kind, resource: Resource, news: Sender<News>) {
    let stream = watcher::watcher(api(client, &resource), watcher::Config::default()).default_backoff();
    pin_mut!(stream);
    let mut listed = HashSet::new();
    while let Some(event) = stream.next().await {
        let report = match event {
            Ok(Event::Init) => {
                listed.clear();
                continue;
            }
            Ok(Event::InitApply(object)) => {
                listed.extend(object.metadata.uid.clone());
                read(kind, object).map(|object| News::Changed(Box::new(object)))
            }
            Ok(Event::InitDone) => Some(News::Listed { kind, uids: std::mem::take(&mut listed) }),
            Ok(Event::Apply(object)) => read(kind, object).map(|object| News::Changed(Box::new(object))),
            Ok(Event::Delete(object)) => {
                let key = Key {
                    kind,
                    namespace: object.metadata.namespace.unwrap_or_default(),
                    name: object.metadata.name.unwrap_or_default(),
                };
                Some(News::Deleted { key, uid: object.metadata.uid.unwrap_or_default() })
            }
            Err(error) => {
                tracing::warn!(kind = resource.kind, %error, "watch of the simulation was interrupted, trying again");
                None
            }
        };
        if let Some(report) = report
            && news.send(report).await.is_err()
        {
            return;
        }
    }
}

fn read(kind: Kind, mut object: DynamicObject) -> Option<Object> {
    object.metadata.managed_fields = None;
    let mut value = object.data;
    value["metadata"] = serde_json::to_value(object.metadata).ok()?;
    Object::read(kind, value, Timestamp::now())
}

/// Reports where the kinds of stages are served, as their definitions come and go.
pub(super) async fn definitions(client: kube::Client, wanted: HashSet<(String, String)>, news: Sender<News>) {
    let crds = Resource {
        group: "apiextensions.k8s.io".into(),
        version: "v1".into(),
        kind: "CustomResourceDefinition".into(),
        plural: "customresourcedefinitions".into(),
        namespaced: false,
    };
    let stream = watcher::watcher(api(client, &crds), watcher::Config::default()).default_backoff();
    pin_mut!(stream);
    while let Some(event) = stream.next().await {
        let report = match event {
            Ok(Event::InitApply(object) | Event::Apply(object)) => defined(&object.data).map(News::Defined),
            Ok(Event::Delete(object)) => {
                defined(&object.data).map(|resource| News::Undefined { group: resource.group, kind: resource.kind })
            }
            _ => None,
        };
        let concerned = match &report {
            Some(News::Defined(resource)) => wanted.contains(&(resource.group.clone(), resource.kind.clone())),
            Some(News::Undefined { group, kind }) => wanted.contains(&(group.clone(), kind.clone())),
            _ => false,
        };
        if let Some(report) = report.filter(|_| concerned)
            && news.send(report).await.is_err()
        {
            return;
        }
    }
}

/// The address that an established definition serves, in its storage version.
fn defined(definition: &Value) -> Option<Resource> {
    let conditions = definition["status"]["conditions"].as_array()?;
    conditions.iter().find(|condition| condition["type"] == "Established" && condition["status"] == "True")?;
    let spec = &definition["spec"];
    let versions = spec["versions"].as_array()?;
    let version = versions.iter().find(|version| version["storage"] == true && version["served"] == true);
    let version = version.or_else(|| versions.iter().find(|version| version["served"] == true))?;
    let text = |value: &Value| value.as_str().map(str::to_owned);
    Some(Resource {
        group: text(&spec["group"])?,
        version: text(&version["name"])?,
        kind: text(&spec["names"]["kind"])?,
        plural: text(&spec["names"]["plural"])?,
        namespaced: spec["scope"] == "Namespaced",
    })
}
