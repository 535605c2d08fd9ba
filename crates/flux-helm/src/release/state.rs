//! What state a release is in compared with what is wanted, and what is to be done next. Pure: no cluster, no clock.

use super::history::{Snapshot, Snapshots};
use super::{Observed, Release, Status};
use crate::chart::Metadata;
use crate::values::{Values, verify_config_digest};

/// What is wanted of a release, and what the object's status says.
#[derive(Clone, Debug)]
pub struct Desired<'a> {
    /// Metadata of the chart to be released; `None` skips the comparison.
    pub chart: Option<&'a Metadata>,
    pub values: &'a Values,
    /// `metadata.generation` differs from `status.observedGeneration`: only then digests are compared.
    pub new_generation: bool,
    /// Digests of post-renderers and of common metadata as the spec has them; empty without any.
    pub post_renderers_digest: String,
    pub common_metadata_digest: String,
    /// The same as the status remembers them.
    pub observed_post_renderers_digest: String,
    pub observed_common_metadata_digest: String,
    /// `spec.test.enable`.
    pub tests: bool,
    /// The active remediation counts test failures; `None` without remediation.
    pub ignore_test_failures: Option<bool>,
}

impl<'a> Desired<'a> {
    /// No tests, no post-rendering, nothing new in the spec.
    pub fn new(chart: Option<&'a Metadata>, values: &'a Values) -> Self {
        Self {
            chart,
            values,
            new_generation: false,
            post_renderers_digest: String::new(),
            common_metadata_digest: String::new(),
            observed_post_renderers_digest: String::new(),
            observed_common_metadata_digest: String::new(),
            tests: false,
            ignore_test_failures: None,
        }
    }
}

/// The state of a release.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    /// Nothing there, or the last one was uninstalled.
    Absent {
        reason: &'static str,
    },
    /// An action was cut off.
    Locked {
        reason: String,
    },
    /// There, but not as this object left it.
    Unmanaged {
        reason: &'static str,
    },
    /// Another chart, other values, other post-rendering.
    OutOfSync {
        reason: &'static str,
    },
    Failed {
        reason: &'static str,
    },
    Untested,
    /// As wanted, as far as the record tells; whether the cluster drifted is for the caller to see.
    InSync,
}

impl State {
    /// The name in logs.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Absent { .. } => "Absent",
            Self::Locked { .. } => "Locked",
            Self::Unmanaged { .. } => "Unmanaged",
            Self::OutOfSync { .. } => "OutOfSync",
            Self::Failed { .. } => "Failed",
            Self::Untested => "Untested",
            Self::InSync => "InSync",
        }
    }

    /// Why, for logs; empty when there is nothing to add.
    pub fn reason(&self) -> &str {
        match self {
            Self::Absent { reason }
            | Self::Unmanaged { reason }
            | Self::OutOfSync { reason }
            | Self::Failed { reason } => reason,
            Self::Locked { reason } => reason,
            Self::Untested | Self::InSync => "",
        }
    }
}

/// The state cannot be told from the record.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unable to determine state for release with status '{status}'")]
pub struct UnknownStatus {
    pub status: String,
}

/// Tells the state from the last record in storage, the snapshots in the object's status, and what is wanted.
///
/// # Errors
/// A status that nothing is known to do about.
pub fn determine(last: Option<&Release>, history: &[Snapshot], desired: &Desired<'_>) -> Result<State, UnknownStatus> {
    const UNINSTALLED: State = State::Absent { reason: "found uninstalled release in storage" };
    let Some(release) = last else { return Ok(State::Absent { reason: "no release in storage for object" }) };
    let status = &release.info.status;
    if status.is_pending() {
        return Ok(State::Locked { reason: format!("release with status '{status}'") });
    }
    let current = history.iter().rev().max_by_key(|snapshot| snapshot.version);
    let Some(current) = current else {
        if *status == Status::Uninstalled {
            return Ok(UNINSTALLED);
        }
        return Ok(State::Unmanaged { reason: "found existing release in storage" });
    };
    if let Err(error) = verify_snapshot(Some(current), Some(release)) {
        return Ok(State::Unmanaged { reason: error.reason() });
    }
    match status {
        Status::Failed => Ok(State::Failed { reason: "" }),
        Status::Uninstalled => Ok(UNINSTALLED),
        Status::Deployed => Ok(deployed(release, current, desired)),
        other => Err(UnknownStatus { status: other.to_string() }),
    }
}

/// Why a stored record is not the one that a snapshot tells of. Flux's words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}", self.reason())]
pub enum VerifyError {
    NoSnapshot,
    Disappeared,
    NotObserved,
    BadDigest,
}

