//! What users see of their workloads.

use crate::control_plane::{ControlPlane, complete, condition, config, deployment};
use flux_simulate::{Config, FIELD_MANAGER, NOTICE};
use serde_json::{Value, json};

const DEPLOYMENTS: &str = "/apis/apps/v1/namespaces/default/deployments";
const PODS: &str = "/api/v1/namespaces/default/pods";

#[tokio::test]
async fn a_deployment_from_nothing_to_gone() {
    let plane = ControlPlane::start(Config::for_cluster("dev")).await;
    plane.create(DEPLOYMENTS, deployment("web", 2, "web:1", 0)).await;
    let path = format!("{DEPLOYMENTS}/web");
    let held = plane.until(&path, "complete", complete).await;
    assert_eq!(held["metadata"]["annotations"]["deployment.kubernetes.io/revision"], "1");
    let managers = held["metadata"]["managedFields"].as_array().cloned().unwrap_or_default();
    let ours = |entry: &Value| entry["manager"] == FIELD_MANAGER && entry["subresource"] == "status";
    assert!(managers.iter().any(ours), "{managers:#?}");
    let pods = plane.items(PODS).await;
    assert_eq!(pods.len(), 2);
    for pod in &pods {
        assert!(condition(pod, "Ready").starts_with("True"), "{pod:#}");
        assert_eq!(pod["spec"]["nodeName"], "simulated-0");
        assert_eq!(pod["status"]["phase"], "Running");
    }
    plane
        .patch(&path, json!({"spec": {"template": {"spec": {"containers": [{"name": "main", "image": "web:2"}]}}}}))
        .await;
    let newer = |held: &Value| complete(held) && held["status"]["observedGeneration"] == 2;
    plane.until(&path, "updated", newer).await;
    let images: Vec<Value> =
        plane.items(PODS).await.iter().map(|pod| pod["spec"]["containers"][0]["image"].clone()).collect();
    assert_eq!(images, ["web:2", "web:2"]);
    plane.delete(&path).await;
    plane.until(PODS, "no pods", |list| list["items"] == json!([])).await;
    plane.until("/apis/apps/v1/namespaces/default/replicasets", "no sets", |list| list["items"] == json!([])).await;
    plane.stop().await;
}

#[tokio::test]
async fn a_namespace_goes_with_its_workloads() {
    let plane = ControlPlane::start(Config::for_cluster("dev")).await;
    let namespaces = "/api/v1/namespaces";
    plane.create(namespaces, json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "team"}})).await;
    let deployments = "/apis/apps/v1/namespaces/team/deployments";
    plane.create(deployments, deployment("web", 2, "web:1", 0)).await;
    plane.until(&format!("{deployments}/web"), "complete", complete).await;
    plane.delete(&format!("{namespaces}/team")).await;
    let gone = |list: &Value| {
        list["items"].as_array().is_some_and(|items| items.iter().all(|item| item["metadata"]["name"] != "team"))
    };
    plane.until(namespaces, "no namespace", gone).await;
    plane.until("/api/v1/pods", "no pods", |list| list["items"] == json!([])).await;
    plane.stop().await;
}

#[tokio::test]
async fn a_deleted_pod_ends_and_is_replaced() {
    let plane = ControlPlane::start(Config::for_cluster("dev")).await;
    plane.create(DEPLOYMENTS, deployment("web", 1, "web:1", 0)).await;
    plane.until(&format!("{DEPLOYMENTS}/web"), "complete", complete).await;
    let old = plane.items(PODS).await.remove(0);
    let name = old["metadata"]["name"].as_str().expect("a name");
    plane.delete(&format!("{PODS}/{name}")).await;
    plane
        .until(PODS, "another pod", |list| {
            let pods = list["items"].as_array().cloned().unwrap_or_default();
            pods.len() == 1
                && pods[0]["metadata"]["uid"] != old["metadata"]["uid"]
                && condition(&pods[0], "Ready").starts_with("True")
        })
        .await;
    plane.stop().await;
}

#[tokio::test]
async fn an_autoscaler_owns_the_replicas() {
    let plane = ControlPlane::start(Config::for_cluster("production")).await;
    let mut spec = deployment("llm", 1, "llm:1", 8);
    spec["spec"].as_object_mut().expect("a mapping").remove("replicas");
    plane.create(DEPLOYMENTS, spec).await;
    let target = json!({"apiVersion": "apps/v1", "kind": "Deployment", "name": "llm"});
    let scaler = json!({"apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler", "metadata": {"name": "llm"},
                        "spec": {"scaleTargetRef": target, "minReplicas": 3, "maxReplicas": 4}});
    let scalers = "/apis/autoscaling/v2/namespaces/default/horizontalpodautoscalers";
    plane.create(scalers, scaler).await;
    let three = |held: &Value| held["spec"]["replicas"] == 3 && complete(held);
    plane.until(&format!("{DEPLOYMENTS}/llm"), "three replicas", three).await;
    let current = |held: &Value| held["status"]["currentReplicas"] == 3;
    let held = plane.until(&format!("{scalers}/llm"), "three replicas", current).await;
    assert!(condition(&held, "ScalingActive").starts_with("True"));
    plane.stop().await;
}

