//! Failed actions, remediation, retries, interruption, crashes.

use std::time::Duration;

use flux_api::FluxObject as _;
use k8s_openapi::api::core::v1::Secret;
use kube::api::{Patch, PatchParams};
use serde_json::json;

use crate::cluster::{CONFIG_MAP, Cluster};

/// A Deployment that nothing makes ready, when it is asked for.
const DEPLOYMENT: (&str, &str) = (
    "templates/web.yaml",
    "{{ if .Values.web }}\napiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: {{ .Release.Name }}-web\nspec:\n  selector: {matchLabels: {app: web}}\n  template:\n    metadata: {labels: {app: web}}\n    spec: {containers: [{name: web, image: web}]}\n{{ end }}\n",
);

#[tokio::test]
async fn a_failed_install_is_uninstalled_and_stalls() {
    let cluster = Cluster::start().await;
    cluster.publish("1.0.0", &[CONFIG_MAP, DEPLOYMENT]).await;
    let spec = json!({"timeout": "200ms", "values": {"web": true}, "install": {"remediation": {"retries": 1}}});
    cluster.release("app", spec).await;
    let message = cluster.reason("app", "Stalled", "RetriesExceeded").await;
    assert_eq!(message, "Failed to install after 2 attempt(s)");
    let obj = cluster.get("app").await.expect("there");
    let ready = obj.condition("Ready").expect("ready");
    assert_eq!(ready.reason, "InstallFailed");
    assert_eq!(
        ready.message,
        "Helm install failed for release apps/app with chart demo@1.0.0: timeout waiting for: [Deployment/apps/app-web status: 'InProgress']"
    );
    let status = obj.status.as_ref().expect("status");
    assert_eq!((status.failures, status.install_failures), (2, 2));
    assert_eq!(status.history[0].status, "failed");
    assert_eq!(cluster.records("app").await, [(1, "failed".to_owned())]);
    assert_eq!(cluster.messages("UninstallSucceeded").len(), 1);
    assert_eq!(obj.observed_generation(), 1);
    // An edit starts anew.
    cluster.release("app", json!({"values": {}})).await;
    cluster.ready("app", 2).await;
    cluster.stop().await;
}

#[tokio::test]
async fn a_failed_upgrade_is_rolled_back() {
    let cluster = Cluster::start().await;
    cluster.publish("1.0.0", &[CONFIG_MAP, DEPLOYMENT]).await;
    cluster.release("app", json!({"values": {"key": "good"}})).await;
    cluster.ready("app", 1).await;
    let upgrade = json!({"remediation": {"retries": 0, "remediateLastFailure": true}});
    let spec = json!({"timeout": "200ms", "values": {"key": "bad", "web": true}, "upgrade": upgrade});
    cluster.release("app", spec).await;
    cluster.reason("app", "Stalled", "RetriesExceeded").await;
    let obj = cluster.get("app").await.expect("there");
    let remediated = obj.condition("Remediated").expect("remediated");
    assert_eq!(remediated.reason, "RollbackSucceeded");
    assert_eq!(remediated.message, "Helm rollback to previous release apps/app.v1 with chart demo@1.0.0 succeeded");
    assert_eq!(obj.condition("Ready").expect("ready").status, "False");
    assert_eq!(cluster.value("app-map").await.as_deref(), Some("good"));
    let records: Vec<String> = cluster.records("app").await.into_iter().map(|(_, status)| status).collect();
    assert_eq!(records, ["superseded", "failed", "deployed"]);
    cluster.stop().await;
}

