//! The row of a pod.

use serde_json::Value;

use super::cells::{age, number, or_none, since};
use crate::object::{is_deleting, list_at, name, text, text_at};

fn flag(value: &Value, key: &str) -> bool {
    value.get(key) == Some(&Value::Bool(true))
}

fn condition(pod: &Value, kind: &str) -> bool {
    list_at(pod, "/status/conditions").iter().any(|one| text(one, "type") == kind && text(one, "status") == "True")
}

/// Words for a state that ended, or that waits.
fn ended(terminated: &Value) -> String {
    match (text(terminated, "reason"), number(terminated, "/signal")) {
        ("", 0) => format!("ExitCode:{}", number(terminated, "/exitCode")),
        ("", signal) => format!("Signal:{signal}"),
        (reason, _) => reason.to_owned(),
    }
}

struct Summary {
    reason: String,
    restarts: i64,
    last_restart: String,
    ready: usize,
    total: usize,
}

impl Summary {
    fn restarted(&mut self, status: &Value) {
        self.restarts += number(status, "/restartCount");
        let finished = text_at(status, "/lastState/terminated/finishedAt");
        if finished > self.last_restart.as_str() {
            self.last_restart = finished.to_owned();
        }
    }
}

/// The cells of a pod.
pub(super) fn pod(item: &Value) -> Vec<Value> {
    let summary = summarize(item);
    let restarts = if summary.restarts != 0 && !summary.last_restart.is_empty() {
        format!("{} ({} ago)", summary.restarts, since(&summary.last_restart))
    } else {
        summary.restarts.to_string()
    };
    let address = list_at(item, "/status/podIPs").first().map_or("", |one| text(one, "ip"));
    vec![
        name(item).into(),
        format!("{}/{}", summary.ready, summary.total).into(),
        summary.reason.into(),
        restarts.into(),
        age(item),
        or_none(address),
        or_none(text_at(item, "/spec/nodeName")),
        or_none(text_at(item, "/status/nominatedNodeName")),
        gates(item).into(),
    ]
}

fn gates(item: &Value) -> String {
    let gates = list_at(item, "/spec/readinessGates");
    if gates.is_empty() {
        return "<none>".to_owned();
    }
    let good = gates.iter().filter(|gate| condition(item, text(gate, "conditionType"))).count();
    format!("{good}/{}", gates.len())
}

fn summarize(item: &Value) -> Summary {
    let phase = text_at(item, "/status/phase");
    let own_reason = text_at(item, "/status/reason");
    let mut reason = if own_reason.is_empty() { phase } else { own_reason }.to_owned();
    if list_at(item, "/status/conditions")
        .iter()
        .any(|one| text(one, "type") == "PodScheduled" && text(one, "reason") == "SchedulingGated")
    {
        reason = "SchedulingGated".to_owned();
    }
    let restartable = |wanted: &str| {
        list_at(item, "/spec/initContainers")
            .iter()
            .any(|one| text(one, "name") == wanted && text(one, "restartPolicy") == "Always")
    };
    let sidecars =
        list_at(item, "/spec/initContainers").iter().filter(|one| text(one, "restartPolicy") == "Always").count();
    let total = list_at(item, "/spec/containers").len() + sidecars;
    let mut summary = Summary { reason, restarts: 0, last_restart: String::new(), ready: 0, total };
    let mut of_sidecars =
        Summary { reason: String::new(), restarts: 0, last_restart: String::new(), ready: 0, total: 0 };
    let initializing = init_phase(item, &mut summary, &mut of_sidecars, &restartable);
    if !initializing || condition(item, "Initialized") {
        summary.restarts = of_sidecars.restarts;
        summary.last_restart = of_sidecars.last_restart;
        main_phase(item, &mut summary);
    }
    if is_deleting(item) {
        if own_reason == "NodeLost" {
            summary.reason = "Unknown".to_owned();
        } else if !matches!(phase, "Succeeded" | "Failed") {
            summary.reason = "Terminating".to_owned();
        }
    }
    summary
}

fn init_phase(
    item: &Value,
    summary: &mut Summary,
    of_sidecars: &mut Summary,
    restartable: &dyn Fn(&str) -> bool,
) -> bool {
    let total = list_at(item, "/spec/initContainers").len();
    for (index, status) in list_at(item, "/status/initContainerStatuses").iter().enumerate() {
        summary.restarted(status);
        let sidecar = restartable(text(status, "name"));
        if sidecar {
            of_sidecars.restarted(status);
        }
        let terminated = status.pointer("/state/terminated").filter(|one| one.is_object());
        if terminated.is_some_and(|one| number(one, "/exitCode") == 0) {
            continue;
        }
        if sidecar && flag(status, "started") {
            summary.ready += usize::from(flag(status, "ready"));
            continue;
        }
        let waiting = text_at(status, "/state/waiting/reason");
        summary.reason = match terminated {
            Some(one) => format!("Init:{}", ended(one)),
            None if !waiting.is_empty() && waiting != "PodInitializing" => format!("Init:{waiting}"),
            None => format!("Init:{index}/{total}"),
        };
        return true;
    }
    false
}

fn main_phase(item: &Value, summary: &mut Summary) {
    let (mut running, mut error) = (false, String::new());
    for status in list_at(item, "/status/containerStatuses").iter().rev() {
        summary.restarted(status);
        let waiting = text_at(status, "/state/waiting/reason");
        let terminated = status.pointer("/state/terminated").filter(|one| one.is_object());
        if !waiting.is_empty() {
            summary.reason = waiting.to_owned();
        } else if let Some(one) = terminated {
            summary.reason = ended(one);
            if number(one, "/exitCode") != 0 {
                error = summary.reason.clone();
            }
        } else if flag(status, "ready") && status.pointer("/state/running").is_some() {
            running = true;
            summary.ready += 1;
        }
    }
    if summary.reason == "Completed" {
        if running && condition(item, "Ready") {
            summary.reason = "Running".to_owned();
        } else if !error.is_empty() {
            summary.reason = error;
        } else if running {
            summary.reason = "NotReady".to_owned();
        }
    }
}
