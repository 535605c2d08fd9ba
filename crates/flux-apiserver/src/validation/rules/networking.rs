//! Ingresses, their classes, network policies, address ranges.

use serde_json::Value;

use super::at::At;
use super::formats::{contains, parse_cidr, parse_ip, port_name, wildcard_host};
use super::report::{IMMUTABLE, Report, given, items, number, text, texts};
use super::selector;
use crate::names;
use crate::status::FieldError;

const PATH_TYPES: [&str; 3] = ["Exact", "ImplementationSpecific", "Prefix"];
const BAD_SEQUENCES: [&str; 5] = ["//", "/./", "/../", "%2f", "%2F"];
const BAD_ENDS: [&str; 2] = ["/..", "/."];
const CLASS_ANNOTATION: &str = "kubernetes.io/ingress.class";
const CONTROLLER_MAX: usize = 250;

pub(super) fn create_ingress(object: &Value, report: &mut Report) {
    ingress(object, report);
    let named = object["spec"]["ingressClassName"].as_str();
    if let (Some(noted), Some(named)) = (object["metadata"]["annotations"][CLASS_ANNOTATION].as_str(), named)
        && noted != named
    {
        let at = At::root("annotations");
        report.invalid(&at.child(CLASS_ANNOTATION), noted, "must match `ingressClassName` when both are specified");
    }
}

pub(super) fn ingress(object: &Value, report: &mut Report) {
    let (own, at) = (&object["spec"], At::root("spec"));
    let rules = items(own, "rules");
    if rules.is_empty() && given(own, "defaultBackend").is_none() {
        report.invalid(&at, own["rules"].clone(), "either `defaultBackend` or `rules` must be specified");
    }
    if let Some(backend) = given(own, "defaultBackend") {
        self::backend(backend, &at.child("defaultBackend"), report);
    }
    for (index, rule) in rules.iter().enumerate() {
        self::rule(rule, &at.child("rules").index(index), report);
    }
    for (index, tls) in items(own, "tls").iter().enumerate() {
        let list = at.child("tls");
        let at = list.index(index);
        for (index, host) in texts(tls, "hosts").into_iter().enumerate() {
            self::host(host, &at.child("hosts").index(index), report);
        }
        let secret = text(tls, "secretName");
        if !secret.is_empty() {
            report.dns_subdomain(&at.child("secretName"), secret);
        }
    }
    if let Some(class) = own["ingressClassName"].as_str() {
        report.dns_subdomain(&at.child("ingressClassName"), class);
    }
}

fn host(host: &str, at: &At<'_>, report: &mut Report) {
    let wrong = if host.contains('*') { wildcard_host(host) } else { names::dns_subdomain(host) };
    report.each(at, host, wrong);
}

fn rule(own: &Value, at: &At<'_>, report: &mut Report) {
    let host = text(own, "host");
    if !host.is_empty() {
        if parse_ip(host).is_some() {
            report.invalid(&at.child("host"), host, "must be a DNS name, not an IP address");
        }
        self::host(host, &at.child("host"), report);
    }
    let Some(http) = given(own, "http") else { return };
    let http_at = at.child("http");
    let list = http_at.child("paths");
    if items(http, "paths").is_empty() {
        report.required(&list, "");
    }
    for (index, path) in items(http, "paths").iter().enumerate() {
        self::path(path, &list.index(index), report);
    }
}

fn path(own: &Value, at: &At<'_>, report: &mut Report) {
    let Some(kind) = given(own, "pathType") else {
        return report.required(&at.child("pathType"), "pathType must be specified");
    };
    let (path, path_at) = (text(own, "path"), at.child("path"));
    let relative = !path.starts_with('/');
    match kind.as_str().unwrap_or_default() {
        "Exact" | "Prefix" => {
            if relative {
                report.invalid(&path_at, path, "must be an absolute path");
            }
            for bad in BAD_SEQUENCES.into_iter().filter(|bad| path.contains(bad)) {
                report.invalid(&path_at, path, format!("must not contain '{bad}'"));
            }
            for bad in BAD_ENDS.into_iter().filter(|bad| path.ends_with(bad)) {
                report.invalid(&path_at, path, format!("cannot end with '{bad}'"));
            }
        }
        "ImplementationSpecific" if !path.is_empty() && relative => {
            report.invalid(&path_at, path, "must be an absolute path");
        }
        "ImplementationSpecific" => {}
        other => report.not_supported(&at.child("pathType"), other, &PATH_TYPES),
    }
    backend(&own["backend"], &at.child("backend"), report);
}

