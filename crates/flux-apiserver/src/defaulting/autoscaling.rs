//! Horizontal pod autoscalers.

use serde_json::{Value, json};

use super::fill::{given, is_empty, set, spec};

/// Percent of the requested CPU that an autoscaler without metrics aims at.
const CPU_UTILIZATION: i64 = 80;

pub(super) fn v1(object: &mut Value) {
    if let Some(spec) = spec(object) {
        set(spec, "minReplicas", 1);
        set(spec, "targetCPUUtilizationPercentage", CPU_UTILIZATION);
    }
}

pub(super) fn v2(object: &mut Value) {
    let Some(spec) = spec(object) else { return };
    set(spec, "minReplicas", 1);
    if is_empty(spec.get("metrics")) {
        let target = json!({ "type": "Utilization", "averageUtilization": CPU_UTILIZATION });
        let metric = json!({ "type": "Resource", "resource": { "name": "cpu", "target": target } });
        spec.insert("metrics".into(), json!([metric]));
    }
    let Some(behavior) = given(spec, "behavior") else { return };
    let percent = json!({ "type": "Percent", "value": 100, "periodSeconds": 15 });
    let pods = json!({ "type": "Pods", "value": 4, "periodSeconds": 15 });
    rules(behavior, "scaleUp", json!([pods, percent.clone()]));
    rules(behavior, "scaleDown", json!([percent]));
    if let Some(up) = given(behavior, "scaleUp") {
        set(up, "stabilizationWindowSeconds", 0);
    }
}

fn rules(behavior: &mut super::fill::Members, key: &str, policies: Value) {
    if let Some(rules) = super::fill::section(behavior, key) {
        set(rules, "selectPolicy", "Max");
        if rules.get("policies").is_none_or(Value::is_null) {
            rules.insert("policies".into(), policies);
        }
    }
}
