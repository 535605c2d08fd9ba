//! The few kinds that apply treats in a special way.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::id::ObjectId;
use crate::metadata;

/// A kind without its version.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct GroupKind {
    pub group: String,
    pub kind: String,
}

impl GroupKind {
    pub fn of(object: &Value) -> Self {
        Self { group: metadata::group_version(object).0.to_owned(), kind: metadata::kind(object).to_owned() }
    }
}

/// Reads `apps/Deployment,Secret`: the value of `--custom-apply-stage-kinds`.
pub fn parse_group_kinds(text: &str) -> BTreeSet<GroupKind> {
    if text.is_empty() {
        return BTreeSet::new();
    }
    text.split(',')
        .map(|item| {
            let item = item.trim();
            let (group, kind) = item.split_once('/').unwrap_or(("", item));
            GroupKind { group: group.into(), kind: kind.into() }
        })
        .collect()
}

pub fn is_crd(object: &Value) -> bool {
    metadata::kind(object).eq_ignore_ascii_case("customresourcedefinition")
        && metadata::api_version(object).starts_with("apiextensions.k8s.io/")
}

pub fn is_namespace(object: &Value) -> bool {
    metadata::kind(object).eq_ignore_ascii_case("namespace") && metadata::api_version(object) == "v1"
}

pub fn is_secret(object: &Value) -> bool {
    metadata::kind(object).eq_ignore_ascii_case("secret") && metadata::api_version(object) == "v1"
}

/// CustomResourceDefinitions, Namespaces and ClusterRoles: what other objects of a set need first.
pub fn is_cluster_definition(object: &Value) -> bool {
    is_crd(object)
        || is_namespace(object)
        || metadata::kind(object).eq_ignore_ascii_case("clusterrole")
            && metadata::api_version(object).starts_with("rbac.authorization.k8s.io/")
}

/// StorageClass, IngressClass and the like.
pub fn is_class_definition(object: &Value) -> bool {
    metadata::kind(object).ends_with("Class")
}

pub fn is_job(object: &Value) -> bool {
    metadata::kind(object) == "Job" && metadata::api_version(object).starts_with("batch/")
}

/// The Jobs that Kubernetes deletes some time after they end.
pub fn jobs_with_ttl(objects: &[Value]) -> BTreeSet<ObjectId> {
    let has_ttl = |object: &&Value| object.pointer("/spec/ttlSecondsAfterFinished").is_some_and(Value::is_i64);
    objects.iter().filter(|object| is_job(object)).filter(has_ttl).map(ObjectId::of).collect()
}
