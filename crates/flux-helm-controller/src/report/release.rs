//! Install and upgrade.

use std::time::Duration;

use flux_api::{FluxObject as _, HelmRelease};
use flux_helm::release::{Snapshot, Snapshots as _};
use flux_runtime::conditions::Conditions;

use super::{About, Events, Say, clear_failures, metadata, of_snapshot, trimmed};
use crate::actions::ActionError;
use crate::history;
use crate::log::Log;
use crate::reason::Reason;
use crate::spec;
use crate::storage::Observed;
use crate::summary::{RELEASED, REMEDIATED, TEST_SUCCESS, summarize};

/// Whether the action was an install or an upgrade.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Released {
    Install,
    Upgrade,
}

impl Released {
    /// What the status calls it.
    pub fn action(self) -> &'static str {
        match self {
            Self::Install => spec::INSTALL,
            Self::Upgrade => spec::UPGRADE,
        }
    }

    pub(super) fn count(self, obj: &mut HelmRelease) {
        let status = obj.status_mut();
        match self {
            Self::Install => status.install_failures += 1,
            Self::Upgrade => status.upgrade_failures += 1,
        }
    }
}

/// What becomes of the object when a release action begins.
pub fn release_begins(obj: &mut HelmRelease, what: Released) {
    let mut working = Conditions::of(obj);
    working.delete(TEST_SUCCESS);
    working.delete(REMEDIATED);
    let status = obj.status_mut();
    status.last_attempted_release_action = Some(what.action().to_owned());
    if what == Released::Install {
        status.history.clear();
    }
}

/// The end of an install or upgrade. An error means that nothing was recorded: to be tried again.
pub fn release(
    obj: &mut HelmRelease,
    events: &mut Events,
    what: Released,
    about: &About<'_>,
    (observed, log, took): (&Observed, &Log, Duration),
    result: Result<(), ActionError>,
) -> Result<(), ActionError> {
    let oci = obj.status_mut().last_attempted_revision_digest.clone().unwrap_or_default();
    obj.status_mut().last_attempted_release_action_duration = Some(flux_api::Duration::from(took));
    let mut snapshots = history::read(obj);
    history::record(&mut snapshots, &observed.releases(), what.action(), &oci, about.algorithm);
    history::write(obj.status_mut(), &snapshots);
    let ended = match result {
        Err(error) => {
            failed(obj, events, what, about, log, &error);
            if observed.is_empty() {
                Err(error)
            } else {
                what.count(obj);
                Ok(())
            }
        }
        Ok(()) => {
            released(obj, events, what, &snapshots, about.retry_by_default);
            Ok(())
        }
    };
    summarize(obj);
    ended
}

fn failed(
    obj: &mut HelmRelease,
    events: &mut Events,
    what: Released,
    about: &About<'_>,
    log: &Log,
    error: &ActionError,
) {
    let chart = &about.chart.metadata;
    let message = format!(
        "Helm {} failed for release {}/{} with chart {}@{}: {}",
        what.action(),
        spec::release_namespace(obj),
        spec::release_name(obj),
        chart.name,
        chart.version,
        trimmed(error)
    );
    let oci = obj.status_mut().last_attempted_revision_digest.clone().unwrap_or_default();
    let metadata = metadata(&chart.version, about.config_digest, &chart.app_version, &oci);
    let reason = if what == Released::Install { Reason::InstallFailed } else { Reason::UpgradeFailed };
    Say::new(RELEASED, false, reason, message).with(metadata).log(log).to(obj, events);
}

fn released(obj: &mut HelmRelease, events: &mut Events, what: Released, snapshots: &Vec<Snapshot>, by_default: bool) {
    let Some(latest) = snapshots.latest().cloned() else { return };
    let (release, chart) = (latest.full_name(), latest.versioned_chart());
    let (reason, message) = success(what, &latest);
    Say::new(RELEASED, true, reason, message).with(of_snapshot(&latest)).to(obj, events);
    if obj.spec.test.as_ref().is_some_and(|test| test.enable) && !latest.has_been_tested() {
        let message = format!("Helm release {release} with chart {chart} is awaiting tests");
        Conditions::of(obj).mark_unknown(TEST_SUCCESS, Reason::AwaitingTests.as_str(), message);
    }
    let retries = match what {
        Released::Install => spec::install_retry(obj, by_default),
        Released::Upgrade => spec::upgrade_retry(obj, by_default),
    };
    if retries.is_some() {
        clear_failures(obj);
    }
}

/// Reason and message of a release that went well.
pub fn success(what: Released, latest: &Snapshot) -> (Reason, String) {
    let reason = match what {
        Released::Install => Reason::InstallSucceeded,
        Released::Upgrade => Reason::UpgradeSucceeded,
    };
    let (release, chart) = (latest.full_name(), latest.versioned_chart());
    (reason, format!("Helm {} succeeded for release {release} with chart {chart}", what.action()))
}
