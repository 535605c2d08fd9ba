//! Nobody may grant what he does not have.

use std::sync::Arc;

use serde_json::Value;

use super::decide;
use super::rbac::{Attributes, Rule};
use crate::Identity;
use crate::object::{list_at, name, namespace, text_at};
use crate::resources::Resource;
use crate::server::Shared;
use crate::status::{ApiError, go_quote};

/// Checks a new or changed role or binding.
pub(crate) async fn check(
    shared: &Arc<Shared>,
    identity: &Identity,
    resource: &Resource,
    old: Option<&Value>,
    new: &Value,
) -> Result<(), ApiError> {
    if identity.is_master() || resource.group != "rbac.authorization.k8s.io" {
        return Ok(());
    }
    let space = namespace(new);
    let binds = resource.plural.ends_with("bindings");
    let unchanged = old.is_some_and(|old| {
        if binds {
            old.get("roleRef") == new.get("roleRef") && old.get("subjects") == new.get("subjects")
        } else {
            old.get("rules") == new.get("rules") && old.get("aggregationRule") == new.get("aggregationRule")
        }
    });
    if unchanged {
        return Ok(());
    }
    let (verb, subject) = if binds {
        let kind = if text_at(new, "/roleRef/kind") == "ClusterRole" { "clusterroles" } else { "roles" };
        ("bind", (kind, text_at(new, "/roleRef/name")))
    } else {
        ("escalate", (resource.plural.as_str(), name(new)))
    };
    let attributes = Attributes {
        verb: verb.into(),
        group: resource.group.clone(),
        resource: subject.0.into(),
        namespace: space.into(),
        name: subject.1.into(),
        ..Attributes::default()
    };
    if decide(shared, identity, &attributes).await.allowed {
        return Ok(());
    }
    let rules = shared.rules().await;
    let wanted: Vec<Rule> = if binds {
        match rules.role(text_at(new, "/roleRef/kind"), space, text_at(new, "/roleRef/name")) {
            Ok(wanted) => wanted.to_vec(),
            Err(_) => {
                return Err(ApiError::not_found(&resource.group, subject.0, subject.1));
            }
        }
    } else {
        list_at(new, "/rules").iter().map(Rule::read).collect()
    };
    let held = rules.rules_for(identity, space);
    let missing: Vec<Rule> =
        wanted.iter().flat_map(split).filter(|rule| !held.iter().any(|own| covers(own, rule))).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let groups: Vec<String> = identity.groups.iter().map(|group| go_quote(group)).collect();
    let lines: Vec<String> = compact(missing).iter().map(words).collect();
    let text = format!(
        "user {} (groups=[{}]) is attempting to grant RBAC permissions not currently held:\n{}",
        go_quote(&identity.name),
        groups.join(" "),
        lines.join("\n")
    );
    Err(ApiError::forbidden(&resource.group, &resource.plural, name(new), &text))
}

/// One rule per verb, group, resource and name.
fn split(rule: &Rule) -> Vec<Rule> {
    let mut out = Vec::new();
    for verb in &rule.verbs {
        for group in &rule.groups {
            for resource in &rule.resources {
                let one = Rule {
                    verbs: vec![verb.clone()],
                    groups: vec![group.clone()],
                    resources: vec![resource.clone()],
                    ..Rule::default()
                };
                if rule.names.is_empty() {
                    out.push(one);
                } else {
                    out.extend(rule.names.iter().map(|name| Rule { names: vec![name.clone()], ..one.clone() }));
                }
            }
        }
        out.extend(rule.urls.iter().map(|url| Rule {
            verbs: vec![verb.clone()],
            urls: vec![url.clone()],
            ..Rule::default()
        }));
    }
    out
}

fn covers(own: &Rule, wanted: &Rule) -> bool {
    let has =
        |list: &[String], wanted: &[String]| wanted.iter().all(|one| list.iter().any(|own| own == "*" || own == one));
    let resources = wanted.resources.iter().all(|one| {
        let subresource = one.split_once('/').map(|(_, sub)| format!("*/{sub}"));
        own.resources.iter().any(|own| own == "*" || own == one || subresource.as_deref() == Some(own.as_str()))
    });
    let names =
        own.names.is_empty() || !wanted.names.is_empty() && wanted.names.iter().all(|one| own.names.contains(one));
    let urls = wanted.urls.iter().all(|one| {
        own.urls
            .iter()
            .any(|own| own == "*" || own == one || own.strip_suffix('*').is_some_and(|prefix| one.starts_with(prefix)))
    });
    has(&own.verbs, &wanted.verbs) && has(&own.groups, &wanted.groups) && resources && names && urls
}

/// Joins rules that differ in their verbs only.
fn compact(rules: Vec<Rule>) -> Vec<Rule> {
    let mut out: Vec<Rule> = Vec::new();
    for rule in rules {
        let same = |other: &&mut Rule| {
            other.groups == rule.groups
                && other.resources == rule.resources
                && other.names == rule.names
                && other.urls == rule.urls
        };
        match out.iter_mut().find(same) {
            Some(other) => other
                .verbs
                .extend(rule.verbs.iter().filter(|verb| !other.verbs.contains(verb)).cloned().collect::<Vec<_>>()),
            None => out.push(rule),
        }
    }
    out.sort_by_key(words);
    out
}

/// Upstream's compact form of a rule.
fn words(rule: &Rule) -> String {
    let list =
        |items: &[String]| format!("[{}]", items.iter().map(|item| go_quote(item)).collect::<Vec<_>>().join(" "));
    let mut parts = Vec::new();
    for (title, items) in [
        ("APIGroups", &rule.groups),
        ("Resources", &rule.resources),
        ("NonResourceURLs", &rule.urls),
        ("ResourceNames", &rule.names),
        ("Verbs", &rule.verbs),
    ] {
        if !items.is_empty() {
            parts.push(format!("{title}:{}", list(items)));
        }
    }
    format!("{{{}}}", parts.join(", "))
}
