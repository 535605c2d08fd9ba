//! Step 5: the chart out of the artifact, its version marked by the artifact's digest.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use flux_api::{ExternalArtifact, OCIRepository};
use flux_artifact::{FetchError, Fetcher};
use flux_helm::Chart;
use flux_helm::chart::{Limits, LoadError};
use flux_runtime::Halt;
use flux_semver::Version;

use crate::reason::Reason;
use crate::resolve::Source;

/// Charts kept in memory, beside those in use.
const KEPT: usize = 8;
/// Digits of a digest that go into a version.
const DIGITS: usize = 12;

/// Why there is no chart. Worded as upstream.
#[derive(Debug, thiserror::Error)]
pub enum ChartError {
    #[error("Source not ready: artifact not found. Retrying in {}", flux_api::Duration::from(*retry))]
    NotFound { retry: std::time::Duration },
    #[error("Could not load chart: {0}")]
    Fetch(FetchError),
    #[error("Could not load chart: {0}")]
    Load(LoadError),
    #[error("Could not load chart: loading was cut off")]
    Cancelled,
    #[error(transparent)]
    Revision(#[from] RevisionError),
}

/// Why a version cannot be marked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RevisionError {
    #[error("invalid chart version {version}")]
    Version { version: String },
    #[error("artifact revision {revision} does not match chart version {version}")]
    Mismatch { revision: String, version: String },
    #[error("invalid artifact revision {revision}")]
    Revision { revision: String },
}

impl From<ChartError> for Halt {
    fn from(error: ChartError) -> Self {
        let message = error.to_string();
        match error {
            ChartError::NotFound { retry } => Self::waiting(Reason::ArtifactFailed.as_str(), message).after(retry),
            ChartError::Revision(_) => Self::failed(Reason::ChartMutateError.as_str(), message).event(None),
            ChartError::Fetch(_) | ChartError::Load(_) | ChartError::Cancelled => {
                let mut halt = Self::failed(Reason::ArtifactFailed.as_str(), message.clone());
                let event = message.trim_start_matches("Could not load chart: ");
                halt.stop_mut().event_message = Some(event.to_owned());
                halt
            }
        }
    }
}

/// Charts by the digest of their artifact. Clones share them.
#[derive(Clone, Default)]
pub struct Charts(Arc<Mutex<VecDeque<(String, Arc<Chart>)>>>);

impl Charts {
    /// The chart of a source.
    pub async fn load(
        &self,
        source: &Source,
        fetcher: &Fetcher,
        retry: std::time::Duration,
    ) -> Result<Arc<Chart>, ChartError> {
        let digest = source.artifact.digest.clone();
        if let Some(known) = self.known(&digest) {
            return Ok(known);
        }
        let bytes = fetcher.bytes(&source.artifact).await.map_err(|error| match error {
            FetchError::NotFound => ChartError::NotFound { retry },
            error => ChartError::Fetch(error),
        })?;
        let load = move || Chart::from_archive(&bytes, &Limits::default());
        let loaded = tokio::task::spawn_blocking(load).await.map_err(|_| ChartError::Cancelled)?;
        let chart = Arc::new(loaded.map_err(ChartError::Load)?);
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.push_back((digest, chart.clone()));
        if kept.len() > KEPT {
            kept.pop_front();
        }
        Ok(chart)
    }

    fn known(&self, digest: &str) -> Option<Arc<Chart>> {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let at = kept.iter().position(|(known, _)| known == digest)?;
        let entry = kept.remove(at)?;
        kept.push_back(entry.clone());
        Some(entry.1)
    }
}

/// The version to release a chart under, and the digest of its artifact (empty when the source has none).
///
/// Artifacts whose revision holds a digest put its first digits into the build metadata, so that a tag which moves is
/// seen to move. A tag that is a version must be the chart's.
pub fn revision(kind: &str, revision: &str, version: &str) -> Result<(String, String), RevisionError> {
    let has_digest = match kind {
        OCIRepository::KIND => true,
        ExternalArtifact::KIND => revision.contains(':'),
        _ => false,
    };
    if !has_digest {
        return Ok((version.to_owned(), String::new()));
    }
    let parsed = Version::parse(version).map_err(|_| RevisionError::Version { version: version.to_owned() })?;
    let tag = match revision.split_once('@') {
        Some((tag, _)) => tag.replace('_', "+"),
        None => revision.to_owned(),
    };
    let digest = match Version::parse(&tag) {
        Ok(tag) => match revision.split('@').collect::<Vec<_>>()[..] {
            [_, digest] if tag == parsed => digest,
            ref parts => {
                let revision = (*parts.first().unwrap_or(&"")).to_owned();
                return Err(RevisionError::Mismatch { revision, version: version.to_owned() });
            }
        },
        Err(_) => revision,
    };
    let bad = || RevisionError::Revision { revision: digest.to_owned() };
    let digits = match digest.split(':').collect::<Vec<_>>()[..] {
        [_, hex] => hex.get(..DIGITS).ok_or_else(bad)?,
        _ => return Err(bad()),
    };
    let prerelease = if parsed.prerelease.is_empty() { String::new() } else { format!("-{}", parsed.prerelease) };
    let Version { major, minor, patch, .. } = parsed;
    Ok((format!("{major}.{minor}.{patch}{prerelease}+{digits}"), digest.to_owned()))
}
