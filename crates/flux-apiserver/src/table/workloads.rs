//! Rows of workloads and what scales them.

use serde_json::Value;

use super::cells::{age, human, labels, number, or_none, selector, since};
use crate::object::{list_at, name, text, text_at};
use crate::resources::Resource;

/// Names and images of a template's containers.
fn containers(item: &Value, spec: &str) -> (Value, Value) {
    let list = list_at(item, &format!("{spec}/containers"));
    let join = |field: &str| Value::from(list.iter().map(|one| text(one, field)).collect::<Vec<_>>().join(","));
    (join("name"), join("image"))
}

/// The cells of a workload; `None` for other kinds.
pub(super) fn cells(resource: &Resource, item: &Value) -> Option<Vec<Value>> {
    let own: Value = name(item).into();
    let template = "/spec/template/spec";
    let (names, images) = containers(item, template);
    let pods = selector(item.pointer("/spec/selector"));
    let status = |field: &str| Value::from(number(item, &format!("/status/{field}")));
    Some(match (resource.group.as_str(), resource.plural.as_str()) {
        ("apps", "deployments") => {
            let ready = format!("{}/{}", number(item, "/status/readyReplicas"), number(item, "/spec/replicas"));
            vec![
                own,
                ready.into(),
                status("updatedReplicas"),
                status("availableReplicas"),
                age(item),
                names,
                images,
                pods.into(),
            ]
        }
        ("apps", "statefulsets") => {
            let ready = format!("{}/{}", number(item, "/status/readyReplicas"), number(item, "/spec/replicas"));
            vec![own, ready.into(), age(item), names, images]
        }
        ("apps", "daemonsets") => vec![
            own,
            status("desiredNumberScheduled"),
            status("currentNumberScheduled"),
            status("numberReady"),
            status("updatedNumberScheduled"),
            status("numberAvailable"),
            labels(item.pointer("/spec/template/spec/nodeSelector")).into(),
            age(item),
            names,
            images,
            pods.into(),
        ],
        ("apps", "replicasets") => {
            vec![
                own,
                number(item, "/spec/replicas").into(),
                status("replicas"),
                status("readyReplicas"),
                age(item),
                names,
                images,
                pods.into(),
            ]
        }
        ("", "replicationcontrollers") => {
            let pods = labels(item.pointer("/spec/selector"));
            vec![
                own,
                number(item, "/spec/replicas").into(),
                status("replicas"),
                status("readyReplicas"),
                age(item),
                names,
                images,
                pods.into(),
            ]
        }
        ("apps", "controllerrevisions") => {
            let owner = list_at(item, "/metadata/ownerReferences")
                .iter()
                .find(|owner| owner.get("controller") == Some(&Value::Bool(true)));
            let shown = owner.map_or("<none>".to_owned(), |owner| {
                let group = crate::object::split_api_version(text(owner, "apiVersion")).0;
                let kind = text(owner, "kind").to_lowercase();
                let kind = if group.is_empty() { kind } else { format!("{kind}.{group}") };
                format!("{kind}/{}", text(owner, "name"))
            });
            vec![own, shown.into(), number(item, "/revision").into(), age(item)]
        }
        ("", "podtemplates") => {
            let (names, images) = containers(item, "/template/spec");
            vec![own, names, images, labels(item.pointer("/template/metadata/labels")).into()]
        }
        ("batch", "jobs") => job(item, names, images, pods),
        ("batch", "cronjobs") => cron_job(item),
        ("autoscaling", _) => autoscaler(item),
        _ => return None,
    })
}

fn job(item: &Value, names: Value, images: Value, pods: String) -> Vec<Value> {
    let condition = |kind: &str| {
        list_at(item, "/status/conditions").iter().any(|one| text(one, "type") == kind && text(one, "status") == "True")
    };
    let status = [("Complete", "Complete"), ("Failed", "Failed")].into_iter().find(|(kind, _)| condition(kind));
    let status = match status {
        Some((_, words)) => words,
        None if crate::object::is_deleting(item) => "Terminating",
        None if condition("Suspended") => "Suspended",
        None if condition("FailureTarget") => "FailureTarget",
        None if condition("SuccessCriteriaMet") => "SuccessCriteriaMet",
        None => "Running",
    };
    let succeeded = number(item, "/status/succeeded");
    let completions = match item.pointer("/spec/completions").and_then(Value::as_i64) {
        Some(wanted) => format!("{succeeded}/{wanted}"),
        None => match number(item, "/spec/parallelism") {
            parallel if parallel > 1 => format!("{succeeded}/1 of {parallel}"),
            _ => format!("{succeeded}/1"),
        },
    };
    let start = text_at(item, "/status/startTime");
    let end = text_at(item, "/status/completionTime");
    let duration = match (start, end) {
        ("", _) => String::new(),
        (start, "") => since(start),
        (start, end) => {
            let second = |text: &str| text.parse::<jiff::Timestamp>().map_or(0, |time| time.as_second());
            human(second(end) - second(start))
        }
    };
    vec![name(item).into(), status.into(), completions.into(), duration.into(), age(item), names, images, pods.into()]
}

