//! What is served, in both forms of discovery.

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};

use base64::Engine as _;
use flux_schema::Subresource;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::reply::Reply;
use crate::request::Ask;
use crate::resources::{Index, Resource, built_ins};
use crate::server::Shared;
use crate::status::ApiError;

const AGGREGATED: &str = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList";

/// Built-in groups and their versions, in upstream's order.
static GROUPS: LazyLock<Vec<(String, Vec<String>)>> = LazyLock::new(|| {
    let bytes = flux_schema::discovery_document("apis").expect("the document is embedded");
    let document: Value = serde_json::from_slice(bytes).expect("the document is well-formed");
    let groups = document["groups"].as_array().into_iter().flatten().map(|group| {
        let versions = group["versions"].as_array().into_iter().flatten();
        let versions = versions.map(|version| version["version"].as_str().unwrap_or("").to_owned());
        (group["name"].as_str().unwrap_or("").to_owned(), versions.collect())
    });
    groups.collect()
});

/// One group with the resources of each version.
struct Group {
    name: String,
    versions: Vec<(String, Vec<Arc<Resource>>)>,
}

fn groups(index: &Index) -> Vec<Group> {
    let mut out: Vec<Group> = GROUPS
        .iter()
        .map(|(name, versions)| {
            let of = |version: &String| {
                let list =
                    built_ins().iter().filter(|resource| resource.group == *name && resource.version == *version);
                (version.clone(), list.cloned().collect())
            };
            Group { name: name.clone(), versions: versions.iter().map(of).collect() }
        })
        .collect();
    for (name, resources) in &index.custom {
        let mut versions: BTreeMap<String, Vec<Arc<Resource>>> = BTreeMap::new();
        for resource in resources {
            versions.entry(resource.version.clone()).or_default().push(resource.clone());
        }
        let mut versions: Vec<_> = versions.into_iter().collect();
        versions.sort_by(|a, b| crate::crd::compare_versions(&a.0, &b.0));
        for (_, list) in &mut versions {
            list.sort_by(|a, b| a.plural.cmp(&b.plural));
        }
        out.push(Group { name: name.clone(), versions });
    }
    out
}

fn core() -> Group {
    let list = built_ins().iter().filter(|resource| resource.group.is_empty()).cloned().collect();
    Group { name: String::new(), versions: vec![("v1".to_owned(), list)] }
}

impl Shared {
    /// Answers `/api`, `/apis` and what lies below, but for resources.
    pub(crate) fn discovery(&self, ask: &Ask, parts: &[&str]) -> Result<Reply, ApiError> {
        let index = self.registry.current();
        let aggregated = wants_aggregated(ask);
        match parts {
            ["api"] if aggregated => Ok(aggregate(ask, &[core()])),
            ["apis"] if aggregated => Ok(aggregate(ask, &groups(&index))),
            ["api"] => Ok(Reply::json(
                200,
                &json!({
                    "kind": "APIVersions", "versions": ["v1"],
                    "serverAddressByClientCIDRs": [{"clientCIDR": "0.0.0.0/0", "serverAddress": self.address()}],
                }),
            )),
            ["apis"] => {
                let list: Vec<Value> = groups(&index).iter().map(group_entry).collect();
                Ok(Reply::json(200, &json!({"kind": "APIGroupList", "apiVersion": "v1", "groups": list})))
            }
            ["api", "v1"] => Ok(resource_list("", "v1", &core().versions[0].1)),
            ["apis", name] => {
                let all = groups(&index);
                let found = all.iter().find(|group| group.name == *name).ok_or_else(ApiError::page_not_found)?;
                let mut entry = group_entry(found);
                entry["kind"] = "APIGroup".into();
                entry["apiVersion"] = "v1".into();
                Ok(Reply::json(200, &entry))
            }
            ["apis", name, version] => {
                let all = groups(&index);
                let group = all.iter().find(|group| group.name == *name);
                let built_in = GROUPS.iter().any(|(known, _)| known == name);
                let missing = || if built_in { ApiError::no_such_path() } else { ApiError::page_not_found() };
                let found = group
                    .and_then(|group| group.versions.iter().find(|(own, _)| own == version))
                    .ok_or_else(missing)?;
                Ok(resource_list(name, version, &found.1))
            }
            _ => Err(ApiError::no_such_path()),
        }
    }

    fn address(&self) -> String {
        self.config.listen.map_or_else(|| "127.0.0.1:443".to_owned(), |address| address.to_string())
    }
}

fn wants_aggregated(ask: &Ask) -> bool {
    ask.header("accept").split(',').any(|range| {
        let parts: Vec<&str> = range.split(';').map(str::trim).collect();
        parts.first() == Some(&"application/json")
            && parts.contains(&"g=apidiscovery.k8s.io")
            && parts.contains(&"v=v2")
            && parts.contains(&"as=APIGroupDiscoveryList")
            && !parts.iter().any(|part| part.starts_with("profile="))
    })
}

