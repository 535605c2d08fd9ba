//! `helm.toolkit.fluxcd.io`: releases of charts.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::Duration;
use crate::meta::{
    CommonMetadata, Condition, DependencyReference, HealthCheckExpr, IgnoreRule, Image, KubeConfigReference,
    LocalObjectReference, ObjectReference, Patch, ResourceInventory, Time,
};
use crate::serde_rules::{is_false, is_zero, non_empty};

/// HelmReleaseSpec
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct HelmReleaseSpec {
    /// chart
    #[serde(skip_serializing_if = "Option::is_none")]
    pub chart: Option<HelmChartTemplate>,
    /// chartRef
    #[serde(skip_serializing_if = "Option::is_none")]
    pub chart_ref: Option<ObjectReference>,
    /// commonMetadata
    #[serde(skip_serializing_if = "Option::is_none")]
    pub common_metadata: Option<CommonMetadata>,
    /// dependsOn
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub depends_on: Vec<DependencyReference>,
    /// driftDetection
    #[serde(skip_serializing_if = "Option::is_none")]
    pub drift_detection: Option<DriftDetection>,
    /// healthCheckExprs
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub health_check_exprs: Vec<HealthCheckExpr>,
    /// install
    #[serde(skip_serializing_if = "Option::is_none")]
    pub install: Option<Install>,
    /// interval
    pub interval: Duration,
    /// kubeConfig
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kube_config: Option<KubeConfigReference>,
    /// maxHistory
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_history: Option<i64>,
    /// persistentClient
    #[serde(skip_serializing_if = "Option::is_none")]
    pub persistent_client: Option<bool>,
    /// postRenderStrategy
    #[serde(skip_serializing_if = "Option::is_none")]
    pub post_render_strategy: Option<PostRenderStrategy>,
    /// postRenderers
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub post_renderers: Vec<PostRenderer>,
    /// releaseName
    #[serde(deserialize_with = "non_empty", skip_serializing_if = "Option::is_none")]
    pub release_name: Option<String>,
    /// rollback
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rollback: Option<Rollback>,
    /// serviceAccountName
    #[serde(deserialize_with = "non_empty", skip_serializing_if = "Option::is_none")]
    pub service_account_name: Option<String>,
    /// storageNamespace
    #[serde(deserialize_with = "non_empty", skip_serializing_if = "Option::is_none")]
    pub storage_namespace: Option<String>,
    /// suspend
    #[serde(skip_serializing_if = "is_false")]
    pub suspend: bool,
    /// targetNamespace
    #[serde(deserialize_with = "non_empty", skip_serializing_if = "Option::is_none")]
    pub target_namespace: Option<String>,
    /// test
    #[serde(skip_serializing_if = "Option::is_none")]
    pub test: Option<Test>,
    /// timeout
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timeout: Option<Duration>,
    /// uninstall
    #[serde(skip_serializing_if = "Option::is_none")]
    pub uninstall: Option<Uninstall>,
    /// upgrade
    #[serde(skip_serializing_if = "Option::is_none")]
    pub upgrade: Option<Upgrade>,
    /// values
    #[serde(skip_serializing_if = "Option::is_none")]
    pub values: Option<Value>,
    /// valuesFrom
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub values_from: Vec<ValuesReference>,
    /// waitStrategy
    #[serde(skip_serializing_if = "Option::is_none")]
    pub wait_strategy: Option<WaitStrategy>,
    /// Fields that this version does not know; a controller refuses them instead of ignoring them.
    #[serde(flatten)]
    pub unknown: BTreeMap<String, Value>,
}

/// HelmChartTemplate
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct HelmChartTemplate {
    /// metadata
    #[serde(skip_serializing_if = "Option::is_none")]
    pub metadata: Option<CommonMetadata>,
    /// spec
    pub spec: HelmChartTemplateSpec,
}

