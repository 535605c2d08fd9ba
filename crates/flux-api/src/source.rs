//! `source.toolkit.fluxcd.io`: where content comes from.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::meta::{
    AccessFrom, Artifact, Condition, GitReference, LocalObjectReference, ObjectReference, OidcIdentityMatch,
};
use crate::serde_rules::{is_false, is_zero, non_empty};
use crate::{Duration, SourceObject};

/// What a `GitRepository` asks for.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct GitRepositorySpec {
    /// Patterns of files to leave out, in .gitignore syntax; replaces the default list.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ignore: Option<String>,
    /// Artifacts of other Git repositories to copy in.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub include: Vec<GitInclude>,
    /// How often to reconcile.
    pub interval: Duration,
    /// How to log in: `generic` or one of the clouds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub provider: Option<GitProvider>,
    /// Secret with the address and login of a proxy.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub proxy_secret_ref: Option<LocalObjectReference>,
    /// Fetches submodules too.
    #[serde(skip_serializing_if = "is_false")]
    pub recurse_submodules: bool,
    /// Which version to use.
    #[serde(rename = "ref", skip_serializing_if = "Option::is_none")]
    pub reference: Option<GitReference>,
    /// Secret with the credentials.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub secret_ref: Option<LocalObjectReference>,
    /// ServiceAccount to act as.
    #[serde(deserialize_with = "non_empty", skip_serializing_if = "Option::is_none")]
    pub service_account_name: Option<String>,
    /// Folders to check out; by default all.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub sparse_checkout: Vec<String>,
    /// Stops reconciliation until it is false again.
    #[serde(skip_serializing_if = "is_false")]
    pub suspend: bool,
    /// How long one operation may take.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timeout: Option<Duration>,
    /// Address of the repository, HTTP or SSH.
    pub url: String,
    /// How the content's signature is verified.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub verify: Option<GitVerification>,
    /// Fields that this version does not know; a controller refuses them instead of ignoring them.
    #[serde(flatten)]
    pub unknown: BTreeMap<String, Value>,
}

/// Artifacts of other Git repositories to copy in.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct GitInclude {
    /// Folder to copy from; by default all.
    #[serde(deserialize_with = "non_empty", skip_serializing_if = "Option::is_none")]
    pub from_path: Option<String>,
    /// GitRepository to copy from.
    pub repository: LocalObjectReference,
    /// Folder to copy to; by default the repository's name.
    #[serde(deserialize_with = "non_empty", skip_serializing_if = "Option::is_none")]
    pub to_path: Option<String>,
}

/// How the content's signature is verified.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct GitVerification {
    /// Which of commit and tag must be signed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mode: Option<GitVerificationMode>,
    /// Secret with the trusted public keys.
    pub secret_ref: LocalObjectReference,
}

/// What was last observed of a `GitRepository`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct GitRepositoryStatus {
    /// The artifact of the last good attempt.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub artifact: Option<Artifact>,
    /// State of the object, one entry per aspect.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub conditions: Vec<Condition>,
    /// The artifacts that were copied in.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub included_artifacts: Vec<Artifact>,
    /// Last handled request for a reconciliation.
    #[serde(deserialize_with = "non_empty", skip_serializing_if = "Option::is_none")]
    pub last_handled_reconcile_at: Option<String>,
    /// Generation that was last seen through.
    #[serde(skip_serializing_if = "is_zero")]
    pub observed_generation: i64,
    /// Ignore rules of the artifact.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub observed_ignore: Option<String>,
    /// Included repositories of the artifact.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub observed_include: Vec<GitInclude>,
    /// Whether the artifact has submodules.
    #[serde(skip_serializing_if = "is_false")]
    pub observed_recurse_submodules: bool,
    /// Folders of the artifact.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub observed_sparse_checkout: Vec<String>,
    /// Mode of the last good verification.
    #[serde(deserialize_with = "non_empty", skip_serializing_if = "Option::is_none")]
    pub source_verification_mode: Option<String>,
}

/// What a `OCIRepository` asks for.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct OCIRepositorySpec {
    /// Secret with `ca.crt`, and `tls.crt` and `tls.key` for a client certificate.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cert_secret_ref: Option<LocalObjectReference>,
    /// Patterns of files to leave out, in .gitignore syntax; replaces the default list.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ignore: Option<String>,
    /// Allows plain HTTP and unverified certificates.
    #[serde(skip_serializing_if = "is_false")]
    pub insecure: bool,
    /// How often to reconcile.
    pub interval: Duration,
    /// Which layer to use, and how.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub layer_selector: Option<LayerSelector>,
    /// How to log in: `generic` or one of the clouds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub provider: Option<OciProvider>,
    /// Secret with the address and login of a proxy.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub proxy_secret_ref: Option<LocalObjectReference>,
    /// Which version to use.
    #[serde(rename = "ref", skip_serializing_if = "Option::is_none")]
    pub reference: Option<OciReference>,
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
    /// Address of the repository, `oci://host/name`.
    pub url: String,
    /// How the content's signature is verified.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub verify: Option<OciVerification>,
    /// Fields that this version does not know; a controller refuses them instead of ignoring them.
    #[serde(flatten)]
    pub unknown: BTreeMap<String, Value>,
}

