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

/// What a `HelmRelease` asks for.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct HelmReleaseSpec {
    /// Template of the HelmChart that this release uses.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub chart: Option<HelmChartTemplate>,
    /// An existing source of the chart, instead of a template.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub chart_ref: Option<ObjectReference>,
    /// Labels and annotations to set on all objects.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub common_metadata: Option<CommonMetadata>,
    /// Objects that must be ready first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub depends_on: Vec<DependencyReference>,
    /// How changes made in the cluster are found and undone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub drift_detection: Option<DriftDetection>,
    /// CEL expressions that tell the health of custom objects.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub health_check_exprs: Vec<HealthCheckExpr>,
    /// How the release is installed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub install: Option<Install>,
    /// How often to reconcile.
    pub interval: Duration,
    /// Another cluster to work on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kube_config: Option<KubeConfigReference>,
    /// How many revisions Helm keeps; 0 for all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_history: Option<i64>,
    /// Keeps the client between Helm actions.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub persistent_client: Option<bool>,
    /// How hooks take part in post rendering.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub post_render_strategy: Option<PostRenderStrategy>,
    /// Changes to the rendered objects.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub post_renderers: Vec<PostRenderer>,
    /// Name of the release; by default made of namespace and name.
    #[serde(deserialize_with = "non_empty", skip_serializing_if = "Option::is_none")]
    pub release_name: Option<String>,
    /// How the release is rolled back.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rollback: Option<Rollback>,
    /// ServiceAccount to act as.
    #[serde(deserialize_with = "non_empty", skip_serializing_if = "Option::is_none")]
    pub service_account_name: Option<String>,
    /// Namespace of Helm's release records.
    #[serde(deserialize_with = "non_empty", skip_serializing_if = "Option::is_none")]
    pub storage_namespace: Option<String>,
    /// Stops reconciliation until it is false again.
    #[serde(skip_serializing_if = "is_false")]
    pub suspend: bool,
    /// Namespace of all objects.
    #[serde(deserialize_with = "non_empty", skip_serializing_if = "Option::is_none")]
    pub target_namespace: Option<String>,
    /// How the release is tested.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub test: Option<Test>,
    /// How long one operation may take.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timeout: Option<Duration>,
    /// How the release is uninstalled.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub uninstall: Option<Uninstall>,
    /// How the release is upgraded.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub upgrade: Option<Upgrade>,
    /// Values for the chart.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub values: Option<Value>,
    /// Secrets and ConfigMaps with values, in order.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub values_from: Vec<ValuesReference>,
    /// How readiness is waited for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub wait_strategy: Option<WaitStrategy>,
    /// Fields that this version does not know; a controller refuses them instead of ignoring them.
    #[serde(flatten)]
    pub unknown: BTreeMap<String, Value>,
}

/// Template of the HelmChart that this release uses.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct HelmChartTemplate {
    /// Labels and annotations of the HelmChart.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub metadata: Option<CommonMetadata>,
    /// What the HelmChart asks for.
    pub spec: HelmChartTemplateSpec,
}

/// What the HelmChart asks for.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct HelmChartTemplateSpec {
    /// Name of the chart, or its path in the source.
    pub chart: String,
    /// Leaves out values files that do not exist.
    #[serde(skip_serializing_if = "is_false")]
    pub ignore_missing_values_files: bool,
    /// How often to reconcile.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub interval: Option<Duration>,
    /// Whether a new version or any new revision makes a new chart.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reconcile_strategy: Option<ReconcileStrategy>,
    /// The source.
    pub source_ref: ObjectReference,
    /// Values files of the chart, in order.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub values_files: Vec<String>,
    /// How the content's signature is verified.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub verify: Option<HelmChartTemplateVerification>,
    /// Range of chart versions.
    #[serde(deserialize_with = "non_empty", skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
}

/// How the content's signature is verified.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct HelmChartTemplateVerification {
    /// Tool that made the signature.
    pub provider: String,
    /// Secret with the trusted public keys.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub secret_ref: Option<LocalObjectReference>,
}

