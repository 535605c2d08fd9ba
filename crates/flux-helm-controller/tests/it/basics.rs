//! Install, upgrade, values, drift, requests, moving, uninstall.

use flux_api::{FluxObject as _, HelmRelease};
use k8s_openapi::api::core::v1::{ConfigMap, Secret};
use kube::api::{DeleteParams, Patch, PatchParams, PostParams};
use serde_json::json;

use crate::cluster::{CONFIG_MAP, Cluster, eventually};

#[tokio::test]
async fn a_release_is_installed_and_recorded() {
    let cluster = Cluster::start().await;
    cluster.publish("1.0.0", &[CONFIG_MAP]).await;
    cluster.release("app", json!({"values": {"key": "one"}})).await;
    let obj = cluster.ready("app", 1).await;
    assert_eq!(cluster.value("app-map").await.as_deref(), Some("one"));
    let ready = obj.condition("Ready").expect("ready");
    assert_eq!(ready.reason, "InstallSucceeded");
    assert_eq!(ready.message, "Helm install succeeded for release apps/app.v1 with chart demo@1.0.0");
    assert!(obj.condition("Reconciling").is_none());
    let status = obj.status.as_ref().expect("status");
    assert_eq!(status.storage_namespace.as_deref(), Some("apps"));
    assert_eq!(status.last_attempted_release_action.as_deref(), Some("install"));
    let ids: Vec<&str> = status.inventory.iter().flat_map(|all| &all.entries).map(|entry| entry.id.as_str()).collect();
    assert_eq!(ids, ["apps_app-map__ConfigMap"]);
    assert_eq!(cluster.records("app").await, [(1, "deployed".to_owned())]);
    let map: ConfigMap = cluster.api().get("app-map").await.expect("there");
    let (labels, notes) = (map.metadata.labels.expect("labels"), map.metadata.annotations.expect("annotations"));
    assert_eq!(labels["app.kubernetes.io/managed-by"], "Helm");
    assert_eq!(labels["helm.toolkit.fluxcd.io/name"], "app");
    assert_eq!(notes["meta.helm.sh/release-name"], "app");
    cluster.stop().await;
}

#[tokio::test]
async fn values_and_charts_upgrade_and_nothing_is_done_twice() {
    let cluster = Cluster::start().await;
    cluster.publish("1.0.0", &[CONFIG_MAP]).await;
    cluster.release("app", json!({"values": {"key": "one"}})).await;
    cluster.ready("app", 1).await;
    cluster.release("app", json!({"values": {"key": "two"}})).await;
    let obj = cluster.ready("app", 2).await;
    assert_eq!(cluster.value("app-map").await.as_deref(), Some("two"));
    assert_eq!(obj.condition("Released").expect("released").reason, "UpgradeSucceeded");
    cluster.publish("1.1.0", &[CONFIG_MAP]).await;
    cluster.ready("app", 3).await;
    let records: Vec<String> = cluster.records("app").await.into_iter().map(|(_, status)| status).collect();
    assert_eq!(records, ["superseded", "superseded", "deployed"]);
    let before = cluster.request("app", "1", &[]).await.metadata.resource_version;
    assert_eq!(cluster.records("app").await.len(), 3);
    cluster.request("app", "2", &["reconcile.fluxcd.io/forceAt"]).await;
    assert_eq!(cluster.records("app").await.len(), 4, "forced");
    assert_ne!(cluster.get("app").await.expect("there").metadata.resource_version, before);
    cluster.stop().await;
}

#[tokio::test]
async fn values_come_from_maps_and_secrets_that_wake() {
    let cluster = Cluster::start().await;
    cluster.publish("1.0.0", &[CONFIG_MAP]).await;
    let secret = |value: &str| {
        json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "values", "labels": {"reconcile.fluxcd.io/watch": "Enabled"}},
            "stringData": {"values.yaml": format!("key: {value}")}})
    };
    cluster.release("app", json!({"valuesFrom": [{"kind": "Secret", "name": "values"}]})).await;
    let message = cluster.reason("app", "Ready", "ValuesError").await;
    assert!(message.contains("could not resolve Secret chart values reference 'apps/values'"), "{message}");
    let secrets = cluster.api::<Secret>();
    secrets.create(&PostParams::default(), &serde_json::from_value(secret("one")).expect("valid")).await.expect("made");
    cluster.ready("app", 1).await;
    assert_eq!(cluster.value("app-map").await.as_deref(), Some("one"));
    secrets.patch("values", &PatchParams::default(), &Patch::Merge(secret("two"))).await.expect("changed");
    cluster.ready("app", 2).await;
    assert_eq!(cluster.value("app-map").await.as_deref(), Some("two"));
    cluster.stop().await;
}

