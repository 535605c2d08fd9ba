//! Pods: placed on a node, then ready or complete after a delay, unless their image cannot be pulled.

use super::status::Conditions;
use super::{Context, Plan, Write, after, schedule};
use crate::kinds::Kind;
use crate::world::{Key, Object, fnv1a, mix, rfc3339};
use jiff::Timestamp;
use serde_json::{Map, Value, json};
use std::net::Ipv4Addr;
use std::time::Duration;

/// A step that takes less is not worth a write of its own.
const WORTH_SHOWING: Duration = Duration::from_secs(1);
/// From the first failed pull until the kubelet would say that it backs off.
const BACK_OFF: Duration = Duration::from_secs(1);
/// Shown in the status of every Pod.
const MESSAGE: &str = "simulated: no container runs";

pub(super) fn plan(ctx: &Context, pod: &Object, plan: &mut Plan) {
    if pod.deleting {
        // The part of the kubelet: everything has ended.
        if !pod.finalizers {
            plan.delete(pod);
        }
        return;
    }
    if pod.assumed || (pod.finished() && ctx.world.has_node(pod.node())) {
        return;
    }
    if pod.node().is_empty() {
        return find_place(ctx, pod, plan);
    }
    if !ctx.world.has_node(pod.node()) {
        // As the collector of Pods does whose node is gone.
        return plan.delete(pod);
    }
    let delay = delay(ctx, pod);
    let due = after(pod.placed.unwrap_or(ctx.now), delay);
    match failing_image(ctx, pod) {
        _ if ctx.now < due && running(pod) => {}
        _ if ctx.now < due => {
            plan.wake_at(due);
            if delay >= WORTH_SHOWING {
                plan.set_status(pod, waiting(ctx, pod, "ContainerCreating", ""));
            }
        }
        Some(image) => fail(ctx, pod, image, due, plan),
        None => plan.set_status(pod, started(ctx, pod)),
    }
}

fn find_place(ctx: &Context, pod: &Object, plan: &mut Plan) {
    if pod.spec["schedulerName"].as_str().is_some_and(|name| name != "default-scheduler") {
        return;
    }
    let gated = pod.spec["schedulingGates"].as_array().is_some_and(|gates| !gates.is_empty());
    let (reason, message) = if gated {
        ("SchedulingGated", "Scheduling is blocked due to non-empty scheduling gates".to_owned())
    } else {
        match schedule::place(ctx, pod) {
            Ok(node) => {
                plan.writes.push(Write::Bind { key: pod.key.clone(), uid: pod.uid.clone(), node });
                return;
            }
            Err(message) => ("Unschedulable", message),
        }
    };
    let mut status = pod.status.as_object().cloned().unwrap_or_default();
    let mut conditions = Conditions::of(pod, ctx.now);
    conditions.set("PodScheduled", false, reason, &message);
    conditions.store(&mut status);
    status.insert("phase".into(), "Pending".into());
    plan.set_status(pod, status);
}

/// How long this Pod takes: what the first stage for it says, or a share of the usual delays that depends on its name.
fn delay(ctx: &Context, pod: &Object) -> Duration {
    if let Some(stage) = ctx.config.stages.iter().find(|stage| stage.is_for_pods() && stage.matches(pod)) {
        return stage.delay;
    }
    let delays = ctx.config.delays;
    let span = delays.max.saturating_sub(delays.min).as_millis() as u64;
    let share = mix(ctx.config.seed, &[&pod.key.namespace, &pod.key.name], 0) % (span + 1);
    delays.min + Duration::from_millis(share)
}

fn images(pod: &Object) -> impl Iterator<Item = &str> {
    let containers = ["initContainers", "containers"].into_iter().flat_map(|list| pod.spec[list].as_array());
    containers.flatten().filter_map(|container| container["image"].as_str())
}

fn failing_image<'a>(ctx: &Context, pod: &'a Object) -> Option<&'a str> {
    images(pod).find(|image| ctx.config.failing_images.iter().any(|pattern| glob(pattern, image)))
}

/// Whether `text` is what `pattern` describes; `*` stands for any text.
fn glob(pattern: &str, text: &str) -> bool {
    let Some((first, rest)) = pattern.split_once('*') else { return pattern == text };
    let Some(mut text) = text.strip_prefix(first) else { return false };
    let mut parts: Vec<&str> = rest.split('*').collect();
    let last = parts.pop().unwrap_or_default();
    for part in parts {
        match text.find(part) {
            Some(at) => text = &text[at + part.len()..],
            None => return false,
        }
    }
    text.ends_with(last)
}

