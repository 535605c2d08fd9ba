//! Cells of kinds that are not workloads.

use serde_json::Value;

use crate::object::{list_at, meta_text, name, text, text_at};
use crate::resources::Resource;

const NONE: &str = "<none>";
const UNSET: &str = "<unset>";
const UNKNOWN: &str = "<unknown>";

/// How long ago something was, in one or two units.
pub(super) fn since(time: &str) -> String {
    let Ok(then) = time.parse::<jiff::Timestamp>() else { return UNKNOWN.to_owned() };
    human(jiff::Timestamp::now().as_second() - then.as_second())
}

/// Upstream's short form of a duration.
pub(super) fn human(seconds: i64) -> String {
    if seconds < -1 {
        return "<invalid>".to_owned();
    }
    if seconds < 0 {
        return "0s".to_owned();
    }
    let (minutes, hours, days) = (seconds / 60, seconds / 3600, seconds / 86400);
    let pair = |big: i64, unit: &str, small: i64, sub: &str| {
        if small == 0 { format!("{big}{unit}") } else { format!("{big}{unit}{small}{sub}") }
    };
    if seconds < 120 {
        format!("{seconds}s")
    } else if minutes < 10 {
        pair(minutes, "m", seconds % 60, "s")
    } else if minutes < 180 {
        format!("{minutes}m")
    } else if hours < 8 {
        pair(hours, "h", minutes % 60, "m")
    } else if hours < 48 {
        format!("{hours}h")
    } else if hours < 24 * 8 {
        pair(days, "d", hours % 24, "h")
    } else if hours < 24 * 365 * 2 {
        format!("{days}d")
    } else if hours < 24 * 365 * 8 {
        pair(days / 365, "y", days % 365, "d")
    } else {
        format!("{}y", days / 365)
    }
}

pub(super) fn age(item: &Value) -> Value {
    since(meta_text(item, "creationTimestamp")).into()
}

/// The number at a pointer, 0 when absent.
pub(super) fn number(item: &Value, pointer: &str) -> i64 {
    item.pointer(pointer).and_then(Value::as_i64).unwrap_or(0)
}

pub(super) fn or_none(text: &str) -> Value {
    if text.is_empty() { NONE.into() } else { text.into() }
}

fn or(text: &str, otherwise: &str) -> Value {
    if text.is_empty() { otherwise.into() } else { text.into() }
}

/// `k=v,k=v`, or `<none>`.
pub(super) fn labels(map: Option<&Value>) -> String {
    let rows: Vec<String> = map
        .and_then(Value::as_object)
        .into_iter()
        .flatten()
        .map(|(key, value)| format!("{key}={}", value.as_str().unwrap_or("")))
        .collect();
    if rows.is_empty() { NONE.to_owned() } else { rows.join(",") }
}

/// A label selector in words.
pub(super) fn selector(selector: Option<&Value>) -> String {
    let Some(selector) = selector.filter(|selector| selector.is_object()) else { return NONE.to_owned() };
    let mut parts: Vec<(String, String)> = Vec::new();
    for (key, value) in selector.get("matchLabels").and_then(Value::as_object).into_iter().flatten() {
        parts.push((key.clone(), format!("{key}={}", value.as_str().unwrap_or(""))));
    }
    for one in list_at(selector, "/matchExpressions") {
        let key = text(one, "key");
        let values: Vec<&str> = list_at(one, "/values").iter().filter_map(Value::as_str).collect();
        let words = match text(one, "operator") {
            "In" => format!("{key} in ({})", values.join(",")),
            "NotIn" => format!("{key} notin ({})", values.join(",")),
            "Exists" => key.to_owned(),
            _ => format!("!{key}"),
        };
        parts.push((key.to_owned(), words));
    }
    parts.sort();
    if parts.is_empty() {
        NONE.to_owned()
    } else {
        parts.into_iter().map(|(_, words)| words).collect::<Vec<_>>().join(",")
    }
}

