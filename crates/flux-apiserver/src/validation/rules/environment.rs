//! Environment variables of containers.

use serde_json::Value;

use super::at::At;
use super::formats::{config_key, env_name};
use super::quantity::nano;
use super::report::{Report, given, items, text};
use crate::names;

const FROM_FIELDS: [&str; 9] = [
    "metadata.name",
    "metadata.namespace",
    "metadata.uid",
    "spec.nodeName",
    "spec.serviceAccountName",
    "status.hostIP",
    "status.hostIPs",
    "status.podIP",
    "status.podIPs",
];
/// Fields that files of a volume can hold.
pub(super) const FILE_FIELDS: [&str; 5] =
    ["metadata.annotations", "metadata.labels", "metadata.name", "metadata.namespace", "metadata.uid"];
const FIELDS: [&str; 14] = [
    "metadata.annotations",
    "metadata.labels",
    "metadata.name",
    "metadata.namespace",
    "metadata.uid",
    "spec.nodeName",
    "spec.restartPolicy",
    "spec.serviceAccountName",
    "spec.schedulerName",
    "status.phase",
    "status.hostIP",
    "status.hostIPs",
    "status.podIP",
    "status.podIPs",
];
const AMOUNTS: [&str; 6] = [
    "limits.cpu",
    "limits.ephemeral-storage",
    "limits.memory",
    "requests.cpu",
    "requests.ephemeral-storage",
    "requests.memory",
];
const SIZES: [&str; 13] = ["1", "1k", "1M", "1G", "1T", "1P", "1E", "1Ki", "1Mi", "1Gi", "1Ti", "1Pi", "1Ei"];

pub(super) fn variables(container: &Value, at: &At<'_>, report: &mut Report) {
    for (index, variable) in items(container, "env").iter().enumerate() {
        let (at, name) = (at.index(index), text(variable, "name"));
        if name.is_empty() {
            report.required(&at.child("name"), "");
        } else {
            report.each(&at.child("name"), name, env_name(name));
        }
        if let Some(source) = given(variable, "valueFrom") {
            value_from(variable, source, &at.child("valueFrom"), report);
        }
    }
}

fn value_from(variable: &Value, source: &Value, at: &At<'_>, report: &mut Report) {
    let mut count = 0;
    let mut source_of = |name: &'static str| given(source, name).inspect(|_| count += 1);
    if let Some(own) = source_of("fieldRef") {
        field(own, &FROM_FIELDS, &at.child("fieldRef"), report);
    }
    if let Some(own) = source_of("resourceFieldRef") {
        amount(own, false, &at.child("resourceFieldRef"), report);
    }
    for name in ["configMapKeyRef", "secretKeyRef"] {
        if let Some(own) = source_of(name) {
            key(own, &at.child(name), report);
        }
    }
    if let Some(own) = source_of("fileKeyRef") {
        file(own, &at.child("fileKeyRef"), report);
    }
    if count == 0 {
        let words =
            "must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef`, `secretKeyRef` or `fileKeyRef`";
        report.invalid(at, "", words);
    } else if !text(variable, "value").is_empty() {
        report.invalid(at, "", "may not be specified when `value` is not empty");
    } else if count > 1 {
        report.invalid(at, "", "may not have more than one field specified at a time");
    }
}

/// A field of the pod, perhaps one label or annotation of it.
pub(super) fn field(own: &Value, known: &[&str], at: &At<'_>, report: &mut Report) {
    let (version, path) = (text(own, "apiVersion"), text(own, "fieldPath"));
    if version.is_empty() {
        return report.required(&at.child("apiVersion"), "");
    }
    if path.is_empty() {
        return report.required(&at.child("fieldPath"), "");
    }
    let mut refuse = |reason: String| {
        report.invalid(&at.child("fieldPath"), path, format!("error converting fieldPath: {reason}"));
    };
    if version != "v1" {
        return refuse(format!("unsupported pod version: {version}"));
    }
    if let Some((map, key)) = subscript(path) {
        return match map {
            "metadata.annotations" => report.qualified_name(at, &key.to_lowercase()),
            "metadata.labels" => report.qualified_name(at, key),
            _ => refuse(format!("field label does not support subscript: {path}")),
        };
    }
    let path = if path == "spec.host" { "spec.nodeName" } else { path };
    if !FIELDS.contains(&path) {
        refuse(format!("field label not supported: {path}"));
    } else if !known.contains(&path) {
        report.not_supported(&at.child("fieldPath"), path, known);
    }
}

