//! Services, claims, autoscalers, budgets and ingresses.

use super::*;

fn web(cluster: &mut Cluster, replicas: i64) {
    let spec = json!({"replicas": replicas, "selector": selector(), "template": template("web:1", json!({}))});
    cluster.apply(Kind::Deployment, "web", spec);
}

#[test]
fn services_lead_to_ready_pods() {
    let mut cluster = Cluster::gpus(1, 0);
    let ports = json!([{"name": "http", "port": 80, "targetPort": "http", "protocol": "TCP"},
                       {"name": "admin", "port": 81, "protocol": "TCP", "targetPort": 8081},
                       {"name": "gone", "port": 82, "protocol": "TCP", "targetPort": "nowhere"}]);
    cluster.apply(Kind::Service, "web", json!({"selector": {"app": "web"}, "ports": ports, "type": "ClusterIP"}));
    cluster.settle();
    web(&mut cluster, 2);
    cluster.settle();
    assert_eq!(cluster.all(Kind::EndpointSlice).len(), 1);
    let slice = cluster.all(Kind::EndpointSlice)[0];
    assert_eq!(slice["metadata"]["labels"]["kubernetes.io/service-name"], "web");
    assert_eq!(slice["endpoints"].as_array().map(Vec::len), Some(2));
    assert_eq!(slice["endpoints"][0]["conditions"]["ready"], true);
    assert_eq!(
        slice["ports"],
        json!([{"name": "http", "port": 8080, "protocol": "TCP"}, {"name": "admin", "port": 8081, "protocol": "TCP"}])
    );
    let subset = &cluster.get(Kind::Endpoints, "web")["subsets"][0];
    assert_eq!(subset["addresses"].as_array().map(Vec::len), Some(2));
    assert_ne!(subset["addresses"][0]["ip"], subset["addresses"][1]["ip"]);
    web(&mut cluster, 0);
    cluster.settle();
    assert_eq!(cluster.all(Kind::EndpointSlice)[0]["endpoints"], json!([]));
    assert_eq!(cluster.get(Kind::Endpoints, "web")["subsets"], json!([]));
    cluster.delete(Kind::Service, "web");
    cluster.settle();
    assert_eq!(cluster.all(Kind::EndpointSlice).len() + cluster.all(Kind::Endpoints).len(), 0);
}

#[test]
fn load_balancers_have_addresses_of_their_own() {
    let mut cluster = Cluster::gpus(1, 0);
    for name in ["a", "b"] {
        cluster.apply(Kind::Service, name, json!({"type": "LoadBalancer", "ports": [{"port": 80}]}));
    }
    cluster.settle();
    let address = |name: &str| cluster.status(Kind::Service, name)["loadBalancer"]["ingress"][0]["ip"].clone();
    assert_eq!((address("a"), address("b")), (json!("198.18.1.1"), json!("198.18.1.2")));
    cluster.apply(Kind::Service, "a", json!({"type": "ClusterIP", "ports": [{"port": 80}]}));
    cluster.settle();
    assert_eq!(cluster.status(Kind::Service, "a")["loadBalancer"], json!({}));
}

