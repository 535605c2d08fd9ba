//! Prune hazards: what must never be deleted stays, and the message says so.

use flux_api::Kustomization;
use kube::Api;
use serde_json::json;

use crate::cluster::{Cluster, Recording, config_map, inventory};

#[tokio::test]
async fn an_emptied_path_prunes_nothing() {
    let cluster = Cluster::start().await;
    let recording = Recording::start(&cluster.client).await;
    cluster.publish("main@sha1:1", &[("deploy/cm.yaml", &config_map("web", "1"))]).await;
    cluster.kustomization("app", json!({"path": "./deploy"})).await;
    cluster.applied("app", "main@sha1:1").await;
    cluster.publish("main@sha1:2", &[("elsewhere/cm.yaml", &config_map("web", "1"))]).await;
    let message = cluster.reason("app", "ArtifactFailed").await;
    assert!(message.starts_with("kustomization path not found: stat ./deploy"), "{message}");
    assert!(message.ends_with("; not pruned: ConfigMap/apps/web"), "{message}");
    // The renamed path takes the objects over.
    cluster.kustomization("app", json!({"path": "./elsewhere"})).await;
    cluster.applied("app", "main@sha1:2").await;
    assert_eq!(recording.of("web"), ["added"]);
    cluster.stop().await;
}

#[tokio::test]
async fn a_build_without_objects_prunes_nothing() {
    let cluster = Cluster::start().await;
    let recording = Recording::start(&cluster.client).await;
    cluster
        .publish(
            "main@sha1:1",
            &[("cm.yaml", &config_map("web", "1")), ("kustomization.yaml", "resources: [cm.yaml]\n")],
        )
        .await;
    cluster.kustomization("app", json!({})).await;
    cluster.applied("app", "main@sha1:1").await;
    cluster
        .publish(
            "main@sha1:2",
            &[(
                "kustomization.yaml",
                "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nnamespace: apps\n",
            )],
        )
        .await;
    let message = cluster.reason("app", "BuildFailed").await;
    assert!(message.contains("ConfigMap/apps/web") || message.contains("kustomization.yaml is empty"), "{message}");
    assert_eq!(inventory(&cluster.get("app").await.expect("there")), ["apps_web__ConfigMap"]);
    assert_eq!(recording.of("web"), ["added"]);
    cluster.stop().await;
}

#[tokio::test]
async fn one_bad_file_among_good_ones_is_an_error() {
    let cluster = Cluster::start().await;
    let recording = Recording::start(&cluster.client).await;
    cluster.publish("main@sha1:1", &[("a.yaml", &config_map("a", "1")), ("b.yaml", &config_map("b", "1"))]).await;
    cluster.kustomization("app", json!({})).await;
    cluster.applied("app", "main@sha1:1").await;
    cluster
        .publish("main@sha1:2", &[("a.yaml", &config_map("a", "2")), ("b.yaml", "apiVersion: v1\nkind: [unclosed\n")])
        .await;
    let message = cluster.reason("app", "BuildFailed").await;
    assert!(message.contains("b.yaml"), "{message}");
    assert!(!message.contains("/tmp/"), "{message}");
    assert_eq!((recording.of("a"), recording.of("b")), (vec!["added"], vec!["added"]));
    assert_eq!(cluster.value("a").await.as_deref(), Some("1"), "the last good state stays");
    cluster.stop().await;
}

#[tokio::test]
async fn another_source_with_the_same_objects_deletes_none() {
    let cluster = Cluster::start().await;
    let recording = Recording::start(&cluster.client).await;
    cluster.publish("main@sha1:1", &[("cm.yaml", &config_map("web", "1"))]).await;
    cluster.publish_as("other", "main@sha1:9", &[("cm.yaml", &config_map("web", "9"))]).await;
    cluster.kustomization("app", json!({})).await;
    cluster.applied("app", "main@sha1:1").await;
    cluster.kustomization("app", json!({"sourceRef": {"kind": "GitRepository", "name": "other"}})).await;
    cluster.applied("app", "main@sha1:9").await;
    assert_eq!(recording.of("web"), ["added", "modified"]);
    cluster.stop().await;
}

#[tokio::test]
async fn another_namespace_moves_the_objects() {
    let cluster = Cluster::start().await;
    cluster.publish("main@sha1:1", &[("cm.yaml", &config_map("web", "1"))]).await;
    cluster.kustomization("app", json!({})).await;
    cluster.applied("app", "main@sha1:1").await;
    cluster.kustomization("app", json!({"targetNamespace": "default"})).await;
    let obj = cluster.until("app", "moved", |obj| inventory(obj) == ["default_web__ConfigMap"]).await;
    cluster.applied("app", "main@sha1:1").await;
    assert_eq!(inventory(&obj).len(), 1);
    assert!(cluster.config_map("web").await.is_none());
    let moved: Api<k8s_openapi::api::core::v1::ConfigMap> = Api::namespaced(cluster.client.clone(), "default");
    assert!(moved.get_opt("web").await.expect("read").is_some());
    cluster.stop().await;
}

