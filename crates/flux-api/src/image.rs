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

/// What a `ImageRepository` asks for.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ImageRepositorySpec {
    /// Namespaces that may refer to this object; without it only its own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub access_from: Option<AccessFrom>,
    /// Secret with `ca.crt`, and `tls.crt` and `tls.key` for a client certificate.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cert_secret_ref: Option<LocalObjectReference>,
    /// Regular expressions of tags to leave out.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub exclusion_list: Vec<String>,
    /// Name of the image, without tag or digest.
    pub image: String,
    /// Allows plain HTTP and unverified certificates.
    #[serde(skip_serializing_if = "is_false")]
    pub insecure: bool,
    /// How often to scan.
    pub interval: Duration,
    /// How to log in: `generic` or one of the clouds.
    #[serde(deserialize_with = "non_empty", skip_serializing_if = "Option::is_none")]
    pub provider: Option<String>,
    /// Secret with the address and login of a proxy.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub proxy_secret_ref: Option<LocalObjectReference>,
    /// Secret with the credentials.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub secret_ref: Option<LocalObjectReference>,
    /// ServiceAccount to act as.
    #[serde(deserialize_with = "non_empty", skip_serializing_if = "Option::is_none")]
    pub service_account_name: Option<String>,
    /// Stops reconciliation until it is false again.
    #[serde(skip_serializing_if = "is_false")]
    pub suspend: bool,
    /// How long one operation may take.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timeout: Option<Duration>,
    /// Fields that this version does not know; a controller refuses them instead of ignoring them.
    #[serde(flatten)]
    pub unknown: BTreeMap<String, Value>,
}

/// What was last observed of a `ImageRepository`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ImageRepositoryStatus {
    /// Image name with its registry spelled out.
    #[serde(deserialize_with = "non_empty", skip_serializing_if = "Option::is_none")]
    pub canonical_image_name: Option<String>,
    /// State of the object, one entry per aspect.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub conditions: Vec<Condition>,
    /// Last handled request for a reconciliation.
    #[serde(deserialize_with = "non_empty", skip_serializing_if = "Option::is_none")]
    pub last_handled_reconcile_at: Option<String>,
    /// What the last scan found.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_scan_result: Option<ScanResult>,
    /// Exclusion list of the last scan.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub observed_exclusion_list: Vec<String>,
    /// Generation that was last seen through.
    #[serde(skip_serializing_if = "is_zero")]
    pub observed_generation: i64,
}

/// What the last scan found.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ScanResult {
    /// The newest tags, as a sample.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub latest_tags: Vec<String>,
    /// Digest of the tag list.
    #[serde(deserialize_with = "non_empty", skip_serializing_if = "Option::is_none")]
    pub revision: Option<String>,
    /// When the scan ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scan_time: Option<Time>,
    /// How many tags there are.
    pub tag_count: i64,
}

/// What a `ImagePolicy` asks for.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ImagePolicySpec {
    /// When the digest of the chosen tag is looked up.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub digest_reflection_policy: Option<ReflectionPolicy>,
    /// Which tags take part, and what of them is compared.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub filter_tags: Option<TagFilter>,
    /// ImageRepository whose tags are chosen from.
    pub image_repository_ref: NamespacedObjectReference,
    /// How often to look up the digest; only with the policy `Always`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub interval: Option<Duration>,
    /// How the tag is chosen.
    pub policy: ImagePolicyChoice,
    /// Stops reconciliation until it is false again.
    #[serde(skip_serializing_if = "is_false")]
    pub suspend: bool,
    /// Fields that this version does not know; a controller refuses them instead of ignoring them.
    #[serde(flatten)]
    pub unknown: BTreeMap<String, Value>,
}

/// Which tags take part, and what of them is compared.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct TagFilter {
    /// Replacement that makes the compared text out of the pattern's groups.
    #[serde(deserialize_with = "non_empty", skip_serializing_if = "Option::is_none")]
    pub extract: Option<String>,
    /// Regular expression that a tag must match.
    #[serde(deserialize_with = "non_empty", skip_serializing_if = "Option::is_none")]
    pub pattern: Option<String>,
}

/// How the tag is chosen.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ImagePolicyChoice {
    /// Orders the tags as texts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub alphabetical: Option<OrderPolicy>,
    /// Orders the tags as numbers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub numerical: Option<OrderPolicy>,
    /// Orders the tags as versions.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub semver: Option<SemverPolicy>,
}

/// Orders the tags as texts.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct OrderPolicy {
    /// `asc` for the last, `desc` for the first.
    #[serde(deserialize_with = "non_empty", skip_serializing_if = "Option::is_none")]
    pub order: Option<String>,
}

/// Orders the tags as versions.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct SemverPolicy {
    /// Range of versions.
    pub range: String,
}

/// What was last observed of a `ImagePolicy`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ImagePolicyStatus {
    /// State of the object, one entry per aspect.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub conditions: Vec<Condition>,
    /// Last handled request for a reconciliation.
    #[serde(deserialize_with = "non_empty", skip_serializing_if = "Option::is_none")]
    pub last_handled_reconcile_at: Option<String>,
    /// The chosen image.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub latest_ref: Option<ImageRef>,
    /// Generation that was last seen through.
    #[serde(skip_serializing_if = "is_zero")]
    pub observed_generation: i64,
    /// The image that was chosen before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub observed_previous_ref: Option<ImageRef>,
}

