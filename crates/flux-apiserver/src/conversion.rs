//! Between versions of built-in kinds that share a store, and between versions of custom ones.

use serde_json::Value;

use crate::resources::Resource;

/// From the storage version to the resource's.
pub(crate) fn from_stored(resource: &Resource, value: &mut Value) {
    match (resource.group.as_str(), resource.plural.as_str()) {
        ("events.k8s.io", _) => rename(value, &EVENT_FIELDS),
        ("autoscaling", _) => autoscaler::to_v1(value),
        // Custom kinds differ in `apiVersion` only, which is not stored.
        _ => {}
    }
}

/// From the resource's version to the storage version.
pub(crate) fn to_stored(resource: &Resource, value: &mut Value) {
    match (resource.group.as_str(), resource.plural.as_str()) {
        ("events.k8s.io", _) => rename(value, &EVENT_FIELDS.map(|(core, new)| (new, core))),
        ("autoscaling", _) => autoscaler::to_v2(value),
        _ => {}
    }
}

/// An autoscaler of version 1 in the form of version 2.
pub(crate) fn autoscaler_to_v2(value: &mut Value) {
    autoscaler::to_v2(value);
}

/// Fields of a core event and their names in `events.k8s.io`.
const EVENT_FIELDS: [(&str, &str); 7] = [
    ("involvedObject", "regarding"),
    ("message", "note"),
    ("source", "deprecatedSource"),
    ("firstTimestamp", "deprecatedFirstTimestamp"),
    ("lastTimestamp", "deprecatedLastTimestamp"),
    ("count", "deprecatedCount"),
    ("reportingComponent", "reportingController"),
];

fn rename(value: &mut Value, fields: &[(&str, &str)]) {
    let Some(map) = value.as_object_mut() else { return };
    for (from, to) in fields {
        if let Some(field) = map.remove(*from) {
            map.insert((*to).to_owned(), field);
        }
    }
}

mod autoscaler {
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
            notes.push((METRICS, Value::Array(others)));
        }
        notes.extend(behavior.filter(|one| !one.is_null()).map(|one| (BEHAVIOR, title_case(one))));
        notes.extend(conditions.map(|list| (CONDITIONS, list)));
        if !current.is_empty() {
            notes.push((CURRENT, Value::Array(current)));
        }
        if !notes.is_empty() {
            let annotations = meta_mut(value).entry("annotations").or_insert_with(|| json!({}));
            for (key, note) in notes {
                annotations[key] = note.to_string().into();
            }
        }
    }

    /// Upstream writes the behaviour with the names of its internal type.
    fn title_case(value: Value) -> Value {
        match value {
            Value::Object(map) => map
                .into_iter()
                .map(|(key, value)| {
                    let mut letters = key.chars();
                    let first = letters.next().map(|letter| letter.to_ascii_uppercase());
                    (first.into_iter().chain(letters).collect::<String>(), title_case(value))
                })
                .collect(),
            Value::Array(items) => items.into_iter().map(title_case).collect(),
            other => other,
        }
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

    /// `target.averageUtilization` of v2 is `targetAverageUtilization` in v1's annotation.
    fn metric_to_v1(mut metric: Value) -> Value {
        for source in ["resource", "containerResource"] {
            if let Some(map) = metric.get_mut(source).and_then(Value::as_object_mut)
                && let Some(target) = map.remove("target")
            {
                for (from, to) in
                    [("averageUtilization", "targetAverageUtilization"), ("averageValue", "targetAverageValue")]
                {
                    if let Some(number) = target.get(from) {
                        map.insert(to.into(), number.clone());
                    }
                }
            }
        }
        metric
    }

    fn metric_to_v2(mut metric: Value) -> Value {
        for source in ["resource", "containerResource"] {
            let Some(map) = metric.get_mut(source).and_then(Value::as_object_mut) else { continue };
            if let Some(number) = map.remove("targetAverageUtilization") {
                map.insert("target".into(), json!({"type": "Utilization", "averageUtilization": number}));
            } else if let Some(number) = map.remove("targetAverageValue") {
                map.insert("target".into(), json!({"type": "AverageValue", "averageValue": number}));
            }
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
        list.extend(
            metrics.and_then(|list| list.as_array().cloned()).unwrap_or_default().into_iter().map(metric_to_v2),
        );
        if !list.is_empty() {
            spec.insert("metrics".into(), Value::Array(list));
        }
        if let Some(behavior) = behavior {
            spec.insert("behavior".into(), lower_case(behavior));
        }
        let status = section(value, "status");
        status.remove("currentCPUUtilizationPercentage");
        status.insert("currentMetrics".into(), current.unwrap_or(Value::Null));
        if let Some(conditions) = conditions {
            status.insert("conditions".into(), conditions);
        }
    }
}
