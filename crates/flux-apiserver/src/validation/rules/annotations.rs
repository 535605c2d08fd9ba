//! Annotations that mean something to pods.

use serde_json::Value;

use super::at::At;
use super::pod;
use super::report::{Report, entries, given, text};

const APP_ARMOR: &str = "container.apparmor.security.beta.kubernetes.io/";
const SECCOMP_POD: &str = "seccomp.security.alpha.kubernetes.io/pod";
const SECCOMP_CONTAINER: &str = "container.seccomp.security.alpha.kubernetes.io/";
const MIRROR: &str = "kubernetes.io/config.mirror";
const DELETION_COST: &str = "controller.kubernetes.io/pod-deletion-cost";

/// Values of annotations of a pod or template.
pub(super) fn check(meta: &Value, spec: &Value, at: &At<'_>, report: &mut Report) {
    let all = &meta["annotations"];
    if let Some(value) = all[MIRROR].as_str().filter(|_| text(spec, "nodeName").is_empty()) {
        report.invalid(&at.key(MIRROR), value, "must set spec.nodeName if mirror pod annotation is set");
    }
    if let Some(cost) = all[DELETION_COST].as_str().filter(|cost| !is_cost(cost)) {
        report.invalid(&at.key(DELETION_COST), cost, "must be a 32bit integer");
    }
    for (key, value) in entries(meta, "annotations") {
        let value = value.as_str().unwrap_or_default();
        if key == SECCOMP_POD || key.starts_with(SECCOMP_CONTAINER) {
            seccomp(value, &at.child(key), report);
        }
        if let Some(container) = key.strip_prefix(APP_ARMOR) {
            app_armor(container, value, spec, &at.key(key), report);
        }
    }
}

fn is_cost(text: &str) -> bool {
    let plain = !text.starts_with('+') && (text == "0" || !text.trim_start_matches('-').starts_with('0'));
    plain && text.parse::<i32>().is_ok()
}

fn seccomp(profile: &str, at: &At<'_>, report: &mut Report) {
    match profile {
        "runtime/default" | "docker/default" | "unconfined" => {}
        _ => match profile.strip_prefix("localhost/") {
            Some(path) => report.descending_path(at, path),
            None => report.invalid(at, profile, "must be a valid seccomp profile"),
        },
    }
}

fn app_armor(container: &str, profile: &str, spec: &Value, at: &At<'_>, report: &mut Report) {
    let mut found = false;
    pod::visit(spec, |_, _, own| found |= text(own, "name") == container);
    if !found {
        report.invalid(at, container, "container not found");
    }
    let known = profile.is_empty() || matches!(profile, "runtime/default" | "unconfined");
    if !known && !profile.starts_with("localhost/") {
        report.invalid(at, profile, format!("invalid AppArmor profile name: \"{profile}\""));
    }
}

/// Annotations and the fields that replaced them must say the same.
pub(super) fn agree(meta: &Value, spec: &Value, at: &At<'_>, report: &mut Report) {
    let all = &meta["annotations"];
    if entries(meta, "annotations").next().is_none() {
        return;
    }
    let context_at = at.child("securityContext");
    if let Some(profile) = given(&spec["securityContext"], "seccompProfile") {
        same(&all[SECCOMP_POD], profile, "seccomp", &context_at.child("seccompProfile"), report);
    }
    pod::visit(spec, |list, index, container| {
        let context = &container["securityContext"];
        let (list, name) = (at.child(list), text(container, "name"));
        let container_at = list.index(index);
        let context_at = container_at.child("securityContext");
        if let Some(profile) = given(context, "seccompProfile") {
            let annotation = &all[format!("{SECCOMP_CONTAINER}{name}").as_str()];
            same(annotation, profile, "seccomp", &context_at.child("seccompProfile"), report);
        }
        let profile = given(context, "appArmorProfile").or(given(&spec["securityContext"], "appArmorProfile"));
        if let Some(profile) = profile.filter(|_| text(&spec["os"], "name") != "windows") {
            let annotation = &all[format!("{APP_ARMOR}{name}").as_str()];
            same(annotation, profile, "apparmor", &context_at.child("appArmorProfile"), report);
        }
    });
}

fn same(annotation: &Value, profile: &Value, what: &str, at: &At<'_>, report: &mut Report) {
    let Some(annotation) = annotation.as_str() else { return };
    let fits = match text(profile, "type") {
        "Unconfined" => annotation == "unconfined",
        "RuntimeDefault" => annotation == "runtime/default" || what == "seccomp" && annotation == "docker/default",
        "Localhost" => match annotation.strip_prefix("localhost/") {
            None => false,
            Some(path) => {
                if profile["localhostProfile"].as_str() != Some(path) {
                    let words = format!("{what} profile in annotation and field must match");
                    report.forbidden(&at.child("localhostProfile"), words);
                }
                true
            }
        },
        _ => true,
    };
    if !fits {
        report.forbidden(&at.child("type"), format!("{what} type in annotation and field must match"));
    }
}
