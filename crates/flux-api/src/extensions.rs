//! `source.extensions.fluxcd.io`: artifacts made of other artifacts.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::meta::{CommonMetadata, Condition};
use crate::serde_rules::non_empty;

/// ArtifactGeneratorSpec
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ArtifactGeneratorSpec {
    /// artifacts
    pub artifacts: Vec<OutputArtifact>,
    /// commonMetadata
    #[serde(skip_serializing_if = "Option::is_none")]
    pub common_metadata: Option<CommonMetadata>,
    /// pathPattern
    #[serde(deserialize_with = "non_empty", skip_serializing_if = "Option::is_none")]
    pub path_pattern: Option<String>,
    /// sources
    pub sources: Vec<SourceReference>,
    /// Fields that this version does not know; a controller refuses them instead of ignoring them.
    #[serde(flatten)]
    pub unknown: BTreeMap<String, Value>,
}

/// OutputArtifact
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct OutputArtifact {
    /// copy
    pub copy: Vec<CopyOperation>,
    /// name
    pub name: String,
    /// originRevision
    #[serde(deserialize_with = "non_empty", skip_serializing_if = "Option::is_none")]
    pub origin_revision: Option<String>,
    /// revision
    #[serde(deserialize_with = "non_empty", skip_serializing_if = "Option::is_none")]
    pub revision: Option<String>,
}

/// CopyOperation
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct CopyOperation {
    /// exclude
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub exclude: Vec<String>,
    /// from
    pub from: String,
    /// strategy
    #[serde(skip_serializing_if = "Option::is_none")]
    pub strategy: Option<CopyStrategy>,
    /// to
    pub to: String,
}

/// SourceReference
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct SourceReference {
    /// alias
    pub alias: String,
    /// kind
    pub kind: String,
    /// name
    pub name: String,
    /// namespace
    #[serde(deserialize_with = "non_empty", skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
}

/// ArtifactGeneratorStatus
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ArtifactGeneratorStatus {
    /// conditions
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub conditions: Vec<Condition>,
    /// inventory
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub inventory: Vec<ExternalArtifactReference>,
    /// lastHandledReconcileAt
    #[serde(deserialize_with = "non_empty", skip_serializing_if = "Option::is_none")]
    pub last_handled_reconcile_at: Option<String>,
    /// observedSourcesDigest
    #[serde(deserialize_with = "non_empty", skip_serializing_if = "Option::is_none")]
    pub observed_sources_digest: Option<String>,
}

/// ExternalArtifactReference
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ExternalArtifactReference {
    /// digest
    pub digest: String,
    /// filename
    pub filename: String,
    /// name
    pub name: String,
    /// namespace
    pub namespace: String,
}

string_enum! {
    /// CopyStrategy
    pub enum CopyStrategy {
        Overwrite = "Overwrite",
        Merge = "Merge",
        Extract = "Extract",
    }
}

kind! {
    /// ArtifactGenerator
    ArtifactGenerator(ArtifactGeneratorSpec, ArtifactGeneratorStatus) in "source.extensions.fluxcd.io" / "v1beta1", "artifactgenerators"
}
flux_object!(ArtifactGenerator, ArtifactGeneratorStatus, suspend: false, generation: false, requests: true);