/// The chosen image.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ImageRef {
    /// Digest of the image.
    #[serde(deserialize_with = "non_empty", skip_serializing_if = "Option::is_none")]
    pub digest: Option<String>,
    /// Name of the image.
    pub name: String,
    /// Tag of the image.
    pub tag: String,
}

/// What a `ImageUpdateAutomation` asks for.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ImageUpdateAutomationSpec {
    /// How to check out, commit and push.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub git: Option<GitSpec>,
    /// How often to reconcile.
    pub interval: Duration,
    /// Policies that are used; by default all of the namespace.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub policy_selector: Option<LabelSelector>,
    /// The source.
    pub source_ref: ObjectReference,
    /// Stops reconciliation until it is false again.
    #[serde(skip_serializing_if = "is_false")]
    pub suspend: bool,
    /// How files are updated.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub update: Option<UpdateStrategy>,
    /// Fields that this version does not know; a controller refuses them instead of ignoring them.
    #[serde(flatten)]
    pub unknown: BTreeMap<String, Value>,
}

/// How to check out, commit and push.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct GitSpec {
    /// What to check out; by default what the source has.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub checkout: Option<GitCheckout>,
    /// How the commit is made.
    pub commit: GitCommit,
    /// Where the commit goes; by default where it came from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub push: Option<GitPush>,
}

/// What to check out; by default what the source has.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct GitCheckout {
    /// Git reference to check out.
    #[serde(rename = "ref")]
    pub reference: GitReference,
}

/// How the commit is made.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct GitCommit {
    /// Author of the commit.
    pub author: CommitAuthor,
    /// Template of the commit message.
    #[serde(deserialize_with = "non_empty", skip_serializing_if = "Option::is_none")]
    pub message_template: Option<String>,
    /// Values for the template.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub message_template_values: BTreeMap<String, String>,
    /// Key to sign the commit with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub signing_key: Option<SigningKey>,
}

/// Author of the commit.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct CommitAuthor {
    /// Email address.
    pub email: String,
    /// Name.
    #[serde(deserialize_with = "non_empty", skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

/// Key to sign the commit with.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct SigningKey {
    /// Secret with the key and its passphrase.
    pub secret_ref: LocalObjectReference,
    /// Kind of the key.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub type_: Option<SigningKeyType>,
}

/// Where the commit goes; by default where it came from.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct GitPush {
    /// Branch to push to, made when it is missing.
    #[serde(deserialize_with = "non_empty", skip_serializing_if = "Option::is_none")]
    pub branch: Option<String>,
    /// Push options for the server.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub options: BTreeMap<String, String>,
    /// Refspec to push.
    #[serde(deserialize_with = "non_empty", skip_serializing_if = "Option::is_none")]
    pub refspec: Option<String>,
}

/// How files are updated.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct UpdateStrategy {
    /// Folder with the files to update.
    #[serde(deserialize_with = "non_empty", skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// How files are updated.
    #[serde(deserialize_with = "non_empty", skip_serializing_if = "Option::is_none")]
    pub strategy: Option<String>,
}

/// What was last observed of a `ImageUpdateAutomation`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ImageUpdateAutomationStatus {
    /// State of the object, one entry per aspect.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub conditions: Vec<Condition>,
    /// When the automation last ran.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_automation_run_time: Option<Time>,
    /// Last handled request for a reconciliation.
    #[serde(deserialize_with = "non_empty", skip_serializing_if = "Option::is_none")]
    pub last_handled_reconcile_at: Option<String>,
    /// Hash of the last pushed commit.
    #[serde(deserialize_with = "non_empty", skip_serializing_if = "Option::is_none")]
    pub last_push_commit: Option<String>,
    /// When the last commit was pushed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_push_time: Option<Time>,
    /// Generation that was last seen through.
    #[serde(skip_serializing_if = "is_zero")]
    pub observed_generation: i64,
    /// Images of the policies at the last run.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub observed_policies: BTreeMap<String, ImageRef>,
    /// Revision of the source at the last run.
    #[serde(deserialize_with = "non_empty", skip_serializing_if = "Option::is_none")]
    pub observed_source_revision: Option<String>,
}

string_enum! {
    /// When the digest is looked up.
    pub enum ReflectionPolicy {
        Always = "Always",
        IfNotPresent = "IfNotPresent",
        Never = "Never",
    }
}

string_enum! {
    /// Kind of the key.
    pub enum SigningKeyType {
        Gpg = "gpg",
        Ssh = "ssh",
    }
}

kind! {
    /// A repository of a container registry whose tags are scanned.
    ImageRepository(ImageRepositorySpec, ImageRepositoryStatus) in "image.toolkit.fluxcd.io" / "v1", "imagerepositories"
}
flux_object!(ImageRepository, ImageRepositoryStatus, suspend: true, generation: true, requests: true);

kind! {
    /// The rule that chooses one of the scanned tags.
    ImagePolicy(ImagePolicySpec, ImagePolicyStatus) in "image.toolkit.fluxcd.io" / "v1", "imagepolicies"
}
flux_object!(ImagePolicy, ImagePolicyStatus, suspend: true, generation: true, requests: true);

kind! {
    /// Writes chosen images into a Git repository and pushes the commit.
    ImageUpdateAutomation(ImageUpdateAutomationSpec, ImageUpdateAutomationStatus) in "image.toolkit.fluxcd.io" / "v1", "imageupdateautomations"
}
flux_object!(ImageUpdateAutomation, ImageUpdateAutomationStatus, suspend: true, generation: true, requests: true);