fn modes(item: &Value, pointer: &str) -> String {
    let short = |mode: &Value| match mode.as_str().unwrap_or("") {
        "ReadWriteOnce" => "RWO",
        "ReadOnlyMany" => "ROX",
        "ReadWriteMany" => "RWX",
        "ReadWriteOncePod" => "RWOP",
        _ => "",
    };
    let list: Vec<&str> = list_at(item, pointer).iter().map(short).filter(|mode| !mode.is_empty()).collect();
    list.join(",")
}

fn count(item: &Value, keys: &[&str]) -> i64 {
    keys.iter().map(|key| item.get(*key).and_then(Value::as_object).map_or(0, |map| map.len() as i64)).sum()
}

fn shown(value: Option<&Value>, otherwise: &str) -> Value {
    match value {
        Some(Value::String(text)) => text.clone().into(),
        Some(Value::Number(number)) => number.to_string().into(),
        _ => otherwise.into(),
    }
}

/// The cells of a kind; `None` for kinds without their own.
pub(super) fn cells(resource: &Resource, item: &Value) -> Option<Vec<Value>> {
    let own: Value = name(item).into();
    Some(match (resource.group.as_str(), resource.plural.as_str()) {
        ("", "configmaps") => vec![own, count(item, &["data", "binaryData"]).into(), age(item)],
        ("", "secrets") => vec![own, text(item, "type").into(), count(item, &["data"]).into(), age(item)],
        ("", "serviceaccounts") => vec![own, age(item)],
        ("", "namespaces") => vec![own, text_at(item, "/status/phase").into(), age(item)],
        ("", "services") => service(item),
        ("", "endpoints") => vec![own, endpoints(item).into(), age(item)],
        ("", "nodes") => node(item),
        ("", "events") | ("events.k8s.io", "events") => event(item),
        ("", "resourcequotas") => quota(item),
        ("", "persistentvolumeclaims") => claim(item),
        ("", "persistentvolumes") => volume(item),
        ("networking.k8s.io", "ingresses") => ingress(item),
        ("networking.k8s.io", "ingressclasses") => {
            let parameters = item.pointer("/spec/parameters").map_or(NONE.to_owned(), |parameters| {
                let group = text(parameters, "apiGroup");
                let kind = if group.is_empty() {
                    text(parameters, "kind").to_owned()
                } else {
                    format!("{}.{group}", text(parameters, "kind"))
                };
                format!("{kind}/{}", text(parameters, "name"))
            });
            vec![own, text_at(item, "/spec/controller").into(), parameters.into(), age(item)]
        }
        ("networking.k8s.io", "networkpolicies") => {
            vec![own, selector(item.pointer("/spec/podSelector")).into(), age(item)]
        }
        ("networking.k8s.io", "servicecidrs") => {
            let list: Vec<&str> = list_at(item, "/spec/cidrs").iter().filter_map(Value::as_str).collect();
            vec![own, list.join(",").into(), age(item)]
        }
        ("policy", _) => vec![
            own,
            shown(item.pointer("/spec/minAvailable"), "N/A"),
            shown(item.pointer("/spec/maxUnavailable"), "N/A"),
            number(item, "/status/disruptionsAllowed").into(),
            age(item),
        ],
        ("rbac.authorization.k8s.io", "rolebindings" | "clusterrolebindings") => binding(item),
        ("storage.k8s.io", "storageclasses") => {
            let default = item
                .pointer("/metadata/annotations/storageclass.kubernetes.io~1is-default-class")
                .and_then(Value::as_str)
                == Some("true");
            let shown_name = if default { format!("{} (default)", name(item)) } else { name(item).to_owned() };
            vec![
                shown_name.into(),
                text(item, "provisioner").into(),
                or(text(item, "reclaimPolicy"), "Delete"),
                or(text(item, "volumeBindingMode"), "Immediate"),
                (item.get("allowVolumeExpansion") == Some(&Value::Bool(true))).into(),
                age(item),
            ]
        }
        ("storage.k8s.io", "csidrivers") => driver(item),
        ("storage.k8s.io", "csinodes") => vec![own, list_at(item, "/spec/drivers").len().into(), age(item)],
        ("storage.k8s.io", "volumeattributesclasses") => vec![own, text(item, "driverName").into(), age(item)],
        ("storage.k8s.io", "volumeattachments") => vec![
            own,
            text_at(item, "/spec/attacher").into(),
            text_at(item, "/spec/source/persistentVolumeName").into(),
            text_at(item, "/spec/nodeName").into(),
            (item.pointer("/status/attached") == Some(&Value::Bool(true))).into(),
            age(item),
        ],
        ("scheduling.k8s.io", _) => vec![
            own,
            number(item, "/value").into(),
            (item.get("globalDefault") == Some(&Value::Bool(true))).into(),
            age(item),
            or(text(item, "preemptionPolicy"), "PreemptLowerPriority"),
        ],
        ("node.k8s.io", _) => vec![own, text(item, "handler").into(), age(item)],
        ("coordination.k8s.io", _) => vec![own, text_at(item, "/spec/holderIdentity").into(), age(item)],
        ("discovery.k8s.io", _) => slice(item),
        ("admissionregistration.k8s.io", "validatingwebhookconfigurations" | "mutatingwebhookconfigurations") => {
            vec![own, list_at(item, "/webhooks").len().into(), age(item)]
        }
        ("admissionregistration.k8s.io", "validatingadmissionpolicies") => {
            vec![own, list_at(item, "/spec/validations").len().into(), param_kind(item), age(item)]
        }
        ("admissionregistration.k8s.io", "mutatingadmissionpolicies") => {
            vec![own, list_at(item, "/spec/mutations").len().into(), param_kind(item), age(item)]
        }
        ("admissionregistration.k8s.io", _) => {
            let reference = item.pointer("/spec/paramRef");
            let shown = reference.map_or(UNSET.to_owned(), |reference| {
                let space = text(reference, "namespace");
                let target = text(reference, "name");
                if target.is_empty() {
                    selector(reference.get("selector"))
                } else if space.is_empty() {
                    format!("*/{target}")
                } else {
                    format!("{space}/{target}")
                }
            });
            vec![own, text_at(item, "/spec/policyName").into(), shown.into(), age(item)]
        }
        ("apiregistration.k8s.io", _) => {
            let service = item.pointer("/spec/service").filter(|service| service.is_object());
            let local = service.map_or("Local".to_owned(), |service| {
                format!("{}/{}", text(service, "namespace"), text(service, "name"))
            });
            let condition = list_at(item, "/status/conditions").iter().find(|one| text(one, "type") == "Available");
            let available = condition.map_or("Unknown".to_owned(), |one| match text(one, "status") {
                "True" => "True".to_owned(),
                other => format!("{other} ({})", text(one, "reason")),
            });
            vec![own, local.into(), available.into(), age(item)]
        }
        ("certificates.k8s.io", _) => return None,
        _ => return None,
    })
}