/// Which layer to use, and how.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct LayerSelector {
    /// Media type of the layer; by default the first one.
    #[serde(deserialize_with = "non_empty", skip_serializing_if = "Option::is_none")]
    pub media_type: Option<String>,
    /// Whether the layer is unpacked or stored as it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub operation: Option<LayerOperation>,
}

/// Which version of an OCI artifact; the order of precedence is digest, semver, tag.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct OciReference {
    /// Digest to use; goes before the others.
    #[serde(deserialize_with = "non_empty", skip_serializing_if = "Option::is_none")]
    pub digest: Option<String>,
    /// Range of versions; the highest tag in it is used.
    #[serde(deserialize_with = "non_empty", skip_serializing_if = "Option::is_none")]
    pub semver: Option<String>,
    /// Regular expression that tags must match first.
    #[serde(deserialize_with = "non_empty", skip_serializing_if = "Option::is_none")]
    pub semver_filter: Option<String>,
    /// Tag to use.
    #[serde(deserialize_with = "non_empty", skip_serializing_if = "Option::is_none")]
    pub tag: Option<String>,
}

/// How the content's signature is verified.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct OciVerification {
    /// Identities of which one must have signed.
    #[serde(rename = "matchOIDCIdentity", skip_serializing_if = "Vec::is_empty")]
    pub match_oidc_identity: Vec<OidcIdentityMatch>,
    /// Tool that made the signature.
    pub provider: String,
    /// Secret with the trusted public keys.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub secret_ref: Option<LocalObjectReference>,
    /// Secret with `trusted_root.json` of an own Sigstore.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trusted_root_secret_ref: Option<LocalObjectReference>,
}

/// What was last observed of a `OCIRepository`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct OCIRepositoryStatus {
    /// The artifact of the last good attempt.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub artifact: Option<Artifact>,
    /// State of the object, one entry per aspect.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub conditions: Vec<Condition>,
    /// Last handled request for a reconciliation.
    #[serde(deserialize_with = "non_empty", skip_serializing_if = "Option::is_none")]
    pub last_handled_reconcile_at: Option<String>,
    /// Generation that was last seen through.
    #[serde(skip_serializing_if = "is_zero")]
    pub observed_generation: i64,
    /// Ignore rules of the artifact.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub observed_ignore: Option<String>,
    /// Layer of the artifact, and how it was stored.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub observed_layer_selector: Option<LayerSelector>,
    /// Address of the latest artifact.
    #[serde(deserialize_with = "non_empty", skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
}

/// What a `Bucket` asks for.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct BucketSpec {
    /// Name of the bucket.
    pub bucket_name: String,
    /// Secret with `ca.crt`, and `tls.crt` and `tls.key` for a client certificate.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cert_secret_ref: Option<LocalObjectReference>,
    /// Address of the object store.
    pub endpoint: String,
    /// Patterns of files to leave out, in .gitignore syntax; replaces the default list.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ignore: Option<String>,
    /// Allows plain HTTP and unverified certificates.
    #[serde(skip_serializing_if = "is_false")]
    pub insecure: bool,
    /// How often to reconcile.
    pub interval: Duration,
    /// Only objects whose key begins with this.
    #[serde(deserialize_with = "non_empty", skip_serializing_if = "Option::is_none")]
    pub prefix: Option<String>,
    /// How to log in: `generic` or one of the clouds.
    #[serde(deserialize_with = "non_empty", skip_serializing_if = "Option::is_none")]
    pub provider: Option<String>,
    /// Secret with the address and login of a proxy.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub proxy_secret_ref: Option<LocalObjectReference>,
    /// Region of the bucket.
    #[serde(deserialize_with = "non_empty", skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    /// Secret with the credentials.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub secret_ref: Option<LocalObjectReference>,
    /// ServiceAccount to act as.
    #[serde(deserialize_with = "non_empty", skip_serializing_if = "Option::is_none")]
    pub service_account_name: Option<String>,
    /// Token service that gives temporary credentials.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sts: Option<BucketSts>,
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

/// Token service that gives temporary credentials.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct BucketSts {
    /// Secret with `ca.crt`, and `tls.crt` and `tls.key` for a client certificate.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cert_secret_ref: Option<LocalObjectReference>,
    /// Address of the token service.
    pub endpoint: String,
    /// Kind of the token service.
    pub provider: String,
    /// Secret with the credentials.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub secret_ref: Option<LocalObjectReference>,
}

