//! What is refused, in upstream's words.

use serde_json::{Value, json};

use super::*;

fn texts(check: impl FnOnce(&mut Report)) -> Vec<String> {
    let mut report = Report::default();
    check(&mut report);
    report.errors.iter().map(crate::status::FieldError::text).collect()
}

/// A pod as it is after defaulting, with the given fields of its spec and of its container.
fn pod_with(spec: Value, container: Value) -> Value {
    let mut own = json!({
        "terminationGracePeriodSeconds": 30, "restartPolicy": "Always", "dnsPolicy": "ClusterFirst",
        "serviceAccountName": "default", "securityContext": {},
        "containers": [{
            "name": "c", "image": "i", "imagePullPolicy": "Always", "terminationMessagePolicy": "File", "resources": {},
        }],
    });
    merge(&mut own["containers"][0], container);
    merge(&mut own, spec);
    json!({ "metadata": { "name": "x", "namespace": "n" }, "spec": own })
}

fn merge(into: &mut Value, from: Value) {
    if let (Some(into), Value::Object(from)) = (into.as_object_mut(), from) {
        into.extend(from);
    }
}

#[test]
fn pods() {
    let refused = |spec: Value, container: Value| texts(|report| pod::create(&pod_with(spec, container), report));
    assert_eq!(refused(json!({}), json!({})), [""; 0]);
    assert_eq!(refused(json!({ "containers": [] }), json!({})), ["spec.containers: Required value"]);
    assert_eq!(
        refused(json!({}), json!({ "ports": [{ "containerPort": 70000, "protocol": "TCP" }] })),
        ["spec.containers[0].ports[0].containerPort: Invalid value: 70000: must be between 1 and 65535, inclusive"]
    );
    assert_eq!(
        refused(json!({}), json!({ "volumeMounts": [{ "name": "v", "mountPath": "/v" }] })),
        ["spec.containers[0].volumeMounts[0].name: Not found: \"v\""]
    );
    assert_eq!(
        refused(json!({}), json!({ "resources": { "limits": { "cpu": "1" }, "requests": { "cpu": "2" } } })),
        ["spec.containers[0].resources.requests: Invalid value: \"2\": must be less than or equal to cpu limit of 1"]
    );
    assert_eq!(
        refused(json!({ "volumes": [{ "name": "v", "emptyDir": {}, "hostPath": { "path": "/" } }] }), json!({})),
        ["spec.volumes[0].hostPath: Forbidden: may not specify more than 1 volume type"]
    );
    assert_eq!(
        refused(json!({ "hostUsers": false, "hostNetwork": true }), json!({})),
        ["spec.hostNetwork: Forbidden: when `hostUsers` is false"]
    );
}

#[test]
fn pods_change_their_images_only() {
    let old = pod_with(json!({}), json!({}));
    let image = pod_with(json!({}), json!({ "image": "j" }));
    assert_eq!(texts(|report| pod_update::check(&old, &image, report)), [""; 0]);
    let other = pod_with(json!({ "hostname": "h" }), json!({}));
    let refused = texts(|report| pod_update::check(&old, &other, report));
    assert_eq!(refused.len(), 1);
    assert!(refused[0].starts_with("spec: Forbidden: pod updates may not change fields other than"));
    assert!(refused[0].contains("- \"Hostname\": \"\",\n+ \"Hostname\": \"h\","));
}

#[test]
fn deployments_pick_their_pods() {
    let mut object = json!({ "spec": {
        "replicas": 1, "selector": { "matchLabels": { "a": "z" } }, "strategy": { "type": "X" },
        "template": pod_with(json!({}), json!({})),
    } });
    object["spec"]["template"]["metadata"] = json!({ "labels": { "a": "b" } });
    let expect = [
        "spec.template.metadata.labels: Invalid value: {\"a\":\"b\"}: `selector` does not match template `labels`",
        "spec.strategy: Unsupported value: {\"Type\":\"X\",\"RollingUpdate\":null}: supported values: \"Recreate\", \"RollingUpdate\"",
    ];
    assert_eq!(texts(|report| workloads::deployment(&object, report)), expect);
}

#[test]
fn services_name_their_ports_apart() {
    let port = |name: &str| json!({ "name": name, "port": 80, "protocol": "TCP", "targetPort": 80 });
    let object = json!({ "spec": {
        "type": "ClusterIP", "sessionAffinity": "None", "internalTrafficPolicy": "Cluster",
        "clusterIP": "10.96.0.9", "clusterIPs": ["10.96.0.9"], "ports": [port("a"), port("a")],
    } });
    let expect = [
        "spec.ports[1].name: Duplicate value: \"a\"",
        "spec.ports[1]: Duplicate value: {\"Name\":\"\",\"Protocol\":\"TCP\",\"AppProtocol\":null,\"Port\":80,\"TargetPort\":0,\"NodePort\":0}",
    ];
    assert_eq!(texts(|report| services::check(&Value::Null, &object, report)), expect);
}

#[test]
fn immutable_data_stays() {
    let old = json!({ "immutable": true, "data": { "a": "Yg==" }, "type": "Opaque" });
    let new = json!({ "data": {}, "type": "x" });
    let expect = [
        "type: Invalid value: \"x\": field is immutable",
        "immutable: Forbidden: field is immutable when `immutable` is set",
        "data: Forbidden: field is immutable when `immutable` is set",
    ];
    assert_eq!(texts(|report| config::update_secret(&old, &new, report)), expect);
}

#[test]
fn hostile_shapes_do_not_panic() {
    let odd =
        [json!(null), json!([]), json!({ "spec": [1, "a", null] }), json!({ "spec": { "template": 1, "ports": "x" } })];
    for object in &odd {
        for kind in crate::resources::built_ins() {
            texts(|report| create(kind, object, report));
            texts(|report| update(kind, object, &odd[3], report));
            texts(|report| update_status(kind, object, object, report));
        }
    }
}
