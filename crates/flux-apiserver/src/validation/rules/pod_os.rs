//! What an operating system does not offer to pods.

use serde_json::Value;

use super::at::At;
use super::pod;
use super::report::{Report, given, is_true, items, text};

const NOT_FOR_WINDOWS: &str = "cannot be set for a windows pod";
const NOT_FOR_LINUX: &str = "windows options cannot be set for a linux pod";
/// Fields of a container's context, in upstream's order.
const LINUX_ONLY: [&str; 10] = [
    "appArmorProfile",
    "seLinuxOptions",
    "seccompProfile",
    "capabilities",
    "readOnlyRootFilesystem",
    "privileged",
    "allowPrivilegeEscalation",
    "procMount",
    "runAsUser",
    "runAsGroup",
];

pub(super) fn check(spec: &Value, at: &At<'_>, report: &mut Report) {
    let Some(os) = given(spec, "os") else { return };
    match text(os, "name") {
        "" => report.required(&at.child("os").child("name"), ""),
        "linux" => linux(spec, at, report),
        "windows" => windows(spec, at, report),
        other => report.not_supported(&at.child("os"), other, &["linux", "windows"]),
    }
}

fn linux(spec: &Value, at: &At<'_>, report: &mut Report) {
    if given(&spec["securityContext"], "windowsOptions").is_some() {
        report.forbidden(&at.child("securityContext").child("windowsOptions"), NOT_FOR_LINUX);
    }
    pod::visit(spec, |list, index, container| {
        if given(&container["securityContext"], "windowsOptions").is_some() {
            let list = at.child(list);
            let container = list.index(index);
            report.forbidden(&container.child("securityContext").child("windowsOptions"), NOT_FOR_LINUX);
        }
    });
}

fn windows(spec: &Value, at: &At<'_>, report: &mut Report) {
    let context = &spec["securityContext"];
    let context_at = at.child("securityContext");
    let mut refuse = |at: &At<'_>, name: &str, there: bool| {
        if there {
            report.forbidden(&at.child(name), NOT_FOR_WINDOWS);
        }
    };
    for field in ["appArmorProfile", "seLinuxOptions"] {
        refuse(&context_at, field, given(context, field).is_some());
    }
    refuse(at, "hostUsers", given(spec, "hostUsers").is_some());
    for field in ["hostPID", "hostIPC"] {
        refuse(at, field, is_true(&spec[field]));
    }
    for field in ["seccompProfile", "fsGroup", "fsGroupChangePolicy"] {
        refuse(&context_at, field, given(context, field).is_some());
    }
    refuse(&context_at, "sysctls", !items(context, "sysctls").is_empty());
    refuse(at, "shareProcessNamespace", given(spec, "shareProcessNamespace").is_some());
    let rest = ["runAsUser", "runAsGroup", "supplementalGroups", "supplementalGroupsPolicy", "seLinuxChangePolicy"];
    for field in rest {
        refuse(&context_at, field, given(context, field).is_some());
    }
    pod::visit(spec, |list, index, container| {
        let own = &container["securityContext"];
        for field in LINUX_ONLY.into_iter().filter(|field| given(own, field).is_some()) {
            let list = at.child(list);
            let container = list.index(index);
            report.forbidden(&container.child("securityContext").child(field), NOT_FOR_WINDOWS);
        }
    });
}