fn param_kind(item: &Value) -> Value {
    let kind = item.pointer("/spec/paramKind").filter(|kind| kind.is_object());
    kind.map_or(UNSET.into(), |kind| format!("{}/{}", text(kind, "apiVersion"), text(kind, "kind")).into())
}

fn service(item: &Value) -> Vec<Value> {
    let kind = text_at(item, "/spec/type");
    let ports: Vec<String> = list_at(item, "/spec/ports")
        .iter()
        .map(|port| {
            let node = number(port, "/nodePort");
            let protocol = text(port, "protocol");
            let own = number(port, "/port");
            if node > 0 { format!("{own}:{node}/{protocol}") } else { format!("{own}/{protocol}") }
        })
        .collect();
    let ports = if ports.is_empty() { NONE.to_owned() } else { ports.join(",") };
    vec![
        name(item).into(),
        kind.into(),
        or_none(text_at(item, "/spec/clusterIP")),
        external(item, kind).into(),
        ports.into(),
        age(item),
        labels(item.pointer("/spec/selector")).into(),
    ]
}

fn external(item: &Value, kind: &str) -> String {
    let mut own: Vec<&str> = list_at(item, "/spec/externalIPs").iter().filter_map(Value::as_str).collect();
    match kind {
        "ExternalName" => text_at(item, "/spec/externalName").to_owned(),
        "LoadBalancer" => {
            let balancer = addresses(item);
            if balancer.is_empty() && own.is_empty() {
                return "<pending>".to_owned();
            }
            let mut all: Vec<&str> = if balancer.is_empty() { Vec::new() } else { balancer.split(',').collect() };
            all.append(&mut own);
            all.join(",")
        }
        _ if own.is_empty() => NONE.to_owned(),
        _ => own.join(","),
    }
}

