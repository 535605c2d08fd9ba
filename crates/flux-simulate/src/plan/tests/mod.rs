//! The rules against a small API server made of maps, on a clock that jumps from alarm to alarm.

mod others;
mod scheduling;
mod stages;
mod walks;
mod workloads;

use super::{Context, Part, Plan, Progress, Write, plan};
use crate::kinds::Kind;
use crate::world::{Key, Object, World};
use crate::{Config, Delays, NodeSpec};
use jiff::Timestamp;
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::Duration;

/// One control plane with its simulation.
struct Cluster {
    world: World,
    config: Config,
    stored: BTreeMap<Key, Value>,
    dirty: BTreeSet<Key>,
    alarms: BTreeMap<Key, Timestamp>,
    progress: HashMap<String, Progress>,
    custom: Vec<(String, String)>,
    now: Timestamp,
    start: Timestamp,
    version: u64,
    writes: usize,
    /// Looked at after every write.
    invariant: Option<fn(&Cluster)>,
    /// What the server says to new Pods.
    refusal: Option<&'static str>,
}

impl Cluster {
    fn new(nodes: Vec<NodeSpec>) -> Cluster {
        let start: Timestamp = "2026-01-01T00:00:00Z".parse().expect("a time");
        let delays = Delays { min: Duration::from_millis(10), max: Duration::from_millis(200) };
        let mut cluster = Cluster {
            world: World::default(),
            config: Config { nodes, delays, ..Config::for_cluster("other") },
            stored: BTreeMap::new(),
            dirty: BTreeSet::new(),
            alarms: BTreeMap::new(),
            progress: HashMap::new(),
            custom: Vec::new(),
            now: start,
            start,
            version: 0,
            writes: 0,
            invariant: None,
            refusal: None,
        };
        for (name, mut node, status) in super::nodes(&cluster.config, "2026-01-01T00:00:00Z") {
            node["status"] = status;
            cluster.store(Key::new(Kind::Node, "", &name), node);
        }
        cluster
    }

    fn gpus(count: u32, gpus: u32) -> Cluster {
        Cluster::new(vec![NodeSpec::with_gpus(count, gpus)])
    }

    /// Creates or replaces an object of a user; the status stays.
    fn apply(&mut self, kind: Kind, name: &str, spec: Value) {
        self.apply_with(kind, name, spec, json!({}));
    }

    fn apply_with(&mut self, kind: Kind, name: &str, spec: Value, labels: Value) {
        let namespace = if matches!(kind, Kind::Node | Kind::PersistentVolume) { "" } else { "default" };
        let key = Key::new(kind, namespace, name);
        let mut object = self.stored.get(&key).cloned().unwrap_or_else(|| json!({"metadata": {"name": name}}));
        object["metadata"]["namespace"] = namespace.into();
        object["metadata"]["labels"] = labels;
        object["spec"] = spec;
        self.store(key, object);
    }

    fn store(&mut self, key: Key, mut object: Value) {
        self.version += 1;
        let before = self.stored.get(&key);
        let generation = before.map_or(0, |held| held["metadata"]["generation"].as_i64().unwrap_or_default());
        let changed = before.is_none_or(|held| held["spec"] != object["spec"]);
        let metadata = &mut object["metadata"];
        metadata["generation"] = (generation + i64::from(changed)).into();
        metadata["resourceVersion"] = self.version.to_string().into();
        if metadata["uid"].is_null() {
            metadata["uid"] = format!("uid-{}", self.version).into();
            metadata["creationTimestamp"] = crate::world::rfc3339(self.now).into();
        }
        self.stored.insert(key.clone(), object.clone());
        let object = Object::read(key.kind, object, self.now).expect("an object with metadata");
        self.world.apply(object, self.now, &mut self.dirty);
    }

    fn delete(&mut self, kind: Kind, name: &str) {
        let namespace = if matches!(kind, Kind::Node | Kind::PersistentVolume) { "" } else { "default" };
        self.erase(&Key::new(kind, namespace, name));
    }

    /// Removes an object and, as the garbage collector, everything it owns.
    fn erase(&mut self, key: &Key) {
        let Some(object) = self.stored.remove(key) else { return };
        let uid = object["metadata"]["uid"].as_str().expect("a uid").to_owned();
        self.world.remove(key, &uid, &mut self.dirty);
        let owned = |held: &Value| held["metadata"]["ownerReferences"][0]["uid"] == uid.as_str();
        let children: Vec<Key> =
            self.stored.iter().filter(|(_, held)| owned(held)).map(|(key, _)| key.clone()).collect();
        children.iter().for_each(|child| self.erase(child));
    }