fn backend(own: &Value, at: &At<'_>, report: &mut Report) {
    match (given(own, "resource"), given(own, "service")) {
        (Some(_), Some(_)) => report.invalid(at, "", "cannot set both resource and service backends"),
        (None, None) => report.invalid(at, "", "resource or service backend is required"),
        (Some(resource), None) => reference(resource, &at.child("resource"), report),
        (None, Some(service)) => {
            let service_at = at.child("service");
            match text(service, "name") {
                "" => report.required(&service_at.child("name"), ""),
                name => report.dns_label(&service_at.child("name"), name),
            }
            let (port, port_at) = (&service["port"], service_at.child("port"));
            match (text(port, "name"), number(port, "number")) {
                ("", 0) => report.required(at, "port name or number is required"),
                ("", own) => report.port(&port_at.child("number"), own),
                (name, 0) => report.each(&port_at.child("name"), name, port_name(name)),
                _ => report.invalid(at, "", "cannot set both port name & port number"),
            }
        }
    }
}

/// Group, kind and name of another object.
fn reference(own: &Value, at: &At<'_>, report: &mut Report) {
    if let Some(group) = own["apiGroup"].as_str() {
        report.dns_subdomain(&at.child("apiGroup"), group);
    }
    for field in ["kind", "name"] {
        match text(own, field) {
            "" => report.required(&at.child(field), ""),
            name => report.each(&at.child(field), name, names::path_segment(name)),
        }
    }
}

pub(super) fn class(object: &Value, report: &mut Report) {
    let (own, at) = (&object["spec"], At::root("spec"));
    let controller = text(own, "controller");
    if controller.len() > CONTROLLER_MAX {
        report.too_long(&at.child("controller"), CONTROLLER_MAX);
    }
    report.domain_prefixed_path(&at.child("controller"), controller);
    let Some(parameters) = given(own, "parameters") else { return };
    let at = at.child("parameters");
    reference(parameters, &at, report);
    let (scope, space) = (parameters["scope"].as_str(), parameters["namespace"].as_str());
    match (scope, space) {
        (None, _) => report.required(&at.child("scope"), ""),
        (Some("Namespace"), None) => {
            report.required(&at.child("namespace"), "`parameters.scope` is set to 'Namespace'");
        }
        (Some("Namespace"), Some(space)) => report.dns_label(&at.child("namespace"), space),
        (Some("Cluster"), Some(_)) => {
            report.forbidden(&at.child("namespace"), "`parameters.scope` is set to 'Cluster'");
        }
        (Some("Cluster"), None) => {}
        (Some(other), _) => report.not_supported(&at.child("scope"), other, &["Cluster", "Namespace"]),
    }
}

pub(super) fn update_class(old: &Value, new: &Value, report: &mut Report) {
    let at = At::root("spec.controller");
    report.immutable(&at, &old["spec"]["controller"], &new["spec"]["controller"]);
    class(new, report);
}

/// A network policy; `old` is null when it is new.
pub(super) fn policy(old: &Value, object: &Value, report: &mut Report) {
    let (own, at) = (&object["spec"], At::root("spec"));
    let held = networks(&old["spec"]);
    selector::check(&own["podSelector"], &at.child("podSelector"), report);
    for (list, peers) in [("ingress", "from"), ("egress", "to")] {
        for (index, rule) in items(own, list).iter().enumerate() {
            let rules = at.child(list);
            let at = rules.index(index);
            for (index, port) in items(rule, "ports").iter().enumerate() {
                policy_port(port, &at.child("ports").index(index), report);
            }
            for (index, one) in items(rule, peers).iter().enumerate() {
                peer(one, &held, &at.child(peers).index(index), report);
            }
        }
    }
    let (kinds, kinds_at) = (texts(own, "policyTypes"), at.child("policyTypes"));
    if kinds.len() > 2 {
        return report.invalid(&kinds_at, own["policyTypes"].clone(), "may not specify more than two policyTypes");
    }
    for (index, kind) in kinds.into_iter().enumerate() {
        report.one_of(&kinds_at.index(index), &kind.into(), &["Ingress", "Egress"]);
    }
}

/// Networks that a policy names already; they stay allowed.
fn networks(own: &Value) -> Vec<&str> {
    let mut out = Vec::new();
    for (list, peers) in [("ingress", "from"), ("egress", "to")] {
        for block in items(own, list).iter().flat_map(|rule| items(rule, peers)).map(|peer| &peer["ipBlock"]) {
            out.push(text(block, "cidr"));
            out.extend(texts(block, "except"));
        }
    }
    out
}

