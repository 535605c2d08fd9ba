//! What an action tells its object: conditions, history, counters, events. Pure, but for the clock of the conditions.

mod drift;
mod release;
mod rollback;
mod test;
mod uninstall;
mod unlock;

use flux_api::{FluxObject as _, HelmRelease};
use flux_helm::Chart;
use flux_helm::digest::Algorithm;
use flux_helm::release::Snapshot;
use flux_runtime::Severity;
use flux_runtime::conditions::Conditions;

use crate::actions::ActionError;
use crate::log::Log;
use crate::reason::Reason;

pub use drift::{corrected, drifted};
pub use release::{Released, release, release_begins, success};
pub use rollback::rollback;
pub use test::tested;
pub use uninstall::uninstall;
pub use unlock::unlocked;

/// An event to be told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    pub severity: Severity,
    pub reason: Reason,
    pub message: String,
    /// Keys without the group.
    pub metadata: Vec<(&'static str, String)>,
}

/// What an action is about, for its messages and snapshots.
pub struct About<'a> {
    pub chart: &'a Chart,
    pub config_digest: &'a str,
    /// Digests snapshots.
    pub algorithm: Algorithm,
    /// Failures are tried again where the spec names no strategy.
    pub retry_by_default: bool,
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

/// Something to say to the object: a condition, a failure counted, an event.
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

impl<'a> Say<'a> {
    fn new(condition: &'static str, good: bool, reason: Reason, message: String) -> Self {
        Self { condition, good, reason, message, metadata: Vec::new(), log: None, status: None }
    }

    fn with(mut self, metadata: Vec<(&'static str, String)>) -> Self {
        self.metadata = metadata;
        self
    }

    /// The event ends with the last lines of the action.
    fn log(mut self, log: &'a Log) -> Self {
        self.log = Some(log);
        self
    }

    fn status(mut self, status: bool) -> Self {
        self.status = Some(status);
        self
    }

    fn to(self, obj: &mut HelmRelease, events: &mut Events) {
        let mut working = Conditions::of(obj);
        if self.status.unwrap_or(self.good) {
            working.mark_true(self.condition, self.reason.as_str(), self.message.clone());
        } else {
            working.mark_false(self.condition, self.reason.as_str(), self.message.clone());
        }
        if !self.good {
            obj.status_mut().failures += 1;
        }
        let message = self.log.map_or_else(|| self.message.clone(), |log| log.append_to(&self.message));
        let severity = if self.good { Severity::Info } else { Severity::Error };
        events.push(Told { severity, reason: self.reason, message, metadata: self.metadata });
    }
}

fn trimmed(error: &ActionError) -> String {
    error.to_string().trim().to_owned()
}

/// Starts the counters anew.
pub fn clear_failures(obj: &mut HelmRelease) {
    let status = obj.status_mut();
    status.failures = 0;
    status.install_failures = 0;
    status.upgrade_failures = 0;
}