/// What was last observed of a `Bucket`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct BucketStatus {
    /// The artifact of the last good attempt.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub artifact: Option<Artifact>,
    /// State of the object, one entry per aspect.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub conditions: Vec<Condition>,
    /// Last handled request for a reconciliation.
    #[serde(deserialize_with = "non_empty", skip_serializing_if = "Option::is_none")]
    pub last_handled_reconcile_at: Option<String>,
    /// Generation that was last seen through.
    #[serde(skip_serializing_if = "is_zero")]
    pub observed_generation: i64,
    /// Ignore rules of the artifact.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub observed_ignore: Option<String>,
    /// Address of the latest artifact.
    #[serde(deserialize_with = "non_empty", skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
}

/// What a `HelmRepository` asks for.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct HelmRepositorySpec {
    /// Namespaces that may refer to this object; without it only its own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub access_from: Option<AccessFrom>,
    /// Secret with `ca.crt`, and `tls.crt` and `tls.key` for a client certificate.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cert_secret_ref: Option<LocalObjectReference>,
    /// Allows plain HTTP and unverified certificates.
    #[serde(skip_serializing_if = "is_false")]
    pub insecure: bool,
    /// How often to reconcile.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub interval: Option<Duration>,
    /// Sends credentials to other hosts that the index names.
    #[serde(skip_serializing_if = "is_false")]
    pub pass_credentials: bool,
    /// How to log in: `generic` or one of the clouds.
    #[serde(deserialize_with = "non_empty", skip_serializing_if = "Option::is_none")]
    pub provider: Option<String>,
    /// Secret with the credentials.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub secret_ref: Option<LocalObjectReference>,
    /// Stops reconciliation until it is false again.
    #[serde(skip_serializing_if = "is_false")]
    pub suspend: bool,
    /// How long one operation may take.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timeout: Option<Duration>,
    /// `default` for HTTP with an index, `oci` for a registry.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub type_: Option<HelmRepositoryType>,
    /// Address of the repository.
    pub url: String,
    /// Fields that this version does not know; a controller refuses them instead of ignoring them.
    #[serde(flatten)]
    pub unknown: BTreeMap<String, Value>,
}

/// What was last observed of a `HelmRepository`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct HelmRepositoryStatus {
    /// The artifact of the last good attempt.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub artifact: Option<Artifact>,
    /// State of the object, one entry per aspect.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub conditions: Vec<Condition>,
    /// Last handled request for a reconciliation.
    #[serde(deserialize_with = "non_empty", skip_serializing_if = "Option::is_none")]
    pub last_handled_reconcile_at: Option<String>,
    /// Generation that was last seen through.
    #[serde(skip_serializing_if = "is_zero")]
    pub observed_generation: i64,
    /// Address of the latest artifact.
    #[serde(deserialize_with = "non_empty", skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
}

/// What a `HelmChart` asks for.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct HelmChartSpec {
    /// Name of the chart, or its path in the source.
    pub chart: String,
    /// Leaves out values files that do not exist.
    #[serde(skip_serializing_if = "is_false")]
    pub ignore_missing_values_files: bool,
    /// How often to reconcile.
    pub interval: Duration,
    /// Whether a new version or any new revision makes a new chart.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reconcile_strategy: Option<ReconcileStrategy>,
    /// The source.
    pub source_ref: ObjectReference,
    /// Stops reconciliation until it is false again.
    #[serde(skip_serializing_if = "is_false")]
    pub suspend: bool,
    /// Values files of the chart, in order.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub values_files: Vec<String>,
    /// How the content's signature is verified.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub verify: Option<OciVerification>,
    /// Range of chart versions.
    #[serde(deserialize_with = "non_empty", skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// Fields that this version does not know; a controller refuses them instead of ignoring them.
    #[serde(flatten)]
    pub unknown: BTreeMap<String, Value>,
}

/// What was last observed of a `HelmChart`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct HelmChartStatus {
    /// The artifact of the last good attempt.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub artifact: Option<Artifact>,
    /// State of the object, one entry per aspect.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub conditions: Vec<Condition>,
    /// Last handled request for a reconciliation.
    #[serde(deserialize_with = "non_empty", skip_serializing_if = "Option::is_none")]
    pub last_handled_reconcile_at: Option<String>,
    /// Chart name of the last good attempt.
    #[serde(deserialize_with = "non_empty", skip_serializing_if = "Option::is_none")]
    pub observed_chart_name: Option<String>,
    /// Generation that was last seen through.
    #[serde(skip_serializing_if = "is_zero")]
    pub observed_generation: i64,
    /// Revision of the source of the chart.
    #[serde(deserialize_with = "non_empty", skip_serializing_if = "Option::is_none")]
    pub observed_source_artifact_revision: Option<String>,
    /// Values files of the chart.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub observed_values_files: Vec<String>,
    /// Address of the latest artifact.
    #[serde(deserialize_with = "non_empty", skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
}

