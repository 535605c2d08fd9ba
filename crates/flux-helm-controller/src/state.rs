//! What the release is compared with what is wanted: the record first, then the cluster.

use flux_api::{FluxObject as _, HelmRelease};
use flux_helm::release::state::{self, Desired, Policy, RollbackTarget, Stalled, State};
use flux_helm::release::{Snapshot, Snapshots as _, Status};

use crate::actions::drift::{self, Difference, DriftError};
use crate::options::Options;
use crate::post_render::wanted_digests;
use crate::reconciler::Pass;
use crate::spec;
use crate::storage::{Storage, StoreError};

/// Why the state cannot be told, or nothing is left to do about it.
#[derive(Debug, thiserror::Error)]
pub enum StateError {
    #[error("failed to retrieve last release from storage: {0}")]
    Storage(StoreError),
    #[error(transparent)]
    Unknown(#[from] state::UnknownStatus),
    #[error("unable to determine cluster state: {0}")]
    Drift(#[from] DriftError),
    #[error("cannot verify previous release to roll back to: {0}")]
    Verify(StoreError),
    #[error(transparent)]
    Stalled(Stalled),
}

/// What was found.
pub enum Found {
    Record(State),
    /// The record is as wanted, the cluster is not.
    Drifted(Vec<Difference>),
}

impl Found {
    pub fn name(&self) -> &'static str {
        match self {
            Self::Record(state) => state.name(),
            Self::Drifted(_) => "Drifted",
        }
    }

    pub fn reason(&self) -> &str {
        match self {
            Self::Record(state) => state.reason(),
            Self::Drifted(_) => "",
        }
    }
}

/// What the spec and the status say, for the comparison.
pub fn desired<'a>(obj: &HelmRelease, chart: &'a flux_helm::Chart, values: &'a flux_helm::Values) -> Desired<'a> {
    let (renderers, metadata) = wanted_digests(obj);
    let status = obj.status.clone().unwrap_or_default();
    Desired {
        chart: Some(&chart.metadata),
        values,
        new_generation: obj.observed_generation() != obj.metadata.generation.unwrap_or_default(),
        post_renderers_digest: renderers,
        common_metadata_digest: metadata,
        observed_post_renderers_digest: status.observed_post_renderers_digest.unwrap_or_default(),
        observed_common_metadata_digest: status.observed_common_metadata_digest.unwrap_or_default(),
        tests: obj.spec.test.as_ref().is_some_and(|test| test.enable),
        ignore_test_failures: spec::active_remediation(obj).map(|active| active.ignore_test_failures),
    }
}

/// Looks at the record, and at the cluster when that is asked for.
pub async fn find(obj: &HelmRelease, pass: &Pass, options: &Options) -> Result<Found, StateError> {
    let name = spec::short_release_name(obj);
    let last = pass.storage.last(&name).await.map_err(StateError::Storage)?;
    if let Some(last) = last.as_ref().filter(|last| last.info.status == Status::Uninstalling) {
        // An uninstall was cut off: as after any action that was, the release is made anew.
        let reason = format!("release with status '{}'", last.info.status);
        return Ok(Found::Record(State::Locked { reason }));
    }
    let snapshots = crate::history::read(obj);
    let desired = desired(obj, &pass.request.chart, &pass.request.values);
    let state = state::determine(last.as_ref(), &snapshots, &desired)?;
    let (State::InSync, true, Some(release)) = (&state, spec::detects_drift(obj), &last) else {
        return Ok(Found::Record(state));
    };
    let found = drift::find(&pass.target, release, &pass.request.plan.ignore, &options.override_managers).await?;
    if !found.has_changes() {
        return match found.errors.is_empty() {
            true => Ok(Found::Record(state)),
            false => Err(DriftError::Objects(found.errors).into()),
        };
    }
    for error in &found.errors {
        tracing::error!(error, "diff of release against cluster state completed with error");
    }
    Ok(Found::Drifted(found.differences))
}

/// Looks for the release to roll back to, when a rollback is what comes next.
pub async fn rollback_target(
    found: &State,
    policy: &Policy,
    snapshots: &[Snapshot],
    storage: &Storage,
) -> Result<RollbackTarget, StateError> {
    let rolls_back = policy.remediation.filter(|active| active.strategy == state::RemediationStrategy::Rollback);
    let (State::Failed { .. }, Some(active)) = (found, rolls_back) else { return Ok(RollbackTarget::Missing) };
    let mut kept = snapshots.to_vec();
    kept.truncate_history(active.ignore_test_failures);
    let Some(previous) = kept.previous(active.ignore_test_failures) else { return Ok(RollbackTarget::Missing) };
    let release = storage.get(&previous.name, previous.version).await.map_err(StateError::Verify)?;
    Ok(match state::verify_snapshot(Some(previous), release.as_ref()) {
        Ok(()) => RollbackTarget::Verified,
        Err(_) => RollbackTarget::Corrupt,
    })
}
