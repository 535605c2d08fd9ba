//! `image.toolkit.fluxcd.io`: registries scanned, tags chosen, updates committed.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::Duration;
use crate::meta::{
    AccessFrom, Condition, GitReference, LabelSelector, LocalObjectReference, NamespacedObjectReference,
    ObjectReference, Time,
};
use crate::serde_rules::{is_false, is_zero, non_empty};

/// ImageRepositorySpec
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ImageRepositorySpec {
    /// accessFrom
    #[serde(skip_serializing_if = "Option::is_none")]
    pub access_from: Option<AccessFrom>,
    /// certSecretRef
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cert_secret_ref: Option<LocalObjectReference>,
    /// exclusionList
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub exclusion_list: Vec<String>,
    /// image
    pub image: String,
    /// insecure
    #[serde(skip_serializing_if = "is_false")]
    pub insecure: bool,
    /// interval
    pub interval: Duration,
    /// provider
    #[serde(deserialize_with = "non_empty", skip_serializing_if = "Option::is_none")]
    pub provider: Option<String>,
    /// proxySecretRef
    #[serde(skip_serializing_if = "Option::is_none")]
    pub proxy_secret_ref: Option<LocalObjectReference>,
    /// secretRef
    #[serde(skip_serializing_if = "Option::is_none")]
    pub secret_ref: Option<LocalObjectReference>,
    /// serviceAccountName
    #[serde(deserialize_with = "non_empty", skip_serializing_if = "Option::is_none")]
    pub service_account_name: Option<String>,
    /// suspend
    #[serde(skip_serializing_if = "is_false")]
    pub suspend: bool,
    /// timeout
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timeout: Option<Duration>,
    /// Fields that this version does not know; a controller refuses them instead of ignoring them.
    #[serde(flatten)]
    pub unknown: BTreeMap<String, Value>,
}

/// ImageRepositoryStatus
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ImageRepositoryStatus {
    /// canonicalImageName
    #[serde(deserialize_with = "non_empty", skip_serializing_if = "Option::is_none")]
    pub canonical_image_name: Option<String>,
    /// conditions
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub conditions: Vec<Condition>,
    /// lastHandledReconcileAt
    #[serde(deserialize_with = "non_empty", skip_serializing_if = "Option::is_none")]
    pub last_handled_reconcile_at: Option<String>,
    /// lastScanResult
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_scan_result: Option<ScanResult>,
    /// observedExclusionList
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub observed_exclusion_list: Vec<String>,
    /// observedGeneration
    #[serde(skip_serializing_if = "is_zero")]
    pub observed_generation: i64,
}

/// ScanResult
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ScanResult {
    /// latestTags
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub latest_tags: Vec<String>,
    /// revision
    #[serde(deserialize_with = "non_empty", skip_serializing_if = "Option::is_none")]
    pub revision: Option<String>,
    /// scanTime
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scan_time: Option<Time>,
    /// tagCount
    pub tag_count: i64,
}

/// ImagePolicySpec
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ImagePolicySpec {
    /// digestReflectionPolicy
    #[serde(skip_serializing_if = "Option::is_none")]
    pub digest_reflection_policy: Option<ReflectionPolicy>,
    /// filterTags
    #[serde(skip_serializing_if = "Option::is_none")]
    pub filter_tags: Option<TagFilter>,
    /// imageRepositoryRef
    pub image_repository_ref: NamespacedObjectReference,
    /// interval
    #[serde(skip_serializing_if = "Option::is_none")]
    pub interval: Option<Duration>,
    /// policy
    pub policy: ImagePolicyChoice,
    /// suspend
    #[serde(skip_serializing_if = "is_false")]
    pub suspend: bool,
    /// Fields that this version does not know; a controller refuses them instead of ignoring them.
    #[serde(flatten)]
    pub unknown: BTreeMap<String, Value>,
}

/// TagFilter
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct TagFilter {
    /// extract
    #[serde(deserialize_with = "non_empty", skip_serializing_if = "Option::is_none")]
    pub extract: Option<String>,
    /// pattern
    #[serde(deserialize_with = "non_empty", skip_serializing_if = "Option::is_none")]
    pub pattern: Option<String>,
}

/// ImagePolicyChoice
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ImagePolicyChoice {
    /// alphabetical
    #[serde(skip_serializing_if = "Option::is_none")]
    pub alphabetical: Option<OrderPolicy>,
    /// numerical
    #[serde(skip_serializing_if = "Option::is_none")]
    pub numerical: Option<OrderPolicy>,
    /// semver
    #[serde(skip_serializing_if = "Option::is_none")]
    pub semver: Option<SemverPolicy>,
}

/// OrderPolicy
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct OrderPolicy {
    /// order
    #[serde(deserialize_with = "non_empty", skip_serializing_if = "Option::is_none")]
    pub order: Option<String>,
}

/// SemverPolicy
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct SemverPolicy {
    /// range
    pub range: String,
}

/// ImagePolicyStatus
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ImagePolicyStatus {
    /// conditions
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub conditions: Vec<Condition>,
    /// lastHandledReconcileAt
    #[serde(deserialize_with = "non_empty", skip_serializing_if = "Option::is_none")]
    pub last_handled_reconcile_at: Option<String>,
    /// latestRef
    #[serde(skip_serializing_if = "Option::is_none")]
    pub latest_ref: Option<ImageRef>,
    /// observedGeneration
    #[serde(skip_serializing_if = "is_zero")]
    pub observed_generation: i64,
    /// observedPreviousRef
    #[serde(skip_serializing_if = "Option::is_none")]
    pub observed_previous_ref: Option<ImageRef>,
}

