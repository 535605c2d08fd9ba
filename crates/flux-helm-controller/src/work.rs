//! What an action works with, and the slot that it leaves while it waits.

use std::sync::Arc;

use flux_api::HelmRelease;
use flux_apply::{Health, HealthError, Rules, Subject, Target, WaitOptions};
use flux_health::{Expressions, HealthChecks};
use flux_helm::{Chart, Release, Values};
use flux_runtime::failpoints;
use serde_json::Value;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;

use crate::cluster::Discovery;
use crate::log::Log;
use crate::objects::Resource;
use crate::options::Options;
use crate::plan::Plan;
use crate::spec::Wait;
use crate::storage::{Observed, Storage, StoreError};

/// Actions that work, as opposed to those that wait. Clones share the slots.
#[derive(Clone)]
pub struct Gate(Arc<Semaphore>);

impl Gate {
    pub fn new(slots: usize) -> Self {
        Self(Arc::new(Semaphore::new(slots.max(1))))
    }

    /// Waits for a slot.
    pub async fn enter(&self) -> Slot {
        Slot { permit: self.0.clone().acquire_owned().await.ok(), gate: self.0.clone() }
    }
}

/// A slot that is given back while there is nothing to do but to wait.
pub struct Slot {
    gate: Arc<Semaphore>,
    permit: Option<OwnedSemaphorePermit>,
}

impl Slot {
    /// Waits without the slot.
    pub async fn idle<T>(&mut self, wait: impl Future<Output = T>) -> T {
        self.permit = None;
        let waited = wait.await;
        self.permit = self.gate.clone().acquire_owned().await.ok();
        waited
    }
}

/// What an action is asked for.
#[derive(Clone)]
pub struct Request {
    pub object: Arc<HelmRelease>,
    pub chart: Arc<Chart>,
    pub values: Arc<Values>,
    pub plan: Plan,
    pub options: Options,
}

/// What an action works with.
pub struct Work {
    pub target: Target,
    pub storage: Storage,
    pub health: Health,
    pub discovery: Discovery,
    pub slot: Slot,
    /// Cancelled when something newer makes waiting for health pointless.
    pub interrupt: CancellationToken,
    pub log: Log,
    pub observed: Observed,
    /// The last release whose record was written: its objects are the inventory.
    pub released: Option<Release>,
}

/// Why a wait ended badly. Worded as upstream.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WaitError {
    #[error(transparent)]
    Health(#[from] HealthError),
    #[error("context canceled")]
    Interrupted,
    /// Helm 3's way of saying that time is over.
    #[error("context deadline exceeded")]
    Deadline,
    #[error("job is failed: {}", .0.join(", "))]
    Jobs(Vec<String>),
}

impl WaitError {
    fn of(error: HealthError, wait: Wait) -> Self {
        match error {
            HealthError::Timeout(_) if wait == Wait::Legacy => Self::Deadline,
            HealthError::Stalled(jobs) if wait == Wait::Legacy => {
                let name =
                    |job: String| job.split(' ').next().unwrap_or_default().trim_start_matches("Job/").to_owned();
                Self::Jobs(jobs.into_iter().map(name).collect())
            }
            error => error.into(),
        }
    }
}

impl Work {
    /// Writes a new revision.
    pub async fn create(&mut self, release: &Release, max_history: usize) -> Result<(), StoreError> {
        failpoints::pass("helm-create");
        self.storage.create(release, max_history).await?;
        self.took(release);
        Ok(())
    }

    /// Writes a revision that is there.
    pub async fn update(&mut self, release: &Release) -> Result<(), StoreError> {
        failpoints::pass("helm-update");
        self.storage.update(release).await?;
        self.took(release);
        Ok(())
    }

    /// As [`Work::update`]; a failure is logged, since there is something worse to tell.
    pub async fn record(&mut self, release: &Release) {
        if let Err(error) = self.update(release).await {
            self.log.line("failed to update release", &[("error", Value::String(error.to_string()))]);
        }
    }

