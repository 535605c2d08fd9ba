//! Which Pods a Service leads to: an EndpointSlice, and the older Endpoints beside it.

use super::status::difference;
use super::{Context, Part, Plan};
use crate::kinds::Kind;
use crate::world::{Key, Object, Selector, suffix};
use serde_json::{Map, Value, json};
use std::sync::Arc;

/// An EndpointSlice holds at most this many; more Pods are cut off, which only shows in large Services.
const MAX_ENDPOINTS: usize = 1_000;
const SERVICE: &str = "kubernetes.io/service-name";
const MANAGED: &str = "endpointslice.kubernetes.io/managed-by";

pub(super) fn plan(ctx: &Context, service: &Object, plan: &mut Plan) {
    let Some(selector) = Selector::of(service) else { return };
    let pods: Vec<&Arc<Object>> = ctx
        .world
        .selected(&service.key.namespace, &selector)
        .filter(|pod| !pod.finished() && pod.status["podIP"].is_string())
        .take(MAX_ENDPOINTS)
        .collect();
    slice(ctx, service, &pods, plan);
    endpoints(ctx, service, &pods, plan);
}

fn target(pod: &Object) -> Value {
    json!({"kind": "Pod", "name": pod.key.name, "namespace": pod.key.namespace, "uid": pod.uid})
}

fn slice(ctx: &Context, service: &Object, pods: &[&Arc<Object>], plan: &mut Plan) {
    let list: Vec<Value> = pods
        .iter()
        .map(|pod| {
            let ready = pod.ready() && !pod.deleting;
            json!({"addresses": [pod.status["podIP"]], "nodeName": pod.node(), "targetRef": target(pod),
                   "conditions": {"ready": ready, "serving": pod.ready(), "terminating": pod.deleting}})
        })
        .collect();
    let mut desired = Map::from_iter([
        ("endpoints".to_owned(), Value::Array(list)),
        ("ports".to_owned(), Value::Array(ports(service, pods.first().map(|pod| &***pod)))),
    ]);
    let held = ctx.world.owned(service, Kind::EndpointSlice).find(|slice| !slice.deleting);
    if let Some(held) = held {
        let mut current = held.spec.clone();
        current.as_object_mut().into_iter().for_each(|fields| _ = fields.remove("addressType"));
        // An empty list may come back as none.
        for field in ["endpoints", "ports"] {
            if current[field].is_null() {
                current[field] = json!([]);
            }
        }
        if let Some(patch) = difference(&current, &desired) {
            plan.patch(held, Part::Main, Value::Object(patch));
        }
        return;
    }
    let prefix: String = format!("{}-", service.key.name).chars().take(58).collect();
    let tail = suffix(ctx.config.seed, &[&service.key.namespace, &service.key.name], ctx.world.serial(service));
    let mut labels = service.labels.clone();
    labels.insert(SERVICE.into(), service.key.name.clone());
    labels.insert(MANAGED.into(), "endpointslice-controller.k8s.io".into());
    if service.spec["clusterIP"] == "None" {
        labels.insert("service.kubernetes.io/headless".into(), String::new());
    }
    let metadata = json!({"name": format!("{prefix}{tail}"), "generateName": prefix, "namespace": service.key.namespace,
                          "labels": labels, "ownerReferences": service.reference()});
    desired.insert("apiVersion".into(), "discovery.k8s.io/v1".into());
    desired.insert("kind".into(), "EndpointSlice".into());
    desired.insert("addressType".into(), "IPv4".into());
    desired.insert("metadata".into(), metadata);
    plan.create(Kind::EndpointSlice, service, Value::Object(desired));
}

fn endpoints(ctx: &Context, service: &Object, pods: &[&Arc<Object>], plan: &mut Plan) {
    let (ready, unready): (Vec<_>, Vec<_>) = pods.iter().filter(|pod| !pod.deleting).partition(|pod| pod.ready());
    let address =
        |pod: &&&Arc<Object>| json!({"ip": pod.status["podIP"], "nodeName": pod.node(), "targetRef": target(pod)});
    let mut subset = Map::new();
    for (field, pods) in [("addresses", ready), ("notReadyAddresses", unready)] {
        if !pods.is_empty() {
            subset.insert(field.into(), pods.iter().map(address).collect());
        }
    }
    let subsets = if subset.is_empty() {
        json!([])
    } else {
        subset.insert("ports".into(), Value::Array(ports(service, pods.first().map(|pod| &***pod))));
        json!([subset])
    };
    match ctx.world.get(&Key { kind: Kind::Endpoints, ..service.key.clone() }) {
        Some(held) if held.spec["subsets"] == subsets => {}
        Some(held) if held.spec["subsets"].is_null() && subsets == json!([]) => {}
        Some(held) if held.deleting => {}
        Some(held) => plan.patch(held, Part::Main, json!({"subsets": subsets})),
        None => {
            let mut labels = service.labels.clone();
            labels.insert("endpoints.kubernetes.io/managed-by".into(), "endpoint-controller".into());
            // Owned, unlike upstream's, so that it goes with its Service without a controller that looks for strays.
            let metadata = json!({"name": service.key.name, "namespace": service.key.namespace, "labels": labels,
                                  "ownerReferences": service.reference()});
            let body = json!({"apiVersion": "v1", "kind": "Endpoints", "metadata": metadata, "subsets": subsets});
            plan.create(Kind::Endpoints, service, body);
        }
    }
}

/// The Service's ports as the Pods have them; a name that no container has is left out.
fn ports(service: &Object, pod: Option<&Object>) -> Vec<Value> {
    let listed = service.spec["ports"].as_array().into_iter().flatten();
    listed
        .filter_map(|port| {
            let number = match &port["targetPort"] {
                Value::String(name) => container_port(pod?, name)?,
                Value::Null => port["port"].as_i64()?,
                value => value.as_i64().filter(|number| *number != 0).or(port["port"].as_i64())?,
            };
            let mut entry = json!({"port": number, "protocol": port["protocol"].as_str().unwrap_or("TCP")});
            entry["name"] = port["name"].as_str().unwrap_or_default().into();
            if entry["name"] == "" {
                entry.as_object_mut().into_iter().for_each(|fields| _ = fields.remove("name"));
            }
            if let Some(protocol) = port.get("appProtocol") {
                entry["appProtocol"] = protocol.clone();
            }
            Some(entry)
        })
        .collect()
}

fn container_port(pod: &Object, name: &str) -> Option<i64> {
    let containers = pod.spec["containers"].as_array()?.iter();
    let mut ports = containers.flat_map(|container| container["ports"].as_array()).flatten();
    ports.find(|port| port["name"] == name)?["containerPort"].as_i64()
}
