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

/// What a `Kustomization` asks for.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct KustomizationSpec {
    /// Which build metadata is added to the objects as annotations.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub build_metadata: Vec<BuildMetadata>,
    /// Labels and annotations to set on all objects.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub common_metadata: Option<CommonMetadata>,
    /// Paths of kustomize components, relative to the path.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub components: Vec<String>,
    /// How encrypted files are decrypted before the build.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub decryption: Option<Decryption>,
    /// What happens to the applied objects when this object is deleted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deletion_policy: Option<DeletionPolicy>,
    /// Objects that must be ready first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub depends_on: Vec<DependencyReference>,
    /// Recreates objects when an immutable field changed.
    #[serde(skip_serializing_if = "is_false")]
    pub force: bool,
    /// CEL expressions that tell the health of custom objects.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub health_check_exprs: Vec<HealthCheckExpr>,
    /// Objects whose health decides about readiness.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub health_checks: Vec<ObjectReference>,
    /// Fields of objects that are left as they are in the cluster.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub ignore: Vec<IgnoreRule>,
    /// Leaves out components whose path does not exist.
    #[serde(skip_serializing_if = "is_false")]
    pub ignore_missing_components: bool,
    /// Image names, tags and digests to set.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub images: Vec<Image>,
    /// How often to reconcile.
    pub interval: Duration,
    /// Another cluster to work on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kube_config: Option<KubeConfigReference>,
    /// Put before the names of all objects.
    #[serde(deserialize_with = "non_empty", skip_serializing_if = "Option::is_none")]
    pub name_prefix: Option<String>,
    /// Put after the names of all objects.
    #[serde(deserialize_with = "non_empty", skip_serializing_if = "Option::is_none")]
    pub name_suffix: Option<String>,
    /// Patches, strategic merge or JSON 6902.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub patches: Vec<Patch>,
    /// Folder in the source to build; by default its root.
    #[serde(deserialize_with = "non_empty", skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// What happens to the objects after the build.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub post_build: Option<PostBuild>,
    /// Deletes objects that are no longer declared.
    pub prune: bool,
    /// How soon to try again after a failure.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retry_interval: Option<Duration>,
    /// ServiceAccount to act as.
    #[serde(deserialize_with = "non_empty", skip_serializing_if = "Option::is_none")]
    pub service_account_name: Option<String>,
    /// The source.
    pub source_ref: ObjectReference,
    /// Stops reconciliation until it is false again.
    #[serde(skip_serializing_if = "is_false")]
    pub suspend: bool,
    /// Namespace of all objects.
    #[serde(deserialize_with = "non_empty", skip_serializing_if = "Option::is_none")]
    pub target_namespace: Option<String>,
    /// How long one operation may take.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timeout: Option<Duration>,
    /// Waits for the health of all applied objects.
    #[serde(skip_serializing_if = "is_false")]
    pub wait: bool,
    /// Fields that this version does not know; a controller refuses them instead of ignoring them.
    #[serde(flatten)]
    pub unknown: BTreeMap<String, Value>,
}

/// How encrypted files are decrypted before the build.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Decryption {
    /// Decryption engine.
    pub provider: String,
    /// Secret with the private keys or credentials.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub secret_ref: Option<LocalObjectReference>,
    /// ServiceAccount to call a cloud key service as.
    #[serde(deserialize_with = "non_empty", skip_serializing_if = "Option::is_none")]
    pub service_account_name: Option<String>,
}

/// What happens to the objects after the build.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct PostBuild {
    /// Variables and their values.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub substitute: BTreeMap<String, String>,
    /// Secrets and ConfigMaps whose keys are variables.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub substitute_from: Vec<SubstituteReference>,
    /// Whether files are substituted when there are no variables.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub substitute_strategy: Option<SubstituteStrategy>,
}

/// Secrets and ConfigMaps whose keys are variables.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct SubstituteReference {
    /// Secret or ConfigMap.
    pub kind: String,
    /// Name of the Secret or ConfigMap.
    pub name: String,
    /// Goes on when the Secret or ConfigMap is missing.
    #[serde(skip_serializing_if = "is_false")]
    pub optional: bool,
}

/// What was last observed of a `Kustomization`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct KustomizationStatus {
    /// State of the object, one entry per aspect.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub conditions: Vec<Condition>,
    /// Earlier outcomes, newest first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub history: Vec<HistoryEntry>,
    /// The applied objects.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub inventory: Option<ResourceInventory>,
    /// Revision of the origin of the last applied artifact.
    #[serde(deserialize_with = "non_empty", skip_serializing_if = "Option::is_none")]
    pub last_applied_origin_revision: Option<String>,
    /// Source revision that was last applied with success.
    #[serde(deserialize_with = "non_empty", skip_serializing_if = "Option::is_none")]
    pub last_applied_revision: Option<String>,
    /// Source revision of the last attempt.
    #[serde(deserialize_with = "non_empty", skip_serializing_if = "Option::is_none")]
    pub last_attempted_revision: Option<String>,
    /// Last handled request for a reconciliation.
    #[serde(deserialize_with = "non_empty", skip_serializing_if = "Option::is_none")]
    pub last_handled_reconcile_at: Option<String>,
    /// Generation that was last seen through.
    #[serde(skip_serializing_if = "is_zero")]
    pub observed_generation: i64,
}

/// What came of one revision.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct HistoryEntry {
    /// Digest of this entry's content.
    pub digest: String,
    /// When this revision was first seen through.
    pub first_reconciled: Time,
    /// When this revision was last seen through.
    pub last_reconciled: Time,
    /// How long that took.
    pub last_reconciled_duration: Duration,
    /// The outcome.
    pub last_reconciled_status: String,
    /// Facts about this entry.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub metadata: BTreeMap<String, String>,
    /// How often this revision was seen through.
    pub total_reconciliations: i64,
}

string_enum! {
    /// Build metadata that is added as annotations.
    pub enum BuildMetadata {
        OriginAnnotations = "originAnnotations",
        TransformerAnnotations = "transformerAnnotations",
    }
}

string_enum! {
    /// What happens to applied objects when the Kustomization is deleted.
    pub enum DeletionPolicy {
        MirrorPrune = "MirrorPrune",
        Delete = "Delete",
        WaitForTermination = "WaitForTermination",
        Orphan = "Orphan",
    }
}

string_enum! {
    /// Whether files are substituted when there are no variables.
    pub enum SubstituteStrategy {
        WithVariables = "WithVariables",
        Always = "Always",
    }
}

kind! {
    /// Manifests from a source that are built, applied, pruned and watched until healthy.
    Kustomization(KustomizationSpec, KustomizationStatus) in "kustomize.toolkit.fluxcd.io" / "v1", "kustomizations"
}
flux_object!(Kustomization, KustomizationStatus, suspend: true, generation: true, requests: true);
