//! `source.extensions.fluxcd.io`: artifacts made of other artifacts.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::meta::{CommonMetadata, Condition};
use crate::serde_rules::non_empty;

/// What a `ArtifactGenerator` asks for.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ArtifactGeneratorSpec {
    /// The artifacts to make.
    pub artifacts: Vec<OutputArtifact>,
    /// Labels and annotations to set on all objects.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub common_metadata: Option<CommonMetadata>,
    /// Pattern of folders, each of which makes one artifact.
    #[serde(deserialize_with = "non_empty", skip_serializing_if = "Option::is_none")]
    pub path_pattern: Option<String>,
    /// The sources that artifacts are made of.
    pub sources: Vec<SourceReference>,
    /// Fields that this version does not know; a controller refuses them instead of ignoring them.
    #[serde(flatten)]
    pub unknown: BTreeMap<String, Value>,
}

/// The artifacts to make.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct OutputArtifact {
    /// Copy steps, in order.
    pub copy: Vec<CopyOperation>,
    /// Name of the artifact.
    pub name: String,
    /// Source whose origin revision the artifact carries, `@alias`.
    #[serde(deserialize_with = "non_empty", skip_serializing_if = "Option::is_none")]
    pub origin_revision: Option<String>,
    /// Source whose revision the artifact carries, `@alias`.
    #[serde(deserialize_with = "non_empty", skip_serializing_if = "Option::is_none")]
    pub revision: Option<String>,
}

/// Copy steps, in order.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct CopyOperation {
    /// Patterns of files to leave out.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub exclude: Vec<String>,
    /// What to copy, `@alias/pattern`.
    pub from: String,
    /// What happens to files that are already there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub strategy: Option<CopyStrategy>,
    /// Where to copy, `@artifact/folder`.
    pub to: String,
}

/// The sources that artifacts are made of.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct SourceReference {
    /// Name of this source in the copy rules.
    pub alias: String,
    /// Kind of the source.
    pub kind: String,
    /// Name of the object.
    pub name: String,
    /// Namespace of the object; by default this one's.
    #[serde(deserialize_with = "non_empty", skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
}

/// What was last observed of a `ArtifactGenerator`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ArtifactGeneratorStatus {
    /// State of the object, one entry per aspect.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub conditions: Vec<Condition>,
    /// The artifacts that were made.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub inventory: Vec<ExternalArtifactReference>,
    /// Last handled request for a reconciliation.
    #[serde(deserialize_with = "non_empty", skip_serializing_if = "Option::is_none")]
    pub last_handled_reconcile_at: Option<String>,
    /// Digest of the sources' artifacts.
    #[serde(deserialize_with = "non_empty", skip_serializing_if = "Option::is_none")]
    pub observed_sources_digest: Option<String>,
}

/// The artifacts that were made.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ExternalArtifactReference {
    /// Digest of the artifact.
    pub digest: String,
    /// File name of the artifact.
    pub filename: String,
    /// Name of the object.
    pub name: String,
    /// Namespace of the object; by default this one's.
    pub namespace: String,
}

string_enum! {
    /// What happens to files that are already there.
    pub enum CopyStrategy {
        Overwrite = "Overwrite",
        Merge = "Merge",
        Extract = "Extract",
    }
}

kind! {
    /// Makes new artifacts from parts of others.
    ArtifactGenerator(ArtifactGeneratorSpec, ArtifactGeneratorStatus) in "source.extensions.fluxcd.io" / "v1beta1", "artifactgenerators"
}
flux_object!(ArtifactGenerator, ArtifactGeneratorStatus, suspend: false, generation: false, requests: true);
