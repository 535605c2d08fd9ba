//! Deployments, ReplicaSets, StatefulSets, DaemonSets and Jobs.

use super::*;

fn deployment(replicas: i64, image: &str, strategy: Value) -> Value {
    json!({"replicas": replicas, "selector": selector(), "strategy": strategy, "progressDeadlineSeconds": 600,
           "template": template(image, json!({}))})
}

fn rolling(surge: Value, unavailable: Value) -> Value {
    json!({"type": "RollingUpdate", "rollingUpdate": {"maxSurge": surge, "maxUnavailable": unavailable}})
}

fn ready_pods(cluster: &Cluster) -> usize {
    cluster.pods().iter().filter(|pod| condition_of(pod, "Ready").starts_with("True")).count()
}

fn images(cluster: &Cluster) -> Vec<String> {
    cluster
        .pods()
        .iter()
        .map(|pod| pod["spec"]["containers"][0]["image"].as_str().unwrap_or_default().to_owned())
        .collect()
}

#[test]
fn a_deployment_becomes_available() {
    let mut cluster = Cluster::gpus(1, 0);
    cluster.apply(Kind::Deployment, "web", deployment(2, "web:1", rolling(json!("25%"), json!("25%"))));
    cluster.settle();
    let status = cluster.status(Kind::Deployment, "web");
    for field in ["replicas", "updatedReplicas", "readyReplicas", "availableReplicas"] {
        assert_eq!(status[field], 2, "{field}");
    }
    assert_eq!(status["observedGeneration"], 1);
    assert_eq!(status["unavailableReplicas"], Value::Null);
    let set = &cluster.names(Kind::ReplicaSet)[0];
    assert_eq!(
        cluster.condition(Kind::Deployment, "web", "Progressing"),
        format!("True NewReplicaSetAvailable: ReplicaSet \"{set}\" has successfully progressed.")
    );
    assert_eq!(
        cluster.condition(Kind::Deployment, "web", "Available"),
        "True MinimumReplicasAvailable: Deployment has minimum availability."
    );
    let held = cluster.get(Kind::ReplicaSet, set);
    let hash = held["metadata"]["labels"]["pod-template-hash"].as_str().expect("a hash");
    assert_eq!(*set, format!("web-{hash}"));
    assert_eq!(held["metadata"]["annotations"]["deployment.kubernetes.io/revision"], "1");
    assert_eq!(held["metadata"]["annotations"]["deployment.kubernetes.io/max-replicas"], "3");
    assert_eq!(held["spec"]["selector"]["matchLabels"], json!({"app": "web", "pod-template-hash": hash}));
    assert_eq!(
        cluster.get(Kind::Deployment, "web")["metadata"]["annotations"]["deployment.kubernetes.io/revision"],
        "1"
    );
    let pod = cluster.pods()[0];
    assert!(pod["metadata"]["name"].as_str().is_some_and(|name| name.starts_with(&format!("{set}-"))));
    assert_eq!(pod["metadata"]["ownerReferences"][0]["kind"], "ReplicaSet");
    assert_eq!(pod["status"]["phase"], "Running");
    assert_eq!(pod["status"]["message"], "simulated: no container runs");
    assert_eq!(pod["status"]["containerStatuses"][0]["ready"], true);
}

#[test]
fn few_writes_and_none_at_rest() {
    let mut cluster = Cluster::gpus(1, 0);
    cluster.apply(Kind::Deployment, "web", deployment(1, "web:1", rolling(json!(1), json!(0))));
    cluster.settle();
    // ReplicaSet, revision, Pod, binding, and a status each of the three.
    assert!(cluster.writes <= 7, "{} writes", cluster.writes);
    let before = cluster.writes;
    cluster.dirty.extend(cluster.stored.keys().cloned());
    cluster.run_for(Duration::from_secs(3600));
    assert_eq!(cluster.writes, before);
}

#[test]
fn equal_seeds_give_equal_names() {
    let run = |seed| {
        let mut cluster = Cluster::gpus(1, 0);
        cluster.config.seed = seed;
        cluster.apply(Kind::Deployment, "web", deployment(3, "web:1", rolling(json!(1), json!(0))));
        cluster.settle();
        cluster.names(Kind::Pod)
    };
    assert_eq!(run(1), run(1));
    assert_ne!(run(1), run(2));
}

