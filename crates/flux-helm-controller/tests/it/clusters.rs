//! Other clusters, and ways to wait.

use flux_api::HelmRelease;
use flux_apiserver::{Config, Identity, Server};
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::{ConfigMap, Namespace, Secret};
use kube::api::{DeleteParams, ListParams, Patch, PatchParams, PostParams};
use kube::{Api, Client};
use serde_json::json;

use crate::cluster::{CONFIG_MAP, Cluster, NAMESPACE, eventually};

#[tokio::test]
async fn a_release_goes_to_the_cluster_of_its_kubeconfig() {
    let cluster = Cluster::start().await;
    let other =
        Server::start(Config { listen: Some(([127, 0, 0, 1], 0).into()), ..Config::default() }).await.expect("server");
    let there = Client::new(other.service(Identity::admin()), "default");
    let space = serde_json::from_value(json!({"metadata": {"name": NAMESPACE}})).expect("valid");
    Api::<Namespace>::all(there.clone()).create(&PostParams::default(), &space).await.expect("created");
    let maps: Api<ConfigMap> = Api::namespaced(there.clone(), NAMESPACE);
    cluster.publish("1.0.0", &[CONFIG_MAP]).await;
    let spec = json!({"kubeConfig": {"secretRef": {"name": "other"}}, "values": {"key": "far"}});
    cluster.release("app", spec).await;
    let message = cluster.reason("app", "Ready", "RESTClientError").await;
    assert_eq!(message, "could not get KubeConfig secret 'apps/other': secrets \"other\" not found");

    let text = other.kubeconfig("other").expect("listens");
    let secret = json!({"metadata": {"name": "other"}, "stringData": {"value.yaml": text}});
    let secrets = cluster.api::<Secret>();
    secrets.create(&PostParams::default(), &serde_json::from_value(secret).expect("valid")).await.expect("created");
    cluster.ready("app", 1).await;
    let map = maps.get("app-map").await.expect("there");
    assert_eq!(map.data.expect("data")["key"], "far");
    assert!(cluster.value("app-map").await.is_none(), "nothing is made here");
    let records: Api<Secret> = Api::namespaced(there, NAMESPACE);
    let found = records.list(&ListParams::default().labels("owner=helm")).await.expect("listed");
    assert_eq!(found.items.len(), 1, "the records are kept where the release is");
    cluster.delete("app").await;
    assert!(maps.get_opt("app-map").await.expect("read").is_none());

    // A cluster that nobody can name any more keeps its release, and does not keep the object.
    cluster.release("app", json!({"kubeConfig": {"secretRef": {"name": "other"}}})).await;
    cluster.ready("app", 1).await;
    secrets.delete("other", &DeleteParams::default()).await.expect("deleted");
    cluster.delete("app").await;
    assert!(maps.get_opt("app-map").await.expect("read").is_some());
    cluster.stop().await;
    other.shutdown().await;
}

#[tokio::test]
async fn a_cluster_by_cloud_identity_stalls() {
    let cluster = Cluster::start().await;
    cluster.publish("1.0.0", &[CONFIG_MAP]).await;
    cluster.release("app", json!({"kubeConfig": {"configMapRef": {"name": "cloud"}}})).await;
    let message = cluster.reason("app", "Stalled", "RESTClientError").await;
    assert_eq!(message, "spec.kubeConfig.configMapRef is not supported yet");
    cluster.stop().await;
}

const DEPLOYMENT: (&str, &str) = (
    "templates/web.yaml",
    "apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 4
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: web, image: web}]}
",
);

/// By Helm 3's rules a quarter of the Pods may be missing; by kstatus none may.
#[tokio::test]
async fn the_legacy_wait_has_its_own_rules() {
    let cluster = Cluster::start().await;
    cluster.publish("1.0.0", &[DEPLOYMENT]).await;
    let deployments = cluster.api::<Deployment>();
    cluster.release("app", json!({"waitStrategy": {"name": "legacy"}, "timeout": "1s"})).await;
    let message = cluster.reason("app", "Released", "InstallFailed").await;
    assert!(message.ends_with("with chart demo@1.0.0: context deadline exceeded"), "{message}");

    cluster
        .release("app", json!({"waitStrategy": {"name": "legacy"}, "timeout": "10s", "values": {"again": true}}))
        .await;
    let web = || async { deployments.get_opt("web").await.expect("read") };
    let web = eventually("deployment", web, || async { String::new() }).await;
    let status = json!({"status": {"observedGeneration": web.metadata.generation, "replicas": 4, "updatedReplicas": 4, "readyReplicas": 3, "availableReplicas": 3, "unavailableReplicas": 1}});
    deployments.patch_status("web", &PatchParams::default(), &Patch::Merge(status)).await.expect("patched");
    cluster
        .until("app", "released", |obj: &HelmRelease| {
            use flux_api::FluxObject as _;
            obj.condition("Released").is_some_and(|one| one.status == "True")
        })
        .await;
    cluster.stop().await;
}
