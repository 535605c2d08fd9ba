//! Jobs: Pods until enough of them are complete. CronJobs are not fired; `kubectl create job --from` does that.

use super::rollout::pod_of;
use super::status::{Conditions, counters};
use super::{Context, MAX_CREATES, Plan, after};
use crate::kinds::Kind;
use crate::world::{Object, rfc3339, suffix};
use jiff::Timestamp;
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

const INDEX: &str = "batch.kubernetes.io/job-completion-index";

pub(super) fn plan(ctx: &Context, job: &Object, plan: &mut Plan) {
    if let Some(end) = ended(job) {
        return expire(ctx, job, end, plan);
    }
    let work = Work::read(ctx, job);
    let started = job.status["startTime"].as_str().and_then(|text| text.parse::<Timestamp>().ok());
    let deadline = job.spec["activeDeadlineSeconds"].as_u64().map(Duration::from_secs);
    let due = deadline.map(|deadline| after(started.unwrap_or(ctx.now), deadline));
    if work.succeeded >= work.completions {
        work.active.iter().for_each(|pod| plan.delete(pod));
        return work.finish(ctx, Some(("CompletionsReached", "Reached expected number of succeeded pods")), plan);
    }
    if due.is_some_and(|due| ctx.now >= due) && !work.suspended {
        work.active.iter().for_each(|pod| plan.delete(pod));
        return work.finish(ctx, None, plan);
    }
    if work.suspended {
        work.active.iter().for_each(|pod| plan.delete(pod));
    } else {
        due.into_iter().for_each(|due| plan.wake_at(due));
        work.create_pods(ctx, plan);
    }
    work.status(ctx, plan);
}

/// When a Job ended, if it did.
fn ended(job: &Object) -> Option<Timestamp> {
    ["Complete", "Failed"].into_iter().find_map(|kind| {
        let condition = job.condition(kind).filter(|condition| condition["status"] == "True")?;
        Some(condition["lastTransitionTime"].as_str()?.parse().unwrap_or(Timestamp::UNIX_EPOCH))
    })
}

/// Deletes a Job that is over and has a time to live.
fn expire(ctx: &Context, job: &Object, end: Timestamp, plan: &mut Plan) {
    let Some(seconds) = job.spec["ttlSecondsAfterFinished"].as_u64() else { return };
    let due = after(end, Duration::from_secs(seconds));
    if ctx.now >= due {
        plan.delete(job);
    } else {
        plan.wake_at(due);
    }
}

struct Work<'a> {
    job: &'a Object,
    active: Vec<&'a Arc<Object>>,
    succeeded: i64,
    completions: i64,
    parallelism: i64,
    suspended: bool,
    indexed: bool,
    /// Indices that need no Pod any more.
    taken: BTreeSet<i64>,
}