/// Addresses of a load balancer's status.
fn addresses(item: &Value) -> String {
    let mut list: Vec<&str> = Vec::new();
    for one in list_at(item, "/status/loadBalancer/ingress") {
        let address = if text(one, "ip").is_empty() { text(one, "hostname") } else { text(one, "ip") };
        if !address.is_empty() && !list.contains(&address) {
            list.push(address);
        }
    }
    list.sort_unstable();
    list.join(",")
}

fn endpoints(item: &Value) -> String {
    let mut list = Vec::new();
    let mut more = 0;
    for subset in list_at(item, "/subsets") {
        let ports = list_at(subset, "/ports");
        let addresses = list_at(subset, "/addresses");
        if ports.is_empty() {
            for address in addresses {
                if list.len() == 3 { more += 1 } else { list.push(text(address, "ip").to_owned()) }
            }
        }
        for port in ports {
            for address in addresses {
                if list.len() == 3 {
                    more += 1;
                } else {
                    list.push(format!("{}:{}", text(address, "ip"), number(port, "/port")));
                }
            }
        }
    }
    match (list.is_empty(), more) {
        (true, _) => NONE.to_owned(),
        (false, 0) => list.join(","),
        (false, more) => format!("{} + {more} more...", list.join(",")),
    }
}

fn slice(item: &Value) -> Vec<Value> {
    let short = |mut list: Vec<String>, none: &str| {
        let more = list.len().saturating_sub(3);
        list.truncate(3);
        match (list.is_empty(), more) {
            (true, _) => none.to_owned(),
            (false, 0) => list.join(","),
            (false, more) => format!("{} + {more} more...", list.join(",")),
        }
    };
    let ports = list_at(item, "/ports").iter().map(|port| match port.get("port").and_then(Value::as_i64) {
        Some(number) => number.to_string(),
        None => text(port, "name").to_owned(),
    });
    let addresses = list_at(item, "/endpoints")
        .iter()
        .flat_map(|one| list_at(one, "/addresses"))
        .filter_map(Value::as_str)
        .map(str::to_owned);
    vec![
        name(item).into(),
        text(item, "addressType").into(),
        short(ports.collect(), UNSET).into(),
        short(addresses.collect(), UNSET).into(),
        age(item),
    ]
}

