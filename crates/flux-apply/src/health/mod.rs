//! Waits for objects to become healthy, or to be gone: by events, not by polling.

mod pool;

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

use flux_health::{HealthChecks, Status, Timestamp};
use futures::{StreamExt as _, stream};
use serde_json::Value;
use tokio::sync::mpsc;
use tokio::time::Instant;

use crate::error::kube_text;
use crate::id::ObjectId;
use crate::mapper::Mapped;
use crate::metadata;
use crate::target::Target;
use pool::{News, Pool, Standing, Watch};

/// Where the identity may not watch, objects are read so often.
const POLL: Duration = Duration::from_secs(5);
/// Reads at the same time.
const READS: usize = 8;

/// An object to wait for.
#[derive(Clone, Debug)]
pub struct Subject {
    pub id: ObjectId,
    pub mapped: Mapped,
    /// As the server answered last; spares a read when it is healthy already.
    pub state: Option<Value>,
}

/// How to wait.
#[derive(Clone, Default)]
pub struct WaitOptions {
    pub timeout: Duration,
    /// Ends with the first failed object.
    pub fail_fast: bool,
    /// Jobs that count as done once they are gone.
    pub jobs_with_ttl: BTreeSet<ObjectId>,
    /// Rules of the user, before the built-in ones.
    pub checks: Option<Arc<HealthChecks>>,
    pub rules: Rules,
}

/// What counts as healthy.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Rules {
    /// As Flux sees it: a Job has to complete.
    #[default]
    Flux,
    /// As kstatus sees it: a Job has to start.
    JobsStarted,
    /// As Helm 3 sees it, which knows no rules of the user.
    Helm3,
}

/// Why a wait ended without all objects healthy. Worded as upstream.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HealthError {
    #[error("failed early due to stalled resources: [{}]", .0.join(", "))]
    Stalled(Vec<String>),
    #[error("timeout waiting for: [{}]", .0.join(", "))]
    Timeout(Vec<String>),
    #[error("{subject} termination timeout: context deadline exceeded")]
    Termination { subject: String },
}

/// Waits for objects; clones share the watches.
#[derive(Clone, Default)]
pub struct Health {
    pool: Arc<Pool>,
}

/// What is known of one object.
struct Known {
    id: ObjectId,
    mapped: Mapped,
    version: u64,
    status: Option<Status>,
    detail: Option<String>,
}

struct Wait<'a> {
    known: Vec<Known>,
    options: &'a WaitOptions,
    pending: usize,
    failed: usize,
}

impl Wait<'_> {
    fn counts(&self, number: usize) -> (bool, bool) {
        let known = &self.known[number];
        match known.status {
            Some(Status::Current) => (false, false),
            Some(Status::NotFound) if self.options.jobs_with_ttl.contains(&known.id) => (false, false),
            Some(Status::Failed) => (false, true),
            _ => (true, false),
        }
    }

    /// Takes a state of an object, unless a newer one is known.
    fn learn(&mut self, number: usize, object: Option<&Value>) {
        let version = object.and_then(|object| metadata::resource_version(object).parse().ok()).unwrap_or(0);
        if object.is_some() && version < self.known[number].version {
            return;
        }
        let (was_pending, was_failed) = self.counts(number);
        let (status, detail) = match object {
            None => (Status::NotFound, None),
            Some(object) => evaluate(object, self.options.checks.as_deref(), self.options.rules),
        };
        let known = &mut self.known[number];
        known.version = version.max(known.version);
        known.status = Some(status);
        known.detail = detail;
        let (pending, failed) = self.counts(number);
        self.pending = self.pending + usize::from(pending) - usize::from(was_pending);
        self.failed = self.failed + usize::from(failed) - usize::from(was_failed);
    }

    /// The end of the wait, when it has come.
    fn verdict(&self) -> Option<Result<(), HealthError>> {
        if self.failed > 0 && (self.options.fail_fast || self.pending == 0) {
            return Some(Err(HealthError::Stalled(self.complaints(false))));
        }
        (self.pending == 0).then_some(Ok(()))
    }

    fn complaints(&self, late: bool) -> Vec<String> {
        let numbers = 0..self.known.len();
        numbers
            .filter_map(|number| {
                let known = &self.known[number];
                let (pending, failed) = self.counts(number);
                if !(failed || late && pending) {
                    return None;
                }
                let Some(status) = known.status else {
                    return Some(format!("can't determine status for {}", known.id.subject()));
                };
                let detail = known.detail.as_ref().map(|detail| format!(": {detail}")).unwrap_or_default();
                Some(format!("{} status: '{}'{detail}", known.id.subject(), status.as_str()))
            })
            .collect()
    }

    fn waiting(&self) -> Vec<usize> {
        (0..self.known.len()).filter(|number| self.counts(*number).0).collect()
    }
}

