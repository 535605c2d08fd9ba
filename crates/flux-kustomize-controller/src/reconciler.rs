//! The steps in their order.

use std::sync::Arc;
use std::time::Instant;

use flux_api::{FluxObject as _, Kustomization};
use flux_apply::inventory::Inventory;
use flux_apply::{Health, Manager, Mapper, ObjectId, Target};
use flux_artifact::{FetchError, Fetcher, Workdir};
use flux_runtime::{
    Attempt, ControllerContext, Halt, Lane, ObjectKey, Outcome, Reconciler, Reference, Severity, conditions, failpoints,
};

use crate::apply::{self, AppliedSet};
use crate::build::{self, Built};
use crate::health::{self, Check, Checked, HEALTHY};
use crate::memo::{Inputs, Memo, Memory};
use crate::options::Options;
use crate::peers::Peers;
use crate::plan::Plan;
use crate::reason::Reason;
use crate::resolve::{self, Source, Sources};
use crate::substitute::Variables;
use crate::{NAME, conclude, finalize, gate};

/// Reconciles Kustomizations.
pub struct KustomizationReconciler {
    ctx: ControllerContext,
    options: Options,
    fetcher: Fetcher,
    sources: Sources,
    peers: Peers,
    mapper: Mapper,
    health: Health,
    memory: Memory,
}

/// What is kept of an attempt while it waits.
pub struct Pass {
    source: Source,
    plan: Plan,
    digest: String,
    started: Instant,
    drifted: bool,
    news: bool,
    was_healthy: bool,
    /// For the memory, when the attempt ends well.
    memo: Option<Memo>,
}

/// What an attempt waited for.
pub enum Waited {
    /// Other units have said what they own: these objects may be pruned now.
    Peers {
        pass: Box<Pass>,
        applied: Box<AppliedSet>,
        stale: Vec<(ObjectId, String)>,
    },
    Health {
        pass: Box<Pass>,
        checked: Checked,
    },
}

impl KustomizationReconciler {
    pub fn new(ctx: &ControllerContext, options: Options, fetcher: Fetcher, sources: Sources, peers: Peers) -> Self {
        Self {
            ctx: ctx.clone(),
            options,
            fetcher,
            sources,
            peers,
            mapper: Mapper::default(),
            health: Health::default(),
            memory: Memory::default(),
        }
    }

    fn manager(&self, namespace: &str, account: Option<&str>) -> Result<Manager, Halt> {
        let target = match account {
            None => Target::new(self.ctx.client.clone(), self.mapper.clone()),
            Some(account) => {
                let made = Target::impersonating(&self.ctx.client, self.mapper.clone(), namespace, account);
                made.map_err(|error| {
                    Halt::failed(Reason::ReconciliationFailed.as_str(), format!("failed to build kube client: {error}"))
                })?
            }
        };
        let concurrency = self.options.concurrent_ssa;
        Ok(Manager { target, field_manager: NAME.into(), concurrency, health: self.health.clone() })
    }

    async fn fetch(&self, source: &Source, retry: std::time::Duration) -> Result<Arc<Workdir>, Halt> {
        failpoints::pass("fetch");
        self.fetcher.fetch(&source.artifact).await.map_err(|error| match error {
            FetchError::NotFound => {
                let after = self.ctx.options.requeue_dependency;
                let text =
                    format!("Source is not ready, artifact not found, retrying in {}", flux_api::Duration::from(after));
                Halt::waiting(Reason::ArtifactFailed.as_str(), text).after(after)
            }
            error => Halt::failed(Reason::ArtifactFailed.as_str(), error.to_string()).after(retry),
        })
    }

    /// Nothing that shapes the objects changed: only their health is looked at.
    fn skip(&self, at: &mut Attempt<Kustomization>, memo: &Memo, mut pass: Pass) -> Result<Outcome<Waited>, Halt> {
        pass.digest.clone_from(&memo.digest);
        pass.news = conclude::is_news(at, &pass.source, false);
        let subjects = memo.subjects.iter().map(|(id, mapped)| flux_apply::Subject {
            id: id.clone(),
            mapped: mapped.clone(),
            state: None,
        });
        let check = health::wanted(at.object(), subjects.collect(), std::collections::BTreeSet::new());
        tracing::debug!("nothing changed for this object");
        self.watch(at, pass, check)
    }

