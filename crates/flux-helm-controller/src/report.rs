//! What an action tells its object: conditions, history, counters, events. Pure, but for the clock of the conditions.

use std::time::Duration;

use flux_api::{FluxObject as _, HelmRelease};
use flux_helm::release::{Snapshot, Snapshots as _};
use flux_helm::{Chart, Release};
use flux_runtime::Severity;
use flux_runtime::conditions::Conditions;

use crate::actions::drift::Corrected;
use crate::actions::{ActionError, test};
use crate::history::{self, Missing};
use crate::log::Log;
use crate::reason::Reason;
use crate::spec;
use crate::storage::Observed;
use crate::summary::{RELEASED, REMEDIATED, TEST_SUCCESS, summarize};

/// An event to be told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    pub severity: Severity,
    pub reason: Reason,
    pub message: String,
    /// Keys without the group.
    pub metadata: Vec<(&'static str, String)>,
}

/// What a release action is about, for its messages.
pub struct About<'a> {
    pub chart: &'a Chart,
    pub config_digest: &'a str,
}

/// The events of one action.
pub type Events = Vec<Told>;

/// The metadata of an event: revision of the chart, digest of the values, version of the app, digest of the artifact.
fn metadata(revision: &str, token: &str, app: &str, oci: &str) -> Vec<(&'static str, String)> {
    let all = [("revision", revision), ("token", token), ("app-version", app), ("oci-digest", oci)];
    all.into_iter().filter(|(_, value)| !value.is_empty()).map(|(name, value)| (name, value.to_owned())).collect()
}

fn of_snapshot(snapshot: &Snapshot) -> Vec<(&'static str, String)> {
    metadata(&snapshot.chart_version, &snapshot.config_digest, &snapshot.app_version, &snapshot.oci_digest)
}

/// Says something to the object: a condition, a failure counted, an event.
struct Say<'a> {
    condition: &'static str,
    good: bool,
    reason: Reason,
    message: String,
    metadata: Vec<(&'static str, String)>,
    log: Option<&'a Log>,
    /// The condition's status when it is not what `good` says.
    status: Option<bool>,
}

fn say(obj: &mut HelmRelease, events: &mut Events, say: Say<'_>) {
    let status = say.status.unwrap_or(say.good);
    let mut working = Conditions::of(obj);
    if status {
        working.mark_true(say.condition, say.reason.as_str(), say.message.clone());
    } else {
        working.mark_false(say.condition, say.reason.as_str(), say.message.clone());
    }
    if !say.good {
        obj.status_mut().failures += 1;
    }
    let message = say.log.map_or_else(|| say.message.clone(), |log| log.append_to(&say.message));
    let severity = if say.good { Severity::Info } else { Severity::Error };
    events.push(Told { severity, reason: say.reason, message, metadata: say.metadata });
}

fn trimmed(error: &ActionError) -> String {
    error.to_string().trim().to_owned()
}

/// Whether the action was an install or an upgrade.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Released {
    Install,
    Upgrade,
}

/// What becomes of the object when a release action begins.
pub fn release_begins(obj: &mut HelmRelease, what: Released) {
    let mut working = Conditions::of(obj);
    working.delete(TEST_SUCCESS);
    working.delete(REMEDIATED);
    let status = obj.status_mut();
    status.last_attempted_release_action =
        Some(if what == Released::Install { spec::INSTALL } else { spec::UPGRADE }.to_owned());
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
    retry_by_default: bool,
) -> Result<(), ActionError> {
    let action = if what == Released::Install { spec::INSTALL } else { spec::UPGRADE };
    let oci = obj.status_mut().last_attempted_revision_digest.clone().unwrap_or_default();
    obj.status_mut().last_attempted_release_action_duration = Some(flux_api::Duration::from(took));
    let mut snapshots = history::read(obj);
    history::record(&mut snapshots, &observed.releases(), action, &oci);
    history::write(obj.status_mut(), &snapshots);
    let ended = match result {
        Err(error) => {
            let chart = &about.chart.metadata;
            let message = format!(
                "Helm {action} failed for release {}/{} with chart {}@{}: {}",
                spec::release_namespace(obj),
                spec::release_name(obj),
                chart.name,
                chart.version,
                trimmed(&error)
            );
            let metadata = metadata(&chart.version, about.config_digest, &chart.app_version, &oci);
            let reason = if what == Released::Install { Reason::InstallFailed } else { Reason::UpgradeFailed };
            say(
                obj,
                events,
                Say { condition: RELEASED, good: false, reason, message, metadata, log: Some(log), status: None },
            );
            if observed.is_empty() {
                Err(error)
            } else {
                count(obj, what);
                Ok(())
            }
        }
        Ok(()) => {
            released(obj, events, what, &snapshots, retry_by_default);
            Ok(())
        }
    };
    summarize(obj);
    ended
}