#[tokio::test]
async fn services_claims_jobs_budgets_and_ingresses() {
    let plane = ControlPlane::start(Config::for_cluster("dev")).await;
    plane.create(DEPLOYMENTS, deployment("web", 2, "web:1", 0)).await;
    let core = "/api/v1/namespaces/default";
    let service = json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web"},
                         "spec": {"type": "LoadBalancer", "selector": {"app": "web"}, "ports": [{"port": 80}]}});
    plane.create(&format!("{core}/services"), service).await;
    let claim = json!({"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": "models"},
                       "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "10Gi"}}}});
    plane.create(&format!("{core}/persistentvolumeclaims"), claim).await;
    let job = json!({"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "train"}, "spec": {"completions": 2,
        "template": {"spec": {"restartPolicy": "Never", "containers": [{"name": "main", "image": "train:1"}]}}}});
    plane.create("/apis/batch/v1/namespaces/default/jobs", job).await;
    let budget = json!({"apiVersion": "policy/v1", "kind": "PodDisruptionBudget", "metadata": {"name": "web"},
                        "spec": {"minAvailable": 1, "selector": {"matchLabels": {"app": "web"}}}});
    plane.create("/apis/policy/v1/namespaces/default/poddisruptionbudgets", budget).await;
    let backend = json!({"service": {"name": "web", "port": {"number": 80}}});
    let ingress = json!({"apiVersion": "networking.k8s.io/v1", "kind": "Ingress", "metadata": {"name": "web"},
                         "spec": {"defaultBackend": backend}});
    plane.create("/apis/networking.k8s.io/v1/namespaces/default/ingresses", ingress).await;

    let address = |held: &Value| held["status"]["loadBalancer"]["ingress"][0]["ip"].is_string();
    plane.until(&format!("{core}/services/web"), "an address", address).await;
    plane.until("/apis/networking.k8s.io/v1/namespaces/default/ingresses/web", "an address", address).await;
    let bound = |held: &Value| held["status"]["phase"] == "Bound" && held["status"]["capacity"]["storage"] == "10Gi";
    plane.until(&format!("{core}/persistentvolumeclaims/models"), "bound", bound).await;
    let done = |held: &Value| held["status"]["succeeded"] == 2 && condition(held, "Complete").starts_with("True");
    plane.until("/apis/batch/v1/namespaces/default/jobs/train", "complete", done).await;
    let allowed = |held: &Value| held["status"]["disruptionsAllowed"] == 1;
    plane.until("/apis/policy/v1/namespaces/default/poddisruptionbudgets/web", "one disruption", allowed).await;
    let both = |held: &Value| held["subsets"][0]["addresses"].as_array().is_some_and(|list| list.len() == 2);
    plane.until(&format!("{core}/endpoints/web"), "two addresses", both).await;
    let slices =
        "/apis/discovery.k8s.io/v1/namespaces/default/endpointslices?labelSelector=kubernetes.io%2Fservice-name%3Dweb";
    let both = |list: &Value| list["items"][0]["endpoints"].as_array().is_some_and(|list| list.len() == 2);
    plane.until(slices, "two endpoints", both).await;
    plane.stop().await;
}

#[tokio::test]
async fn stateful_and_daemon_sets() {
    let plane = ControlPlane::start(Config::for_cluster("staging")).await;
    let template =
        json!({"metadata": {"labels": {"app": "db"}}, "spec": {"containers": [{"name": "main", "image": "db:1"}]}});
    let claim = json!({"metadata": {"name": "data"},
                       "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}});
    let stateful = json!({"apiVersion": "apps/v1", "kind": "StatefulSet", "metadata": {"name": "db"}, "spec": {
        "replicas": 2, "serviceName": "db", "selector": {"matchLabels": {"app": "db"}}, "template": template,
        "volumeClaimTemplates": [claim]}});
    plane.create("/apis/apps/v1/namespaces/default/statefulsets", stateful).await;
    let daemon = json!({"apiVersion": "apps/v1", "kind": "DaemonSet", "metadata": {"name": "agent"}, "spec": {
        "selector": {"matchLabels": {"app": "db"}}, "template": template}});
    plane.create("/apis/apps/v1/namespaces/default/daemonsets", daemon).await;
    let ready = |held: &Value| held["status"]["readyReplicas"] == 2 && held["status"]["updatedReplicas"] == 2;
    plane.until("/apis/apps/v1/namespaces/default/statefulsets/db", "ready", ready).await;
    let everywhere =
        |held: &Value| held["status"]["numberAvailable"] == 4 && held["status"]["updatedNumberScheduled"] == 4;
    plane.until("/apis/apps/v1/namespaces/default/daemonsets/agent", "on every node", everywhere).await;
    let bound = |held: &Value| held["status"]["phase"] == "Bound";
    plane.until("/api/v1/namespaces/default/persistentvolumeclaims/data-db-1", "bound", bound).await;
    plane.stop().await;
}

#[tokio::test]
async fn nodes_say_that_they_are_simulated() {
    let plane = ControlPlane::start(config("dev", json!({}))).await;
    let node =
        plane.until("/api/v1/nodes/simulated-0", "a node", |node| node["status"]["allocatable"].is_object()).await;
    assert_eq!(node["metadata"]["labels"]["simulate.fluxcd.io/simulated"], "true");
    assert_eq!(node["metadata"]["annotations"]["simulate.fluxcd.io/notice"], NOTICE);
    assert_eq!(node["status"]["allocatable"]["nvidia.com/gpu"], "1");
    assert_eq!(node["status"]["nodeInfo"]["osImage"], "simulated");
    assert!(condition(&node, "Ready").starts_with("True"));
    plane.stop().await;
}