fn node(item: &Value) -> Vec<Value> {
    let ready = list_at(item, "/status/conditions").iter().find(|one| text(one, "type") == "Ready");
    let mut status = match ready.map(|one| text(one, "status")) {
        Some("True") => "Ready".to_owned(),
        Some(_) => "NotReady".to_owned(),
        None => "Unknown".to_owned(),
    };
    if item.pointer("/spec/unschedulable") == Some(&Value::Bool(true)) {
        status.push_str(",SchedulingDisabled");
    }
    let mut roles: Vec<String> = Vec::new();
    for (key, value) in item.pointer("/metadata/labels").and_then(Value::as_object).into_iter().flatten() {
        if let Some(role) = key.strip_prefix("node-role.kubernetes.io/").filter(|role| !role.is_empty()) {
            roles.push(role.to_owned());
        } else if key == "kubernetes.io/role" {
            roles.extend(value.as_str().map(str::to_owned));
        }
    }
    roles.sort();
    roles.dedup();
    let address = |kind: &str| {
        let found = list_at(item, "/status/addresses").iter().find(|one| text(one, "type") == kind);
        or_none(found.map_or("", |one| text(one, "address")))
    };
    let info = |field: &str| or(text_at(item, &format!("/status/nodeInfo/{field}")), UNKNOWN);
    vec![
        name(item).into(),
        status.into(),
        or_none(&roles.join(",")),
        age(item),
        text_at(item, "/status/nodeInfo/kubeletVersion").into(),
        address("InternalIP"),
        address("ExternalIP"),
        info("osImage"),
        info("kernelVersion"),
        info("containerRuntimeVersion"),
    ]
}

fn event(item: &Value) -> Vec<Value> {
    let first_of = |fields: &[&str]| {
        let texts = fields.iter().map(|field| text_at(item, field));
        texts.into_iter().find(|text| !text.is_empty()).unwrap_or("").to_owned()
    };
    let reference = item.get("involvedObject").or_else(|| item.get("regarding")).cloned().unwrap_or(Value::Null);
    let target = match (text(&reference, "kind"), text(&reference, "name")) {
        (kind, "") => kind.to_lowercase(),
        (kind, name) => format!("{}/{name}", kind.to_lowercase()),
    };
    let component =
        first_of(&["/source/component", "/deprecatedSource/component", "/reportingComponent", "/reportingController"]);
    let host = first_of(&["/source/host", "/deprecatedSource/host"]);
    let source = if host.is_empty() { component } else { format!("{component}, {host}") };
    let first = first_of(&["/firstTimestamp", "/deprecatedFirstTimestamp", "/eventTime"]);
    let last = first_of(&["/series/lastObservedTime", "/lastTimestamp", "/deprecatedLastTimestamp"]);
    let last = if last.is_empty() { first.clone() } else { last };
    let count = item.get("count").or_else(|| item.get("deprecatedCount")).and_then(Value::as_i64).unwrap_or(0).max(1);
    let message = first_of(&["/message", "/note"]);
    vec![
        since(&last).into(),
        text(item, "type").into(),
        text(item, "reason").into(),
        target.into(),
        text(&reference, "fieldPath").into(),
        source.into(),
        message.trim().into(),
        since(&first).into(),
        count.into(),
        name(item).into(),
    ]
}

fn quota(item: &Value) -> Vec<Value> {
    let (mut requests, mut limits) = (Vec::new(), Vec::new());
    for (key, hard) in item.pointer("/status/hard").and_then(Value::as_object).into_iter().flatten() {
        let used = item.pointer("/status/used").and_then(|used| used.get(key)).and_then(Value::as_str).unwrap_or("0");
        let row = format!("{key}: {used}/{}", hard.as_str().unwrap_or("0"));
        if key.starts_with("limits") { limits.push(row) } else { requests.push(row) }
    }
    vec![name(item).into(), requests.join(", ").into(), limits.join(", ").into(), age(item)]
}

fn class_of(item: &Value) -> String {
    match item.pointer("/metadata/annotations/volume.beta.kubernetes.io~1storage-class").and_then(Value::as_str) {
        Some(class) => class.to_owned(),
        None => text_at(item, "/spec/storageClassName").to_owned(),
    }
}

fn claim(item: &Value) -> Vec<Value> {
    let mut phase = text_at(item, "/status/phase").to_owned();
    if crate::object::is_deleting(item) {
        phase = "Terminating".into();
    }
    let volume = text_at(item, "/spec/volumeName");
    let (capacity, access) = if volume.is_empty() {
        (String::new(), String::new())
    } else {
        (text_at(item, "/status/capacity/storage").to_owned(), modes(item, "/status/accessModes"))
    };
    vec![
        name(item).into(),
        phase.into(),
        volume.into(),
        capacity.into(),
        access.into(),
        class_of(item).into(),
        or(text_at(item, "/spec/volumeAttributesClassName"), UNSET),
        age(item),
        or(text_at(item, "/spec/volumeMode"), UNSET),
    ]
}