fn group_entry(group: &Group) -> Value {
    let versions: Vec<Value> = group
        .versions
        .iter()
        .map(|(version, _)| json!({"groupVersion": format!("{}/{version}", group.name), "version": version}))
        .collect();
    let preferred = versions.first().cloned().unwrap_or(Value::Null);
    json!({"name": group.name, "versions": versions, "preferredVersion": preferred})
}

fn storage_hash(resource: &Resource) -> String {
    let (group, version) = crate::object::split_api_version(&resource.stored_as);
    let group = if resource.plural == "events" { resource.group.as_str() } else { group };
    let digest = Sha256::digest(format!("{group}/{version}/{}", resource.kind));
    base64::engine::general_purpose::STANDARD.encode(&digest[..8])
}

fn resource_list(group: &str, version: &str, resources: &[Arc<Resource>]) -> Reply {
    let mut list = Vec::new();
    for resource in resources {
        let mut row = json!({
            "name": resource.plural, "singularName": resource.singular, "namespaced": resource.namespaced,
            "kind": resource.kind, "verbs": resource.verbs,
        });
        for (key, words) in [("shortNames", &resource.short_names), ("categories", &resource.categories)] {
            if !words.is_empty() {
                row[key] = json!(words);
            }
        }
        if resource.has_verb("get") && resource.plural != "componentstatuses" {
            row["storageVersionHash"] = storage_hash(resource).into();
        }
        list.push(row);
        list.extend(resource.subresources.iter().map(|sub| subresource_row(resource, sub)));
    }
    let mut out = json!({"kind": "APIResourceList", "groupVersion": version, "resources": list});
    if !group.is_empty() {
        out["groupVersion"] = format!("{group}/{version}").into();
        out["apiVersion"] = "v1".into();
    }
    Reply::json(200, &out)
}

fn subresource_row(resource: &Resource, sub: &Subresource) -> Value {
    let mut row = json!({
        "name": format!("{}/{}", resource.plural, sub.name), "singularName": "", "namespaced": resource.namespaced,
        "kind": sub.kind, "verbs": sub.verbs,
    });
    for (key, text) in [("group", &sub.group), ("version", &sub.version)] {
        if !text.is_empty() {
            row[key] = text.clone().into();
        }
    }
    row
}

fn aggregate(ask: &Ask, groups: &[Group]) -> Reply {
    let items: Vec<Value> = groups.iter().map(aggregated_group).collect();
    let body = json!({"kind": "APIGroupDiscoveryList", "apiVersion": "apidiscovery.k8s.io/v2", "metadata": {}, "items": items});
    let bytes = crate::reply::json_bytes(&body);
    let digest: String = Sha256::digest(&bytes).iter().map(|byte| format!("{byte:02X}")).collect();
    let etag = format!("\"{digest}\"");
    let known = ask.header("if-none-match") == etag;
    let mut reply = if known { Reply::bytes(304, "", Vec::new()) } else { Reply::bytes(200, AGGREGATED, bytes) };
    reply.private = false;
    reply.headers.push((http::header::CACHE_CONTROL, "public".into()));
    reply.headers.push((http::header::ETAG, etag));
    reply.headers.push((http::header::VARY, "Accept".into()));
    reply
}

fn aggregated_group(group: &Group) -> Value {
    let versions: Vec<Value> = group
        .versions
        .iter()
        .map(|(version, resources)| {
            let rows: Vec<Value> = resources.iter().map(|resource| aggregated_resource(resource)).collect();
            json!({"version": version, "freshness": "Current", "resources": rows})
        })
        .collect();
    let meta = if group.name.is_empty() { json!({}) } else { json!({"name": group.name}) };
    json!({"metadata": meta, "versions": versions})
}

/// What answers are said to be of; custom ones are named in full, as upstream does.
fn response_kind(resource: &Resource, group: &str, version: &str, kind: &str) -> Value {
    if resource.custom().is_some() && group.is_empty() {
        json!({"group": resource.group, "version": resource.version, "kind": kind})
    } else {
        json!({"group": group, "version": version, "kind": kind})
    }
}

fn aggregated_resource(resource: &Resource) -> Value {
    let scope = if resource.namespaced { "Namespaced" } else { "Cluster" };
    let mut row = json!({
        "resource": resource.plural, "responseKind": response_kind(resource, "", "", &resource.kind), "scope": scope,
        "singularResource": resource.singular, "verbs": resource.verbs,
    });
    for (key, words) in [("shortNames", &resource.short_names), ("categories", &resource.categories)] {
        if !words.is_empty() {
            row[key] = json!(words);
        }
    }
    if !resource.subresources.is_empty() {
        let subs = resource.subresources.iter().map(|sub| {
            json!({"subresource": sub.name, "responseKind": response_kind(resource, &sub.group, &sub.version, &sub.kind), "verbs": sub.verbs})
        });
        row["subresources"] = subs.collect();
    }
    row
}
