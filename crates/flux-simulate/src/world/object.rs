//! One object, trimmed to what the rules read.

use super::Resources;
use crate::kinds::Kind;
use crate::quantity;
use jiff::Timestamp;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// Name of an object in the world. Ordered, so that work is done in a stable order.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Key {
    pub(crate) kind: Kind,
    pub(crate) namespace: String,
    pub(crate) name: String,
}

impl Key {
    pub(crate) fn new(kind: Kind, namespace: &str, name: &str) -> Key {
        Key { kind, namespace: namespace.into(), name: name.into() }
    }
}

/// The owner that manages an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Owner {
    pub(crate) uid: String,
    /// `None` for owners whose kind has no rules here.
    pub(crate) kind: Option<Kind>,
    pub(crate) name: String,
}

/// A Pod template kept as text: thousands of parsed ones would be most of the memory of this crate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Template {
    pub(crate) json: Box<str>,
    /// Of the content, without labels that controllers add.
    pub(crate) hash: String,
}

impl Template {
    fn new(value: &Value) -> Template {
        let json = value.to_string();
        let mut bare = value.clone();
        if let Some(labels) = bare.pointer_mut("/metadata/labels").and_then(Value::as_object_mut) {
            labels.remove("pod-template-hash");
        }
        Template { hash: short_hash(bare.to_string().as_bytes()), json: json.into() }
    }

    pub(crate) fn value(&self) -> Value {
        serde_json::from_str(&self.json).unwrap_or_default()
    }
}

#[derive(Debug, Clone)]
pub(crate) struct Object {
    pub(crate) key: Key,
    pub(crate) uid: String,
    /// `metadata.resourceVersion` as a number; one that is none counts as the oldest.
    pub(crate) version: u64,
    pub(crate) generation: i64,
    pub(crate) created: String,
    pub(crate) deleting: bool,
    pub(crate) finalizers: bool,
    pub(crate) labels: BTreeMap<String, String>,
    pub(crate) annotations: BTreeMap<String, String>,
    pub(crate) owner: Option<Owner>,
    /// Without the Pod template, and for Pods without what only a kubelet reads.
    pub(crate) spec: Value,
    pub(crate) status: Value,
    pub(crate) template: Option<Template>,
    /// What a Pod asks for, or a node has.
    pub(crate) resources: Resources,
    /// When this generation was first seen here.
    pub(crate) changed: Timestamp,
    /// When a Pod was first seen with a node.
    pub(crate) placed: Option<Timestamp>,
    /// The node of a Pod is booked here, but the API server has not confirmed it yet.
    pub(crate) assumed: bool,
}

impl Object {
    /// Takes an object as the API server sends it. `None` without the metadata every stored object has.
    pub(crate) fn read(kind: Kind, mut value: Value, now: Timestamp) -> Option<Object> {
        let mut metadata = value.get_mut("metadata").map(Value::take)?;
        let text = |field: &str| metadata.get(field).and_then(Value::as_str).unwrap_or_default().to_owned();
        let key = Key { kind, namespace: text("namespace"), name: text("name") };
        let mut annotations = strings(&metadata["annotations"]);
        annotations.remove("kubectl.kubernetes.io/last-applied-configuration");
        let mut object = Object {
            uid: text("uid"),
            version: text("resourceVersion").parse().unwrap_or_default(),
            generation: metadata["generation"].as_i64().unwrap_or_default(),
            created: text("creationTimestamp"),
            deleting: metadata.get("deletionTimestamp").is_some_and(|time| !time.is_null()),
            finalizers: metadata["finalizers"].as_array().is_some_and(|list| !list.is_empty()),
            labels: strings(&metadata["labels"]),
            owner: owner(&metadata["ownerReferences"]),
            annotations,
            spec: value.get_mut("spec").map(Value::take).unwrap_or_default(),
            status: value.get_mut("status").map(Value::take).unwrap_or_default(),
            template: None,
            resources: Resources::default(),
            changed: now,
            placed: None,
            assumed: false,
            key,
        };
        metadata.take();
        if object.key.name.is_empty() || object.uid.is_empty() {
            return None;
        }
        object.trim(&mut value);
        if kind == Kind::Pod && !object.node().is_empty() {
            object.placed = Some(now);
        }
        Some(object)
    }

    /// Drops what no rule reads, and moves what lies outside of spec and status.
    fn trim(&mut self, value: &mut Value) {
        match self.key.kind {
            Kind::Deployment | Kind::ReplicaSet | Kind::StatefulSet | Kind::DaemonSet | Kind::Job => {
                let template = self.spec.get_mut("template").map(Value::take).unwrap_or_default();
                self.template = Some(Template::new(&template));
                if let Some(spec) = self.spec.as_object_mut() {
                    spec.remove("template");
                }
            }
            Kind::Pod => {
                self.resources = Resources::requested(&self.spec);
                trim_pod(&mut self.spec);
            }
            Kind::Node => self.resources = Resources::of(&self.status["allocatable"]),
            Kind::Endpoints => self.spec = json!({"subsets": value["subsets"].take()}),
            Kind::EndpointSlice => {
                let (endpoints, ports) = (value["endpoints"].take(), value["ports"].take());
                self.spec = json!({"endpoints": endpoints, "ports": ports, "addressType": value["addressType"].take()});
            }
            _ => {}
        }
    }

    /// The node of a Pod; empty when it has none.
    pub(crate) fn node(&self) -> &str {
        self.spec["nodeName"].as_str().unwrap_or_default()
    }

    /// Whether a Pod has ended by itself.
    pub(crate) fn finished(&self) -> bool {
        matches!(self.status["phase"].as_str(), Some("Succeeded" | "Failed"))
    }