#[tokio::test]
async fn a_fix_does_not_wait_for_a_release_that_hangs() {
    let cluster = Cluster::start().await;
    cluster.publish("1.0.0", &[CONFIG_MAP, DEPLOYMENT]).await;
    cluster.release("app", json!({"timeout": "5m", "values": {"web": true}})).await;
    cluster.until("app", "progress shown", |obj| obj.condition("Reconciling").is_some()).await;
    let started = std::time::Instant::now();
    cluster.release("app", json!({"timeout": "5m", "values": {"key": "fixed"}})).await;
    cluster.ready("app", 2).await;
    assert!(started.elapsed() < Duration::from_secs(2), "{:?}", started.elapsed());
    assert_eq!(cluster.value("app-map").await.as_deref(), Some("fixed"));
    assert_eq!(cluster.messages("HealthCheckCanceled").len(), 1);
    let records: Vec<String> = cluster.records("app").await.into_iter().map(|(_, status)| status).collect();
    assert_eq!(records, ["superseded", "deployed"]);
    cluster.stop().await;
}

#[tokio::test]
async fn retry_on_failure_upgrades_again() {
    let cluster = Cluster::start().await;
    cluster.publish("1.0.0", &[CONFIG_MAP, DEPLOYMENT]).await;
    let install = json!({"strategy": {"name": "RetryOnFailure", "retryInterval": "100ms"}});
    cluster.release("app", json!({"timeout": "100ms", "values": {"web": true}, "install": install})).await;
    cluster
        .until("app", "second try", |obj| {
            obj.status.as_ref().is_some_and(|status| status.history.first().is_some_and(|one| one.version > 1))
        })
        .await;
    assert!(cluster.messages("UninstallSucceeded").is_empty());
    cluster.stop().await;
}

#[tokio::test]
async fn a_release_that_was_cut_off_is_unlocked() {
    let mut cluster = Cluster::start().await;
    cluster.publish("1.0.0", &[CONFIG_MAP, DEPLOYMENT]).await;
    cluster.release("app", json!({"timeout": "5m", "values": {"web": true}})).await;
    cluster.until("app", "progress shown", |obj| obj.condition("Reconciling").is_some()).await;
    cluster.restart().await;
    // The controller that starts again finds it, and the fix goes on from there.
    cluster.release("app", json!({"values": {"key": "fixed"}})).await;
    cluster
        .until("app", "ready", |obj| obj.is_ready() && Some(obj.observed_generation()) == obj.metadata.generation)
        .await;
    let records = cluster.records("app").await;
    assert_eq!(records.iter().filter(|(_, status)| status == "deployed").count(), 1, "{records:?}");
    assert_eq!(records.iter().filter(|(_, status)| status.starts_with("pending")).count(), 0, "{records:?}");
    cluster.stop().await;
}

#[tokio::test]
async fn a_release_that_somebody_else_changed_is_upgraded() {
    let cluster = Cluster::start().await;
    cluster.publish("1.0.0", &[CONFIG_MAP]).await;
    cluster.release("app", json!({"values": {"key": "one"}})).await;
    cluster.ready("app", 1).await;
    let mut record = cluster.stored("app").await.pop().expect("record");
    record.info.description = "tampered".into();
    let secret =
        flux_helm::storage::secret(&record, "apps", flux_helm::storage::Write::Update, flux_helm::Time::from_unix(1))
            .expect("record");
    let name = "sh.helm.release.v1.app.v1";
    cluster.api::<Secret>().patch(name, &PatchParams::default(), &Patch::Merge(secret)).await.expect("changed");
    cluster.request("app", "1", &[]).await;
    cluster.ready("app", 2).await;
    cluster.stop().await;
}

#[tokio::test]
async fn a_chart_that_does_not_render_says_why() {
    let cluster = Cluster::start().await;
    cluster.publish("1.0.0", &[("templates/bad.yaml", "{{ fail \"no way\" }}")]).await;
    cluster.release("app", json!({})).await;
    let message = cluster.reason("app", "Ready", "InstallFailed").await;
    assert!(message.ends_with("execution error at (demo/templates/bad.yaml:1:3): no way"), "{message}");
    assert!(cluster.records("app").await.is_empty(), "nothing half-installed");
    cluster.stop().await;
}
