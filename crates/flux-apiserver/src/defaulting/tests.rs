use serde_json::{Value, json};

use super::apply_defaults;

#[track_caller]
fn check(group: &str, version: &str, kind: &str, mut object: Value, pointer: &str, expect: Value) {
    apply_defaults(group, version, kind, &mut object);
    assert_eq!(object.pointer(pointer), Some(&expect), "{object}");
}

#[test]
fn images_without_version_are_always_pulled() {
    for (image, policy) in [
        ("nginx", "Always"),
        ("nginx:latest", "Always"),
        ("registry:5000/nginx", "Always"),
        ("nginx:1.2", "IfNotPresent"),
        ("nginx@sha256:0123", "IfNotPresent"),
        ("BAD NAME", "IfNotPresent"),
    ] {
        let pod = json!({ "spec": { "containers": [{ "image": image }] } });
        check("", "v1", "Pod", pod, "/spec/containers/0/imagePullPolicy", json!(policy));
    }
}

#[test]
fn requests_follow_limits_in_pods_only() {
    let spec = json!({ "containers": [{ "image": "a:1", "resources": { "limits": { "cpu": "1" } } }] });
    check("", "v1", "Pod", json!({ "spec": spec }), "/spec/containers/0/resources/requests", json!({ "cpu": "1" }));
    let mut object = json!({ "spec": { "template": { "spec": spec } } });
    apply_defaults("apps", "v1", "Deployment", &mut object);
    assert_eq!(object.pointer("/spec/template/spec/containers/0/resources/requests"), None);
    assert_eq!(object.pointer("/spec/strategy/rollingUpdate/maxSurge"), Some(&json!("25%")));
}

#[test]
fn quantities_are_rounded_up_to_thousandths() {
    let quota = json!({ "spec": { "hard": { "a": "1u", "b": "999999u", "c": "5Gi" } } });
    check("", "v1", "ResourceQuota", quota, "/spec/hard", json!({ "a": "1m", "b": "1", "c": "5Gi" }));
}

#[test]
fn defaults_are_stable() {
    for (group, version, kind, object) in [
        ("", "v1", "Service", json!({ "spec": { "ports": [{ "port": 80 }], "type": "LoadBalancer" } })),
        ("apps", "v1", "StatefulSet", json!({ "spec": { "volumeClaimTemplates": [{ "spec": {} }] } })),
        (
            "batch",
            "v1",
            "Job",
            json!({ "spec": { "template": { "metadata": { "labels": { "a": "b" } }, "spec": {} } } }),
        ),
        ("autoscaling", "v2", "HorizontalPodAutoscaler", json!({ "spec": { "behavior": { "scaleUp": {} } } })),
    ] {
        let mut once = object;
        apply_defaults(group, version, kind, &mut once);
        let mut twice = once.clone();
        apply_defaults(group, version, kind, &mut twice);
        assert_eq!(once, twice);
    }
}
