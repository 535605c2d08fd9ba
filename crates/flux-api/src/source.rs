//! `source.toolkit.fluxcd.io`: where content comes from.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::meta::{
    AccessFrom, Artifact, Condition, GitReference, LocalObjectReference, ObjectReference, OidcIdentityMatch,
};
use crate::serde_rules::{is_false, is_zero, non_empty};
use crate::{Duration, SourceObject};

/// GitRepositorySpec
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct GitRepositorySpec {
    /// ignore
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ignore: Option<String>,
    /// include
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub include: Vec<GitInclude>,
    /// interval
    pub interval: Duration,
    /// provider
    #[serde(skip_serializing_if = "Option::is_none")]
    pub provider: Option<GitProvider>,
    /// proxySecretRef
    #[serde(skip_serializing_if = "Option::is_none")]
    pub proxy_secret_ref: Option<LocalObjectReference>,
    /// recurseSubmodules
    #[serde(skip_serializing_if = "is_false")]
    pub recurse_submodules: bool,
    /// ref
    #[serde(rename = "ref", skip_serializing_if = "Option::is_none")]
    pub reference: Option<GitReference>,
    /// secretRef
    #[serde(skip_serializing_if = "Option::is_none")]
    pub secret_ref: Option<LocalObjectReference>,
    /// serviceAccountName
    #[serde(deserialize_with = "non_empty", skip_serializing_if = "Option::is_none")]
    pub service_account_name: Option<String>,
    /// sparseCheckout
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub sparse_checkout: Vec<String>,
    /// suspend
    #[serde(skip_serializing_if = "is_false")]
    pub suspend: bool,
    /// timeout
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timeout: Option<Duration>,
    /// url
    pub url: String,
    /// verify
    #[serde(skip_serializing_if = "Option::is_none")]
    pub verify: Option<GitVerification>,
    /// Fields that this version does not know; a controller refuses them instead of ignoring them.
    #[serde(flatten)]
    pub unknown: BTreeMap<String, Value>,
}

/// GitInclude
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct GitInclude {
    /// fromPath
    #[serde(deserialize_with = "non_empty", skip_serializing_if = "Option::is_none")]
    pub from_path: Option<String>,
    /// repository
    pub repository: LocalObjectReference,
    /// toPath
    #[serde(deserialize_with = "non_empty", skip_serializing_if = "Option::is_none")]
    pub to_path: Option<String>,
}

/// GitVerification
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct GitVerification {
    /// mode
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mode: Option<GitVerificationMode>,
    /// secretRef
    pub secret_ref: LocalObjectReference,
}

/// GitRepositoryStatus
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct GitRepositoryStatus {
    /// artifact
    #[serde(skip_serializing_if = "Option::is_none")]
    pub artifact: Option<Artifact>,
    /// conditions
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub conditions: Vec<Condition>,
    /// includedArtifacts
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub included_artifacts: Vec<Artifact>,
    /// lastHandledReconcileAt
    #[serde(deserialize_with = "non_empty", skip_serializing_if = "Option::is_none")]
    pub last_handled_reconcile_at: Option<String>,
    /// observedGeneration
    #[serde(skip_serializing_if = "is_zero")]
    pub observed_generation: i64,
    /// observedIgnore
    #[serde(skip_serializing_if = "Option::is_none")]
    pub observed_ignore: Option<String>,
    /// observedInclude
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub observed_include: Vec<GitInclude>,
    /// observedRecurseSubmodules
    #[serde(skip_serializing_if = "is_false")]
    pub observed_recurse_submodules: bool,
    /// observedSparseCheckout
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub observed_sparse_checkout: Vec<String>,
    /// sourceVerificationMode
    #[serde(deserialize_with = "non_empty", skip_serializing_if = "Option::is_none")]
    pub source_verification_mode: Option<String>,
}

/// OCIRepositorySpec
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct OCIRepositorySpec {
    /// certSecretRef
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cert_secret_ref: Option<LocalObjectReference>,
    /// ignore
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ignore: Option<String>,
    /// insecure
    #[serde(skip_serializing_if = "is_false")]
    pub insecure: bool,
    /// interval
    pub interval: Duration,
    /// layerSelector
    #[serde(skip_serializing_if = "Option::is_none")]
    pub layer_selector: Option<LayerSelector>,
    /// provider
    #[serde(skip_serializing_if = "Option::is_none")]
    pub provider: Option<OciProvider>,
    /// proxySecretRef
    #[serde(skip_serializing_if = "Option::is_none")]
    pub proxy_secret_ref: Option<LocalObjectReference>,
    /// ref
    #[serde(rename = "ref", skip_serializing_if = "Option::is_none")]
    pub reference: Option<OciReference>,
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
    /// url
    pub url: String,
    /// verify
    #[serde(skip_serializing_if = "Option::is_none")]
    pub verify: Option<OciVerification>,
    /// Fields that this version does not know; a controller refuses them instead of ignoring them.
    #[serde(flatten)]
    pub unknown: BTreeMap<String, Value>,
}