#[test]
fn rolling_updates_stay_within_surge_and_availability() {
    for (surge, unavailable, most, least) in [
        (json!(1), json!(0), 5, 4),
        (json!(0), json!(1), 4, 3),
        (json!("50%"), json!("25%"), 6, 3),
        (json!(4), json!(4), 8, 0),
    ] {
        let mut cluster = Cluster::gpus(1, 0);
        cluster.apply(Kind::Deployment, "web", deployment(4, "web:1", rolling(surge.clone(), unavailable.clone())));
        cluster.settle();
        static BOUNDS: std::sync::Mutex<(usize, usize)> = std::sync::Mutex::new((0, 0));
        *BOUNDS.lock().expect("no panic") = (most, least);
        cluster.invariant = Some(|cluster| {
            let (most, least) = *BOUNDS.lock().expect("no panic");
            assert!(cluster.pods().len() <= most, "{} pods of {most}", cluster.pods().len());
            assert!(ready_pods(cluster) >= least, "{} ready of {least}", ready_pods(cluster));
        });
        cluster.apply(Kind::Deployment, "web", deployment(4, "web:2", rolling(surge, unavailable)));
        cluster.settle();
        assert_eq!(images(&cluster), ["web:2"; 4]);
        assert_eq!(cluster.status(Kind::Deployment, "web")["observedGeneration"], 2);
        let metadata = &cluster.get(Kind::Deployment, "web")["metadata"];
        assert_eq!(metadata["annotations"]["deployment.kubernetes.io/revision"], "2");
    }
}

#[test]
fn recreate_ends_the_old_pods_first() {
    let mut cluster = Cluster::gpus(1, 1);
    let spec = |image: &str| json!({"replicas": 1, "selector": selector(), "strategy": {"type": "Recreate"}, "template": template(image, gpus(1))});
    cluster.apply(Kind::Deployment, "web", spec("web:1"));
    cluster.settle();
    cluster.invariant = Some(|cluster| assert!(cluster.pods().len() <= 1));
    cluster.apply(Kind::Deployment, "web", spec("web:2"));
    cluster.settle();
    assert_eq!(images(&cluster), ["web:2"]);
    assert_eq!(ready_pods(&cluster), 1);
}

#[test]
fn a_template_that_comes_back_is_a_new_revision() {
    let mut cluster = Cluster::gpus(1, 0);
    for image in ["web:1", "web:2", "web:1"] {
        cluster.apply(Kind::Deployment, "web", deployment(2, image, rolling(json!(1), json!(0))));
        cluster.settle();
    }
    assert_eq!(images(&cluster), ["web:1"; 2]);
    assert_eq!(cluster.all(Kind::ReplicaSet).len(), 2);
    let revision =
        &cluster.get(Kind::Deployment, "web")["metadata"]["annotations"]["deployment.kubernetes.io/revision"];
    assert_eq!(revision, "3");
}

#[test]
fn old_replica_sets_are_forgotten_beyond_the_limit() {
    let mut cluster = Cluster::gpus(1, 0);
    for number in 0..6 {
        let mut spec = deployment(1, &format!("web:{number}"), rolling(json!(1), json!(0)));
        spec["revisionHistoryLimit"] = 2.into();
        cluster.apply(Kind::Deployment, "web", spec);
        cluster.settle();
    }
    assert_eq!(cluster.all(Kind::ReplicaSet).len(), 3);
}

#[test]
fn scaling_and_healing() {
    let mut cluster = Cluster::gpus(1, 0);
    for replicas in [3, 5, 1, 0, 2] {
        cluster.apply(Kind::Deployment, "web", deployment(replicas, "web:1", rolling(json!(1), json!(0))));
        cluster.settle();
        assert_eq!(ready_pods(&cluster) as i64, replicas);
        let status = cluster.status(Kind::Deployment, "web");
        assert_eq!(status["availableReplicas"].as_i64().unwrap_or_default(), replicas);
    }
    let lost = cluster.names(Kind::Pod)[0].clone();
    cluster.delete(Kind::Pod, &lost);
    cluster.settle();
    assert_eq!(ready_pods(&cluster), 2);
    assert!(!cluster.names(Kind::Pod).contains(&lost), "names are not used twice");
    cluster.delete(Kind::Deployment, "web");
    cluster.settle();
    assert_eq!(cluster.pods().len(), 0);
}

