//! Types that several kinds share.

use std::collections::BTreeMap;

pub use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, LabelSelector, Time};
use serde::{Deserialize, Serialize};

use crate::serde_rules::{is_zero, non_empty};

/// LocalObjectReference
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct LocalObjectReference {
    /// name
    pub name: String,
}

/// GitReference
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct GitReference {
    /// branch
    #[serde(deserialize_with = "non_empty", skip_serializing_if = "Option::is_none")]
    pub branch: Option<String>,
    /// commit
    #[serde(deserialize_with = "non_empty", skip_serializing_if = "Option::is_none")]
    pub commit: Option<String>,
    /// name
    #[serde(deserialize_with = "non_empty", skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// semver
    #[serde(deserialize_with = "non_empty", skip_serializing_if = "Option::is_none")]
    pub semver: Option<String>,
    /// tag
    #[serde(deserialize_with = "non_empty", skip_serializing_if = "Option::is_none")]
    pub tag: Option<String>,
}

/// Artifact
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Artifact {
    /// digest
    pub digest: String,
    /// lastUpdateTime
    pub last_update_time: Time,
    /// metadata
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub metadata: BTreeMap<String, String>,
    /// path
    pub path: String,
    /// revision
    pub revision: String,
    /// size
    #[serde(default, skip_serializing_if = "is_zero")]
    pub size: i64,
    /// url
    pub url: String,
}

/// OidcIdentityMatch
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct OidcIdentityMatch {
    /// issuer
    pub issuer: String,
    /// subject
    pub subject: String,
}

/// AccessFrom
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct AccessFrom {
    /// namespaceSelectors
    pub namespace_selectors: Vec<NamespaceSelector>,
}

/// NamespaceSelector
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct NamespaceSelector {
    /// matchLabels
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub match_labels: BTreeMap<String, String>,
}

/// ObjectReference
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ObjectReference {
    /// apiVersion
    #[serde(deserialize_with = "non_empty", skip_serializing_if = "Option::is_none")]
    pub api_version: Option<String>,
    /// kind
    pub kind: String,
    /// name
    pub name: String,
    /// namespace
    #[serde(deserialize_with = "non_empty", skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
}

/// CommonMetadata
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct CommonMetadata {
    /// annotations
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub annotations: BTreeMap<String, String>,
    /// labels
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, String>,
}

/// DependencyReference
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct DependencyReference {
    /// name
    pub name: String,
    /// namespace
    #[serde(deserialize_with = "non_empty", skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    /// readyExpr
    #[serde(deserialize_with = "non_empty", skip_serializing_if = "Option::is_none")]
    pub ready_expr: Option<String>,
}

/// HealthCheckExpr
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct HealthCheckExpr {
    /// apiVersion
    pub api_version: String,
    /// current
    pub current: String,
    /// failed
    #[serde(deserialize_with = "non_empty", skip_serializing_if = "Option::is_none")]
    pub failed: Option<String>,
    /// inProgress
    #[serde(deserialize_with = "non_empty", skip_serializing_if = "Option::is_none")]
    pub in_progress: Option<String>,
    /// kind
    #[serde(deserialize_with = "non_empty", skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
}

/// IgnoreRule
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct IgnoreRule {
    /// paths
    pub paths: Vec<String>,
    /// target
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target: Option<Selector>,
}

/// Selector
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Selector {
    /// annotationSelector
    #[serde(deserialize_with = "non_empty", skip_serializing_if = "Option::is_none")]
    pub annotation_selector: Option<String>,
    /// group
    #[serde(deserialize_with = "non_empty", skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
    /// kind
    #[serde(deserialize_with = "non_empty", skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// labelSelector
    #[serde(deserialize_with = "non_empty", skip_serializing_if = "Option::is_none")]
    pub label_selector: Option<String>,
    /// name
    #[serde(deserialize_with = "non_empty", skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// namespace
    #[serde(deserialize_with = "non_empty", skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    /// version
    #[serde(deserialize_with = "non_empty", skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
}

/// Image
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Image {
    /// digest
    #[serde(deserialize_with = "non_empty", skip_serializing_if = "Option::is_none")]
    pub digest: Option<String>,
    /// name
    pub name: String,
    /// newName
    #[serde(deserialize_with = "non_empty", skip_serializing_if = "Option::is_none")]
    pub new_name: Option<String>,
    /// newTag
    #[serde(deserialize_with = "non_empty", skip_serializing_if = "Option::is_none")]
    pub new_tag: Option<String>,
}

/// KubeConfigReference
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct KubeConfigReference {
    /// configMapRef
    #[serde(skip_serializing_if = "Option::is_none")]
    pub config_map_ref: Option<LocalObjectReference>,
    /// secretRef
    #[serde(skip_serializing_if = "Option::is_none")]
    pub secret_ref: Option<SecretKeyReference>,
}

/// SecretKeyReference
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct SecretKeyReference {
    /// key
    #[serde(deserialize_with = "non_empty", skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// name
    pub name: String,
}

/// Patch
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Patch {
    /// patch
    pub patch: String,
    /// target
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target: Option<Selector>,
}

/// ResourceInventory
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ResourceInventory {
    /// entries
    pub entries: Vec<ResourceRef>,
}

/// ResourceRef
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ResourceRef {
    /// id
    pub id: String,
    /// v
    #[serde(rename = "v")]
    pub version: String,
}

/// NamespacedObjectReference
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct NamespacedObjectReference {
    /// name
    pub name: String,
    /// namespace
    #[serde(deserialize_with = "non_empty", skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
}
