//! Writers and watchers, who write down what they did and saw.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anyhow::{Result, ensure};
use serde_json::{Value, json};

use super::client::{Api, Connection};
use super::history::{Event, Kind, Outcome, Place, Watch, Write};

const SPACE: &str = "load";
const GROUP: &str = "campaign.example.com";
/// The resources written: a built-in kind, a custom one, and the one that leader election writes.
pub const RESOURCES: [&str; 3] = ["configmaps", "widgets", "leases"];

fn collection(resource: &str) -> String {
    let group = match resource {
        "configmaps" => "/api/v1".to_owned(),
        "widgets" => format!("/apis/{GROUP}/v1"),
        _ => "/apis/coordination.k8s.io/v1".to_owned(),
    };
    format!("{group}/namespaces/{SPACE}/{resource}")
}

fn object(resource: &str, name: &str, payload: u64) -> Value {
    let meta = json!({"name": name, "namespace": SPACE});
    match resource {
        "configmaps" => json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta,
            "data": {"payload": payload.to_string(), "filler": "x".repeat(200 + (payload % 700) as usize)}}),
        "widgets" => {
            json!({"apiVersion": format!("{GROUP}/v1"), "kind": "Widget", "metadata": meta, "spec": {"payload": payload}})
        }
        _ => json!({"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": meta,
            "spec": {"holderIdentity": payload.to_string()}}),
    }
}

/// The payload that an object carries.
fn payload_of(resource: &str, object: &Value) -> u64 {
    let found = match resource {
        "configmaps" => &object["data"]["payload"],
        "widgets" => &object["spec"]["payload"],
        _ => &object["spec"]["holderIdentity"],
    };
    found.as_u64().or_else(|| found.as_str()?.parse().ok()).unwrap_or(0)
}

fn revision_of(object: &Value) -> u64 {
    object["metadata"]["resourceVersion"].as_str().and_then(|text| text.parse().ok()).unwrap_or(0)
}

fn is_ours(name: &str) -> bool {
    name.starts_with('w')
}

/// Creates the namespace and the custom kind.
pub async fn prepare(api: &Api) -> Result<()> {
    let mut connection = api.connect().await?;
    let space = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": SPACE}});
    let (code, answer) = connection.json("POST", "/api/v1/namespaces", Some(&space)).await?;
    ensure!(matches!(code, 201 | 409), "namespace: {answer}");
    let schema = json!({"type": "object", "properties": {"spec": {"type": "object", "properties": {"payload": {"type": "integer"}}}}});
    let definition = json!({
        "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
        "metadata": {"name": format!("widgets.{GROUP}")},
        "spec": {
            "group": GROUP, "scope": "Namespaced",
            "names": {"plural": "widgets", "singular": "widget", "kind": "Widget", "listKind": "WidgetList"},
            "versions": [{"name": "v1", "served": true, "storage": true, "schema": {"openAPIV3Schema": schema}}],
        },
    });
    let path = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
    let (code, answer) = connection.json("POST", path, Some(&definition)).await?;
    ensure!(matches!(code, 201 | 409), "definition: {answer}");
    Ok(())
}

/// The present objects and the revision of the lists.
pub async fn state(api: &Api) -> Result<(BTreeMap<Place, (u64, u64)>, u64)> {
    let mut connection = api.connect().await?;
    let (mut out, mut newest) = (BTreeMap::new(), 0);
    for resource in RESOURCES {
        let (list, revision) = list(&mut connection, resource).await?;
        newest = newest.max(revision);
        out.extend(list.into_iter().map(|(key, at)| ((resource, key), at)));
    }
    Ok((out, newest))
}

async fn list(connection: &mut Connection, resource: &'static str) -> Result<(BTreeMap<String, (u64, u64)>, u64)> {
    let (code, answer) = connection.json("GET", &collection(resource), None).await?;
    ensure!(code == 200, "list of {resource}: {answer}");
    let items = answer["items"].as_array().into_iter().flatten();
    let named = items.filter_map(|item| {
        let name = item["metadata"]["name"].as_str().filter(|name| is_ours(name))?;
        Some((name.to_owned(), (revision_of(item), payload_of(resource, item))))
    });
    Ok((named.collect(), revision_of(&answer)))
}

/// Numbers that are written once each.
pub type Payloads = Arc<AtomicU64>;

/// A small generator, so that a run can be told by its seed.
#[derive(Clone)]
pub struct Dice(pub u64);

impl Dice {
    pub fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % sides.max(1)
    }
}