/// What a `ExternalArtifact` asks for.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ExternalArtifactSpec {
    /// The source.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source_ref: Option<ObjectReference>,
    /// Fields that this version does not know; a controller refuses them instead of ignoring them.
    #[serde(flatten)]
    pub unknown: BTreeMap<String, Value>,
}

/// What was last observed of a `ExternalArtifact`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ExternalArtifactStatus {
    /// The artifact of the last good attempt.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub artifact: Option<Artifact>,
    /// State of the object, one entry per aspect.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub conditions: Vec<Condition>,
}

string_enum! {
    /// How to log in at the Git server.
    pub enum GitProvider {
        Generic = "generic",
        Aws = "aws",
        Azure = "azure",
        Github = "github",
    }
}

string_enum! {
    /// Which of commit and tag must be signed.
    pub enum GitVerificationMode {
        LegacyHead = "head",
        Head = "HEAD",
        Tag = "Tag",
        TagAndHEAD = "TagAndHEAD",
    }
}

string_enum! {
    /// What happens to the layer.
    pub enum LayerOperation {
        Extract = "extract",
        Copy = "copy",
    }
}

string_enum! {
    /// How to log in at the registry.
    pub enum OciProvider {
        Generic = "generic",
        Aws = "aws",
        Azure = "azure",
        Gcp = "gcp",
    }
}

string_enum! {
    /// Kind of chart repository.
    pub enum HelmRepositoryType {
        Default = "default",
        Oci = "oci",
    }
}

string_enum! {
    /// When a new chart is made.
    pub enum ReconcileStrategy {
        ChartVersion = "ChartVersion",
        Revision = "Revision",
    }
}

kind! {
    /// A branch, tag or commit of a Git repository, served as an artifact.
    GitRepository(GitRepositorySpec, GitRepositoryStatus) in "source.toolkit.fluxcd.io" / "v1", "gitrepositories"
}
flux_object!(GitRepository, GitRepositoryStatus, suspend: true, generation: true, requests: true);

impl SourceObject for GitRepository {
    fn artifact(&self) -> Option<&Artifact> {
        self.status.as_ref()?.artifact.as_ref()
    }
}

kind! {
    /// The content of an OCI artifact in a registry, served as an artifact.
    OCIRepository(OCIRepositorySpec, OCIRepositoryStatus) in "source.toolkit.fluxcd.io" / "v1", "ocirepositories"
}
flux_object!(OCIRepository, OCIRepositoryStatus, suspend: true, generation: true, requests: true);

impl SourceObject for OCIRepository {
    fn artifact(&self) -> Option<&Artifact> {
        self.status.as_ref()?.artifact.as_ref()
    }
}

kind! {
    /// The objects of an S3-compatible, Google or Azure bucket, served as an artifact.
    Bucket(BucketSpec, BucketStatus) in "source.toolkit.fluxcd.io" / "v1", "buckets"
}
flux_object!(Bucket, BucketStatus, suspend: true, generation: true, requests: true);

impl SourceObject for Bucket {
    fn artifact(&self) -> Option<&Artifact> {
        self.status.as_ref()?.artifact.as_ref()
    }
}

kind! {
    /// A Helm chart repository, HTTP with an index or OCI.
    HelmRepository(HelmRepositorySpec, HelmRepositoryStatus) in "source.toolkit.fluxcd.io" / "v1", "helmrepositories"
}
flux_object!(HelmRepository, HelmRepositoryStatus, suspend: true, generation: true, requests: true);

impl SourceObject for HelmRepository {
    fn artifact(&self) -> Option<&Artifact> {
        self.status.as_ref()?.artifact.as_ref()
    }
}

kind! {
    /// One chart from a Helm repository, a Git repository or a bucket, packaged as an artifact.
    HelmChart(HelmChartSpec, HelmChartStatus) in "source.toolkit.fluxcd.io" / "v1", "helmcharts"
}
flux_object!(HelmChart, HelmChartStatus, suspend: true, generation: true, requests: true);

impl SourceObject for HelmChart {
    fn artifact(&self) -> Option<&Artifact> {
        self.status.as_ref()?.artifact.as_ref()
    }
}

kind! {
    /// An artifact that something outside the source controllers produces.
    ExternalArtifact(ExternalArtifactSpec, ExternalArtifactStatus) in "source.toolkit.fluxcd.io" / "v1", "externalartifacts"
}
flux_object!(ExternalArtifact, ExternalArtifactStatus, suspend: false, generation: false, requests: false);

impl SourceObject for ExternalArtifact {
    fn artifact(&self) -> Option<&Artifact> {
        self.status.as_ref()?.artifact.as_ref()
    }
}
