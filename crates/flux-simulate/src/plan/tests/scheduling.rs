//! Where Pods go, and what is said when they cannot.

use super::*;
use crate::Taint;

fn pod(cluster: &mut Cluster, name: &str, resources: Value, more: Value) {
    let mut spec = template("web:1", resources)["spec"].clone();
    merge(&mut spec, &more);
    cluster.apply_with(Kind::Pod, name, spec, json!({"app": "web"}));
}

fn nodes(cluster: &Cluster) -> Vec<String> {
    cluster.pods().iter().map(|pod| pod["spec"]["nodeName"].as_str().unwrap_or("-").to_owned()).collect()
}

#[test]
fn a_full_cluster_says_so_and_frees_up() {
    let mut cluster = Cluster::gpus(4, 8);
    for index in 0..5 {
        pod(&mut cluster, &format!("web-{index}"), gpus(8), json!({}));
    }
    cluster.settle();
    assert_eq!(nodes(&cluster), ["simulated-0", "simulated-1", "simulated-2", "simulated-3", "-"]);
    assert_eq!(cluster.get(Kind::Pod, "web-4")["status"]["phase"], "Pending");
    assert_eq!(
        cluster.condition(Kind::Pod, "web-4", "PodScheduled"),
        "False Unschedulable: 0/4 nodes are available: 4 Insufficient nvidia.com/gpu. preemption: 0/4 nodes are available: \
         4 No preemption victims found for incoming pod."
    );
    cluster.delete(Kind::Pod, "web-2");
    cluster.settle();
    assert_eq!(cluster.get(Kind::Pod, "web-4")["spec"]["nodeName"], "simulated-2");
    assert!(cluster.condition(Kind::Pod, "web-4", "Ready").starts_with("True"));
}

#[test]
fn more_than_any_node_has() {
    let mut cluster = Cluster::gpus(4, 8);
    pod(&mut cluster, "web", gpus(9), json!({}));
    cluster.settle();
    assert_eq!(
        cluster.condition(Kind::Pod, "web", "PodScheduled"),
        "False Unschedulable: 0/4 nodes are available: 4 Insufficient nvidia.com/gpu. preemption: 0/4 nodes are available: \
         4 Preemption is not helpful for scheduling."
    );
}

#[test]
fn every_reason_is_counted() {
    let mut tainted = NodeSpec { name: "tainted".into(), ..NodeSpec::with_gpus(2, 8) };
    tainted.taints = vec![Taint { key: "dedicated".into(), value: "x".into(), effect: "NoSchedule".into() }];
    let other = NodeSpec { name: "other".into(), ..NodeSpec::with_gpus(1, 0) };
    let small = NodeSpec { name: "small".into(), ..NodeSpec::with_gpus(1, 1) };
    let mut cluster = Cluster::new(vec![tainted, other, small]);
    pod(&mut cluster, "web", gpus(2), json!({"nodeSelector": {"nvidia.com/gpu.present": "true"}}));
    cluster.settle();
    assert_eq!(
        cluster.condition(Kind::Pod, "web", "PodScheduled"),
        "False Unschedulable: 0/4 nodes are available: 1 Insufficient nvidia.com/gpu, 1 node(s) didn't match Pod's node \
         affinity/selector, 2 node(s) had untolerated taint(s). preemption: 0/4 nodes are available: 4 Preemption is not \
         helpful for scheduling."
    );
    let toleration = json!({"tolerations": [{"key": "dedicated", "operator": "Exists"}]});
    pod(&mut cluster, "tolerant", gpus(2), toleration);
    cluster.settle();
    assert_eq!(cluster.get(Kind::Pod, "tolerant")["spec"]["nodeName"], "tainted-0");
}

#[test]
fn no_nodes_and_then_one() {
    let mut cluster = Cluster::new(Vec::new());
    pod(&mut cluster, "web", json!({}), json!({}));
    cluster.settle();
    assert_eq!(
        cluster.condition(Kind::Pod, "web", "PodScheduled"),
        "False Unschedulable: no nodes available to schedule pods"
    );
    let config = Config { nodes: vec![NodeSpec::with_gpus(1, 0)], ..Config::default() };
    let (name, mut node, status) = super::super::nodes(&config, "2026-01-01T00:00:00Z").remove(0);
    node["status"] = status;
    cluster.store(Key::new(Kind::Node, "", &name), node);
    cluster.settle();
    assert_eq!(nodes(&cluster), ["simulated-0"]);
}

