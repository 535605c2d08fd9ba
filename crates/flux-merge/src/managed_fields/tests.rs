use serde_json::{Value, json};

use super::*;

const NOW: &str = "2026-01-01T00:00:00Z";
const LATER: &str = "2026-01-01T00:00:01Z";

struct Server {
    versions: SameObject,
    reset: Set,
}

impl Server {
    fn new() -> Self {
        let of = flux_schema::schema_for("apps", "v1", "Deployment").unwrap();
        Self { versions: SameObject::one("apps/v1", of), reset: Set::of_fields(&[&["status"]]) }
    }

    fn with<T>(&self, manager: &str, now: &str, run: impl FnOnce(&Request<'_>) -> T) -> T {
        let reset = |_: &str| Some(&self.reset);
        run(&Request {
            manager,
            api_version: "apps/v1",
            kind: "Deployment",
            subresource: "",
            now,
            versions: &self.versions,
            reset: &reset,
            empty: None,
        })
    }

    fn apply(&self, live: Option<&Value>, manager: &str, applied: Value) -> Result<Value, ApplyError> {
        self.with(manager, NOW, |request| apply(live, &applied, false, request))
    }

    fn update(&self, live: Option<&Value>, manager: &str, now: &str, new: Value) -> Value {
        self.with(manager, now, |request| update(live, new, request))
    }
}

fn deployment(replicas: Option<i64>, image: &str) -> Value {
    let mut object = json!({
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": { "name": "web", "namespace": "default" },
        "spec": {
            "selector": { "matchLabels": { "app": "web" } },
            "template": {
                "metadata": { "labels": { "app": "web" } },
                "spec": { "containers": [{ "name": "c", "image": image }] }
            }
        }
    });
    if let Some(replicas) = replicas {
        object["spec"]["replicas"] = json!(replicas);
    }
    object
}

fn entries(object: &Value) -> Vec<(String, String)> {
    let list = object["metadata"]["managedFields"].as_array().cloned().unwrap_or_default();
    let text = |entry: &Value, key: &str| entry[key].as_str().unwrap_or_default().to_owned();
    list.iter().map(|entry| (text(entry, "manager"), text(entry, "operation"))).collect()
}

#[test]
fn applied_fields_are_owned_without_the_objects_identity() {
    let object = Server::new().apply(None, "flux", deployment(Some(2), "a:1")).unwrap();
    let entry = &object["metadata"]["managedFields"][0];
    assert_eq!(entry["time"], NOW);
    assert_eq!(
        entry["fieldsV1"],
        json!({ "f:spec": {
            "f:replicas": {}, "f:selector": {},
            "f:template": { "f:metadata": { "f:labels": { "f:app": {} } }, "f:spec": { "f:containers": {
                "k:{\"name\":\"c\"}": { ".": {}, "f:image": {}, "f:name": {} } } } } } })
    );
}

#[test]
fn created_structs_are_nobodys_and_pointers_are_owned() {
    let mut new = deployment(Some(1), "a:1");
    new["spec"]["strategy"] = json!({ "type": "RollingUpdate", "rollingUpdate": { "maxSurge": 1 } });
    let object = Server::new().update(None, "kubectl-create", NOW, new);
    let spec = &object["metadata"]["managedFields"][0]["fieldsV1"]["f:spec"];
    assert_eq!(spec.get("."), None);
    assert_eq!(spec["f:strategy"], json!({ "f:rollingUpdate": { ".": {}, "f:maxSurge": {} }, "f:type": {} }));
    assert_eq!(spec["f:template"]["f:spec"]["f:containers"]["k:{\"name\":\"c\"}"]["f:resources"], json!({}));
}

#[test]
fn conflicts_name_manager_and_field() {
    let server = Server::new();
    let live = server.apply(None, "one", deployment(Some(1), "a:1")).unwrap();
    let error = server.apply(Some(&live), "two", deployment(Some(2), "a:2")).unwrap_err();
    assert_eq!(
        error.to_string(),
        "Apply failed with 2 conflicts: conflicts with \"one\":\n- .spec.replicas\n- .spec.template.spec.containers[name=\"c\"].image"
    );
    let live = server.update(None, "kubectl", NOW, deployment(Some(1), "a:1"));
    let error = server.apply(Some(&live), "two", deployment(Some(2), "a:1")).unwrap_err();
    let ApplyError::Conflict(conflict) = error else { panic!("{error}") };
    assert_eq!(
        conflict.message,
        "Apply failed with 1 conflict: conflict with \"kubectl\" using apps/v1: .spec.replicas"
    );
    assert_eq!(conflict.causes[0].message, "conflict with \"kubectl\" using apps/v1");
}

#[test]
fn fields_no_longer_applied_are_removed() {
    let server = Server::new();
    let live = server.apply(None, "flux", deployment(Some(1), "a:1")).unwrap();
    let object = server.apply(Some(&live), "flux", deployment(None, "a:1")).unwrap();
    assert_eq!(object["spec"].get("replicas"), None);
}

#[test]
fn an_unchanged_apply_is_the_live_object() {
    let server = Server::new();
    let live = server.apply(None, "flux", deployment(Some(1), "a:1")).unwrap();
    let applied = deployment(Some(1), "a:1");
    let object = server.with("flux", LATER, |request| apply(Some(&live), &applied, false, request)).unwrap();
    assert_eq!(object, live);
}

#[test]
fn times_move_only_with_the_set_and_can_be_kept() {
    let server = Server::new();
    let live = server.update(None, "ctl", NOW, deployment(Some(1), "a:1"));
    let same = server.update(Some(&live), "ctl", LATER, live.clone());
    assert_eq!(same, live);
    let mut moved = live.clone();
    moved["metadata"]["managedFields"][0]["time"] = json!(LATER);
    assert!(keep_times(&live, &mut moved));
    assert_eq!(moved, live);
    let changed = server.update(Some(&live), "ctl", LATER, {
        let mut new = live.clone();
        new["spec"]["replicas"] = json!(5);
        new
    });
    assert_eq!(changed["metadata"]["managedFields"][0]["time"], LATER);
    assert!(!keep_times(&live, &mut changed.clone()));
}

#[test]
fn what_was_there_before_the_first_apply_is_nobodys_in_particular() {
    let server = Server::new();
    let mut live = deployment(Some(1), "a:1");
    live["metadata"]["uid"] = json!("1");
    let object =
        server.with("flux", NOW, |request| apply(Some(&live), &deployment(Some(1), "a:1"), true, request)).unwrap();
    assert_eq!(entries(&object), [("flux".into(), "Apply".into()), ("before-first-apply".into(), "Update".into())]);
}

#[test]
fn cleared_entries_stay_cleared_until_the_next_apply() {
    let server = Server::new();
    let mut live = server.apply(None, "flux", deployment(Some(1), "a:1")).unwrap();
    live["metadata"]["uid"] = json!("1");
    for reset in [json!([]), json!([{}])] {
        let mut new = live.clone();
        new["metadata"]["managedFields"] = reset;
        let object = server.update(Some(&live), "kubectl-edit", NOW, new);
        assert!(object["metadata"].get("managedFields").is_none());
    }
}

#[test]
fn the_oldest_of_too_many_updaters_are_folded() {
    let server = Server::new();
    let mut live = server.update(None, "m00", NOW, deployment(Some(1), "a:1"));
    live["metadata"]["uid"] = json!("1");
    for index in 1..14 {
        let mut new = live.clone();
        new["metadata"]["labels"][format!("l{index:02}")] = json!("x");
        live = server.update(Some(&live), &format!("m{index:02}"), &format!("2026-01-01T00:00:{index:02}Z"), new);
    }
    let managers = entries(&live);
    assert_eq!(managers.len(), 10);
    assert_eq!(managers[0].0, "ancient-changes");
    assert_eq!(managers[9].0, "m13");
}

#[test]
fn kubectl_takes_over_its_own_client_side_fields() {
    let server = Server::new();
    let mut old = deployment(Some(1), "a:1");
    let last = old.to_string();
    old["metadata"]["annotations"] = json!({ "kubectl.kubernetes.io/last-applied-configuration": last });
    let live = server.update(None, "kubectl-client-side-apply", NOW, old);
    assert!(server.apply(Some(&live), "other", deployment(Some(2), "a:1")).is_err());
    let object = server.apply(Some(&live), "kubectl", deployment(Some(2), "a:1")).unwrap();
    let annotation = object.pointer("/metadata/annotations/kubectl.kubernetes.io~1last-applied-configuration").unwrap();
    assert!(annotation.as_str().unwrap().contains("\"replicas\":2"));
}

#[test]
fn entries_of_dropped_versions_go() {
    let server = Server::new();
    let mut live = server.apply(None, "flux", deployment(Some(1), "a:1")).unwrap();
    live["metadata"]["managedFields"][0]["apiVersion"] = json!("apps/v1beta1");
    let object = server.apply(Some(&live), "other", deployment(Some(3), "a:1")).unwrap();
    assert_eq!(entries(&object), [("other".into(), "Apply".into())]);
}

#[test]
fn values_of_the_wrong_type_are_named() {
    let mut bad = deployment(None, "a:1");
    bad["spec"]["replicas"] = json!("three");
    bad["spec"]["nope"] = json!(1);
    let error = Server::new().apply(None, "flux", bad).unwrap_err().to_string();
    assert_eq!(
        error,
        "failed to create typed patch object (default/web; apps/v1, Kind=Deployment): .spec.nope: field not declared in schema"
    );
}

#[test]
fn scale_moves_the_ownership_of_replicas() {
    let paths = |version: &str| (version == "apps/v1").then(|| crate::fieldpath::Path::fields(&["spec", "replicas"]));
    let live = Server::new().apply(None, "flux", deployment(Some(1), "a:1")).unwrap();
    let parent = live.pointer("/metadata/managedFields");
    let scale = scale_to_subresource(parent, &paths).unwrap().unwrap();
    assert_eq!(scale[0]["fieldsV1"], json!({ "f:spec": { "f:replicas": {} } }));
    let written = json!([{ "manager": "kubectl", "operation": "Update", "apiVersion": "autoscaling/v1", "fieldsType": "FieldsV1",
        "fieldsV1": { "f:spec": { "f:replicas": {} } }, "subresource": "scale", "time": NOW }]);
    let back = scale_to_parent(parent, Some(&written), "apps/v1", &paths).unwrap().unwrap();
    assert_eq!(back[0]["fieldsV1"]["f:spec"].get("f:replicas"), None);
    assert_eq!(back[1]["manager"], "kubectl");
    assert_eq!(back[1]["apiVersion"], "apps/v1");
}