    fn took(&mut self, release: &Release) {
        self.observed.take(release);
        self.released = Some(release.clone());
    }

    /// Waits until objects are as they should be.
    pub async fn ready(
        &mut self,
        subjects: Vec<Subject>,
        wait: Wait,
        jobs: bool,
        checks: Option<Arc<HealthChecks>>,
        timeout: std::time::Duration,
    ) -> Result<(), WaitError> {
        if wait == Wait::HookOnly {
            return Ok(());
        }
        failpoints::pass("helm-wait");
        let rules = match wait {
            Wait::Legacy => Rules::Helm3,
            _ if jobs => Rules::Flux,
            _ => Rules::JobsStarted,
        };
        let all = jobs || rules != Rules::Helm3;
        let wanted = |subject: &Subject| (all || subject.id.kind != "Job") && !is_paused(subject);
        let objects: Vec<Value> = subjects.iter().filter_map(|subject| subject.state.clone()).collect();
        let jobs_with_ttl = flux_apply::jobs_with_ttl(&objects);
        let subjects: Vec<Subject> = subjects.into_iter().filter(wanted).collect();
        let options = WaitOptions { timeout, fail_fast: true, jobs_with_ttl, checks, rules };
        let (health, target, interrupt) = (self.health.clone(), self.target.clone(), self.interrupt.clone());
        let wait = async {
            tokio::select! {
                biased;
                waited = health.wait(&target, subjects, &options) => waited.map_err(|error| WaitError::of(error, wait)),
                () = interrupt.cancelled() => Err(WaitError::Interrupted),
            }
        };
        self.slot.idle(wait).await
    }

    /// Waits until the Jobs and Pods of a hook have run. Never ends early: a hook may be a migration.
    pub async fn ran(&mut self, subjects: Vec<Subject>, timeout: std::time::Duration) -> Result<(), WaitError> {
        let runs = |subject: &Subject| matches!(subject.id.kind.as_str(), "Job" | "Pod");
        let subjects: Vec<Subject> = subjects.into_iter().filter(runs).collect();
        if subjects.is_empty() {
            return Ok(());
        }
        failpoints::pass("helm-hook");
        let jobs_with_ttl =
            subjects.iter().filter(|subject| subject.id.kind == "Job").map(|subject| subject.id.clone());
        let options = WaitOptions {
            timeout,
            fail_fast: false,
            jobs_with_ttl: jobs_with_ttl.collect(),
            checks: Some(runs_through()),
            ..WaitOptions::default()
        };
        let (health, target) = (self.health.clone(), self.target.clone());
        Ok(self.slot.idle(health.wait(&target, subjects, &options)).await?)
    }

    /// Waits until objects are gone.
    pub async fn gone(&mut self, resources: &[Resource], timeout: std::time::Duration) -> Result<(), WaitError> {
        if resources.is_empty() {
            return Ok(());
        }
        let ids: Vec<_> = resources.iter().map(|resource| (resource.id(), resource.mapped.clone())).collect();
        let (health, target) = (self.health.clone(), self.target.clone());
        Ok(self.slot.idle(health.gone(&target, &ids, timeout)).await?)
    }
}

fn is_paused(subject: &Subject) -> bool {
    let paused = subject.state.as_ref().and_then(|state| state.pointer("/spec/paused")).and_then(Value::as_bool);
    subject.id.kind == "Deployment" && paused == Some(true)
}

/// A Pod of a hook is through when it ended, not when it runs.
fn runs_through() -> Arc<HealthChecks> {
    let pod = Expressions {
        current: "status.phase == 'Succeeded'".into(),
        failed: "status.phase == 'Failed'".into(),
        in_progress: "!has(status.phase) || status.phase in ['Pending', 'Running', 'Unknown']".into(),
    };
    Arc::new(HealthChecks::new([("v1", "Pod", &pod)]).expect("the expressions are literal"))
}
