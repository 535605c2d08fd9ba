//! Services, as far as no address has to be found.

use serde_json::{Value, json};

use super::fill::{given, is_empty, is_unset, items, set, spec, text};

/// Three hours.
const AFFINITY_SECONDS: i64 = 10_800;

pub(super) fn service(object: &mut Value) {
    let Some(spec) = spec(object) else { return };
    set(spec, "sessionAffinity", "None");
    match text(spec, "sessionAffinity") {
        "None" => {
            spec.remove("sessionAffinityConfig");
        }
        "ClientIP" => {
            let given = spec.get("sessionAffinityConfig");
            let seconds = given.and_then(|config| config.pointer("/clientIP/timeoutSeconds"));
            if seconds.is_none_or(Value::is_null) {
                let config = json!({ "clientIP": { "timeoutSeconds": AFFINITY_SECONDS } });
                spec.insert("sessionAffinityConfig".into(), config);
            }
        }
        _ => {}
    }
    set(spec, "type", "ClusterIP");
    for port in items(spec, "ports") {
        set(port, "protocol", "TCP");
        if is_unset(port.get("targetPort")) || port.get("targetPort") == Some(&json!(0)) {
            let number = port.get("port").cloned().unwrap_or(json!(0));
            port.insert("targetPort".into(), number);
        }
    }
    let kind = text(spec, "type").to_owned();
    let reachable = matches!(kind.as_str(), "LoadBalancer" | "NodePort")
        || (kind == "ClusterIP" && !is_empty(spec.get("externalIPs")));
    if reachable {
        set(spec, "externalTrafficPolicy", "Cluster");
    }
    if matches!(kind.as_str(), "LoadBalancer" | "NodePort" | "ClusterIP") {
        set(spec, "internalTrafficPolicy", "Cluster");
    }
    if kind == "LoadBalancer" {
        set(spec, "allocateLoadBalancerNodePorts", true);
        balancer_addresses(object);
    }
}

fn balancer_addresses(object: &mut Value) {
    let Some(status) = object.as_object_mut().and_then(|members| given(members, "status")) else { return };
    let Some(balancer) = given(status, "loadBalancer") else { return };
    for ingress in items(balancer, "ingress").filter(|ingress| !is_unset(ingress.get("ip"))) {
        set(ingress, "ipMode", "VIP");
    }
}