    /// Whether a Pod counts for its owner.
    pub(crate) fn active(&self) -> bool {
        !self.deleting && !self.finished()
    }

    pub(crate) fn condition(&self, kind: &str) -> Option<&Value> {
        self.status["conditions"].as_array()?.iter().find(|condition| condition["type"] == kind)
    }

    /// The Ready condition of a Pod.
    pub(crate) fn ready(&self) -> bool {
        self.condition("Ready").is_some_and(|condition| condition["status"] == "True")
    }

    pub(crate) fn replicas(&self) -> i64 {
        self.spec["replicas"].as_i64().unwrap_or(1).max(0)
    }

    /// The owner reference that makes a new object a child of this one.
    pub(crate) fn reference(&self) -> Value {
        json!([{
            "apiVersion": self.key.kind.api_version(),
            "kind": self.key.kind.name(),
            "name": self.key.name,
            "uid": self.uid,
            "controller": true,
            "blockOwnerDeletion": true,
        }])
    }

    /// A field by path (`metadata.generation`, `spec.replicas`), as far as it is kept.
    pub(crate) fn field(&self, path: &[&str]) -> Value {
        let (root, rest) = match path {
            ["spec", rest @ ..] => (self.spec.clone(), rest),
            ["status", rest @ ..] => (self.status.clone(), rest),
            ["metadata", rest @ ..] => (self.metadata(), rest),
            _ => return Value::Null,
        };
        rest.iter().fold(root, |mut value, part| value.get_mut(*part).map(Value::take).unwrap_or_default())
    }

    fn metadata(&self) -> Value {
        json!({
            "name": self.key.name, "namespace": self.key.namespace, "uid": self.uid, "generation": self.generation,
            "labels": self.labels, "annotations": self.annotations, "creationTimestamp": self.created,
        })
    }
}

fn owner(references: &Value) -> Option<Owner> {
    let reference = references.as_array()?.iter().find(|reference| reference["controller"] == true)?;
    let group = reference["apiVersion"].as_str()?.split_once('/').map_or("", |(group, _)| group);
    Some(Owner {
        uid: reference["uid"].as_str()?.into(),
        kind: Kind::find(group, reference["kind"].as_str()?),
        name: reference["name"].as_str()?.into(),
    })
}

pub(crate) fn strings(value: &Value) -> BTreeMap<String, String> {
    let entries = value.as_object().into_iter().flatten();
    entries.filter_map(|(key, value)| Some((key.clone(), value.as_str()?.to_owned()))).collect()
}

/// Of a container only name, image, named ports and restart policy are read again.
fn trim_pod(spec: &mut Value) {
    let Some(fields) = spec.as_object_mut() else { return };
    fields.retain(|name, _| {
        [
            "nodeName",
            "nodeSelector",
            "affinity",
            "tolerations",
            "topologySpreadConstraints",
            "containers",
            "initContainers",
            "restartPolicy",
            "schedulerName",
            "schedulingGates",
            "readinessGates",
            "priority",
            "hostname",
            "subdomain",
        ]
        .contains(&name.as_str())
    });
    for list in ["containers", "initContainers"] {
        for container in fields.get_mut(list).and_then(Value::as_array_mut).into_iter().flatten() {
            if let Some(container) = container.as_object_mut() {
                container.retain(|name, _| ["name", "image", "ports", "restartPolicy"].contains(&name.as_str()));
            }
        }
    }
}

/// Eight to ten letters and digits that are safe in names, of any bytes.
pub(crate) fn short_hash(bytes: &[u8]) -> String {
    safe(&(fnv1a(bytes) as u32).to_string())
}

/// The 64-bit FNV-1a sum.
pub(crate) fn fnv1a(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |sum, byte| (sum ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3))
}

/// Letters and digits without vowels and look-alikes, so that no word appears, as Kubernetes chooses them.
const ALPHABET: &[u8; 27] = b"bcdfghjklmnpqrstvwxz2456789";

fn safe(text: &str) -> String {
    text.bytes().map(|byte| char::from(ALPHABET[usize::from(byte) % ALPHABET.len()])).collect()
}

/// Five letters and digits, as `generateName` appends them, but chosen by what they are for.
pub(crate) fn suffix(seed: u64, parts: &[&str], serial: u64) -> String {
    let mut number = mix(seed, parts, serial);
    let mut text = String::new();
    for _ in 0..5 {
        text.push(char::from(ALPHABET[(number % ALPHABET.len() as u64) as usize]));
        number /= ALPHABET.len() as u64;
    }
    text
}

/// A number that depends on everything given and on nothing else.
pub(crate) fn mix(seed: u64, parts: &[&str], serial: u64) -> u64 {
    let mut number = fnv1a(format!("{seed}/{}/{serial}", parts.join("/")).as_bytes());
    // FNV leaves the high bits of short inputs alike.
    number ^= number >> 33;
    number = number.wrapping_mul(0xff51_afd7_ed55_8ccd);
    number ^ (number >> 33)
}

/// `TIME` as Kubernetes writes it: seconds, UTC.
pub(crate) fn rfc3339(time: Timestamp) -> String {
    time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// A map of what a quantity list holds, for adding up.
pub(crate) fn quantities(value: &Value) -> impl Iterator<Item = (&str, quantity::Milli)> {
    value.as_object().into_iter().flat_map(Map::iter).filter_map(|(name, value)| {
        let parsed = match value {
            Value::String(text) => quantity::parse(text),
            Value::Number(number) => quantity::parse(&number.to_string()),
            _ => None,
        };
        Some((name.as_str(), parsed?))
    })
}