/// HelmChartTemplateSpec
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct HelmChartTemplateSpec {
    /// chart
    pub chart: String,
    /// ignoreMissingValuesFiles
    #[serde(skip_serializing_if = "is_false")]
    pub ignore_missing_values_files: bool,
    /// interval
    #[serde(skip_serializing_if = "Option::is_none")]
    pub interval: Option<Duration>,
    /// reconcileStrategy
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reconcile_strategy: Option<ReconcileStrategy>,
    /// sourceRef
    pub source_ref: ObjectReference,
    /// valuesFiles
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub values_files: Vec<String>,
    /// verify
    #[serde(skip_serializing_if = "Option::is_none")]
    pub verify: Option<HelmChartTemplateVerification>,
    /// version
    #[serde(deserialize_with = "non_empty", skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
}

/// HelmChartTemplateVerification
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct HelmChartTemplateVerification {
    /// provider
    pub provider: String,
    /// secretRef
    #[serde(skip_serializing_if = "Option::is_none")]
    pub secret_ref: Option<LocalObjectReference>,
}

/// DriftDetection
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct DriftDetection {
    /// ignore
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub ignore: Vec<IgnoreRule>,
    /// mode
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mode: Option<DriftDetectionMode>,
}

/// Install
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Install {
    /// crds
    #[serde(skip_serializing_if = "Option::is_none")]
    pub crds: Option<CrdsPolicy>,
    /// createNamespace
    #[serde(skip_serializing_if = "is_false")]
    pub create_namespace: bool,
    /// disableHooks
    #[serde(skip_serializing_if = "is_false")]
    pub disable_hooks: bool,
    /// disableOpenAPIValidation
    #[serde(rename = "disableOpenAPIValidation", skip_serializing_if = "is_false")]
    pub disable_openapi_validation: bool,
    /// disableSchemaValidation
    #[serde(skip_serializing_if = "is_false")]
    pub disable_schema_validation: bool,
    /// disableTakeOwnership
    #[serde(skip_serializing_if = "is_false")]
    pub disable_take_ownership: bool,
    /// disableWait
    #[serde(skip_serializing_if = "is_false")]
    pub disable_wait: bool,
    /// disableWaitForJobs
    #[serde(skip_serializing_if = "is_false")]
    pub disable_wait_for_jobs: bool,
    /// remediation
    #[serde(skip_serializing_if = "Option::is_none")]
    pub remediation: Option<InstallRemediation>,
    /// replace
    #[serde(skip_serializing_if = "is_false")]
    pub replace: bool,
    /// serverSideApply
    #[serde(skip_serializing_if = "Option::is_none")]
    pub server_side_apply: Option<bool>,
    /// skipCRDs
    #[serde(rename = "skipCRDs", skip_serializing_if = "is_false")]
    pub skip_crds: bool,
    /// strategy
    #[serde(skip_serializing_if = "Option::is_none")]
    pub strategy: Option<ActionStrategy>,
    /// timeout
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timeout: Option<Duration>,
}

/// InstallRemediation
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct InstallRemediation {
    /// ignoreTestFailures
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ignore_test_failures: Option<bool>,
    /// remediateLastFailure
    #[serde(skip_serializing_if = "Option::is_none")]
    pub remediate_last_failure: Option<bool>,
    /// retries
    #[serde(skip_serializing_if = "is_zero")]
    pub retries: i64,
}

/// ActionStrategy
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ActionStrategy {
    /// name
    pub name: ActionStrategyName,
    /// retryInterval
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retry_interval: Option<Duration>,
}

/// PostRenderer
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct PostRenderer {
    /// kustomize
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kustomize: Option<KustomizePostRenderer>,
}

/// KustomizePostRenderer
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct KustomizePostRenderer {
    /// images
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub images: Vec<Image>,
    /// patches
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub patches: Vec<Patch>,
}

