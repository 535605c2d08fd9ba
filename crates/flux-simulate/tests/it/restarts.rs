//! What a second start finds, and what rest means.

use crate::control_plane::{ControlPlane, complete, config, deployment};
use serde_json::{Value, json};
use std::time::Duration;

const DEPLOYMENTS: &str = "/apis/apps/v1/namespaces/default/deployments";

fn nodes(cluster: &str, count: u32) -> flux_simulate::Config {
    config(
        cluster,
        json!({"nodes": {cluster: [{"name": "gpu", "count": count, "allocatable": {"nvidia.com/gpu": 1}}]}}),
    )
}

/// Names and versions of everything the simulation writes.
async fn versions(plane: &ControlPlane) -> Vec<(String, String)> {
    let mut all = Vec::new();
    for path in ["/api/v1/nodes", "/api/v1/pods", "/apis/apps/v1/replicasets", "/apis/apps/v1/deployments"] {
        for object in plane.items(path).await {
            let text = |field: &str| object["metadata"][field].as_str().unwrap_or_default().to_owned();
            all.push((format!("{path}/{}", text("name")), text("resourceVersion")));
        }
    }
    all
}

#[tokio::test]
async fn a_restart_changes_nothing_and_goes_on() {
    let mut plane = ControlPlane::start(nodes("dev", 2)).await;
    plane.create(DEPLOYMENTS, deployment("web", 2, "web:1", 1)).await;
    plane.until(&format!("{DEPLOYMENTS}/web"), "complete", complete).await;
    tokio::time::sleep(Duration::from_millis(100)).await;
    let before = versions(&plane).await;
    plane.restart(nodes("dev", 2)).await;
    tokio::time::sleep(Duration::from_millis(700)).await;
    assert_eq!(versions(&plane).await, before);
    plane.patch(&format!("{DEPLOYMENTS}/web"), json!({"spec": {"replicas": 1}})).await;
    plane.until(&format!("{DEPLOYMENTS}/web"), "one replica", complete).await;
    plane.stop().await;
}

#[tokio::test]
async fn nodes_follow_the_configuration() {
    let mut plane = ControlPlane::start(nodes("dev", 3)).await;
    let count = |count: usize| move |list: &Value| list["items"].as_array().is_some_and(|nodes| nodes.len() == count);
    plane.until("/api/v1/nodes", "three nodes", count(3)).await;
    plane.restart(nodes("dev", 1)).await;
    plane.until("/api/v1/nodes", "one node", count(1)).await;
    plane.stop().await;
}

#[tokio::test]
async fn many_workloads_at_once() {
    const COUNT: usize = 50;
    let plane = ControlPlane::start(nodes("dev", 1)).await;
    for index in 0..COUNT {
        plane.create(DEPLOYMENTS, deployment(&format!("web-{index}"), 1, "web:1", 0)).await;
    }
    plane
        .until(DEPLOYMENTS, "all complete", |list| {
            list["items"].as_array().is_some_and(|items| items.len() == COUNT && items.iter().all(complete))
        })
        .await;
    plane.stop().await;
}