/// How changes made in the cluster are found and undone.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct DriftDetection {
    /// What is not looked at.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub ignore: Vec<IgnoreRule>,
    /// Whether drift is undone, warned of or not looked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mode: Option<DriftDetectionMode>,
}

/// How the release is installed.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Install {
    /// What happens to the chart's CRDs at install.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub crds: Option<CrdsPolicy>,
    /// Makes the target namespace when it is missing.
    #[serde(skip_serializing_if = "is_false")]
    pub create_namespace: bool,
    /// Leaves out hooks.
    #[serde(skip_serializing_if = "is_false")]
    pub disable_hooks: bool,
    /// Leaves out validation against the cluster's API schema.
    #[serde(rename = "disableOpenAPIValidation", skip_serializing_if = "is_false")]
    pub disable_openapi_validation: bool,
    /// Leaves out validation against the chart's values schema.
    #[serde(skip_serializing_if = "is_false")]
    pub disable_schema_validation: bool,
    /// Refuses objects that another release owns.
    #[serde(skip_serializing_if = "is_false")]
    pub disable_take_ownership: bool,
    /// Does not wait for objects to become ready.
    #[serde(skip_serializing_if = "is_false")]
    pub disable_wait: bool,
    /// Does not wait for jobs to complete.
    #[serde(skip_serializing_if = "is_false")]
    pub disable_wait_for_jobs: bool,
    /// What happens after a failure.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub remediation: Option<InstallRemediation>,
    /// Uses the name again when a deleted release has it.
    #[serde(skip_serializing_if = "is_false")]
    pub replace: bool,
    /// Whether objects are applied on the server's side.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub server_side_apply: Option<bool>,
    /// Leaves out CRDs; use `crds: Skip` instead.
    #[serde(rename = "skipCRDs", skip_serializing_if = "is_false")]
    pub skip_crds: bool,
    /// How failures are dealt with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub strategy: Option<ActionStrategy>,
    /// How long one operation may take.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timeout: Option<Duration>,
}

/// What happens after a failure.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct InstallRemediation {
    /// Does not count failed tests as a failure here.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ignore_test_failures: Option<bool>,
    /// Remediates the last failure when no retries are left.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub remediate_last_failure: Option<bool>,
    /// How often to try again; negative without end.
    #[serde(skip_serializing_if = "is_zero")]
    pub retries: i64,
}

/// How failures are dealt with.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ActionStrategy {
    /// Name of the strategy.
    pub name: ActionStrategyName,
    /// How soon to try again after a failure.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retry_interval: Option<Duration>,
}

/// Changes to the rendered objects.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct PostRenderer {
    /// Changes made the kustomize way.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kustomize: Option<KustomizePostRenderer>,
}

/// Changes made the kustomize way.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct KustomizePostRenderer {
    /// Image names, tags and digests to set.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub images: Vec<Image>,
    /// Patches, strategic merge or JSON 6902.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub patches: Vec<Patch>,
}

/// How the release is rolled back.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Rollback {
    /// Deletes objects that a failed rollback made.
    #[serde(skip_serializing_if = "is_false")]
    pub cleanup_on_fail: bool,
    /// Leaves out hooks.
    #[serde(skip_serializing_if = "is_false")]
    pub disable_hooks: bool,
    /// Does not wait for objects to become ready.
    #[serde(skip_serializing_if = "is_false")]
    pub disable_wait: bool,
    /// Does not wait for jobs to complete.
    #[serde(skip_serializing_if = "is_false")]
    pub disable_wait_for_jobs: bool,
    /// Replaces objects that cannot be patched.
    #[serde(skip_serializing_if = "is_false")]
    pub force: bool,
    /// Restarts pods; no longer used.
    #[serde(skip_serializing_if = "is_false")]
    pub recreate: bool,
    /// Whether objects are applied on the server's side; `auto` as the release before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub server_side_apply: Option<ServerSideApplyMode>,
    /// How long one operation may take.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timeout: Option<Duration>,
}

