//! Uninstall, as remediation or for good.

use flux_api::{FluxObject as _, HelmRelease};
use flux_helm::Release;
use flux_helm::release::{Snapshot, Snapshots as _};
use flux_runtime::conditions::Conditions;

use super::{About, Events, Say, of_snapshot, trimmed};
use crate::actions::ActionError;
use crate::history::{self, Missing};
use crate::log::Log;
use crate::reason::Reason;
use crate::storage::Observed;
use crate::summary::{RELEASED, REMEDIATED, summarize};

/// The end of an uninstall, as remediation or for good.
pub fn uninstall(
    obj: &mut HelmRelease,
    events: &mut Events,
    remediation: bool,
    about: &About<'_>,
    (observed, log): (&Observed, &Log),
    result: Result<Release, ActionError>,
) -> Result<(), ActionError> {
    let mut snapshots = history::read(obj);
    let Some(before) = snapshots.latest().cloned() else {
        return Err(ActionError::Mismatch("no latest release: required to uninstall".into()));
    };
    let action = if remediation { "uninstall-remediation" } else { "uninstall" };
    for release in observed.releases() {
        history::replace(&mut snapshots, &release, Some(action), Missing::Ignore, about.algorithm);
    }
    history::write(obj.status_mut(), &snapshots);
    let latest = snapshots.latest().cloned().unwrap_or_else(|| before.clone());
    if let Some(message) = gone(obj, &before, &result).filter(|_| !remediation) {
        Conditions::of(obj).mark_false(RELEASED, Reason::UninstallSucceeded.as_str(), message);
        summarize(obj);
        return Ok(());
    }
    let changed = latest.digest != before.digest;
    let result = result.and_then(|release| verify(&release, &before, changed, remediation));
    let ended = match result {
        Ok(()) => {
            succeeded(obj, events, &latest, remediation);
            Ok(())
        }
        Err(error) => {
            failed(obj, events, &latest, remediation, log, &error);
            if remediation && changed { Ok(()) } else { Err(error) }
        }
    };
    // As upstream: after an uninstall remediation Ready goes on telling what failed.
    if !remediation {
        summarize(obj);
    }
    ended
}

/// What to say of a release that was gone before.
fn gone(obj: &HelmRelease, before: &Snapshot, result: &Result<Release, ActionError>) -> Option<String> {
    let keeps = obj.spec.uninstall.as_ref().is_some_and(|uninstall| uninstall.keep_history);
    match result {
        Err(ActionError::NotFound { .. }) => {
            Some(format!("Release {} was not found, assuming it is uninstalled", before.full_name()))
        }
        Err(ActionError::AlreadyDeleted { .. }) if keeps => {
            Some(format!("Release {} was already uninstalled", before.full_name()))
        }
        _ => None,
    }
}

/// The release that went must be the one that was known, and storage must know that it went.
fn verify(release: &Release, before: &Snapshot, changed: bool, remediation: bool) -> Result<(), ActionError> {
    if !before.targets(&release.name, &release.namespace, release.version) {
        return Err(ActionError::Mismatch(format!(
            "release mismatch: uninstalled release {} != current release {}",
            release.full_name(),
            before.full_name()
        )));
    }
    if changed || !remediation && before.status == "uninstalled" {
        return Ok(());
    }
    let text = "uninstall completed with error: release not updated in Helm storage";
    Err(ActionError::Mismatch(text.into()))
}

fn succeeded(obj: &mut HelmRelease, events: &mut Events, latest: &Snapshot, remediation: bool) {
    let (release, chart) = (latest.full_name(), latest.versioned_chart());
    let (condition, message) = if remediation {
        (REMEDIATED, format!("Helm uninstall remediation for release {release} with chart {chart} succeeded"))
    } else {
        obj.status_mut().inventory = None;
        (RELEASED, format!("Helm uninstall succeeded for release {release} with chart {chart}"))
    };
    let say = Say::new(condition, true, Reason::UninstallSucceeded, message);
    say.with(of_snapshot(latest)).status(remediation).to(obj, events);
}

fn failed(
    obj: &mut HelmRelease,
    events: &mut Events,
    latest: &Snapshot,
    remediation: bool,
    log: &Log,
    error: &ActionError,
) {
    let (release, chart, error) = (latest.full_name(), latest.versioned_chart(), trimmed(error));
    let (condition, message) = if remediation {
        (REMEDIATED, format!("Helm uninstall remediation for release {release} with chart {chart} failed: {error}"))
    } else {
        (RELEASED, format!("Helm uninstall failed for release {release} with chart {chart}: {error}"))
    };
    Say::new(condition, false, Reason::UninstallFailed, message).with(of_snapshot(latest)).log(log).to(obj, events);
}
