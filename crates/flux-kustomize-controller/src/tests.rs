use serde_json::json;

use super::*;

fn kustomization(spec: serde_json::Value) -> Kustomization {
    serde_json::from_value(json!({"metadata": {"name": "app", "namespace": "ns", "generation": 1}, "spec": spec}))
        .expect("valid")
}

#[test]
fn everything_that_is_named_is_watched() {
    let obj = kustomization(json!({
        "sourceRef": {"kind": "GitRepository", "name": "repo", "namespace": "other"},
        "dependsOn": [{"name": "base"}],
        "postBuild": {"substituteFrom": [{"kind": "Secret", "name": "vars"}]},
        "kubeConfig": {"configMapRef": {"name": "remote"}},
    }));
    let names: Vec<String> = references(&obj).iter().map(ToString::to_string).collect();
    assert_eq!(names, ["GitRepository/other/repo", "Kustomization/ns/base", "Secret/ns/vars", "ConfigMap/ns/remote"]);
}

#[test]
fn timeouts_follow_the_interval() {
    let timeout = |spec: serde_json::Value| plan::timeout(&kustomization(spec).spec).as_secs();
    assert_eq!(timeout(json!({"interval": "10m"})), 570);
    assert_eq!(timeout(json!({"interval": "20s"})), 30);
    assert_eq!(timeout(json!({"interval": "10m", "timeout": "2m"})), 120);
}

#[test]
fn only_new_artifacts_wake() {
    let source = |revision: Option<&str>| -> GitRepository {
        let artifact = revision.map(|revision| {
            json!({"revision": revision, "digest": format!("sha256:{revision}"), "path": "p", "url": "u", "lastUpdateTime": "2026-01-01T00:00:00Z"})
        });
        serde_json::from_value(json!({"metadata": {"name": "repo"}, "spec": {}, "status": {"artifact": artifact}}))
            .expect("valid")
    };
    assert!(artifact_changed(None, &source(Some("1"))));
    assert!(artifact_changed(Some(&source(None)), &source(Some("1"))));
    assert!(!artifact_changed(Some(&source(Some("1"))), &source(Some("1"))));
    assert!(!artifact_changed(Some(&source(Some("1"))), &source(None)));
}