/// LayerSelector
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct LayerSelector {
    /// mediaType
    #[serde(deserialize_with = "non_empty", skip_serializing_if = "Option::is_none")]
    pub media_type: Option<String>,
    /// operation
    #[serde(skip_serializing_if = "Option::is_none")]
    pub operation: Option<LayerOperation>,
}

/// OciReference
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct OciReference {
    /// digest
    #[serde(deserialize_with = "non_empty", skip_serializing_if = "Option::is_none")]
    pub digest: Option<String>,
    /// semver
    #[serde(deserialize_with = "non_empty", skip_serializing_if = "Option::is_none")]
    pub semver: Option<String>,
    /// semverFilter
    #[serde(deserialize_with = "non_empty", skip_serializing_if = "Option::is_none")]
    pub semver_filter: Option<String>,
    /// tag
    #[serde(deserialize_with = "non_empty", skip_serializing_if = "Option::is_none")]
    pub tag: Option<String>,
}

/// OciVerification
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct OciVerification {
    /// matchOIDCIdentity
    #[serde(rename = "matchOIDCIdentity", skip_serializing_if = "Vec::is_empty")]
    pub match_oidc_identity: Vec<OidcIdentityMatch>,
    /// provider
    pub provider: String,
    /// secretRef
    #[serde(skip_serializing_if = "Option::is_none")]
    pub secret_ref: Option<LocalObjectReference>,
    /// trustedRootSecretRef
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trusted_root_secret_ref: Option<LocalObjectReference>,
}

/// OCIRepositoryStatus
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct OCIRepositoryStatus {
    /// artifact
    #[serde(skip_serializing_if = "Option::is_none")]
    pub artifact: Option<Artifact>,
    /// conditions
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub conditions: Vec<Condition>,
    /// lastHandledReconcileAt
    #[serde(deserialize_with = "non_empty", skip_serializing_if = "Option::is_none")]
    pub last_handled_reconcile_at: Option<String>,
    /// observedGeneration
    #[serde(skip_serializing_if = "is_zero")]
    pub observed_generation: i64,
    /// observedIgnore
    #[serde(skip_serializing_if = "Option::is_none")]
    pub observed_ignore: Option<String>,
    /// observedLayerSelector
    #[serde(skip_serializing_if = "Option::is_none")]
    pub observed_layer_selector: Option<LayerSelector>,
    /// url
    #[serde(deserialize_with = "non_empty", skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
}

