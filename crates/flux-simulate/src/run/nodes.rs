//! Makes the simulated nodes equal to the configuration.

use super::execute::{apply, delete, get, merge};
use crate::world::rfc3339;
use crate::{Config, Error, SIMULATED_LABEL, plan};
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// Every new node has this taint until someone has seen that it is ready.
const NOT_READY: &str = "node.kubernetes.io/not-ready";
const PATH: &str = "/api/v1/nodes";

/// Writes every node that the configuration names and deletes the simulated ones that it names no longer.
pub(super) async fn ensure(client: &kube::Client, config: &Config) -> Result<(), Error> {
    let failed = |name: &str| {
        let name = name.to_owned();
        move |source| Error::Node { name, source }
    };
    let selector = format!("{PATH}?labelSelector={}%3Dtrue", SIMULATED_LABEL.replace('/', "%2F"));
    let held = get(client, &selector).await.map_err(failed("*"))?;
    let mut extra: BTreeSet<&str> =
        held["items"].as_array().into_iter().flatten().filter_map(|node| node["metadata"]["name"].as_str()).collect();
    // A node that was there keeps its times, so that applying it again changes nothing.
    let now = rfc3339(jiff::Timestamp::now());
    for (name, object, mut status) in plan::nodes(config, &now) {
        let before = held["items"].as_array().into_iter().flatten().find(|node| node["metadata"]["name"] == name);
        let since = before.and_then(|node| node["status"]["conditions"][0]["lastTransitionTime"].as_str());
        if let Some(since) = since {
            for condition in status["conditions"].as_array_mut().into_iter().flatten() {
                condition["lastTransitionTime"] = since.into();
                condition["lastHeartbeatTime"] = since.into();
            }
        }
        extra.remove(name.as_str());
        let path = format!("{PATH}/{name}");
        apply(client, &path, &object).await.map_err(failed(&name))?;
        let body = json!({"apiVersion": "v1", "kind": "Node", "metadata": {"name": name}, "status": status});
        let stored = apply(client, &format!("{path}/status"), &body).await.map_err(failed(&name))?;
        if let Some(taints) = without_not_ready(&stored["spec"]["taints"]) {
            let body = json!({"spec": {"taints": taints}});
            merge(client, &path, &body).await.map_err(failed(&name))?;
        }
    }
    for name in extra {
        match delete(client, &format!("{PATH}/{name}")).await {
            Err(kube::Error::Api(status)) if status.code == 404 => {}
            other => _ = other.map_err(failed(name))?,
        }
    }
    Ok(())
}

/// The other taints, when that one is there.
fn without_not_ready(taints: &Value) -> Option<Value> {
    let list = taints.as_array()?;
    let rest: Vec<Value> = list.iter().filter(|taint| taint["key"] != NOT_READY).cloned().collect();
    (rest.len() < list.len()).then_some(if rest.is_empty() { Value::Null } else { Value::Array(rest) })
}