    fn send(&mut self, write: Write) {
        self.writes += 1;
        match write {
            Write::Create { kind, owner, body, .. } => {
                let text = |field: &str| body["metadata"][field].as_str().unwrap_or_default();
                let key = Key::new(kind, text("namespace"), text("name"));
                if let Some(refusal) = self.refusal.filter(|_| kind == Kind::Pod) {
                    self.world.set_refusal(&owner, Some(refusal.into()));
                    return;
                }
                self.world.count_child(&owner);
                self.world.set_refusal(&owner, None);
                assert!(!self.stored.contains_key(&key), "{key:?} exists");
                self.store(key, body);
            }
            Write::Patch { key, part, body, .. } => {
                let mut object = self.stored[&key].clone();
                match part {
                    // Annotations may come with a status: they then count no generation.
                    Part::Status => {
                        assert!(body.get("spec").is_none(), "a status write with a spec: {key:?} {body}");
                        merge(&mut object, &body);
                    }
                    Part::Main | Part::Scale => merge(&mut object, &body),
                }
                assert_ne!(object, self.stored[&key], "a write that changes nothing: {key:?} {body}");
                self.store(key, object);
            }
            Write::Bind { key, node, .. } => {
                let mut object = self.stored[&key].clone();
                object["spec"]["nodeName"] = node.into();
                self.store(key, object);
            }
            Write::Delete { key, .. } => self.erase(&key),
        }
        if let Some(invariant) = self.invariant {
            invariant(self);
        }
    }

    fn plan(&self, key: &Key) -> Plan {
        let ctx = Context {
            world: &self.world,
            config: &self.config,
            progress: &self.progress,
            custom: &self.custom,
            now: self.now,
        };
        plan(&ctx, key)
    }

    /// Runs until nothing is to be done before `span` has passed.
    fn run_for(&mut self, span: Duration) {
        let end = super::after(self.now, span);
        for _ in 0..100_000 {
            if let Some(key) = self.dirty.pop_first() {
                let plan = self.plan(&key);
                match plan.wake {
                    Some(time) => _ = self.alarms.insert(key.clone(), time),
                    None => _ = self.alarms.remove(&key),
                }
                if let Some(progress) = plan.progress {
                    let uid = self.stored[&key]["metadata"]["uid"].as_str().expect("a uid").to_owned();
                    self.progress.insert(uid, progress);
                }
                let refused = self.refusal.is_some();
                plan.writes.into_iter().for_each(|write| self.send(write));
                if refused {
                    // Once more for the status, and no further.
                    for write in self.plan(&key).writes {
                        if !matches!(write, Write::Create { .. }) {
                            self.send(write);
                        }
                    }
                }
                continue;
            }
            match self.alarms.values().min().copied().filter(|time| *time <= end) {
                Some(time) => {
                    self.now = self.now.max(time);
                    let due = self.alarms.iter().filter(|(_, at)| **at <= time).map(|(key, _)| key.clone());
                    self.dirty.extend(due.collect::<Vec<_>>());
                    self.dirty.iter().for_each(|key| _ = self.alarms.remove(key));
                }
                None => {
                    self.now = end;
                    return;
                }
            }
        }
        panic!("the simulation does not come to rest");
    }

    fn settle(&mut self) {
        self.run_for(Duration::from_secs(5));
    }

    fn get(&self, kind: Kind, name: &str) -> &Value {
        let namespace = if matches!(kind, Kind::Node | Kind::PersistentVolume) { "" } else { "default" };
        self.stored.get(&Key::new(kind, namespace, name)).unwrap_or_else(|| panic!("no {kind:?} {name}"))
    }

    fn all(&self, kind: Kind) -> Vec<&Value> {
        self.stored.iter().filter(|(key, _)| key.kind == kind).map(|(_, object)| object).collect()
    }

    fn names(&self, kind: Kind) -> Vec<String> {
        self.all(kind).iter().map(|object| object["metadata"]["name"].as_str().unwrap_or_default().to_owned()).collect()
    }

    fn status(&self, kind: Kind, name: &str) -> &Value {
        &self.get(kind, name)["status"]
    }

    /// `TYPE=STATUS REASON: MESSAGE`
    fn condition(&self, kind: Kind, name: &str, condition: &str) -> String {
        condition_of(self.get(kind, name), condition)
    }

    fn pods(&self) -> Vec<&Value> {
        self.all(Kind::Pod)
    }
}

fn condition_of(object: &Value, kind: &str) -> String {
    let list = object["status"]["conditions"].as_array().cloned().unwrap_or_default();
    let Some(held) = list.iter().find(|held| held["type"] == kind) else { return "none".into() };
    let text = |field: &str| held[field].as_str().unwrap_or_default().to_owned();
    format!("{} {}: {}", text("status"), text("reason"), text("message"))
}

/// RFC 7396.
fn merge(target: &mut Value, patch: &Value) {
    let Value::Object(fields) = patch else {
        *target = patch.clone();
        return;
    };
    if !target.is_object() {
        *target = Value::Object(Map::new());
    }
    for (name, value) in fields {
        if value.is_null() {
            target.as_object_mut().expect("a mapping").remove(name);
        } else {
            merge(&mut target[name], value);
        }
    }
}

/// A Pod template with one container.
fn template(image: &str, resources: Value) -> Value {
    json!({
        "metadata": {"labels": {"app": "web"}},
        "spec": {"restartPolicy": "Always", "containers": [{
            "name": "web", "image": image, "resources": resources, "ports": [{"name": "http", "containerPort": 8080}],
        }]},
    })
}

fn selector() -> Value {
    json!({"matchLabels": {"app": "web"}})
}

fn gpus(count: i64) -> Value {
    json!({"limits": {"nvidia.com/gpu": count}, "requests": {"nvidia.com/gpu": count}})
}
