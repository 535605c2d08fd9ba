//! From an object to its release: the prerequisites, then one action after the other until there is none.

mod begin;
mod outcome;
mod step;
mod tell;

use std::sync::Arc;

use flux_api::{HelmRelease, READY_CONDITION};
use flux_apply::{Health, KubeConfigError, Mapper, RemoteClusters, Target, TargetError};
use flux_artifact::Fetcher;
use flux_helm::{Chart, Values};
use flux_runtime::{
    Attempt, ControllerContext, Halt, Next, ObjectKey, Outcome, Reconciler, Reference, Severity, conditions,
};

use crate::actions::{ActionError, Kind, Type, must_stop};
use crate::chart::Charts;
use crate::cluster::Discovery;
use crate::options::Options;
use crate::plan::{self, Plan};
use crate::reason::Reason;
use crate::resolve::Sources;
use crate::running::{Done, Register, Running};
use crate::storage::Storage;
use crate::work::{Gate, Request};
use crate::{finalize, report, spec};

/// Reconciles HelmReleases.
pub struct HelmReleaseReconciler {
    pub(crate) ctx: ControllerContext,
    pub(crate) options: Options,
    pub(crate) fetcher: Fetcher,
    pub(crate) sources: Sources,
    pub(crate) charts: Charts,
    pub(crate) mapper: Mapper,
    pub(crate) clusters: RemoteClusters,
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
    /// The digest of the chart's artifact; empty when it has none.
    pub oci_digest: String,
    /// Types of the actions that ran.
    pub previous: Vec<Type>,
    /// The release is somewhere else than it should be: this one goes, then the attempt begins anew.
    pub moving: bool,
}

/// Why no cluster can be worked on.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    #[error(transparent)]
    KubeConfig(#[from] KubeConfigError),
    #[error(transparent)]
    Account(#[from] TargetError),
}

impl From<ClientError> for Halt {
    fn from(error: ClientError) -> Self {
        let (reason, message) = (Reason::RestClientError.as_str(), error.to_string());
        match error {
            ClientError::KubeConfig(error) if error.is_terminal() => Self::stalled(reason, message),
            _ => Self::failed(reason, message),
        }
    }
}

/// An action ended; the register has it.
pub struct Waited;

impl HelmReleaseReconciler {
    pub fn new(ctx: &ControllerContext, options: Options, fetcher: Fetcher, sources: Sources) -> Self {
        Self {
            ctx: ctx.clone(),
            charts: Charts::default(),
            clusters: RemoteClusters::new(options.kube_config),
            options,
            fetcher,
            sources,
            mapper: Mapper::default(),
            health: Health::default(),
            discovery: Discovery::default(),
            gate: Gate::new(ctx.options.concurrent),
            running: Register::default(),
        }
    }

    /// The cluster that the object names, as its account sees it.
    pub(crate) async fn target(&self, obj: &HelmRelease, account: Option<&str>) -> Result<Target, ClientError> {
        let namespace = spec::own_namespace(obj);
        if let Some(reference) = &obj.spec.kube_config {
            let cluster = self.clusters.find(&self.ctx.client, namespace, reference).await?;
            return Ok(Target::remote(&cluster, account.map(|name| (namespace, name)))?);
        }
        let (client, mapper) = (&self.ctx.client, self.mapper.clone());
        Ok(match account {
            Some(account) => Target::impersonating(client, mapper, namespace, account)?,
            None => Target::new(client.clone(), mapper),
        })
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
            return Ok(self.moved_away(at, result));
        }
        if let Err(error) = result {
            tracing::error!(action = kind.name(), %error, "action failed");
            return Ok(self.failed(at, &error));
        }
        if must_stop(kind.action_type()) {
            return Ok(self.remediated(at));
        }
        pass.previous.push(kind.action_type());
        self.next(at, pass).await
    }

    /// The release of the old target is gone, or was not there.
    fn moved_away(&self, at: &mut Attempt<HelmRelease>, result: Result<(), ActionError>) -> Outcome<Waited> {
        if let Err(error) = result {
            tracing::error!(%error, "release of the former target could not be uninstalled");
            return Outcome::Settled { observed: false, next: Next::BackOff };
        }
        report::clear_failures(at.object_mut());
        let status = at.status_mut();
        status.history.clear();
        status.storage_namespace = None;
        Outcome::Settled { observed: false, next: Next::After(std::time::Duration::ZERO) }
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
                at.event(Severity::Info, reason, message);
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

/// The message of Ready.
fn ready_message(obj: &HelmRelease) -> String {
    use flux_api::FluxObject as _;
    conditions::get(obj.conditions(), READY_CONDITION).map(|ready| ready.message.clone()).unwrap_or_default()
}
