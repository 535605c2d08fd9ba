//! Unlock.

use flux_api::{FluxObject as _, HelmRelease};
use flux_helm::Release;
use flux_helm::release::{Observation, Status};

use super::{About, Events, Say, of_snapshot, trimmed};
use crate::actions::ActionError;
use crate::history::{self, Missing};
use crate::reason::Reason;
use crate::summary::{RELEASED, summarize};

/// The end of an unlock: the release and the state it was found in, with the error if it could not be written.
pub fn unlocked(
    obj: &mut HelmRelease,
    events: &mut Events,
    about: &About<'_>,
    outcome: Result<Option<(Release, Status)>, (Release, Status, ActionError)>,
) -> Result<(), ActionError> {
    let (release, found, error) = match outcome {
        Ok(None) => {
            summarize(obj);
            return Ok(());
        }
        Ok(Some((release, found))) => (release, found, None),
        Err((release, found, error)) => (release, found, Some(error)),
    };
    let mut snapshots = history::read(obj);
    if error.is_none() {
        history::replace(&mut snapshots, &release, None, Missing::Ignore, about.algorithm);
        history::write(obj.status_mut(), &snapshots);
    }
    let mut current = Observation::of(&release).snapshot(about.algorithm);
    let known = snapshots.iter().find(|known| known.targets(&release.name, &release.namespace, release.version));
    if let Some(known) = known {
        current.oci_digest.clone_from(&known.oci_digest);
    }
    let (name, chart) = (current.full_name(), current.versioned_chart());
    let message = match &error {
        None => format!("Unlocked Helm release {name} with chart {chart} in {found} state"),
        Some(error) => {
            format!("Unlock of Helm release {name} with chart {chart} in {found} state failed: {}", trimmed(error))
        }
    };
    let say = Say::new(RELEASED, error.is_none(), Reason::PendingRelease, message);
    say.with(of_snapshot(&current)).status(false).to(obj, events);
    summarize(obj);
    error.map_or(Ok(()), Err)
}