/// Splits `map['key']`.
fn subscript(path: &str) -> Option<(&str, &str)> {
    path.strip_suffix("']")?.split_once("['").filter(|(map, _)| !map.is_empty())
}

/// A container's limit or request.
pub(super) fn amount(own: &Value, in_volume: bool, at: &At<'_>, report: &mut Report) {
    let resource = text(own, "resource");
    let pages = resource.starts_with("requests.hugepages-") || resource.starts_with("limits.hugepages-");
    if in_volume && text(own, "containerName").is_empty() {
        report.required(&at.child("containerName"), "");
    } else if resource.is_empty() {
        report.required(&at.child("resource"), "");
    } else if !AMOUNTS.contains(&resource) && !pages {
        report.not_supported(&at.child("resource"), resource, &AMOUNTS);
    }
    let divisor = &own["divisor"];
    if nano(divisor) == 0 {
        return;
    }
    let (allowed, words): (&[&str], _) = match resource {
        "limits.cpu" | "requests.cpu" => (&["1m", "1"], "1m and 1 are supported with the cpu"),
        "limits.memory" | "requests.memory" => (&SIZES, "the memory"),
        "limits.ephemeral-storage" | "requests.ephemeral-storage" => (&SIZES, "the local ephemeral storage"),
        _ if pages => (&SIZES, "the hugepages"),
        _ => return,
    };
    if divisor.as_str().is_some_and(|divisor| allowed.contains(&divisor)) {
        return;
    }
    let detail = if allowed.len() == 2 {
        format!("only divisor's values {words} resource")
    } else {
        format!("only divisor's values {} are supported with {words} resource", SIZES.join(", "))
    };
    report.invalid(&at.child("divisor"), resource, detail);
}

fn key(own: &Value, at: &At<'_>, report: &mut Report) {
    let (name, key) = (text(own, "name"), text(own, "key"));
    report.dns_subdomain(&at.child("name"), name);
    if key.is_empty() {
        report.required(&at.child("key"), "");
    } else {
        report.each(&at.child("key"), key, config_key(key));
    }
}

fn file(own: &Value, at: &At<'_>, report: &mut Report) {
    let (key, volume, path) = (text(own, "key"), text(own, "volumeName"), text(own, "path"));
    if key.is_empty() {
        report.required(&at.child("key"), "");
    } else {
        report.each(&at.child("key"), key, env_name(key));
    }
    if volume.is_empty() {
        report.required(&at.child("volumeName"), "");
    } else {
        report.dns_label(&at.child("volumeName"), volume);
    }
    if path.is_empty() {
        report.required(&at.child("path"), "");
    } else {
        report.no_backsteps(&at.child("path"), path);
    }
}

/// Whole maps as variables.
pub(super) fn sources(container: &Value, at: &At<'_>, report: &mut Report) {
    for (index, source) in items(container, "envFrom").iter().enumerate() {
        let own = at.index(index);
        let prefix = text(source, "prefix");
        if !prefix.is_empty() {
            report.each(&own.child("prefix"), prefix, env_name(prefix));
        }
        let mut count = 0;
        for kind in ["configMapRef", "secretRef"] {
            let Some(reference) = given(source, kind) else { continue };
            count += 1;
            let (name, kind) = (text(reference, "name"), own.child(kind));
            if name.is_empty() {
                report.required(&kind.child("name"), "");
            } else {
                report.each(&kind.child("name"), name, names::dns_subdomain(name));
            }
        }
        if count == 0 {
            report.invalid(at, "", "must specify one of: `configMapRef` or `secretRef`");
        } else if count > 1 {
            report.invalid(at, "", "may not have more than one field specified at a time");
        }
    }
}
