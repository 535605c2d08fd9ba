//! Webhooks of admission.

use serde_json::Value;

use super::at::At;
use super::report::{Report, given, items, text, texts};
use super::{expressions, selector};
use crate::names;

const REVIEW_VERSIONS: [&str; 2] = ["v1", "v1beta1"];
const OPERATIONS: [&str; 5] = ["*", "CONNECT", "CREATE", "DELETE", "UPDATE"];
pub(super) const FAILURE_POLICIES: [&str; 2] = ["Fail", "Ignore"];
pub(super) const MATCH_POLICIES: [&str; 2] = ["Equivalent", "Exact"];

pub(super) fn configuration(object: &Value, report: &mut Report) {
    let hooks = At::root("webhooks");
    let mut seen = Vec::new();
    for (index, hook) in items(object, "webhooks").iter().enumerate() {
        let (at, name) = (hooks.index(index), text(hook, "name"));
        self::hook(hook, &at, report);
        review_versions(hook, &at.child("admissionReviewVersions"), report);
        if !name.is_empty() {
            if seen.contains(&name) {
                report.duplicate(&at.child("name"), name);
            } else {
                seen.push(name);
            }
        }
    }
}

fn hook(own: &Value, at: &At<'_>, report: &mut Report) {
    name(text(own, "name"), &at.child("name"), report);
    for (index, rule) in items(own, "rules").iter().enumerate() {
        self::rule(rule, &at.child("rules").index(index), report);
    }
    report.one_of(&at.child("failurePolicy"), &own["failurePolicy"], &FAILURE_POLICIES);
    report.one_of(&at.child("matchPolicy"), &own["matchPolicy"], &MATCH_POLICIES);
    match given(own, "sideEffects") {
        None => report.required(&at.child("sideEffects"), "must specify one of None, NoneOnDryRun"),
        Some(effects) => report.one_of(&at.child("sideEffects"), effects, &["None", "NoneOnDryRun"]),
    }
    if let Some(seconds) = own["timeoutSeconds"].as_i64().filter(|seconds| !(1..=30).contains(seconds)) {
        let words = "the timeout value must be between 1 and 30 seconds";
        report.invalid(&at.child("timeoutSeconds"), seconds, words);
    }
    for field in ["namespaceSelector", "objectSelector"] {
        selector::check(&own[field], &at.child(field), report);
    }
    report.one_of(&at.child("reinvocationPolicy"), &own["reinvocationPolicy"], &["IfNeeded", "Never"]);
    client(&own["clientConfig"], &at.child("clientConfig"), report);
    expressions::conditions(own, &at.child("matchConditions"), report);
}

/// A domain of at least three labels.
fn name(name: &str, at: &At<'_>, report: &mut Report) {
    if name.is_empty() {
        return report.required(at, "");
    }
    let wrong = names::dns_subdomain(name);
    if !wrong.is_empty() {
        report.invalid(at, name, wrong.join(","));
    } else if name.split('.').count() < 3 {
        report.invalid(at, name, "should be a domain with at least three segments separated by dots");
    }
}

fn client(own: &Value, at: &At<'_>, report: &mut Report) {
    match (own["url"].as_str(), given(own, "service")) {
        (Some(url), None) => self::url(url, &at.child("url"), report),
        (None, Some(service)) => self::service(service, &at.child("service"), report),
        _ => report.required(at, "exactly one of url or service is required"),
    }
}

const FORM: &str = "; desired format: https://host[/path]";

fn url(url: &str, at: &At<'_>, report: &mut Report) {
    let (rest, fragment) = url.split_once('#').map_or((url, ""), |(rest, fragment)| (rest, fragment));
    let (rest, query) = rest.split_once('?').map_or((rest, ""), |(rest, query)| (rest, query));
    let (scheme, rest) = rest.split_once(':').filter(|(scheme, _)| is_scheme(scheme)).unwrap_or(("", rest));
    if url.bytes().any(|byte| byte < b' ' || byte == 0x7f) {
        let words = format!("url must be a valid URL: parse {url:?}: net/url: invalid control character in URL{FORM}");
        return report.required(at, &words);
    }
    let authority = rest.strip_prefix("//").map_or("", |rest| rest.split('/').next().unwrap_or_default());
    let (user, host) = authority.rsplit_once('@').map_or((None, authority), |(user, host)| (Some(user), host));
    if scheme != "https" {
        report.invalid(at, scheme, format!("'https' is the only allowed URL scheme{FORM}"));
    }
    if host.is_empty() {
        report.invalid(at, "", format!("host must be specified{FORM}"));
    }
    if let Some(user) = user {
        report.invalid(at, user, "user information is not permitted in the URL");
    }
    if !fragment.is_empty() {
        report.invalid(at, fragment, "fragments are not permitted in the URL");
    }
    if !query.is_empty() {
        report.invalid(at, query, "query parameters are not permitted in the URL");
    }
}

