//! Numbers that several workload kinds share: how many Pods may be missing or extra, and what new Pods look like.

use super::{Context, MAX_CREATES, Plan, after};
use crate::kinds::Kind;
use crate::world::{Object, suffix};
use jiff::Timestamp;
use serde_json::{Value, json};
use std::time::Duration;

/// An int-or-percent of `total`. Anything unreadable counts as zero.
pub(super) fn int_or_percent(value: &Value, total: i64, round_up: bool) -> i64 {
    if let Some(number) = value.as_i64() {
        return number.max(0);
    }
    let percent = value.as_str().and_then(|text| text.strip_suffix('%')).and_then(|text| text.parse::<i64>().ok());
    let share = percent.unwrap_or_default().clamp(0, 100_000) * total;
    if round_up { share.div_euclid(100) + i64::from(share % 100 != 0) } else { share / 100 }
}

/// Whether a Pod has been ready long enough, and when it will have been.
pub(super) fn available(pod: &Object, min_ready: i64, now: Timestamp) -> (bool, Option<Timestamp>) {
    if !pod.ready() || pod.deleting {
        return (false, None);
    }
    if min_ready <= 0 {
        return (true, None);
    }
    let since = pod.condition("Ready").and_then(|condition| condition["lastTransitionTime"].as_str()?.parse().ok());
    let due = after(since.unwrap_or(now), Duration::from_secs(min_ready.unsigned_abs()));
    if now >= due { (true, None) } else { (false, Some(due)) }
}

/// Counts of a set's Pods.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(super) struct Counts {
    pub(super) active: i64,
    pub(super) ready: i64,
    pub(super) available: i64,
}

/// Counts the Pods that `owner` controls; a Pod that becomes available later wakes the plan.
pub(super) fn count(ctx: &Context, owner: &Object, plan: &mut Plan) -> Counts {
    let min_ready = owner.spec["minReadySeconds"].as_i64().unwrap_or_default();
    let mut counts = Counts::default();
    for pod in ctx.world.owned(owner, Kind::Pod).filter(|pod| pod.active()) {
        counts.active += 1;
        counts.ready += i64::from(pod.ready());
        let (available, due) = available(pod, min_ready, ctx.now);
        counts.available += i64::from(available);
        due.into_iter().for_each(|due| plan.wake_at(due));
    }
    counts
}

/// A Pod of a template, not yet named.
pub(super) fn pod_of(owner: &Object) -> Value {
    let mut pod = owner.template.as_ref().map(crate::world::Template::value).unwrap_or_default();
    let metadata = &mut pod["metadata"];
    if !metadata.is_object() {
        *metadata = json!({});
    }
    metadata["ownerReferences"] = owner.reference();
    metadata["namespace"] = owner.key.namespace.clone().into();
    if let Some(metadata) = metadata.as_object_mut() {
        metadata.remove("creationTimestamp");
        metadata.remove("name");
    }
    pod["apiVersion"] = "v1".into();
    pod["kind"] = "Pod".into();
    pod
}

/// Asks for `missing` more Pods with names made from the owner's, never one that was used here before.
pub(super) fn create_pods(ctx: &Context, owner: &Object, missing: i64, plan: &mut Plan) {
    // Kubernetes keeps 58 bytes of the prefix, so that five more fit into a label.
    let prefix: String = format!("{}-", owner.key.name).chars().take(58).collect();
    let base = pod_of(owner);
    let mut serial = ctx.world.serial(owner);
    for _ in 0..missing.clamp(0, MAX_CREATES as i64) {
        let name = loop {
            let parts = [owner.key.namespace.as_str(), owner.key.name.as_str(), owner.uid.as_str()];
            let name = format!("{prefix}{}", suffix(ctx.config.seed, &parts[..2], serial));
            serial += 1;
            if ctx.world.get(&crate::world::Key::new(Kind::Pod, &owner.key.namespace, &name)).is_none() {
                break name;
            }
        };
        let mut pod = base.clone();
        pod["metadata"]["name"] = name.into();
        pod["metadata"]["generateName"] = prefix.clone().into();
        plan.create(Kind::Pod, owner, pod);
    }
}

#[cfg(test)]
mod tests {
    use super::int_or_percent;
    use serde_json::json;

    #[test]
    fn percentages_round_as_asked() {
        for (value, up, down) in [(json!("25%"), 3, 2), (json!(4), 4, 4), (json!("0%"), 0, 0), (json!("x"), 0, 0)] {
            assert_eq!(int_or_percent(&value, 10, true), up, "{value}");
            assert_eq!(int_or_percent(&value, 10, false), down, "{value}");
        }
    }
}