/// ImageRef
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ImageRef {
    /// digest
    #[serde(deserialize_with = "non_empty", skip_serializing_if = "Option::is_none")]
    pub digest: Option<String>,
    /// name
    pub name: String,
    /// tag
    pub tag: String,
}

/// ImageUpdateAutomationSpec
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ImageUpdateAutomationSpec {
    /// git
    #[serde(skip_serializing_if = "Option::is_none")]
    pub git: Option<GitSpec>,
    /// interval
    pub interval: Duration,
    /// policySelector
    #[serde(skip_serializing_if = "Option::is_none")]
    pub policy_selector: Option<LabelSelector>,
    /// sourceRef
    pub source_ref: ObjectReference,
    /// suspend
    #[serde(skip_serializing_if = "is_false")]
    pub suspend: bool,
    /// update
    #[serde(skip_serializing_if = "Option::is_none")]
    pub update: Option<UpdateStrategy>,
    /// Fields that this version does not know; a controller refuses them instead of ignoring them.
    #[serde(flatten)]
    pub unknown: BTreeMap<String, Value>,
}

/// GitSpec
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct GitSpec {
    /// checkout
    #[serde(skip_serializing_if = "Option::is_none")]
    pub checkout: Option<GitCheckout>,
    /// commit
    pub commit: GitCommit,
    /// push
    #[serde(skip_serializing_if = "Option::is_none")]
    pub push: Option<GitPush>,
}

/// GitCheckout
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct GitCheckout {
    /// ref
    #[serde(rename = "ref")]
    pub reference: GitReference,
}

/// GitCommit
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct GitCommit {
    /// author
    pub author: CommitAuthor,
    /// messageTemplate
    #[serde(deserialize_with = "non_empty", skip_serializing_if = "Option::is_none")]
    pub message_template: Option<String>,
    /// messageTemplateValues
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub message_template_values: BTreeMap<String, String>,
    /// signingKey
    #[serde(skip_serializing_if = "Option::is_none")]
    pub signing_key: Option<SigningKey>,
}

/// CommitAuthor
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct CommitAuthor {
    /// email
    pub email: String,
    /// name
    #[serde(deserialize_with = "non_empty", skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

/// SigningKey
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct SigningKey {
    /// secretRef
    pub secret_ref: LocalObjectReference,
    /// type
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub type_: Option<SigningKeyType>,
}

/// GitPush
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct GitPush {
    /// branch
    #[serde(deserialize_with = "non_empty", skip_serializing_if = "Option::is_none")]
    pub branch: Option<String>,
    /// options
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub options: BTreeMap<String, String>,
    /// refspec
    #[serde(deserialize_with = "non_empty", skip_serializing_if = "Option::is_none")]
    pub refspec: Option<String>,
}

/// UpdateStrategy
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct UpdateStrategy {
    /// path
    #[serde(deserialize_with = "non_empty", skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// strategy
    #[serde(deserialize_with = "non_empty", skip_serializing_if = "Option::is_none")]
    pub strategy: Option<String>,
}

/// ImageUpdateAutomationStatus
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ImageUpdateAutomationStatus {
    /// conditions
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub conditions: Vec<Condition>,
    /// lastAutomationRunTime
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_automation_run_time: Option<Time>,
    /// lastHandledReconcileAt
    #[serde(deserialize_with = "non_empty", skip_serializing_if = "Option::is_none")]
    pub last_handled_reconcile_at: Option<String>,
    /// lastPushCommit
    #[serde(deserialize_with = "non_empty", skip_serializing_if = "Option::is_none")]
    pub last_push_commit: Option<String>,
    /// lastPushTime
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_push_time: Option<Time>,
    /// observedGeneration
    #[serde(skip_serializing_if = "is_zero")]
    pub observed_generation: i64,
    /// observedPolicies
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub observed_policies: BTreeMap<String, ImageRef>,
    /// observedSourceRevision
    #[serde(deserialize_with = "non_empty", skip_serializing_if = "Option::is_none")]
    pub observed_source_revision: Option<String>,
}

string_enum! {
    /// ReflectionPolicy
    pub enum ReflectionPolicy {
        Always = "Always",
        IfNotPresent = "IfNotPresent",
        Never = "Never",
    }
}

string_enum! {
    /// SigningKeyType
    pub enum SigningKeyType {
        Gpg = "gpg",
        Ssh = "ssh",
    }
}

kind! {
    /// ImageRepository
    ImageRepository(ImageRepositorySpec, ImageRepositoryStatus) in "image.toolkit.fluxcd.io" / "v1", "imagerepositories"
}
flux_object!(ImageRepository, ImageRepositoryStatus, suspend: true, generation: true, requests: true);

kind! {
    /// ImagePolicy
    ImagePolicy(ImagePolicySpec, ImagePolicyStatus) in "image.toolkit.fluxcd.io" / "v1", "imagepolicies"
}
flux_object!(ImagePolicy, ImagePolicyStatus, suspend: true, generation: true, requests: true);

kind! {
    /// ImageUpdateAutomation
    ImageUpdateAutomation(ImageUpdateAutomationSpec, ImageUpdateAutomationStatus) in "image.toolkit.fluxcd.io" / "v1", "imageupdateautomations"
}
flux_object!(ImageUpdateAutomation, ImageUpdateAutomationStatus, suspend: true, generation: true, requests: true);