#[tokio::test]
async fn an_object_that_moves_between_units_is_never_deleted() {
    let cluster = Cluster::start().await;
    let recording = Recording::start(&cluster.client).await;
    let first = [
        ("a/cm.yaml", config_map("moving", "1")),
        ("a/own.yaml", config_map("a-own", "1")),
        ("b/own.yaml", config_map("b-own", "1")),
    ];
    let second = [
        ("a/own.yaml", config_map("a-own", "1")),
        ("b/cm.yaml", config_map("moving", "1")),
        ("b/own.yaml", config_map("b-own", "1")),
    ];
    cluster.kustomization("a", json!({"path": "a"})).await;
    cluster.kustomization("b", json!({"path": "b"})).await;
    for round in 0..6 {
        let set = if round % 2 == 0 { &first } else { &second };
        let set: Vec<(&str, &str)> = set.iter().map(|(path, content)| (*path, content.as_str())).collect();
        let revision = format!("main@sha1:{round}");
        cluster.publish(&revision, &set).await;
        cluster.applied("a", &revision).await;
        cluster.applied("b", &revision).await;
    }
    assert!(!recording.of("moving").contains(&"deleted"), "{:?}", recording.of("moving"));
    let owner = cluster.config_map("moving").await.and_then(|map| map.metadata.labels).expect("there");
    assert_eq!(owner["kustomize.toolkit.fluxcd.io/name"], "b");
    for name in ["a", "b"] {
        let obj: Kustomization = cluster.get(name).await.expect("there");
        assert_eq!(inventory(&obj).contains(&"apps_moving__ConfigMap".to_owned()), name == "b");
    }
    cluster.stop().await;
}

#[tokio::test]
async fn a_failing_apply_leaves_a_full_inventory() {
    let cluster = Cluster::start().await;
    cluster.publish("main@sha1:1", &[("a.yaml", &config_map("a", "1"))]).await;
    cluster.kustomization("app", json!({})).await;
    cluster.applied("app", "main@sha1:1").await;
    // The role is created in the first stage; then the last stage fails.
    let role = "apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRole\nmetadata:\n  name: made\nrules: []\n";
    let bad = "apiVersion: nowhere.example.com/v1\nkind: Nothing\nmetadata:\n  name: x\n";
    cluster.publish("main@sha1:2", &[("a.yaml", &config_map("a", "2")), ("role.yaml", role), ("bad.yaml", bad)]).await;
    let message = cluster.reason("app", "ReconciliationFailed").await;
    assert!(
        message.contains(
            "Nothing/apps/x dry-run failed: no matches for kind \"Nothing\" in version \"nowhere.example.com/v1\""
        ),
        "{message}"
    );
    assert!(message.contains("ClusterRole/made created"), "{message}");
    let ids = inventory(&cluster.get("app").await.expect("there"));
    assert!(
        ids.contains(&"_made_rbac.authorization.k8s.io_ClusterRole".to_owned())
            && ids.contains(&"apps_a__ConfigMap".to_owned()),
        "{ids:?}"
    );
    cluster.publish("main@sha1:3", &[("a.yaml", &config_map("a", "3"))]).await;
    let obj = cluster.applied("app", "main@sha1:3").await;
    assert_eq!(inventory(&obj), ["apps_a__ConfigMap"]);
    cluster.stop().await;
}

#[tokio::test]
async fn a_restart_deletes_nothing_and_goes_on() {
    let mut cluster = Cluster::start().await;
    let recording = Recording::start(&cluster.client).await;
    cluster.publish("main@sha1:1", &[("a.yaml", &config_map("kept", "1")), ("b.yaml", &config_map("gone", "1"))]).await;
    cluster.kustomization("app", json!({})).await;
    let before = cluster.applied("app", "main@sha1:1").await;
    cluster.restart().await;
    tokio::time::sleep(std::time::Duration::from_millis(150)).await;
    assert_eq!(cluster.get("app").await.expect("there").metadata.resource_version, before.metadata.resource_version);
    cluster.publish("main@sha1:2", &[("a.yaml", &config_map("kept", "1"))]).await;
    cluster.applied("app", "main@sha1:2").await;
    assert!(cluster.config_map("gone").await.is_none());
    assert_eq!(recording.of("kept"), ["added"]);
    cluster.stop().await;
}
