//! Gives every namespace its ServiceAccount `default`, and its copy of the certificate authority.

use std::sync::Arc;

use serde_json::{Value, json};

use crate::object::{is_deleting, meta_text, name, text_at};
use crate::server::Shared;

const ROOT_CA: &str = "kube-root-ca.crt";

/// Runs until the server stops.
pub(super) async fn run(shared: Arc<Shared>) {
    let from = shared.store.revision();
    let Some(namespaces) = shared.registry.find("", "v1", "namespaces") else { return };
    let watch = |table: &str| shared.store.watch(table, from);
    let (Ok(mut spaces), Ok(mut accounts), Ok(mut maps)) =
        (watch("core/namespaces"), watch("core/serviceaccounts"), watch("core/configmaps"))
    else {
        return;
    };
    for namespace in shared.all(&namespaces, "").await {
        furnish(&shared, &namespace).await;
    }
    loop {
        let touched: Vec<String> = tokio::select! {
            changes = spaces.next() => match changes {
                Ok(changes) => changes.iter().filter(|change| !change.removed && change.previous.is_none()).map(|change| change.key.to_string()).collect(),
                Err(_) => return,
            },
            changes = accounts.next() => match changes {
                Ok(changes) => changes.iter().filter(|change| change.removed).filter_map(|change| space_of(&change.key, "default")).collect(),
                Err(_) => return,
            },
            changes = maps.next() => match changes {
                Ok(changes) => changes.iter().filter_map(|change| space_of(&change.key, ROOT_CA)).collect(),
                Err(_) => return,
            },
            () = shared.stopped() => return,
        };
        for space in touched {
            if let Some(namespace) = shared.load(&namespaces, "", &space).await {
                furnish(&shared, &namespace).await;
            }
        }
    }
}

fn space_of(key: &str, wanted: &str) -> Option<String> {
    let (space, name) = key.split_once('/')?;
    (name == wanted).then(|| space.to_owned())
}

async fn furnish(shared: &Arc<Shared>, namespace: &Value) {
    if is_deleting(namespace) {
        return;
    }
    let space = name(namespace);
    if shared.config.controllers.service_account
        && exists(shared, "core/serviceaccounts", space, "default").await.is_none()
    {
        let object =
            json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "default", "namespace": space}});
        make(shared, "serviceaccounts", space, object).await;
    }
    if !shared.config.controllers.root_ca {
        return;
    }
    let ca = shared.ca_pem();
    match exists(shared, "core/configmaps", space, ROOT_CA).await {
        None => {
            let description = "Contains a CA bundle that can be used to verify the kube-apiserver when using internal endpoints such as the internal service IP or kubernetes.default.svc. No other usage is guaranteed across distributions of Kubernetes clusters.";
            let object = json!({
                "apiVersion": "v1", "kind": "ConfigMap",
                "metadata": {"name": ROOT_CA, "namespace": space, "annotations": {"kubernetes.io/description": description}},
                "data": {"ca.crt": ca},
            });
            make(shared, "configmaps", space, object).await;
        }
        Some(found) if text_at(&found, "/data/ca.crt") != ca => {
            let Some(resource) = shared.registry.find("", "v1", "configmaps") else { return };
            let Some(entry) = shared.store.get(&resource.table, &format!("{space}/{ROOT_CA}")).await else { return };
            let Some(old) = shared.load(&resource, space, ROOT_CA).await else { return };
            let mut new = old.clone();
            new["data"] = json!({"ca.crt": ca});
            // A change in between wakes this loop again.
            let _ = shared.commit(&resource, space, &entry, &old, new, false).await;
        }
        Some(_) => {}
    }
}

async fn exists(shared: &Arc<Shared>, table: &str, space: &str, wanted: &str) -> Option<Value> {
    let entry = shared.store.get(table, &format!("{space}/{wanted}")).await?;
    let value: Value = serde_json::from_slice(&entry.value).ok()?;
    (!meta_text(&value, "uid").is_empty()).then_some(value)
}

async fn make(shared: &Arc<Shared>, plural: &str, space: &str, object: Value) {
    if let Err(error) = shared.make("", "v1", plural, space, object).await
        && error.reason != "AlreadyExists"
    {
        tracing::debug!(namespace = space, plural, error = %error, "a namespace could not be furnished");
    }
}