#[test]
fn affinity_spread_and_cordons() {
    let mut cluster = Cluster::gpus(3, 0);
    let mut node = cluster.get(Kind::Node, "simulated-0").clone();
    node["spec"]["unschedulable"] = true.into();
    cluster.store(Key::new(Kind::Node, "", "simulated-0"), node);
    let term = json!({"topologyKey": "kubernetes.io/hostname", "labelSelector": selector()});
    let apart = json!({"affinity": {"podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [term]}}});
    for name in ["a", "b", "c"] {
        pod(&mut cluster, name, json!({}), apart.clone());
    }
    cluster.settle();
    assert_eq!(nodes(&cluster), ["simulated-1", "simulated-2", "-"]);
    assert_eq!(
        cluster.condition(Kind::Pod, "c", "PodScheduled"),
        "False Unschedulable: 0/3 nodes are available: 1 node(s) were unschedulable, 2 node(s) didn't match pod \
         anti-affinity rules. preemption: 0/3 nodes are available: 1 Preemption is not helpful for scheduling, 2 No \
         preemption victims found for incoming pod."
    );
    let together = json!({"affinity": {"podAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [
        {"topologyKey": "kubernetes.io/hostname", "labelSelector": {"matchLabels": {"app": "nothing"}}}]}}});
    pod(&mut cluster, "d", json!({}), together);
    cluster.settle();
    assert!(cluster.condition(Kind::Pod, "d", "PodScheduled").contains("2 node(s) didn't match pod affinity rules"));
}

#[test]
fn hard_spread_constraints_hold() {
    let mut cluster = Cluster::gpus(3, 0);
    let spread = json!({"topologySpreadConstraints": [{"topologyKey": "kubernetes.io/hostname", "maxSkew": 1,
                         "whenUnsatisfiable": "DoNotSchedule", "labelSelector": selector()}]});
    for index in 0..6 {
        pod(&mut cluster, &format!("web-{index}"), json!({}), spread.clone());
    }
    cluster.settle();
    let mut placed = nodes(&cluster);
    placed.sort();
    assert_eq!(placed, ["simulated-0", "simulated-0", "simulated-1", "simulated-1", "simulated-2", "simulated-2"]);
}

#[test]
fn gated_and_foreign_pods_are_left_alone() {
    let mut cluster = Cluster::gpus(1, 0);
    pod(&mut cluster, "gated", json!({}), json!({"schedulingGates": [{"name": "quota"}]}));
    pod(&mut cluster, "foreign", json!({}), json!({"schedulerName": "volcano"}));
    cluster.settle();
    assert!(cluster.condition(Kind::Pod, "gated", "PodScheduled").starts_with("False SchedulingGated"));
    assert_eq!(cluster.get(Kind::Pod, "foreign").get("status"), None);
    pod(&mut cluster, "gated", json!({}), json!({}));
    cluster.settle();
    assert!(cluster.condition(Kind::Pod, "gated", "Ready").starts_with("True"));
}

#[test]
fn deleted_pods_end_unless_a_finalizer_holds_them() {
    let mut cluster = Cluster::gpus(1, 0);
    for (name, finalizers) in [("free", json!([])), ("held", json!(["example.com/keep"]))] {
        pod(&mut cluster, name, json!({}), json!({}));
        cluster.settle();
        let mut object = cluster.get(Kind::Pod, name).clone();
        object["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z".into();
        object["metadata"]["finalizers"] = finalizers;
        cluster.store(Key::new(Kind::Pod, "default", name), object);
        cluster.settle();
    }
    assert_eq!(cluster.names(Kind::Pod), ["held"]);
}

#[test]
fn bare_pods_complete_when_they_are_not_restarted() {
    let mut cluster = Cluster::gpus(1, 0);
    pod(&mut cluster, "once", json!({}), json!({"restartPolicy": "Never"}));
    cluster.settle();
    let status = cluster.status(Kind::Pod, "once");
    assert_eq!(status["phase"], "Succeeded");
    assert_eq!(status["containerStatuses"][0]["state"]["terminated"]["exitCode"], 0);
}

#[test]
fn init_containers_and_readiness_gates() {
    let mut cluster = Cluster::gpus(1, 0);
    let more = json!({"initContainers": [{"name": "load", "image": "load:1"},
                                         {"name": "proxy", "image": "proxy:1", "restartPolicy": "Always"}],
                      "readinessGates": [{"conditionType": "example.com/warm"}]});
    pod(&mut cluster, "web", json!({}), more);
    cluster.settle();
    let states = cluster.status(Kind::Pod, "web")["initContainerStatuses"].clone();
    assert_eq!(states[0]["state"]["terminated"]["reason"], "Completed");
    assert!(states[1]["state"]["running"].is_object());
    assert!(cluster.condition(Kind::Pod, "web", "Ready").starts_with("False ReadinessGatesNotReady"));
    let mut object = cluster.get(Kind::Pod, "web").clone();
    let list = object["status"]["conditions"].as_array_mut().expect("conditions");
    list.push(json!({"type": "example.com/warm", "status": "True"}));
    cluster.store(Key::new(Kind::Pod, "default", "web"), object);
    cluster.settle();
    assert!(cluster.condition(Kind::Pod, "web", "Ready").starts_with("True"));
    assert_eq!(cluster.condition(Kind::Pod, "web", "example.com/warm"), "True : ");
}
