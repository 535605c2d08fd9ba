//! Containers of a pod.

use serde_json::Value;

use super::amounts::{self, Owner};
use super::at::At;
use super::pod::Around;
use super::report::{Report, given, items, number, text};
use super::{environment, mounts, pod, probes, security};

pub(super) const PROTOCOLS: [&str; 3] = ["SCTP", "TCP", "UDP"];
const RESTART_POLICIES: [&str; 3] = ["Always", "Never", "OnFailure"];
const RESTART_RULES_MAX: usize = 20;
const EXIT_CODES_MAX: usize = 255;

/// The containers proper.
pub(super) fn main(around: &Around<'_>, at: &At<'_>, report: &mut Report) {
    let list = items(around.spec, "containers");
    if list.is_empty() {
        return report.required(at, "");
    }
    let mut seen = Vec::new();
    for (index, container) in list.iter().enumerate() {
        let (at, name) = (at.index(index), text(container, "name"));
        common(around, container, &at, report);
        if seen.contains(&name) {
            report.duplicate(&at.child("name"), name);
        } else {
            seen.push(name);
        }
        probes::all(around, container, &at, report);
        restart_rules(container, &at, report);
    }
    host_ports(list, at, report);
}

/// Containers that run first, or beside as sidecars.
pub(super) fn init(around: &Around<'_>, at: &At<'_>, report: &mut Report) {
    let mut seen: Vec<&str> = items(around.spec, "containers").iter().map(|own| text(own, "name")).collect();
    for (index, container) in items(around.spec, "initContainers").iter().enumerate() {
        let (list, name) = (at, text(container, "name"));
        let at = list.index(index);
        common(around, container, &at, report);
        let sidecar = text(container, "restartPolicy") == "Always";
        if sidecar && !items(container, "restartPolicyRules").is_empty() {
            let words = "restartPolicyRules are not allowed for init containers with restart policy Always";
            report.forbidden(&at.child("restartPolicyRules"), words);
        } else {
            restart_rules(container, &at, report);
        }
        if seen.contains(&name) {
            report.duplicate(&at.child("name"), name);
        } else if !name.is_empty() {
            seen.push(name);
        }
        host_ports(std::slice::from_ref(container), list, report);
        if sidecar {
            probes::all(around, container, &at, report);
            continue;
        }
        for field in ["lifecycle", "livenessProbe", "readinessProbe", "startupProbe"] {
            if given(container, field).is_some() {
                let words = "may not be set for init containers without restartPolicy=Always";
                report.forbidden(&at.child(field), words);
            }
        }
        for (index, policy) in items(container, "resizePolicy").iter().enumerate() {
            if text(policy, "restartPolicy") == "RestartContainer" {
                let list = at.child("resizePolicy");
                let words = "must not be set to 'RestartContainer' for non-sidecar initContainers";
                report.invalid(&list.index(index).child("restartPolicy"), "RestartContainer", words);
            }
        }
    }
}

/// Fields that ephemeral containers may not have, in the order of the Go type.
const NOT_EPHEMERAL: [&str; 7] =
    ["ports", "resources", "resizePolicy", "livenessProbe", "readinessProbe", "startupProbe", "lifecycle"];

/// Containers added to a running pod.
pub(super) fn ephemeral(around: &Around<'_>, at: &At<'_>, report: &mut Report) {
    let name_of = |list: &str| items(around.spec, list).iter().map(|own| text(own, "name"));
    let others: Vec<&str> = name_of("containers").chain(name_of("initContainers")).collect();
    let mut seen = others.clone();
    for (index, container) in items(around.spec, "ephemeralContainers").iter().enumerate() {
        let (at, name) = (at.index(index), text(container, "name"));
        common(around, container, &at, report);
        if seen.contains(&name) {
            report.duplicate(&at.child("name"), name);
        } else {
            seen.push(name);
        }
        let target = text(container, "targetContainerName");
        if !target.is_empty() && !others.contains(&target) {
            report.not_found(&at.child("targetContainerName"), target);
        }
        for field in NOT_EPHEMERAL {
            let absent = match &container[field] {
                Value::Null => true,
                Value::Object(map) => map.is_empty(),
                Value::Array(list) => list.is_empty(),
                _ => false,
            };
            if !absent {
                report.forbidden(&at.child(field), "cannot be set for an Ephemeral Container");
            }
        }
        for (index, mount) in items(container, "volumeMounts").iter().enumerate() {
            for field in ["subPath", "subPathExpr"].into_iter().filter(|field| !text(mount, field).is_empty()) {
                let list = at.child("volumeMounts");
                report.forbidden(&list.index(index).child(field), "cannot be set for an Ephemeral Container");
            }
        }
    }
}

fn common(around: &Around<'_>, container: &Value, at: &At<'_>, report: &mut Report) {
    let name = text(container, "name");
    if name.is_empty() {
        report.required(&at.child("name"), "");
    } else {
        report.dns_label(&at.child("name"), name);
    }
    report.required_text(&at.child("image"), &container["image"]);
    let policies = ["File", "FallbackToLogsOnError"];
    report.required_one_of(&at.child("terminationMessagePolicy"), &container["terminationMessagePolicy"], &policies);
    ports(container, &at.child("ports"), report);
    environment::variables(container, &at.child("env"), report);
    environment::sources(container, &at.child("envFrom"), report);
    mounts::mounts(around, container, &at.child("volumeMounts"), report);
    mounts::devices(around, container, &at.child("volumeDevices"), report);
    let pulls = ["Always", "IfNotPresent", "Never"];
    report.required_one_of(&at.child("imagePullPolicy"), &container["imagePullPolicy"], &pulls);
    amounts::requirements(Owner::Container, &container["resources"], &around.claims, &at.child("resources"), report);
    resize(around, container, &at.child("resizePolicy"), report);
    security::of_container(around, &container["securityContext"], &at.child("securityContext"), report);
}

