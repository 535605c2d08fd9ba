use serde_json::json;

use super::*;

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(seconds).expect("in range")
}

fn check(object: Value, status: Status, message: &str) {
    let found = compute(&object, at(1000)).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!((found.status, found.message.as_str()), (status, message), "{object}");
}

#[test]
fn deletion_and_generation_go_first() {
    check(
        json!({ "kind": "Pod", "apiVersion": "v1", "metadata": { "deletionTimestamp": "2026-01-01T00:00:00Z" } }),
        Status::Terminating,
        "Resource scheduled for deletion",
    );
    check(
        json!({ "kind": "X", "apiVersion": "a/v1", "metadata": { "generation": 2 }, "status": { "observedGeneration": 1 } }),
        Status::InProgress,
        "X generation is 2, but latest observed generation is 1",
    );
    let wrong = json!({ "kind": "X", "metadata": { "generation": "2" } });
    assert!(compute(&wrong, at(0)).is_err_and(|error| error.to_string().contains(".metadata.generation")));
}

#[test]
fn an_unschedulable_pod_gets_time() {
    let pod = json!({
        "apiVersion": "v1", "kind": "Pod", "metadata": { "creationTimestamp": "1970-01-01T00:16:30Z" },
        "status": { "phase": "Pending", "conditions": [{ "type": "PodScheduled", "status": "False", "reason": "Unschedulable" }] }
    });
    assert_eq!(compute(&pod, at(1000)).map(|h| h.status), Ok(Status::InProgress));
    assert_eq!(compute(&pod, at(1006)).map(|h| h.status), Ok(Status::Failed));
}

#[test]
fn a_running_job_is_current_for_kstatus_and_in_progress_for_flux() {
    let job = json!({ "apiVersion": "batch/v1", "kind": "Job", "status": { "startTime": "2026-01-01T00:00:00Z" } });
    assert_eq!(compute(&job, at(0)).map(|h| h.status), Ok(Status::Current));
    assert_eq!(health(&job, at(0)).map(|h| h.status), Ok(Status::InProgress));
    let done = json!({ "apiVersion": "batch/v1", "kind": "Job", "status": { "succeeded": 1, "conditions": [{ "type": "Complete", "status": "True" }] } });
    assert_eq!(health(&done, at(0)).map(|h| h.message), Ok("Job Completed. succeeded: 1/1".into()));
}

#[test]
fn stateful_set_partitions() {
    let set = |updated: i64| {
        json!({
            "apiVersion": "apps/v1", "kind": "StatefulSet",
            "spec": { "replicas": 3, "updateStrategy": { "rollingUpdate": { "partition": 1 } } },
            "status": { "replicas": 3, "readyReplicas": 3, "updatedReplicas": updated }
        })
    };
    check(set(1), Status::InProgress, "updated: 1/2");
    check(set(2), Status::Current, "Partition rollout complete. updated: 2");
}

#[test]
fn expressions_go_before_rules() {
    let expressions = Expressions { current: "status.phase == 'Up'".into(), ..Default::default() };
    let checks = HealthChecks::new([("example.com/v1", "", &expressions)]).expect("valid");
    let object = json!({ "apiVersion": "example.com/v2", "kind": "Any", "status": { "phase": "Up" } });
    assert_eq!(checks.health(&object, at(0)).map(|h| h.status), Ok(Status::Current));
    let other = json!({ "apiVersion": "v1", "kind": "ConfigMap" });
    assert_eq!(checks.health(&other, at(0)).map(|h| h.message), Ok("Resource is always ready".into()));
    let broken = json!({ "apiVersion": "example.com/v2", "kind": "Any" });
    assert!(checks.health(&broken, at(0)).is_err());
}

#[test]
fn sets_have_one_status() {
    use Status::{Current, Failed, InProgress, Unknown};
    assert_eq!(aggregate([], Current), Current);
    assert_eq!(aggregate([Current, Failed, Unknown], Current), Failed);
    assert_eq!(aggregate([Current, Unknown], Current), Unknown);
    assert_eq!(aggregate([Current, InProgress], Current), InProgress);
}

#[test]
fn augmenting_twice_changes_nothing_more() {
    let mut pod = json!({ "apiVersion": "v1", "kind": "Pod", "status": { "phase": "Running" } });
    augment(&mut pod, at(1000)).expect("valid");
    let first = pod.clone();
    augment(&mut pod, at(1000)).expect("valid");
    assert_eq!(pod, first);
    assert_eq!(pod["status"]["conditions"][0]["type"], "Reconciling");
}
