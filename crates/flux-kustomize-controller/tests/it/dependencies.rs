//! dependsOn: order, readyExpr, wake-up by event.

use serde_json::json;

use crate::cluster::{Cluster, config_map};

#[tokio::test]
async fn dependents_wait_and_wake_by_event() {
    let cluster = Cluster::start().await;
    cluster
        .publish(
            "main@sha1:1",
            &[
                ("a/cm.yaml", &config_map("a", "1")),
                ("b/cm.yaml", &config_map("b", "1")),
                ("c/cm.yaml", &config_map("c", "1")),
            ],
        )
        .await;
    cluster.kustomization("c", json!({"path": "c", "dependsOn": [{"name": "b"}]})).await;
    cluster.kustomization("b", json!({"path": "b", "dependsOn": [{"name": "a"}]})).await;
    let message = cluster.reason("b", "DependencyNotReady").await;
    assert_eq!(message, "dependency 'apps/a' not found: kustomizations.kustomize.toolkit.fluxcd.io \"a\" not found");
    assert_eq!(cluster.reason("c", "DependencyNotReady").await, "dependency 'apps/b' is not ready");
    let started = std::time::Instant::now();
    cluster.kustomization("a", json!({"path": "a"})).await;
    cluster.applied("c", "main@sha1:1").await;
    assert!(started.elapsed().as_secs() < 5, "the chain polled: {:?}", started.elapsed());
    cluster
        .publish(
            "main@sha1:2",
            &[
                ("a/cm.yaml", &config_map("a", "2")),
                ("b/cm.yaml", &config_map("b", "2")),
                ("c/cm.yaml", &config_map("c", "2")),
            ],
        )
        .await;
    cluster.applied("c", "main@sha1:2").await;
    assert_eq!(cluster.value("a").await.as_deref(), Some("2"), "the first of the chain goes first");
    cluster.stop().await;
}

#[tokio::test]
async fn expressions_decide_instead_of_ready() {
    let cluster = Cluster::start().await;
    cluster.publish("main@sha1:1", &[("a/cm.yaml", &config_map("a", "1")), ("b/cm.yaml", &config_map("b", "1"))]).await;
    cluster.kustomization("a", json!({"path": "a"})).await;
    cluster.applied("a", "main@sha1:1").await;
    let ready = "dep.status.conditions.exists(c, c.type == 'Ready' && c.status == 'True') && self.spec.path == 'b'";
    cluster.kustomization("b", json!({"path": "b", "dependsOn": [{"name": "a", "readyExpr": ready}]})).await;
    cluster.applied("b", "main@sha1:1").await;
    cluster.kustomization("never", json!({"path": "b", "namePrefix": "n-", "dependsOn": [{"name": "a", "readyExpr": "dep.metadata.name == 'x'"}]})).await;
    assert_eq!(
        cluster.reason("never", "DependencyNotReady").await,
        "dependency 'apps/a' is not ready according to readyExpr eval"
    );
    cluster
        .kustomization(
            "bad",
            json!({"path": "b", "namePrefix": "x-", "dependsOn": [{"name": "a", "readyExpr": "dep.("}]}),
        )
        .await;
    cluster.reason("bad", "InvalidCELExpression").await;
    cluster.stop().await;
}
