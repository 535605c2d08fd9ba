//! Rules per built-in kind, in kstatus' order and words.

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use crate::status::{Entry, Health, HealthError, conditions, count, integer, lookup, text, word};

/// How long a Pod may be unschedulable before that counts as failed.
pub const SCHEDULE_WINDOW: SignedDuration = SignedDuration::from_secs(15);

pub(crate) type Rule = fn(&Value, Timestamp) -> Result<Health, HealthError>;

/// The rule of an object's kind; versions do not matter.
pub(crate) fn rule(object: &Value) -> Option<Rule> {
    Some(match group_kind(object) {
        ("", "Service") => service,
        ("", "Pod") => pod,
        ("", "Secret" | "ConfigMap") | ("batch", "CronJob") => always_ready,
        ("", "PersistentVolumeClaim") => claim,
        ("apps", "StatefulSet") => stateful_set,
        ("apps" | "extensions", "DaemonSet") => daemon_set,
        ("apps" | "extensions", "Deployment") => deployment,
        ("apps" | "extensions", "ReplicaSet") => replica_set,
        ("policy", "PodDisruptionBudget") => disruption_budget,
        ("batch", "Job") => job,
        ("apiextensions.k8s.io", "CustomResourceDefinition") => definition,
        _ => return None,
    })
}

pub(crate) fn is_job(object: &Value) -> bool {
    group_kind(object) == ("batch", "Job")
}

fn group_kind(object: &Value) -> (&str, &str) {
    let version = word(object, &["apiVersion"], "");
    (version.split_once('/').map_or("", |(group, _)| group), word(object, &["kind"], ""))
}

fn always_ready(_: &Value, _: Timestamp) -> Result<Health, HealthError> {
    Ok(Health::current("Resource is always ready"))
}

fn stateful_set(object: &Value, _: Timestamp) -> Result<Health, HealthError> {
    if word(object, &["spec", "updateStrategy", "type"], "") == "OnDelete" {
        return Ok(Health::current("StatefulSet is using the ondelete update strategy"));
    }
    let wanted = count(object, &["spec", "replicas"], 1);
    let status = |name| count(object, &["status", name], 0);
    let (replicas, ready, current, updated) =
        (status("replicas"), status("readyReplicas"), status("currentReplicas"), status("updatedReplicas"));
    let partition = count(object, &["spec", "updateStrategy", "rollingUpdate", "partition"], -1);
    Ok(if wanted > replicas {
        Health::in_progress("LessReplicas", format!("Replicas: {replicas}/{wanted}"))
    } else if wanted > ready {
        Health::in_progress("LessReady", format!("Ready: {ready}/{wanted}"))
    } else if replicas > wanted {
        Health::in_progress("ExtraPods", format!("Pending termination: {}", replicas - wanted))
    } else if partition != -1 && updated < wanted.saturating_sub(partition) {
        Health::in_progress("PartitionRollout", format!("updated: {updated}/{}", wanted.saturating_sub(partition)))
    } else if partition != -1 {
        Health::current(format!("Partition rollout complete. updated: {updated}"))
    } else if wanted > current {
        Health::in_progress("LessCurrent", format!("current: {current}/{wanted}"))
    } else if word(object, &["status", "currentRevision"], "") != word(object, &["status", "updateRevision"], "") {
        Health::in_progress("RevisionMismatch", "Waiting for updated revision to match current")
    } else {
        Health::current(format!("All replicas scheduled as expected. Replicas: {replicas}"))
    })
}

fn deployment(object: &Value, _: Timestamp) -> Result<Health, HealthError> {
    // Without a deadline the controller never sets `Progressing`; MaxInt32 means none.
    let no_deadline = i64::from(i32::MAX);
    let mut progressing = count(object, &["spec", "progressDeadlineSeconds"], no_deadline) == no_deadline;
    let mut available = false;
    for entry in conditions(object) {
        match entry.kind {
            "Progressing" if entry.reason == "ProgressDeadlineExceeded" => {
                let mut failed = Health::failed(entry.reason, entry.message);
                failed.message = "Progress deadline exceeded".into();
                return Ok(failed);
            }
            "Progressing" if entry.status == "True" && entry.reason == "NewReplicaSetAvailable" => progressing = true,
            "Available" if entry.status == "True" => available = true,
            _ => {}
        }
    }
    let wanted = count(object, &["spec", "replicas"], 1);
    let status = |name| count(object, &["status", name], 0);
    let (replicas, updated, ready, up) =
        (status("replicas"), status("updatedReplicas"), status("readyReplicas"), status("availableReplicas"));
    Ok(if wanted > replicas {
        Health::in_progress("LessReplicas", format!("Replicas: {replicas}/{wanted}"))
    } else if wanted > updated {
        Health::in_progress("LessUpdated", format!("Updated: {updated}/{wanted}"))
    } else if replicas > wanted {
        Health::in_progress("ExtraPods", format!("Pending termination: {}", replicas - wanted))
    } else if updated > up {
        Health::in_progress("LessAvailable", format!("Available: {up}/{updated}"))
    } else if wanted > ready {
        Health::in_progress("LessReady", format!("Ready: {ready}/{wanted}"))
    } else if !progressing {
        Health::in_progress("ReplicaSetNotAvailable", "ReplicaSet not Available")
    } else if !available {
        Health::in_progress("DeploymentNotAvailable", "Deployment not Available")
    } else {
        Health::current(format!("Deployment is available. Replicas: {replicas}"))
    })
}