fn count(obj: &mut HelmRelease, what: Released) {
    let status = obj.status_mut();
    match what {
        Released::Install => status.install_failures += 1,
        Released::Upgrade => status.upgrade_failures += 1,
    }
}

fn released(obj: &mut HelmRelease, events: &mut Events, what: Released, snapshots: &Vec<Snapshot>, by_default: bool) {
    let Some(latest) = snapshots.latest().cloned() else { return };
    let (release, chart) = (latest.full_name(), latest.versioned_chart());
    let (reason, message) = success(what, &latest);
    let metadata = of_snapshot(&latest);
    say(obj, events, Say { condition: RELEASED, good: true, reason, message, metadata, log: None, status: None });
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
    let (action, reason) = match what {
        Released::Install => (spec::INSTALL, Reason::InstallSucceeded),
        Released::Upgrade => (spec::UPGRADE, Reason::UpgradeSucceeded),
    };
    let (release, chart) = (latest.full_name(), latest.versioned_chart());
    (reason, format!("Helm {action} succeeded for release {release} with chart {chart}"))
}

/// Starts the counters anew.
pub fn clear_failures(obj: &mut HelmRelease) {
    let status = obj.status_mut();
    status.failures = 0;
    status.install_failures = 0;
    status.upgrade_failures = 0;
}

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
        history::replace(&mut snapshots, &release, Some("rollback"), Missing::Insert);
    }
    history::write(obj.status_mut(), &snapshots);
    let changed = snapshots.latest().map(|latest| &latest.digest) != before.as_ref();
    let (release, chart) = (target.full_name(), target.versioned_chart());
    let metadata = metadata(&target.chart_version, about.config_digest, &target.app_version, &target.oci_digest);
    let ended = match result {
        Err(error) => {
            let message =
                format!("Helm rollback to previous release {release} with chart {chart} failed: {}", trimmed(&error));
            let reason = Reason::RollbackFailed;
            say(
                obj,
                events,
                Say { condition: REMEDIATED, good: false, reason, message, metadata, log: Some(log), status: None },
            );
            if changed { Ok(()) } else { Err(error) }
        }
        Ok(()) => {
            let message = format!("Helm rollback to previous release {release} with chart {chart} succeeded");
            let reason = Reason::RollbackSucceeded;
            say(
                obj,
                events,
                Say { condition: REMEDIATED, good: true, reason, message, metadata, log: None, status: None },
            );
            Ok(())
        }
    };
    summarize(obj);
    ended
}

/// The end of an uninstall, as remediation or for good.
pub fn uninstall(
    obj: &mut HelmRelease,
    events: &mut Events,
    remediation: bool,
    (observed, log): (&Observed, &Log),
    result: Result<Release, ActionError>,
) -> Result<(), ActionError> {
    let mut snapshots = history::read(obj);
    let Some(before) = snapshots.latest().cloned() else {
        return Err(ActionError::Mismatch("no latest release: required to uninstall".into()));
    };
    let action = if remediation { "uninstall-remediation" } else { "uninstall" };
    for release in observed.releases() {
        history::replace(&mut snapshots, &release, Some(action), Missing::Ignore);
    }
    history::write(obj.status_mut(), &snapshots);
    let latest = snapshots.latest().cloned().unwrap_or_else(|| before.clone());
    let keeps = obj.spec.uninstall.as_ref().is_some_and(|uninstall| uninstall.keep_history);
    let gone = match &result {
        Err(ActionError::NotFound { .. }) => {
            Some(format!("Release {} was not found, assuming it is uninstalled", before.full_name()))
        }
        Err(ActionError::AlreadyDeleted { .. }) if keeps => {
            Some(format!("Release {} was already uninstalled", before.full_name()))
        }
        _ => None,
    };
    if let Some(message) = gone.filter(|_| !remediation) {
        Conditions::of(obj).mark_false(RELEASED, Reason::UninstallSucceeded.as_str(), message);
        summarize(obj);
        return Ok(());
    }
    let changed = latest.digest != before.digest;
    let result = result.and_then(|release| {
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
    });
    let (release, chart) = (latest.full_name(), latest.versioned_chart());
    let (condition, what) = if remediation { (REMEDIATED, "uninstall remediation") } else { (RELEASED, "uninstall") };
    let metadata = of_snapshot(&latest);
    let ended = match result {
        Ok(()) => {
            let message = if remediation {
                format!("Helm {what} for release {release} with chart {chart} succeeded")
            } else {
                obj.status_mut().inventory = None;
                format!("Helm {what} succeeded for release {release} with chart {chart}")
            };
            let reason = Reason::UninstallSucceeded;
            say(
                obj,
                events,
                Say { condition, good: true, reason, message, metadata, log: None, status: Some(remediation) },
            );
            Ok(())
        }
        Err(error) => {
            let message = if remediation {
                format!("Helm {what} for release {release} with chart {chart} failed: {}", trimmed(&error))
            } else {
                format!("Helm {what} failed for release {release} with chart {chart}: {}", trimmed(&error))
            };
            let reason = Reason::UninstallFailed;
            say(obj, events, Say { condition, good: false, reason, message, metadata, log: Some(log), status: None });
            if remediation && changed { Ok(()) } else { Err(error) }
        }
    };
    // As upstream: after an uninstall remediation Ready goes on telling what failed.
    if !remediation {
        summarize(obj);
    }
    ended
}

