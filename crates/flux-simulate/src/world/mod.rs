//! What the API server told us, trimmed and indexed so that no rule has to search.

mod affected;
mod object;
mod resources;
mod selector;

pub(crate) use object::{Key, Object, Owner, Template, fnv1a, mix, rfc3339, strings, suffix};
pub(crate) use resources::Resources;
pub(crate) use selector::Selector;

use crate::kinds::Kind;
use jiff::Timestamp;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::net::Ipv4Addr;
use std::sync::Arc;

/// namespace, label, value
type Pair = (String, String, String);

/// All objects of the watched kinds.
#[derive(Debug, Default)]
pub(crate) struct World {
    objects: HashMap<Key, Arc<Object>>,
    nodes: BTreeMap<String, Usage>,
    owned: HashMap<String, BTreeSet<Key>>,
    /// Pods by label, to find those of a selector.
    labelled: HashMap<Pair, BTreeSet<Key>>,
    /// Services and disruption budgets by one pair of their selector, to find those of a Pod.
    selecting: HashMap<Pair, BTreeSet<Key>>,
    /// Disruption budgets whose selector has no pair, by namespace.
    selecting_all: HashMap<String, BTreeSet<Key>>,
    /// Autoscalers by what they scale.
    scaling: HashMap<Key, BTreeSet<Key>>,
    unplaced: BTreeSet<Key>,
    addresses: HashMap<Ipv4Addr, Key>,
    /// Deleted by us; late news about them is ignored.
    gone: HashMap<String, Kind>,
    /// Why children of an owner could not be created.
    refusals: HashMap<String, String>,
    /// How many children of an owner were ever asked for here.
    serials: HashMap<String, u64>,
}

/// A node with what is placed on it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Usage {
    /// `None` when Pods name a node that does not exist.
    pub(crate) node: Option<Arc<Object>>,
    pub(crate) requested: Resources,
    pub(crate) pods: BTreeSet<Key>,
}

impl World {
    pub(crate) fn get(&self, key: &Key) -> Option<&Arc<Object>> {
        self.objects.get(key)
    }

    /// Children of one kind that name `owner` as their controller.
    pub(crate) fn owned(&self, owner: &Object, kind: Kind) -> impl Iterator<Item = &Arc<Object>> {
        let keys = self.owned.get(&owner.uid).into_iter().flatten();
        keys.filter(move |key| key.kind == kind).filter_map(|key| self.objects.get(key))
    }

    /// Nodes that exist, by name.
    pub(crate) fn nodes(&self) -> impl Iterator<Item = (&Arc<Object>, &Usage)> {
        self.nodes.values().filter_map(|usage| Some((usage.node.as_ref()?, usage)))
    }

    pub(crate) fn has_node(&self, name: &str) -> bool {
        self.nodes.get(name).is_some_and(|usage| usage.node.is_some())
    }