fn replica_set(object: &Value, _: Timestamp) -> Result<Health, HealthError> {
    if has(object, "ReplicaFailure", "True") {
        return Ok(Health::in_progress("ReplicaFailure", "Replica Failure condition. Check Pods"));
    }
    let wanted = count(object, &["spec", "replicas"], 1);
    let status = |name| count(object, &["status", name], 0);
    let (replicas, labelled, up, ready) =
        (status("replicas"), status("fullyLabeledReplicas"), status("availableReplicas"), status("readyReplicas"));
    Ok(if wanted > labelled {
        Health::in_progress("LessLabelled", format!("Labelled: {labelled}/{wanted}"))
    } else if wanted > up {
        Health::in_progress("LessAvailable", format!("Available: {up}/{wanted}"))
    } else if wanted > ready {
        Health::in_progress("LessReady", format!("Ready: {ready}/{wanted}"))
    } else if replicas > wanted {
        Health::in_progress("ExtraPods", format!("Pending termination: {}", replicas - wanted))
    } else {
        Health::current(format!("ReplicaSet is available. Replicas: {replicas}"))
    })
}

fn daemon_set(object: &Value, _: Timestamp) -> Result<Health, HealthError> {
    // The controller always sets both once it saw the object.
    for (path, reason) in
        [(["metadata", "generation"], "NoGeneration"), (["status", "observedGeneration"], "NoObservedGeneration")]
    {
        if integer(object, &path)?.is_none() {
            let kind = word(object, &["kind"], "");
            return Ok(Health::in_progress(reason, format!("{kind} {} not found", path.join("."))));
        }
    }
    let status = |name| count(object, &["status", name], 0);
    let wanted = count(object, &["status", "desiredNumberScheduled"], -1);
    let (current, updated, up, ready) = (
        status("currentNumberScheduled"),
        status("updatedNumberScheduled"),
        status("numberAvailable"),
        status("numberReady"),
    );
    Ok(if wanted == -1 {
        Health::in_progress("NoDesiredNumber", "Missing .status.desiredNumberScheduled")
    } else if wanted > current {
        Health::in_progress("LessCurrent", format!("Current: {current}/{wanted}"))
    } else if wanted > updated {
        Health::in_progress("LessUpdated", format!("Updated: {updated}/{wanted}"))
    } else if wanted > up {
        Health::in_progress("LessAvailable", format!("Available: {up}/{wanted}"))
    } else if wanted > ready {
        Health::in_progress("LessReady", format!("Ready: {ready}/{wanted}"))
    } else {
        Health::current(format!("All replicas scheduled as expected. Replicas: {wanted}"))
    })
}

fn claim(object: &Value, _: Timestamp) -> Result<Health, HealthError> {
    let phase = word(object, &["status", "phase"], "unknown");
    Ok(if phase == "Bound" {
        Health::current("PVC is Bound")
    } else {
        Health::in_progress("NotBound", format!("PVC is not Bound. phase: {phase}"))
    })
}

fn pod(object: &Value, now: Timestamp) -> Result<Health, HealthError> {
    Ok(match word(object, &["status", "phase"], "") {
        "Succeeded" => Health::current("Pod has completed successfully"),
        "Failed" => Health::current("Pod has completed, but not successfully"),
        "Running" if has(object, "Ready", "True") => Health::current("Pod is Ready"),
        "Running" => match crash_looping(object).as_slice() {
            [] => Health::in_progress("PodRunningNotReady", "Pod is running but is not Ready"),
            names => {
                Health::failed("ContainerCrashLooping", format!("Containers in CrashLoop state: {}", names.join(",")))
            }
        },
        "Pending" => pending_pod(object, now)?,
        "" => Health::in_progress("PodNotObserved", "Pod phase not available"),
        phase => return Err(HealthError::UnknownPhase(phase.to_owned())),
    })
}

