//! One round of the loop: the state of the release, then the action it asks for.

use std::sync::Arc;

use flux_api::helm::DriftDetectionMode;
use flux_api::{FORCE_REQUEST_ANNOTATION, HelmRelease, READY_CONDITION};
use flux_helm::release::state::{self, State};
use flux_helm::release::{Snapshot, Snapshots as _};
use flux_runtime::{Attempt, Halt, Outcome, Severity, conditions};

use super::{HelmReleaseReconciler, Pass, Waited, watch};
use crate::actions::drift::{self, Difference};
use crate::actions::{Kind, Type, must_continue};
use crate::reason::Reason;
use crate::report::{self, Released};
use crate::state::{self as current, Found};
use crate::summary::{DRIFTED, remediated_is_upgraded};
use crate::{attempt, history, perform, spec};

/// What a round comes to.
enum Step {
    Run(Kind, Option<Box<Snapshot>>, Vec<Difference>),
    /// Nothing is left to do.
    InSync,
    /// Drift is told, not corrected.
    Warned,
}

impl HelmReleaseReconciler {
    /// One round of the loop.
    pub(super) async fn next(&self, at: &mut Attempt<HelmRelease>, pass: Pass) -> Result<Outcome<Waited>, Halt> {
        let (kind, to, differences) = match self.step(at, &pass).await {
            Ok(Step::Run(kind, to, differences)) => (kind, to, differences),
            Ok(Step::InSync) => return Ok(self.in_sync(at)),
            Ok(Step::Warned) => return Ok(self.complete(at)),
            Err(current::StateError::Stalled(stalled)) => return Ok(self.stalled(at, stalled)),
            Err(error) => {
                let message = format!("Could not determine release state: {error}");
                return Err(Halt::failed(Reason::StateError.as_str(), message).event(None));
            }
        };
        if must_continue(kind.action_type(), &pass.previous) {
            return Ok(self.run(at, pass, kind, to, differences));
        }
        tracing::debug!(action = kind.name(), "instructed to stop before running action");
        Ok(self.stopped(at))
    }

    async fn step(&self, at: &mut Attempt<HelmRelease>, pass: &Pass) -> Result<Step, current::StateError> {
        let found = current::find(at.object(), pass, &self.options).await?;
        let force = attempt::is_requested(at.object_mut(), FORCE_REQUEST_ANNOTATION);
        tracing::debug!(state = found.name(), reason = found.reason(), "current state of the release");
        match found {
            Found::Record(found) => self.step_for(at, pass, &found, force).await,
            Found::Drifted(differences) => Ok(drifted(at, differences)),
        }
    }

    async fn step_for(
        &self,
        at: &mut Attempt<HelmRelease>,
        pass: &Pass,
        found: &State,
        force: bool,
    ) -> Result<Step, current::StateError> {
        let policy = spec::policy(at.object(), self.options.default_to_retry_on_failure, force);
        let mut snapshots = history::read(at.object());
        let rollback = current::rollback_target(found, &policy, &snapshots, &pass.storage).await?;
        let (change, action) = state::next_action(found, &policy, || rollback);
        change.apply(&mut snapshots);
        history::write(at.status_mut(), &snapshots);
        let kind = match action.map_err(current::StateError::Stalled)? {
            state::Action::Nothing => return Ok(Step::InSync),
            state::Action::Unlock => Kind::Unlock,
            state::Action::Install => Kind::Install,
            state::Action::Upgrade => Kind::Upgrade,
            state::Action::Test => {
                remediated_is_upgraded(at.object_mut());
                Kind::Test
            }
            state::Action::Rollback => {
                let ignore = policy.remediation.is_some_and(|active| active.ignore_test_failures);
                let to = snapshots.previous(ignore).cloned().map(Box::new);
                return Ok(Step::Run(Kind::Rollback, to, Vec::new()));
            }
            state::Action::Uninstall => Kind::UninstallRemediation,
        };
        Ok(Step::Run(kind, None, Vec::new()))
    }

    /// Starts an action and waits for it without a slot.
    pub(super) fn run(
        &self,
        at: &mut Attempt<HelmRelease>,
        mut pass: Pass,
        kind: Kind,
        to: Option<Box<Snapshot>>,
        differences: Vec<Difference>,
    ) -> Outcome<Waited> {
        let timeout = flux_api::Duration::from(kind.timeout(at.object()));
        let message = format!("Running '{}' action with timeout of {timeout}", kind.name());
        tracing::info!("running '{}' action with timeout of {timeout}", kind.name());
        match kind {
            Kind::Install => report::release_begins(at.object_mut(), Released::Install),
            Kind::Upgrade => report::release_begins(at.object_mut(), Released::Upgrade),
            _ => {}
        }
        pass.request.object = Arc::new(at.object().clone());
        let mut shown = Vec::new();
        if kind.action_type() == Type::Release {
            shown.push(conditions::unknown(READY_CONDITION, Reason::Progressing.as_str(), message.clone()));
        }
        at.progress_with(message, shown);
        let running = perform::start(self, at.key(), &pass, kind, to, differences);
        self.running.put(at.key(), running.clone(), Some(Box::new(pass)));
        watch(running)
    }
}

/// Tells what drifted; it is corrected when that is asked for.
fn drifted(at: &mut Attempt<HelmRelease>, differences: Vec<Difference>) -> Step {
    tracing::info!("detected changes in cluster state ({})", drift::brief(&differences, None));
    let release = history::latest(at.object()).map(|latest| latest.full_name()).unwrap_or_default();
    let message = report::drifted(&release, &differences);
    at.event(Severity::Error, Reason::DriftDetected.as_str(), &message);
    at.conditions().mark_true(DRIFTED, Reason::DriftDetected.as_str(), message);
    if spec::drift_mode(at.object()) == DriftDetectionMode::Enabled {
        return Step::Run(Kind::CorrectDrift, None, differences);
    }
    Step::Warned
}