fn ports(container: &Value, at: &At<'_>, report: &mut Report) {
    let mut seen = Vec::new();
    for (index, port) in items(container, "ports").iter().enumerate() {
        let (at, name) = (at.index(index), text(port, "name"));
        if !name.is_empty() {
            let wrong = super::formats::port_name(name);
            if wrong.is_empty() && seen.contains(&name) {
                report.duplicate(&at.child("name"), name);
            }
            report.each(&at.child("name"), name, wrong);
            seen.push(name);
        }
        match number(port, "containerPort") {
            0 => report.required(&at.child("containerPort"), ""),
            own => report.port(&at.child("containerPort"), own),
        }
        let on_host = number(port, "hostPort");
        if on_host != 0 {
            report.port(&at.child("hostPort"), on_host);
        }
        report.required_one_of(&at.child("protocol"), &port["protocol"], &PROTOCOLS);
    }
}

/// Two containers cannot have the same port of the host.
fn host_ports(list: &[Value], at: &At<'_>, report: &mut Report) {
    let mut seen = Vec::new();
    for (index, container) in list.iter().enumerate() {
        for (port_index, port) in items(container, "ports").iter().enumerate() {
            let own = number(port, "hostPort");
            if own == 0 {
                continue;
            }
            let shown = format!("{}/{}/{own}", text(port, "protocol"), text(port, "hostIP"));
            if seen.contains(&shown) {
                let container = at.index(index);
                let ports = container.child("ports");
                report.duplicate(&ports.index(port_index).child("hostPort"), shown.as_str());
            } else {
                seen.push(shown);
            }
        }
    }
}

fn resize(around: &Around<'_>, container: &Value, at: &At<'_>, report: &mut Report) {
    let mut seen = Vec::new();
    for (index, policy) in items(container, "resizePolicy").iter().enumerate() {
        let (resource, restart) = (text(policy, "resourceName"), text(policy, "restartPolicy"));
        if seen.contains(&resource) {
            report.duplicate(&at.index(index), resource);
        }
        seen.push(resource);
        report.required_one_of(at, &policy["resourceName"], &["cpu", "memory"]);
        report.required_one_of(at, &policy["restartPolicy"], &["NotRequired", "RestartContainer"]);
        if text(around.spec, "restartPolicy") == "Never" && restart != "NotRequired" {
            report.invalid(at, restart, "must be 'NotRequired' when pod `restartPolicy` is 'Never'");
        }
    }
}

fn restart_rules(container: &Value, at: &At<'_>, report: &mut Report) {
    let rules = items(container, "restartPolicyRules");
    match given(container, "restartPolicy") {
        None if !rules.is_empty() => {
            report.required(&at.child("restartPolicy"), "must specify restartPolicy when restart rules are used");
        }
        None => {}
        Some(own) => report.one_of(&at.child("restartPolicy"), own, &RESTART_POLICIES),
    }
    let list = at.child("restartPolicyRules");
    if rules.len() > RESTART_RULES_MAX {
        report.too_many(&list, rules.len(), RESTART_RULES_MAX);
    }
    for (index, rule) in rules.iter().enumerate() {
        let at = list.index(index);
        report.one_of(&at.child("action"), &rule["action"], &["Restart"]);
        let Some(codes) = given(rule, "exitCodes") else {
            report.required(&at.child("exitCodes"), "must be specified");
            continue;
        };
        let codes_at = at.child("exitCodes");
        report.one_of(&codes_at.child("operator"), &codes["operator"], &["In", "NotIn"]);
        let count = items(codes, "values").len();
        if count > EXIT_CODES_MAX {
            report.too_many(&codes_at.child("values"), count, EXIT_CODES_MAX);
        }
    }
}

/// Variables read from files name an empty directory of the pod.
pub(super) fn file_references(spec: &Value, at: &At<'_>, report: &mut Report) {
    pod::visit(spec, |list, index, container| {
        for (place, variable) in items(container, "env").iter().enumerate() {
            let Some(reference) = given(&variable["valueFrom"], "fileKeyRef") else { continue };
            let name = text(reference, "volumeName");
            let volume = items(spec, "volumes").iter().rev().find(|volume| text(volume, "name") == name);
            let (list, value) = (at.child(list), "valueFrom");
            let container = list.index(index);
            let variables = container.child("env");
            let variable = variables.index(place);
            let value = variable.child(value);
            let reference = value.child("fileKeyRef");
            let at = reference.child("volumeName");
            match volume {
                None => report.not_found(&at, name),
                Some(volume) if given(volume, "emptyDir").is_none() => {
                    report.invalid(&at, name, "referenced volume must be of type emptyDir");
                }
                Some(_) => {}
            }
        }
    });
}