/// Rollback
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Rollback {
    /// cleanupOnFail
    #[serde(skip_serializing_if = "is_false")]
    pub cleanup_on_fail: bool,
    /// disableHooks
    #[serde(skip_serializing_if = "is_false")]
    pub disable_hooks: bool,
    /// disableWait
    #[serde(skip_serializing_if = "is_false")]
    pub disable_wait: bool,
    /// disableWaitForJobs
    #[serde(skip_serializing_if = "is_false")]
    pub disable_wait_for_jobs: bool,
    /// force
    #[serde(skip_serializing_if = "is_false")]
    pub force: bool,
    /// recreate
    #[serde(skip_serializing_if = "is_false")]
    pub recreate: bool,
    /// serverSideApply
    #[serde(skip_serializing_if = "Option::is_none")]
    pub server_side_apply: Option<ServerSideApplyMode>,
    /// timeout
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timeout: Option<Duration>,
}

/// Test
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Test {
    /// enable
    #[serde(skip_serializing_if = "is_false")]
    pub enable: bool,
    /// filters
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub filters: Vec<TestFilter>,
    /// ignoreFailures
    #[serde(skip_serializing_if = "is_false")]
    pub ignore_failures: bool,
    /// timeout
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timeout: Option<Duration>,
}

/// TestFilter
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct TestFilter {
    /// exclude
    #[serde(skip_serializing_if = "is_false")]
    pub exclude: bool,
    /// name
    pub name: String,
}

/// Uninstall
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Uninstall {
    /// deletionPropagation
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deletion_propagation: Option<DeletionPropagation>,
    /// disableHooks
    #[serde(skip_serializing_if = "is_false")]
    pub disable_hooks: bool,
    /// disableWait
    #[serde(skip_serializing_if = "is_false")]
    pub disable_wait: bool,
    /// keepHistory
    #[serde(skip_serializing_if = "is_false")]
    pub keep_history: bool,
    /// timeout
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timeout: Option<Duration>,
}

/// Upgrade
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Upgrade {
    /// chartNameChangeStrategy
    #[serde(skip_serializing_if = "Option::is_none")]
    pub chart_name_change_strategy: Option<ChartNameChangeStrategy>,
    /// cleanupOnFail
    #[serde(skip_serializing_if = "is_false")]
    pub cleanup_on_fail: bool,
    /// crds
    #[serde(skip_serializing_if = "Option::is_none")]
    pub crds: Option<CrdsPolicy>,
    /// disableHooks
    #[serde(skip_serializing_if = "is_false")]
    pub disable_hooks: bool,
    /// disableOpenAPIValidation
    #[serde(rename = "disableOpenAPIValidation", skip_serializing_if = "is_false")]
    pub disable_openapi_validation: bool,
    /// disableSchemaValidation
    #[serde(skip_serializing_if = "is_false")]
    pub disable_schema_validation: bool,
    /// disableTakeOwnership
    #[serde(skip_serializing_if = "is_false")]
    pub disable_take_ownership: bool,
    /// disableWait
    #[serde(skip_serializing_if = "is_false")]
    pub disable_wait: bool,
    /// disableWaitForJobs
    #[serde(skip_serializing_if = "is_false")]
    pub disable_wait_for_jobs: bool,
    /// force
    #[serde(skip_serializing_if = "is_false")]
    pub force: bool,
    /// preserveValues
    #[serde(skip_serializing_if = "is_false")]
    pub preserve_values: bool,
    /// remediation
    #[serde(skip_serializing_if = "Option::is_none")]
    pub remediation: Option<UpgradeRemediation>,
    /// serverSideApply
    #[serde(skip_serializing_if = "Option::is_none")]
    pub server_side_apply: Option<ServerSideApplyMode>,
    /// strategy
    #[serde(skip_serializing_if = "Option::is_none")]
    pub strategy: Option<ActionStrategy>,
    /// timeout
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timeout: Option<Duration>,
}

/// UpgradeRemediation
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct UpgradeRemediation {
    /// ignoreTestFailures
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ignore_test_failures: Option<bool>,
    /// remediateLastFailure
    #[serde(skip_serializing_if = "Option::is_none")]
    pub remediate_last_failure: Option<bool>,
    /// retries
    #[serde(skip_serializing_if = "is_zero")]
    pub retries: i64,
    /// strategy
    #[serde(skip_serializing_if = "Option::is_none")]
    pub strategy: Option<RemediationStrategy>,
}

