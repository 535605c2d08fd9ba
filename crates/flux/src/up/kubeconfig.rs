//! One kubeconfig with a context per cluster, written into the state directory; `~/.kube/config` is never touched.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flux_apiserver::ClientFiles;
use serde_json::{Value, json};

/// The kubeconfig as YAML. The first cluster's context is the current one.
///
/// It holds the administrator's keys: write it with mode 0600 only.
pub fn render(clusters: &[(String, ClientFiles)]) -> String {
    let list = |entry: fn(&str, &ClientFiles) -> Value| -> Vec<Value> {
        clusters.iter().map(|(name, files)| entry(name, files)).collect()
    };
    let config = json!({
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": clusters.first().map(|(name, _)| name.as_str()).unwrap_or_default(),
        "clusters": list(cluster),
        "contexts": list(|name, _| json!({"name": name, "context": {"cluster": name, "user": name}})),
        "users": list(user),
    });
    flux_yaml::emit_v2(&config)
}

fn cluster(name: &str, files: &ClientFiles) -> Value {
    json!({
        "name": name,
        "cluster": {"server": files.server, "certificate-authority-data": STANDARD.encode(&files.ca_pem)},
    })
}

fn user(name: &str, files: &ClientFiles) -> Value {
    json!({
        "name": name,
        "user": {
            "client-certificate-data": STANDARD.encode(&files.client_certificate_pem),
            "client-key-data": STANDARD.encode(&files.client_key_pem),
        },
    })
}
