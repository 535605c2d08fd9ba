//! Services.

use serde_json::Value;

use super::at::At;
use super::containers::PROTOCOLS;
use super::formats::parse_ip;
use super::report::{Report, given, items, number, text, texts};
use super::{internal, service_ips};

const TYPES: [&str; 4] = ["ClusterIP", "ExternalName", "LoadBalancer", "NodePort"];
const TRAFFIC: [&str; 2] = ["Cluster", "Local"];
const DISTRIBUTIONS: [&str; 3] = ["PreferClose", "PreferSameZone", "PreferSameNode"];
const RANGES: &str = "service.beta.kubernetes.io/load-balancer-source-ranges";
const BALANCER_ONLY: &str = "may only be used when `type` is 'LoadBalancer'";
const AFFINITY_SECONDS_MAX: i64 = 86_400;

pub(super) fn is_headless(own: &Value) -> bool {
    items(own, "clusterIPs") == ["None"]
}

/// A service; `old` is null when it is new.
pub(super) fn check(old: &Value, object: &Value, report: &mut Report) {
    let (own, at) = (&object["spec"], At::root("spec"));
    let before = &old["spec"];
    hints(&object["metadata"], report);
    let (kind, headless) = (text(own, "type"), is_headless(own));
    if items(own, "ports").is_empty() && !headless && kind != "ExternalName" {
        report.required(&at.child("ports"), "");
    }
    match kind {
        "LoadBalancer" | "NodePort" if headless => {
            let words = format!("may not be set to 'None' for {kind} services");
            report.invalid(&at.child("clusterIPs").index(0), "None", words);
        }
        "ExternalName" => external_name(own, &at, report),
        _ => {}
    }
    let mut names = Vec::new();
    for (index, port) in items(own, "ports").iter().enumerate() {
        let several = items(own, "ports").len() > 1;
        self::port(port, several, &mut names, &at.child("ports").index(index), report);
    }
    report.labels(&at.child("selector"), &own["selector"]);
    affinity(own, &at, report);
    service_ips::check(before, own, &at, report);
    external_ips(before, own, &at.child("externalIPs"), report);
    report.required_one_of(&at.child("type"), &own["type"], &TYPES);
    ports(own, &at.child("ports"), report);
    source_ranges(old, object, &at, report);
    let allocates = given(own, "allocateLoadBalancerNodePorts");
    if allocates.is_some() && kind != "LoadBalancer" {
        report.forbidden(&at.child("allocateLoadBalancerNodePorts"), BALANCER_ONLY);
    }
    if allocates.is_none() && kind == "LoadBalancer" {
        report.required(&At::root("allocateLoadBalancerNodePorts"), "");
    }
    class(own, &at, report);
    traffic(own, &at, report);
}

fn hints(meta: &Value, report: &mut Report) {
    const HINTS: &str = "service.kubernetes.io/topology-aware-hints";
    const MODE: &str = "service.kubernetes.io/topology-mode";
    let all = &meta["annotations"];
    if let (Some(hints), Some(mode)) = (all[HINTS].as_str(), all[MODE].as_str())
        && hints != mode
    {
        let words = format!("must match annotations[{HINTS}] when both are specified");
        report.invalid(&At::root("metadata.annotations").key(MODE), mode, words);
    }
}

fn external_name(own: &Value, at: &At<'_>, report: &mut Report) {
    const WORDS: &str = "may not be set for ExternalName services";
    for field in ["clusterIPs", "ipFamilies"] {
        if !items(own, field).is_empty() {
            report.forbidden(&at.child(field), WORDS);
        }
    }
    if given(own, "ipFamilyPolicy").is_some() {
        report.forbidden(&at.child("ipFamilyPolicy"), WORDS);
    }
    let name = text(own, "externalName");
    match name.strip_suffix('.').unwrap_or(name) {
        "" => report.required(&at.child("externalName"), ""),
        name => report.dns_subdomain(&at.child("externalName"), name),
    }
}

fn port<'a>(own: &'a Value, several: bool, names: &mut Vec<&'a str>, at: &At<'_>, report: &mut Report) {
    let name = text(own, "name");
    if name.is_empty() {
        if several {
            report.required(&at.child("name"), "");
        }
    } else {
        report.dns_label(&at.child("name"), name);
        if names.contains(&name) {
            report.duplicate(&at.child("name"), name);
        } else {
            names.push(name);
        }
    }
    report.port(&at.child("port"), number(own, "port"));
    report.required_one_of(&at.child("protocol"), &own["protocol"], &PROTOCOLS);
    report.port_or_name(&at.child("targetPort"), &own["targetPort"]);
    if let Some(protocol) = own["appProtocol"].as_str() {
        report.qualified_name(&at.child("appProtocol"), protocol);
    }
}

