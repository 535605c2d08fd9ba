//! Readiness by Helm 3's rules: built-in kinds that bring Pods, volumes and addresses count, everything else is ready
//! as soon as it is there.

use serde_json::Value;

use crate::status::Status;

/// The status of an object by Helm 3's rules. Only a Job can fail.
///
/// Where Helm looks up the ReplicaSet of a Deployment, the Deployment's own counters serve: of the ready Pods as many
/// are taken for old ones as there are old ones at all.
pub fn legacy(object: &Value) -> Status {
    let group =
        object["apiVersion"].as_str().and_then(|version| version.split_once('/')).map_or("", |(group, _)| group);
    let ready = match (group, object["kind"].as_str().unwrap_or_default()) {
        ("", "Pod") => condition(object, "Ready") == Some("True"),
        ("batch", "Job") => return job(object),
        ("apps", "Deployment") => deployment(object),
        ("", "PersistentVolumeClaim") => object["status"]["phase"] == "Bound",
        ("", "Service") => service(object),
        ("apps", "DaemonSet") => daemon_set(object),
        ("apiextensions.k8s.io", "CustomResourceDefinition") => {
            // A conflict of names is somebody else's to mend.
            condition(object, "Established") == Some("True") || condition(object, "NamesAccepted") == Some("False")
        }
        ("apps", "StatefulSet") => stateful_set(object),
        ("apps", "ReplicaSet") | ("", "ReplicationController") => {
            observed(object)
                && number(&object["status"]["readyReplicas"], 0) >= number(&object["status"]["replicas"], 0)
        }
        _ => true,
    };
    done(ready)
}

fn done(ready: bool) -> Status {
    if ready { Status::Current } else { Status::InProgress }
}

fn number(value: &Value, default: i64) -> i64 {
    value.as_i64().unwrap_or(default)
}

fn condition<'a>(object: &'a Value, kind: &str) -> Option<&'a str> {
    let conditions = object["status"]["conditions"].as_array()?;
    conditions.iter().find(|condition| condition["type"] == kind)?["status"].as_str()
}

/// The object's controller has seen its generation.
fn observed(object: &Value) -> bool {
    number(&object["status"]["observedGeneration"], 0) == number(&object["metadata"]["generation"], 0)
}

/// A number, or a share of `total` in percent.
fn scaled(value: &Value, total: i64, round_up: bool) -> Option<i64> {
    if let Some(number) = value.as_i64() {
        return Some(number);
    }
    let percent: i64 = value.as_str()?.strip_suffix('%')?.parse().ok()?;
    let product = percent.checked_mul(total)?;
    Some(if round_up { product.checked_add(99)?.div_euclid(100) } else { product.div_euclid(100) })
}

fn job(object: &Value) -> Status {
    let (spec, status) = (&object["spec"], &object["status"]);
    if number(&status["failed"], 0) > number(&spec["backoffLimit"], 6) {
        return Status::Failed;
    }
    done(spec["completions"].as_i64().is_none_or(|wanted| number(&status["succeeded"], 0) >= wanted))
}

fn deployment(object: &Value) -> bool {
    let (spec, status) = (&object["spec"], &object["status"]);
    if spec["paused"] == true {
        return true;
    }
    if !observed(object) {
        return false;
    }
    let replicas = number(&spec["replicas"], 1);
    let old = number(&status["replicas"], 0).saturating_sub(number(&status["updatedReplicas"], 0));
    let new_and_ready = number(&status["readyReplicas"], 0).saturating_sub(old.max(0));
    new_and_ready >= replicas.saturating_sub(unavailable(spec, replicas))
}

/// How many Pods of a Deployment may be missing, as its controller counts.
fn unavailable(spec: &Value, replicas: i64) -> i64 {
    let strategy = &spec["strategy"];
    if strategy["type"] != "RollingUpdate" || replicas == 0 {
        return 0;
    }
    let rolling = &strategy["rollingUpdate"];
    let surge = scaled(&rolling["maxSurge"], replicas, true).unwrap_or(0);
    let missing = scaled(&rolling["maxUnavailable"], replicas, false).unwrap_or(0);
    let missing = if surge == 0 && missing == 0 { 1 } else { missing };
    missing.min(replicas)
}

fn service(object: &Value) -> bool {
    let spec = &object["spec"];
    if spec["type"] == "ExternalName" {
        return true;
    }
    if spec["clusterIP"].as_str().unwrap_or_default().is_empty() {
        return false;
    }
    let filled = |value: &Value| value.as_array().is_some_and(|list| !list.is_empty());
    spec["type"] != "LoadBalancer"
        || filled(&spec["externalIPs"])
        || filled(&object["status"]["loadBalancer"]["ingress"])
}