/// BucketSpec
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct BucketSpec {
    /// bucketName
    pub bucket_name: String,
    /// certSecretRef
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cert_secret_ref: Option<LocalObjectReference>,
    /// endpoint
    pub endpoint: String,
    /// ignore
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ignore: Option<String>,
    /// insecure
    #[serde(skip_serializing_if = "is_false")]
    pub insecure: bool,
    /// interval
    pub interval: Duration,
    /// prefix
    #[serde(deserialize_with = "non_empty", skip_serializing_if = "Option::is_none")]
    pub prefix: Option<String>,
    /// provider
    #[serde(deserialize_with = "non_empty", skip_serializing_if = "Option::is_none")]
    pub provider: Option<String>,
    /// proxySecretRef
    #[serde(skip_serializing_if = "Option::is_none")]
    pub proxy_secret_ref: Option<LocalObjectReference>,
    /// region
    #[serde(deserialize_with = "non_empty", skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    /// secretRef
    #[serde(skip_serializing_if = "Option::is_none")]
    pub secret_ref: Option<LocalObjectReference>,
    /// serviceAccountName
    #[serde(deserialize_with = "non_empty", skip_serializing_if = "Option::is_none")]
    pub service_account_name: Option<String>,
    /// sts
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sts: Option<BucketSts>,
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

/// BucketSts
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct BucketSts {
    /// certSecretRef
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cert_secret_ref: Option<LocalObjectReference>,
    /// endpoint
    pub endpoint: String,
    /// provider
    pub provider: String,
    /// secretRef
    #[serde(skip_serializing_if = "Option::is_none")]
    pub secret_ref: Option<LocalObjectReference>,
}

/// BucketStatus
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct BucketStatus {
    /// artifact
    #[serde(skip_serializing_if = "Option::is_none")]
    pub artifact: Option<Artifact>,
    /// conditions
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub conditions: Vec<Condition>,
    /// lastHandledReconcileAt
    #[serde(deserialize_with = "non_empty", skip_serializing_if = "Option::is_none")]
    pub last_handled_reconcile_at: Option<String>,
    /// observedGeneration
    #[serde(skip_serializing_if = "is_zero")]
    pub observed_generation: i64,
    /// observedIgnore
    #[serde(skip_serializing_if = "Option::is_none")]
    pub observed_ignore: Option<String>,
    /// url
    #[serde(deserialize_with = "non_empty", skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
}

/// HelmRepositorySpec
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct HelmRepositorySpec {
    /// accessFrom
    #[serde(skip_serializing_if = "Option::is_none")]
    pub access_from: Option<AccessFrom>,
    /// certSecretRef
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cert_secret_ref: Option<LocalObjectReference>,
    /// insecure
    #[serde(skip_serializing_if = "is_false")]
    pub insecure: bool,
    /// interval
    #[serde(skip_serializing_if = "Option::is_none")]
    pub interval: Option<Duration>,
    /// passCredentials
    #[serde(skip_serializing_if = "is_false")]
    pub pass_credentials: bool,
    /// provider
    #[serde(deserialize_with = "non_empty", skip_serializing_if = "Option::is_none")]
    pub provider: Option<String>,
    /// secretRef
    #[serde(skip_serializing_if = "Option::is_none")]
    pub secret_ref: Option<LocalObjectReference>,
    /// suspend
    #[serde(skip_serializing_if = "is_false")]
    pub suspend: bool,
    /// timeout
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timeout: Option<Duration>,
    /// type
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub type_: Option<HelmRepositoryType>,
    /// url
    pub url: String,
    /// Fields that this version does not know; a controller refuses them instead of ignoring them.
    #[serde(flatten)]
    pub unknown: BTreeMap<String, Value>,
}

/// HelmRepositoryStatus
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct HelmRepositoryStatus {
    /// artifact
    #[serde(skip_serializing_if = "Option::is_none")]
    pub artifact: Option<Artifact>,
    /// conditions
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub conditions: Vec<Condition>,
    /// lastHandledReconcileAt
    #[serde(deserialize_with = "non_empty", skip_serializing_if = "Option::is_none")]
    pub last_handled_reconcile_at: Option<String>,
    /// observedGeneration
    #[serde(skip_serializing_if = "is_zero")]
    pub observed_generation: i64,
    /// url
    #[serde(deserialize_with = "non_empty", skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
}

/// HelmChartSpec
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct HelmChartSpec {
    /// chart
    pub chart: String,
    /// ignoreMissingValuesFiles
    #[serde(skip_serializing_if = "is_false")]
    pub ignore_missing_values_files: bool,
    /// interval
    pub interval: Duration,
    /// reconcileStrategy
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reconcile_strategy: Option<ReconcileStrategy>,
    /// sourceRef
    pub source_ref: ObjectReference,
    /// suspend
    #[serde(skip_serializing_if = "is_false")]
    pub suspend: bool,
    /// valuesFiles
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub values_files: Vec<String>,
    /// verify
    #[serde(skip_serializing_if = "Option::is_none")]
    pub verify: Option<OciVerification>,
    /// version
    #[serde(deserialize_with = "non_empty", skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// Fields that this version does not know; a controller refuses them instead of ignoring them.
    #[serde(flatten)]
    pub unknown: BTreeMap<String, Value>,
}

/// HelmChartStatus
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct HelmChartStatus {
    /// artifact
    #[serde(skip_serializing_if = "Option::is_none")]
    pub artifact: Option<Artifact>,
    /// conditions
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub conditions: Vec<Condition>,
    /// lastHandledReconcileAt
    #[serde(deserialize_with = "non_empty", skip_serializing_if = "Option::is_none")]
    pub last_handled_reconcile_at: Option<String>,
    /// observedChartName
    #[serde(deserialize_with = "non_empty", skip_serializing_if = "Option::is_none")]
    pub observed_chart_name: Option<String>,
    /// observedGeneration
    #[serde(skip_serializing_if = "is_zero")]
    pub observed_generation: i64,
    /// observedSourceArtifactRevision
    #[serde(deserialize_with = "non_empty", skip_serializing_if = "Option::is_none")]
    pub observed_source_artifact_revision: Option<String>,
    /// observedValuesFiles
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub observed_values_files: Vec<String>,
    /// url
    #[serde(deserialize_with = "non_empty", skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
}

/// ExternalArtifactSpec
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ExternalArtifactSpec {
    /// sourceRef
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source_ref: Option<ObjectReference>,
    /// Fields that this version does not know; a controller refuses them instead of ignoring them.
    #[serde(flatten)]
    pub unknown: BTreeMap<String, Value>,
}

/// ExternalArtifactStatus
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ExternalArtifactStatus {
    /// artifact
    #[serde(skip_serializing_if = "Option::is_none")]
    pub artifact: Option<Artifact>,
    /// conditions
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub conditions: Vec<Condition>,
}

string_enum! {
    /// GitProvider
    pub enum GitProvider {
        Generic = "generic",
        Aws = "aws",
        Azure = "azure",
        Github = "github",
    }
}

string_enum! {
    /// GitVerificationMode
    pub enum GitVerificationMode {
        LegacyHead = "head",
        Head = "HEAD",
        Tag = "Tag",
        TagAndHEAD = "TagAndHEAD",
    }
}

string_enum! {
    /// LayerOperation
    pub enum LayerOperation {
        Extract = "extract",
        Copy = "copy",
    }
}

string_enum! {
    /// OciProvider
    pub enum OciProvider {
        Generic = "generic",
        Aws = "aws",
        Azure = "azure",
        Gcp = "gcp",
    }
}

string_enum! {
    /// HelmRepositoryType
    pub enum HelmRepositoryType {
        Default = "default",
        Oci = "oci",
    }
}

string_enum! {
    /// ReconcileStrategy
    pub enum ReconcileStrategy {
        ChartVersion = "ChartVersion",
        Revision = "Revision",
    }
}

kind! {
    /// GitRepository
    GitRepository(GitRepositorySpec, GitRepositoryStatus) in "source.toolkit.fluxcd.io" / "v1", "gitrepositories"
}
flux_object!(GitRepository, GitRepositoryStatus, suspend: true, generation: true, requests: true);

impl SourceObject for GitRepository {
    fn artifact(&self) -> Option<&Artifact> {
        self.status.as_ref()?.artifact.as_ref()
    }
}

kind! {
    /// OCIRepository
    OCIRepository(OCIRepositorySpec, OCIRepositoryStatus) in "source.toolkit.fluxcd.io" / "v1", "ocirepositories"
}
flux_object!(OCIRepository, OCIRepositoryStatus, suspend: true, generation: true, requests: true);

impl SourceObject for OCIRepository {
    fn artifact(&self) -> Option<&Artifact> {
        self.status.as_ref()?.artifact.as_ref()
    }
}

kind! {
    /// Bucket
    Bucket(BucketSpec, BucketStatus) in "source.toolkit.fluxcd.io" / "v1", "buckets"
}
flux_object!(Bucket, BucketStatus, suspend: true, generation: true, requests: true);

impl SourceObject for Bucket {
    fn artifact(&self) -> Option<&Artifact> {
        self.status.as_ref()?.artifact.as_ref()
    }
}

kind! {
    /// HelmRepository
    HelmRepository(HelmRepositorySpec, HelmRepositoryStatus) in "source.toolkit.fluxcd.io" / "v1", "helmrepositories"
}
flux_object!(HelmRepository, HelmRepositoryStatus, suspend: true, generation: true, requests: true);

impl SourceObject for HelmRepository {
    fn artifact(&self) -> Option<&Artifact> {
        self.status.as_ref()?.artifact.as_ref()
    }
}

kind! {
    /// HelmChart
    HelmChart(HelmChartSpec, HelmChartStatus) in "source.toolkit.fluxcd.io" / "v1", "helmcharts"
}
flux_object!(HelmChart, HelmChartStatus, suspend: true, generation: true, requests: true);

impl SourceObject for HelmChart {
    fn artifact(&self) -> Option<&Artifact> {
        self.status.as_ref()?.artifact.as_ref()
    }
}

kind! {
    /// ExternalArtifact
    ExternalArtifact(ExternalArtifactSpec, ExternalArtifactStatus) in "source.toolkit.fluxcd.io" / "v1", "externalartifacts"
}
flux_object!(ExternalArtifact, ExternalArtifactStatus, suspend: false, generation: false, requests: false);

impl SourceObject for ExternalArtifact {
    fn artifact(&self) -> Option<&Artifact> {
        self.status.as_ref()?.artifact.as_ref()
    }
}