fn affinity(own: &Value, at: &At<'_>, report: &mut Report) {
    report.required_one_of(&at.child("sessionAffinity"), &own["sessionAffinity"], &["ClientIP", "None"]);
    let config_at = at.child("sessionAffinityConfig");
    let config = given(own, "sessionAffinityConfig");
    match text(own, "sessionAffinity") {
        "ClientIP" => {
            const WORDS: &str = "when session affinity type is ClientIP";
            let Some(config) = config else { return report.required(&config_at, WORDS) };
            let client_at = config_at.child("clientIP");
            let Some(client) = given(config, "clientIP") else { return report.required(&client_at, WORDS) };
            let seconds_at = client_at.child("timeoutSeconds");
            let Some(seconds) = client["timeoutSeconds"].as_i64() else { return report.required(&seconds_at, WORDS) };
            if !(1..=AFFINITY_SECONDS_MAX).contains(&seconds) {
                let words = format!("must be greater than 0 and less than {AFFINITY_SECONDS_MAX}");
                report.invalid(&seconds_at, seconds, words);
            }
        }
        "None" if config.is_some() => report.forbidden(&config_at, "must not be set when session affinity is None"),
        _ => {}
    }
}

fn external_ips(before: &Value, own: &Value, at: &At<'_>, report: &mut Report) {
    let held = texts(before, "externalIPs");
    for (index, address) in texts(own, "externalIPs").into_iter().enumerate() {
        let at = at.index(index);
        match parse_ip(address) {
            None if held.contains(&address) => report.invalid(&at, address, "must be a valid IP address"),
            None => report.ip(&at, address),
            Some(_) => endpoint_ip(address, &at, report),
        }
    }
}

/// An address that traffic can be sent to.
pub(super) fn endpoint_ip(address: &str, at: &At<'_>, report: &mut Report) {
    use std::net::IpAddr;
    let Some(own) = parse_ip(address) else { return report.invalid(at, address, "must be a valid IP address") };
    let (link, link_multicast) = match own {
        IpAddr::V4(own) => (own.is_link_local(), own.octets()[..3] == [224, 0, 0]),
        IpAddr::V6(own) => (own.segments()[0] & 0xffc0 == 0xfe80, own.segments()[0] & 0xff0f == 0xff02),
    };
    if own.is_unspecified() {
        report.invalid(at, address, format!("may not be unspecified ({address})"));
    }
    if own.is_loopback() {
        report.invalid(at, address, "may not be in the loopback range (127.0.0.0/8, ::1/128)");
    }
    if link {
        report.invalid(at, address, "may not be in the link-local range (169.254.0.0/16, fe80::/10)");
    }
    if link_multicast {
        report.invalid(at, address, "may not be in the link-local multicast range (224.0.0.0/24, ff02::/10)");
    }
}

/// Node ports and numbers, none twice.
fn ports(own: &Value, at: &At<'_>, report: &mut Report) {
    let list = items(own, "ports");
    if text(own, "type") == "ClusterIP" {
        for (index, _) in list.iter().enumerate().filter(|(_, port)| number(port, "nodePort") != 0) {
            report.forbidden(&at.index(index).child("nodePort"), "may not be used when `type` is 'ClusterIP'");
        }
    }
    let twice = |index: usize, field: &str| {
        let key = |port: &Value| (text(port, "protocol").to_owned(), number(port, field));
        list[..index].iter().any(|other| key(other) == key(&list[index]))
    };
    for (index, port) in list.iter().enumerate() {
        let own = number(port, "nodePort");
        if own != 0 && twice(index, "nodePort") {
            report.duplicate(&at.index(index).child("nodePort"), own);
        }
    }
    for (index, port) in list.iter().enumerate().filter(|(index, _)| twice(*index, "port")) {
        let key = serde_json::json!({ "protocol": port["protocol"], "port": port["port"] });
        let shown = internal::printed("ServicePort", &key);
        report.printed(crate::status::FieldErrorType::Duplicate, &at.index(index), &shown, "");
    }
}

fn source_ranges(old: &Value, object: &Value, at: &At<'_>, report: &mut Report) {
    let own = &object["spec"];
    let balanced = text(own, "type") == "LoadBalancer";
    let ranges = texts(own, "loadBalancerSourceRanges");
    if !ranges.is_empty() {
        let at = at.child("LoadBalancerSourceRanges");
        if !balanced {
            report.forbidden(&at, BALANCER_ONLY);
        }
        let held: Vec<&str> = texts(&old["spec"], "loadBalancerSourceRanges").into_iter().map(str::trim).collect();
        for (index, range) in ranges.into_iter().map(str::trim).enumerate().filter(|(_, one)| !held.contains(one)) {
            report.cidr(&at.index(index), range);
        }
    } else if let Some(value) = object["metadata"]["annotations"][RANGES].as_str() {
        let meta = At::root("metadata.annotations");
        let at = meta.key(RANGES);
        if !balanced {
            report.forbidden(&at, BALANCER_ONLY);
        }
        if old["metadata"]["annotations"][RANGES] != value && !value.trim().is_empty() {
            value.trim().split(',').for_each(|range| report.cidr(&at, range.trim()));
        }
    }
}