fn is_scheme(text: &str) -> bool {
    text.starts_with(|letter: char| letter.is_ascii_alphabetic())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.'))
}

fn service(own: &Value, at: &At<'_>, report: &mut Report) {
    // Upstream passes name and namespace in each other's place.
    for (field, value) in [("name", "namespace"), ("namespace", "name")] {
        if text(own, value).is_empty() {
            report.required(&at.child(field), "");
        }
    }
    let port = own["port"].as_i64().unwrap_or(0);
    if !(1..=65535).contains(&port) {
        report.invalid(&at.child("port"), port, format!("port is not valid: {}", super::formats::PORT_RANGE));
    }
    let Some(path) = own["path"].as_str().filter(|path| !matches!(*path, "" | "/")) else { return };
    let at = at.child("path");
    if path == "//" {
        return report.invalid(&at, path, "segment[0] may not be empty");
    }
    if !path.starts_with('/') {
        report.invalid(&at, path, "must start with a '/'");
    }
    let mut letters = path.chars();
    letters.next();
    let inner = letters.as_str();
    for (index, step) in inner.strip_suffix('/').unwrap_or(inner).split('/').enumerate() {
        if step.is_empty() {
            report.invalid(&at, path, format!("segment[{index}] may not be empty"));
            continue;
        }
        for wrong in names::dns_subdomain(step) {
            report.invalid(&at, path, format!("segment[{index}]: {wrong}"));
        }
    }
}

fn review_versions(hook: &Value, at: &At<'_>, report: &mut Report) {
    let versions = texts(hook, "admissionReviewVersions");
    if versions.is_empty() {
        return report.required(at, "must specify one of v1, v1beta1");
    }
    for (index, version) in versions.iter().enumerate() {
        if versions[..index].contains(version) {
            report.invalid(&at.index(index), *version, "duplicate version");
        } else {
            report.each(&at.index(index), version, names::dns_1035(version));
        }
    }
    if !versions.iter().any(|version| REVIEW_VERSIONS.contains(version)) {
        report.invalid(at, hook["admissionReviewVersions"].clone(), "must include at least one of v1, v1beta1");
    }
}

/// Operations and resources that a rule is about.
pub(super) fn rule(own: &Value, at: &At<'_>, report: &mut Report) {
    let operations = texts(own, "operations");
    let operations_at = at.child("operations");
    if operations.is_empty() {
        report.required(&operations_at, "");
    }
    if operations.len() > 1 && operations.contains(&"*") {
        let words = "if '*' is present, must not specify other operations";
        report.invalid(&operations_at, own["operations"].clone(), words);
    }
    for (index, operation) in operations.into_iter().enumerate() {
        report.one_of(&operations_at.index(index), &operation.into(), &OPERATIONS);
    }
    for (field, what) in [("apiGroups", "API groups"), ("apiVersions", "API versions")] {
        let (list, at) = (texts(own, field), at.child(field));
        if list.is_empty() {
            report.required(&at, "");
        }
        if list.len() > 1 && list.contains(&"*") {
            let words = format!("if '*' is present, must not specify other {what}");
            report.invalid(&at, own[field].clone(), words);
        }
        for (index, _) in list.iter().enumerate().filter(|(_, one)| field == "apiVersions" && one.is_empty()) {
            report.required(&at.index(index), "");
        }
    }
    resources(own, &at.child("resources"), report);
    report.one_of(&at.child("scope"), &own["scope"], &["*", "Cluster", "Namespaced"]);
}

fn resources(own: &Value, at: &At<'_>, report: &mut Report) {
    let list = texts(own, "resources");
    if list.is_empty() {
        report.required(at, "");
    }
    let (mut all_subs, mut all_resources) = (Vec::new(), Vec::new());
    let mut plain = false;
    for (index, one) in list.iter().enumerate() {
        if one.is_empty() {
            report.required(&at.index(index), "");
            continue;
        }
        let Some((resource, sub)) = one.split_once('/') else {
            plain = *one != "*";
            continue;
        };
        if all_subs.contains(&resource) {
            let words = format!("if '{resource}/*' is present, must not specify {one}");
            report.invalid(&at.index(index), *one, words);
        }
        if all_resources.contains(&sub) {
            report.invalid(&at.index(index), *one, format!("if '*/{sub}' is present, must not specify {one}"));
        }
        if sub == "*" {
            all_subs.push(resource);
        }
        if resource == "*" {
            all_resources.push(sub);
        }
    }
    if list.len() > 1 && list.contains(&"*/*") {
        report.invalid(at, own["resources"].clone(), "if '*/*' is present, must not specify other resources");
    }
    if list.contains(&"*") && plain {
        let words = "if '*' is present, must not specify other resources without subresources";
        report.invalid(at, own["resources"].clone(), words);
    }
}
