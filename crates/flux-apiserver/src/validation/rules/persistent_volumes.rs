//! Persistent volumes.

use serde_json::{Map, Value};

use super::at::At;
use super::claims::{VOLUME_MODES, access_modes};
use super::quantity::nano;
use super::report::{Report, entries, given, items, same, text};
use super::{affinity, internal, volume_kinds};
use crate::status::go_json;

/// The kinds in upstream's order.
const KINDS: [&str; 22] = [
    "hostPath",
    "gcePersistentDisk",
    "awsElasticBlockStore",
    "glusterfs",
    "flocker",
    "nfs",
    "rbd",
    "quobyte",
    "cephfs",
    "iscsi",
    "cinder",
    "fc",
    "flexVolume",
    "azureFile",
    "vsphereVolume",
    "photonPersistentDisk",
    "portworxVolume",
    "azureDisk",
    "scaleIO",
    "local",
    "storageos",
    "csi",
];
const SECRETS: [&str; 4] =
    ["controllerPublishSecretRef", "controllerExpandSecretRef", "nodePublishSecretRef", "nodeExpandSecretRef"];

pub(super) fn volume(object: &Value, report: &mut Report) {
    let (own, at) = (&object["spec"], At::root("spec"));
    if items(own, "accessModes").is_empty() {
        report.required(&at.child("accessModes"), "");
    }
    access_modes(own, &at, report);
    capacity(own, &at.child("capacity"), report);
    let policy = text(own, "persistentVolumeReclaimPolicy");
    if !policy.is_empty() {
        let at = at.child("persistentVolumeReclaimPolicy");
        report.one_of(&at, &own["persistentVolumeReclaimPolicy"], &["Delete", "Recycle", "Retain"]);
    }
    if let Some(nodes) = given(own, "nodeAffinity") {
        let at = at.child("nodeAffinity");
        match given(nodes, "required") {
            Some(required) => affinity::node_selector(required, &at.child("required"), report),
            None => report.required(&at.child("required"), "must specify required node constraints"),
        }
    }
    source(own, &at, report);
    let class = text(own, "storageClassName");
    if !class.is_empty() {
        report.dns_subdomain(&at.child("storageClassName"), class);
    }
    report.one_of(&at.child("volumeMode"), &own["volumeMode"], &VOLUME_MODES);
    if let Some(attributes) = own["volumeAttributesClassName"].as_str() {
        let class_at = at.child("volumeAttributesClassName");
        if attributes.is_empty() {
            report.required(&class_at, "an empty string is disallowed");
        } else {
            report.dns_subdomain(&class_at, attributes);
        }
        if given(own, "csi").is_none() {
            report.required(&at.child("csi"), "has to be specified when using volumeAttributesClassName");
        }
    }
}

fn capacity(own: &Value, at: &At<'_>, report: &mut Report) {
    let count = entries(own, "capacity").count();
    if count == 0 {
        report.required(at, "");
    }
    if own["capacity"].get("storage").is_none() || count > 1 {
        let shown = if count == 0 { "{}".to_owned() } else { go_json(&own["capacity"]) };
        report.not_supported_printed(at, &shown, &["storage"]);
    }
    for (name, amount) in entries(own, "capacity").filter(|(_, amount)| nano(amount) <= 0) {
        if nano(amount) < 0 {
            let whole = i64::try_from(nano(amount).div_euclid(1_000_000_000)).unwrap_or(i64::MIN);
            report.invalid(&at.key(name), whole, "must be a valid resource quantity");
        }
        report.invalid(&at.key(name), amount.clone(), "must be greater than zero");
    }
}

fn source(own: &Value, at: &At<'_>, report: &mut Report) {
    let mut found = false;
    for kind in KINDS {
        let Some(source) = given(own, kind) else { continue };
        if found {
            let shown = if kind == "cephfs" { "cephFS" } else { kind };
            report.forbidden(&at.child(shown), "may not specify more than 1 volume type");
            continue;
        }
        found = true;
        let kind_at = at.child(if kind == "gcePersistentDisk" { "persistentDisk" } else { kind });
        match kind {
            "csi" => csi(source, &kind_at, report),
            _ => volume_kinds::check(kind, source, &kind_at, report),
        }
        if kind == "local" && given(own, "nodeAffinity").is_none() {
            report.required(&at.child("nodeAffinity"), "Local volume requires node affinity");
        }
    }
    if !found {
        report.required(at, "must specify a volume type");
    }
    let root = text(&own["hostPath"], "path");
    let is_root = !root.is_empty() && root.split('/').all(|step| matches!(step, "" | "."));
    if is_root && text(own, "persistentVolumeReclaimPolicy") == "Recycle" {
        let words = "may not be 'recycle' for a hostPath mount of '/'";
        report.forbidden(&at.child("persistentVolumeReclaimPolicy"), words);
    }
}

fn csi(own: &Value, at: &At<'_>, report: &mut Report) {
    volume_kinds::driver_name(&own["driver"], &at.child("driver"), report);
    report.required_text(&at.child("volumeHandle"), &own["volumeHandle"]);
    for field in SECRETS {
        let Some(secret) = given(own, field) else { continue };
        let (at, name, space) = (at.child(field), text(secret, "name"), text(secret, "namespace"));
        match name {
            "" => report.required(&at.child("name"), ""),
            name => report.dns_subdomain(&at.child("name"), name),
        }
        match space {
            "" => report.required(&at.child("namespace"), ""),
            space => report.dns_label(&at.child("namespace"), space),
        }
    }
}

pub(super) fn update(old: &Value, new: &Value, report: &mut Report) {
    volume(new, report);
    let sources = |object: &Value| -> Value {
        let spec = &object["spec"];
        let kept = KINDS.iter().filter(|kind| !spec[**kind].is_null());
        kept.map(|kind| ((*kind).to_owned(), spec[*kind].clone())).collect::<Map<String, Value>>().into()
    };
    let (before, mut after) = (sources(old), sources(new));
    const EXPAND: &str = "controllerExpandSecretRef";
    if before["csi"].is_object()
        && before["csi"][EXPAND].is_null()
        && after["csi"].is_object()
        && let Some(map) = after["csi"].as_object_mut()
    {
        map.remove(EXPAND);
    }
    if !same(&before, &after) {
        let text = internal::difference("PersistentVolumeSource", &before, &after);
        let words = format!("spec.persistentvolumesource is immutable after creation\n{text}");
        report.forbidden(&At::root("spec.persistentvolumesource"), words);
    }
    report.immutable(&At::root("volumeMode"), &old["spec"]["volumeMode"], &new["spec"]["volumeMode"]);
    const CLASS: &str = "volumeAttributesClassName";
    if !old["spec"][CLASS].is_null() && new["spec"][CLASS].is_null() {
        report.forbidden(&At::root("spec").child(CLASS), "update from non-nil value to nil is forbidden");
    }
}