fn pending_pod(object: &Value, now: Timestamp) -> Result<Health, HealthError> {
    let unscheduled = |entry: &Entry<'_>| entry.kind == "PodScheduled" && entry.status == "False";
    if conditions(object).find(unscheduled).is_none_or(|entry| entry.reason != "Unschedulable") {
        return Ok(Health::in_progress("PodPending", "Pod is in the Pending phase"));
    }
    let created = text(object, &["metadata", "creationTimestamp"])?.and_then(|time| time.parse::<Timestamp>().ok());
    let young = created.is_some_and(|created| now.duration_since(created) < SCHEDULE_WINDOW);
    Ok(if young {
        Health::in_progress("PodNotScheduled", "Pod has not been scheduled")
    } else {
        Health::failed("PodUnschedulable", "Pod could not be scheduled")
    })
}

fn crash_looping(object: &Value) -> Vec<&str> {
    let containers = lookup(object, &["status", "containerStatuses"]).and_then(Value::as_array);
    let waiting = |container: &&Value| word(container, &["state", "waiting", "reason"], "") == "CrashLoopBackOff";
    let name = |container| lookup(container, &["name"]).and_then(Value::as_str);
    containers.into_iter().flatten().filter(waiting).filter_map(name).collect()
}

fn disruption_budget(_: &Value, _: Timestamp) -> Result<Health, HealthError> {
    Ok(Health::current("AllowedDisruptions has been computed."))
}

fn job(object: &Value, _: Timestamp) -> Result<Health, HealthError> {
    if let Some(ended) = ended_job(object, true) {
        return Ok(ended);
    }
    if word(object, &["status", "startTime"], "").is_empty() {
        return Ok(Health::in_progress("JobNotStarted", "Job not started"));
    }
    let status = |name| count(object, &["status", name], 0);
    let (succeeded, active, failed) = (status("succeeded"), status("active"), status("failed"));
    Ok(Health::current(format!("Job in progress. success:{succeeded}, active: {active}, failed: {failed}")))
}

/// Flux waits for the end of a Job.
pub(crate) fn completed_job(object: &Value) -> Result<Health, HealthError> {
    Ok(ended_job(object, false).unwrap_or_else(|| Health::in_progress("JobInProgress", "Job in progress")))
}

fn ended_job(object: &Value, suspended_ends: bool) -> Option<Health> {
    let parallelism = count(object, &["spec", "parallelism"], 1);
    let completions = count(object, &["spec", "completions"], parallelism);
    let status = |name| count(object, &["status", name], 0);
    conditions(object).filter(|entry| entry.status == "True").find_map(|entry| match entry.kind {
        "Complete" => Some(Health::current(format!("Job Completed. succeeded: {}/{completions}", status("succeeded")))),
        "Failed" => {
            Some(Health::failed("JobFailed", format!("Job Failed. failed: {}/{completions}", status("failed"))))
        }
        "Suspended" if suspended_ends => Some(Health::current("Job is suspended")),
        _ => None,
    })
}

fn service(object: &Value, _: Timestamp) -> Result<Health, HealthError> {
    let balanced = word(object, &["spec", "type"], "ClusterIP") == "LoadBalancer";
    Ok(if balanced && word(object, &["spec", "clusterIP"], "").is_empty() {
        Health::in_progress("NoIPAssigned", "ClusterIP not set. Service type: LoadBalancer")
    } else {
        Health::current("Service is ready")
    })
}

fn definition(object: &Value, _: Timestamp) -> Result<Health, HealthError> {
    for entry in conditions(object) {
        match (entry.kind, entry.status) {
            ("NamesAccepted", "False") => return Ok(Health::failed(entry.reason, entry.message)),
            ("Established", "False") if entry.reason != "Installing" => {
                return Ok(Health::failed(entry.reason, entry.message));
            }
            ("Established", "True") => return Ok(Health::current("CRD is established")),
            _ => {}
        }
    }
    Ok(Health::in_progress("Installing", "Install in progress"))
}

fn has(object: &Value, kind: &str, status: &str) -> bool {
    conditions(object).any(|entry| entry.kind == kind && entry.status == status)
}
