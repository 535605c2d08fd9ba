use serde_json::{Value, json};

use super::*;

fn deployment() -> TypeRef {
    flux_schema::schema_for("apps", "v1", "Deployment").unwrap()
}

fn pod(spec: Value) -> Value {
    json!({ "spec": { "template": { "spec": spec } } })
}

fn check(original: Value, patch: Value, expect: Value) {
    assert_eq!(strategic_merge_patch(&pod(original), &pod(patch), &deployment()).unwrap(), pod(expect));
}

fn fails(original: Value, patch: Value, expect: &str) {
    let error = strategic_merge_patch(&pod(original), &pod(patch), &deployment()).unwrap_err();
    assert_eq!(error.to_string(), expect);
}

#[test]
fn keyed_lists_merge_by_their_key() {
    check(
        json!({ "containers": [{ "name": "a", "image": "1", "args": ["x"] }, { "name": "b" }] }),
        json!({ "containers": [{ "name": "c" }, { "name": "a", "image": "2", "args": ["y"] }] }),
        json!({ "containers": [{ "name": "c" }, { "name": "a", "image": "2", "args": ["y"] }, { "name": "b" }] }),
    );
}

#[test]
fn items_and_maps_obey_their_directive() {
    check(
        json!({ "containers": [{ "name": "a" }, { "name": "b" }], "nodeSelector": { "x": "1" } }),
        json!({ "containers": [{ "name": "a", "$patch": "delete" }], "nodeSelector": { "$patch": "replace", "y": "2" } }),
        json!({ "containers": [{ "name": "b" }], "nodeSelector": { "y": "2" } }),
    );
    check(
        json!({ "containers": [{ "name": "a" }, { "name": "b" }] }),
        json!({ "containers": [{ "$patch": "replace" }, { "name": "z" }] }),
        json!({ "containers": [{ "name": "z" }] }),
    );
}

#[test]
fn retain_keys_drops_what_it_does_not_list() {
    check(
        json!({ "volumes": [{ "name": "v", "emptyDir": {} }] }),
        json!({ "volumes": [{ "name": "v", "$retainKeys": ["name", "hostPath"], "hostPath": { "path": "/x" } }] }),
        json!({ "volumes": [{ "name": "v", "hostPath": { "path": "/x" } }] }),
    );
    fails(
        json!({ "volumes": [{ "name": "v" }] }),
        json!({ "volumes": [{ "name": "v", "$retainKeys": ["name"], "hostPath": {} }] }),
        "invalid patch format of retainKeys",
    );
}

#[test]
fn element_order_places_items() {
    check(
        json!({ "containers": [{ "name": "a" }, { "name": "server" }, { "name": "b" }] }),
        json!({ "$setElementOrder/containers": [{ "name": "b" }, { "name": "c" }, { "name": "a" }], "containers": [{ "name": "c" }] }),
        json!({ "containers": [{ "name": "server" }, { "name": "b" }, { "name": "c" }, { "name": "a" }] }),
    );
}

#[test]
fn primitive_lists_lose_what_is_deleted() {
    let original = json!({ "metadata": { "finalizers": ["a", "b"] } });
    let patch = json!({ "metadata": { "$deleteFromPrimitiveList/finalizers": ["a"], "finalizers": ["c"] } });
    let got = strategic_merge_patch(&original, &patch, &deployment()).unwrap();
    assert_eq!(got, json!({ "metadata": { "finalizers": ["c", "b"] } }));
}

#[test]
fn nulls_delete_and_are_not_stored() {
    check(
        json!({ "nodeName": "n" }),
        json!({ "nodeName": null, "hostname": null, "dnsConfig": { "options": null } }),
        json!({ "dnsConfig": {} }),
    );
}

#[test]
fn errors_are_worded_as_upstream() {
    fails(
        json!({ "containers": [{ "name": "a" }] }),
        json!({ "containers": [{ "image": "x" }] }),
        "map: map[image:x] does not contain declared merge key: name",
    );
    fails(
        json!({ "securityContext": {} }),
        json!({ "securityContext": { "$patch": "bogus" } }),
        "unknown patch type: bogus in map: map[$patch:bogus]",
    );
    let patch = json!({ "spec": { "nope": { "a": 1 } } });
    let error = strategic_merge_patch(&json!({ "spec": { "nope": {} } }), &patch, &deployment()).unwrap_err();
    assert_eq!(error.to_string(), r#"unable to find api field in struct DeploymentSpec for the json field "nope""#);
}
