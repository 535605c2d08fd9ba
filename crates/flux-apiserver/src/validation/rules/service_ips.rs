//! Cluster addresses of services.

use serde_json::Value;

use super::at::At;
use super::formats::parse_ip;
use super::report::{Report, items, text, texts};
use super::services::is_headless;

const SET: &str = "may not change once set";
const POLICIES: [&str; 3] = ["PreferDualStack", "RequireDualStack", "SingleStack"];

fn is_v6(address: &str) -> bool {
    parse_ip(address).is_some_and(|address| address.is_ipv6())
}

pub(super) fn check(before: &Value, own: &Value, at: &At<'_>, report: &mut Report) {
    if text(own, "type") == "ExternalName" {
        return;
    }
    let (first, all) = (text(own, "clusterIP"), texts(own, "clusterIPs"));
    let at_all = at.child("clusterIPs");
    let shown = || own["clusterIPs"].clone();
    match (first.is_empty(), all.first()) {
        (false, None) => report.required(&at_all, ""),
        (false, Some(held)) if *held != first => report.invalid(&at_all, shown(), "first value must match `clusterIP`"),
        (true, Some(_)) => report.invalid(&at_all, shown(), "must be empty when `clusterIP` is not specified"),
        _ => {}
    }
    families(own, at, report);
    let held = texts(before, "clusterIPs");
    let mut wrong = false;
    for (index, address) in all.iter().enumerate() {
        if index == 0 && *address == "None" {
            if all.len() > 1 {
                wrong = true;
                report.invalid(&at_all, shown(), "'None' must be the first and only value");
            }
        } else if !held.contains(address) {
            wrong |= parse_ip(address).is_none();
            report.ip(&at_all.index(index), address);
        }
    }
    if all.len() > 2 {
        report.invalid(&at_all, shown(), "may only hold up to 2 values");
    }
    if wrong {
        return;
    }
    if all.len() > 1 && all.iter().any(|one| is_v6(one)) == all.iter().all(|one| is_v6(one)) {
        report.invalid(&at_all, shown(), "may specify no more than one IP for each IP family");
    }
    if is_headless(own) {
        return;
    }
    for (index, (address, family)) in all.iter().zip(texts(own, "ipFamilies")).enumerate() {
        if family == "IPv4" && is_v6(address) || family == "IPv6" && !is_v6(address) {
            let words = format!("expected an {family} value as indicated by `ipFamilies[{index}]`");
            report.invalid(&at_all.index(index), *address, words);
        }
    }
}

fn families(own: &Value, at: &At<'_>, report: &mut Report) {
    let all = texts(own, "ipFamilies");
    let list = at.child("ipFamilies");
    for (index, family) in all.iter().enumerate() {
        report.one_of(&list.index(index), &(*family).into(), &["IPv4", "IPv6"]);
        if all[..index].contains(family) {
            report.duplicate(&list.index(index), *family);
        }
    }
    report.one_of(&at.child("ipFamilyPolicy"), &own["ipFamilyPolicy"], &POLICIES);
}

/// Addresses and families stay, but for a second one that comes or goes.
pub(super) fn update(before: &Value, after: &Value, at: &At<'_>, report: &mut Report) {
    if [before, after].iter().any(|own| text(own, "type") == "ExternalName") {
        return;
    }
    let (was, is) = (is_headless(before), is_headless(after));
    if !(was && is) {
        stays(before, after, "clusterIPs", "clusterIP", at, report);
    }
    if !was && !is {
        stays(before, after, "ipFamilies", "ipFamily", at, report);
    }
}

fn stays(before: &Value, after: &Value, field: &str, one: &str, at: &At<'_>, report: &mut Report) {
    let (old, new, list) = (items(before, field), items(after, field), at.child(field));
    let shown = || after[field].clone();
    if old.len() == new.len() {
        for index in (0..old.len()).filter(|index| old[*index] != new[*index]) {
            // Families are always reported at the first.
            let index = if field == "ipFamilies" { 0 } else { index };
            report.invalid(&list.index(index), shown(), SET);
        }
        return;
    }
    if old.len() > new.len() && items(after, "clusterIPs").is_empty() {
        report.invalid(&list.index(0), shown(), format!("primary {one} can not be unset"));
    }
    if let (Some(old), Some(new)) = (old.first(), new.first())
        && old != new
    {
        report.invalid(&list.index(0), after["clusterIPs"].clone(), SET);
    }
    if old.len() > new.len() && new.len() == 1 && text(after, "ipFamilyPolicy") != "SingleStack" {
        let words = format!("must be set to 'SingleStack' when releasing the secondary {one}");
        report.invalid(&at.child("ipFamilyPolicy"), after["ipFamilyPolicy"].clone(), words);
    }
}
