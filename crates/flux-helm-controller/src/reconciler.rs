//! From an object to its release: the prerequisites, then one action after the other until there is none.

use std::sync::Arc;
use std::time::Duration;

use flux_api::{FORCE_REQUEST_ANNOTATION, FluxObject as _, HelmRelease, READY_CONDITION, RESET_REQUEST_ANNOTATION};
use flux_apply::{Health, Mapper, Target};
use flux_artifact::Fetcher;
use flux_helm::release::state::{self, LastAttempt, Stalled};
use flux_helm::release::{Snapshot, Snapshots as _};
use flux_helm::values::config_digest;
use flux_helm::{Chart, Values};
use flux_runtime::{
    Attempt, ControllerContext, Halt, Next, ObjectKey, Outcome, Reconciler, Reference, conditions, requests,
};

use crate::actions::{ActionError, Kind, Type, must_continue, must_stop};
use crate::chart::{self, Charts};
use crate::cluster::Discovery;
use crate::options::Options;
use crate::plan::{self, Plan};
use crate::reason::Reason;
use crate::report::{self, About, Released, Told};
use crate::resolve::{self, Sources};
use crate::running::{Done, Finished, Register, Running};
use crate::state::{self as current, Found};
use crate::storage::Storage;
use crate::summary::{DRIFTED, RELEASED, REMEDIATED, replace, summarize};
use crate::work::{Gate, Request};
use crate::{chart_template, finalize, gate, history, perform, spec, values};

/// Reconciles HelmReleases.
pub struct HelmReleaseReconciler {
    pub(crate) ctx: ControllerContext,
    pub(crate) options: Options,
    pub(crate) fetcher: Fetcher,
    pub(crate) sources: Sources,
    pub(crate) charts: Charts,
    pub(crate) mapper: Mapper,
    pub(crate) health: Health,
    pub(crate) discovery: Discovery,
    pub(crate) gate: Gate,
    pub(crate) running: Register<Pass>,
}

/// What one attempt has found out, kept while its actions run.
pub struct Pass {
    pub request: Request,
    pub target: Target,
    pub storage: Storage,
    pub config_digest: String,
    /// Types of the actions that ran.
    pub previous: Vec<Type>,
    /// The release is somewhere else than it should be: this one goes, then the attempt begins anew.
    pub moving: bool,
}

/// An action ended; the register has it.
pub struct Waited;

/// What stands between the loop and its next round.
enum Step {
    Run(Kind, Option<Box<Snapshot>>, Vec<crate::actions::drift::Difference>),
    End(Outcome<Waited>),
}

impl HelmReleaseReconciler {
    pub fn new(ctx: &ControllerContext, options: Options, fetcher: Fetcher, sources: Sources) -> Self {
        Self {
            ctx: ctx.clone(),
            options,
            fetcher,
            sources,
            charts: Charts::default(),
            mapper: Mapper::default(),
            health: Health::default(),
            discovery: Discovery::default(),
            gate: Gate::new(ctx.options.concurrent),
            running: Register::default(),
        }
    }

    /// The cluster as the object's account sees it.
    pub(crate) fn target(&self, namespace: &str, account: Option<&str>) -> Result<Target, Halt> {
        let Some(account) = account else { return Ok(Target::new(self.ctx.client.clone(), self.mapper.clone())) };
        Target::impersonating(&self.ctx.client, self.mapper.clone(), namespace, account)
            .map_err(|error| Halt::failed(Reason::RestClientError.as_str(), error.to_string()))
    }

