//! What a chart's version is marked with.

use flux_api::source::ReconcileStrategy;
use flux_api::{HelmChart, Revision};

/// Digits of a revision in a version: labels hold 63 characters.
const SHORT: usize = 12;

/// The hash of a revision, cut short; another text's beginning when it has none.
pub fn short_revision(revision: &str) -> String {
    let hash = revision.parse::<Revision>().ok().and_then(|revision| revision.digest);
    let text = hash.as_ref().map_or(revision, |digest| digest.encoded());
    text.chars().take(SHORT).collect()
}

/// Build metadata of the version: the source's revision when every one is to be a chart of its own, and the
/// object's generation when values files are merged, so that consumers see that those changed.
pub fn version_metadata(obj: &HelmChart, revision: Option<&str>, merges_values: bool) -> String {
    let by_revision = obj.spec.reconcile_strategy == Some(ReconcileStrategy::Revision);
    let mut parts: Vec<String> = revision.filter(|_| by_revision).map(short_revision).into_iter().collect();
    if merges_values {
        parts.push(obj.metadata.generation.unwrap_or_default().to_string());
    }
    parts.join(".")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metadata_of_versions() {
        let mut obj = HelmChart::default();
        obj.metadata.generation = Some(3);
        let revision = Some("main@sha1:0123456789abcdef0123456789abcdef01234567");
        assert_eq!(version_metadata(&obj, revision, false), "");
        assert_eq!(version_metadata(&obj, revision, true), "3");
        obj.spec.reconcile_strategy = Some(ReconcileStrategy::Revision);
        assert_eq!(version_metadata(&obj, revision, false), "0123456789ab");
        assert_eq!(version_metadata(&obj, revision, true), "0123456789ab.3");
        assert_eq!(short_revision(&format!("sha256:{}", "f".repeat(64))), "f".repeat(12));
        assert_eq!(short_revision("ü"), "ü");
    }
}
