//! What an attempt is about: the version of the chart, the target of the release, and what of earlier attempts counts.
//! Pure.

use std::sync::Arc;

use flux_api::{FORCE_REQUEST_ANNOTATION, FluxObject as _, HelmRelease, RESET_REQUEST_ANNOTATION};
use flux_helm::release::state::{self, LastAttempt, TargetChange};
use flux_helm::{Chart, Values};
use flux_runtime::requests;

use crate::chart::{self, RevisionError};
use crate::{history, report, spec};

/// The chart under the version that its artifact gives it, and the digest of the artifact.
///
/// # Errors
/// A version that does not read, or is not the one of the artifact's tag.
pub fn versioned(
    chart: &Arc<Chart>,
    kind: &str,
    revision: &str,
    tracks_digests: bool,
) -> Result<(Arc<Chart>, String), RevisionError> {
    let (version, digest) = chart::revision(kind, revision, &chart.metadata.version)?;
    if !tracks_digests || version == chart.metadata.version {
        return Ok((chart.clone(), digest));
    }
    let mut changed = (**chart).clone();
    changed.metadata.version = version;
    Ok((Arc::new(changed), digest))
}

/// What of the release's target changed since its last snapshot.
pub fn target_change(obj: &HelmRelease, chart_name: &str) -> Option<TargetChange> {
    let name = spec::release_name(obj);
    let target = state::Target {
        storage_namespace: spec::storage_namespace(obj),
        namespace: spec::release_namespace(obj),
        name: &name,
        chart: chart_name,
    };
    let observed = obj.status.as_ref().and_then(|status| status.storage_namespace.as_deref()).unwrap_or_default();
    state::target_changed(&target, observed, &history::read(obj))
}

/// As [`target_change`], when the old release must go for it.
pub fn moved(obj: &HelmRelease, chart_name: &str) -> Option<TargetChange> {
    target_change(obj, chart_name)
        .filter(|change| *change != TargetChange::ChartName || spec::reinstalls_for_chart_name(obj))
}

/// Why failure counters start anew. A request by annotation counts once.
pub fn must_reset(obj: &mut HelmRelease, chart_version: &str, values: &Values) -> Option<&'static str> {
    let requested = is_requested(obj, RESET_REQUEST_ANNOTATION);
    let generation = obj.metadata.generation.unwrap_or_default();
    let status = obj.status_mut();
    let checksum = status.last_attempted_values_checksum.as_ref().map(|checksum| format!("sha1:{checksum}"));
    let last = LastAttempt {
        generation: status.last_attempted_generation,
        revision: status.last_attempted_revision.clone().unwrap_or_default(),
        config_digest: status.last_attempted_config_digest.clone().or(checksum).unwrap_or_default(),
    };
    state::must_reset_failures(&last, generation, chart_version, values, requested)
}

/// Notes in the status what is about to be attempted.
pub fn note(obj: &mut HelmRelease, chart_version: &str, values: &Values, config_digest: &str, oci_digest: String) {
    if let Some(reason) = must_reset(obj, chart_version, values) {
        tracing::debug!(reason, "resetting failure count");
        report::clear_failures(obj);
    }
    let generation = obj.metadata.generation.unwrap_or_default();
    let status = obj.status_mut();
    status.last_attempted_generation = generation;
    status.last_attempted_revision = Some(chart_version.to_owned());
    status.last_attempted_revision_digest = (!oci_digest.is_empty()).then_some(oci_digest);
    status.last_attempted_config_digest = Some(config_digest.to_owned());
    status.last_attempted_values_checksum = None;
    status.last_release_revision = 0;
}

/// True once for each request by annotation.
pub fn is_requested(obj: &mut HelmRelease, annotation: &str) -> bool {
    let annotations = obj.metadata.annotations.clone().unwrap_or_default();
    let handled = obj.last_handled_reconcile_at().unwrap_or_default().to_owned();
    let status = obj.status_mut();
    let slot = if annotation == FORCE_REQUEST_ANNOTATION {
        &mut status.last_handled_force_at
    } else {
        &mut status.last_handled_reset_at
    };
    let mut last = slot.clone().unwrap_or_default();
    let due = requests::take(&annotations, annotation, &handled, &mut last);
    *slot = (!last.is_empty()).then_some(last);
    due
}
