//! Claims of volumes.

use serde_json::{Value, json};

use super::at::At;
use super::quantity::{compare, nano};
use super::report::{Report, given, items, same, text, texts};
use super::{internal, selector};

pub(super) const ACCESS_MODES: [&str; 4] = ["ReadOnlyMany", "ReadWriteMany", "ReadWriteOnce", "ReadWriteOncePod"];
pub(super) const VOLUME_MODES: [&str; 2] = ["Block", "Filesystem"];
const CLASS_ANNOTATION: &str = "volume.beta.kubernetes.io/storage-class";
const FROZEN: &str =
    "spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims";

/// Known modes; one of them stands alone.
pub(super) fn access_modes(own: &Value, at: &At<'_>, report: &mut Report) {
    let (modes, at) = (texts(own, "accessModes"), at.child("accessModes"));
    for mode in modes.iter().filter(|mode| !ACCESS_MODES.contains(mode)) {
        report.not_supported(&at, mode, &ACCESS_MODES);
    }
    let other = modes.iter().any(|mode| *mode != "ReadWriteOncePod" && ACCESS_MODES.contains(mode));
    if modes.contains(&"ReadWriteOncePod") && other {
        report.forbidden(&at, "may not use ReadWriteOncePod with other access modes");
    }
}

pub(super) fn spec(own: &Value, at: &At<'_>, report: &mut Report) {
    if items(own, "accessModes").is_empty() {
        report.required(&at.child("accessModes"), "at least 1 access mode is required");
    }
    selector::check(&own["selector"], &at.child("selector"), report);
    access_modes(own, at, report);
    let size = &own["resources"]["requests"]["storage"];
    let resources = at.child("resources");
    let size_at = resources.key("storage");
    if size.is_null() {
        report.required(&size_at, "");
    } else if nano(size) <= 0 {
        report.invalid(&size_at, size.clone(), "must be greater than zero");
    }
    let class = text(own, "storageClassName");
    if !class.is_empty() {
        report.dns_subdomain(&at.child("storageClassName"), class);
    }
    report.one_of(&at.child("volumeMode"), &own["volumeMode"], &VOLUME_MODES);
    sources(own, at, report);
    let attributes = text(own, "volumeAttributesClassName");
    if !attributes.is_empty() {
        report.dns_subdomain(&at.child("volumeAttributesClassName"), attributes);
    }
}

fn sources(own: &Value, at: &At<'_>, report: &mut Report) {
    let (source, reference) = (given(own, "dataSource"), given(own, "dataSourceRef"));
    for (field, one) in [("dataSource", source), ("dataSourceRef", reference)] {
        let Some(one) = one else { continue };
        let (at, kind, group) = (at.child(field), text(one, "kind"), text(one, "apiGroup"));
        report.required_text(&at.child("name"), &one["name"]);
        report.required_text(&at.child("kind"), &one["kind"]);
        if group.is_empty() && kind != "PersistentVolumeClaim" {
            report.invalid(&at, kind, "must be 'PersistentVolumeClaim' when referencing the default apiGroup");
        }
        if !group.is_empty() {
            report.dns_subdomain(&at.child("apiGroup"), group);
        }
        let space = text(one, "namespace");
        if field == "dataSourceRef" && !space.is_empty() {
            report.dns_label(&at.child("namespace"), space);
        }
    }
    let (Some(source), Some(reference)) = (source, reference) else { return };
    // Upstream hands the path of the field where its value belongs; paths print as nothing.
    if !text(reference, "namespace").is_empty() {
        report.invalid(at, json!({}), "may not be specified when dataSourceRef.namespace is specified");
    } else if ["apiGroup", "kind", "name"].iter().any(|field| source[*field] != reference[*field]) {
        report.invalid(at, json!({}), "must match dataSourceRef");
    }
}

/// A claim made from a pod's volume.
pub(super) fn template(own: &Value, at: &At<'_>, report: &mut Report) {
    let (meta, meta_at) = (&own["metadata"], at.child("metadata"));
    report.annotations(&meta_at.child("annotations"), &meta["annotations"]);
    report.labels(&meta_at.child("labels"), &meta["labels"]);
    let known = ["annotations", "labels", "creationTimestamp"];
    for (key, value) in super::report::entries(own, "metadata") {
        if !known.contains(&key) && !value.is_null() && value != "" {
            report.forbidden(&meta_at.child(key), "cannot be set");
        }
    }
    spec(&own["spec"], &at.child("spec"), report);
}

pub(super) fn claim(object: &Value, report: &mut Report) {
    spec(&object["spec"], &At::root("spec"), report);
}

pub(super) fn update(old: &Value, new: &Value, report: &mut Report) {
    claim(new, report);
    let (before, after) = (old["spec"].clone(), new["spec"].clone());
    let mut old_spec = before.clone();
    let mut new_spec = after.clone();
    if text(&before, "volumeName").is_empty() {
        put(&mut old_spec, "volumeName", &after["volumeName"]);
    }
    let annotation = |object: &Value| object["metadata"]["annotations"][CLASS_ANNOTATION].as_str().map(str::to_owned);
    let (was, is) = (annotation(old), annotation(new));
    let (old_class, new_class) = (before["storageClassName"].as_str(), after["storageClassName"].as_str());
    let upgraded = was.is_some() && old_class.is_none() && new_class == was.as_deref() && (is.is_none() || is == was);
    if upgraded {
        put(&mut new_spec, "storageClassName", &Value::Null);
    } else {
        if was.as_deref().unwrap_or_default() != is.as_deref().unwrap_or_default() {
            let at = At::root("metadata.annotations");
            report.invalid(&at.child(CLASS_ANNOTATION), is.clone().unwrap_or_default(), super::report::IMMUTABLE);
        }
        if new_class.is_some() && old_class.is_none() && (was.is_none() || new_class == was.as_deref()) {
            put(&mut new_spec, "storageClassName", &Value::Null);
        }
    }
    let (old_size, new_size) =
        (&before["resources"]["requests"]["storage"], &after["resources"]["requests"]["storage"]);
    if text(&new["status"], "phase") == "Bound" {
        if let Some(requests) = new_spec.pointer_mut("/resources/requests") {
            put(requests, "storage", old_size);
        }
        put(&mut new_spec, "volumeAttributesClassName", &before["volumeAttributesClassName"]);
    }
    if !same(&old_spec, &new_spec) {
        let text = internal::difference("PersistentVolumeClaimSpec", &old_spec, &new_spec);
        report.forbidden(&At::root("spec"), format!("{FROZEN}\n{text}"));
    }
    if compare(new_size, old_size).is_lt() && compare(new_size, &old["status"]["capacity"]["storage"]).is_le() {
        let words = "field can not be less than status.capacity";
        report.forbidden(&At::root("spec.resources.requests.storage"), words);
    }
    report.immutable(&At::root("volumeMode"), &before["volumeMode"], &after["volumeMode"]);
    let current = given(&old["status"], "currentVolumeAttributesClassName");
    let class = &after["volumeAttributesClassName"];
    if current.is_some() && before["volumeAttributesClassName"] != *class {
        let to = if class.is_null() { "nil" } else { "empty string" };
        if class.as_str().unwrap_or_default().is_empty() {
            let words = format!("update to {to} is forbidden when status.currentVolumeAttributesClassName is not nil");
            report.forbidden(&At::root("spec.volumeAttributesClassName"), words);
        }
    }
}

fn put(object: &mut Value, key: &str, value: &Value) {
    if let Some(map) = object.as_object_mut() {
        crate::object::put(map, key, Some(value.clone()).filter(|value| !value.is_null()));
    }
}