fn running(pod: &Object) -> bool {
    pod.status["phase"] == "Running"
}

fn fail(ctx: &Context, pod: &Object, image: &str, due: Timestamp, plan: &mut Plan) {
    let pull = format!("failed to pull image \"{image}\": it is configured to fail in this simulation");
    if ctx.now < after(due, BACK_OFF) {
        plan.wake_at(after(due, BACK_OFF));
        plan.set_status(pod, waiting(ctx, pod, "ErrImagePull", &pull));
    } else {
        let message = format!("Back-off pulling image \"{image}\": ErrImagePull: {pull}");
        plan.set_status(pod, waiting(ctx, pod, "ImagePullBackOff", &message));
    }
}

/// Fields that Pods with a node have in every state.
fn base(ctx: &Context, pod: &Object) -> Map<String, Value> {
    let mut status = Map::new();
    let kept =
        ["qosClass", "nominatedNodeName", "observedGeneration", "ephemeralContainerStatuses", "resourceClaimStatuses"];
    for field in kept {
        if let Some(value) = pod.status.get(field) {
            status.insert(field.into(), value.clone());
        }
    }
    let node = ctx.world.get(&Key::new(Kind::Node, "", pod.node()));
    let host = node.and_then(|node| {
        let addresses = node.status["addresses"].as_array()?;
        addresses.iter().find(|address| address["type"] == "InternalIP")?["address"].as_str()
    });
    if let Some(host) = host {
        status.insert("hostIP".into(), host.into());
        status.insert("hostIPs".into(), json!([{"ip": host}]));
    }
    let start = pod.status["startTime"].as_str().map_or_else(|| rfc3339(ctx.now), str::to_owned);
    status.insert("startTime".into(), start.into());
    status.insert("message".into(), MESSAGE.into());
    status
}

/// Containers that wait: of a failing Pod only those whose own image fails say so.
fn waiting(ctx: &Context, pod: &Object, reason: &str, message: &str) -> Map<String, Value> {
    let fails = |image: &str| ctx.config.failing_images.iter().any(|pattern| glob(pattern, image));
    let state = |container: &Value| {
        let image = container["image"].as_str().unwrap_or_default();
        let mut waiting = json!({"reason": "ContainerCreating"});
        if message.is_empty() || fails(image) {
            waiting["reason"] = reason.into();
            if !message.is_empty() {
                waiting["message"] = message.into();
            }
        }
        json!({"name": container["name"], "image": image, "imageID": "", "ready": false, "started": false,
               "restartCount": 0, "lastState": {}, "state": {"waiting": waiting}})
    };
    let mut status = base(ctx, pod);
    status.insert("phase".into(), "Pending".into());
    for (list, field) in [("containers", "containerStatuses"), ("initContainers", "initContainerStatuses")] {
        if let Some(containers) = pod.spec[list].as_array().filter(|containers| !containers.is_empty()) {
            status.insert(field.into(), containers.iter().map(state).collect());
        }
    }
    let names: Vec<&str> = names(&pod.spec["containers"]).collect();
    let unready = format!("containers with unready status: [{}]", names.join(" "));
    let mut conditions = Conditions::of(pod, ctx.now);
    conditions.set("PodReadyToStartContainers", true, "", "");
    conditions.set("Initialized", true, "", "");
    conditions.set("Ready", false, "ContainersNotReady", &unready);
    conditions.set("ContainersReady", false, "ContainersNotReady", &unready);
    conditions.set("PodScheduled", true, "", "");
    conditions.store(&mut status);
    status
}

fn names(containers: &Value) -> impl Iterator<Item = &str> {
    containers.as_array().into_iter().flatten().filter_map(|container| container["name"].as_str())
}

