//! Classes and drivers of storage.

use serde_json::Value;

use super::at::At;
use super::report::{Report, entries, given, items, number, text, texts};
use super::volume_kinds::driver_name;

const PARAMETERS_MAX: usize = 512;
const PARAMETER_BYTES_MAX: usize = 256 * 1024;
const NODE_ID_MAX: usize = 256;

pub(super) fn class(object: &Value, report: &mut Report) {
    let provisioner = text(object, "provisioner");
    let at = At::root("provisioner");
    if provisioner.is_empty() {
        report.required(&at, "");
    } else {
        report.each(&at, provisioner, crate::names::qualified_name(&provisioner.to_lowercase()));
    }
    parameters(object, true, report);
    if !text(object, "reclaimPolicy").is_empty() {
        report.one_of(&At::root("reclaimPolicy"), &object["reclaimPolicy"], &["Delete", "Retain"]);
    }
    let modes = ["Immediate", "WaitForFirstConsumer"];
    match given(object, "volumeBindingMode") {
        None => report.required(&At::root("volumeBindingMode"), ""),
        Some(mode) => report.one_of(&At::root("volumeBindingMode"), mode, &modes),
    }
    topologies(object, report);
}

fn parameters(object: &Value, may_be_empty: bool, report: &mut Report) {
    let at = At::root("parameters");
    let all: Vec<(&str, &Value)> = entries(object, "parameters").collect();
    if all.len() > PARAMETERS_MAX {
        return report.too_long(&at, PARAMETERS_MAX);
    }
    let mut size = 0;
    for (key, value) in &all {
        if key.is_empty() {
            report.invalid(&at, *key, "field can not be empty.");
        }
        size += key.len() + value.as_str().map_or(0, str::len);
    }
    if size > PARAMETER_BYTES_MAX {
        report.too_long(&at, PARAMETER_BYTES_MAX);
    }
    if !may_be_empty && all.is_empty() {
        report.required(&at, "must contain at least one key/value pair");
    }
}

fn topologies(object: &Value, report: &mut Report) {
    let at = At::root("allowedTopologies");
    let list = items(object, "allowedTopologies");
    for (index, term) in list.iter().enumerate() {
        let at = at.index(index);
        let mut keys = Vec::new();
        for (place, one) in items(term, "matchLabelExpressions").iter().enumerate() {
            let expressions = at.child("matchLabelExpressions");
            let (at, key, values) = (expressions.index(place), text(one, "key"), texts(one, "values"));
            if values.is_empty() {
                report.required(&at.child("values"), "");
            }
            for (place, value) in values.iter().enumerate().filter(|(place, value)| values[..*place].contains(value)) {
                report.duplicate(&at.child("values").index(place), *value);
            }
            report.qualified_name(&at.child("key"), key);
            if keys.contains(&key) {
                report.duplicate(&at.child("key"), key);
            }
            keys.push(key);
        }
        if list[..index].contains(term) {
            report.duplicate(&at.child("matchLabelExpressions"), "");
        }
    }
}

pub(super) fn update_class(old: &Value, new: &Value, report: &mut Report) {
    for field in ["parameters", "provisioner", "reclaimPolicy", "volumeBindingMode"] {
        report.immutable(&At::root(field), &old[field], &new[field]);
    }
}

pub(super) fn driver(object: &Value, report: &mut Report) {
    let (own, at) = (&object["spec"], At::root("spec"));
    for field in ["attachRequired", "podInfoOnMount", "storageCapacity"] {
        if given(own, field).is_none() {
            report.required(&at.child(field), "");
        }
    }
    let policies = ["File", "None", "ReadWriteOnceWithFSType"];
    report.one_of(&at.child("fsGroupPolicy"), &own["fsGroupPolicy"], &policies);
    for (index, mode) in items(own, "volumeLifecycleModes").iter().enumerate() {
        let list = at.child("volumeLifecycleModes");
        report.one_of(&list.index(index), mode, &["Ephemeral", "Persistent"]);
    }
    let mut seen = Vec::new();
    for (index, request) in items(own, "tokenRequests").iter().enumerate() {
        let list = at.child("tokenRequests");
        let (at, audience) = (list.index(index), text(request, "audience"));
        if seen.contains(&audience) {
            report.duplicate(&at.child("audience"), audience);
        }
        seen.push(audience);
        if let Some(seconds) = request["expirationSeconds"].as_i64() {
            let at = at.child("expirationSeconds");
            if seconds < 600 {
                report.invalid(&at, seconds, "may not specify a duration less than 10 minutes");
            }
            if seconds > 1 << 32 {
                report.invalid(&at, seconds, "may not specify a duration larger than 2^32 seconds");
            }
        }
    }
}