#[test]
fn an_orphaned_replica_set_is_adopted() {
    let mut cluster = Cluster::gpus(1, 0);
    let spec = deployment(1, "web:1", rolling(json!(1), json!(0)));
    cluster.apply(Kind::Deployment, "web", spec.clone());
    cluster.settle();
    let set = cluster.names(Kind::ReplicaSet)[0].clone();
    let mut orphan = cluster.get(Kind::ReplicaSet, &set).clone();
    orphan["metadata"].as_object_mut().expect("a mapping").remove("ownerReferences");
    cluster.store(Key::new(Kind::ReplicaSet, "default", &set), orphan);
    cluster.delete(Kind::Deployment, "web");
    let pods = cluster.names(Kind::Pod);
    cluster.apply(Kind::Deployment, "web", spec);
    cluster.settle();
    assert_eq!(cluster.names(Kind::Pod), pods);
    assert_eq!(cluster.status(Kind::Deployment, "web")["availableReplicas"], 1);
}

#[test]
fn a_failing_image_exceeds_the_deadline_and_a_fix_heals() {
    let mut cluster = Cluster::gpus(1, 0);
    cluster.config.failing_images = vec!["*:broken".into()];
    cluster.apply(Kind::Deployment, "web", deployment(2, "web:1", rolling(json!(1), json!(0))));
    cluster.settle();
    cluster.apply(Kind::Deployment, "web", deployment(2, "web:broken", rolling(json!(1), json!(0))));
    cluster.settle();
    assert_eq!(ready_pods(&cluster), 2, "the old ones go on");
    let broken = cluster.pods().into_iter().find(|pod| pod["spec"]["containers"][0]["image"] == "web:broken");
    let waiting = &broken.expect("a new Pod")["status"]["containerStatuses"][0]["state"]["waiting"];
    assert_eq!(waiting["reason"], "ImagePullBackOff");
    assert!(waiting["message"].as_str().is_some_and(|text| text.starts_with("Back-off pulling image \"web:broken\"")));
    assert!(cluster.condition(Kind::Deployment, "web", "Progressing").starts_with("True"));
    cluster.run_for(Duration::from_secs(601));
    let progressing = cluster.condition(Kind::Deployment, "web", "Progressing");
    assert!(progressing.starts_with("False ProgressDeadlineExceeded: ReplicaSet \"web-"), "{progressing}");
    assert!(progressing.ends_with("has timed out progressing."), "{progressing}");
    cluster.apply(Kind::Deployment, "web", deployment(2, "web:2", rolling(json!(1), json!(0))));
    cluster.settle();
    assert!(cluster.condition(Kind::Deployment, "web", "Progressing").starts_with("True NewReplicaSetAvailable"));
    assert_eq!(images(&cluster), ["web:2"; 2]);
}

#[test]
fn refused_pods_show_in_the_conditions() {
    let mut cluster = Cluster::gpus(1, 0);
    cluster.refusal = Some("pods \"web\" is forbidden: exceeded quota: tenant");
    cluster.apply(Kind::Deployment, "web", deployment(1, "web:1", rolling(json!(1), json!(0))));
    cluster.settle();
    let set = cluster.names(Kind::ReplicaSet)[0].clone();
    let expect = "True FailedCreate: pods \"web\" is forbidden: exceeded quota: tenant";
    assert_eq!(cluster.condition(Kind::ReplicaSet, &set, "ReplicaFailure"), expect);
    assert_eq!(cluster.condition(Kind::Deployment, "web", "ReplicaFailure"), expect);
}

#[test]
fn pods_of_a_lost_node_move() {
    let mut cluster = Cluster::gpus(2, 1);
    let spec = json!({"replicas": 2, "selector": selector(), "template": template("web:1", gpus(1))});
    cluster.apply(Kind::Deployment, "web", spec);
    cluster.settle();
    cluster.delete(Kind::Node, "simulated-0");
    cluster.settle();
    let nodes: Vec<&Value> = cluster.pods().iter().map(|pod| &pod["spec"]["nodeName"]).collect();
    assert_eq!(nodes.len(), 2);
    assert_eq!(nodes.iter().filter(|node| ***node == "simulated-1").count(), 1);
    assert_eq!(nodes.iter().filter(|node| node.is_null()).count(), 1);
    assert_eq!(cluster.status(Kind::Deployment, "web")["availableReplicas"], 1);
}