#[test]
fn claims_are_bound_and_their_volumes_go_with_them() {
    let mut cluster = Cluster::gpus(1, 0);
    let spec = json!({"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "10Gi"}}, "storageClassName": "fast"});
    cluster.apply(Kind::PersistentVolumeClaim, "models", spec);
    cluster.settle();
    let claim = cluster.get(Kind::PersistentVolumeClaim, "models").clone();
    assert_eq!(claim["status"]["phase"], "Bound");
    assert_eq!(claim["status"]["capacity"]["storage"], "10Gi");
    let volume = claim["spec"]["volumeName"].as_str().expect("a volume").to_owned();
    let held = cluster.get(Kind::PersistentVolume, &volume);
    assert_eq!((&held["status"]["phase"], &held["spec"]["storageClassName"]), (&json!("Bound"), &json!("fast")));
    assert_eq!(held["metadata"]["labels"]["simulate.fluxcd.io/simulated"], "true");
    cluster.delete(Kind::PersistentVolumeClaim, "models");
    cluster.settle();
    assert_eq!(cluster.all(Kind::PersistentVolume).len(), 0);
}

#[test]
fn a_claim_waits_for_the_volume_it_names() {
    let mut cluster = Cluster::gpus(1, 0);
    let spec =
        json!({"accessModes": ["ReadOnlyMany"], "volumeName": "shared", "resources": {"requests": {"storage": "1Gi"}}});
    cluster.apply(Kind::PersistentVolumeClaim, "models", spec);
    cluster.settle();
    assert_eq!(cluster.status(Kind::PersistentVolumeClaim, "models")["phase"], "Pending");
    let reference = json!({"namespace": "default", "name": "models"});
    cluster.apply(Kind::PersistentVolume, "shared", json!({"capacity": {"storage": "5Gi"}, "claimRef": reference}));
    cluster.settle();
    assert_eq!(cluster.status(Kind::PersistentVolumeClaim, "models")["capacity"]["storage"], "5Gi");
    cluster.delete(Kind::PersistentVolumeClaim, "models");
    cluster.settle();
    assert_eq!(cluster.status(Kind::PersistentVolume, "shared")["phase"], "Released");
}

fn scaler(least: i64, most: i64) -> Value {
    let target = json!({"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"});
    json!({"minReplicas": least, "maxReplicas": most, "scaleTargetRef": target})
}

#[test]
fn autoscalers_keep_the_size_within_their_limits() {
    let mut cluster = Cluster::gpus(1, 0);
    cluster.apply(Kind::HorizontalPodAutoscaler, "web", scaler(3, 5));
    cluster.settle();
    assert_eq!(
        cluster.condition(Kind::HorizontalPodAutoscaler, "web", "AbleToScale"),
        "False FailedGetScale: the HPA controller was unable to get the target's current scale: deployment.apps \"web\" not found"
    );
    web(&mut cluster, 1);
    cluster.settle();
    assert_eq!(cluster.get(Kind::Deployment, "web")["spec"]["replicas"], 3);
    let status = cluster.status(Kind::HorizontalPodAutoscaler, "web");
    assert_eq!((&status["currentReplicas"], &status["desiredReplicas"]), (&json!(3), &json!(3)));
    assert!(cluster.condition(Kind::HorizontalPodAutoscaler, "web", "ScalingActive").contains("simulated"));
    web(&mut cluster, 9);
    cluster.settle();
    assert_eq!(cluster.status(Kind::Deployment, "web")["availableReplicas"], 5);
    web(&mut cluster, 4);
    cluster.settle();
    assert_eq!(cluster.status(Kind::HorizontalPodAutoscaler, "web")["desiredReplicas"], 4);
    web(&mut cluster, 0);
    cluster.settle();
    assert!(
        cluster.condition(Kind::HorizontalPodAutoscaler, "web", "ScalingActive").starts_with("False ScalingDisabled")
    );
}

#[test]
fn budgets_count_what_may_be_missing() {
    for (limit, desired, allowed) in [
        (json!({"minAvailable": 2}), 2, 1),
        (json!({"maxUnavailable": 1}), 2, 1),
        (json!({"minAvailable": "100%"}), 3, 0),
    ] {
        let mut cluster = Cluster::gpus(1, 0);
        let mut spec = limit;
        spec["selector"] = selector();
        cluster.apply(Kind::PodDisruptionBudget, "web", spec);
        web(&mut cluster, 3);
        cluster.settle();
        let status = cluster.status(Kind::PodDisruptionBudget, "web");
        assert_eq!((&status["currentHealthy"], &status["expectedPods"]), (&json!(3), &json!(3)));
        assert_eq!(status["desiredHealthy"], desired);
        assert_eq!(status["disruptionsAllowed"], allowed);
        let expect = if allowed > 0 { "True SufficientPods: " } else { "False InsufficientPods: " };
        assert_eq!(cluster.condition(Kind::PodDisruptionBudget, "web", "DisruptionAllowed"), expect);
    }
}

#[test]
fn ingresses_get_the_common_address() {
    let mut cluster = Cluster::gpus(1, 0);
    cluster.apply(Kind::Ingress, "web", json!({"rules": []}));
    cluster.settle();
    assert_eq!(cluster.status(Kind::Ingress, "web")["loadBalancer"]["ingress"], json!([{"ip": "198.18.0.1"}]));
}