fn policy_port(own: &Value, at: &At<'_>, report: &mut Report) {
    report.one_of(&at.child("protocol"), &own["protocol"], &["TCP", "UDP", "SCTP"]);
    let (port_at, end_at) = (at.child("port"), at.child("endPort"));
    let end = own["endPort"].as_i64();
    match given(own, "port") {
        Some(Value::String(name)) => {
            if let Some(end) = end {
                report.invalid(&end_at, end, "may not be specified when `port` is non-numeric");
            }
            report.each(&port_at, name, port_name(name));
        }
        Some(port) => {
            let port = port.as_i64().unwrap_or(0);
            report.port(&port_at, port);
            if let Some(end) = end {
                if end < port {
                    report.invalid(&end_at, port, "must be greater than or equal to `port`");
                }
                report.port(&end_at, end);
            }
        }
        None => {
            if let Some(end) = end {
                report.invalid(&end_at, end, "may not be specified when `port` is not specified");
            }
        }
    }
}

fn peer(own: &Value, held: &[&str], at: &At<'_>, report: &mut Report) {
    let mut count = 0;
    for field in ["podSelector", "namespaceSelector"] {
        if let Some(picking) = given(own, field) {
            count += 1;
            selector::check(picking, &at.child(field), report);
        }
    }
    if let Some(block) = given(own, "ipBlock") {
        ip_block(block, held, &at.child("ipBlock"), report);
        if count > 0 {
            report.forbidden(at, "may not specify both ipBlock and another peer");
        }
    } else if count == 0 {
        report.required(at, "must specify a peer");
    }
}

fn ip_block(own: &Value, held: &[&str], at: &At<'_>, report: &mut Report) {
    let cidr = text(own, "cidr");
    if cidr.is_empty() {
        return report.required(&at.child("cidr"), "");
    }
    if !held.contains(&cidr) {
        report.cidr(&at.child("cidr"), cidr);
    }
    let Some(network) = parse_cidr(cidr) else { return };
    for (index, except) in texts(own, "except").into_iter().enumerate() {
        let list = at.child("except");
        let at = list.index(index);
        if !held.contains(&except) {
            report.cidr(&at, except);
        }
        let within = |(address, length)| contains(network, address) && length > network.1;
        if parse_cidr(except).is_some_and(|except| !within(except)) {
            report.invalid(&at, except, "must be a strict subset of `cidr`");
        }
    }
}

pub(super) fn service_cidr(object: &Value, report: &mut Report) {
    let (own, spec) = (texts(&object["spec"], "cidrs"), At::root("spec"));
    let at = spec.child("cidrs");
    if own.is_empty() {
        return report.required(&at, "at least one CIDR required");
    }
    if own.len() > 2 {
        let shown = super::internal::printed("ServiceCIDRSpec", &object["spec"]);
        return report.invalid_printed(&at, &shown, "may only hold up to 2 values");
    }
    for (index, cidr) in own.iter().enumerate() {
        report.cidr(&at.index(index), cidr);
    }
    let family = |cidr: &&str| parse_cidr(cidr).map(|(address, _)| address.is_ipv4());
    if let [first, second] = own.as_slice()
        && family(first).is_some()
        && family(first) == family(second)
    {
        let words = "may specify no more than one IP for each IP family, i.e 192.168.0.0/24 and 2001:db8::/64";
        report.invalid(&at, object["spec"]["cidrs"].clone(), words);
    }
}

pub(super) fn update_service_cidr(old: &Value, new: &Value, report: &mut Report) {
    let (before, after) = (items(&old["spec"], "cidrs"), items(&new["spec"], "cidrs"));
    let at = At::root("spec.cidrs");
    if before.len() == after.len() || before.len() == 1 && after.len() == 2 {
        for (index, (_, new)) in before.iter().zip(after).enumerate().filter(|(_, (old, new))| old != new) {
            report.invalid(&at.index(index), new.clone(), IMMUTABLE);
        }
        if before.len() != after.len() {
            service_cidr(new, report);
        }
    } else {
        report.invalid(&at, new["spec"]["cidrs"].clone(), IMMUTABLE);
    }
}

pub(super) fn ip_address(object: &Value, report: &mut Report) {
    let at = At::root("spec.parentRef");
    let Some(parent) = given(&object["spec"], "parentRef") else { return report.required(&at, "") };
    let group = text(parent, "group");
    if !group.is_empty() {
        report.dns_subdomain(&at.child("group"), group);
    }
    for field in ["resource", "name"] {
        match text(parent, field) {
            "" => report.required(&at.child(field), ""),
            name => report.each(&at.child(field), name, names::path_segment(name)),
        }
    }
    let space = text(parent, "namespace");
    report.errors.extend(
        names::path_segment(space)
            .into_iter()
            .map(|words| FieldError::invalid(at.child("namespace").to_string(), space, words)),
    );
}
