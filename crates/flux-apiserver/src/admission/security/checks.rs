//! What each level forbids, in upstream's words.

use serde_json::Value;

use crate::object::{list_at, text, text_at};
use crate::status::go_quote;

/// What a pod does that a level forbids, and the details of it.
pub(super) fn found(level: &str, spec: &Value) -> Vec<(&'static str, String)> {
    let restricted = level == "restricted";
    let mut found: Vec<(&'static str, String)> = Vec::new();
    let windows = text_at(spec, "/os/name") == "windows";
    let mut note = |what: &'static str, detail: Option<String>| {
        if let Some(detail) = detail {
            found.push((what, detail));
        }
    };
    if !restricted {
        note("non-default capabilities", added_capabilities(spec, &DEFAULT_CAPABILITIES));
    }
    note("host namespaces", host_namespaces(spec));
    if !restricted {
        note("hostPath volumes", host_paths(spec));
    }
    note("hostPort", host_ports(spec));
    note(
        "privileged",
        containers_where(spec, "must not set securityContext.privileged=true", |own| {
            is(own, "/securityContext/privileged", true)
        }),
    );
    note(
        "procMount",
        containers_where(spec, "must not set securityContext.procMount to \"Unmasked\"", |own| {
            !matches!(text_at(own, "/securityContext/procMount"), "" | "Default")
        }),
    );
    if !restricted {
        note("seccompProfile", unconfined(spec));
    }
    note("forbidden sysctls", sysctls(spec));
    note("hostProcess", host_process(spec));
    if restricted {
        if !windows {
            note(
                "allowPrivilegeEscalation != false",
                containers_where(spec, "must set securityContext.allowPrivilegeEscalation=false", |own| {
                    !is(own, "/securityContext/allowPrivilegeEscalation", false)
                }),
            );
            note("unrestricted capabilities", capabilities(spec));
        }
        note("restricted volume types", volumes(spec));
        note("runAsNonRoot != true", run_as_non_root(spec));
        note("runAsUser=0", run_as_root(spec));
        if !windows {
            note("seccompProfile", confined(spec));
        }
    }
    found
}

fn all(spec: &Value) -> impl Iterator<Item = &Value> {
    ["/initContainers", "/containers", "/ephemeralContainers"].into_iter().flat_map(|list| list_at(spec, list))
}

fn is(object: &Value, pointer: &str, wanted: bool) -> bool {
    object.pointer(pointer) == Some(&Value::Bool(wanted))
}

fn quoted(names: &[&str]) -> String {
    names.iter().map(|name| go_quote(name)).collect::<Vec<_>>().join(", ")
}

/// `container "a"` or `containers "a", "b"`, with a verb phrase behind.
fn subject(names: &[&str]) -> String {
    format!("container{} {}", if names.len() == 1 { "" } else { "s" }, quoted(names))
}

fn containers_where(spec: &Value, words: &str, bad: impl Fn(&Value) -> bool) -> Option<String> {
    let names: Vec<&str> = all(spec).filter(|own| bad(own)).map(|own| text(own, "name")).collect();
    (!names.is_empty()).then(|| format!("{} {words}", subject(&names)))
}

const DEFAULT_CAPABILITIES: [&str; 13] = [
    "AUDIT_WRITE",
    "CHOWN",
    "DAC_OVERRIDE",
    "FOWNER",
    "FSETID",
    "KILL",
    "MKNOD",
    "NET_BIND_SERVICE",
    "SETFCAP",
    "SETGID",
    "SETPCAP",
    "SETUID",
    "SYS_CHROOT",
];

fn added_capabilities(spec: &Value, allowed: &[&str]) -> Option<String> {
    let (mut names, mut bad) = (Vec::new(), Vec::new());
    for container in all(spec) {
        let added = list_at(container, "/securityContext/capabilities/add").iter().filter_map(Value::as_str);
        let own: Vec<&str> = added.filter(|capability| !allowed.contains(capability)).collect();
        if !own.is_empty() {
            names.push(text(container, "name"));
            bad.extend(own);
        }
    }
    bad.sort_unstable();
    bad.dedup();
    let words = || format!("{} must not include {} in securityContext.capabilities.add", subject(&names), quoted(&bad));
    (!names.is_empty()).then(words)
}

fn capabilities(spec: &Value) -> Option<String> {
    let drops = |own: &Value| list_at(own, "/securityContext/capabilities/drop").iter().any(|one| one == "ALL");
    let words = "must set securityContext.capabilities.drop=[\"ALL\"]";
    let parts = [containers_where(spec, words, |own| !drops(own)), added_capabilities(spec, &["NET_BIND_SERVICE"])];
    let parts: Vec<String> = parts.into_iter().flatten().collect();
    (!parts.is_empty()).then(|| parts.join("; "))
}

