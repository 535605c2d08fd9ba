//! ReplicaSets: as many Pods as asked for.

use super::status::{Conditions, counters};
use super::{Context, MAX_CREATES, Plan, rollout};
use crate::kinds::Kind;
use crate::world::Object;
use serde_json::Value;
use std::sync::Arc;

pub(super) fn plan(ctx: &Context, set: &Object, plan: &mut Plan) {
    let counts = rollout::count(ctx, set, plan);
    let missing = set.replicas() - counts.active;
    if missing > 0 {
        rollout::create_pods(ctx, set, missing, plan);
    } else if missing < 0 {
        let pods = ctx.world.owned(set, Kind::Pod).filter(|pod| pod.active()).collect();
        for pod in victims(pods, missing.unsigned_abs() as usize) {
            plan.delete(pod);
        }
    }
    let mut status = counters(&[
        ("readyReplicas", counts.ready),
        ("availableReplicas", counts.available),
        ("fullyLabeledReplicas", counts.active),
        ("observedGeneration", set.generation),
    ]);
    status.insert("replicas".into(), counts.active.into());
    let mut conditions = Conditions::of(set, ctx.now);
    let refusal = ctx.world.refusal(set).filter(|_| missing > 0);
    match refusal {
        Some(message) => conditions.set("ReplicaFailure", true, "FailedCreate", message),
        None => conditions.remove("ReplicaFailure"),
    }
    conditions.store(&mut status);
    let settled = (missing == 0 && counts.available == set.replicas()) || refusal.is_some();
    plan.settle_status(ctx, set, status, settled);
}

/// The Pods that go first: without a node, then not ready, then the youngest.
fn victims(mut pods: Vec<&Arc<Object>>, count: usize) -> Vec<&Arc<Object>> {
    pods.sort_by(|a, b| {
        let rank = |pod: &Object| (!pod.node().is_empty(), pod.ready(), priority(&pod.spec));
        rank(a).cmp(&rank(b)).then_with(|| b.created.cmp(&a.created)).then_with(|| b.key.cmp(&a.key))
    });
    pods.truncate(count.min(MAX_CREATES));
    pods
}

fn priority(spec: &Value) -> i64 {
    spec["priority"].as_i64().unwrap_or_default()
}
