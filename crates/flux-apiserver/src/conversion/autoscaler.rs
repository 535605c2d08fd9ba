//! `autoscaling/v1` keeps what it lacks in annotations.

use serde_json::{Value, json};

use crate::object::{meta_mut, section};

const METRICS: &str = "autoscaling.alpha.kubernetes.io/metrics";
const BEHAVIOR: &str = "autoscaling.alpha.kubernetes.io/behavior";
const CONDITIONS: &str = "autoscaling.alpha.kubernetes.io/conditions";
const CURRENT: &str = "autoscaling.alpha.kubernetes.io/current-metrics";

fn is_cpu_utilization(metric: &Value) -> bool {
    metric["type"] == "Resource"
        && metric["resource"]["name"] == "cpu"
        && metric["resource"]["target"]["type"] == "Utilization"
}

pub fn to_v1(value: &mut Value) {
    let spec = section(value, "spec");
    let metrics = spec.remove("metrics").and_then(|list| list.as_array().cloned()).unwrap_or_default();
    let behavior = spec.remove("behavior");
    let (cpu, others): (Vec<Value>, Vec<Value>) = metrics.into_iter().partition(is_cpu_utilization);
    if let Some(target) = cpu.first().and_then(|metric| metric.pointer("/resource/target/averageUtilization")) {
        spec.insert("targetCPUUtilizationPercentage".into(), target.clone());
    }
    let others: Vec<Value> = others.into_iter().chain(cpu.into_iter().skip(1)).map(metric_to_v1).collect();
    let status = section(value, "status");
    let conditions = status.remove("conditions").filter(|list| !list.is_null());
    let current = status.remove("currentMetrics").and_then(|list| list.as_array().cloned()).unwrap_or_default();
    if let Some(used) = current
        .iter()
        .find(|metric| metric["type"] == "Resource" && metric["resource"]["name"] == "cpu")
        .and_then(|metric| metric.pointer("/resource/current/averageUtilization"))
    {
        status.insert("currentCPUUtilizationPercentage".into(), used.clone());
    }
    status.entry("currentReplicas").or_insert(json!(0));
    status.entry("desiredReplicas").or_insert(json!(0));
    let mut notes = Vec::new();
    if !others.is_empty() {
        notes.push((METRICS, metrics_text(&others)));
    }
    notes.extend(behavior.filter(|one| !one.is_null()).map(|one| (BEHAVIOR, behavior_text(&one))));
    notes.extend(conditions.map(|list| (CONDITIONS, list.to_string())));
    if !current.is_empty() {
        notes.push((CURRENT, Value::Array(current).to_string()));
    }
    if !notes.is_empty() {
        let annotations = meta_mut(value).entry("annotations").or_insert_with(|| json!({}));
        for (key, note) in notes {
            annotations[key] = note.into();
        }
    }
}

/// Upstream writes the behaviour as its internal type is printed: every field, in its order.
fn behavior_text(behavior: &Value) -> String {
    let rules = |key: &str| {
        let Some(rules) = behavior.get(key).filter(|rules| !rules.is_null()) else { return "null".to_owned() };
        let part = |key: &str| rules.get(key).cloned().unwrap_or(Value::Null).to_string();
        let policies = rules.get("policies").and_then(Value::as_array).map(|policies| {
            let policy = |policy: &Value| {
                let part = |key: &str| policy.get(key).cloned().unwrap_or(Value::Null).to_string();
                format!(
                    "{{\"Type\":{},\"Value\":{},\"PeriodSeconds\":{}}}",
                    part("type"),
                    part("value"),
                    part("periodSeconds")
                )
            };
            format!("[{}]", policies.iter().map(policy).collect::<Vec<_>>().join(","))
        });
        format!(
            "{{\"StabilizationWindowSeconds\":{},\"SelectPolicy\":{},\"Policies\":{},\"Tolerance\":{}}}",
            part("stabilizationWindowSeconds"),
            part("selectPolicy"),
            policies.unwrap_or_else(|| "null".into()),
            part("tolerance")
        )
    };
    format!("{{\"ScaleUp\":{},\"ScaleDown\":{}}}", rules("scaleUp"), rules("scaleDown"))
}

/// An object with its members in this order; others are left out.
fn ordered(value: &Value, keys: &[&str]) -> String {
    let member = |key: &&str| Some(format!("\"{key}\":{}", value.get(*key)?));
    format!("{{{}}}", keys.iter().filter_map(member).collect::<Vec<_>>().join(","))
}

/// The order of the members of each kind of metric in v1's annotation.
const SOURCES: [(&str, &[&str]); 5] = [
    ("object", &["target", "metricName", "targetValue", "selector", "averageValue"]),
    ("pods", &["metricName", "targetAverageValue", "selector"]),
    ("resource", &["name", "targetAverageUtilization", "targetAverageValue"]),
    ("containerResource", &["name", "targetAverageUtilization", "targetAverageValue", "container"]),
    ("external", &["metricName", "metricSelector", "targetValue", "targetAverageValue"]),
];

fn metrics_text(metrics: &[Value]) -> String {
    let metric = |metric: &Value| {
        let mut parts = vec![format!("\"type\":{}", metric["type"])];
        for (source, keys) in SOURCES {
            if let Some(own) = metric.get(source) {
                parts.push(format!("\"{source}\":{}", ordered(own, keys)));
            }
        }
        format!("{{{}}}", parts.join(","))
    };
    format!("[{}]", metrics.iter().map(metric).collect::<Vec<_>>().join(","))
}

