//! Volumes, claims, storage classes, drivers.

use serde_json::{Value, json};

use super::fill::{Members, given, is_empty, round_up, section, set, spec};
use super::pod;

pub(super) fn volume(object: &mut Value) {
    let Some(spec) = spec(object) else { return };
    set(spec, "persistentVolumeReclaimPolicy", "Retain");
    set(spec, "volumeMode", "Filesystem");
    round_up(spec, "capacity");
    if let Some(path) = given(spec, "hostPath")
        && path.get("type").is_none_or(Value::is_null)
    {
        path.insert("type".into(), "".into());
    }
    pod::sources(spec);
    phase(object);
}

pub(super) fn claim(object: &mut Value) {
    let Some(spec) = spec(object) else { return };
    claim_spec(spec);
    phase(object);
}

fn phase(object: &mut Value) {
    if let Some(status) = object.as_object_mut().and_then(|members| section(members, "status")) {
        set(status, "phase", "Pending");
        for list in ["capacity", "allocatedResources"] {
            round_up(status, list);
        }
    }
}

pub(super) fn claim_spec(spec: &mut Members) {
    set(spec, "volumeMode", "Filesystem");
    if let Some(resources) = given(spec, "resources") {
        round_up(resources, "limits");
        round_up(resources, "requests");
    }
}

pub(super) fn class(object: &mut Value) {
    if let Some(members) = object.as_object_mut() {
        set(members, "reclaimPolicy", "Delete");
        set(members, "volumeBindingMode", "Immediate");
    }
}

pub(super) fn driver(object: &mut Value) {
    let Some(spec) = spec(object) else { return };
    set(spec, "attachRequired", true);
    set(spec, "podInfoOnMount", false);
    set(spec, "storageCapacity", false);
    set(spec, "fsGroupPolicy", "ReadWriteOnceWithFSType");
    set(spec, "requiresRepublish", false);
    set(spec, "seLinuxMount", false);
    if is_empty(spec.get("volumeLifecycleModes")) {
        spec.insert("volumeLifecycleModes".into(), json!(["Persistent"]));
    }
}