#[test]
fn pods_count_once_they_were_ready_long_enough() {
    let mut cluster = Cluster::gpus(1, 0);
    let mut spec = deployment(1, "web:1", rolling(json!(1), json!(0)));
    spec["minReadySeconds"] = 60.into();
    cluster.apply(Kind::Deployment, "web", spec.clone());
    cluster.run_for(Duration::from_secs(30));
    let counts = |cluster: &Cluster| {
        let status = cluster.status(Kind::Deployment, "web");
        (status["readyReplicas"].as_i64().unwrap_or_default(), status["availableReplicas"].as_i64().unwrap_or_default())
    };
    assert_eq!(counts(&cluster), (1, 0));
    spec["minReadySeconds"] = 40.into();
    cluster.apply(Kind::Deployment, "web", spec);
    cluster.run_for(Duration::from_secs(5));
    assert_eq!(counts(&cluster), (1, 0));
    cluster.run_for(Duration::from_secs(10));
    assert_eq!(counts(&cluster), (1, 1));
}

#[test]
fn a_paused_deployment_starts_nothing() {
    let mut cluster = Cluster::gpus(1, 0);
    cluster.apply(Kind::Deployment, "web", deployment(2, "web:1", rolling(json!(1), json!(0))));
    cluster.settle();
    let mut spec = deployment(3, "web:2", rolling(json!(1), json!(0)));
    spec["paused"] = true.into();
    cluster.apply(Kind::Deployment, "web", spec.clone());
    cluster.settle();
    assert_eq!(images(&cluster), ["web:1"; 3]);
    assert_eq!(
        cluster.condition(Kind::Deployment, "web", "Progressing"),
        "True DeploymentPaused: Deployment is paused"
    );
    spec["paused"] = false.into();
    cluster.apply(Kind::Deployment, "web", spec);
    cluster.settle();
    assert_eq!(images(&cluster), ["web:2"; 3]);
}