/// The end of tests.
pub fn tested(
    obj: &mut HelmRelease,
    events: &mut Events,
    outcome: Result<(Release, Result<(), ActionError>), ActionError>,
) -> Result<(), ActionError> {
    let mut snapshots = history::read(obj);
    let Some(before) = snapshots.latest().cloned() else {
        return Err(ActionError::Mismatch("no latest release: required for test".into()));
    };
    let result = match outcome {
        Err(error) => Err(error),
        Ok((release, result)) => {
            history::tested(&mut snapshots, &release, &test::filters(obj));
            history::write(obj.status_mut(), &snapshots);
            if before.targets(&release.name, &release.namespace, release.version) {
                result
            } else {
                Err(ActionError::Mismatch(format!(
                    "release mismatch: tested release {} != current release {}",
                    release.full_name(),
                    before.full_name()
                )))
            }
        }
    };
    let latest = snapshots.latest().cloned().unwrap_or(before);
    let (release, chart) = (latest.full_name(), latest.versioned_chart());
    let metadata = of_snapshot(&latest);
    let ended = match result {
        Ok(()) => {
            let ran = match latest.test_hooks.as_ref().map_or(0, std::collections::BTreeMap::len) {
                0 => "no test hooks".to_owned(),
                1 => "1 test hook completed successfully".to_owned(),
                many => format!("{many} test hooks completed successfully"),
            };
            let message = format!("Helm test succeeded for release {release} with chart {chart}: {ran}");
            let reason = Reason::TestSucceeded;
            say(
                obj,
                events,
                Say { condition: TEST_SUCCESS, good: true, reason, message, metadata, log: None, status: None },
            );
            Ok(())
        }
        Err(error) => {
            let message = format!("Helm test failed for release {release} with chart {chart}: {}", trimmed(&error));
            let reason = Reason::TestFailed;
            say(
                obj,
                events,
                Say { condition: TEST_SUCCESS, good: false, reason, message, metadata, log: None, status: None },
            );
            if latest.has_been_tested() {
                if spec::active_remediation(obj).is_some_and(|active| !active.ignore_test_failures) {
                    let what =
                        if spec::last_action(obj) == spec::INSTALL { Released::Install } else { Released::Upgrade };
                    count(obj, what);
                }
                Ok(())
            } else {
                Err(error)
            }
        }
    };
    summarize(obj);
    ended
}

/// The end of an unlock: the release and the state it was found in, with the error if it could not be written.
pub fn unlocked(
    obj: &mut HelmRelease,
    events: &mut Events,
    outcome: Result<Option<(Release, flux_helm::release::Status)>, (Release, flux_helm::release::Status, ActionError)>,
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
        history::replace(&mut snapshots, &release, None, Missing::Ignore);
        history::write(obj.status_mut(), &snapshots);
    }
    let mut current = flux_helm::release::Observation::of(&release).snapshot();
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
    let (good, metadata) = (error.is_none(), of_snapshot(&current));
    let reason = Reason::PendingRelease;
    say(obj, events, Say { condition: RELEASED, good, reason, message, metadata, log: None, status: Some(false) });
    summarize(obj);
    error.map_or(Ok(()), Err)
}

/// What a correction of drift tells.
pub fn corrected(obj: &HelmRelease, events: &mut Events, corrected: &Corrected) {
    let Some(latest) = history::latest(obj) else { return };
    let (release, metadata) = (latest.full_name(), of_snapshot(&latest));
    let some = !corrected.changes.entries.is_empty();
    if !corrected.errors.is_empty() {
        let partially = if some { "partially " } else { "" };
        let mut message = format!(
            "Failed to {partially}correct cluster state of release {release}:\n{}",
            corrected.errors.join("\n")
        );
        if some {
            message.push_str(&format!("\n\nSuccessful corrections:\n{}", corrected.changes));
        }
        events.push(Told { severity: Severity::Error, reason: Reason::DriftCorrectionFailed, message, metadata });
    } else if some {
        let message = format!("Cluster state of release {release} has been corrected:\n{}", corrected.changes);
        events.push(Told { severity: Severity::Info, reason: Reason::DriftCorrected, message, metadata });
    }
}
