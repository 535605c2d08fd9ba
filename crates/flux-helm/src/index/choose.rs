//! Which version of a chart is meant, and where it lies.

use url::Url;

use super::{ChartVersion, Index};

/// Why no version can be chosen, in Flux's words.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ChooseError {
    #[error("no chart name found")]
    NoName,
    #[error("no chart version found")]
    NoVersions,
    #[error("improper constraint: {range}")]
    Range { range: String },
    #[error("no '{name}' chart with version matching '{range}' found")]
    NoMatch { name: String, range: String },
}

impl Index {
    /// The version of a chart that a version or range means: an exact match, else the highest in the range; of
    /// versions that differ in metadata only, the one created last. An empty range is the latest stable version.
    ///
    /// # Errors
    /// No such chart or version, a text that is no range.
    pub fn choose(&self, name: &str, range: &str) -> Result<&ChartVersion, ChooseError> {
        let versions = self.entries.get(name).ok_or(ChooseError::NoName)?;
        if versions.is_empty() {
            return Err(ChooseError::NoVersions);
        }
        if !range.is_empty()
            && let Some(exact) = versions.iter().find(|version| version.version == range)
        {
            return Ok(exact);
        }
        let wanted = if range.is_empty() { "*" } else { range };
        let constraint: flux_semver::Constraint =
            wanted.parse().map_err(|_| ChooseError::Range { range: range.to_owned() })?;
        let parsed = versions.iter().filter_map(|entry| {
            let version = flux_semver::Version::parse_tag(&entry.version).ok()?;
            constraint.matches(&version).then_some((version, entry))
        });
        let best = parsed.max_by(|(a, left), (b, right)| a.cmp(b).then_with(|| left.created.cmp(&right.created)));
        let missing = || ChooseError::NoMatch { name: name.to_owned(), range: range.to_owned() };
        best.map(|(_, entry)| entry).ok_or_else(missing)
    }
}

/// Why a chart's URL does not read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("failed to parse {text} as URL: {reason}")]
pub struct UrlError {
    pub text: String,
    pub reason: String,
}

/// The absolute URL of a chart: relative ones lie below the repository's path, and keep its query.
///
/// # Errors
/// A text that is no URL.
pub fn resolve_url(repository: &str, reference: &str) -> Result<String, UrlError> {
    let error = |text: &str, reason: url::ParseError| UrlError { text: text.to_owned(), reason: reason.to_string() };
    if let Ok(absolute) = Url::parse(reference) {
        return Ok(absolute.into());
    }
    let mut base = Url::parse(repository).map_err(|reason| error(repository, reason))?;
    let query = base.query().map(str::to_owned);
    if !base.path().ends_with('/') {
        base.set_path(&format!("{}/", base.path()));
    }
    let mut resolved = base.join(reference).map_err(|reason| error(reference, reason))?;
    resolved.set_query(query.as_deref());
    Ok(resolved.into())
}