fn daemon_set(object: &Value) -> bool {
    let (strategy, status) = (&object["spec"]["updateStrategy"], &object["status"]);
    if !observed(object) {
        return false;
    }
    if strategy["type"] != "RollingUpdate" {
        return true;
    }
    let desired = number(&status["desiredNumberScheduled"], 0);
    let missing = scaled(&strategy["rollingUpdate"]["maxUnavailable"], desired, true).unwrap_or(desired);
    number(&status["updatedNumberScheduled"], 0) == desired
        && number(&status["numberReady"], 0) >= desired.saturating_sub(missing)
}

fn stateful_set(object: &Value) -> bool {
    let (spec, status) = (&object["spec"], &object["status"]);
    if !observed(object) {
        return false;
    }
    if spec["updateStrategy"]["type"] != "RollingUpdate" {
        return true;
    }
    let partition = number(&spec["updateStrategy"]["rollingUpdate"]["partition"], 0);
    let replicas = number(&spec["replicas"], 1);
    number(&status["updatedReplicas"], 0) >= replicas.saturating_sub(partition)
        && number(&status["readyReplicas"], 0) == replicas
        && (partition != 0 || status["currentRevision"] == status["updateRevision"])
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn check(object: Value, wanted: Status) {
        assert_eq!(legacy(&object), wanted, "{object}");
    }

    fn deployment(strategy: Value, status: Value) -> Value {
        json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"generation": 2},
            "spec": {"replicas": 4, "strategy": strategy}, "status": status})
    }

    #[test]
    fn a_deployment_may_miss_some_pods() {
        let rolling = json!({"type": "RollingUpdate", "rollingUpdate": {"maxSurge": "25%", "maxUnavailable": "25%"}});
        let status =
            |ready: i64| json!({"observedGeneration": 2, "replicas": 5, "updatedReplicas": 4, "readyReplicas": ready});
        check(deployment(rolling.clone(), status(4)), Status::Current);
        check(deployment(rolling.clone(), status(3)), Status::InProgress);
        check(deployment(json!({"type": "Recreate"}), status(4)), Status::InProgress);
        check(deployment(rolling, json!({"observedGeneration": 1, "readyReplicas": 9})), Status::InProgress);
    }

    #[test]
    fn other_kinds_by_their_own_rules() {
        check(json!({"apiVersion": "example.com/v1", "kind": "Deployment"}), Status::Current);
        check(json!({"apiVersion": "v1", "kind": "Pod", "status": {"phase": "Running"}}), Status::InProgress);
        check(
            json!({"apiVersion": "v1", "kind": "PersistentVolumeClaim", "status": {"phase": "Pending"}}),
            Status::InProgress,
        );
        let service = |spec: Value| json!({"apiVersion": "v1", "kind": "Service", "spec": spec});
        check(service(json!({"clusterIP": "10.0.0.1"})), Status::Current);
        check(service(json!({"clusterIP": "10.0.0.1", "type": "LoadBalancer"})), Status::InProgress);
        check(service(json!({"type": "ExternalName"})), Status::Current);
        let job = |status: Value| json!({"apiVersion": "batch/v1", "kind": "Job", "spec": {"completions": 2, "backoffLimit": 1}, "status": status});
        check(job(json!({"succeeded": 1, "failed": 1})), Status::InProgress);
        check(job(json!({"succeeded": 2})), Status::Current);
        check(job(json!({"failed": 2})), Status::Failed);
        let set = |status: Value| {
            json!({"apiVersion": "apps/v1", "kind": "StatefulSet", "metadata": {"generation": 1},
            "spec": {"replicas": 2, "updateStrategy": {"type": "RollingUpdate"}}, "status": status})
        };
        let mut status = json!({"observedGeneration": 1, "updatedReplicas": 2, "readyReplicas": 2, "currentRevision": "a", "updateRevision": "b"});
        check(set(status.clone()), Status::InProgress);
        status["currentRevision"] = "b".into();
        check(set(status), Status::Current);
    }

    #[test]
    fn nothing_panics_on_odd_numbers() {
        let strategy = json!({"type": "RollingUpdate", "rollingUpdate": {"maxSurge": "9223372036854775807%", "maxUnavailable": -5}});
        let _ = legacy(&deployment(strategy, json!({"observedGeneration": 2, "replicas": i64::MIN})));
    }
}
