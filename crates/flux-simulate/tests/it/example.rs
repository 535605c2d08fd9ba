//! The example repository fits its nodes: every overlay, as kustomize renders it, becomes ready.

use crate::control_plane::{ControlPlane, complete, condition};
use flux_simulate::Config;
use serde_json::Value;
use std::path::PathBuf;

fn read(path: &str) -> String {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../examples/ml-infrastructure");
    std::fs::read_to_string(root.join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn value(path: &str) -> Value {
    flux_yaml::yaml_to_json(&read(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// The objects of a render, with the cluster's variables filled in.
fn objects(render: &str, variables: &Value) -> Vec<Value> {
    let mut text = read(&format!("tests/expected/{render}.yaml"));
    for (name, value) in variables["data"].as_object().expect("variables") {
        text = text.replace(&format!("${{{name}}}"), value.as_str().expect("a string"));
    }
    assert!(!text.contains("${"), "{render} has variables that nobody defines");
    let documents = text.split("\n---\n").map(|text| flux_yaml::yaml_to_json(text).expect("valid YAML"));
    documents.filter(|object| object.is_object()).collect()
}

fn path(object: &Value) -> String {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let (version, kind) = (text(&object["apiVersion"]), text(&object["kind"]).to_lowercase());
    let plural = match kind.as_str() {
        "networkpolicy" => "networkpolicies".to_owned(),
        kind if kind.ends_with("class") => format!("{kind}es"),
        kind => format!("{kind}s"),
    };
    let group = if version.contains('/') { "apis" } else { "api" };
    let namespace = text(&object["metadata"]["namespace"]);
    let scope = if namespace.is_empty() { String::new() } else { format!("/namespaces/{namespace}") };
    format!("/{group}/{version}{scope}/{plural}")
}

async fn apply(plane: &ControlPlane, objects: Vec<Value>) {
    for object in objects {
        if object["apiVersion"] == "kustomize.toolkit.fluxcd.io/v1" {
            continue;
        }
        plane.create(&path(&object), object).await;
    }
}

async fn environment(cluster: &str, workloads: &[(&str, i64)]) {
    let config = Config::from_file(cluster, &value(".flux-up.yaml")).expect("a valid file");
    let plane = ControlPlane::start(config).await;
    let variables = value(&format!("clusters/{cluster}/cluster-vars.yaml"));
    apply(&plane, objects("infrastructure_crds", &variables)).await;
    let gateways = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/gateways.gateway.networking.k8s.io";
    let httproutes = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/httproutes.gateway.networking.k8s.io";
    for definition in [gateways, httproutes] {
        plane.until(definition, "established", |held| condition(held, "Established").starts_with("True")).await;
    }
    apply(&plane, objects(&format!("infrastructure_configs_{cluster}"), &variables)).await;
    let gateway = "/apis/gateway.networking.k8s.io/v1/namespaces/ml-gateway/gateways/ml-gateway";
    plane.until(gateway, "programmed", |held| condition(held, "Programmed").starts_with("True")).await;
    apply(&plane, objects(&format!("tenants_{cluster}"), &variables)).await;
    for namespace in [format!("ml-{cluster}"), "team-nlp".to_owned()] {
        let account = format!("/api/v1/namespaces/{namespace}/serviceaccounts/default");
        plane.until(&account, "an account", |held| held["metadata"]["name"] == "default").await;
    }
    apply(&plane, objects(&format!("apps_model-serving_overlays_{cluster}"), &variables)).await;
    for (name, replicas) in workloads {
        let path = format!("/apis/apps/v1/namespaces/ml-{cluster}/deployments/{name}");
        plane.until(&path, "complete", |held| complete(held) && held["status"]["availableReplicas"] == *replicas).await;
    }
    plane.stop().await;
}

#[tokio::test]
async fn dev() {
    environment("dev", &[("model-server-dev", 1)]).await;
}

#[tokio::test]
async fn staging() {
    environment("staging", &[("model-server", 2), ("model-server-canary", 1)]).await;
}

#[tokio::test]
async fn production() {
    environment("production", &[("model-server", 3)]).await;
}
