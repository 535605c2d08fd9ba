//! Security contexts.

use serde_json::Value;

use super::at::At;
use super::formats::is_sysctl;
use super::pod::Around;
use super::report::{Report, given, is_true, items, text, texts};
use crate::status::go_json;

const ID_MAX: i64 = i32::MAX as i64;
const PROFILES: [&str; 3] = ["Localhost", "RuntimeDefault", "Unconfined"];
const LOCAL_PROFILE_MAX: usize = 4095;

impl Report {
    /// The number of a user or group.
    fn id(&mut self, at: &At<'_>, value: &Value) {
        if let Some(id) = value.as_i64().filter(|id| !(0..=ID_MAX).contains(id)) {
            self.invalid(at, id, format!("must be between 0 and {ID_MAX}, inclusive"));
        }
    }
}

/// The context of a whole pod.
pub(super) fn of_pod(spec: &Value, at: &At<'_>, report: &mut Report) {
    let own = &spec["securityContext"];
    for field in ["fsGroup", "runAsUser", "runAsGroup"] {
        report.id(&at.child(field), &own[field]);
    }
    for (index, group) in items(own, "supplementalGroups").iter().enumerate() {
        report.id(&at.child("supplementalGroups").index(index), group);
    }
    if is_true(&spec["shareProcessNamespace"]) && is_true(&spec["hostPID"]) {
        let words = "ShareProcessNamespace and HostPID cannot both be enabled";
        report.invalid(&at.child("shareProcessNamespace"), true, words);
    }
    sysctls(spec, own, &at.child("sysctls"), report);
    let change = &own["fsGroupChangePolicy"];
    report.one_of(&at.child("fsGroupChangePolicy"), change, &["Always", "OnRootMismatch"]);
    seccomp(&own["seccompProfile"], &at.child("seccompProfile"), report);
    app_armor(&own["appArmorProfile"], &at.child("appArmorProfile"), report);
    let groups = &own["supplementalGroupsPolicy"];
    report.one_of(&at.child("supplementalGroupsPolicy"), groups, &["Merge", "Strict"]);
    report.one_of(&at.child("seLinuxChangePolicy"), &own["seLinuxChangePolicy"], &["MountOption", "Recursive"]);
}

const SYSCTL_WORDS: &str = "must have at most 253 characters and match regex ^([a-z0-9]([-_a-z0-9]*[a-z0-9])?[\\./])*[a-z0-9]([-_a-z0-9]*[a-z0-9])?$";

fn sysctls(spec: &Value, own: &Value, at: &At<'_>, report: &mut Report) {
    let mut seen = Vec::new();
    for (index, one) in items(own, "sysctls").iter().enumerate() {
        let list = at.index(index);
        let (at, name) = (list.child("name"), text(one, "name"));
        if name.is_empty() {
            report.required(&at, "");
        } else if !is_sysctl(name) {
            report.invalid(&at, name, SYSCTL_WORDS);
        } else if seen.contains(&name) {
            report.duplicate(&at, name);
        }
        let dotted = name.replace('/', ".");
        if is_true(&spec["hostNetwork"]) && dotted.starts_with("net.") {
            report.invalid(&at, name, "may not be specified when 'hostNetwork' is true");
        } else if is_true(&spec["hostIPC"]) && is_ipc(&dotted) {
            report.invalid(&at, name, "may not be specified when 'hostIPC' is true");
        }
        seen.push(name);
    }
}

fn is_ipc(name: &str) -> bool {
    name == "kernel.sem" || ["kernel.shm", "kernel.msg", "fs.mqueue."].iter().any(|prefix| name.starts_with(prefix))
}

fn seccomp(own: &Value, at: &At<'_>, report: &mut Report) {
    if own.is_null() {
        return;
    }
    match text(own, "type") {
        "" => report.required(&at.child("type"), "type is required when seccompProfile is set"),
        _ => report.one_of(&at.child("type"), &own["type"], &PROFILES),
    }
    let profile = given(own, "localhostProfile").and_then(Value::as_str);
    match (text(own, "type"), profile) {
        ("Localhost", None) => {
            report.required(&at.child("localhostProfile"), "must be set when seccomp type is Localhost");
        }
        ("Localhost", Some(path)) => report.descending_path(&at.child("localhostProfile"), path),
        (kind, Some(path)) => {
            let shown =
                format!("{{\"Type\":{},\"LocalhostProfile\":{}}}", go_json(&kind.into()), go_json(&path.into()));
            report.invalid_printed(
                &at.child("localhostProfile"),
                &shown,
                "can only be set when seccomp type is Localhost",
            );
        }
        _ => {}
    }
}

fn app_armor(own: &Value, at: &At<'_>, report: &mut Report) {
    if own.is_null() {
        return;
    }
    let profile = given(own, "localhostProfile").and_then(Value::as_str);
    let profile_at = at.child("localhostProfile");
    match text(own, "type") {
        "Localhost" => match profile {
            None => report.required(&profile_at, "must be set when AppArmor type is Localhost"),
            Some(path) => {
                if path.trim() != path {
                    report.invalid(&profile_at, path, "must not be padded with whitespace");
                } else if path.is_empty() {
                    report.required(&profile_at, "must be set when AppArmor type is Localhost");
                }
                if path.len() > LOCAL_PROFILE_MAX {
                    report.too_long(&profile_at, LOCAL_PROFILE_MAX);
                }
            }
        },
        "RuntimeDefault" | "Unconfined" => {
            if let Some(path) = profile {
                report.invalid(&profile_at, path, "can only be set when AppArmor type is Localhost");
            }
        }
        "" => report.required(&at.child("type"), "type is required when appArmorProfile is set"),
        other => report.not_supported(&at.child("type"), other, &PROFILES),
    }
}

/// The context of one container.
pub(super) fn of_container(around: &Around<'_>, own: &Value, at: &At<'_>, report: &mut Report) {
    if own.is_null() {
        return;
    }
    for field in ["runAsUser", "runAsGroup"] {
        report.id(&at.child(field), &own[field]);
    }
    if let Some(mount) = given(own, "procMount") {
        report.one_of(&at.child("procMount"), mount, &["Default", "Unmasked"]);
        if around.host_users && mount == "Unmasked" {
            report.invalid(&at.child("procMount"), mount.clone(), "`hostUsers` must be false to use `Unmasked`");
        }
    }
    seccomp(&own["seccompProfile"], &at.child("seccompProfile"), report);
    if own["allowPrivilegeEscalation"] == Value::Bool(false) {
        let shown = super::internal::printed("SecurityContext", own);
        if is_true(&own["privileged"]) {
            let words = "cannot set `allowPrivilegeEscalation` to false and `privileged` to true";
            report.invalid_printed(at, &shown, words);
        }
        if texts(&own["capabilities"], "add").contains(&"CAP_SYS_ADMIN") {
            let words = "cannot set `allowPrivilegeEscalation` to false and `capabilities.Add` CAP_SYS_ADMIN";
            report.invalid_printed(at, &shown, words);
        }
    }
    app_armor(&own["appArmorProfile"], &at.child("appArmorProfile"), report);
}