fn volume(item: &Value) -> Vec<Value> {
    let mut phase = text_at(item, "/status/phase").to_owned();
    if crate::object::is_deleting(item) {
        phase = "Terminating".into();
    }
    let bound = item
        .pointer("/spec/claimRef")
        .map_or(String::new(), |claim| format!("{}/{}", text(claim, "namespace"), text(claim, "name")));
    vec![
        name(item).into(),
        text_at(item, "/spec/capacity/storage").into(),
        modes(item, "/spec/accessModes").into(),
        text_at(item, "/spec/persistentVolumeReclaimPolicy").into(),
        phase.into(),
        bound.into(),
        class_of(item).into(),
        or(text_at(item, "/spec/volumeAttributesClassName"), UNSET),
        text_at(item, "/status/reason").into(),
        age(item),
        or(text_at(item, "/spec/volumeMode"), UNSET),
    ]
}

fn ingress(item: &Value) -> Vec<Value> {
    let hosts: Vec<&str> =
        list_at(item, "/spec/rules").iter().map(|rule| text(rule, "host")).filter(|host| !host.is_empty()).collect();
    let more = hosts.len().saturating_sub(3);
    let shown = match (hosts.is_empty(), more) {
        (true, _) => "*".to_owned(),
        (false, 0) => hosts.join(","),
        (false, more) => format!("{} + {more} more...", hosts[..3].join(",")),
    };
    let ports = if list_at(item, "/spec/tls").is_empty() { "80" } else { "80, 443" };
    vec![
        name(item).into(),
        or_none(text_at(item, "/spec/ingressClassName")),
        shown.into(),
        addresses(item).into(),
        ports.into(),
        age(item),
    ]
}

fn binding(item: &Value) -> Vec<Value> {
    let of = |kind: &str| {
        let subjects = list_at(item, "/subjects").iter().filter(|subject| text(subject, "kind") == kind);
        let names = subjects.map(|subject| match kind {
            "ServiceAccount" => format!("{}/{}", text(subject, "namespace"), text(subject, "name")),
            _ => text(subject, "name").to_owned(),
        });
        Value::from(names.collect::<Vec<_>>().join(", "))
    };
    let role = format!("{}/{}", text_at(item, "/roleRef/kind"), text_at(item, "/roleRef/name"));
    vec![name(item).into(), role.into(), age(item), of("User"), of("Group"), of("ServiceAccount")]
}

fn driver(item: &Value) -> Vec<Value> {
    let flag = |field: &str, otherwise: bool| {
        Value::from(item.pointer(&format!("/spec/{field}")).and_then(Value::as_bool).unwrap_or(otherwise))
    };
    let tokens: Vec<&str> = list_at(item, "/spec/tokenRequests").iter().map(|token| text(token, "audience")).collect();
    let modes: Vec<&str> = list_at(item, "/spec/volumeLifecycleModes").iter().filter_map(Value::as_str).collect();
    vec![
        name(item).into(),
        flag("attachRequired", true),
        flag("podInfoOnMount", false),
        flag("storageCapacity", false),
        or(&tokens.join(","), UNSET),
        flag("requiresRepublish", false),
        or(&modes.join(","), "<none>"),
        age(item),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_short() {
        for (seconds, expect) in [
            (5, "5s"),
            (119, "119s"),
            (123, "2m3s"),
            (600, "10m"),
            (10_800, "3h"),
            (11_100, "3h5m"),
            (86_400 * 9, "9d"),
            (-5, "<invalid>"),
        ] {
            assert_eq!(human(seconds), expect);
        }
        assert_eq!(labels(None), "<none>");
    }
}
