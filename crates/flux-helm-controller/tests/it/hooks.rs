//! Hooks and tests.

use flux_api::FluxObject as _;
use k8s_openapi::api::batch::v1::Job;
use k8s_openapi::api::core::v1::ConfigMap;
use kube::api::{Patch, PatchParams};
use serde_json::json;

use crate::cluster::{CONFIG_MAP, Cluster, eventually};

const HOOK_MAP: (&str, &str) = (
    "templates/pre.yaml",
    "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {{ .Release.Name }}-pre\n  annotations: {helm.sh/hook: 'pre-install,pre-upgrade'}\ndata: {revision: '{{ .Release.Revision }}'}\n",
);
const HOOK_JOB: (&str, &str) = (
    "templates/job.yaml",
    "apiVersion: batch/v1\nkind: Job\nmetadata:\n  name: {{ .Release.Name }}-migrate\n  annotations: {helm.sh/hook: pre-install, helm.sh/hook-delete-policy: hook-succeeded}\nspec:\n  template:\n    spec: {restartPolicy: Never, containers: [{name: a, image: a}]}\n",
);
const TEST_JOB: (&str, &str) = (
    "templates/test.yaml",
    "apiVersion: batch/v1\nkind: Job\nmetadata:\n  name: {{ .Release.Name }}-test\n  annotations: {helm.sh/hook: test}\nspec:\n  template:\n    spec: {restartPolicy: Never, containers: [{name: a, image: a}]}\n",
);

/// Says of a Job, once it is there, that it ended.
async fn end_job(cluster: &Cluster, name: &str, condition: &str) {
    let jobs = cluster.api::<Job>();
    let look = || async { jobs.get_opt(name).await.expect("read") };
    eventually("job", look, || async { format!("{:?}", cluster.get("app").await.map(|obj| obj.status)) }).await;
    let now = "2026-01-01T00:00:00Z";
    let before = if condition == "Complete" { "SuccessCriteriaMet" } else { "FailureTarget" };
    let conditions = json!([
        {"type": before, "status": "True", "lastTransitionTime": now},
        {"type": condition, "status": "True", "lastTransitionTime": now}]);
    let mut status = json!({"conditions": conditions, "startTime": now});
    if condition == "Complete" {
        status["completionTime"] = now.into();
        status["succeeded"] = 1.into();
    } else {
        status["failed"] = 1.into();
    }
    let patch = json!({"status": status});
    jobs.patch_status(name, &PatchParams::default(), &Patch::Merge(patch)).await.expect("ended");
}

#[tokio::test]
async fn hooks_run_before_the_rest_and_go_as_they_say() {
    let cluster = Cluster::start().await;
    cluster.publish("1.0.0", &[CONFIG_MAP, HOOK_MAP, HOOK_JOB]).await;
    cluster.release("app", json!({})).await;
    let jobs = cluster.api::<Job>();
    let look = || async { jobs.get_opt("app-migrate").await.expect("read") };
    eventually("job", look, || async { format!("{:?}", cluster.get("app").await.map(|obj| obj.status)) }).await;
    assert_eq!(cluster.value("app-map").await, None, "the hook goes first");
    end_job(&cluster, "app-migrate", "Complete").await;
    cluster.ready("app", 1).await;
    assert!(cluster.value("app-map").await.is_some());
    assert!(jobs.get_opt("app-migrate").await.expect("read").is_none(), "deleted on success");
    let revision = |map: ConfigMap| map.data.and_then(|data| data.get("revision").cloned());
    let map: ConfigMap = cluster.api().get("app-pre").await.expect("kept");
    assert_eq!(revision(map).as_deref(), Some("1"));
    cluster.release("app", json!({"values": {"key": "two"}})).await;
    cluster.ready("app", 2).await;
    let map: ConfigMap = cluster.api().get("app-pre").await.expect("made again");
    assert_eq!(revision(map).as_deref(), Some("2"));
    cluster.delete("app").await;
    assert!(
        cluster.api::<ConfigMap>().get_opt("app-pre").await.expect("read").is_some(),
        "hooks are not the release's"
    );
    cluster.stop().await;
}

#[tokio::test]
async fn a_failed_hook_fails_the_install() {
    let cluster = Cluster::start().await;
    cluster.publish("1.0.0", &[CONFIG_MAP, HOOK_JOB]).await;
    cluster.release("app", json!({})).await;
    end_job(&cluster, "app-migrate", "Failed").await;
    let message = cluster.reason("app", "Released", "InstallFailed").await;
    assert!(message.contains("failed pre-install: "), "{message}");
    assert_eq!(cluster.value("app-map").await, None);
    assert_eq!(cluster.records("app").await, [(1, "failed".to_owned())]);
    cluster.stop().await;
}

#[tokio::test]
async fn tests_run_once_and_are_remembered() {
    let cluster = Cluster::start().await;
    cluster.publish("1.0.0", &[CONFIG_MAP, TEST_JOB]).await;
    cluster.release("app", json!({"test": {"enable": true}})).await;
    end_job(&cluster, "app-test", "Complete").await;
    let obj = cluster.ready("app", 1).await;
    let tested = obj.condition("TestSuccess").expect("tested");
    assert_eq!(
        tested.message,
        "Helm test succeeded for release apps/app.v1 with chart demo@1.0.0: 1 test hook completed successfully"
    );
    let hooks = obj.status.expect("status").history[0].test_hooks.clone().expect("remembered");
    assert_eq!(hooks["app-test"].as_ref().and_then(|hook| hook.phase.as_deref()), Some("Succeeded"));
    cluster.request("app", "1", &[]).await;
    assert_eq!(cluster.messages("TestSucceeded").len(), 1);
    assert_eq!(cluster.records("app").await.len(), 1);
    cluster.release("app", json!({"test": {"enable": true}, "values": {"key": "two"}})).await;
    eventually_new_job(&cluster).await;
    end_job(&cluster, "app-test", "Failed").await;
    let message = cluster.reason("app", "TestSuccess", "TestFailed").await;
    assert!(message.starts_with("Helm test failed for release apps/app.v2"), "{message}");
    cluster.stop().await;
}

/// The Job of the first run goes before the second one is made.
async fn eventually_new_job(cluster: &Cluster) {
    let jobs = cluster.api::<Job>();
    let look = || async {
        let job = jobs.get_opt("app-test").await.expect("read")?;
        job.status.and_then(|status| status.succeeded).is_none().then_some(())
    };
    eventually("new job", look, || async { format!("{:?}", cluster.get("app").await.map(|obj| obj.status)) }).await;
}
