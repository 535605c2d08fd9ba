//! Kinds of volumes that pods and persistent volumes share.

use serde_json::Value;

use super::at::At;
use super::report::{Report, given, items, number, text};
use crate::names;

const HOST_PATH_TYPES: [&str; 8] =
    ["", "BlockDevice", "CharDevice", "Directory", "DirectoryOrCreate", "File", "FileOrCreate", "Socket"];
const DRIVER_MAX: usize = 63;

/// Texts that a kind cannot do without.
fn required(kind: &str) -> &'static [&'static str] {
    match kind {
        "gcePersistentDisk" => &["pdName"],
        "awsElasticBlockStore" => &["volumeID"],
        "gitRepo" => &["repository"],
        "glusterfs" => &["endpoints", "path"],
        "rbd" => &["image"],
        "cinder" => &["volumeID"],
        "flexVolume" => &["driver"],
        "vsphereVolume" => &["volumePath"],
        "photonPersistentDisk" => &["pdID"],
        "portworxVolume" => &["volumeID"],
        "scaleIO" => &["gateway", "system", "volumeName"],
        "azureFile" => &["secretName", "shareName"],
        "azureDisk" => &["diskName", "diskURI"],
        "iscsi" => &["targetPortal", "iqn"],
        "quobyte" => &["registry", "volume"],
        "nfs" => &["server", "path"],
        "local" => &["path"],
        _ => &[],
    }
}

pub(super) fn check(kind: &str, own: &Value, at: &At<'_>, report: &mut Report) {
    if kind == "hostPath" {
        return host_path(own, at, report);
    }
    for field in required(kind) {
        report.required_text(&at.child(field), &own[*field]);
    }
    match kind {
        "gitRepo" => report.descending_path(&at.child("directory"), text(own, "directory")),
        "nfs" if !text(own, "path").starts_with('/') => {
            report.invalid(&at.child("path"), text(own, "path"), "must be an absolute path");
        }
        "local" => report.no_backsteps(&at.child("path"), text(own, "path")),
        "cephfs" if items(own, "monitors").is_empty() => report.required(&at.child("monitors"), ""),
        "rbd" if items(own, "monitors").is_empty() => report.required(&at.child("monitors"), ""),
        "gcePersistentDisk" | "awsElasticBlockStore" => {
            let partition = number(own, "partition");
            if !(0..=255).contains(&partition) {
                report.invalid(&at.child("partition"), partition, "must be between 1 and 255, inclusive");
            }
        }
        "azureDisk" => azure_disk(own, at, report),
        "scaleIO" if given(own, "secretRef").is_none() => report.required(&at.child("secretRef"), ""),
        _ => {}
    }
}

fn azure_disk(own: &Value, at: &At<'_>, report: &mut Report) {
    report.one_of(&at.child("cachingMode"), &own["cachingMode"], &["None", "ReadOnly", "ReadWrite"]);
    report.one_of(&at.child("kind"), &own["kind"], &["Dedicated", "Managed", "Shared"]);
    let (kind, uri) = (text(own, "kind"), text(own, "diskURI"));
    let (start, form) = match kind {
        "" => return,
        "Managed" => (
            "/subscriptions/",
            "/subscriptions/{sub-id}/resourcegroups/{group-name}/providers/microsoft.compute/disks/{disk-id}",
        ),
        _ => ("https://", "https://{account-name}.blob.core.windows.net/{container-name}/{disk-name}.vhd"),
    };
    if !uri.starts_with(start) {
        report.not_supported(&at.child("diskURI"), uri, &[form]);
    }
}

pub(super) fn host_path(own: &Value, at: &At<'_>, report: &mut Report) {
    let path = text(own, "path");
    if path.is_empty() {
        return report.required(&at.child("path"), "");
    }
    report.no_backsteps(&at.child("path"), path);
    report.one_of(&at.child("type"), &own["type"], &HOST_PATH_TYPES);
}

/// The name of a driver for storage.
pub(super) fn driver_name(name: &Value, at: &At<'_>, report: &mut Report) {
    let name = name.as_str().unwrap_or_default();
    if name.is_empty() {
        return report.required(at, "");
    }
    if name.len() > DRIVER_MAX {
        report.too_long(at, DRIVER_MAX);
    }
    report.each(at, name, names::dns_subdomain(&name.to_lowercase()));
}