    /// Waits for health when that is asked for, else ends the attempt.
    fn watch(
        &self,
        at: &mut Attempt<Kustomization>,
        pass: Pass,
        check: Option<Check>,
    ) -> Result<Outcome<Waited>, Halt> {
        let Some(check) = check else {
            at.conditions().delete(HEALTHY);
            return Ok(self.conclude(at, pass));
        };
        let (message, shown) = health::phase(&pass.source.artifact.revision, &pass.plan);
        at.progress_with(message, shown);
        let target = self.manager(at.namespace(), pass.plan.service_account.as_deref())?.target;
        let (plan, health, fail_fast) = (pass.plan.clone(), self.health.clone(), self.options.fail_fast);
        let wait = async move {
            let checked = health::wait(health, target, check, plan, fail_fast).await;
            Waited::Health { pass: Box::new(pass), checked }
        };
        Ok(Outcome::Watching { wait: Box::pin(wait) })
    }

    fn conclude(&self, at: &mut Attempt<Kustomization>, pass: Pass) -> Outcome<Waited> {
        if let Some(memo) = pass.memo {
            self.memory.put(at.key(), memo);
        }
        conclude::ready(at, &pass.source, &pass.digest, pass.started, pass.plan.interval, pass.news)
    }

    /// Prunes, then goes on to health.
    async fn prune_and_watch(
        &self,
        at: &mut Attempt<Kustomization>,
        pass: Pass,
        applied: AppliedSet,
        stale: Vec<(ObjectId, String)>,
    ) -> Result<Outcome<Waited>, Halt> {
        let claimed = self.peers.claimed(at.key(), &pass.source, &stale);
        let manager = self.manager(at.namespace(), pass.plan.service_account.as_deref())?;
        let pruned = apply::prune(at, &manager, stale, claimed, &applied.inventory, pass.plan.retry).await;
        if let Err(halt) = pruned {
            conclude::record(at, &pass.source, &pass.digest, pass.started, Reason::PruneFailed);
            return Err(halt);
        }
        let check = health::wanted(at.object(), applied.subjects, applied.jobs_with_ttl);
        self.watch(at, pass, check)
    }

    fn healthy(&self, at: &mut Attempt<Kustomization>, pass: Pass, checked: Checked) -> Result<Outcome<Waited>, Halt> {
        let took = flux_api::Duration::from(checked.took);
        if let Err(error) = checked.result {
            let text = error.to_string();
            at.conditions().mark_false(HEALTHY, Reason::HealthCheckFailed.as_str(), &text);
            conclude::record(at, &pass.source, &pass.digest, pass.started, Reason::HealthCheckFailed);
            let message = format!("health check failed after {took}: {text}");
            return Err(Halt::failed(Reason::HealthCheckFailed.as_str(), message).after(pass.plan.retry));
        }
        let message = format!("Health check passed in {took}");
        if !pass.was_healthy || pass.drifted {
            at.event(Severity::Info, Reason::Progressing.as_str(), &message);
        }
        // A pass without news leaves the condition as it is, unless it was shown to be in progress.
        if pass.news || !conditions::is_true(at.object().conditions(), HEALTHY) {
            at.conditions().mark_true(HEALTHY, Reason::Succeeded.as_str(), message);
        }
        Ok(self.conclude(at, pass))
    }
}

impl Reconciler<Kustomization> for KustomizationReconciler {
    type Waited = Waited;