    /// Pods of a namespace that a selector chooses, by name.
    pub(crate) fn selected<'a>(
        &'a self,
        namespace: &'a str,
        selector: &'a Selector,
    ) -> Box<dyn Iterator<Item = &'a Arc<Object>> + 'a> {
        let pairs = selector.pairs().map(|(label, value)| (namespace.to_owned(), label.to_owned(), value.to_owned()));
        let sets: Option<Vec<_>> = pairs.map(|pair| self.labelled.get(&pair)).collect();
        let smallest = match sets {
            None => return Box::new(std::iter::empty()),
            Some(sets) => sets.into_iter().min_by_key(|set| set.len()),
        };
        match smallest {
            Some(keys) => {
                let pods = keys.iter().filter_map(|key| self.objects.get(key));
                Box::new(pods.filter(move |pod| selector.matches(&pod.labels)))
            }
            None => {
                let pods = self.objects.values().filter(move |object| {
                    object.key.kind == Kind::Pod
                        && object.key.namespace == namespace
                        && selector.matches(&object.labels)
                });
                let mut pods: Vec<_> = pods.collect();
                pods.sort_by(|a, b| a.key.cmp(&b.key));
                Box::new(pods.into_iter())
            }
        }
    }

    pub(crate) fn address_owner(&self, address: Ipv4Addr) -> Option<&Key> {
        self.addresses.get(&address)
    }

    /// Why the last child of `owner` could not be created, if it could not.
    pub(crate) fn refusal(&self, owner: &Object) -> Option<&str> {
        self.refusals.get(&owner.uid).map(String::as_str)
    }

    pub(crate) fn set_refusal(&mut self, owner: &str, message: Option<String>) {
        match message {
            Some(message) => self.refusals.insert(owner.to_owned(), message),
            None => self.refusals.remove(owner),
        };
    }

    pub(crate) fn serial(&self, owner: &Object) -> u64 {
        self.serials.get(&owner.uid).copied().unwrap_or_default()
    }

    pub(crate) fn count_child(&mut self, owner: &str) {
        *self.serials.entry(owner.to_owned()).or_default() += 1;
    }

    /// Takes in a newer state of an object and puts everything to plan again into `dirty`. Older states are ignored.
    pub(crate) fn apply(&mut self, mut object: Object, now: Timestamp, dirty: &mut BTreeSet<Key>) {
        if self.gone.contains_key(&object.uid) {
            return;
        }
        let before = self.objects.get(&object.key).cloned();
        if let Some(before) = &before {
            if before.uid == object.uid {
                if before.version >= object.version {
                    return;
                }
                if before.generation == object.generation {
                    object.changed = before.changed;
                }
                object.placed = object.placed.and(before.placed.or(Some(now)));
            } else {
                self.forget(before, dirty);
            }
            self.unindex(before);
        }
        let object = Arc::new(object);
        self.index(&object);
        self.affected(before.as_deref(), &object, dirty);
        self.objects.insert(object.key.clone(), object);
    }

    /// Takes in that an object is gone. `uid` guards against late news about a predecessor of the same name.
    pub(crate) fn remove(&mut self, key: &Key, uid: &str, dirty: &mut BTreeSet<Key>) {
        if self.objects.get(key).is_some_and(|held| held.uid == uid)
            && let Some(object) = self.objects.remove(key)
        {
            self.unindex(&object);
            self.forget(&object, dirty);
        }
    }

    /// Remembers that we deleted an object ourselves until the watch says so too.
    pub(crate) fn bury(&mut self, kind: Kind, uid: &str) {
        self.gone.insert(uid.to_owned(), kind);
    }

    /// The watch has caught up with a deletion.
    pub(crate) fn unbury(&mut self, uid: &str) {
        self.gone.remove(uid);
    }

    /// A complete list of a kind was read: nothing older can come any more.
    pub(crate) fn unbury_all(&mut self, kind: Kind) {
        self.gone.retain(|_, held| *held != kind);
    }

    /// Keys of one kind.
    pub(crate) fn keys(&self, kind: Kind) -> Vec<(Key, String)> {
        let objects = self.objects.values().filter(|object| object.key.kind == kind);
        objects.map(|object| (object.key.clone(), object.uid.clone())).collect()
    }

    /// Books a Pod on a node before the API server has confirmed it, so that the next Pod sees the space taken.
    pub(crate) fn assume(&mut self, key: &Key, node: &str, now: Timestamp) {
        self.replace_node(key, Some((node, now)));
    }

    /// Takes a booking back that the API server refused.
    pub(crate) fn unassume(&mut self, key: &Key) {
        if self.objects.get(key).is_some_and(|pod| pod.assumed) {
            self.replace_node(key, None);
        }
    }

    fn replace_node(&mut self, key: &Key, place: Option<(&str, Timestamp)>) {
        let Some(pod) = self.objects.get(key).cloned() else { return };
        self.unindex(&pod);
        let mut pod = Object::clone(&pod);
        if let Some(spec) = pod.spec.as_object_mut() {
            match place {
                Some((node, _)) => spec.insert("nodeName".into(), node.into()),
                None => spec.remove("nodeName"),
            };
        }
        pod.placed = place.map(|(_, now)| now);
        pod.assumed = place.is_some();
        let pod = Arc::new(pod);
        self.index(&pod);
        self.objects.insert(key.clone(), pod);
    }

    fn index(&mut self, object: &Arc<Object>) {
        if let Some(owner) = &object.owner {
            self.owned.entry(owner.uid.clone()).or_default().insert(object.key.clone());
        }
        for pair in label_pairs(object) {
            self.labelled.entry(pair).or_default().insert(object.key.clone());
        }
        match selector_place(object) {
            Some(Place::Pair(pair)) => _ = self.selecting.entry(pair).or_default().insert(object.key.clone()),
            Some(Place::Namespace(name)) => {
                _ = self.selecting_all.entry(name).or_default().insert(object.key.clone());
            }
            None => {}
        }
        if let Some(target) = scale_target(object) {
            self.scaling.entry(target).or_default().insert(object.key.clone());
        }
        for address in addresses(object) {
            self.addresses.entry(address).or_insert_with(|| object.key.clone());
        }
        match object.key.kind {
            Kind::Node => self.nodes.entry(object.key.name.clone()).or_default().node = Some(object.clone()),
            Kind::Pod if object.finished() => {}
            Kind::Pod if object.node().is_empty() => _ = self.unplaced.insert(object.key.clone()),
            Kind::Pod => {
                let usage = self.nodes.entry(object.node().to_owned()).or_default();
                if usage.pods.insert(object.key.clone()) {
                    usage.requested.add(&object.resources);
                }
            }
            _ => {}
        }
    }

    fn unindex(&mut self, object: &Object) {
        if let Some(owner) = &object.owner {
            take(&mut self.owned, &owner.uid, &object.key);
        }
        for pair in label_pairs(object) {
            take(&mut self.labelled, &pair, &object.key);
        }
        match selector_place(object) {
            Some(Place::Pair(pair)) => take(&mut self.selecting, &pair, &object.key),
            Some(Place::Namespace(name)) => take(&mut self.selecting_all, &name, &object.key),
            None => {}
        }
        if let Some(target) = scale_target(object) {
            take(&mut self.scaling, &target, &object.key);
        }
        for address in addresses(object) {
            if self.addresses.get(&address) == Some(&object.key) {
                self.addresses.remove(&address);
            }
        }
        self.unplaced.remove(&object.key);
        let node = if object.key.kind == Kind::Node { &object.key.name } else { object.node() };
        if let Some(usage) = self.nodes.get_mut(node) {
            match object.key.kind {
                Kind::Node => usage.node = None,
                Kind::Pod if usage.pods.remove(&object.key) => usage.requested.subtract(&object.resources),
                _ => {}
            }
            if usage.node.is_none() && usage.pods.is_empty() {
                self.nodes.remove(node);
            }
        }
    }
}