fn class(own: &Value, at: &At<'_>, report: &mut Report) {
    let Some(class) = own["loadBalancerClass"].as_str() else { return };
    let at = at.child("loadBalancerClass");
    if text(own, "type") == "LoadBalancer" {
        report.qualified_name(&at, class);
    } else {
        report.forbidden(&at, BALANCER_ONLY);
    }
}

fn reachable_from_outside(own: &Value) -> bool {
    matches!(text(own, "type"), "LoadBalancer" | "NodePort")
        || text(own, "type") == "ClusterIP" && !items(own, "externalIPs").is_empty()
}

fn needs_health_check(own: &Value) -> bool {
    text(own, "type") == "LoadBalancer" && text(own, "externalTrafficPolicy") == "Local"
}

fn traffic(own: &Value, at: &At<'_>, report: &mut Report) {
    let (policy_at, policy) = (at.child("externalTrafficPolicy"), &own["externalTrafficPolicy"]);
    if reachable_from_outside(own) {
        report.required_one_of(&policy_at, policy, &TRAFFIC);
    } else if !text(own, "externalTrafficPolicy").is_empty() {
        report.invalid(&policy_at, policy.clone(), "may only be set for externally-accessible services");
    }
    let (port_at, port) = (at.child("healthCheckNodePort"), number(own, "healthCheckNodePort"));
    if needs_health_check(own) {
        if port == 0 {
            report.required(&port_at, "");
        } else {
            report.port(&port_at, port);
        }
    } else if port != 0 {
        let words = "may only be set when `type` is 'LoadBalancer' and `externalTrafficPolicy` is 'Local'";
        report.invalid(&port_at, port, words);
    }
    let inside = at.child("internalTrafficPolicy");
    match given(own, "internalTrafficPolicy") {
        Some(policy) => report.one_of(&inside, policy, &TRAFFIC),
        None if matches!(text(own, "type"), "NodePort" | "LoadBalancer" | "ClusterIP") => report.required(&inside, ""),
        None => {}
    }
    report.one_of(&at.child("trafficDistribution"), &own["trafficDistribution"], &DISTRIBUTIONS);
}

pub(super) fn update(old: &Value, new: &Value, report: &mut Report) {
    let (before, after, at) = (&old["spec"], &new["spec"], At::root("spec"));
    service_ips::update(before, after, &at, report);
    let balanced = |own: &Value| text(own, "type") == "LoadBalancer";
    if balanced(before) && balanced(after) && before["loadBalancerClass"] != after["loadBalancerClass"] {
        let shown = after["loadBalancerClass"].clone();
        report.invalid(&at.child("loadBalancerClass"), shown, "may not change once set");
    }
    class(after, &at, report);
    let ports = (number(before, "healthCheckNodePort"), number(after, "healthCheckNodePort"));
    if needs_health_check(before) && needs_health_check(after) && ports.0 != ports.1 {
        report.forbidden(&at.child("healthCheckNodePort"), "field is immutable");
    }
    check(old, new, report);
}

/// Where a balancer says that a service, or an ingress, can be reached.
pub(super) fn balancer_status(object: &Value, of_service: bool, report: &mut Report) {
    let list = At::root("status.loadBalancer.ingress");
    let all = items(&object["status"]["loadBalancer"], "ingress");
    if of_service && text(&object["spec"], "type") != "LoadBalancer" && !all.is_empty() {
        return report.forbidden(&list, "may only be used when `spec.type` is 'LoadBalancer'");
    }
    for (index, one) in all.iter().enumerate() {
        let (at, address, host) = (list.index(index), text(one, "ip"), text(one, "hostname"));
        if !address.is_empty() {
            report.ip(&at.child("ip"), address);
        }
        if of_service {
            let mode_at = at.child("ipMode");
            match (given(one, "ipMode"), address.is_empty()) {
                (None, false) => report.required(&mode_at, "must be specified when `ip` is set"),
                (None, true) => {}
                (Some(_), true) => report.forbidden(&mode_at, "may not be specified when `ip` is not set"),
                (Some(mode), false) => report.one_of(&mode_at, mode, &["Proxy", "VIP"]),
            }
        }
        if !host.is_empty() {
            report.dns_subdomain(&at.child("hostname"), host);
            if parse_ip(host).is_some() {
                report.invalid(&at.child("hostname"), host, "must be a DNS name, not an IP address");
            }
        }
    }
}