/// How the release is tested.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Test {
    /// Runs the tests after install and upgrade.
    #[serde(skip_serializing_if = "is_false")]
    pub enable: bool,
    /// Which tests run.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub filters: Vec<TestFilter>,
    /// Does not count failed tests as a failure.
    #[serde(skip_serializing_if = "is_false")]
    pub ignore_failures: bool,
    /// How long one operation may take.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timeout: Option<Duration>,
}

/// Which tests run.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct TestFilter {
    /// Leaves the named test out instead of choosing it.
    #[serde(skip_serializing_if = "is_false")]
    pub exclude: bool,
    /// Name of the test.
    pub name: String,
}

/// How the release is uninstalled.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Uninstall {
    /// How dependents are deleted at uninstall.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deletion_propagation: Option<DeletionPropagation>,
    /// Leaves out hooks.
    #[serde(skip_serializing_if = "is_false")]
    pub disable_hooks: bool,
    /// Does not wait for objects to become ready.
    #[serde(skip_serializing_if = "is_false")]
    pub disable_wait: bool,
    /// Keeps the record of the release.
    #[serde(skip_serializing_if = "is_false")]
    pub keep_history: bool,
    /// How long one operation may take.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timeout: Option<Duration>,
}

/// How the release is upgraded.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Upgrade {
    /// What happens when another chart takes this one's place.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub chart_name_change_strategy: Option<ChartNameChangeStrategy>,
    /// Deletes objects that a failed upgrade made.
    #[serde(skip_serializing_if = "is_false")]
    pub cleanup_on_fail: bool,
    /// What happens to the chart's CRDs at upgrade.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub crds: Option<CrdsPolicy>,
    /// Leaves out hooks.
    #[serde(skip_serializing_if = "is_false")]
    pub disable_hooks: bool,
    /// Leaves out validation against the cluster's API schema.
    #[serde(rename = "disableOpenAPIValidation", skip_serializing_if = "is_false")]
    pub disable_openapi_validation: bool,
    /// Leaves out validation against the chart's values schema.
    #[serde(skip_serializing_if = "is_false")]
    pub disable_schema_validation: bool,
    /// Refuses objects that another release owns.
    #[serde(skip_serializing_if = "is_false")]
    pub disable_take_ownership: bool,
    /// Does not wait for objects to become ready.
    #[serde(skip_serializing_if = "is_false")]
    pub disable_wait: bool,
    /// Does not wait for jobs to complete.
    #[serde(skip_serializing_if = "is_false")]
    pub disable_wait_for_jobs: bool,
    /// Replaces objects that cannot be patched.
    #[serde(skip_serializing_if = "is_false")]
    pub force: bool,
    /// Keeps the values of the last release.
    #[serde(skip_serializing_if = "is_false")]
    pub preserve_values: bool,
    /// What happens after a failure.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub remediation: Option<UpgradeRemediation>,
    /// Whether objects are applied on the server's side; `auto` as the release before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub server_side_apply: Option<ServerSideApplyMode>,
    /// How failures are dealt with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub strategy: Option<ActionStrategy>,
    /// How long one operation may take.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timeout: Option<Duration>,
}

/// What happens after a failure.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct UpgradeRemediation {
    /// Does not count failed tests as a failure here.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ignore_test_failures: Option<bool>,
    /// Remediates the last failure when no retries are left.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub remediate_last_failure: Option<bool>,
    /// How often to try again; negative without end.
    #[serde(skip_serializing_if = "is_zero")]
    pub retries: i64,
    /// What the remediation does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub strategy: Option<RemediationStrategy>,
}

/// Secrets and ConfigMaps with values, in order.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ValuesReference {
    /// Secret or ConfigMap.
    pub kind: String,
    /// Sets the value as text, without reading it.
    #[serde(skip_serializing_if = "is_false")]
    pub literal: bool,
    /// Name of the Secret or ConfigMap.
    pub name: String,
    /// Goes on when the Secret or ConfigMap is missing.
    #[serde(skip_serializing_if = "is_false")]
    pub optional: bool,
    /// Where the value goes, `a.b[0].c`; by default at the root.
    #[serde(deserialize_with = "non_empty", skip_serializing_if = "Option::is_none")]
    pub target_path: Option<String>,
    /// Key with the values; by default `values.yaml`.
    #[serde(deserialize_with = "non_empty", skip_serializing_if = "Option::is_none")]
    pub values_key: Option<String>,
}