/// Writes until the server is gone: nine updates in ten, else a creation or a removal.
pub async fn write(api: Api, client: u64, seed: u64, payloads: Payloads, held: BTreeMap<String, u64>) -> Vec<Write> {
    let resource = RESOURCES[client as usize % RESOURCES.len()];
    let mut writer = Writer { resource, client, dice: Dice(seed), payloads, held, writes: Vec::new() };
    if let Ok(mut connection) = api.connect().await {
        while writer.step(&mut connection).await {}
    }
    writer.writes
}

struct Writer {
    resource: &'static str,
    client: u64,
    dice: Dice,
    payloads: Payloads,
    /// Objects of this writer and their versions.
    held: BTreeMap<String, u64>,
    writes: Vec<Write>,
}

impl Writer {
    /// Does one thing; false once the server does not answer.
    async fn step(&mut self, connection: &mut Connection) -> bool {
        let roll = self.dice.roll(100);
        let picked = self.held.keys().nth(self.dice.roll(self.held.len() as u64) as usize).cloned();
        match picked {
            Some(name) if roll < 90 => self.update(connection, name, roll % 2 == 0).await,
            Some(name) if roll < 95 => self.remove(connection, name).await,
            _ => self.create(connection).await,
        }
    }

    fn note(&mut self, name: &str, payload: Option<u64>, outcome: Outcome) -> bool {
        let place = (self.resource, name.to_owned());
        self.writes.push(Write { place, payload, outcome });
        outcome != Outcome::Unknown
    }

    async fn create(&mut self, connection: &mut Connection) -> bool {
        let payload = self.payloads.fetch_add(1, Ordering::SeqCst);
        let name = format!("w{}-{payload}", self.client);
        let body = object(self.resource, &name, payload);
        let answer = connection.json("POST", &collection(self.resource), Some(&body)).await;
        self.settle(&name, payload, answer)
    }

    async fn update(&mut self, connection: &mut Connection, name: String, patch: bool) -> bool {
        let payload = self.payloads.fetch_add(1, Ordering::SeqCst);
        let path = format!("{}/{name}", collection(self.resource));
        let mut body = object(self.resource, &name, payload);
        let answer = if patch {
            match connection.call("PATCH", &path, "application/merge-patch+json", body.to_string()).await {
                Ok((code, bytes)) => Ok((code, serde_json::from_slice(&bytes).unwrap_or(Value::Null))),
                Err(error) => Err(error),
            }
        } else {
            body["metadata"]["resourceVersion"] = self.held[&name].to_string().into();
            connection.json("PUT", &path, Some(&body)).await
        };
        self.settle(&name, payload, answer)
    }

    fn settle(&mut self, name: &str, payload: u64, answer: Result<(u16, Value)>) -> bool {
        match answer {
            Ok((200 | 201, object)) => {
                self.held.insert(name.to_owned(), revision_of(&object));
                self.note(name, Some(payload), Outcome::Done(Some(revision_of(&object))))
            }
            // A storage that refused says so with 500; whether it kept the write is told by what is read later.
            Ok((500.., _)) => self.note(name, Some(payload), Outcome::Refused),
            Ok(_) => self.note(name, Some(payload), Outcome::Refused),
            Err(_) => self.note(name, Some(payload), Outcome::Unknown),
        }
    }

    async fn remove(&mut self, connection: &mut Connection, name: String) -> bool {
        let path = format!("{}/{name}", collection(self.resource));
        match connection.json("DELETE", &path, None).await {
            Ok((200, _)) => {
                self.held.remove(&name);
                self.note(&name, None, Outcome::Done(None))
            }
            Ok(_) => self.note(&name, None, Outcome::Refused),
            Err(_) => self.note(&name, None, Outcome::Unknown),
        }
    }
}

/// Lists, waits a little, watches from the list's revision until the server is gone.
pub async fn watch(api: Api, resource: &'static str, pause: Duration) -> Option<Watch> {
    let mut connection = api.connect().await.ok()?;
    let (state, from) = list(&mut connection, resource).await.ok()?;
    tokio::time::sleep(pause).await;
    let path =
        format!("{}?watch=1&resourceVersion={from}&allowWatchBookmarks=true&timeoutSeconds=600", collection(resource));
    let mut stream = connection.watch(&path).await.ok()?;
    let mut events = Vec::new();
    while let Some(event) = stream.next().await {
        let kind = match event["type"].as_str() {
            Some("ADDED") => Kind::Added,
            Some("MODIFIED") => Kind::Modified,
            Some("DELETED") => Kind::Deleted,
            Some("BOOKMARK") => Kind::Bookmark,
            _ => break,
        };
        let object = &event["object"];
        let key = object["metadata"]["name"].as_str().unwrap_or("").to_owned();
        if kind == Kind::Bookmark || is_ours(&key) {
            events.push(Event { kind, key, revision: revision_of(object), payload: payload_of(resource, object) });
        }
    }
    Some(Watch { resource, from, state, events })
}
