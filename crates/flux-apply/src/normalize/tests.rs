use super::*;
use serde_json::json;

fn normalized(mut object: Value) -> Value {
    normalize(&mut object);
    object
}

#[test]
fn fields_that_go_always_prints_appear() {
    let object = json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "a"},
        "spec": {"replicas": 0, "selector": {"matchLabels": {"a": "b"}},
            "template": {"spec": {"containers": [{"name": "a", "ports": [{"containerPort": 80}]}]}}}});
    let expected = json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "a", "creationTimestamp": null},
        "spec": {"replicas": 0, "selector": {"matchLabels": {"a": "b"}}, "strategy": {},
            "template": {"metadata": {}, "spec": {"containers": [
                {"name": "a", "resources": {}, "ports": [{"containerPort": 80, "protocol": "TCP"}]}]}}}});
    assert_eq!(normalized(object), expected);
}

#[test]
fn custom_objects_only_lose_their_status() {
    let object = json!({"apiVersion": "example.com/v1", "kind": "Thing", "metadata": {"name": "a"}, "spec": {"x": null}, "status": {}});
    let expected = json!({"apiVersion": "example.com/v1", "kind": "Thing", "metadata": {"name": "a", "creationTimestamp": null}, "spec": {"x": null}});
    assert_eq!(normalized(object), expected);
}

#[test]
fn secrets_are_encoded() {
    let object = json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "a"}, "stringData": {"k": "v"}, "data": {"x": "eA=="}});
    assert_eq!(normalized(object)["data"], json!({"k": "dg==", "x": "eA=="}));
}

#[test]
fn what_does_not_fit_stays() {
    let object = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}, "data": {"number": 1}});
    assert_eq!(normalized(object)["data"], json!({"number": 1}));
}
