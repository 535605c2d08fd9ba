//! Between versions of built-in kinds that share a store, and between versions of custom ones.

mod autoscaler;

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