/// The state that a Pod without problems ends up in: running and ready, or complete when it is not to be restarted.
fn started(ctx: &Context, pod: &Object) -> Map<String, Value> {
    let completes = pod.spec["restartPolicy"].as_str().is_some_and(|policy| policy != "Always");
    let mut status = base(ctx, pod);
    let phase = if completes { "Succeeded" } else { "Running" };
    status.insert("phase".into(), phase.into());
    let address = pod.status["podIP"].as_str().map(str::to_owned).or_else(|| free_address(ctx, pod));
    if let Some(address) = address {
        status.insert("podIPs".into(), json!([{"ip": address}]));
        status.insert("podIP".into(), address.into());
    }
    for (list, field) in [("containers", "containerStatuses"), ("initContainers", "initContainerStatuses")] {
        let Some(containers) = pod.spec[list].as_array().filter(|containers| !containers.is_empty()) else { continue };
        let ended =
            |container: &Value| completes || (list == "initContainers" && container["restartPolicy"] != "Always");
        let states = containers.iter().map(|container| container_status(ctx, pod, field, container, ended(container)));
        status.insert(field.into(), states.collect());
    }
    let mut conditions = Conditions::of(pod, ctx.now);
    conditions.set("PodReadyToStartContainers", !completes, "", "");
    if completes {
        conditions.set("Initialized", true, "PodCompleted", "");
        conditions.set("Ready", false, "PodCompleted", "");
        conditions.set("ContainersReady", false, "PodCompleted", "");
    } else {
        conditions.set("Initialized", true, "", "");
        match missing_gate(pod) {
            None => conditions.set("Ready", true, "", ""),
            Some(gate) => {
                let message = format!(
                    "corresponding condition of pod readiness gate \"{gate}\" does not exist or is not \"True\"."
                );
                conditions.set("Ready", false, "ReadinessGatesNotReady", &message);
            }
        }
        conditions.set("ContainersReady", true, "", "");
    }
    conditions.set("PodScheduled", true, "", "");
    conditions.store(&mut status);
    for stage in ctx.config.stages.iter().filter(|stage| stage.is_for_pods() && stage.matches(pod)) {
        super::stage::overlay(&mut status, &stage.status, pod, ctx.now);
    }
    status
}

/// A readiness gate that nobody has opened.
fn missing_gate(pod: &Object) -> Option<&str> {
    let gates = pod.spec["readinessGates"].as_array()?;
    gates
        .iter()
        .filter_map(|gate| gate["conditionType"].as_str())
        .find(|gate| pod.condition(gate).is_none_or(|condition| condition["status"] != "True"))
}

fn container_status(ctx: &Context, pod: &Object, field: &str, container: &Value, ended: bool) -> Value {
    let held = pod.status[field].as_array().into_iter().flatten().find(|held| held["name"] == container["name"]);
    let state = if ended { "terminated" } else { "running" };
    let image = container["image"].as_str().unwrap_or_default();
    // Times stay as they are while the container does.
    let same = held.filter(|held| held["image"] == image && held["state"].get(state).is_some());
    if let Some(same) = same {
        return same.clone();
    }
    let now = rfc3339(ctx.now);
    let name = container["name"].as_str().unwrap_or_default();
    let id = format!("simulated://{:016x}{:016x}", fnv1a(pod.uid.as_bytes()), fnv1a(name.as_bytes()));
    let state = if ended {
        json!({"terminated": {"exitCode": 0, "reason": "Completed", "startedAt": now, "finishedAt": now, "containerID": id}})
    } else {
        json!({"running": {"startedAt": now}})
    };
    let image_id = image.split_once('@').map_or_else(
        || format!("simulated://sha256:{:016x}", fnv1a(image.as_bytes())),
        |(_, digest)| format!("simulated://{digest}"),
    );
    let ready = !ended || field == "initContainerStatuses";
    json!({"name": name, "image": image, "imageID": image_id, "containerID": id, "ready": ready,
           "started": !ended, "restartCount": 0, "lastState": {}, "state": state})
}

/// An address of 10/8 that no other Pod has, found from the Pod's name.
fn free_address(ctx: &Context, pod: &Object) -> Option<String> {
    let start = mix(ctx.config.seed, &[&pod.key.namespace, &pod.key.name], 1);
    let addresses = (0..u64::from(u16::MAX)).map(|step| {
        let [_, _, _, _, _, b, c, d] = (start.wrapping_add(step)).to_be_bytes();
        Ipv4Addr::new(10, b, c, d)
    });
    let mut usable = addresses.filter(|address| !matches!(address.octets()[3], 0 | 255));
    let free = usable.find(|address| ctx.world.address_owner(*address).is_none_or(|owner| *owner == pod.key));
    free.map(|address| address.to_string())
}

#[cfg(test)]
mod tests {
    use super::glob;

    #[test]
    fn image_patterns() {
        for (pattern, text, expect) in [
            ("*", "a/b:c", true),
            ("*:broken", "ghcr.io/org/app:broken", true),
            ("*:broken*", "ghcr.io/org/app:broken-2", true),
            ("*:broken", "ghcr.io/org/app:1", false),
            ("ghcr.io/*/app:*", "ghcr.io/org/app:1", true),
            ("ghcr.io/*/app:*", "docker.io/org/app:1", false),
            ("app", "app", true),
            ("app", "app:1", false),
            ("a*b*c", "aXbYc", true),
            ("a*b*b", "ab", false),
        ] {
            assert_eq!(glob(pattern, text), expect, "{pattern} {text}");
        }
    }
}
