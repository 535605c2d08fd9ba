//! `kustomize.toolkit.fluxcd.io`: what is built and applied.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::Duration;
use crate::meta::{
    CommonMetadata, Condition, DependencyReference, HealthCheckExpr, IgnoreRule, Image, KubeConfigReference,
    LocalObjectReference, ObjectReference, Patch, ResourceInventory, Time,
};
use crate::serde_rules::{is_false, is_zero, non_empty};

/// KustomizationSpec
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct KustomizationSpec {
    /// buildMetadata
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub build_metadata: Vec<BuildMetadata>,
    /// commonMetadata
    #[serde(skip_serializing_if = "Option::is_none")]
    pub common_metadata: Option<CommonMetadata>,
    /// components
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub components: Vec<String>,
    /// decryption
    #[serde(skip_serializing_if = "Option::is_none")]
    pub decryption: Option<Decryption>,
    /// deletionPolicy
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deletion_policy: Option<DeletionPolicy>,
    /// dependsOn
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub depends_on: Vec<DependencyReference>,
    /// force
    #[serde(skip_serializing_if = "is_false")]
    pub force: bool,
    /// healthCheckExprs
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub health_check_exprs: Vec<HealthCheckExpr>,
    /// healthChecks
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub health_checks: Vec<ObjectReference>,
    /// ignore
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub ignore: Vec<IgnoreRule>,
    /// ignoreMissingComponents
    #[serde(skip_serializing_if = "is_false")]
    pub ignore_missing_components: bool,
    /// images
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub images: Vec<Image>,
    /// interval
    pub interval: Duration,
    /// kubeConfig
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kube_config: Option<KubeConfigReference>,
    /// namePrefix
    #[serde(deserialize_with = "non_empty", skip_serializing_if = "Option::is_none")]
    pub name_prefix: Option<String>,
    /// nameSuffix
    #[serde(deserialize_with = "non_empty", skip_serializing_if = "Option::is_none")]
    pub name_suffix: Option<String>,
    /// patches
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub patches: Vec<Patch>,
    /// path
    #[serde(deserialize_with = "non_empty", skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// postBuild
    #[serde(skip_serializing_if = "Option::is_none")]
    pub post_build: Option<PostBuild>,
    /// prune
    pub prune: bool,
    /// retryInterval
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retry_interval: Option<Duration>,
    /// serviceAccountName
    #[serde(deserialize_with = "non_empty", skip_serializing_if = "Option::is_none")]
    pub service_account_name: Option<String>,
    /// sourceRef
    pub source_ref: ObjectReference,
    /// suspend
    #[serde(skip_serializing_if = "is_false")]
    pub suspend: bool,
    /// targetNamespace
    #[serde(deserialize_with = "non_empty", skip_serializing_if = "Option::is_none")]
    pub target_namespace: Option<String>,
    /// timeout
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timeout: Option<Duration>,
    /// wait
    #[serde(skip_serializing_if = "is_false")]
    pub wait: bool,
    /// Fields that this version does not know; a controller refuses them instead of ignoring them.
    #[serde(flatten)]
    pub unknown: BTreeMap<String, Value>,
}

/// Decryption
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Decryption {
    /// provider
    pub provider: String,
    /// secretRef
    #[serde(skip_serializing_if = "Option::is_none")]
    pub secret_ref: Option<LocalObjectReference>,
    /// serviceAccountName
    #[serde(deserialize_with = "non_empty", skip_serializing_if = "Option::is_none")]
    pub service_account_name: Option<String>,
}

/// PostBuild
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct PostBuild {
    /// substitute
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub substitute: BTreeMap<String, String>,
    /// substituteFrom
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub substitute_from: Vec<SubstituteReference>,
    /// substituteStrategy
    #[serde(skip_serializing_if = "Option::is_none")]
    pub substitute_strategy: Option<SubstituteStrategy>,
}

/// SubstituteReference
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct SubstituteReference {
    /// kind
    pub kind: String,
    /// name
    pub name: String,
    /// optional
    #[serde(skip_serializing_if = "is_false")]
    pub optional: bool,
}

/// KustomizationStatus
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct KustomizationStatus {
    /// conditions
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub conditions: Vec<Condition>,
    /// history
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub history: Vec<HistoryEntry>,
    /// inventory
    #[serde(skip_serializing_if = "Option::is_none")]
    pub inventory: Option<ResourceInventory>,
    /// lastAppliedOriginRevision
    #[serde(deserialize_with = "non_empty", skip_serializing_if = "Option::is_none")]
    pub last_applied_origin_revision: Option<String>,
    /// lastAppliedRevision
    #[serde(deserialize_with = "non_empty", skip_serializing_if = "Option::is_none")]
    pub last_applied_revision: Option<String>,
    /// lastAttemptedRevision
    #[serde(deserialize_with = "non_empty", skip_serializing_if = "Option::is_none")]
    pub last_attempted_revision: Option<String>,
    /// lastHandledReconcileAt
    #[serde(deserialize_with = "non_empty", skip_serializing_if = "Option::is_none")]
    pub last_handled_reconcile_at: Option<String>,
    /// observedGeneration
    #[serde(skip_serializing_if = "is_zero")]
    pub observed_generation: i64,
}

/// HistoryEntry
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct HistoryEntry {
    /// digest
    pub digest: String,
    /// firstReconciled
    pub first_reconciled: Time,
    /// lastReconciled
    pub last_reconciled: Time,
    /// lastReconciledDuration
    pub last_reconciled_duration: Duration,
    /// lastReconciledStatus
    pub last_reconciled_status: String,
    /// metadata
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub metadata: BTreeMap<String, String>,
    /// totalReconciliations
    pub total_reconciliations: i64,
}

string_enum! {
    /// BuildMetadata
    pub enum BuildMetadata {
        OriginAnnotations = "originAnnotations",
        TransformerAnnotations = "transformerAnnotations",
    }
}

string_enum! {
    /// DeletionPolicy
    pub enum DeletionPolicy {
        MirrorPrune = "MirrorPrune",
        Delete = "Delete",
        WaitForTermination = "WaitForTermination",
        Orphan = "Orphan",
    }
}

string_enum! {
    /// SubstituteStrategy
    pub enum SubstituteStrategy {
        WithVariables = "WithVariables",
        Always = "Always",
    }
}

kind! {
    /// Kustomization
    Kustomization(KustomizationSpec, KustomizationStatus) in "kustomize.toolkit.fluxcd.io" / "v1", "kustomizations"
}
flux_object!(Kustomization, KustomizationStatus, suspend: true, generation: true, requests: true);
