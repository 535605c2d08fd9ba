//! How an attempt ends.

use std::time::Duration;

use flux_api::{FluxObject as _, HelmRelease, READY_CONDITION, RECONCILING_CONDITION};
use flux_helm::release::state::{self, Stalled};
use flux_runtime::{Attempt, Next, Outcome, conditions};

use super::{HelmReleaseReconciler, Waited, ready_message};
use crate::actions::ActionError;
use crate::reason::Reason;
use crate::spec;
use crate::summary::{self, DRIFTED, summarize};

impl HelmReleaseReconciler {
    /// The release is as wanted.
    pub(super) fn in_sync(&self, at: &mut Attempt<HelmRelease>) -> Outcome<Waited> {
        summary::in_sync(at.object_mut());
        if spec::detects_drift(at.object()) {
            let message = "No drift detected against the cluster state";
            at.conditions().mark_false(DRIFTED, Reason::NoDriftDetected.as_str(), message);
        }
        self.complete(at)
    }

    pub(super) fn complete(&self, at: &mut Attempt<HelmRelease>) -> Outcome<Waited> {
        at.conditions().delete(RECONCILING_CONDITION);
        summarize(at.object_mut());
        let interval = at.object().spec.interval.std();
        Outcome::Settled { observed: true, next: Next::After(interval) }
    }

    pub(super) fn stalled(&self, at: &mut Attempt<HelmRelease>, stalled: Stalled) -> Outcome<Waited> {
        let (reason, message) = match stalled {
            Stalled::MissingRollbackTarget => {
                (Reason::MissingRollbackTarget, format!("Failed to perform remediation: {stalled}"))
            }
            _ => (Reason::RetriesExceeded, exceeded(at.object())),
        };
        self.stall(at, reason, message)
    }

    fn stall(&self, at: &mut Attempt<HelmRelease>, reason: Reason, message: String) -> Outcome<Waited> {
        if conditions::is_unknown(at.object().conditions(), READY_CONDITION) {
            summarize(at.object_mut());
        }
        at.conditions().mark_stalled(reason.as_str(), message);
        Outcome::Settled { observed: true, next: Next::Event }
    }

    /// `RetryOnFailure` waits for its interval.
    fn retry_after_interval(&self, at: &mut Attempt<HelmRelease>) -> Option<Outcome<Waited>> {
        let interval = spec::active_retry(at.object(), self.options.default_to_retry_on_failure)?;
        let message = format!("retrying after {}", flux_api::Duration::from(interval));
        at.conditions().mark_reconciling(Reason::ProgressingWithRetry.as_str(), message);
        Some(Outcome::Settled { observed: true, next: Next::After(interval) })
    }

    /// The next round is an attempt of its own, so that what happened so far is written.
    fn again(&self, at: &mut Attempt<HelmRelease>) -> Outcome<Waited> {
        let message = ready_message(at.object());
        at.conditions().mark_reconciling(Reason::ProgressingWithRetry.as_str(), message);
        Outcome::Settled { observed: false, next: Next::After(Duration::ZERO) }
    }

    /// An action of that type ran already.
    pub(super) fn stopped(&self, at: &mut Attempt<HelmRelease>) -> Outcome<Waited> {
        if let Some(outcome) = self.retry_after_interval(at) {
            return outcome;
        }
        let exhausted = spec::active_remediation(at.object()).is_some_and(|active| active.exhausted());
        if !exhausted {
            return self.again(at);
        }
        at.conditions().delete(RECONCILING_CONDITION);
        let interval = at.object().spec.interval.std();
        Outcome::Settled { observed: true, next: Next::After(interval) }
    }

    /// An action could not be recorded: it is tried again.
    pub(super) fn failed(&self, at: &mut Attempt<HelmRelease>, error: &ActionError) -> Outcome<Waited> {
        if let Some(outcome) = self.retry_after_interval(at) {
            return outcome;
        }
        let ready = conditions::get(at.object().conditions(), READY_CONDITION);
        if ready.is_none_or(|ready| ready.status != "False") {
            at.conditions().mark_false(READY_CONDITION, Reason::ReconcileError.as_str(), error.to_string());
        }
        Outcome::Settled { observed: false, next: Next::BackOff }
    }

    /// A remediation ends the attempt.
    pub(super) fn remediated(&self, at: &mut Attempt<HelmRelease>) -> Outcome<Waited> {
        if let Some(outcome) = self.retry_after_interval(at) {
            return outcome;
        }
        let active = spec::active_remediation(at.object());
        let uninstalled_upgrade = spec::last_action(at.object()) == spec::UPGRADE
            && active.is_some_and(|active| active.strategy == state::RemediationStrategy::Uninstall);
        if !active.is_some_and(|active| active.exhausted()) || uninstalled_upgrade {
            return self.again(at);
        }
        let message = exceeded(at.object());
        self.stall(at, Reason::RetriesExceeded, message)
    }
}

fn exceeded(obj: &HelmRelease) -> String {
    let failures = spec::active_remediation(obj).map_or(0, |active| active.failures);
    format!("Failed to {} after {failures} attempt(s)", spec::last_action(obj))
}