fn stateful_set(replicas: i64, image: &str, policy: &str) -> Value {
    json!({"replicas": replicas, "selector": selector(), "serviceName": "db", "podManagementPolicy": policy,
           "template": template(image, json!({})),
           "volumeClaimTemplates": [{"metadata": {"name": "data"},
                                     "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}}]})
}

#[test]
fn stateful_sets_count_their_pods() {
    for policy in ["OrderedReady", "Parallel"] {
        let mut cluster = Cluster::gpus(1, 0);
        if policy == "OrderedReady" {
            cluster.invariant = Some(|cluster| assert!(cluster.pods().len() <= ready_pods(cluster) + 1));
        }
        cluster.apply(Kind::StatefulSet, "db", stateful_set(3, "db:1", policy));
        cluster.settle();
        assert_eq!(cluster.names(Kind::Pod), ["db-0", "db-1", "db-2"]);
        assert_eq!(cluster.names(Kind::PersistentVolumeClaim), ["data-db-0", "data-db-1", "data-db-2"]);
        let volumes = &cluster.get(Kind::Pod, "db-1")["spec"]["volumes"];
        assert_eq!(volumes[0]["persistentVolumeClaim"]["claimName"], "data-db-1");
        let status = cluster.status(Kind::StatefulSet, "db").clone();
        assert_eq!((&status["readyReplicas"], &status["currentReplicas"]), (&json!(3), &json!(3)));
        assert_eq!(status["currentRevision"], status["updateRevision"]);
        cluster.invariant = None;
        cluster.apply(Kind::StatefulSet, "db", stateful_set(2, "db:2", policy));
        cluster.settle();
        assert_eq!(cluster.names(Kind::Pod), ["db-0", "db-1"]);
        assert_eq!(images(&cluster), ["db:2"; 2]);
        assert_eq!(cluster.all(Kind::PersistentVolumeClaim).len(), 3, "claims stay");
        let after = cluster.status(Kind::StatefulSet, "db");
        assert_ne!(after["currentRevision"], status["currentRevision"]);
        assert_eq!((&after["updatedReplicas"], &after["observedGeneration"]), (&json!(2), &json!(2)));
    }
}

#[test]
fn a_partition_keeps_the_lower_pods() {
    let mut cluster = Cluster::gpus(1, 0);
    cluster.apply(Kind::StatefulSet, "db", stateful_set(3, "db:1", "OrderedReady"));
    cluster.settle();
    let mut spec = stateful_set(3, "db:2", "OrderedReady");
    spec["updateStrategy"] = json!({"type": "RollingUpdate", "rollingUpdate": {"partition": 2}});
    cluster.apply(Kind::StatefulSet, "db", spec);
    cluster.settle();
    assert_eq!(images(&cluster), ["db:1", "db:1", "db:2"]);
    assert_eq!(cluster.status(Kind::StatefulSet, "db")["updatedReplicas"], 1);
}

#[test]
fn daemon_sets_follow_the_nodes() {
    let mut cluster = Cluster::gpus(3, 0);
    let spec = |image: &str| json!({"selector": selector(), "template": template(image, json!({}))});
    cluster.apply(Kind::DaemonSet, "agent", spec("agent:1"));
    cluster.settle();
    let status = cluster.status(Kind::DaemonSet, "agent");
    for field in
        ["desiredNumberScheduled", "currentNumberScheduled", "numberReady", "numberAvailable", "updatedNumberScheduled"]
    {
        assert_eq!(status[field], 3, "{field}");
    }
    cluster.invariant = Some(|cluster| assert!(ready_pods(cluster) >= 2));
    cluster.apply(Kind::DaemonSet, "agent", spec("agent:2"));
    cluster.settle();
    assert_eq!(images(&cluster), ["agent:2"; 3]);
    cluster.invariant = None;
    let mut node = cluster.get(Kind::Node, "simulated-1").clone();
    node["spec"]["taints"] = json!([{"key": "gpu", "effect": "NoSchedule"}]);
    cluster.store(Key::new(Kind::Node, "", "simulated-1"), node);
    cluster.settle();
    assert_eq!(cluster.pods().len(), 2);
    assert_eq!(cluster.status(Kind::DaemonSet, "agent")["desiredNumberScheduled"], 2);
}

fn job(parallelism: i64, completions: i64) -> Value {
    let mut template = template("job:1", json!({}));
    template["spec"]["restartPolicy"] = "Never".into();
    json!({"parallelism": parallelism, "completions": completions, "selector": selector(), "template": template})
}

#[test]
fn jobs_complete() {
    let mut cluster = Cluster::gpus(1, 0);
    cluster.invariant = Some(|cluster| {
        let running = cluster.pods().iter().filter(|pod| pod["status"]["phase"] != "Succeeded").count();
        assert!(running <= 2, "{running} at once");
    });
    cluster.apply(Kind::Job, "train", job(2, 5));
    cluster.settle();
    let status = cluster.status(Kind::Job, "train");
    assert_eq!((&status["succeeded"], &status["active"]), (&json!(5), &Value::Null));
    assert_eq!(
        cluster.condition(Kind::Job, "train", "Complete"),
        "True CompletionsReached: Reached expected number of succeeded pods"
    );
    assert!(cluster.pods().iter().all(|pod| pod["status"]["phase"] == "Succeeded"));
    assert_eq!(cluster.pods().len(), 5);
}

#[test]
fn indexed_jobs_number_their_pods() {
    let mut cluster = Cluster::gpus(1, 0);
    let mut spec = job(3, 3);
    spec["completionMode"] = "Indexed".into();
    cluster.apply(Kind::Job, "train", spec);
    cluster.settle();
    assert_eq!(cluster.status(Kind::Job, "train")["completedIndexes"], "0-2");
    let mut indices: Vec<_> = cluster
        .pods()
        .iter()
        .map(|pod| pod["metadata"]["annotations"]["batch.kubernetes.io/job-completion-index"].to_string())
        .collect();
    indices.sort();
    assert_eq!(indices, ["\"0\"", "\"1\"", "\"2\""]);
}

#[test]
fn jobs_wait_fail_and_expire() {
    let mut cluster = Cluster::gpus(1, 0);
    cluster.config.failing_images = vec!["job:1".into()];
    let mut spec = job(1, 1);
    spec["suspend"] = true.into();
    spec["activeDeadlineSeconds"] = 60.into();
    spec["ttlSecondsAfterFinished"] = 10.into();
    cluster.apply(Kind::Job, "train", spec.clone());
    cluster.settle();
    assert_eq!(cluster.pods().len(), 0);
    assert_eq!(cluster.condition(Kind::Job, "train", "Suspended"), "True JobSuspended: Job suspended");
    spec["suspend"] = false.into();
    cluster.apply(Kind::Job, "train", spec);
    cluster.settle();
    assert_eq!(cluster.pods().len(), 1);
    cluster.run_for(Duration::from_secs(62));
    assert_eq!(
        cluster.condition(Kind::Job, "train", "Failed"),
        "True DeadlineExceeded: Job was active longer than specified deadline"
    );
    assert_eq!(cluster.pods().len(), 0);
    cluster.run_for(Duration::from_secs(12));
    assert_eq!(cluster.all(Kind::Job).len(), 0);
}