enum Place {
    Pair(Pair),
    Namespace(String),
}

/// Where a selecting object is found from its Pods.
fn selector_place(object: &Object) -> Option<Place> {
    if !matches!(object.key.kind, Kind::Service | Kind::PodDisruptionBudget) {
        return None;
    }
    let selector = Selector::of(object)?;
    let namespace = object.key.namespace.clone();
    Some(match selector.pairs().next() {
        Some((label, value)) => Place::Pair((namespace, label.into(), value.into())),
        None => Place::Namespace(namespace),
    })
}

fn label_pairs(object: &Object) -> impl Iterator<Item = Pair> {
    let labels = (object.key.kind == Kind::Pod).then_some(&object.labels).into_iter().flatten();
    labels.map(|(label, value)| (object.key.namespace.clone(), label.clone(), value.clone()))
}

/// What an autoscaler scales, when it is a kind with rules.
pub(crate) fn scale_target(object: &Object) -> Option<Key> {
    if object.key.kind != Kind::HorizontalPodAutoscaler {
        return None;
    }
    let target = &object.spec["scaleTargetRef"];
    let group = target["apiVersion"].as_str()?.split_once('/').map_or("", |(group, _)| group);
    let kind = Kind::find(group, target["kind"].as_str()?)?;
    Some(Key::new(kind, &object.key.namespace, target["name"].as_str()?))
}

/// Addresses that must not be given out twice.
fn addresses(object: &Object) -> Vec<Ipv4Addr> {
    let text = match object.key.kind {
        Kind::Pod => &object.status["podIP"],
        Kind::Service => &object.status["loadBalancer"]["ingress"][0]["ip"],
        _ => return Vec::new(),
    };
    text.as_str().and_then(|text| text.parse().ok()).into_iter().collect()
}

fn take<K: std::hash::Hash + Eq>(index: &mut HashMap<K, BTreeSet<Key>>, place: &K, key: &Key) {
    if let Some(keys) = index.get_mut(place) {
        keys.remove(key);
        if keys.is_empty() {
            index.remove(place);
        }
    }
}