/// The health of an object, and what is wrong with a rule that could not be evaluated.
fn evaluate(object: &Value, checks: Option<&HealthChecks>, rules: Rules) -> (Status, Option<String>) {
    let now = Timestamp::now();
    let (group, kind) = (metadata::group_version(object).0, metadata::kind(object));
    let own = checks.filter(|checks| checks.find(group, kind).is_some());
    let outcome = match own {
        _ if rules == Rules::Helm3 => return (flux_health::legacy(object), None),
        Some(checks) => checks.health(object, now),
        None if rules == Rules::JobsStarted && (group, kind) == ("batch", "Job") => flux_health::compute(object, now),
        None => flux_health::health(object, now),
    };
    match outcome {
        Ok(health) => (health.status, None),
        Err(error) => (Status::Unknown, Some(error.to_string())),
    }
}

impl Health {
    /// Waits until all objects are healthy, or one has failed, or the time is over.
    pub async fn wait(
        &self,
        target: &Target,
        subjects: Vec<Subject>,
        options: &WaitOptions,
    ) -> Result<(), HealthError> {
        let deadline = Instant::now() + options.timeout;
        let mut wait = Wait { known: Vec::with_capacity(subjects.len()), options, pending: subjects.len(), failed: 0 };
        let mut states = Vec::with_capacity(subjects.len());
        for subject in subjects {
            wait.known.push(Known { id: subject.id, mapped: subject.mapped, version: 0, status: None, detail: None });
            states.push(subject.state);
        }
        for (number, state) in states.into_iter().enumerate() {
            if let Some(state) = state {
                wait.learn(number, Some(&state));
            }
        }
        if let Some(verdict) = wait.verdict() {
            return verdict;
        }
        self.follow(target, &mut wait, deadline).await
    }

    async fn follow(&self, target: &Target, wait: &mut Wait<'_>, deadline: Instant) -> Result<(), HealthError> {
        let (sender, mut news) = mpsc::unbounded_channel();
        let watches = self.watches(target, wait, &sender);
        let (standing, mut changes) = standings(&watches);
        let outcome = tokio::time::timeout_at(deadline, async {
            let mut polling = !standing_all(&watches, |standing| standing != Standing::Refused);
            read_all(target, wait).await;
            loop {
                if let Some(verdict) = wait.verdict() {
                    return verdict;
                }
                tokio::select! {
                    biased;
                    Some(News { number, object }) = news.recv() => wait.learn(number, object.as_deref()),
                    Some(now) = changes.recv() => {
                        polling |= now == Standing::Refused;
                        // What happened before the watch stood, or while it was broken, is read.
                        read_all(target, wait).await;
                    }
                    () = tokio::time::sleep(POLL), if polling => read_all(target, wait).await,
                }
            }
        })
        .await;
        for task in standing {
            task.abort();
        }
        Pool::release(watches);
        outcome.unwrap_or_else(|_| Err(HealthError::Timeout(wait.complaints(true))))
    }