/// How readiness is waited for.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct WaitStrategy {
    /// Name of the strategy.
    pub name: WaitStrategyName,
}

/// What was last observed of a `HelmRelease`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct HelmReleaseStatus {
    /// State of the object, one entry per aspect.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub conditions: Vec<Condition>,
    /// Failed reconciliations since the last success.
    #[serde(skip_serializing_if = "is_zero")]
    pub failures: i64,
    /// Namespace and name of the HelmChart.
    #[serde(deserialize_with = "non_empty", skip_serializing_if = "Option::is_none")]
    pub helm_chart: Option<String>,
    /// Earlier outcomes, newest first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub history: Vec<Snapshot>,
    /// Failed installs since the last success.
    #[serde(skip_serializing_if = "is_zero")]
    pub install_failures: i64,
    /// The objects of the release.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub inventory: Option<ResourceInventory>,
    /// Digest of the values of the last attempt.
    #[serde(deserialize_with = "non_empty", skip_serializing_if = "Option::is_none")]
    pub last_attempted_config_digest: Option<String>,
    /// Generation of the last attempt.
    #[serde(skip_serializing_if = "is_zero")]
    pub last_attempted_generation: i64,
    /// Helm action of the last attempt.
    #[serde(deserialize_with = "non_empty", skip_serializing_if = "Option::is_none")]
    pub last_attempted_release_action: Option<String>,
    /// How long the last Helm action took.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_attempted_release_action_duration: Option<Duration>,
    /// Chart version of the last attempt.
    #[serde(deserialize_with = "non_empty", skip_serializing_if = "Option::is_none")]
    pub last_attempted_revision: Option<String>,
    /// Digest of the chart of the last attempt.
    #[serde(deserialize_with = "non_empty", skip_serializing_if = "Option::is_none")]
    pub last_attempted_revision_digest: Option<String>,
    /// No longer used; see lastAttemptedConfigDigest.
    #[serde(deserialize_with = "non_empty", skip_serializing_if = "Option::is_none")]
    pub last_attempted_values_checksum: Option<String>,
    /// Last handled request for a forced release.
    #[serde(deserialize_with = "non_empty", skip_serializing_if = "Option::is_none")]
    pub last_handled_force_at: Option<String>,
    /// Last handled request for a reconciliation.
    #[serde(deserialize_with = "non_empty", skip_serializing_if = "Option::is_none")]
    pub last_handled_reconcile_at: Option<String>,
    /// Last handled request for a reset.
    #[serde(deserialize_with = "non_empty", skip_serializing_if = "Option::is_none")]
    pub last_handled_reset_at: Option<String>,
    /// Revision of the last release; no longer used.
    #[serde(skip_serializing_if = "is_zero")]
    pub last_release_revision: i64,
    /// Digest of the common metadata of the last good attempt.
    #[serde(deserialize_with = "non_empty", skip_serializing_if = "Option::is_none")]
    pub observed_common_metadata_digest: Option<String>,
    /// Generation that was last seen through.
    #[serde(skip_serializing_if = "is_zero")]
    pub observed_generation: i64,
    /// Digest of the post renderers of the last good attempt.
    #[serde(deserialize_with = "non_empty", skip_serializing_if = "Option::is_none")]
    pub observed_post_renderers_digest: Option<String>,
    /// Namespace of Helm's release records.
    #[serde(deserialize_with = "non_empty", skip_serializing_if = "Option::is_none")]
    pub storage_namespace: Option<String>,
    /// Failed upgrades since the last success.
    #[serde(skip_serializing_if = "is_zero")]
    pub upgrade_failures: i64,
}