impl<'a> Work<'a> {
    fn read(ctx: &'a Context, job: &'a Object) -> Work<'a> {
        let parallelism = job.spec["parallelism"].as_i64().unwrap_or(1).max(0);
        let indexed = job.spec["completionMode"] == "Indexed";
        let pods: Vec<&Arc<Object>> = ctx.world.owned(job, Kind::Pod).collect();
        let done = pods.iter().filter(|pod| pod.status["phase"] == "Succeeded");
        let index = |pod: &Object| pod.annotations.get(INDEX).and_then(|text| text.parse::<i64>().ok());
        let succeeded = if indexed {
            done.filter_map(|pod| index(pod)).collect::<BTreeSet<i64>>().len() as i64
        } else {
            done.count() as i64
        };
        // Without a number of completions, one that is done ends the work.
        let completions = job.spec["completions"].as_i64().unwrap_or(1).max(0);
        Work {
            job,
            taken: pods.iter().filter(|pod| !pod.deleting).filter_map(|pod| index(pod)).collect(),
            active: pods.into_iter().filter(|pod| pod.active()).collect(),
            // Pods may be deleted by hand after they are done.
            succeeded: succeeded.max(job.status["succeeded"].as_i64().unwrap_or_default()),
            completions,
            parallelism,
            suspended: job.spec["suspend"] == true,
            indexed,
        }
    }

    fn create_pods(&self, ctx: &Context, plan: &mut Plan) {
        let left = self.completions - self.succeeded;
        let missing = (self.parallelism.min(left) - self.active.len() as i64).clamp(0, MAX_CREATES as i64);
        let first = ctx.world.serial(self.job);
        let mut free = (0..self.completions).filter(|index| !self.taken.contains(index));
        for serial in first..first + missing.unsigned_abs() {
            let name = &self.job.key.name;
            let tail = suffix(ctx.config.seed, &[&self.job.key.namespace, name], serial);
            let mut pod = pod_of(self.job);
            if self.indexed {
                let Some(index) = free.next() else { return };
                pod["metadata"]["name"] = format!("{name}-{index}-{tail}").into();
                pod["metadata"]["annotations"][INDEX] = index.to_string().into();
                pod["metadata"]["labels"][INDEX] = index.to_string().into();
            } else {
                pod["metadata"]["name"] = format!("{name}-{tail}").into();
            }
            plan.create(Kind::Pod, self.job, pod);
        }
    }

    fn counted(&self, ctx: &Context, active: i64) -> Map<String, Value> {
        let ready = self.active.iter().filter(|pod| pod.ready()).count() as i64;
        let mut status = counters(&[("active", active), ("succeeded", self.succeeded)]);
        for field in ["failed", "failedIndexes"] {
            if let Some(value) = self.job.status.get(field) {
                status.insert(field.into(), value.clone());
            }
        }
        if self.indexed && self.succeeded > 0 {
            let last = self.completions - 1;
            let done =
                if self.succeeded >= self.completions && last > 0 { format!("0-{last}") } else { self.done(ctx) };
            status.insert("completedIndexes".into(), done.into());
        }
        status.insert("ready".into(), if active == 0 { 0 } else { ready }.into());
        status.insert("terminating".into(), 0.into());
        status.insert("uncountedTerminatedPods".into(), json!({}));
        let start = self.job.status["startTime"].as_str().map_or_else(|| rfc3339(ctx.now), str::to_owned);
        if !self.suspended {
            status.insert("startTime".into(), start.into());
        }
        status
    }

    fn done(&self, ctx: &Context) -> String {
        let pods = ctx.world.owned(self.job, Kind::Pod).filter(|pod| pod.status["phase"] == "Succeeded");
        let indices: BTreeSet<i64> = pods.filter_map(|pod| pod.annotations.get(INDEX)?.parse().ok()).collect();
        indices.iter().map(i64::to_string).collect::<Vec<_>>().join(",")
    }

    fn status(&self, ctx: &Context, plan: &mut Plan) {
        let active = if self.suspended { 0 } else { self.active.len() as i64 };
        let mut status = self.counted(ctx, active);
        let mut conditions = Conditions::of(self.job, ctx.now);
        if self.suspended {
            set(&mut conditions, ctx, "Suspended", true, ("JobSuspended", "Job suspended"));
        } else if conditions.get("Suspended").is_some() {
            set(&mut conditions, ctx, "Suspended", false, ("JobResumed", "Job resumed"));
        }
        conditions.store(&mut status);
        plan.settle_status(ctx, self.job, status, self.suspended);
    }

    /// The last status: complete, or failed by its deadline.
    fn finish(&self, ctx: &Context, complete: Option<(&str, &str)>, plan: &mut Plan) {
        let mut status = self.counted(ctx, 0);
        let mut conditions = Conditions::of(self.job, ctx.now);
        match complete {
            Some(why) => {
                status.insert("completionTime".into(), rfc3339(ctx.now).into());
                set(&mut conditions, ctx, "SuccessCriteriaMet", true, why);
                set(&mut conditions, ctx, "Complete", true, why);
            }
            None => {
                let why = ("DeadlineExceeded", "Job was active longer than specified deadline");
                set(&mut conditions, ctx, "FailureTarget", true, why);
                set(&mut conditions, ctx, "Failed", true, why);
            }
        }
        conditions.store(&mut status);
        plan.set_status(self.job, status);
    }
}

fn set(conditions: &mut Conditions, ctx: &Context, kind: &str, ok: bool, (reason, message): (&str, &str)) {
    let now = rfc3339(ctx.now);
    let status = if ok { "True" } else { "False" };
    let condition =
        json!({"type": kind, "status": status, "reason": reason, "message": message, "lastTransitionTime": now});
    conditions.put(condition, &[("lastProbeTime", now.into())]);
}