fn host_namespaces(spec: &Value) -> Option<String> {
    let fields = ["hostNetwork", "hostPID", "hostIPC"].into_iter().filter(|field| is(spec, &format!("/{field}"), true));
    let texts: Vec<String> = fields.map(|field| format!("{field}=true")).collect();
    (!texts.is_empty()).then(|| texts.join(", "))
}

fn host_paths(spec: &Value) -> Option<String> {
    let volumes = list_at(spec, "/volumes").iter().filter(|volume| volume.get("hostPath").is_some());
    let names: Vec<&str> = volumes.map(|volume| text(volume, "name")).collect();
    (!names.is_empty()).then(|| format!("volume{} {}", if names.len() == 1 { "" } else { "s" }, quoted(&names)))
}

fn host_ports(spec: &Value) -> Option<String> {
    let (mut names, mut ports) = (Vec::new(), Vec::new());
    for container in all(spec) {
        let own = list_at(container, "/ports").iter().filter_map(|port| port.get("hostPort").and_then(Value::as_u64));
        let own: Vec<u64> = own.filter(|port| *port != 0).collect();
        if !own.is_empty() {
            names.push(text(container, "name"));
            ports.extend(own);
        }
    }
    ports.sort_unstable();
    ports.dedup();
    let list: Vec<String> = ports.iter().map(u64::to_string).collect();
    let (verb, plural) = (if names.len() == 1 { "uses" } else { "use" }, if list.len() == 1 { "" } else { "s" });
    (!names.is_empty()).then(|| format!("{} {verb} hostPort{plural} {}", subject(&names), list.join(", ")))
}

fn unconfined(spec: &Value) -> Option<String> {
    let pod = text_at(spec, "/securityContext/seccompProfile/type") == "Unconfined";
    let own = |one: &&Value| text_at(one, "/securityContext/seccompProfile/type") == "Unconfined";
    let names: Vec<&str> = all(spec).filter(own).map(|one| text(one, "name")).collect();
    let who = match (pod, names.is_empty()) {
        (false, true) => return None,
        (true, true) => "pod".to_owned(),
        (true, false) => format!("pod and {}", subject(&names)),
        (false, false) => subject(&names),
    };
    Some(format!("{who} must not set securityContext.seccompProfile.type to \"Unconfined\""))
}

const SYSCTLS: [&str; 10] = [
    "kernel.shm_rmid_forced",
    "net.ipv4.ip_local_port_range",
    "net.ipv4.tcp_syncookies",
    "net.ipv4.ping_group_range",
    "net.ipv4.ip_unprivileged_port_start",
    "net.ipv4.ip_local_reserved_ports",
    "net.ipv4.tcp_keepalive_time",
    "net.ipv4.tcp_fin_timeout",
    "net.ipv4.tcp_keepalive_intvl",
    "net.ipv4.tcp_keepalive_probes",
];

fn sysctls(spec: &Value) -> Option<String> {
    let names = list_at(spec, "/securityContext/sysctls").iter().map(|own| text(own, "name"));
    let bad: Vec<&str> = names.filter(|name| !SYSCTLS.contains(name)).collect();
    (!bad.is_empty()).then(|| bad.join(", "))
}

fn host_process(spec: &Value) -> Option<String> {
    let pod = is(spec, "/securityContext/windowsOptions/hostProcess", true);
    let words = "must not set securityContext.windowsOptions.hostProcess=true";
    let own = containers_where(spec, words, |one| is(one, "/securityContext/windowsOptions/hostProcess", true));
    match (pod, own) {
        (true, Some(own)) => Some(format!("pod and {own}")),
        (true, None) => Some(format!("pod {words}")),
        (false, own) => own,
    }
}

fn volumes(spec: &Value) -> Option<String> {
    const ALLOWED: [&str; 10] = [
        "configMap",
        "csi",
        "downwardAPI",
        "emptyDir",
        "ephemeral",
        "image",
        "persistentVolumeClaim",
        "projected",
        "secret",
        "name",
    ];
    let (mut names, mut kinds) = (Vec::new(), Vec::new());
    for volume in list_at(spec, "/volumes") {
        let bad =
            volume.as_object().into_iter().flatten().map(|(key, _)| key.as_str()).find(|key| !ALLOWED.contains(key));
        if let Some(kind) = bad {
            names.push(text(volume, "name"));
            kinds.push(kind);
        }
    }
    kinds.sort_unstable();
    kinds.dedup();
    let (one, verb) = if names.len() == 1 { ("", "uses") } else { ("s", "use") };
    let plural = if kinds.len() == 1 { "" } else { "s" };
    let words = || format!("volume{one} {} {verb} restricted volume type{plural} {}", quoted(&names), quoted(&kinds));
    (!names.is_empty()).then(words)
}

