//! Health, watched.

use std::time::Duration;

use flux_apply::{Applied, HealthError, WaitOptions};
use kube::Api;
use kube::api::{Patch, PatchParams};
use serde_json::json;

use crate::{Cluster, config_map, options};

fn deployment(name: &str) -> serde_json::Value {
    json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name, "namespace": "default"},
        "spec": {"replicas": 1, "selector": {"matchLabels": {"app": name}}, "template": {"metadata": {"labels": {"app": name}},
            "spec": {"containers": [{"name": "a", "image": "a:1"}]}}}})
}

async fn set_status(cluster: &Cluster, name: &str, status: serde_json::Value) {
    let api: Api<k8s_openapi::api::apps::v1::Deployment> = Api::namespaced(cluster.client.clone(), "default");
    api.patch_status(name, &PatchParams::default(), &Patch::Merge(json!({"status": status}))).await.expect("patched");
}

fn ready() -> serde_json::Value {
    json!({"observedGeneration": 1, "replicas": 1, "updatedReplicas": 1, "readyReplicas": 1, "availableReplicas": 1,
        "conditions": [{"type": "Available", "status": "True"}, {"type": "Progressing", "status": "True", "reason": "NewReplicaSetAvailable"}]})
}

async fn applied(cluster: &Cluster) -> Applied {
    let mut options = options();
    options.keep_states = true;
    let applied =
        cluster.manager.apply_staged(vec![deployment("web"), config_map("default", "plain", "1")], &options).await;
    assert!(applied.error.is_none(), "{:?}", applied.error);
    applied
}

#[tokio::test]
async fn the_wait_ends_with_the_event() {
    let cluster = Cluster::start().await;
    let subjects = applied(&cluster).await.subjects;
    let options = WaitOptions { timeout: Duration::from_secs(20), ..WaitOptions::default() };
    let (wait, ()) = tokio::join!(cluster.manager.health.wait(&cluster.manager.target, subjects, &options), async {
        tokio::time::sleep(Duration::from_millis(50)).await;
        set_status(&cluster, "web", ready()).await;
    });
    assert_eq!(wait, Ok(()));
    cluster.stop().await;
}

#[tokio::test]
async fn a_timeout_names_what_is_not_ready() {
    let cluster = Cluster::start().await;
    let subjects = applied(&cluster).await.subjects;
    let options = WaitOptions { timeout: Duration::from_millis(100), ..WaitOptions::default() };
    let error = cluster.manager.health.wait(&cluster.manager.target, subjects, &options).await.expect_err("not ready");
    assert_eq!(error.to_string(), "timeout waiting for: [Deployment/default/web status: 'InProgress']");
    cluster.stop().await;
}

#[tokio::test]
async fn a_failed_object_ends_the_wait_early() {
    let cluster = Cluster::start().await;
    let subjects = applied(&cluster).await.subjects;
    let options = WaitOptions { timeout: Duration::from_secs(20), fail_fast: true, ..WaitOptions::default() };
    let (wait, ()) = tokio::join!(cluster.manager.health.wait(&cluster.manager.target, subjects, &options), async {
        tokio::time::sleep(Duration::from_millis(50)).await;
        let conditions = json!([{"type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded"}]);
        set_status(&cluster, "web", json!({"observedGeneration": 1, "conditions": conditions})).await;
    });
    assert_eq!(wait, Err(HealthError::Stalled(vec!["Deployment/default/web status: 'Failed'".into()])));
    cluster.stop().await;
}
