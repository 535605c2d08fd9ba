//! Health: watched without a slot, pre-empted by anything newer.

use flux_api::FluxObject as _;
use flux_kustomize_controller::Options;
use k8s_openapi::api::apps::v1::Deployment;
use kube::Api;
use kube::api::{Patch, PatchParams};
use serde_json::json;

use crate::cluster::{Cluster, config_map};

fn deployment(name: &str, image: &str) -> String {
    format!(
        "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: {name}\nspec:\n  selector:\n    matchLabels: {{app: {name}}}\n  template:\n    metadata:\n      labels: {{app: {name}}}\n    spec:\n      containers:\n      - name: a\n        image: {image}\n"
    )
}

async fn make_ready(cluster: &Cluster, name: &str) {
    let api: Api<Deployment> = cluster.api();
    let generation = api.get(name).await.expect("there").metadata.generation;
    let conditions = json!([{"type": "Available", "status": "True"}, {"type": "Progressing", "status": "True", "reason": "NewReplicaSetAvailable"}]);
    let status = json!({"status": {"observedGeneration": generation, "replicas": 1, "updatedReplicas": 1, "readyReplicas": 1, "availableReplicas": 1, "conditions": conditions}});
    api.patch_status(name, &PatchParams::default(), &Patch::Merge(status)).await.expect("patched");
}

#[tokio::test]
async fn ready_comes_with_the_event_that_makes_it_healthy() {
    let cluster = Cluster::start().await;
    cluster.publish("main@sha1:1", &[("d.yaml", &deployment("web", "web:1"))]).await;
    cluster.kustomization("app", json!({"wait": true})).await;
    let obj = cluster.until("app", "shown to wait", |obj| obj.condition("Healthy").is_some()).await;
    let healthy = obj.condition("Healthy").expect("checked");
    assert_eq!((healthy.status.as_str(), healthy.reason.as_str()), ("Unknown", "Progressing"));
    assert_eq!(healthy.message, "Running health checks for revision main@sha1:1 with a timeout of 9m30s");
    assert_eq!(obj.condition("Reconciling").map(|condition| condition.message.clone()), Some(healthy.message.clone()));
    make_ready(&cluster, "web").await;
    let obj = cluster.applied("app", "main@sha1:1").await;
    let healthy = obj.condition("Healthy").expect("there");
    assert!(healthy.status == "True" && healthy.message.starts_with("Health check passed in "), "{healthy:?}");
    cluster.stop().await;
}

#[tokio::test]
async fn waiting_units_hold_no_slot_and_a_fix_goes_first() {
    let cluster = Cluster::with(|options| options.concurrent = 2, Options::default()).await;
    let names: Vec<String> = (0..8).map(|number| format!("hang-{number}")).collect();
    let mut files: Vec<(String, String)> =
        names.iter().map(|name| (format!("{name}/d.yaml"), deployment(name, "web:1"))).collect();
    files.push(("good/cm.yaml".into(), config_map("good", "1")));
    let publish = async |revision: &str, files: &[(String, String)]| {
        let files: Vec<(&str, &str)> = files.iter().map(|(path, content)| (path.as_str(), content.as_str())).collect();
        cluster.publish(revision, &files).await;
    };
    publish("main@sha1:1", &files).await;
    for name in &names {
        cluster.kustomization(name, json!({"path": name, "wait": true, "timeout": "10m"})).await;
    }
    for name in &names {
        let api: Api<Deployment> = cluster.api();
        crate::cluster::eventually(
            "applied",
            || async { api.get_opt(name).await.expect("read") },
            || async { String::new() },
        )
        .await;
    }
    let started = std::time::Instant::now();
    cluster.kustomization("good", json!({"path": "good"})).await;
    cluster.applied("good", "main@sha1:1").await;
    assert!(started.elapsed().as_secs() < 3, "{:?}", started.elapsed());

    // A fix to one of those that hang begins at once.
    files[0].1 = config_map("fixed", "1");
    let started = std::time::Instant::now();
    publish("main@sha1:2", &files).await;
    cluster.applied("hang-0", "main@sha1:2").await;
    assert!(started.elapsed().as_secs() < 5, "{:?}", started.elapsed());
    let canceled = cluster.messages("HealthCheckCanceled");
    assert!(
        canceled.iter().any(|message| message
            == "Health checks canceled due to new reconciliation triggered by GitRepository/apps/repo"),
        "{canceled:?}"
    );
    cluster.stop().await;
}

#[tokio::test]
async fn a_failed_object_fails_the_unit_early() {
    let cluster = Cluster::start().await;
    cluster.publish("main@sha1:1", &[("d.yaml", &deployment("web", "web:1"))]).await;
    cluster.kustomization("app", json!({"wait": true, "retryInterval": "1h"})).await;
    let api: Api<Deployment> = cluster.api();
    crate::cluster::eventually(
        "applied",
        || async { api.get_opt("web").await.expect("read") },
        || async { String::new() },
    )
    .await;
    let status = json!({"status": {"observedGeneration": 1, "conditions": [{"type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded"}]}});
    api.patch_status("web", &PatchParams::default(), &Patch::Merge(status)).await.expect("patched");
    let message = cluster.reason("app", "HealthCheckFailed").await;
    assert!(message.starts_with("health check failed after "), "{message}");
    assert!(
        message.ends_with("failed early due to stalled resources: [Deployment/apps/web status: 'Failed']"),
        "{message}"
    );
    let obj = cluster.get("app").await.expect("there");
    assert_eq!(obj.condition("Healthy").map(|condition| condition.status.as_str()), Some("False"));
    assert_eq!(obj.condition("Reconciling").map(|condition| condition.reason.as_str()), Some("ProgressingWithRetry"));
    assert_ne!(Some(obj.observed_generation()), obj.metadata.generation);
    cluster.stop().await;
}

#[tokio::test]
async fn expressions_and_named_checks() {
    let cluster = Cluster::start().await;
    cluster.publish("main@sha1:1", &[("cm.yaml", &config_map("web", "1"))]).await;
    let expressions = json!([{"apiVersion": "v1", "kind": "ConfigMap", "current": "data.key == 'ready'", "failed": "data.key == 'broken'"}]);
    cluster.kustomization("app", json!({"healthCheckExprs": expressions, "healthChecks": [{"apiVersion": "v1", "kind": "ConfigMap", "name": "web", "namespace": "apps"}], "ignore": [{"paths": ["/data/key"]}]})).await;
    cluster.until("app", "shown to wait", |obj| obj.condition("Healthy").is_some()).await;
    let api: Api<k8s_openapi::api::core::v1::ConfigMap> = cluster.api();
    api.patch("web", &PatchParams::default(), &Patch::Merge(json!({"data": {"key": "ready"}}))).await.expect("patched");
    cluster.applied("app", "main@sha1:1").await;
    assert_eq!(cluster.value("web").await.as_deref(), Some("ready"), "an ignored field is left to others");
    cluster.stop().await;
}
