//! DaemonSets: one Pod on every node that takes it.

use super::rollout::{available, int_or_percent, pod_of};
use super::status::{Conditions, counters};
use super::{Context, MAX_CREATES, Plan, schedule};
use crate::kinds::Kind;
use crate::world::{Object, suffix};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Taints that the Pods of a DaemonSet always tolerate.
const TOLERATED: [(&str, &str); 6] = [
    ("node.kubernetes.io/not-ready", "NoExecute"),
    ("node.kubernetes.io/unreachable", "NoExecute"),
    ("node.kubernetes.io/disk-pressure", "NoSchedule"),
    ("node.kubernetes.io/memory-pressure", "NoSchedule"),
    ("node.kubernetes.io/pid-pressure", "NoSchedule"),
    ("node.kubernetes.io/unschedulable", "NoSchedule"),
];

pub(super) fn plan(ctx: &Context, set: &Object, plan: &mut Plan) {
    let Some(hash) = set.template.as_ref().map(|template| template.hash.as_str()) else { return };
    let pod = blueprint(set, hash);
    let mut by_node: BTreeMap<&str, Vec<&Arc<Object>>> = BTreeMap::new();
    for held in ctx.world.owned(set, Kind::Pod).filter(|held| !held.finished()) {
        by_node.entry(held.node()).or_default().push(held);
    }
    let nodes: Vec<&str> = ctx
        .world
        .nodes()
        .filter(|(node, _)| schedule::eligible(&pod["spec"], node))
        .map(|(node, _)| node.key.name.as_str())
        .collect();
    let empty = nodes.iter().filter(|node| !by_node.contains_key(**node)).take(MAX_CREATES);
    for (serial, node) in (ctx.world.serial(set)..).zip(empty) {
        let name = suffix(ctx.config.seed, &[&set.key.namespace, &set.key.name, node], serial);
        let mut pod = pod.clone();
        pod["metadata"]["name"] = format!("{}-{name}", set.key.name).into();
        pod["spec"]["nodeName"] = (*node).into();
        plan.create(Kind::Pod, set, pod);
    }
    for (node, pods) in &by_node {
        let keep = usize::from(nodes.contains(node));
        pods.iter().skip(keep).filter(|held| !held.deleting).for_each(|held| plan.delete(held));
    }
    let running: Vec<&Arc<Object>> =
        by_node.iter().filter(|(node, _)| nodes.contains(*node)).map(|(_, pods)| pods[0]).collect();
    let misplaced = by_node.keys().filter(|node| !nodes.contains(*node)).count();
    update(set, hash, &running, nodes.len(), plan);
    status(ctx, set, hash, &running, (nodes.len(), misplaced), plan);
}

/// The Pod of this set for any node.
fn blueprint(set: &Object, hash: &str) -> Value {
    let mut pod = pod_of(set);
    pod["metadata"]["labels"]["controller-revision-hash"] = hash.into();
    pod["metadata"]["labels"]["pod-template-generation"] = "1".into();
    if !pod["spec"]["tolerations"].is_array() {
        pod["spec"]["tolerations"] = json!([]);
    }
    if let Some(tolerations) = pod["spec"]["tolerations"].as_array_mut() {
        let always = TOLERATED.iter().map(|(key, effect)| json!({"key": key, "operator": "Exists", "effect": effect}));
        tolerations.extend(always);
    }
    pod
}

/// Deletes Pods of older templates, as many as may be missing at a time.
fn update(set: &Object, hash: &str, pods: &[&Arc<Object>], nodes: usize, plan: &mut Plan) {
    let strategy = &set.spec["updateStrategy"];
    if strategy["type"] == "OnDelete" {
        return;
    }
    let limit = strategy["rollingUpdate"].get("maxUnavailable").cloned().unwrap_or(json!(1));
    let limit = int_or_percent(&limit, nodes as i64, true).max(1) as usize;
    let missing = nodes - pods.iter().filter(|pod| pod.ready() && !pod.deleting).count();
    let mut spare = limit.saturating_sub(missing);
    for pod in pods.iter().filter(|pod| !pod.deleting && !is_current(pod, hash)) {
        if !pod.ready() {
            plan.delete(pod);
        } else if spare > 0 {
            spare -= 1;
            plan.delete(pod);
        }
    }
}

fn is_current(pod: &Object, hash: &str) -> bool {
    pod.labels.get("controller-revision-hash").is_some_and(|label| label == hash)
}

fn status(
    ctx: &Context,
    set: &Object,
    hash: &str,
    pods: &[&Arc<Object>],
    (nodes, misplaced): (usize, usize),
    plan: &mut Plan,
) {
    let min_ready = set.spec["minReadySeconds"].as_i64().unwrap_or_default();
    let (nodes, misplaced) = (nodes as i64, misplaced as i64);
    let (mut ready, mut free, mut updated, mut current) = (0, 0, 0, 0);
    for pod in pods.iter().filter(|pod| pod.active()) {
        current += 1;
        ready += i64::from(pod.ready());
        updated += i64::from(is_current(pod, hash));
        let (is_available, due) = available(pod, min_ready, ctx.now);
        free += i64::from(is_available);
        due.into_iter().for_each(|due| plan.wake_at(due));
    }
    let mut status = counters(&[
        ("observedGeneration", set.generation),
        ("updatedNumberScheduled", updated),
        ("numberAvailable", free),
        ("numberUnavailable", nodes - free),
    ]);
    status.insert("desiredNumberScheduled".into(), nodes.into());
    status.insert("currentNumberScheduled".into(), current.into());
    status.insert("numberMisscheduled".into(), misplaced.into());
    status.insert("numberReady".into(), ready.into());
    Conditions::of(set, ctx.now).store(&mut status);
    plan.settle_status(ctx, set, status, updated == nodes && free == nodes);
}