    fn watches(&self, target: &Target, wait: &Wait<'_>, sender: &mpsc::UnboundedSender<News>) -> Vec<Arc<Watch>> {
        let mut watches: HashMap<*const Watch, Arc<Watch>> = HashMap::new();
        for (number, known) in wait.known.iter().enumerate() {
            let watch = self.pool.watch(target, &known.mapped, &known.id.namespace);
            watch.follow(&known.id.namespace, &known.id.name, number, sender.clone());
            watches.insert(Arc::as_ptr(&watch), watch);
        }
        watches.into_values().collect()
    }

    /// Waits until objects are gone.
    pub async fn gone(
        &self,
        target: &Target,
        ids: &[(ObjectId, Mapped)],
        timeout: Duration,
    ) -> Result<(), HealthError> {
        let options = WaitOptions {
            timeout,
            jobs_with_ttl: ids.iter().map(|(id, _)| id.clone()).collect(),
            ..WaitOptions::default()
        };
        let deadline = Instant::now() + timeout;
        let (sender, mut news) = mpsc::unbounded_channel();
        let known = ids.iter().map(|(id, mapped)| Known {
            id: id.clone(),
            mapped: mapped.clone(),
            version: 0,
            status: None,
            detail: None,
        });
        let wait = Wait { known: known.collect(), options: &options, pending: ids.len(), failed: 0 };
        let watches = self.watches(target, &wait, &sender);
        let (standing, mut changes) = standings(&watches);
        let mut left: BTreeSet<usize> = (0..ids.len()).collect();
        let outcome = tokio::time::timeout_at(deadline, async {
            still_there(target, &wait, &mut left).await;
            while !left.is_empty() {
                tokio::select! {
                    Some(News { number, object }) = news.recv() => {
                        if object.is_none() {
                            left.remove(&number);
                        }
                    }
                    Some(_) = changes.recv() => still_there(target, &wait, &mut left).await,
                    () = tokio::time::sleep(POLL) => still_there(target, &wait, &mut left).await,
                }
            }
        })
        .await;
        for task in standing {
            task.abort();
        }
        Pool::release(watches);
        match (outcome, left.first()) {
            (Err(_), Some(first)) => Err(HealthError::Termination { subject: wait.known[*first].id.subject() }),
            _ => Ok(()),
        }
    }
}

/// Tells of each change of how the watches stand.
fn standings(watches: &[Arc<Watch>]) -> (Vec<tokio::task::AbortHandle>, mpsc::UnboundedReceiver<Standing>) {
    let (sender, receiver) = mpsc::unbounded_channel();
    let follow = |watch: &Arc<Watch>| {
        let (mut standing, sender) = (watch.standing(), sender.clone());
        tokio::spawn(async move {
            // How it stands now is known to who asked: it reads the objects anyway.
            standing.borrow_and_update();
            while standing.changed().await.is_ok() {
                let now = *standing.borrow_and_update();
                if sender.send(now).is_err() {
                    return;
                }
            }
        })
        .abort_handle()
    };
    (watches.iter().map(follow).collect(), receiver)
}

fn standing_all(watches: &[Arc<Watch>], good: impl Fn(Standing) -> bool) -> bool {
    watches.iter().all(|watch| good(*watch.standing().borrow()))
}

async fn read_all(target: &Target, wait: &mut Wait<'_>) {
    let reads = wait.waiting().into_iter().map(|number| {
        let (id, mapped) = (wait.known[number].id.clone(), wait.known[number].mapped.clone());
        async move { (number, target.get(&mapped, &id.namespace, &id.name).await) }
    });
    let answers: Vec<_> = stream::iter(reads.collect::<Vec<_>>()).buffer_unordered(READS).collect().await;
    for (number, answer) in answers {
        match answer {
            Ok(object) => wait.learn(number, object.as_ref()),
            Err(error) => wait.known[number].detail = Some(kube_text(&error)),
        }
    }
}

async fn still_there(target: &Target, wait: &Wait<'_>, left: &mut BTreeSet<usize>) {
    for number in left.clone() {
        let known = &wait.known[number];
        if matches!(target.get(&known.mapped, &known.id.namespace, &known.id.name).await, Ok(None)) {
            left.remove(&number);
        }
    }
}
