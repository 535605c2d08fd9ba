//! Tenants: every read and write bears the service account, and the server decides.

use flux_kustomize_controller::Options;
use k8s_openapi::api::core::v1::ServiceAccount;
use k8s_openapi::api::rbac::v1::RoleBinding;
use kube::Api;
use kube::api::PostParams;
use serde_json::json;

use crate::cluster::{Cluster, NAMESPACE, config_map};

async fn tenant(cluster: &Cluster) {
    let account: ServiceAccount =
        serde_json::from_value(json!({"metadata": {"name": "tenant", "namespace": NAMESPACE}})).expect("valid");
    cluster.api::<ServiceAccount>().create(&PostParams::default(), &account).await.expect("created");
    let binding: RoleBinding = serde_json::from_value(json!({"metadata": {"name": "tenant", "namespace": NAMESPACE},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "cluster-admin"},
        "subjects": [{"kind": "ServiceAccount", "name": "tenant", "namespace": NAMESPACE}]}))
    .expect("valid");
    cluster.api::<RoleBinding>().create(&PostParams::default(), &binding).await.expect("created");
}

#[tokio::test]
async fn a_tenant_acts_in_its_namespace_only() {
    let cluster = Cluster::start().await;
    tenant(&cluster).await;
    let role = "apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRole\nmetadata:\n  name: grab\nrules: []\n";
    cluster.publish("main@sha1:1", &[("own/cm.yaml", &config_map("own", "1")), ("role/role.yaml", role)]).await;
    cluster.kustomization("own", json!({"path": "own", "serviceAccountName": "tenant"})).await;
    cluster.applied("own", "main@sha1:1").await;
    cluster
        .kustomization("foreign", json!({"path": "own", "serviceAccountName": "tenant", "targetNamespace": "default"}))
        .await;
    let message = cluster.reason("foreign", "ReconciliationFailed").await;
    assert!(message.contains("(Forbidden)") && message.contains("system:serviceaccount:apps:tenant"), "{message}");
    cluster.kustomization("role", json!({"path": "role", "serviceAccountName": "tenant"})).await;
    let message = cluster.reason("role", "ReconciliationFailed").await;
    assert!(message.starts_with("ClusterRole/grab dry-run failed (Forbidden)"), "{message}");
    let moved: Api<k8s_openapi::api::core::v1::ConfigMap> = Api::namespaced(cluster.client.clone(), "default");
    assert!(moved.get_opt("own").await.expect("read").is_none());
    cluster.stop().await;
}

#[tokio::test]
async fn taking_the_account_away_deletes_nothing() {
    let cluster = Cluster::start().await;
    tenant(&cluster).await;
    cluster.publish("main@sha1:1", &[("cm.yaml", &config_map("own", "1"))]).await;
    cluster.kustomization("app", json!({"serviceAccountName": "tenant"})).await;
    cluster.applied("app", "main@sha1:1").await;
    cluster.kustomization("app", json!({"serviceAccountName": "nobody"})).await;
    cluster.reason("app", "ReconciliationFailed").await;
    assert!(cluster.config_map("own").await.is_some());
    cluster.delete("app").await;
    assert!(cluster.config_map("own").await.is_some(), "without its account nothing is pruned");
    assert!(cluster.messages("Progressing").iter().any(|message| message.starts_with("unable to prune objects: \n")));
    cluster.stop().await;
}

#[tokio::test]
async fn foreign_references_can_be_blocked() {
    let cluster = Cluster::with(|options| options.no_cross_namespace_refs = true, Options::default()).await;
    cluster.publish("main@sha1:1", &[("cm.yaml", &config_map("own", "1"))]).await;
    cluster
        .kustomization("app", json!({"sourceRef": {"kind": "GitRepository", "name": "repo", "namespace": "default"}}))
        .await;
    let message = cluster.reason("app", "AccessDenied").await;
    assert_eq!(message, "can't access 'GitRepository/default/repo', cross-namespace references have been blocked");
    cluster.stop().await;
}