/// What came of one release.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Snapshot {
    /// The Helm action that made this entry.
    #[serde(default, deserialize_with = "non_empty", skip_serializing_if = "Option::is_none")]
    pub action: Option<String>,
    /// Version of the form of this entry.
    #[serde(default, deserialize_with = "non_empty", skip_serializing_if = "Option::is_none")]
    pub api_version: Option<String>,
    /// Application version of the chart.
    #[serde(default, deserialize_with = "non_empty", skip_serializing_if = "Option::is_none")]
    pub app_version: Option<String>,
    /// Name of the chart.
    pub chart_name: String,
    /// Version of the chart.
    pub chart_version: String,
    /// Digest of the values that were used.
    pub config_digest: String,
    /// When the release was deleted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deleted: Option<Time>,
    /// Digest of this entry's content.
    pub digest: String,
    /// When the release was first deployed.
    pub first_deployed: Time,
    /// When the release was last deployed.
    pub last_deployed: Time,
    /// Name of the release.
    pub name: String,
    /// Namespace of the release.
    pub namespace: String,
    /// Digest of the chart's OCI artifact.
    #[serde(default, deserialize_with = "non_empty", skip_serializing_if = "Option::is_none")]
    pub oci_digest: Option<String>,
    /// Status of the release.
    pub status: String,
    /// Outcomes of the tests by the name of the hook; an empty map says that there was nothing to test.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub test_hooks: Option<BTreeMap<String, Option<TestHookStatus>>>,
    /// Revision of the release.
    pub version: i64,
}

/// Outcomes of the tests.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct TestHookStatus {
    /// When the test ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_completed: Option<Time>,
    /// When the test began.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_started: Option<Time>,
    /// Outcome of the test.
    #[serde(deserialize_with = "non_empty", skip_serializing_if = "Option::is_none")]
    pub phase: Option<String>,
}

string_enum! {
    /// When a new chart is made.
    pub enum ReconcileStrategy {
        ChartVersion = "ChartVersion",
        Revision = "Revision",
    }
}

string_enum! {
    /// What happens to drift.
    pub enum DriftDetectionMode {
        Enabled = "enabled",
        Warn = "warn",
        Disabled = "disabled",
    }
}

string_enum! {
    /// What happens to CRDs of a chart.
    pub enum CrdsPolicy {
        Skip = "Skip",
        Create = "Create",
        CreateReplace = "CreateReplace",
    }
}

string_enum! {
    /// How failures are dealt with.
    pub enum ActionStrategyName {
        RemediateOnFailure = "RemediateOnFailure",
        RetryOnFailure = "RetryOnFailure",
    }
}

string_enum! {
    /// How hooks take part in post rendering.
    pub enum PostRenderStrategy {
        Nohooks = "nohooks",
        Combined = "combined",
        Separate = "separate",
    }
}

string_enum! {
    /// Whether objects are applied on the server side.
    pub enum ServerSideApplyMode {
        Enabled = "enabled",
        Disabled = "disabled",
        Auto = "auto",
    }
}

string_enum! {
    /// How dependents are deleted.
    pub enum DeletionPropagation {
        Background = "background",
        Foreground = "foreground",
        Orphan = "orphan",
    }
}

string_enum! {
    /// What happens when another chart takes the place of this one.
    pub enum ChartNameChangeStrategy {
        InPlaceUpdate = "InPlaceUpdate",
        Reinstall = "Reinstall",
    }
}

string_enum! {
    /// What remediation does.
    pub enum RemediationStrategy {
        Rollback = "rollback",
        Uninstall = "uninstall",
    }
}

string_enum! {
    /// How readiness is waited for.
    pub enum WaitStrategyName {
        Poller = "poller",
        Legacy = "legacy",
    }
}

kind! {
    /// A release of a Helm chart, kept as declared.
    HelmRelease(HelmReleaseSpec, HelmReleaseStatus) in "helm.toolkit.fluxcd.io" / "v2", "helmreleases"
}
flux_object!(HelmRelease, HelmReleaseStatus, suspend: true, generation: true, requests: true);