    /// Everything that must be there first, then the first action.
    async fn begin(&self, at: &mut Attempt<HelmRelease>) -> Result<Outcome<Waited>, Halt> {
        at.progress("Fulfilling prerequisites");
        let common = &self.ctx.options;
        let plan = Plan::validate(at.object(), &common.default_service_account)?;
        let own = Target::new(self.ctx.client.clone(), self.mapper.clone());
        chart_template::reconcile(at, &own, &self.sources.charts, common.no_cross_namespace_refs).await?;
        gate::dependencies(at.object(), &self.ctx.client, self.options.additive_cel_dependency_check)
            .await
            .map_err(|error| error.into_halt(common.requeue_dependency))?;
        let source = resolve::source(at.object(), &self.sources, common, &self.options).await?;
        let values = values::compose(at.object(), &self.ctx.client)
            .await
            .map_err(|error| Halt::failed(Reason::ValuesError.as_str(), error.to_string()))?;
        let loaded = self.charts.load(&source, &self.fetcher, common.requeue_dependency).await?;
        let (chart, oci_digest) = self.versioned(&loaded, source.kind, &source.artifact.revision)?;
        let target = self.target(at.namespace(), plan.service_account.as_deref())?;
        let moved = self.moved(at.object(), &chart);
        let namespace = match &moved {
            Some(_) => at.object().status.as_ref().and_then(|status| status.storage_namespace.clone()),
            None => None,
        };
        let namespace = namespace.unwrap_or_else(|| spec::storage_namespace(at.object()).to_owned());
        let storage = Storage::new(target.clone(), &namespace);
        let request = Request {
            object: Arc::new(at.object().clone()),
            chart,
            values: Arc::new(values),
            plan,
            options: self.options.clone(),
        };
        let config_digest = config_digest(&request.values);
        let mut pass = Pass { request, target, storage, config_digest, previous: Vec::new(), moving: moved.is_some() };
        if let Some(reason) = moved {
            tracing::info!(reason, "release target configuration changed: running uninstall for current release");
            return Ok(self.run(at, pass, Kind::Uninstall, None, Vec::new()));
        }
        self.attempted(at, &mut pass, oci_digest).await?;
        self.next(at, pass).await
    }

    fn versioned(&self, chart: &Arc<Chart>, kind: &str, revision: &str) -> Result<(Arc<Chart>, String), Halt> {
        let (version, digest) =
            chart::revision(kind, revision, &chart.metadata.version).map_err(chart::ChartError::from)?;
        if self.options.disable_chart_digest_tracking || version == chart.metadata.version {
            return Ok((chart.clone(), digest));
        }
        let mut changed = (**chart).clone();
        changed.metadata.version = version;
        Ok((Arc::new(changed), digest))
    }

