//! Kinds that describe the cluster: namespaces, nodes, endpoints, leases, runtime classes.

use serde_json::{Value, json};

use super::amounts::{self, Owner};
use super::at::At;
use super::containers::PROTOCOLS;
use super::formats::parse_ip;
use super::report::{Report, given, items, text, texts};
use super::services::endpoint_ip;
use super::{internal, pod};
use crate::names;
use crate::status::{FieldErrorType, go_json};

const ADDRESSES_MAX: usize = 100;
const ENDPOINTS_MAX: usize = 1_000;
const PORTS_MAX: usize = 20_000;

pub(super) fn namespace(object: &Value, report: &mut Report) {
    let at = At::root("spec.finalizers");
    for finalizer in texts(&object["spec"], "finalizers") {
        report.qualified_name(&at, finalizer);
        if !finalizer.contains('/') && !matches!(finalizer, "kubernetes" | "orphan" | "foregroundDeletion") {
            let words = "name is neither a standard finalizer name nor is it fully qualified";
            report.invalid(&at, finalizer, words);
        }
    }
}

pub(super) fn lease(object: &Value, report: &mut Report) {
    let (own, at) = (&object["spec"], At::root("spec"));
    if let Some(seconds) = own["leaseDurationSeconds"].as_i64().filter(|seconds| *seconds <= 0) {
        report.invalid(&at.child("leaseDurationSeconds"), seconds, "must be greater than 0");
    }
    report.non_negative(&at.child("leaseTransitions"), &own["leaseTransitions"]);
    let strategy = text(own, "strategy");
    if let Some(given) = given(own, "strategy") {
        let strategy_at = at.child("strategy");
        let at = strategy_at.child("strategy");
        if strategy.contains('/') {
            report.qualified_name(&at, strategy);
        } else {
            report.one_of(&at, given, &["OldestEmulationVersion"]);
        }
    }
    if !text(own, "preferredHolder").is_empty() && strategy.is_empty() {
        report.forbidden(&at.child("preferredHolder"), "may only be specified if `strategy` is defined");
    }
}

pub(super) fn runtime_class(object: &Value, report: &mut Report) {
    match text(object, "handler") {
        "" => report.required(&At::root("handler"), ""),
        handler => report.dns_label(&At::root("handler"), handler),
    }
    if let Some(overhead) = given(object, "overhead") {
        let limits = json!({ "limits": overhead["podFixed"] });
        amounts::requirements(Owner::Container, &limits, &[], &At::root("overhead"), report);
    }
    if let Some(scheduling) = given(object, "scheduling") {
        let at = At::root("scheduling");
        report.labels(&at.child("nodeSelector"), &scheduling["nodeSelector"]);
        pod::tolerations(scheduling, &at.child("tolerations"), report);
        let list = items(scheduling, "tolerations");
        let key = |own: &Value| ["key", "operator", "value", "effect"].map(|field| text(own, field).to_owned());
        for (index, own) in list.iter().enumerate() {
            if list[..index].iter().any(|other| key(other) == key(own)) {
                let tolerations = at.child("tolerations");
                let shown = internal::printed("Toleration", own);
                report.printed(FieldErrorType::Duplicate, &tolerations.index(index), &shown, "");
            }
        }
    }
}

pub(super) fn node(object: &Value, report: &mut Report) {
    let meta = At::root("metadata");
    let at = meta.child("taints");
    let taints = items(&object["spec"], "taints");
    for (index, taint) in taints.iter().enumerate() {
        let (at, value, effect) = (at.index(index), text(taint, "value"), text(taint, "effect"));
        report.qualified_name(&at.child("key"), text(taint, "key"));
        let wrong = names::label_value(value);
        if !wrong.is_empty() {
            report.invalid(&at.child("value"), value, wrong.join(";"));
        }
        let effects = ["NoSchedule", "PreferNoSchedule", "NoExecute"];
        report.required_one_of(&at.child("effect"), &taint["effect"], &effects);
        let same = |other: &Value| text(other, "effect") == effect && text(other, "key") == text(taint, "key");
        if taints[..index].iter().any(same) {
            let shown = format!(
                "{{\"Key\":{},\"Value\":{},\"Effect\":{},\"TimeAdded\":{}}}",
                go_json(&text(taint, "key").into()),
                go_json(&value.into()),
                go_json(&effect.into()),
                go_json(&taint["timeAdded"])
            );
            let words = "taints must be unique by key and effect pair";
            report.printed(FieldErrorType::Duplicate, &at, &shown, words);
        }
    }
    for (index, cidr) in texts(&object["spec"], "podCIDRs").into_iter().enumerate() {
        report.cidr(&At::root("spec.podCIDRs").index(index), cidr);
    }
}