impl VerifyError {
    pub fn reason(self) -> &'static str {
        match self {
            Self::NoSnapshot => "no release found",
            Self::Disappeared => "release disappeared from storage",
            Self::NotObserved => "release not observed to be made for object",
            Self::BadDigest => "release digest verification error",
        }
    }
}

/// Compares the record of a snapshot's revision, as storage has it, with the snapshot.
///
/// # Errors
/// What is missing or differs.
pub fn verify_snapshot(snapshot: Option<&Snapshot>, record: Option<&Release>) -> Result<(), VerifyError> {
    let snapshot = snapshot.ok_or(VerifyError::NoSnapshot)?;
    match snapshot.verify(record.ok_or(VerifyError::Disappeared)?) {
        Observed::Same => Ok(()),
        Observed::Changed => Err(VerifyError::NotObserved),
        Observed::BadDigest => Err(VerifyError::BadDigest),
    }
}

/// Compares a record with the chart and the values wanted. The error is the reason.
pub fn verify_release(
    release: &Release,
    snapshot: &Snapshot,
    chart: Option<&Metadata>,
    values: &Values,
) -> Result<(), &'static str> {
    let released = release.chart.as_ref().map(|chart| (&chart.metadata.name, &chart.metadata.version));
    if chart.is_some_and(|chart| released != Some((&chart.name, &chart.version))) {
        return Err("release chart changed");
    }
    if !verify_config_digest(&snapshot.config_digest, values) {
        return Err("release config values changed");
    }
    Ok(())
}

fn deployed(release: &Release, current: &Snapshot, desired: &Desired<'_>) -> State {
    if let Err(reason) = verify_release(release, current, desired.chart, desired.values) {
        return State::OutOfSync { reason };
    }
    if desired.new_generation {
        if desired.post_renderers_digest != desired.observed_post_renderers_digest {
            return State::OutOfSync { reason: "postrenderers digest has changed" };
        }
        if desired.common_metadata_digest != desired.observed_common_metadata_digest {
            return State::OutOfSync { reason: "common metadata digest has changed" };
        }
    }
    if desired.tests {
        if !current.has_been_tested() {
            return State::Untested;
        }
        if desired.ignore_test_failures == Some(false) && current.has_test_in_phase("Failed") {
            return State::Failed { reason: "release has test in failed phase" };
        }
    }
    State::InSync
}

/// What may be done about a failed action.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RemediationStrategy {
    Rollback,
    Uninstall,
}

/// The remediation that counts: the one of the action that was attempted last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Remediation {
    pub strategy: RemediationStrategy,
    /// Failures of that action so far.
    pub failures: i64,
    /// Retries allowed; negative for ever.
    pub retries: i64,
    /// The last failure is remediated as well.
    pub last_failure: bool,
    pub ignore_test_failures: bool,
}

impl Remediation {
    pub fn exhausted(&self) -> bool {
        self.retries >= 0 && self.failures > self.retries
    }
}

/// What decides about the next action, beside the state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Policy {
    /// The `forceAt` annotation asks, and was not handled yet.
    pub force: bool,
    /// Failures lead to another try, not to a remediation.
    pub retry_on_failure: bool,
    pub install_exhausted: bool,
    pub upgrade_exhausted: bool,
    /// `None` without any.
    pub remediation: Option<Remediation>,
    /// `spec.test.ignoreFailures`.
    pub ignore_test_failures: bool,
}

/// The release to roll back to, when it was looked for in storage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RollbackTarget {
    /// There, and as it was observed.
    Verified,
    /// No snapshot is fit.
    Missing,
    /// Gone from storage, or changed.
    Corrupt,
}

/// How the snapshots in the status change before the action.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HistoryChange {
    Keep,
    Clear,
    /// [`Snapshots::truncate_history`].
    Truncate {
        ignore_tests: bool,
    },
    /// [`Snapshots::truncate_to_limit`].
    ToLimit,
}

impl HistoryChange {
    /// Makes the change.
    pub fn apply(self, history: &mut Vec<Snapshot>) {
        match self {
            Self::Keep => {}
            Self::Clear => history.clear(),
            Self::Truncate { ignore_tests } => history.truncate_history(ignore_tests),
            Self::ToLimit => history.truncate_to_limit(),
        }
    }
}

/// The next thing to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    Nothing,
    Unlock,
    Install,
    Upgrade,
    Test,
    Rollback,
    Uninstall,
}

/// Why there is nothing more to do until somebody changes something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Stalled {
    #[error("exceeded maximum retries: cannot install release")]
    Install,
    #[error("exceeded maximum retries: cannot upgrade release")]
    Upgrade,
    #[error("exceeded maximum retries: cannot remediate failed release")]
    Remediate,
    #[error("missing target release for rollback: cannot remediate failed release")]
    MissingRollbackTarget,
}