/// ValuesReference
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ValuesReference {
    /// kind
    pub kind: String,
    /// literal
    #[serde(skip_serializing_if = "is_false")]
    pub literal: bool,
    /// name
    pub name: String,
    /// optional
    #[serde(skip_serializing_if = "is_false")]
    pub optional: bool,
    /// targetPath
    #[serde(deserialize_with = "non_empty", skip_serializing_if = "Option::is_none")]
    pub target_path: Option<String>,
    /// valuesKey
    #[serde(deserialize_with = "non_empty", skip_serializing_if = "Option::is_none")]
    pub values_key: Option<String>,
}

/// WaitStrategy
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct WaitStrategy {
    /// name
    pub name: WaitStrategyName,
}

/// HelmReleaseStatus
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct HelmReleaseStatus {
    /// conditions
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub conditions: Vec<Condition>,
    /// failures
    #[serde(skip_serializing_if = "is_zero")]
    pub failures: i64,
    /// helmChart
    #[serde(deserialize_with = "non_empty", skip_serializing_if = "Option::is_none")]
    pub helm_chart: Option<String>,
    /// history
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub history: Vec<Snapshot>,
    /// installFailures
    #[serde(skip_serializing_if = "is_zero")]
    pub install_failures: i64,
    /// inventory
    #[serde(skip_serializing_if = "Option::is_none")]
    pub inventory: Option<ResourceInventory>,
    /// lastAttemptedConfigDigest
    #[serde(deserialize_with = "non_empty", skip_serializing_if = "Option::is_none")]
    pub last_attempted_config_digest: Option<String>,
    /// lastAttemptedGeneration
    #[serde(skip_serializing_if = "is_zero")]
    pub last_attempted_generation: i64,
    /// lastAttemptedReleaseAction
    #[serde(deserialize_with = "non_empty", skip_serializing_if = "Option::is_none")]
    pub last_attempted_release_action: Option<String>,
    /// lastAttemptedReleaseActionDuration
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_attempted_release_action_duration: Option<Duration>,
    /// lastAttemptedRevision
    #[serde(deserialize_with = "non_empty", skip_serializing_if = "Option::is_none")]
    pub last_attempted_revision: Option<String>,
    /// lastAttemptedRevisionDigest
    #[serde(deserialize_with = "non_empty", skip_serializing_if = "Option::is_none")]
    pub last_attempted_revision_digest: Option<String>,
    /// lastAttemptedValuesChecksum
    #[serde(deserialize_with = "non_empty", skip_serializing_if = "Option::is_none")]
    pub last_attempted_values_checksum: Option<String>,
    /// lastHandledForceAt
    #[serde(deserialize_with = "non_empty", skip_serializing_if = "Option::is_none")]
    pub last_handled_force_at: Option<String>,
    /// lastHandledReconcileAt
    #[serde(deserialize_with = "non_empty", skip_serializing_if = "Option::is_none")]
    pub last_handled_reconcile_at: Option<String>,
    /// lastHandledResetAt
    #[serde(deserialize_with = "non_empty", skip_serializing_if = "Option::is_none")]
    pub last_handled_reset_at: Option<String>,
    /// lastReleaseRevision
    #[serde(skip_serializing_if = "is_zero")]
    pub last_release_revision: i64,
    /// observedCommonMetadataDigest
    #[serde(deserialize_with = "non_empty", skip_serializing_if = "Option::is_none")]
    pub observed_common_metadata_digest: Option<String>,
    /// observedGeneration
    #[serde(skip_serializing_if = "is_zero")]
    pub observed_generation: i64,
    /// observedPostRenderersDigest
    #[serde(deserialize_with = "non_empty", skip_serializing_if = "Option::is_none")]
    pub observed_post_renderers_digest: Option<String>,
    /// storageNamespace
    #[serde(deserialize_with = "non_empty", skip_serializing_if = "Option::is_none")]
    pub storage_namespace: Option<String>,
    /// upgradeFailures
    #[serde(skip_serializing_if = "is_zero")]
    pub upgrade_failures: i64,
}

