//! Empties namespaces that are being deleted, and lets them go.

use std::sync::Arc;

use serde_json::{Value, json};

use crate::object::{finalizers, is_deleting, list_at, name, now, section, text, text_at};
use crate::rest::DeleteOptions;
use crate::server::Shared;

const FINALIZER: &str = "kubernetes";

/// Runs until the server stops.
pub(super) async fn run(shared: Arc<Shared>) {
    let from = shared.store.revision();
    let Ok(mut changes) = shared.store.watch("core/namespaces", from) else { return };
    let Some(namespaces) = shared.registry.find("", "v1", "namespaces") else { return };
    for namespace in shared.all(&namespaces, "").await.into_iter().filter(is_deleting) {
        tokio::spawn(empty(shared.clone(), name(&namespace).to_owned()));
    }
    loop {
        let batch = tokio::select! {
            batch = changes.next() => batch,
            () = shared.stopped() => return,
        };
        let Ok(batch) = batch else { return };
        for change in batch.iter().filter(|change| !change.removed) {
            let deleting = |bytes: &[u8]| serde_json::from_slice::<Value>(bytes).is_ok_and(|value| is_deleting(&value));
            let before = change.previous.as_ref().is_some_and(|entry| deleting(&entry.value));
            if !before && deleting(&change.value) {
                tokio::spawn(empty(shared.clone(), change.key.to_string()));
            }
        }
    }
}

/// What is left in a namespace.
#[derive(Default)]
struct Left {
    /// Resource to count of objects.
    content: Vec<(String, usize)>,
    /// Finalizer to count of objects.
    finalizers: Vec<(String, usize)>,
}

async fn empty(shared: Arc<Shared>, space: String) {
    loop {
        let seen = shared.store.revision();
        let left = sweep(&shared, &space).await;
        if left.content.is_empty() {
            if finalize(&shared, &space).await {
                return;
            }
        } else {
            report(&shared, &space, &left).await;
        }
        // Any later write may be the one that frees the rest.
        let seen = seen.max(shared.store.revision());
        tokio::select! {
            () = shared.store.reached(seen + 1) => {}
            () = shared.stopped() => return,
        }
    }
}

/// Deletes everything in a namespace once; what is still there is counted.
async fn sweep(shared: &Arc<Shared>, space: &str) -> Left {
    let mut left = Left::default();
    for resource in shared.registry.current().stored().into_iter().filter(|resource| resource.namespaced) {
        for object in shared.all(&resource, space).await {
            if !is_deleting(&object) {
                // An object that vanished meanwhile is what we want.
                let _ = shared.delete_object(&resource, space, name(&object), &DeleteOptions::default()).await;
            }
        }
        let rest = shared.all(&resource, space).await;
        if rest.is_empty() {
            continue;
        }
        left.content.push((resource.qualified(), rest.len()));
        for finalizer in rest.iter().flat_map(finalizers) {
            match left.finalizers.iter_mut().find(|(known, _)| known == finalizer) {
                Some((_, count)) => *count += 1,
                None => left.finalizers.push((finalizer.to_owned(), 1)),
            }
        }
    }
    left.content.sort();
    left.finalizers.sort();
    left
}

fn conditions(old: &[Value], left: &Left) -> Vec<Value> {
    let list = |rows: &[(String, usize)], words: &str| {
        rows.iter()
            .map(|(what, count)| format!("{what}{words} {count} resource instances"))
            .collect::<Vec<_>>()
            .join(", ")
    };
    let content = if left.content.is_empty() {
        ("False", "ContentRemoved", "All content successfully removed".to_owned())
    } else {
        ("True", "SomeResourcesRemain", format!("Some resources are remaining: {}", list(&left.content, " has")))
    };
    let waiting = if left.finalizers.is_empty() {
        ("False", "ContentHasNoFinalizers", "All content-preserving finalizers finished".to_owned())
    } else {
        let text = format!("Some content in the namespace has finalizers remaining: {}", list(&left.finalizers, " in"));
        ("True", "SomeFinalizersRemain", text)
    };
    let rows = [
        (
            "NamespaceDeletionDiscoveryFailure",
            "False",
            "ResourcesDiscovered",
            "All resources successfully discovered".to_owned(),
        ),
        (
            "NamespaceDeletionGroupVersionParsingFailure",
            "False",
            "ParsedGroupVersions",
            "All legacy kube types successfully parsed".to_owned(),
        ),
        (
            "NamespaceDeletionContentFailure",
            "False",
            "ContentDeleted",
            "All content successfully deleted, may be waiting on finalization".to_owned(),
        ),
        ("NamespaceContentRemaining", content.0, content.1, content.2),
        ("NamespaceFinalizersRemaining", waiting.0, waiting.1, waiting.2),
    ];
    let time = now();
    let mut out = Vec::new();
    for (kind, status, reason, message) in rows {
        let before = old.iter().find(|one| text(one, "type") == kind);
        let same = before.filter(|one| text(one, "status") == status);
        let since = same.map_or(time.as_str(), |one| text(one, "lastTransitionTime"));
        out.push(
            json!({"type": kind, "status": status, "lastTransitionTime": since, "reason": reason, "message": message}),
        );
    }
    out
}

async fn report(shared: &Arc<Shared>, space: &str, left: &Left) {
    change(shared, space, |new| {
        let old = list_at(new, "/status/conditions").to_vec();
        section(new, "status").insert("conditions".into(), conditions(&old, left).into());
    })
    .await;
}

/// Takes the namespace's own finalizer away; true once the namespace is gone.
async fn finalize(shared: &Arc<Shared>, space: &str) -> bool {
    let Some(namespaces) = shared.registry.find("", "v1", "namespaces") else { return true };
    let Some(namespace) = shared.load(&namespaces, "", space).await else { return true };
    if text_at(&namespace, "/status/phase") != "Terminating" {
        return false;
    }
    change(shared, space, |new| {
        let left: Vec<Value> =
            list_at(new, "/spec/finalizers").iter().filter(|one| *one != FINALIZER).cloned().collect();
        let spec = section(new, "spec");
        crate::object::put(spec, "finalizers", (!left.is_empty()).then(|| left.into()));
        let had = list_at(new, "/status/conditions").to_vec();
        if !had.is_empty() || !finalizers(new).is_empty() {
            section(new, "status").insert("conditions".into(), conditions(&had, &Left::default()).into());
        }
    })
    .await;
    shared.load(&namespaces, "", space).await.is_none()
}

async fn change(shared: &Arc<Shared>, space: &str, edit: impl Fn(&mut Value)) {
    let Some(resource) = shared.registry.find("", "v1", "namespaces") else { return };
    for _ in 0..16 {
        let Some(entry) = shared.store.get(&resource.table, space).await else { return };
        let Ok(old) = crate::rest::of_entry(&resource, &entry) else { return };
        let mut new = old.clone();
        edit(&mut new);
        if shared.commit(&resource, "", &entry, &old, new, false).await.is_ok() {
            return;
        }
    }
}
