//! Helm charts in registries: a manifest whose configuration is the chart's metadata, and one layer with the archive.

use flux_semver::Version;

use crate::error::OciError;
use crate::manifest::{Descriptor, Index, Manifest};
use crate::reference::{Reference, tag_of_version};
use crate::registry::Registry;

pub const CONFIG: &str = "application/vnd.cncf.helm.config.v1+json";
pub const LAYER: &str = "application/vnd.cncf.helm.chart.content.v1.tar+gzip";
/// Of charts that Helm pushed before 3.8.
pub const LEGACY_LAYER: &str = "application/tar+gzip";
pub const PROVENANCE: &str = "application/vnd.cncf.helm.chart.provenance.v1.prov";

/// The most bytes of a chart's archive.
pub const MAX_CHART: u64 = 10 << 20;
/// The most manifests of an index that are looked at.
const MAX_CANDIDATES: usize = 16;

/// A chart's archive, and what it was known by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChartPull {
    /// The digest of the manifest.
    pub digest: String,
    pub archive: Vec<u8>,
}

/// Pulls the chart at a tag or digest; a `+` in the tag stands for the `_` of the registry.
///
/// # Errors
/// What the registry refuses, digests and sizes that do not match, manifests that hold no chart.
pub async fn pull_chart(registry: &Registry, reference: &Reference) -> Result<ChartPull, OciError> {
    let repository = &reference.repository;
    let fetched = registry.manifest(repository, &tag_of_version(reference.wanted())).await?;
    let (digest, manifest) = match read(&fetched.bytes, reference)? {
        Read::One(manifest) => (fetched.digest, manifest),
        Read::Many(index) => from_index(registry, reference, &index).await?,
    };
    let layer = chart_layer(&manifest)?;
    if layer.size > MAX_CHART {
        return Err(OciError::TooLarge { what: "chart", size: layer.size, limit: MAX_CHART });
    }
    let archive = registry.blob(repository, layer, MAX_CHART).await?;
    Ok(ChartPull { digest, archive })
}

enum Read {
    One(Box<Manifest>),
    Many(Index),
}

fn read(bytes: &[u8], reference: &Reference) -> Result<Read, OciError> {
    let invalid = |error: serde_json::Error| OciError::Invalid {
        url: reference.to_string(),
        reason: format!("no manifest at line {}, column {}", error.line(), error.column()),
    };
    let value: serde_json::Value = serde_json::from_slice(bytes).map_err(invalid)?;
    if value.get("manifests").is_some() {
        return Ok(Read::Many(serde_json::from_value(value).map_err(invalid)?));
    }
    Ok(Read::One(Box::new(serde_json::from_value(value).map_err(invalid)?)))
}

/// The manifest of an index that is a chart's.
async fn from_index(
    registry: &Registry,
    reference: &Reference,
    index: &Index,
) -> Result<(String, Box<Manifest>), OciError> {
    let none = || OciError::NoChartInIndex { reference: reference.to_string() };
    let named = index.manifests.iter().find(|one| one.artifact_type.as_deref() == Some(CONFIG));
    let candidates: Vec<&Descriptor> = match named {
        Some(named) => vec![named],
        None => index.manifests.iter().take(MAX_CANDIDATES).collect(),
    };
    for candidate in candidates {
        if !candidate.digest.contains(':') {
            return Err(OciError::BadDigest { digest: candidate.digest.clone() });
        }
        let fetched = registry.manifest(&reference.repository, &candidate.digest).await?;
        if let Read::One(manifest) = read(&fetched.bytes, reference)?
            && manifest.config.media_type == CONFIG
        {
            return Ok((fetched.digest, manifest));
        }
    }
    Err(none())
}

/// The layer with the archive.
fn chart_layer(manifest: &Manifest) -> Result<&Descriptor, OciError> {
    if manifest.layers.is_empty() {
        return Err(OciError::TooFewDescriptors { found: usize::from(!manifest.config.digest.is_empty()) });
    }
    if manifest.config.media_type != CONFIG {
        let found = manifest.config.media_type.chars().take(200).collect();
        return Err(OciError::NotAChart { expected: CONFIG, found });
    }
    let by_type = |media_type: &str| manifest.layers.iter().find(|layer| layer.media_type == media_type);
    by_type(LAYER).or_else(|| by_type(LEGACY_LAYER)).ok_or(OciError::NoChartLayer { expected: LAYER })
}

/// The tags of a chart as versions: those that are strict semantic versions, the highest first. A `_` stands for `+`.
pub async fn chart_versions(registry: &Registry, repository: &str) -> Result<Vec<String>, OciError> {
    Ok(versions_of_tags(registry.tags(repository).await?))
}

/// As [`chart_versions`], of tags that are known.
pub fn versions_of_tags(tags: impl IntoIterator<Item = String>) -> Vec<String> {
    let strict = |tag: String| Version::parse_strict(&tag.replace('_', "+")).ok();
    let mut versions: Vec<Version> = tags.into_iter().filter_map(strict).collect();
    versions.sort_by(|a, b| b.cmp(a));
    versions.into_iter().map(|version| version.to_string()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn manifest(config: &str, layers: &[&str]) -> Manifest {
        let descriptor = |media_type: &&str| Descriptor { media_type: (*media_type).to_owned(), ..Default::default() };
        Manifest {
            config: Descriptor { digest: "sha256:0".into(), ..descriptor(&config) },
            layers: layers.iter().map(descriptor).collect(),
            ..Default::default()
        }
    }

    #[test]
    fn layers_of_charts() {
        let layer = |config: &str, layers: &[&str]| {
            chart_layer(&manifest(config, layers)).map(|layer| layer.media_type.clone()).map_err(|e| e.to_string())
        };
        assert_eq!(layer(CONFIG, &[PROVENANCE, LAYER]), Ok(LAYER.to_owned()));
        assert_eq!(layer(CONFIG, &[LEGACY_LAYER]), Ok(LEGACY_LAYER.to_owned()));
        assert_eq!(
            layer(CONFIG, &[PROVENANCE]),
            Err(format!("manifest does not contain a layer with mediatype {LAYER}"))
        );
        assert!(
            layer("application/vnd.oci.image.config.v1+json", &[LAYER])
                .unwrap_err()
                .starts_with("could not load config")
        );
        assert!(layer(CONFIG, &[]).unwrap_err().ends_with("descriptors found: 1"));
    }

    #[test]
    fn tags_that_are_versions() {
        let tags = ["1.0.0", "latest", "v1.0.0", "1.10.0", "1.9.0_build.1", "2", "1.10.0-rc.1"];
        assert_eq!(versions_of_tags(tags.map(str::to_owned)), ["1.10.0", "1.10.0-rc.1", "1.9.0+build.1", "1.0.0"]);
    }
}