/// Snapshot
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Snapshot {
    /// action
    #[serde(default, deserialize_with = "non_empty", skip_serializing_if = "Option::is_none")]
    pub action: Option<String>,
    /// apiVersion
    #[serde(default, deserialize_with = "non_empty", skip_serializing_if = "Option::is_none")]
    pub api_version: Option<String>,
    /// appVersion
    #[serde(default, deserialize_with = "non_empty", skip_serializing_if = "Option::is_none")]
    pub app_version: Option<String>,
    /// chartName
    pub chart_name: String,
    /// chartVersion
    pub chart_version: String,
    /// configDigest
    pub config_digest: String,
    /// deleted
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deleted: Option<Time>,
    /// digest
    pub digest: String,
    /// firstDeployed
    pub first_deployed: Time,
    /// lastDeployed
    pub last_deployed: Time,
    /// name
    pub name: String,
    /// namespace
    pub namespace: String,
    /// ociDigest
    #[serde(default, deserialize_with = "non_empty", skip_serializing_if = "Option::is_none")]
    pub oci_digest: Option<String>,
    /// status
    pub status: String,
    /// testHooks
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub test_hooks: BTreeMap<String, TestHookStatus>,
    /// version
    pub version: i64,
}

/// TestHookStatus
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct TestHookStatus {
    /// lastCompleted
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_completed: Option<Time>,
    /// lastStarted
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_started: Option<Time>,
    /// phase
    #[serde(deserialize_with = "non_empty", skip_serializing_if = "Option::is_none")]
    pub phase: Option<String>,
}

string_enum! {
    /// ReconcileStrategy
    pub enum ReconcileStrategy {
        ChartVersion = "ChartVersion",
        Revision = "Revision",
    }
}

string_enum! {
    /// DriftDetectionMode
    pub enum DriftDetectionMode {
        Enabled = "enabled",
        Warn = "warn",
        Disabled = "disabled",
    }
}

string_enum! {
    /// CrdsPolicy
    pub enum CrdsPolicy {
        Skip = "Skip",
        Create = "Create",
        CreateReplace = "CreateReplace",
    }
}

string_enum! {
    /// ActionStrategyName
    pub enum ActionStrategyName {
        RemediateOnFailure = "RemediateOnFailure",
        RetryOnFailure = "RetryOnFailure",
    }
}

string_enum! {
    /// PostRenderStrategy
    pub enum PostRenderStrategy {
        Nohooks = "nohooks",
        Combined = "combined",
        Separate = "separate",
    }
}

string_enum! {
    /// ServerSideApplyMode
    pub enum ServerSideApplyMode {
        Enabled = "enabled",
        Disabled = "disabled",
        Auto = "auto",
    }
}

string_enum! {
    /// DeletionPropagation
    pub enum DeletionPropagation {
        Background = "background",
        Foreground = "foreground",
        Orphan = "orphan",
    }
}

string_enum! {
    /// ChartNameChangeStrategy
    pub enum ChartNameChangeStrategy {
        InPlaceUpdate = "InPlaceUpdate",
        Reinstall = "Reinstall",
    }
}

string_enum! {
    /// RemediationStrategy
    pub enum RemediationStrategy {
        Rollback = "rollback",
        Uninstall = "uninstall",
    }
}

string_enum! {
    /// WaitStrategyName
    pub enum WaitStrategyName {
        Poller = "poller",
        Legacy = "legacy",
    }
}

kind! {
    /// HelmRelease
    HelmRelease(HelmReleaseSpec, HelmReleaseStatus) in "helm.toolkit.fluxcd.io" / "v2", "helmreleases"
}
flux_object!(HelmRelease, HelmReleaseStatus, suspend: true, generation: true, requests: true);
