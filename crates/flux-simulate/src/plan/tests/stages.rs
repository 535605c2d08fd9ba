//! What users declare for kinds of their own.

use super::*;

const MODEL: Kind = Kind::Custom(0);

fn with_stages(stages: Value) -> Cluster {
    let mut cluster = Cluster::gpus(1, 0);
    cluster.config.stages = Config::from_file("other", &json!({"stages": stages})).expect("valid stages").stages;
    cluster.custom = vec![("example.com".into(), "Model".into())];
    cluster
}

fn ready(reason: &str) -> Value {
    json!({"observedGeneration": "{{ .metadata.generation }}", "url": "http://{{ .metadata.name }}.{{.metadata.namespace}}",
           "conditions": [{"type": "Ready", "status": "True", "reason": reason, "lastTransitionTime": "{{ now }}"}]})
}

#[test]
fn stages_run_in_turn_and_again_for_a_new_generation() {
    let mut cluster = with_stages(json!([
        {"group": "example.com", "kind": "Model", "delay": "1s", "status": {"phase": "Loading"}},
        {"group": "example.com", "kind": "Model", "delay": "2s", "status": {"phase": null, "conditions": ready("Up")["conditions"],
         "observedGeneration": "{{ .metadata.generation }}", "url": ready("")["url"]}},
    ]));
    cluster.apply(MODEL, "llm", json!({"replicas": 1}));
    cluster.run_for(Duration::from_millis(1_500));
    assert_eq!(cluster.status(MODEL, "llm"), &json!({"phase": "Loading"}));
    cluster.run_for(Duration::from_secs(2));
    let status = cluster.status(MODEL, "llm").clone();
    assert_eq!(status["observedGeneration"], 1);
    assert_eq!(status["url"], "http://llm.default");
    assert_eq!(status["conditions"][0]["lastTransitionTime"], "2026-01-01T00:00:03Z");
    assert_eq!(status.get("phase"), None);
    let writes = cluster.writes;
    cluster.dirty.extend(cluster.stored.keys().cloned());
    cluster.run_for(Duration::from_secs(60));
    assert_eq!(cluster.writes, writes, "nothing more at rest");
    // A restart remembers nothing, and sees that the last stage holds.
    cluster.progress.clear();
    cluster.dirty.extend(cluster.stored.keys().cloned());
    cluster.run_for(Duration::from_secs(60));
    assert_eq!(cluster.writes, writes, "nothing more after a restart");
    cluster.apply(MODEL, "llm", json!({"replicas": 2}));
    cluster.run_for(Duration::from_secs(4));
    assert_eq!(cluster.status(MODEL, "llm")["observedGeneration"], 2);
    assert!(cluster.now > cluster.start);
}

#[test]
fn stages_choose_by_labels_and_names() {
    let mut cluster = with_stages(json!([
        {"group": "example.com", "kind": "Model", "matchLabels": {"team": "nlp"}, "status": {"ready": true}},
        {"group": "example.com", "kind": "Model", "name": "two", "namespace": "default", "status": {"named": true}},
        {"group": "example.com", "kind": "Other", "status": {"other": true}},
    ]));
    cluster.apply_with(MODEL, "one", json!({}), json!({"team": "nlp"}));
    cluster.apply(MODEL, "two", json!({}));
    cluster.apply(MODEL, "three", json!({}));
    cluster.settle();
    assert_eq!(cluster.status(MODEL, "one"), &json!({"ready": true}));
    assert_eq!(cluster.status(MODEL, "two"), &json!({"named": true}));
    assert_eq!(cluster.get(MODEL, "three").get("status"), None);
}

#[test]
fn a_stage_for_pods_slows_them_down_and_adds_to_their_status() {
    let mut cluster = with_stages(json!([
        {"kind": "Pod", "matchLabels": {"app": "web"}, "delay": "30s", "status": {"nominatedNodeName": "x"}},
    ]));
    let spec = json!({"replicas": 1, "selector": selector(), "template": template("web:1", json!({}))});
    cluster.apply(Kind::Deployment, "web", spec);
    cluster.run_for(Duration::from_secs(20));
    let pod = cluster.pods()[0];
    assert_eq!(pod["status"]["containerStatuses"][0]["state"]["waiting"]["reason"], "ContainerCreating");
    assert_eq!(cluster.status(Kind::Deployment, "web")["unavailableReplicas"], 1);
    cluster.run_for(Duration::from_secs(20));
    assert!(condition_of(cluster.pods()[0], "Ready").starts_with("True"));
    assert_eq!(cluster.pods()[0]["status"]["nominatedNodeName"], "x");
    let writes = cluster.writes;
    cluster.dirty.extend(cluster.stored.keys().cloned());
    cluster.run_for(Duration::from_secs(60));
    assert_eq!(cluster.writes, writes);
}