    async fn reconcile(&self, at: &mut Attempt<Kustomization>) -> Result<Outcome<Waited>, Halt> {
        let started = Instant::now();
        let common = &self.ctx.options;
        let plan = Plan::validate(at.object(), &common.default_service_account)?;
        let source = resolve::source(at.object(), &self.sources, common, &self.options).await?;
        let revision = source.artifact.revision.clone();
        at.event_metadata("revision", &revision);
        if let Some(origin) = &source.origin_revision {
            at.event_metadata("originRevision", origin);
        }
        gate::dependencies(at.object(), &source, &self.ctx.client, common, &self.options)
            .await
            .map_err(|error| error.into_halt(common.requeue_dependency))?;
        let timeout = flux_api::Duration::from(plan.timeout);
        at.progress(format!("Fetching manifests for revision {revision} with a timeout of {timeout}"));
        let workdir = self.fetch(&source, plan.retry).await?;
        at.status_mut().last_attempted_revision = Some(revision.clone());
        at.progress(format!("Building manifests for revision {revision} with a timeout of {timeout}"));
        let build_failed = |message: String| Halt::failed(Reason::BuildFailed.as_str(), message).after(plan.retry);
        let variables = Variables::read(at.object(), &self.ctx.client)
            .await
            .map_err(|error| build_failed(format!("post build failed: {error}")))?;
        let inputs = Inputs::of(at.object(), &variables);
        let mut pass = Pass {
            source,
            plan: plan.clone(),
            digest: String::new(),
            started,
            drifted: false,
            news: true,
            was_healthy: conditions::is_true(at.object().conditions(), HEALTHY),
            memo: None,
        };
        let by_source = at.trigger().is_some_and(|trigger| *trigger.kind == *pass.source.kind);
        if at.lane() == Lane::Change
            && by_source
            && at.object().is_ready()
            && let Some(memo) = self.memory.hit(at.key(), &inputs, &workdir).await
        {
            return self.skip(at, &memo, pass);
        }
        let built = build::manifests(at.object(), workdir, variables, &self.options).await;
        let Built { mut objects, digest, record, root, remote } = built.map_err(|error| {
            let kept = match (error.reason(), apply::stored(at.object())) {
                (Reason::ArtifactFailed, Ok(inventory)) => apply::kept(&inventory),
                _ => String::new(),
            };
            error.into_halt(plan.retry, &kept)
        })?;
        pass.digest = digest;
        if let Some(provided) = self.options.provided {
            objects.retain(|object| !provided(object));
        }
        at.progress(format!("Detecting drift for revision {revision} with a timeout of {timeout}"));
        let manager = self.manager(at.namespace(), plan.service_account.as_deref())?;
        let applied = match apply::objects(at, &manager, &plan, &self.options, objects).await {
            Ok(applied) => applied,
            Err(error) => {
                if !matches!(error, apply::ApplyStepError::Superseded) {
                    conclude::record(at, &pass.source, &pass.digest, started, Reason::ReconciliationFailed);
                }
                return Err(error.into_halt(plan.retry));
            }
        };
        pass.drifted = applied.drifted;
        let stale = if at.object().spec.prune { applied.old.without(&applied.inventory) } else { Vec::new() };
        pass.news = !stale.is_empty() || conclude::is_news(at, &pass.source, applied.drifted);
        let subjects = applied.subjects.iter().map(|subject| (subject.id.clone(), subject.mapped.clone())).collect();
        // What lies elsewhere may have changed although the files here have not.
        if remote {
            self.memory.forget(at.key());
        }
        pass.memo = (!remote).then(|| Memo { inputs, record, root, digest: pass.digest.clone(), subjects });
        let pending = if stale.is_empty() { Vec::new() } else { self.peers.pending(at.key(), &pass.source, &stale) };
        if pending.is_empty() {
            return self.prune_and_watch(at, pass, applied, stale).await;
        }
        // Until then the objects stay in the inventory.
        at.status_mut().inventory = Some(applied.old.to_stored());
        let (peers, source, ids) = (self.peers.clone(), pass.source.clone(), stale.clone());
        let wait = async move {
            peers.settle(pending, source, ids).await;
            Waited::Peers { pass: Box::new(pass), applied: Box::new(applied), stale }
        };
        Ok(Outcome::Watching { wait: Box::pin(wait) })
    }

    async fn resume(&self, at: &mut Attempt<Kustomization>, waited: Waited) -> Result<Outcome<Waited>, Halt> {
        match waited {
            Waited::Peers { pass, applied, stale } => {
                at.status_mut().inventory = Some(applied.inventory.to_stored());
                self.prune_and_watch(at, *pass, *applied, stale).await
            }
            Waited::Health { pass, checked } => self.healthy(at, *pass, checked),
        }
    }

    fn canceled(&self, at: &mut Attempt<Kustomization>, by: &Reference) {
        let reason = Reason::HealthCheckCanceled.as_str();
        at.conditions().mark_false(flux_api::READY_CONDITION, reason, format!("New reconciliation triggered by {by}"));
        at.event(Severity::Info, reason, format!("Health checks canceled due to new reconciliation triggered by {by}"));
    }

    async fn finalize(&self, at: &mut Attempt<Kustomization>) -> Result<(), Halt> {
        let inventory: Inventory = finalize::inventory(at.object())?;
        if let Some(revision) = at.object().status.as_ref().and_then(|status| status.last_applied_revision.clone()) {
            at.event_metadata("revision", revision);
        }
        if finalize::deletes(at.object(), &inventory) {
            let default = &self.ctx.options.default_service_account;
            let account = at
                .object()
                .spec
                .service_account_name
                .clone()
                .or_else(|| Some(default.clone()).filter(|name| !name.is_empty()));
            let possible = finalize::can_impersonate(&self.ctx.client, at.namespace(), account.as_deref())
                .await
                .map_err(|error| Halt::failed(Reason::PruneFailed.as_str(), error.to_string()))?;
            if possible {
                let manager = self.manager(at.namespace(), account.as_deref())?;
                finalize::objects(at, &manager, &inventory).await?;
            } else {
                finalize::skip(at, &inventory);
            }
        }
        self.memory.forget(at.key());
        Ok(())
    }

    fn forget(&self, key: &ObjectKey) {
        self.memory.forget(key);
    }
}