    /// What of the release's target changed, when the old release must go for it.
    fn moved(&self, obj: &HelmRelease, chart: &Chart) -> Option<&'static str> {
        let name = spec::release_name(obj);
        let target = state::Target {
            storage_namespace: spec::storage_namespace(obj),
            namespace: spec::release_namespace(obj),
            name: &name,
            chart: chart.name(),
        };
        let observed = obj.status.as_ref().and_then(|status| status.storage_namespace.as_deref()).unwrap_or_default();
        let change = state::target_changed(&target, observed, &history::read(obj))?;
        let counts = change != state::TargetChange::ChartName || spec::reinstalls_for_chart_name(obj);
        counts.then(|| change.as_str())
    }

    /// Notes what is about to be attempted. Where the records will be is written before the first of them is.
    async fn attempted(&self, at: &mut Attempt<HelmRelease>, pass: &mut Pass, oci: String) -> Result<(), Halt> {
        let namespace = spec::storage_namespace(at.object()).to_owned();
        let known = at.object().status.as_ref().and_then(|status| status.storage_namespace.clone());
        if known.as_ref() != Some(&namespace) {
            at.announce(|status| {
                let news = status.storage_namespace.as_ref() != Some(&namespace);
                status.storage_namespace = Some(namespace.clone());
                news
            })
            .await
            .map_err(|error| Halt::failed(Reason::ReconcileError.as_str(), error.to_string()))?;
        }
        let reset = self.requested(at, RESET_REQUEST_ANNOTATION);
        let generation = at.generation();
        let version = pass.request.chart.metadata.version.clone();
        let status = at.status_mut();
        let checksum = status.last_attempted_values_checksum.take().map(|checksum| format!("sha1:{checksum}"));
        let last = LastAttempt {
            generation: status.last_attempted_generation,
            revision: status.last_attempted_revision.clone().unwrap_or_default(),
            config_digest: status.last_attempted_config_digest.clone().or(checksum).unwrap_or_default(),
        };
        if let Some(reason) = state::must_reset_failures(&last, generation, &version, &pass.request.values, reset) {
            tracing::debug!(reason, "resetting failure count");
            report::clear_failures(at.object_mut());
        }
        let status = at.status_mut();
        status.last_attempted_generation = generation;
        status.last_attempted_revision = Some(version);
        status.last_attempted_revision_digest = (!oci.is_empty()).then_some(oci);
        status.last_attempted_config_digest = Some(pass.config_digest.clone());
        status.last_release_revision = 0;
        pass.request.object = Arc::new(at.object().clone());
        Ok(())
    }

    /// True once for each request by annotation.
    fn requested(&self, at: &mut Attempt<HelmRelease>, annotation: &str) -> bool {
        let annotations = at.object().metadata.annotations.clone().unwrap_or_default();
        let handled = at.object().last_handled_reconcile_at().unwrap_or_default().to_owned();
        let status = at.status_mut();
        let slot = if annotation == FORCE_REQUEST_ANNOTATION {
            &mut status.last_handled_force_at
        } else {
            &mut status.last_handled_reset_at
        };
        let mut last = slot.clone().unwrap_or_default();
        let due = requests::take(&annotations, annotation, &handled, &mut last);
        *slot = (!last.is_empty()).then_some(last);
        due
    }

    /// One round of the loop: the state, then the action it asks for.
    async fn next(&self, at: &mut Attempt<HelmRelease>, pass: Pass) -> Result<Outcome<Waited>, Halt> {
        let step = match self.step(at, &pass).await {
            Ok(step) => step,
            Err(current::StateError::Stalled(stalled)) => return Ok(self.stalled(at, stalled)),
            Err(error) => {
                let message = format!("Could not determine release state: {error}");
                return Err(Halt::failed(Reason::StateError.as_str(), message).event(None));
            }
        };
        let (kind, to, differences) = match step {
            Step::End(outcome) => return Ok(outcome),
            Step::Run(kind, to, differences) => (kind, to, differences),
        };
        if must_continue(kind.action_type(), &pass.previous) {
            return Ok(self.run(at, pass, kind, to, differences));
        }
        tracing::debug!(action = kind.name(), "instructed to stop before running action");
        if let Some(outcome) = self.retry_after_interval(at) {
            return Ok(outcome);
        }
        let exhausted = spec::active_remediation(at.object()).is_some_and(|active| active.exhausted());
        if !exhausted {
            return Ok(self.again(at));
        }
        at.conditions().delete(flux_api::RECONCILING_CONDITION);
        let interval = at.object().spec.interval.std();
        Ok(Outcome::Settled { observed: true, next: Next::After(interval) })
    }

    async fn step(&self, at: &mut Attempt<HelmRelease>, pass: &Pass) -> Result<Step, current::StateError> {
        let found = current::find(at.object(), pass, &self.options).await?;
        let force = self.requested(at, FORCE_REQUEST_ANNOTATION);
        tracing::debug!(state = found.name(), reason = found.reason(), "current state of the release");
        let differences = match found {
            Found::Drifted(differences) => differences,
            Found::Record(found) => {
                let by_default = self.options.default_to_retry_on_failure;
                let policy = spec::policy(at.object(), by_default, force);
                let mut snapshots = history::read(at.object());
                let rollback = current::rollback_target(&found, &policy, &snapshots, &pass.storage).await?;
                let (change, action) = state::next_action(&found, &policy, || rollback);
                change.apply(&mut snapshots);
                history::write(at.status_mut(), &snapshots);
                let action = action.map_err(current::StateError::Stalled)?;
                let kind = match action {
                    state::Action::Nothing => return Ok(Step::End(self.in_sync(at))),
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
                return Ok(Step::Run(kind, None, Vec::new()));
            }
        };
        let release = history::latest(at.object()).map(|latest| latest.full_name()).unwrap_or_default();
        let summary = crate::actions::drift::summary(&differences, None);
        let message = format!("Cluster state of release {release} has drifted from the desired state:\n{summary}");
        at.event(flux_runtime::Severity::Error, Reason::DriftDetected.as_str(), &message);
        at.conditions().mark_true(DRIFTED, Reason::DriftDetected.as_str(), message);
        if spec::drift_mode(at.object()) == flux_api::helm::DriftDetectionMode::Enabled {
            return Ok(Step::Run(Kind::CorrectDrift, None, differences));
        }
        Ok(Step::End(self.complete(at)))
    }

    /// The release is as wanted.
    fn in_sync(&self, at: &mut Attempt<HelmRelease>) -> Outcome<Waited> {
        let obj = at.object_mut();
        remediated_is_upgraded(obj);
        let released = conditions::get(obj.conditions(), RELEASED).cloned();
        let ready = conditions::is_ready(obj.conditions()) && released.as_ref().is_some_and(|one| one.status == "True");
        if !ready && let Some(latest) = history::latest(obj) {
            let what = match released.map(|one| one.reason).as_deref() {
                Some("InstallFailed") => Some(Released::Install),
                Some("UpgradeFailed") => Some(Released::Upgrade),
                _ => None,
            };
            if let Some(what) = what {
                let (reason, message) = report::success(what, &latest);
                at.conditions().mark_true(RELEASED, reason.as_str(), message);
                summarize(at.object_mut());
            }
        }
        if spec::detects_drift(at.object()) {
            let message = "No drift detected against the cluster state";
            at.conditions().mark_false(DRIFTED, Reason::NoDriftDetected.as_str(), message);
        }
        self.complete(at)
    }

    fn complete(&self, at: &mut Attempt<HelmRelease>) -> Outcome<Waited> {
        at.conditions().delete(flux_api::RECONCILING_CONDITION);
        summarize(at.object_mut());
        let interval = at.object().spec.interval.std();
        Outcome::Settled { observed: true, next: Next::After(interval) }
    }

    fn stalled(&self, at: &mut Attempt<HelmRelease>, stalled: Stalled) -> Outcome<Waited> {
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
        let ready = conditions::get(at.object().conditions(), READY_CONDITION);
        let message = ready.map(|ready| ready.message.clone()).unwrap_or_default();
        at.conditions().mark_reconciling(Reason::ProgressingWithRetry.as_str(), message);
        Outcome::Settled { observed: false, next: Next::After(Duration::ZERO) }
    }

    /// Starts an action and waits for it without a slot.
    fn run(
        &self,
        at: &mut Attempt<HelmRelease>,
        mut pass: Pass,
        kind: Kind,
        to: Option<Box<Snapshot>>,
        differences: Vec<crate::actions::drift::Difference>,
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

    /// Tells the object what an action brought. An error is to be tried again.
    pub(crate) fn tell(
        &self,
        at: &mut Attempt<HelmRelease>,
        chart: Option<(&Chart, &str)>,
        finished: Finished,
    ) -> Result<(), ActionError> {
        let Finished { kind, done, log, observed, inventory, took } = finished;
        let (empty, mut events) = (Chart::default(), Vec::new());
        let (chart, config_digest) = chart.unwrap_or((&empty, ""));
        let about = About { chart, config_digest };
        let by_default = self.options.default_to_retry_on_failure;
        let obj = at.object_mut();
        match inventory {
            Some(Ok(listed)) => {
                obj.status_mut().inventory = Some(listed.inventory);
                if !listed.warnings.is_empty() {
                    let message = listed.warnings.join("; ");
                    events.push(told(Reason::NamespaceCheckSkipped, message));
                }
            }
            Some(Err(error)) => {
                let name = obj.metadata.name.clone().unwrap_or_default();
                let message = format!("failed to build inventory for {}/{name}: {error}", spec::own_namespace(obj));
                events.push(told(Reason::InventoryBuildFailed, message));
            }
            None => {}
        }
        let result = match done {
            Done::Released(result) => {
                let what = if kind == Kind::Install { Released::Install } else { Released::Upgrade };
                report::release(obj, &mut events, what, &about, (&observed, &log, took), result, by_default)
            }
            Done::RolledBack { to, result } => {
                report::rollback(obj, &mut events, &to, &about, (&observed, &log), result)
            }
            Done::Uninstalled(result) => {
                let remediation = kind == Kind::UninstallRemediation;
                report::uninstall(obj, &mut events, remediation, (&observed, &log), result)
            }
            Done::Tested(outcome) => report::tested(obj, &mut events, outcome),
            Done::Unlocked(outcome) => report::unlocked(obj, &mut events, outcome),
            Done::Corrected(corrected) => {
                report::corrected(obj, &mut events, &corrected);
                Ok(())
            }
            Done::Broken(message) => Err(ActionError::Defect(message)),
        };
        for Told { severity, reason, message, metadata } in events {
            let metadata: Vec<(&str, &str)> = metadata.iter().map(|(name, value)| (*name, value.as_str())).collect();
            at.event_with(severity, reason.as_str(), message, &metadata);
        }
        result
    }

    /// After an action: retry, stop, or the next round.
    async fn after(
        &self,
        at: &mut Attempt<HelmRelease>,
        mut pass: Pass,
        kind: Kind,
        result: Result<(), ActionError>,
    ) -> Result<Outcome<Waited>, Halt> {
        if pass.moving {
            return self.moved_away(at, result).await;
        }
        if let Err(error) = result {
            tracing::error!(action = kind.name(), %error, "action failed");
            if let Some(outcome) = self.retry_after_interval(at) {
                return Ok(outcome);
            }
            let ready = conditions::get(at.object().conditions(), READY_CONDITION);
            if ready.is_none_or(|ready| ready.status != "False") {
                at.conditions().mark_false(READY_CONDITION, Reason::ReconcileError.as_str(), error.to_string());
            }
            return Ok(Outcome::Settled { observed: false, next: Next::BackOff });
        }
        if must_stop(kind.action_type()) {
            if let Some(outcome) = self.retry_after_interval(at) {
                return Ok(outcome);
            }
            let active = spec::active_remediation(at.object());
            let uninstalled_upgrade = spec::last_action(at.object()) == spec::UPGRADE
                && active.is_some_and(|active| active.strategy == state::RemediationStrategy::Uninstall);
            if !active.is_some_and(|active| active.exhausted()) || uninstalled_upgrade {
                return Ok(self.again(at));
            }
            let message = exceeded(at.object());
            return Ok(self.stall(at, Reason::RetriesExceeded, message));
        }
        pass.previous.push(kind.action_type());
        self.next(at, pass).await
    }

    /// The release of the old target is gone, or was not there.
    async fn moved_away(
        &self,
        at: &mut Attempt<HelmRelease>,
        result: Result<(), ActionError>,
    ) -> Result<Outcome<Waited>, Halt> {
        if let Err(error) = result {
            tracing::error!(%error, "release of the former target could not be uninstalled");
            return Ok(Outcome::Settled { observed: false, next: Next::BackOff });
        }
        report::clear_failures(at.object_mut());
        let status = at.status_mut();
        status.history.clear();
        status.storage_namespace = None;
        Ok(Outcome::Settled { observed: false, next: Next::After(Duration::ZERO) })
    }
}

/// Waits for the end of an action.
fn watch(running: Running) -> Outcome<Waited> {
    let wait = async move {
        running.ended().await;
        Waited
    };
    Outcome::Watching { wait: Box::pin(wait) }
}

fn told(reason: Reason, message: String) -> Told {
    Told { severity: flux_runtime::Severity::Error, reason, message, metadata: Vec::new() }
}

fn exceeded(obj: &HelmRelease) -> String {
    let failures = spec::active_remediation(obj).map_or(0, |active| active.failures);
    format!("Failed to {} after {failures} attempt(s)", spec::last_action(obj))
}

/// A release that was rolled back to is what is wanted now: it counts as an upgrade.
fn remediated_is_upgraded(obj: &mut HelmRelease) {
    if !conditions::is_true(obj.conditions(), REMEDIATED) {
        return;
    }
    if let Some(latest) = history::latest(obj) {
        let (reason, message) = report::success(Released::Upgrade, &latest);
        replace(obj, REMEDIATED, RELEASED, reason.as_str(), &message, "True");
    }
}

impl Reconciler<HelmRelease> for HelmReleaseReconciler {
    type Waited = Waited;

    async fn reconcile(&self, at: &mut Attempt<HelmRelease>) -> Result<Outcome<Waited>, Halt> {
        let Some(running) = self.running.get(at.key()) else { return self.begin(at).await };
        // Something newer came while an action was under way: it ends in order, then everything begins anew.
        let by = at.preempted().or(at.trigger()).cloned();
        running.supersede(by.unwrap_or_else(|| Reference { kind: HelmRelease::KIND.into(), key: at.key().clone() }));
        let message = format!("Waiting for the '{}' action of the attempt before", running.kind.name());
        at.progress(message);
        Ok(watch(running))
    }

    async fn resume(&self, at: &mut Attempt<HelmRelease>, _: Waited) -> Result<Outcome<Waited>, Halt> {
        let Some((running, pass)) = self.running.take(at.key()) else { return self.begin(at).await };
        let Some(finished) = running.take() else { return self.begin(at).await };
        let kind = finished.kind;
        let interrupted = matches!(&finished.done, Done::Released(Err(error)) | Done::RolledBack { result: Err(error), .. } if error.is_interruption());
        let about = pass.as_ref().map(|pass| (pass.request.chart.clone(), pass.config_digest.clone()));
        let result = self.tell(at, about.as_ref().map(|(chart, digest)| (&**chart, digest.as_str())), finished);
        if let Some(by) = running.superseded() {
            if interrupted {
                let reason = Reason::HealthCheckCanceled.as_str();
                let message = format!("New reconciliation triggered by {by}");
                at.conditions().mark_false(READY_CONDITION, reason, message);
                let message = format!("Health checks canceled due to new reconciliation triggered by {by}");
                at.event(flux_runtime::Severity::Info, reason, message);
            }
            if !pass.as_ref().is_some_and(|pass| pass.moving) {
                return self.begin(at).await;
            }
        }
        match pass {
            Some(pass) => self.after(at, *pass, kind, result).await,
            None => self.begin(at).await,
        }
    }

    async fn finalize(&self, at: &mut Attempt<HelmRelease>) -> Result<(), Halt> {
        finalize::run(self, at).await
    }

    fn forget(&self, key: &ObjectKey) {
        self.running.take(key);
    }
}

/// The values of a request whose object asks for nothing but to be uninstalled.
pub(crate) fn bare_request(obj: &HelmRelease, options: &Options, default_account: &str) -> Request {
    Request {
        object: Arc::new(obj.clone()),
        chart: Arc::new(Chart::default()),
        values: Arc::new(Values::new()),
        plan: Plan { service_account: plan::service_account(obj, default_account), ..Plan::default() },
        options: options.clone(),
    }
}
