//! Applies to a real API server, in process.

mod staged;
mod waiting;

use std::time::Duration;

use flux_apiserver::{Config, Identity, Server};
use flux_apply::{ApplyOptions, Health, Manager, Mapper, Target};
use kube::Client;
use serde_json::{Value, json};

pub struct Cluster {
    pub client: Client,
    pub manager: Manager,
    server: Server,
}

impl Cluster {
    pub async fn start() -> Self {
        let server = Server::start(Config::default()).await.expect("server starts");
        let client = Client::new(server.service(Identity::admin()), "default");
        let target = Target::new(client.clone(), Mapper::default());
        let manager =
            Manager { target, field_manager: "kustomize-controller".into(), concurrency: 4, health: Health::default() };
        Self { client, manager, server }
    }

    pub async fn get(&self, api_version: &str, kind: &str, namespace: &str, name: &str) -> Option<Value> {
        let mapped = self.manager.target.mapper().find(&self.client, api_version, kind).await.expect("served");
        self.manager.target.get(&mapped, namespace, name).await.expect("readable")
    }

    pub async fn stop(self) {
        self.server.shutdown().await;
    }
}

pub fn options() -> ApplyOptions {
    ApplyOptions { stage_timeout: Duration::from_secs(10), ..ApplyOptions::default() }
}

pub fn namespace(name: &str) -> Value {
    json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
}

pub fn config_map(namespace: &str, name: &str, value: &str) -> Value {
    json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "namespace": namespace}, "data": {"key": value}})
}

/// No test file may be forgotten.
#[test]
fn every_file_is_a_module() {
    let own = include_str!("main.rs");
    for entry in std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it")).expect("folder").flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        if let Some(module) = name.strip_suffix(".rs").filter(|module| *module != "main") {
            assert!(own.contains(&format!("mod {module};")), "{module} is not declared");
        }
    }
}