fn lower_case(value: Value) -> Value {
    match value {
        Value::Object(map) => map
            .into_iter()
            .map(|(key, value)| {
                let mut letters = key.chars();
                let first = letters.next().map(|letter| letter.to_ascii_lowercase());
                (first.into_iter().chain(letters).collect::<String>(), lower_case(value))
            })
            .collect(),
        Value::Array(items) => items.into_iter().map(lower_case).collect(),
        other => other,
    }
}

/// What v2 says of a metric and its target, v1's annotation says in one level.
fn metric_to_v1(mut metric: Value) -> Value {
    for (source, _) in SOURCES {
        let Some(map) = metric.get_mut(source).and_then(Value::as_object_mut) else { continue };
        let target = map.remove("target").unwrap_or_default();
        if let Some(named) = map.remove("metric") {
            let selector = if source == "external" { "metricSelector" } else { "selector" };
            for (from, to) in [("name", "metricName"), ("selector", selector)] {
                if let Some(own) = named.get(from).filter(|own| !own.is_null()) {
                    map.insert(to.into(), own.clone());
                }
            }
        }
        let average = if source == "object" { "averageValue" } else { "targetAverageValue" };
        for (from, to) in
            [("averageUtilization", "targetAverageUtilization"), ("averageValue", average), ("value", "targetValue")]
        {
            if let Some(number) = target.get(from) {
                map.insert(to.into(), number.clone());
            }
        }
        if source == "object" {
            let described = map.remove("describedObject").unwrap_or_default();
            map.insert("target".into(), described);
        }
    }
    metric
}

fn metric_to_v2(mut metric: Value) -> Value {
    for (source, _) in SOURCES {
        let Some(map) = metric.get_mut(source).and_then(Value::as_object_mut) else { continue };
        if source == "object" {
            let described = map.remove("target").unwrap_or_default();
            map.insert("describedObject".into(), described);
        }
        if let Some(name) = map.remove("metricName") {
            let mut named = json!({ "name": name });
            if let Some(selector) = map.remove("selector").or_else(|| map.remove("metricSelector")) {
                named["selector"] = selector;
            }
            map.insert("metric".into(), named);
        }
        let average = map.remove("targetAverageValue").or_else(|| map.remove("averageValue"));
        let target = match (map.remove("targetAverageUtilization"), average, map.remove("targetValue")) {
            (Some(number), _, _) => json!({ "type": "Utilization", "averageUtilization": number }),
            (None, Some(number), _) => json!({ "type": "AverageValue", "averageValue": number }),
            (None, None, Some(number)) => json!({ "type": "Value", "value": number }),
            (None, None, None) => continue,
        };
        map.insert("target".into(), target);
    }
    metric
}

pub fn to_v2(value: &mut Value) {
    let mut taken = |key: &str| -> Option<Value> {
        let annotations = meta_mut(value).get_mut("annotations")?.as_object_mut()?;
        let text = annotations.remove(key)?;
        if annotations.is_empty() {
            meta_mut(value).remove("annotations");
        }
        serde_json::from_str(text.as_str()?).ok()
    };
    let (metrics, behavior) = (taken(METRICS), taken(BEHAVIOR));
    let (conditions, current) = (taken(CONDITIONS), taken(CURRENT));
    let spec = section(value, "spec");
    let mut list = Vec::new();
    if let Some(target) = spec.remove("targetCPUUtilizationPercentage").filter(|number| !number.is_null()) {
        let target = json!({"type": "Utilization", "averageUtilization": target});
        list.push(json!({"type": "Resource", "resource": {"name": "cpu", "target": target}}));
    }
    list.extend(metrics.and_then(|list| list.as_array().cloned()).unwrap_or_default().into_iter().map(metric_to_v2));
    if !list.is_empty() {
        spec.insert("metrics".into(), Value::Array(list));
    }
    if let Some(behavior) = behavior {
        spec.insert("behavior".into(), lower_case(behavior));
    }
    let status = section(value, "status");
    status.remove("currentCPUUtilizationPercentage");
    // v2 leaves the number out until somebody counts.
    if status.get("currentReplicas") == Some(&json!(0)) {
        status.remove("currentReplicas");
    }
    status.insert("currentMetrics".into(), current.unwrap_or(Value::Null));
    if let Some(conditions) = conditions {
        status.insert("conditions".into(), conditions);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metrics_survive_the_way_through_v1() {
        let v2 = json!({ "metadata": {}, "spec": { "metrics": [
            { "type": "External", "external": { "metric": { "name": "q" }, "target": { "type": "AverageValue", "averageValue": "1" } } },
            { "type": "Object", "object": { "metric": { "name": "m" }, "describedObject": { "kind": "Service", "name": "s" },
              "target": { "type": "Value", "value": "3" } } } ] }, "status": { "desiredReplicas": 0 } });
        let mut value = v2.clone();
        to_v1(&mut value);
        assert_eq!(
            value["metadata"]["annotations"][METRICS]
                .as_str()
                .map(|text| text.starts_with("[{\"type\":\"External\",\"external\":{\"metricName\":\"q\"")),
            Some(true)
        );
        to_v2(&mut value);
        assert_eq!(value["spec"]["metrics"], v2["spec"]["metrics"]);
    }
}