#[tokio::test]
async fn drift_is_corrected_and_ignored_fields_stay() {
    let cluster = Cluster::start().await;
    cluster.publish("1.0.0", &[CONFIG_MAP]).await;
    cluster.release("app", json!({"values": {"key": "one"}, "driftDetection": {"mode": "enabled"}})).await;
    cluster.ready("app", 1).await;
    let maps = cluster.api::<ConfigMap>();
    let change = json!({"data": {"key": "drifted"}});
    maps.patch("app-map", &PatchParams::default(), &Patch::Merge(&change)).await.expect("changed");
    cluster.request("app", "1", &[]).await;
    assert_eq!(cluster.value("app-map").await.as_deref(), Some("one"));
    assert_eq!(cluster.messages("DriftDetected").len(), 1);
    assert_eq!(
        cluster.messages("DriftCorrected"),
        ["Cluster state of release apps/app.v1 has been corrected:\nConfigMap/apps/app-map configured"]
    );
    maps.delete("app-map", &DeleteParams::default()).await.expect("deleted");
    let obj = cluster.request("app", "2", &[]).await;
    assert_eq!(cluster.value("app-map").await.as_deref(), Some("one"));
    assert_eq!(obj.condition("Drifted").expect("told").reason, "NoDriftDetected");
    let ignore = json!([{"paths": ["/data/key"], "target": {"kind": "ConfigMap"}}]);
    let drift = json!({"values": {"key": "one"}, "driftDetection": {"mode": "enabled", "ignore": ignore}});
    cluster.release("app", drift).await;
    cluster.until("app", "seen", |obj| Some(obj.observed_generation()) == obj.metadata.generation).await;
    maps.patch("app-map", &PatchParams::default(), &Patch::Merge(&change)).await.expect("changed");
    cluster.request("app", "3", &[]).await;
    assert_eq!(cluster.value("app-map").await.as_deref(), Some("drifted"));
    cluster.stop().await;
}

#[tokio::test]
async fn deletion_uninstalls_and_suspension_does_not() {
    let cluster = Cluster::start().await;
    cluster.publish("1.0.0", &[CONFIG_MAP]).await;
    for name in ["app", "kept"] {
        cluster.release(name, json!({})).await;
        cluster.ready(name, 1).await;
    }
    cluster.delete("app").await;
    assert_eq!(cluster.value("app-map").await, None);
    assert!(cluster.records("app").await.is_empty());
    cluster.release("kept", json!({"suspend": true})).await;
    cluster.delete("kept").await;
    assert!(cluster.value("kept-map").await.is_some());
    assert_eq!(cluster.records("kept").await.len(), 1);
    cluster.stop().await;
}

#[tokio::test]
async fn another_name_moves_the_release() {
    let cluster = Cluster::start().await;
    cluster.publish("1.0.0", &[CONFIG_MAP]).await;
    cluster.release("app", json!({})).await;
    cluster.ready("app", 1).await;
    cluster.release("app", json!({"releaseName": "other"})).await;
    cluster
        .until("app", "moved", |obj| {
            let status = obj.status.clone().unwrap_or_default();
            obj.is_ready() && status.history.first().is_some_and(|one| one.name == "other")
        })
        .await;
    assert!(cluster.value("other-map").await.is_some());
    assert_eq!(cluster.value("app-map").await, None);
    assert!(cluster.records("app").await.is_empty());
    cluster.stop().await;
}

#[tokio::test]
async fn a_chart_is_made_of_the_template_and_dependents_wait() {
    let cluster = Cluster::start().await;
    cluster.publish("1.0.0", &[CONFIG_MAP]).await;
    let depends = json!({"dependsOn": [{"name": "base"}]});
    cluster.release("app", depends).await;
    let message = cluster.reason("app", "Ready", "DependencyNotReady").await;
    assert!(message.starts_with("unable to get 'apps/base' dependency"), "{message}");
    cluster.release("base", json!({})).await;
    cluster.ready("app", 1).await;
    let source = json!({"kind": "GitRepository", "name": "repo"});
    let template = json!({"apiVersion": HelmRelease::API_VERSION, "kind": "HelmRelease",
        "metadata": {"name": "made", "namespace": "apps"},
        "spec": {"interval": "1m", "chart": {"spec": {"chart": "./demo", "sourceRef": source}}}});
    let api = cluster.api::<HelmRelease>();
    api.create(&PostParams::default(), &serde_json::from_value(template).expect("valid")).await.expect("created");
    let message = cluster.reason("made", "Ready", "SourceNotReady").await;
    assert_eq!(message, "HelmChart 'apps/apps-made' is not ready: latest generation of object has not been reconciled");
    let charts = cluster.api::<flux_api::HelmChart>();
    let chart = charts.get("apps-made").await.expect("made");
    assert_eq!(chart.spec.chart, "./demo");
    cluster.delete("made").await;
    let look = || async { charts.get_opt("apps-made").await.expect("read").is_none().then_some(()) };
    eventually("chart gone", look, || async { String::new() }).await;
    cluster.stop().await;
}
