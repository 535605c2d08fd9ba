//! PodDisruptionBudgets: how many Pods may be missing right now.

use super::rollout::int_or_percent;
use super::status::Conditions;
use super::{Context, Plan};
use crate::kinds::Kind;
use crate::world::{Key, Object, Owner, Selector};
use serde_json::{Map, json};
use std::collections::BTreeSet;

pub(super) fn plan(ctx: &Context, budget: &Object, plan: &mut Plan) {
    let selector = Selector::of(budget).unwrap_or_default();
    let selects = budget.spec.get("selector").is_some_and(|selector| selector.is_object());
    let (mut healthy, mut total, mut owners) = (0, 0, BTreeSet::new());
    if selects {
        for pod in ctx.world.selected(&budget.key.namespace, &selector).filter(|pod| pod.active()) {
            total += 1;
            healthy += i64::from(pod.ready());
            owners.extend(scaled_owner(ctx, pod));
        }
    }
    let sizes = owners.iter().filter_map(|key| ctx.world.get(key)).map(|owner| owner.replicas());
    let wanted: i64 = sizes.sum::<i64>().max(if owners.is_empty() { total } else { 0 });
    let (expected, least) = match (budget.spec.get("minAvailable"), budget.spec.get("maxUnavailable")) {
        (_, Some(most)) => (wanted, (wanted - int_or_percent(most, wanted, true)).max(0)),
        (Some(least), None) if least.is_i64() => (total, least.as_i64().unwrap_or_default()),
        (Some(least), None) => (wanted, int_or_percent(least, wanted, true)),
        (None, None) => (total, 0),
    };
    let allowed = (healthy - least).max(0).min(if expected > 0 { i64::MAX } else { 0 });
    let mut status = Map::new();
    if let Some(disrupted) = budget.status.get("disruptedPods") {
        status.insert("disruptedPods".into(), disrupted.clone());
    }
    for (field, value) in [
        ("currentHealthy", healthy),
        ("desiredHealthy", least),
        ("disruptionsAllowed", allowed),
        ("expectedPods", expected),
        ("observedGeneration", budget.generation),
    ] {
        status.insert(field.into(), value.into());
    }
    let mut conditions = Conditions::of(budget, ctx.now);
    let (ok, reason) = if allowed > 0 { (true, "SufficientPods") } else { (false, "InsufficientPods") };
    let condition = json!({"type": "DisruptionAllowed", "status": if ok { "True" } else { "False" }, "reason": reason,
                           "message": "", "lastTransitionTime": crate::world::rfc3339(ctx.now)});
    conditions.put(condition, &[("observedGeneration", budget.generation.into())]);
    conditions.store(&mut status);
    plan.settle_status(ctx, budget, status, total > 0 && healthy == total);
}

/// The object whose size says how many Pods there should be.
fn scaled_owner(ctx: &Context, pod: &Object) -> Option<Key> {
    let Owner { kind, name, .. } = pod.owner.as_ref()?;
    let key = Key::new((*kind)?, &pod.key.namespace, name);
    match key.kind {
        Kind::ReplicaSet => {
            let owner = ctx.world.get(&key)?.owner.clone();
            let above = owner.and_then(|owner| Some(Key::new(owner.kind?, &pod.key.namespace, &owner.name)));
            Some(above.unwrap_or(key))
        }
        Kind::StatefulSet => Some(key),
        _ => None,
    }
}
