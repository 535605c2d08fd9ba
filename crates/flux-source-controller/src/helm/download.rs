//! What a repository offers, whatever kind it is of.

use flux_helm::index::{ChooseError, Index, resolve_url};
use flux_semver::{Constraint, Version};
use futures::future::BoxFuture;

use super::url::Parts;

/// A version of a chart, and where it lies.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Found {
    pub name: String,
    pub version: String,
    pub urls: Vec<String>,
}

/// Why no version was found.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DownloadError {
    /// The chart or the version is not there: an edit helps.
    #[error("{0}")]
    Reference(String),
    /// The repository did not answer as it should.
    #[error("{0}")]
    External(String),
}

/// A repository of charts.
pub trait Downloader: Send + Sync {
    /// The version that a version or a range means.
    fn chart_version<'a>(&'a self, name: &'a str, version: &'a str) -> BoxFuture<'a, Result<Found, DownloadError>>;

    /// The archive of a version.
    fn download<'a>(&'a self, found: &'a Found) -> BoxFuture<'a, Result<Vec<u8>, String>>;
}

/// The version in an index.
///
/// # Errors
/// No such chart or version.
pub fn index_version(index: &Index, name: &str, version: &str) -> Result<Found, ChooseError> {
    let found = index.choose(name, version)?;
    Ok(Found { name: found.name.clone(), version: found.version.clone(), urls: found.urls.clone() })
}

/// The address of an archive.
///
/// # Errors
/// A version without addresses, and texts that are none.
pub fn download_url(repository: &str, found: &Found) -> Result<String, String> {
    let url = first_url(found)?;
    Parts::parse(url).map_err(|error| format!("failed to parse {url} as URL: {error}"))?;
    resolve_url(repository, url).map_err(|error| error.to_string())
}

/// The reference of an archive in a registry.
///
/// # Errors
/// As [`download_url`].
pub fn oci_reference(found: &Found) -> Result<String, String> {
    let url = first_url(found)?;
    Parts::parse(url).map_err(|error| format!("invalid chart URL format '{url}': {error}"))?;
    Ok(url.strip_prefix("oci://").unwrap_or(url).to_owned())
}

fn first_url(found: &Found) -> Result<&str, String> {
    let first = found.urls.first().map(String::as_str);
    first.ok_or_else(|| format!("chart '{}' has no downloadable URLs", found.name))
}

/// The address of a chart in a registry.
///
/// # Errors
/// What is no address.
pub fn oci_chart_url(repository: &str, name: &str) -> Result<String, String> {
    let mut parts = Parts::parse(repository).map_err(|error| error.to_string())?;
    parts.path = super::dependencies::clean(&format!("/{}/{name}", parts.path));
    Ok(parts.to_string())
}

/// Whether a version is one version, so that no tags need be listed.
pub fn is_exact(version: &str) -> bool {
    Version::parse_tag(version).is_ok()
}

/// The chart at that very version of a registry's repository.
pub fn oci_exact(url: &str, name: &str, version: &str) -> Found {
    Found { name: name.to_owned(), version: version.to_owned(), urls: vec![format!("{url}:{version}")] }
}

/// The highest of the versions in the range; an empty range is the highest stable version.
///
/// # Errors
/// No such version, or a text that is no range.
pub fn last_matching(versions: &[String], range: &str) -> Result<String, String> {
    if !range.is_empty() && versions.iter().any(|version| version == range) {
        return Ok(range.to_owned());
    }
    let wanted = if range.is_empty() { "*" } else { range };
    let constraint: Constraint = wanted.parse().map_err(|_| format!("improper constraint: {range}"))?;
    let parsed = versions.iter().filter_map(|version| Version::parse_tag(version).ok());
    let best = parsed.filter(|version| constraint.matches(version)).max();
    let missing = || format!("could not locate a version matching provided version string {range}");
    best.map(|version| version.original().to_owned()).ok_or_else(missing)
}
