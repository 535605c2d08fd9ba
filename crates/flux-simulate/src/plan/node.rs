//! Simulated nodes, as the configuration describes them.

use crate::{Config, NOTICE, NodeSpec, SIMULATED_LABEL};
use serde_json::{Map, Value, json};
use std::net::Ipv4Addr;

/// 198.19.0.0/16, the upper half of the range for measurements.
const FIRST: u32 = 0xC613_0001;

/// Name, object without status, and status of every node.
pub(crate) fn nodes(config: &Config, now: &str) -> Vec<(String, Value, Value)> {
    let specs = config.nodes.iter().flat_map(|spec| (0..spec.count).map(move |index| (spec, index)));
    let numbered = specs.zip(0..);
    numbered
        .map(|((spec, index), number)| {
            let name = format!("{}-{index}", spec.name);
            let (object, status) = (object(spec, &name), status(spec, &name, Ipv4Addr::from(FIRST + number), now));
            (name, object, status)
        })
        .collect()
}

fn object(spec: &NodeSpec, name: &str) -> Value {
    let mut labels: Map<String, Value> = [
        ("beta.kubernetes.io/arch", "amd64"),
        ("beta.kubernetes.io/os", "linux"),
        ("kubernetes.io/arch", "amd64"),
        ("kubernetes.io/os", "linux"),
        ("kubernetes.io/hostname", name),
        (SIMULATED_LABEL, "true"),
    ]
    .map(|(label, value)| (label.to_owned(), value.into()))
    .into_iter()
    .collect();
    labels.extend(spec.labels.iter().map(|(label, value)| (label.clone(), value.clone().into())));
    let mut object = json!({
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": name, "labels": labels, "annotations": {"simulate.fluxcd.io/notice": NOTICE}},
        "spec": {"providerID": format!("simulated://{name}")},
    });
    let taints: Vec<Value> = spec
        .taints
        .iter()
        .map(|taint| {
            let mut value = json!({"key": taint.key, "effect": taint.effect});
            if !taint.value.is_empty() {
                value["value"] = taint.value.clone().into();
            }
            value
        })
        .collect();
    if !taints.is_empty() {
        object["spec"]["taints"] = Value::Array(taints);
    }
    object
}

fn status(spec: &NodeSpec, name: &str, address: Ipv4Addr, now: &str) -> Value {
    let condition = |kind: &str, status: &str, reason: &str, message: &str| {
        json!({"type": kind, "status": status, "reason": reason, "message": message,
               "lastHeartbeatTime": now, "lastTransitionTime": now})
    };
    json!({
        "addresses": [{"type": "InternalIP", "address": address.to_string()}, {"type": "Hostname", "address": name}],
        "allocatable": spec.allocatable,
        "capacity": spec.allocatable,
        "conditions": [
            condition("MemoryPressure", "False", "KubeletHasSufficientMemory", "simulated"),
            condition("DiskPressure", "False", "KubeletHasNoDiskPressure", "simulated"),
            condition("PIDPressure", "False", "KubeletHasSufficientPID", "simulated"),
            condition("Ready", "True", "KubeletReady", "simulated: no kubelet runs"),
        ],
        "nodeInfo": {
            "architecture": "amd64", "operatingSystem": "linux", "osImage": "simulated", "kernelVersion": "simulated",
            "containerRuntimeVersion": "simulated://0", "kubeletVersion": "v1.36.3+simulated",
            "kubeProxyVersion": "", "machineID": name, "systemUUID": name, "bootID": name,
        },
    })
}
