//! Where containers see volumes.

use serde_json::Value;

use super::at::At;
use super::pod::{Around, is_privileged};
use super::report::{Report, given, is_true, items, text};

pub(super) fn mounts(around: &Around<'_>, container: &Value, at: &At<'_>, report: &mut Report) {
    let devices = items(container, "volumeDevices");
    let mut seen = Vec::new();
    for (index, mount) in items(container, "volumeMounts").iter().enumerate() {
        let own = at.index(index);
        let (name, path) = (text(mount, "name"), text(mount, "mountPath"));
        if name.is_empty() {
            report.required(&own.child("name"), "");
        }
        if !around.volumes.iter().any(|(known, _)| *known == name) {
            report.not_found(&own.child("name"), name);
        }
        if path.is_empty() {
            report.required(&own.child("mountPath"), "");
        }
        if seen.contains(&path) {
            report.invalid(&own.child("mountPath"), path, "must be unique");
        }
        seen.push(path);
        if devices.iter().any(|device| text(device, "name") == name) {
            report.invalid(&own.child("name"), name, "must not already exist in volumeDevices");
        }
        if devices.iter().any(|device| text(device, "devicePath") == path) {
            report.invalid(&own.child("mountPath"), path, "must not already exist as a path in volumeDevices");
        }
        // Upstream names the list, not the mount, for what follows.
        let (below, expression) = (text(mount, "subPath"), text(mount, "subPathExpr"));
        if !below.is_empty() {
            report.descending_path(&at.child("subPath"), below);
        }
        if !expression.is_empty() {
            if !below.is_empty() {
                let words = "subPathExpr and subPath are mutually exclusive";
                report.invalid(&own.child("subPathExpr"), expression, words);
            }
            report.descending_path(&at.child("subPathExpr"), expression);
        }
        propagation(mount, container, &at.child("mountPropagation"), report);
        read_only(mount, &at.child("recursiveReadOnly"), report);
    }
}

fn propagation(mount: &Value, container: &Value, at: &At<'_>, report: &mut Report) {
    let Some(own) = given(mount, "mountPropagation") else { return };
    report.one_of(at, own, &["Bidirectional", "HostToContainer", "None"]);
    if own == "Bidirectional" && !is_privileged(container) {
        report.forbidden(at, "Bidirectional mount propagation is available only to privileged containers");
    }
}

fn read_only(mount: &Value, at: &At<'_>, report: &mut Report) {
    let Some(own) = given(mount, "recursiveReadOnly").and_then(Value::as_str) else { return };
    match own {
        "Disabled" => {}
        "Enabled" | "IfPossible" => {
            if !is_true(&mount["readOnly"]) {
                report.forbidden(at, "may only be specified when readOnly is true");
            }
            if given(mount, "mountPropagation").is_some_and(|own| own != "None") {
                report.forbidden(at, "may only be specified when mountPropagation is None or not specified");
            }
        }
        other => report.not_supported(at, other, &["Disabled", "Enabled", "IfPossible"]),
    }
}

pub(super) fn devices(around: &Around<'_>, container: &Value, at: &At<'_>, report: &mut Report) {
    let mounts = items(container, "volumeMounts");
    let (mut names, mut paths) = (Vec::new(), Vec::new());
    for (index, device) in items(container, "volumeDevices").iter().enumerate() {
        let at = at.index(index);
        let (name, path) = (text(device, "name"), text(device, "devicePath"));
        let volume = around.volumes.iter().find(|(known, _)| *known == name).map(|(_, volume)| *volume);
        if name.is_empty() {
            report.required(&at.child("name"), "");
        }
        if names.contains(&name) {
            report.invalid(&at.child("name"), name, "must be unique");
        }
        match volume {
            None => report.not_found(&at.child("name"), name),
            Some(volume) => {
                let fits = ["persistentVolumeClaim", "ephemeral"].iter().any(|kind| given(volume, kind).is_some());
                if !fits {
                    let words = "can only use volume source type of PersistentVolumeClaim or Ephemeral for block mode";
                    report.invalid(&at.child("name"), name, words);
                }
            }
        }
        if path.is_empty() {
            report.required(&at.child("devicePath"), "");
        }
        if paths.contains(&path) {
            report.invalid(&at.child("devicePath"), path, "must be unique");
        }
        if path.split('/').any(|step| step == "..") {
            report.invalid(&at.child("devicePath"), path, "can not contain backsteps ('..')");
        } else {
            paths.push(path);
        }
        if mounts.iter().any(|mount| text(mount, "name") == name) {
            report.invalid(&at.child("name"), name, "must not already exist in volumeMounts");
        }
        if mounts.iter().any(|mount| text(mount, "mountPath") == path) {
            report.invalid(&at.child("devicePath"), path, "must not already exist as a path in volumeMounts");
        }
        if !name.is_empty() {
            names.push(name);
        }
    }
}
