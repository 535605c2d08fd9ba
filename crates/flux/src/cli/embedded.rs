//! The controllers that `flux up` runs in its own process: they have no Deployment, a ConfigMap names them instead.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::ConfigMap;
use kube::Client;
use kube::api::Api;
use serde_json::{Value, json};

use super::error::CliError;
use super::version::COMPATIBLE_VERSION;

/// The name of the ConfigMap, in the namespace of the root objects.
const NAME: &str = "flux-up";

/// The ConfigMap to apply: each controller with the upstream version that it behaves as.
pub fn record(namespace: &str, controllers: &[&str]) -> Value {
    let version = format!("v{COMPATIBLE_VERSION}");
    let data: BTreeMap<&str, &str> = controllers.iter().map(|name| (*name, version.as_str())).collect();
    json!({
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": NAME, "namespace": namespace, "labels": {"app.kubernetes.io/part-of": "flux"}},
        "data": data,
    })
}

/// Controller to version; empty when the cluster is not one of `flux up`.
pub async fn controllers(client: &Client, namespace: &str) -> Result<BTreeMap<String, String>, CliError> {
    let api: Api<ConfigMap> = Api::namespaced(client.clone(), namespace);
    Ok(api.get_opt(NAME).await?.and_then(|found| found.data).unwrap_or_default())
}