pub(super) fn node(object: &Value, report: &mut Report) {
    let at = At::root("spec.drivers");
    let mut seen = Vec::new();
    for (index, one) in items(&object["spec"], "drivers").iter().enumerate() {
        let (at, name, id) = (at.index(index), text(one, "name"), text(one, "nodeID"));
        driver_name(&one["name"], &at.child("name"), report);
        if id.is_empty() {
            report.required(&at.child("nodeID"), "");
        }
        if id.len() > NODE_ID_MAX {
            report.invalid(&at.child("nodeID"), id, format!("must be {NODE_ID_MAX} characters or less"));
        }
        if let Some(allocatable) = given(one, "allocatable") {
            let at = at.child("allocatable");
            report.non_negative(&at.child("count"), &allocatable["count"]);
        }
        if seen.contains(&name) {
            report.duplicate(&at.child("name"), name);
        }
        seen.push(name);
        let keys = texts(one, "topologyKeys");
        for (place, key) in keys.iter().enumerate() {
            let list = at.child("topologyKeys");
            if keys[..place].contains(key) {
                report.duplicate(&list, *key);
            }
            report.qualified_name(&list, key);
        }
    }
}

pub(super) fn attachment(object: &Value, report: &mut Report) {
    let (own, at) = (&object["spec"], At::root("spec"));
    driver_name(&own["attacher"], &at.child("attacher"), report);
    let (source, source_at) = (&own["source"], at.child("source"));
    let (inline, named) = (given(source, "inlineVolumeSpec"), source["persistentVolumeName"].as_str());
    const ONE: &str = "must specify exactly one of inlineVolumeSpec and persistentVolumeName";
    match (inline, named) {
        (None, None) => report.required(&source_at, ONE),
        (Some(_), Some(_)) => report.forbidden(&source_at, ONE),
        (None, Some("")) => {
            let at = source_at.child("persistentVolumeName");
            report.required(&at, "must specify non empty persistentVolumeName");
        }
        _ => {}
    }
    report.dns_subdomain(&at.child("nodeName"), text(own, "nodeName"));
    if let Some(name) = named {
        report.dns_subdomain(&At::root("spec.source.persistentVolumeName"), name);
    }
}

pub(super) fn attributes_class(object: &Value, report: &mut Report) {
    driver_name(&object["driverName"], &At::root("driverName"), report);
    parameters(object, false, report);
}

/// A user's priority has a bound.
const PRIORITY_MAX: i64 = 1_000_000_000;

pub(super) fn priority_class(object: &Value, report: &mut Report) {
    let (name, value) = (text(&object["metadata"], "name"), number(object, "value"));
    let known =
        matches!((name, value), ("system-cluster-critical", 2_000_000_000) | ("system-node-critical", 2_000_001_000));
    if name.starts_with("system-") {
        if !known {
            let words = format!(
                "priority class names with 'system-' prefix are reserved for system use only. error: {name} is not a known system priority class"
            );
            report.forbidden(&At::root("metadata.name"), words);
        }
    } else if value > PRIORITY_MAX {
        let words = format!("maximum allowed value of a user defined priority is {PRIORITY_MAX}");
        report.forbidden(&At::root("value"), words);
    }
    if let Some(policy) = given(object, "preemptionPolicy") {
        report.required_one_of(&At::root("preemptionPolicy"), policy, &["PreemptLowerPriority", "Never"]);
    }
}

pub(super) fn update_priority_class(old: &Value, new: &Value, report: &mut Report) {
    if number(old, "value") != number(new, "value") {
        report.forbidden(&At::root("value"), "may not be changed in an update.");
    }
    report.immutable(&At::root("preemptionPolicy"), &old["preemptionPolicy"], &new["preemptionPolicy"]);
}
