//! Rollback.

use flux_api::{FluxObject as _, HelmRelease};
use flux_helm::release::{Snapshot, Snapshots as _};

use super::{About, Events, Say, metadata, trimmed};
use crate::actions::ActionError;
use crate::history::{self, Missing};
use crate::log::Log;
use crate::reason::Reason;
use crate::storage::Observed;
use crate::summary::{REMEDIATED, summarize};

/// The end of a rollback to `target`.
pub fn rollback(
    obj: &mut HelmRelease,
    events: &mut Events,
    target: &Snapshot,
    about: &About<'_>,
    (observed, log): (&Observed, &Log),
    result: Result<(), ActionError>,
) -> Result<(), ActionError> {
    let mut snapshots = history::read(obj);
    let before = snapshots.latest().map(|latest| latest.digest.clone());
    for release in observed.releases() {
        history::replace(&mut snapshots, &release, Some("rollback"), Missing::Insert, about.algorithm);
    }
    history::write(obj.status_mut(), &snapshots);
    let changed = snapshots.latest().map(|latest| &latest.digest) != before.as_ref();
    let (release, chart) = (target.full_name(), target.versioned_chart());
    let metadata = metadata(&target.chart_version, about.config_digest, &target.app_version, &target.oci_digest);
    let message = format!("Helm rollback to previous release {release} with chart {chart}");
    let ended = match result {
        Err(error) => {
            let message = format!("{message} failed: {}", trimmed(&error));
            Say::new(REMEDIATED, false, Reason::RollbackFailed, message).with(metadata).log(log).to(obj, events);
            if changed { Ok(()) } else { Err(error) }
        }
        Ok(()) => {
            let message = format!("{message} succeeded");
            Say::new(REMEDIATED, true, Reason::RollbackSucceeded, message).with(metadata).to(obj, events);
            Ok(())
        }
    };
    summarize(obj);
    ended
}