fn cron_job(item: &Value) -> Vec<Value> {
    let (names, images) = containers(item, "/spec/jobTemplate/spec/template/spec");
    let last = text_at(item, "/status/lastScheduleTime");
    let last = if last.is_empty() { "<none>".to_owned() } else { since(last) };
    let suspended = item.pointer("/spec/suspend") == Some(&Value::Bool(true));
    vec![
        name(item).into(),
        text_at(item, "/spec/schedule").into(),
        or_none(text_at(item, "/spec/timeZone")),
        if suspended { "True" } else { "False" }.into(),
        list_at(item, "/status/active").len().into(),
        last.into(),
        age(item),
        names,
        images,
        selector(item.pointer("/spec/jobTemplate/spec/selector")).into(),
    ]
}

fn autoscaler(item: &Value) -> Vec<Value> {
    let reference =
        format!("{}/{}", text_at(item, "/spec/scaleTargetRef/kind"), text_at(item, "/spec/scaleTargetRef/name"));
    let least = item.pointer("/spec/minReplicas").and_then(Value::as_i64);
    vec![
        name(item).into(),
        reference.into(),
        metrics(item).into(),
        least.map_or("<unset>".to_owned(), |number| number.to_string()).into(),
        number(item, "/spec/maxReplicas").into(),
        number(item, "/status/currentReplicas").into(),
        age(item),
    ]
}

/// Metrics shown before the rest is only counted.
const METRICS_SHOWN: usize = 2;

fn metrics(item: &Value) -> String {
    let mut converted;
    let item = if item.pointer("/spec/metrics").is_none() {
        converted = item.clone();
        crate::conversion::autoscaler_to_v2(&mut converted);
        &converted
    } else {
        item
    };
    let statuses = list_at(item, "/status/currentMetrics");
    let list: Vec<String> = list_at(item, "/spec/metrics")
        .iter()
        .enumerate()
        .map(|(index, spec)| metric(spec, statuses.get(index)))
        .collect();
    match list.len() {
        0 => "<none>".to_owned(),
        count if count > METRICS_SHOWN => {
            format!("{} + {} more...", list[..METRICS_SHOWN].join(", "), count - METRICS_SHOWN)
        }
        _ => list.join(", "),
    }
}

fn metric(spec: &Value, status: Option<&Value>) -> String {
    let kind = text(spec, "type");
    let source = match kind {
        "External" => "external",
        "Pods" => "pods",
        "Object" => "object",
        "Resource" => "resource",
        "ContainerResource" => "containerResource",
        _ => return "<unknown type>".to_owned(),
    };
    let spec = &spec[source];
    let target = &spec["target"];
    let current = status.map_or(Value::Null, |status| status[source]["current"].clone());
    let known = |field: &str| current.get(field).and_then(Value::as_str).unwrap_or("<unknown>").to_owned();
    match (kind, target.get("averageValue").and_then(Value::as_str)) {
        ("External" | "Object", Some(average)) => format!("{}/{average} (avg)", known("averageValue")),
        ("External" | "Object", None) => format!("{}/{}", known("value"), text(target, "value")),
        ("Pods", average) => format!("{}/{}", known("averageValue"), average.unwrap_or("")),
        (_, Some(average)) => format!("{}: {}/{average}", text(spec, "name"), known("averageValue")),
        (_, None) => {
            let percent = |value: Option<&Value>, otherwise: &str| {
                value.and_then(Value::as_i64).map_or(otherwise.to_owned(), |n| format!("{n}%"))
            };
            let used = percent(current.get("averageUtilization"), "<unknown>");
            format!("{}: {used}/{}", text(spec, "name"), percent(target.get("averageUtilization"), "<auto>"))
        }
    }
}
