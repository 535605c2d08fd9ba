//! Deletes what is owned by nothing any more, and carries out orphan and foreground deletions.
//!
//! Every write of the server is noted here, so the graph of owners is never stale; an owner that the graph
//! does not know is absent.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use serde_json::{Value, json};
use tokio::sync::mpsc;

use crate::object::{finalizers, is_deleting, list_at, meta_mut, meta_text, name, namespace, split_api_version, text};
use crate::resources::Resource;
use crate::rest::{DeleteOptions, Policy};
use crate::server::Shared;

const ORPHAN: &str = "orphan";
const FOREGROUND: &str = "foregroundDeletion";

/// What changed, as far as ownership goes.
pub(crate) struct Note {
    uid: String,
    /// `None` after a removal.
    node: Option<Node>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Node {
    group: String,
    version: String,
    plural: String,
    kind: String,
    namespaced: bool,
    space: String,
    name: String,
    owners: Vec<Owner>,
    deleting: bool,
    orphans: bool,
    foreground: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Owner {
    uid: String,
    group: String,
    kind: String,
    name: String,
    blocks: bool,
}

impl Note {
    pub fn of(resource: &Resource, old: Option<&Value>, new: Option<&Value>) -> Self {
        let object = new.or(old);
        let uid = object.map_or("", |object| meta_text(object, "uid")).to_owned();
        Self { uid, node: new.map(|new| Node::of(resource, new)) }
    }
}

impl Node {
    fn of(resource: &Resource, object: &Value) -> Self {
        let owners = list_at(object, "/metadata/ownerReferences").iter().map(|owner| Owner {
            uid: text(owner, "uid").to_owned(),
            group: split_api_version(text(owner, "apiVersion")).0.to_owned(),
            kind: text(owner, "kind").to_owned(),
            name: text(owner, "name").to_owned(),
            blocks: owner.get("blockOwnerDeletion") == Some(&Value::Bool(true)),
        });
        let held = finalizers(object);
        let deleting = is_deleting(object);
        Self {
            group: resource.group.clone(),
            version: resource.version.clone(),
            plural: resource.plural.clone(),
            kind: resource.kind.clone(),
            namespaced: resource.namespaced,
            space: namespace(object).to_owned(),
            name: name(object).to_owned(),
            owners: owners.collect(),
            deleting,
            orphans: deleting && held.contains(&ORPHAN),
            foreground: deleting && held.contains(&FOREGROUND),
        }
    }
}

/// The part of a stored object that ownership looks at; the rest is skipped, not read.
#[derive(serde::Deserialize)]
struct Head {
    metadata: HeadMeta,
}

#[derive(serde::Deserialize, serde::Serialize)]
#[serde(rename_all = "camelCase")]
struct HeadMeta {
    #[serde(default)]
    uid: String,
    #[serde(default)]
    name: String,
    #[serde(default)]
    namespace: String,
    #[serde(default)]
    owner_references: Value,
    #[serde(default)]
    finalizers: Value,
    #[serde(default)]
    deletion_timestamp: Value,
}

#[derive(Default)]
struct Graph {
    nodes: HashMap<String, Node>,
    dependents: HashMap<String, HashSet<String>>,
}

impl Graph {
    fn apply(&mut self, note: Note) {
        if let Some(before) = self.nodes.remove(&note.uid) {
            for owner in &before.owners {
                if let Some(set) = self.dependents.get_mut(&owner.uid) {
                    set.remove(&note.uid);
                    if set.is_empty() {
                        self.dependents.remove(&owner.uid);
                    }
                }
            }
        }
        if let Some(node) = note.node {
            for owner in &node.owners {
                self.dependents.entry(owner.uid.clone()).or_default().insert(note.uid.clone());
            }
            self.nodes.insert(note.uid, node);
        }
    }

    /// The owner a reference means; a mismatch of place or kind makes it absent.
    fn owner(&self, dependent: &Node, owner: &Owner) -> Option<&Node> {
        let found = self.nodes.get(&owner.uid)?;
        let fits = found.kind == owner.kind && found.group == owner.group && found.name == owner.name;
        let reachable = !found.namespaced || found.space == dependent.space && dependent.namespaced;
        (fits && reachable).then_some(found)
    }

    fn dependents_of(&self, uid: &str) -> Vec<(String, Node)> {
        let uids = self.dependents.get(uid).into_iter().flatten();
        uids.filter_map(|uid| Some((uid.clone(), self.nodes.get(uid)?.clone()))).collect()
    }
}

/// Reads all objects, then follows the notes.
pub(super) async fn start(shared: Arc<Shared>, notes: mpsc::UnboundedReceiver<Note>) {
    let mut graph = Graph::default();
    for resource in shared.registry.current().stored() {
        let Ok(page) = shared.store.list(&resource.table, &flux_store::Range::default(), None).await else { continue };
        for (_, entry) in &page.entries {
            // What cannot be read has no owners that could be known.
            let Ok(head) = serde_json::from_slice::<Head>(&entry.value) else { continue };
            let object = json!({ "metadata": head.metadata });
            graph.apply(Note::of(&resource, None, Some(&object)));
        }
    }
    tokio::spawn(run(shared, notes, graph));
}

async fn run(shared: Arc<Shared>, mut notes: mpsc::UnboundedReceiver<Note>, mut graph: Graph) {
    let all: Vec<String> = graph.nodes.keys().cloned().collect();
    for uid in all {
        look(&shared, &graph, &uid).await;
    }
    loop {
        let note = tokio::select! {
            note = notes.recv() => note,
            () = shared.stopped() => return,
        };
        let Some(note) = note else { return };
        let uid = note.uid.clone();
        let owners_before = graph.nodes.get(&uid).map(|node| node.owners.clone()).unwrap_or_default();
        let before = graph.nodes.get(&uid).cloned();
        if before.is_some() && before == note.node {
            continue;
        }
        let removed = note.node.is_none();
        graph.apply(note);
        look(&shared, &graph, &uid).await;
        if removed {
            for (dependent, _) in graph.dependents_of(&uid) {
                look(&shared, &graph, &dependent).await;
            }
        }
        // An owner that waits for its dependents may go now.
        let owners_after = graph.nodes.get(&uid).map(|node| node.owners.clone()).unwrap_or_default();
        for owner in owners_before.iter().chain(&owners_after) {
            look(&shared, &graph, &owner.uid).await;
        }
    }
}

/// Does what an object's state asks for.
async fn look(shared: &Arc<Shared>, graph: &Graph, uid: &str) {
    let Some(node) = graph.nodes.get(uid) else { return };
    if node.orphans {
        orphan(shared, graph, uid, node).await;
    } else if node.foreground {
        foreground(shared, graph, uid, node).await;
    }
    if !node.deleting && !node.owners.is_empty() {
        dependent(shared, graph, uid, node).await;
    }
}

async fn orphan(shared: &Arc<Shared>, graph: &Graph, uid: &str, node: &Node) {
    for (_, dependent) in graph.dependents_of(uid) {
        edit(shared, &dependent, |object| drop_owners(object, &|owner| owner == uid)).await;
    }
    edit(shared, node, |object| drop_finalizer(object, ORPHAN)).await;
}

async fn foreground(shared: &Arc<Shared>, graph: &Graph, uid: &str, node: &Node) {
    let dependents = graph.dependents_of(uid);
    let blocking = dependents.iter().any(|(_, one)| one.owners.iter().any(|owner| owner.uid == uid && owner.blocks));
    if !blocking {
        edit(shared, node, |object| drop_finalizer(object, FOREGROUND)).await;
        return;
    }
    for (dependent_uid, one) in dependents {
        if !one.deleting {
            dependent(shared, graph, &dependent_uid, &one).await;
        }
    }
}

/// Decides about an object that has owners.
async fn dependent(shared: &Arc<Shared>, graph: &Graph, uid: &str, node: &Node) {
    let (mut solid, mut waiting, mut dangling) = (0, Vec::new(), Vec::new());
    for owner in &node.owners {
        match graph.owner(node, owner) {
            None => dangling.push(owner.uid.clone()),
            Some(found) if found.foreground => waiting.push(owner.uid.clone()),
            Some(_) => solid += 1,
        }
    }
    if solid > 0 {
        if !dangling.is_empty() || !waiting.is_empty() {
            let gone: HashSet<&str> = dangling.iter().chain(&waiting).map(String::as_str).collect();
            edit(shared, node, |object| drop_owners(object, &|owner| gone.contains(owner))).await;
        }
        return;
    }
    let has_dependents = !graph.dependents_of(uid).is_empty();
    let policy = if !waiting.is_empty() && has_dependents { Some(Policy::Foreground) } else { None };
    if !waiting.is_empty() || !dangling.is_empty() {
        let Some(resource) = shared.registry.find(&node.group, &node.version, &node.plural) else { return };
        // Finalizers of the object itself decide when no policy is given.
        let policy = policy.or_else(|| default_policy(node));
        let options = DeleteOptions { uid: Some(uid.to_owned()), policy, ..DeleteOptions::default() };
        if let Err(error) = shared.delete_object(&resource, &node.space, &node.name, &options).await
            && error.code != 404
        {
            tracing::debug!(kind = node.kind, name = node.name, error = %error, "a dependent could not be deleted");
        }
    }
}

fn default_policy(node: &Node) -> Option<Policy> {
    (!node.orphans && !node.foreground).then_some(Policy::Background)
}

fn drop_owners(object: &mut Value, gone: &dyn Fn(&str) -> bool) {
    let left: Vec<Value> = list_at(object, "/metadata/ownerReferences")
        .iter()
        .filter(|owner| !gone(text(owner, "uid")))
        .cloned()
        .collect();
    crate::object::put(meta_mut(object), "ownerReferences", (!left.is_empty()).then(|| left.into()));
}

fn drop_finalizer(object: &mut Value, finalizer: &str) {
    let left: Vec<&str> = finalizers(object).into_iter().filter(|one| *one != finalizer).collect();
    let list = (!left.is_empty()).then(|| json!(left));
    crate::object::put(meta_mut(object), "finalizers", list);
}

async fn edit(shared: &Arc<Shared>, node: &Node, change: impl Fn(&mut Value)) {
    let Some(resource) = shared.registry.find(&node.group, &node.version, &node.plural) else { return };
    for _ in 0..16 {
        let key = resource.key(&node.space, &node.name);
        let Some(entry) = shared.store.get(&resource.table, &key).await else { return };
        let Ok(old) = crate::rest::of_entry(&resource, &entry) else { return };
        let mut new = old.clone();
        change(&mut new);
        crate::managed::after_write(
            &resource,
            Some(&old),
            &mut new,
            "kube-controller-manager",
            crate::rest::Part::Main,
        );
        match shared.commit(&resource, &node.space, &entry, &old, new, false).await {
            Err(error) if error.is_modified() => {}
            _ => return,
        }
    }
}