/// The next action for a state, and what becomes of the history. `rollback_target` is asked only when a rollback
/// is due, after the history was changed.
pub fn next_action(
    state: &State,
    policy: &Policy,
    rollback_target: impl FnOnce() -> RollbackTarget,
) -> (HistoryChange, Result<Action, Stalled>) {
    use HistoryChange::{Clear, Keep, ToLimit, Truncate};
    let unless_exhausted = |exhausted: bool, action, stalled| {
        if exhausted && !policy.force { Err(stalled) } else { Ok(action) }
    };
    match state {
        State::InSync => {
            let ignore_tests =
                policy.remediation.map_or(policy.ignore_test_failures, |active| active.ignore_test_failures);
            let change = if policy.retry_on_failure { ToLimit } else { Truncate { ignore_tests } };
            (change, Ok(if policy.force { Action::Upgrade } else { Action::Nothing }))
        }
        State::Locked { .. } => (Keep, Ok(Action::Unlock)),
        State::Absent { .. } => (Keep, unless_exhausted(policy.install_exhausted, Action::Install, Stalled::Install)),
        State::Unmanaged { .. } => (Clear, Ok(Action::Upgrade)),
        State::OutOfSync { .. } => {
            (Keep, unless_exhausted(policy.upgrade_exhausted, Action::Upgrade, Stalled::Upgrade))
        }
        State::Untested => (Keep, Ok(Action::Test)),
        State::Failed { .. } if policy.retry_on_failure => (ToLimit, Ok(Action::Upgrade)),
        State::Failed { .. } => {
            let Some(active) = policy.remediation else { return (Keep, Ok(Action::Upgrade)) };
            if active.failures <= 0 || policy.force {
                return (Keep, Ok(Action::Upgrade));
            }
            if active.exhausted() && !active.last_failure {
                return (Keep, Err(Stalled::Remediate));
            }
            let action = match active.strategy {
                RemediationStrategy::Uninstall => Ok(Action::Uninstall),
                RemediationStrategy::Rollback => match rollback_target() {
                    RollbackTarget::Verified => Ok(Action::Rollback),
                    RollbackTarget::Missing => Err(Stalled::MissingRollbackTarget),
                    RollbackTarget::Corrupt => Ok(Action::Upgrade),
                },
            };
            (Truncate { ignore_tests: active.ignore_test_failures }, action)
        }
    }
}

/// What of a release's target changed, so that the old one must go first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TargetChange {
    StorageNamespace,
    ReleaseNamespace,
    ReleaseName,
    ChartName,
}

impl TargetChange {
    /// Flux's words.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::StorageNamespace => "storage namespace",
            Self::ReleaseNamespace => "release namespace",
            Self::ReleaseName => "release name",
            Self::ChartName => "chart name",
        }
    }
}

/// Where a release is to go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Target<'a> {
    pub storage_namespace: &'a str,
    pub namespace: &'a str,
    /// Not yet shortened.
    pub name: &'a str,
    pub chart: &'a str,
}

/// Compares the target with the last snapshot; `observed_storage` is `status.storageNamespace`.
pub fn target_changed(target: &Target<'_>, observed_storage: &str, history: &[Snapshot]) -> Option<TargetChange> {
    let current = history.iter().rev().max_by_key(|snapshot| snapshot.version)?;
    if observed_storage.is_empty() {
        return None;
    }
    if target.storage_namespace != observed_storage {
        Some(TargetChange::StorageNamespace)
    } else if target.namespace != current.namespace {
        Some(TargetChange::ReleaseNamespace)
    } else if super::shorten_name(target.name) != current.name {
        Some(TargetChange::ReleaseName)
    } else if target.chart != current.chart_name {
        Some(TargetChange::ChartName)
    } else {
        None
    }
}

/// What the last attempt was made of, from the object's status.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LastAttempt {
    pub generation: i64,
    /// The chart's version.
    pub revision: String,
    /// `sha256:...`, or a digest that an older controller left, which counts as different.
    pub config_digest: String,
}

/// Why failure counters start anew; `None` when they go on.
pub fn must_reset_failures(
    last: &LastAttempt,
    generation: i64,
    chart_version: &str,
    values: &Values,
    reset_requested: bool,
) -> Option<&'static str> {
    if last.generation != generation {
        Some("generation differs from last attempt")
    } else if last.revision != chart_version {
        Some("chart version differs from last attempt")
    } else if !last.config_digest.is_empty() && !verify_config_digest(&last.config_digest, values) {
        Some("values differ from last attempt")
    } else if reset_requested {
        Some("reset requested through annotation")
    } else {
        None
    }
}
