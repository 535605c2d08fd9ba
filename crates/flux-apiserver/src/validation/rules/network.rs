//! A pod's place in the network and on its host.

use serde_json::Value;

use super::at::At;
use super::formats::underscored_subdomain;
use super::pod::{self, Around};
use super::report::{Report, given, is_true, items, number, text, texts};

const NAMESERVERS_MAX: usize = 3;
const SEARCHES_MAX: usize = 32;
const SEARCH_LETTERS_MAX: usize = 2048;
const HOST_NAME_MAX: usize = 64;

/// On the host's network, a port is the same inside and outside.
pub(super) fn host_ports(around: &Around<'_>, at: &At<'_>, report: &mut Report) {
    if !is_true(&around.spec["hostNetwork"]) {
        return;
    }
    for (index, container) in items(around.spec, "containers").iter().enumerate() {
        for (port_index, port) in items(container, "ports").iter().enumerate() {
            let (outside, inside) = (number(port, "hostPort"), number(port, "containerPort"));
            if (around.is_pod || outside != 0) && outside != inside {
                let list = at.child("containers");
                let container = list.index(index);
                let ports = container.child("ports");
                let words = "must match `containerPort` when `hostNetwork` is true";
                report.invalid(&ports.index(port_index).child("hostPort"), outside, words);
            }
        }
    }
}

/// `dnsConfig`.
pub(super) fn resolver(spec: &Value, at: &At<'_>, report: &mut Report) {
    let own = given(spec, "dnsConfig");
    let servers = own.map_or(&[] as &[Value], |own| items(own, "nameservers"));
    if text(spec, "dnsPolicy") == "None" {
        if own.is_none() {
            return report.required(at, "must provide `dnsConfig` when `dnsPolicy` is None");
        }
        if servers.is_empty() {
            let words = "must provide at least one DNS nameserver when `dnsPolicy` is None";
            return report.required(&at.child("nameservers"), words);
        }
    }
    let Some(own) = own else { return };
    if servers.len() > NAMESERVERS_MAX {
        let words = format!("must not have more than {NAMESERVERS_MAX} nameservers");
        report.invalid(&at.child("nameservers"), own["nameservers"].clone(), words);
    }
    for (index, server) in texts(own, "nameservers").into_iter().enumerate() {
        report.ip(&at.child("nameservers").index(index), server);
    }
    let searches = texts(own, "searches");
    let searches_at = at.child("searches");
    if searches.len() > SEARCHES_MAX {
        let words = format!("must not have more than {SEARCHES_MAX} search paths");
        report.invalid(&searches_at, own["searches"].clone(), words);
    }
    if searches.join(" ").len() > SEARCH_LETTERS_MAX {
        let words =
            format!("must not have more than {SEARCH_LETTERS_MAX} characters (including spaces) in the search list");
        report.invalid(&searches_at, own["searches"].clone(), words);
    }
    for (index, search) in searches.into_iter().enumerate().filter(|(_, search)| *search != ".") {
        let search = search.strip_suffix('.').unwrap_or(search);
        report.each(&searches_at.index(index), search, underscored_subdomain(search));
    }
    for (index, option) in items(own, "options").iter().enumerate() {
        if text(option, "name").is_empty() {
            report.required(&at.child("options").index(index), "must not be empty");
        }
    }
}

/// A pod with users of its own cannot share its host otherwise.
pub(super) fn host_users(around: &Around<'_>, at: &At<'_>, report: &mut Report) {
    if around.host_users {
        return;
    }
    const WORDS: &str = "when `hostUsers` is false";
    for (field, shown) in [("hostNetwork", "hostNetwork"), ("hostPID", "HostPID"), ("hostIPC", "HostIPC")] {
        if is_true(&around.spec[field]) {
            report.forbidden(&at.child(shown), WORDS);
        }
    }
    pod::visit(around.spec, |list, index, container| {
        if !items(container, "volumeDevices").is_empty() {
            report.forbidden(&at.child(list).index(index).child("volumeDevices"), WORDS);
        }
    });
}

/// `hostnameOverride`.
pub(super) fn host_name(spec: &Value, at: &At<'_>, report: &mut Report) {
    let Some(own) = spec["hostnameOverride"].as_str() else { return };
    let at = at.child("hostnameOverride");
    if is_true(&spec["setHostnameAsFQDN"]) {
        report.forbidden(&at, "may not be specified when setHostnameAsFQDN is true");
    }
    if is_true(&spec["hostNetwork"]) {
        report.forbidden(&at, "may not be specified when hostNetwork is true");
    }
    if own.len() > HOST_NAME_MAX {
        report.too_long(&at, HOST_NAME_MAX);
    }
    report.dns_subdomain(&at, own);
}

pub(super) fn aliases(spec: &Value, at: &At<'_>, report: &mut Report) {
    for (index, alias) in items(spec, "hostAliases").iter().enumerate() {
        let at = at.index(index);
        report.ip(&at.child("ip"), text(alias, "ip"));
        for (index, name) in texts(alias, "hostnames").into_iter().enumerate() {
            report.dns_subdomain(&at.child("hostnames").index(index), name);
        }
    }
}