pub(super) fn endpoints(object: &Value, report: &mut Report) {
    let subsets = At::root("subsets");
    for (index, subset) in items(object, "subsets").iter().enumerate() {
        let at = subsets.index(index);
        let lists = ["addresses", "notReadyAddresses"];
        if lists.iter().all(|list| items(subset, list).is_empty()) {
            report.required(&at, "must specify `addresses` or `notReadyAddresses`");
        }
        for list in lists {
            for (index, address) in items(subset, list).iter().enumerate() {
                let list = at.child(list);
                endpoint_address(address, &list.index(index), report);
            }
        }
        let ports = items(subset, "ports");
        for (index, port) in ports.iter().enumerate() {
            let list = at.child("ports");
            endpoint_port(port, ports.len() > 1, &list.index(index), report);
        }
    }
}

fn endpoint_address(own: &Value, at: &At<'_>, report: &mut Report) {
    let (address, host) = (text(own, "ip"), text(own, "hostname"));
    report.ip(&at.child("ip"), address);
    if !host.is_empty() {
        report.dns_label(&at.child("hostname"), host);
    }
    if let Some(node) = own["nodeName"].as_str() {
        report.dns_subdomain(&at.child("nodeName"), node);
    }
    endpoint_ip(address, &at.child("ip"), report);
}

fn endpoint_port(own: &Value, named: bool, at: &At<'_>, report: &mut Report) {
    match text(own, "name") {
        "" if named => report.required(&at.child("name"), ""),
        "" => {}
        name => report.dns_label(&at.child("name"), name),
    }
    report.port(&at.child("port"), own["port"].as_i64().unwrap_or(0));
    report.required_one_of(&at.child("protocol"), &own["protocol"], &PROTOCOLS);
    if let Some(protocol) = own["appProtocol"].as_str() {
        report.qualified_name(&at.child("appProtocol"), protocol);
    }
}

/// A slice of endpoints; `old` is null when it is new.
pub(super) fn slice(old: &Value, object: &Value, report: &mut Report) {
    let kind = text(object, "addressType");
    report.required_one_of(&At::root("addressType"), &object["addressType"], &["FQDN", "IPv4", "IPv6"]);
    let (ports, at) = (items(object, "ports"), At::root("ports"));
    if ports.len() > PORTS_MAX {
        report.too_many(&at, ports.len(), PORTS_MAX);
    }
    for (index, port) in ports.iter().enumerate().take(PORTS_MAX) {
        let (at, name) = (at.index(index), text(port, "name"));
        if !name.is_empty() {
            report.dns_label(&at.child("name"), name);
        }
        if ports[..index].iter().any(|other| text(other, "name") == name) {
            report.duplicate(&at.child("name"), name);
        }
        match given(port, "protocol") {
            None => report.required(&at.child("protocol"), ""),
            Some(own) => report.one_of(&at.child("protocol"), own, &PROTOCOLS),
        }
        if let Some(protocol) = port["appProtocol"].as_str() {
            report.qualified_name(&at.child("appProtocol"), protocol);
        }
    }
    if old["endpoints"] != object["endpoints"] {
        slice_endpoints(kind, items(object, "endpoints"), report);
    }
}

fn slice_endpoints(kind: &str, list: &[Value], report: &mut Report) {
    let at = At::root("endpoints");
    if list.len() > ENDPOINTS_MAX {
        return report.too_many(&at, list.len(), ENDPOINTS_MAX);
    }
    for (index, endpoint) in list.iter().enumerate() {
        let at = at.index(index);
        let (addresses, addresses_at) = (texts(endpoint, "addresses"), at.child("addresses"));
        if addresses.is_empty() {
            report.required(&addresses_at, "must contain at least 1 address");
        } else if addresses.len() > ADDRESSES_MAX {
            report.too_many(&addresses_at, addresses.len(), ADDRESSES_MAX);
        }
        for (index, address) in addresses.into_iter().enumerate() {
            let at = addresses_at.index(index);
            match (kind, parse_ip(address)) {
                ("IPv4" | "IPv6", None) => report.ip(&at, address),
                ("IPv4" | "IPv6", Some(own)) => {
                    if own.is_ipv4() != (kind == "IPv4") {
                        report.invalid(&addresses_at, address, format!("must be an {kind} address"));
                    }
                    endpoint_ip(address, &at, report);
                }
                ("FQDN", _) => domain(address, &at, report),
                _ => {}
            }
        }
        if let Some(node) = endpoint["nodeName"].as_str() {
            report.dns_subdomain(&at.child("nodeName"), node);
        }
        report.labels(&at.child("deprecatedTopology"), &endpoint["deprecatedTopology"]);
        if let Some(host) = endpoint["hostname"].as_str() {
            report.dns_label(&at.child("hostname"), host);
        }
    }
}

/// A whole domain name.
fn domain(name: &str, at: &At<'_>, report: &mut Report) {
    if name.is_empty() {
        return report.required(at, "");
    }
    let name = name.strip_suffix('.').unwrap_or(name);
    let wrong = names::dns_subdomain(name);
    if !wrong.is_empty() {
        report.invalid(at, name, wrong.join(","));
    } else if name.split('.').count() < 2 {
        report.invalid(at, name, "should be a domain with at least two segments separated by dots");
    } else if let Some(label) = name.split('.').find(|label| !names::dns_label(label).is_empty()) {
        report.invalid(at, label, names::dns_label(label).join(","));
    }
}