fn run_as_non_root(spec: &Value) -> Option<String> {
    const FIELD: &str = "/securityContext/runAsNonRoot";
    let words = "must set securityContext.runAsNonRoot=true";
    let denied: Vec<&str> = all(spec).filter(|one| is(one, FIELD, false)).map(|one| text(one, "name")).collect();
    if !denied.is_empty() {
        let pod = if is(spec, FIELD, false) { "pod and " } else { "" };
        return Some(format!("{pod}{} must not set securityContext.runAsNonRoot=false", subject(&denied)));
    }
    if is(spec, FIELD, true) {
        return None;
    }
    let open: Vec<&str> = all(spec).filter(|one| !is(one, FIELD, true)).map(|one| text(one, "name")).collect();
    if is(spec, FIELD, false) {
        return Some("pod must not set securityContext.runAsNonRoot=false".to_owned());
    }
    (!open.is_empty()).then(|| format!("pod or {} {words}", subject(&open)))
}

fn run_as_root(spec: &Value) -> Option<String> {
    let root = |one: &Value| one.pointer("/securityContext/runAsUser").and_then(Value::as_i64) == Some(0);
    let own = containers_where(spec, "must not set runAsUser=0", root);
    match (root(spec), own) {
        (true, Some(own)) => Some(format!("pod and {own}")),
        (true, None) => Some("pod must not set runAsUser=0".to_owned()),
        (false, own) => own,
    }
}

fn confined(spec: &Value) -> Option<String> {
    const FIELD: &str = "/securityContext/seccompProfile/type";
    let words = "must set securityContext.seccompProfile.type to \"RuntimeDefault\" or \"Localhost\"";
    let good = |kind: &str| matches!(kind, "RuntimeDefault" | "Localhost");
    let wrong = |one: &&Value| !text_at(one, FIELD).is_empty() && !good(text_at(one, FIELD));
    let bad: Vec<&str> = all(spec).filter(wrong).map(|one| text(one, "name")).collect();
    let pod = text_at(spec, FIELD);
    if !bad.is_empty() {
        let pod = if !pod.is_empty() && !good(pod) { "pod and " } else { "" };
        return Some(format!("{pod}{} {words}", subject(&bad).replace("must set", "must not set")));
    }
    if good(pod) {
        return None;
    }
    let open: Vec<&str> = all(spec).filter(|one| text_at(one, FIELD).is_empty()).map(|one| text(one, "name")).collect();
    if !pod.is_empty() {
        return Some(format!("pod {words}"));
    }
    (!open.is_empty()).then(|| format!("pod or {} {words}", subject(&open)))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn violations(level: &str, spec: &Value) -> Option<String> {
        let texts: Vec<String> = found(level, spec).iter().map(|(what, detail)| format!("{what} ({detail})")).collect();
        (!texts.is_empty()).then(|| texts.join(", "))
    }

    #[test]
    fn a_plain_pod_violates_restricted_in_upstreams_words() {
        let spec = json!({"containers": [{"name": "c", "image": "i"}]});
        assert_eq!(violations("baseline", &spec), None);
        let words = violations("restricted", &spec).unwrap();
        assert_eq!(
            words,
            "allowPrivilegeEscalation != false (container \"c\" must set securityContext.allowPrivilegeEscalation=false), \
             unrestricted capabilities (container \"c\" must set securityContext.capabilities.drop=[\"ALL\"]), \
             runAsNonRoot != true (pod or container \"c\" must set securityContext.runAsNonRoot=true), \
             seccompProfile (pod or container \"c\" must set securityContext.seccompProfile.type to \"RuntimeDefault\" or \"Localhost\")"
        );
    }

    #[test]
    fn a_careful_pod_is_taken() {
        let spec = json!({
            "securityContext": {"runAsNonRoot": true, "seccompProfile": {"type": "RuntimeDefault"}},
            "containers": [{"name": "c", "securityContext": {"allowPrivilegeEscalation": false, "capabilities": {"drop": ["ALL"]}}}],
            "volumes": [{"name": "v", "emptyDir": {}}],
        });
        assert_eq!(violations("restricted", &spec), None);
    }

    #[test]
    fn hosts_are_off_limits() {
        let spec = json!({"hostNetwork": true, "containers": [{"name": "c", "securityContext": {"privileged": true}, "ports": [{"hostPort": 80}]}],
            "volumes": [{"name": "v", "hostPath": {"path": "/"}}]});
        assert_eq!(
            violations("baseline", &spec).unwrap(),
            "host namespaces (hostNetwork=true), hostPath volumes (volume \"v\"), hostPort (container \"c\" uses hostPort 80), \
             privileged (container \"c\" must not set securityContext.privileged=true)"
        );
    }
}
