//! What is meant to go wrong, and stages.

use crate::control_plane::{ControlPlane, complete, condition, config, deployment};
use flux_simulate::Config;
use serde_json::{Value, json};

const DEPLOYMENTS: &str = "/apis/apps/v1/namespaces/default/deployments";
const PODS: &str = "/api/v1/namespaces/default/pods";

#[tokio::test]
async fn more_gpus_than_there_are() {
    let plane = ControlPlane::start(Config::for_cluster("production")).await;
    plane.create(DEPLOYMENTS, deployment("llm", 5, "llm:1", 8)).await;
    let four = |held: &Value| held["status"]["availableReplicas"] == 4;
    let held = plane.until(&format!("{DEPLOYMENTS}/llm"), "four of five", four).await;
    assert!(condition(&held, "Available").starts_with("True") || held["status"]["unavailableReplicas"] == 1);
    let list = plane
        .until(PODS, "one pending", |list| {
            list["items"]
                .as_array()
                .is_some_and(|pods| pods.iter().any(|pod| condition(pod, "PodScheduled").starts_with("False")))
        })
        .await;
    let pending: Vec<&Value> = list["items"]
        .as_array()
        .expect("a list")
        .iter()
        .filter(|pod| condition(pod, "PodScheduled").starts_with("False"))
        .collect();
    assert_eq!(pending.len(), 1);
    assert_eq!(pending[0]["status"]["phase"], "Pending");
    assert_eq!(
        condition(pending[0], "PodScheduled"),
        "False Unschedulable: 0/4 nodes are available: 4 Insufficient nvidia.com/gpu. preemption: 0/4 nodes are available: \
         4 No preemption victims found for incoming pod."
    );
    plane.patch(&format!("{DEPLOYMENTS}/llm"), json!({"spec": {"replicas": 3}})).await;
    plane.until(&format!("{DEPLOYMENTS}/llm"), "three of three", complete).await;
    plane.stop().await;
}

#[tokio::test]
async fn a_broken_image_is_reported_and_a_fix_heals() {
    let plane = ControlPlane::start(config("dev", json!({"failingImages": ["*:broken"]}))).await;
    plane.create(DEPLOYMENTS, deployment("web", 1, "web:broken", 0)).await;
    let waiting = |list: &Value| {
        let state = &list["items"][0]["status"]["containerStatuses"][0]["state"]["waiting"]["reason"];
        state == "ErrImagePull" || state == "ImagePullBackOff"
    };
    plane.until(PODS, "a failed pull", waiting).await;
    let path = format!("{DEPLOYMENTS}/web");
    let unavailable = |held: &Value| condition(held, "Available").starts_with("False MinimumReplicasUnavailable");
    plane.until(&path, "not available", unavailable).await;
    plane
        .patch(&path, json!({"spec": {"template": {"spec": {"containers": [{"name": "main", "image": "web:2"}]}}}}))
        .await;
    plane.until(&path, "complete", complete).await;
    plane.stop().await;
}

fn model_definition() -> Value {
    let schema = json!({"type": "object", "x-kubernetes-preserve-unknown-fields": true});
    json!({
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": "models.example.com"},
        "spec": {
            "group": "example.com",
            "scope": "Namespaced",
            "names": {"kind": "Model", "plural": "models", "singular": "model", "listKind": "ModelList"},
            "versions": [{"name": "v1", "served": true, "storage": true, "subresources": {"status": {}},
                          "schema": {"openAPIV3Schema": schema}}],
        },
    })
}

#[tokio::test]
async fn a_kind_of_the_user_becomes_ready() {
    let stage = json!({"group": "example.com", "kind": "Model", "delay": "50ms", "status": {
        "observedGeneration": "{{ .metadata.generation }}",
        "conditions": [{"type": "Ready", "status": "True", "reason": "Loaded", "message": "{{ .metadata.name }} is loaded",
                        "lastTransitionTime": "{{ now }}"}]}});
    let plane = ControlPlane::start(config("dev", json!({"stages": [stage]}))).await;
    let definitions = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
    plane.create(definitions, model_definition()).await;
    let established = |held: &Value| condition(held, "Established").starts_with("True");
    plane.until(&format!("{definitions}/models.example.com"), "established", established).await;
    let models = "/apis/example.com/v1/namespaces/default/models";
    let model =
        json!({"apiVersion": "example.com/v1", "kind": "Model", "metadata": {"name": "llm"}, "spec": {"size": 1}});
    plane.create(models, model).await;
    let path = format!("{models}/llm");
    let ready = |held: &Value| condition(held, "Ready") == "True Loaded: llm is loaded";
    let first = plane.until(&path, "ready", ready).await;
    assert_eq!(first["status"]["observedGeneration"], 1);
    plane.patch(&path, json!({"spec": {"size": 2}})).await;
    plane.until(&path, "ready again", |held| held["status"]["observedGeneration"] == 2).await;
    plane.stop().await;
}
