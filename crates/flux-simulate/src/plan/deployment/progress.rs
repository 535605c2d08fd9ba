//! The counters and conditions of a Deployment.

use super::super::status::{Conditions, counters};
use super::super::{Context, Plan, after};
use super::{Counts, Rollout};
use crate::world::rfc3339;
use serde_json::json;
use std::time::Duration;

impl Rollout<'_> {
    pub(super) fn status(&self, ctx: &Context, paused: bool, plan: &mut Plan) {
        let deployment = self.deployment;
        let wanted = deployment.replicas();
        let sum = |part: fn(&Counts) -> i64| self.sets().map(|set| part(&set.counts)).sum::<i64>();
        let (replicas, ready, available) = (sum(|c| c.active), sum(|c| c.ready), sum(|c| c.available));
        let updated = self.new.as_ref().map_or(0, |set| set.counts.active);
        let complete = updated == wanted && replicas == wanted && available == wanted && self.new.is_some();
        let mut status = counters(&[
            ("replicas", replicas),
            ("updatedReplicas", updated),
            ("readyReplicas", ready),
            ("availableReplicas", available),
            ("unavailableReplicas", (self.total().max(wanted) - available).max(0)),
            ("observedGeneration", deployment.generation),
        ]);
        if let Some(count) = deployment.status.get("collisionCount") {
            status.insert("collisionCount".into(), count.clone());
        }
        let mut conditions = Conditions::of(deployment, ctx.now);
        let mut put = |kind: &str, ok: bool, reason: &str, message: &str| {
            let now = rfc3339(ctx.now);
            let value = if ok { "True" } else { "False" };
            let condition =
                json!({"type": kind, "status": value, "reason": reason, "message": message, "lastTransitionTime": now});
            conditions.put(condition, &[("lastUpdateTime", now.into())]);
        };
        if available >= wanted - self.unavailable {
            put("Available", true, "MinimumReplicasAvailable", "Deployment has minimum availability.");
        } else {
            put("Available", false, "MinimumReplicasUnavailable", "Deployment does not have minimum availability.");
        }
        let verdict = self.progress(ctx, paused, complete, (updated, ready, available), plan);
        if let Some((ok, reason, message)) = &verdict {
            put("Progressing", *ok, reason, message);
        }
        let refusal =
            self.new.as_ref().and_then(|new| ctx.world.refusal(&new.object)).or(ctx.world.refusal(deployment));
        match refusal.filter(|_| !complete) {
            Some(message) => put("ReplicaFailure", true, "FailedCreate", message),
            None => conditions.remove("ReplicaFailure"),
        }
        let failed = refusal.is_some() || verdict.is_some_and(|(ok, ..)| !ok);
        conditions.store(&mut status);
        plan.settle_status(ctx, deployment, status, complete || failed);
    }

    /// The Progressing condition: status, reason and message; `None` when it stays as it is.
    fn progress(
        &self,
        ctx: &Context,
        paused: bool,
        complete: bool,
        (updated, ready, available): (i64, i64, i64),
        plan: &mut Plan,
    ) -> Option<(bool, &'static str, String)> {
        let deployment = self.deployment;
        let held = deployment.condition("Progressing");
        let reason = held.and_then(|held| held["reason"].as_str()).unwrap_or_default();
        if paused {
            return Some((true, "DeploymentPaused", "Deployment is paused".into()));
        }
        let name = match &self.new {
            Some(new) => new.object.key.name.clone(),
            None => format!("{}-{}", deployment.key.name, deployment.template.as_ref()?.hash),
        };
        let named = held.is_some_and(|held| held["message"].as_str().is_some_and(|text| text.contains(&name)));
        if complete {
            let message = format!("ReplicaSet \"{name}\" has successfully progressed.");
            return Some((true, "NewReplicaSetAvailable", message));
        }
        if !named || reason.is_empty() {
            return Some((true, "NewReplicaSetCreated", format!("Created new replica set \"{name}\"")));
        }
        if reason == "NewReplicaSetAvailable" {
            return None;
        }
        let before = |field: &str| deployment.status[field].as_i64().unwrap_or_default();
        let moved = updated > before("updatedReplicas")
            || ready > before("readyReplicas")
            || available > before("availableReplicas");
        if moved {
            return Some((true, "ReplicaSetUpdated", format!("ReplicaSet \"{name}\" is progressing.")));
        }
        let deadline = deployment.spec["progressDeadlineSeconds"].as_u64().unwrap_or(600);
        let since = held.and_then(|held| held["lastUpdateTime"].as_str()?.parse().ok()).unwrap_or(ctx.now);
        let due = after(since, Duration::from_secs(deadline));
        if reason == "ProgressDeadlineExceeded" || ctx.now >= due {
            return Some((
                false,
                "ProgressDeadlineExceeded",
                format!("ReplicaSet \"{name}\" has timed out progressing."),
            ));
        }
        plan.wake_at(due);
        None
    }
}
