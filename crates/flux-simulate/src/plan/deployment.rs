//! Deployments: a ReplicaSet for each template, and Pods moved from the old ones to the new one.

mod progress;

use super::rollout::{Counts, count, int_or_percent};
use super::{Context, Part, Plan};
use crate::kinds::Kind;
use crate::world::{Key, Object};
use serde_json::{Map, Value, json};
use std::sync::Arc;

const REVISION: &str = "deployment.kubernetes.io/revision";
const DESIRED: &str = "deployment.kubernetes.io/desired-replicas";
const MAX: &str = "deployment.kubernetes.io/max-replicas";
/// Not handed down to ReplicaSets.
const OWN_ANNOTATIONS: [&str; 5] = [
    "kubectl.kubernetes.io/last-applied-configuration",
    REVISION,
    "deployment.kubernetes.io/revision-history",
    DESIRED,
    MAX,
];

/// A ReplicaSet with its Pods counted.
struct Set {
    object: Arc<Object>,
    counts: Counts,
}

/// A Deployment and its ReplicaSets, oldest first.
struct Rollout<'a> {
    deployment: &'a Object,
    new: Option<Set>,
    old: Vec<Set>,
    surge: i64,
    unavailable: i64,
    recreate: bool,
}

pub(super) fn plan(ctx: &Context, deployment: &Object, plan: &mut Plan) {
    let rollout = Rollout::read(ctx, deployment, plan);
    let paused = deployment.spec["paused"] == true;
    let revision = rollout.revision();
    match &rollout.new {
        None if paused => rollout.scale_while_paused(plan),
        None => {
            if let Some(replicas) = rollout.first_replicas(ctx) {
                rollout.create_set(ctx, replicas, revision, plan);
            }
            rollout.scale_down_old(plan);
        }
        Some(_) if paused => rollout.scale_while_paused(plan),
        Some(new) => {
            rollout.annotate(new, revision, plan);
            rollout.scale_new(ctx, new, plan);
            rollout.scale_down_old(plan);
            rollout.forget_old(plan);
        }
    }
    if rollout.new.is_some() && deployment.annotations.get(REVISION) != Some(&revision.to_string()) {
        plan.patch(deployment, Part::Status, json!({"metadata": {"annotations": {REVISION: revision.to_string()}}}));
    }
    rollout.status(ctx, paused, plan);
}

impl<'a> Rollout<'a> {
    fn read(ctx: &Context, deployment: &'a Object, plan: &mut Plan) -> Rollout<'a> {
        let hash = deployment.template.as_ref().map(|template| template.hash.as_str());
        let sets = ctx.world.owned(deployment, Kind::ReplicaSet).filter(|set| !set.deleting);
        let mut sets: Vec<Set> = sets.map(|set| Set { counts: count(ctx, set, plan), object: set.clone() }).collect();
        sets.sort_by(|a, b| (revision_of(&a.object), &a.object.key).cmp(&(revision_of(&b.object), &b.object.key)));
        let (mut current, old): (Vec<Set>, Vec<Set>) =
            sets.into_iter().partition(|set| set.object.labels.get("pod-template-hash").map(String::as_str) == hash);
        let replicas = deployment.replicas();
        let rolling = &deployment.spec["strategy"]["rollingUpdate"];
        let share = |field: &str, up: bool| match rolling.get(field) {
            Some(value) => int_or_percent(value, replicas, up),
            None => int_or_percent(&json!("25%"), replicas, up),
        };
        let recreate = deployment.spec["strategy"]["type"] == "Recreate";
        let (surge, mut unavailable) =
            if recreate { (0, 0) } else { (share("maxSurge", true), share("maxUnavailable", false)) };
        if surge == 0 && unavailable == 0 && !recreate {
            unavailable = 1;
        }
        Rollout { deployment, new: current.pop(), old, surge, unavailable: unavailable.min(replicas), recreate }
    }

    fn sets(&self) -> impl Iterator<Item = &Set> {
        self.old.iter().chain(&self.new)
    }

    fn total(&self) -> i64 {
        self.sets().map(|set| set.object.replicas()).sum()
    }

    /// The revision of the current template: one more than every other one.
    fn revision(&self) -> i64 {
        let others = self.old.iter().map(|set| revision_of(&set.object)).max().unwrap_or_default();
        let held = self.new.as_ref().map(|set| revision_of(&set.object)).unwrap_or_default();
        if held > others { held } else { others + 1 }
    }

    /// How many Pods a new ReplicaSet starts with. `None` while old Pods must end first.
    fn first_replicas(&self, ctx: &Context) -> Option<i64> {
        if self.recreate {
            return self.old_pods_gone(ctx).then_some(self.deployment.replicas());
        }
        Some(self.room())
    }

    /// Pods that may be added without exceeding the surge. Pods that a smaller ReplicaSet has not given up yet count:
    /// on nodes that are full they are in the way.
    fn room(&self) -> i64 {
        let held = self.new.as_ref().map(|set| set.object.replicas()).unwrap_or_default();
        let total: i64 = self.sets().map(|set| set.object.replicas().max(set.counts.active)).sum();
        let room = self.deployment.replicas() + self.surge - total;
        room.min(self.deployment.replicas() - held).max(0)
    }

    fn old_pods_gone(&self, ctx: &Context) -> bool {
        self.old.iter().all(|set| ctx.world.owned(&set.object, Kind::Pod).all(|pod| pod.finished()))
    }

    fn create_set(&self, ctx: &Context, replicas: i64, revision: i64, plan: &mut Plan) {
        let deployment = self.deployment;
        let Some(template) = &deployment.template else { return };
        let name = format!("{}-{}", deployment.key.name, template.hash);
        if plan.adopt(ctx, deployment, Key::new(Kind::ReplicaSet, &deployment.key.namespace, &name)) {
            return;
        }
        let mut pod = template.value();
        if !pod["metadata"]["labels"].is_object() {
            pod["metadata"]["labels"] = json!({});
        }
        pod["metadata"]["labels"]["pod-template-hash"] = template.hash.clone().into();
        let mut selector = deployment.spec["selector"].clone();
        if !selector["matchLabels"].is_object() {
            selector["matchLabels"] = json!({});
        }
        selector["matchLabels"]["pod-template-hash"] = template.hash.clone().into();
        let mut annotations: Map<String, Value> = deployment
            .annotations
            .iter()
            .filter(|(name, _)| !OWN_ANNOTATIONS.contains(&name.as_str()))
            .map(|(name, value)| (name.clone(), value.clone().into()))
            .collect();
        annotations.extend(self.annotations(revision));
        let mut spec = json!({"replicas": replicas, "selector": selector, "template": pod});
        if let Some(seconds) = deployment.spec.get("minReadySeconds") {
            spec["minReadySeconds"] = seconds.clone();
        }
        let body = json!({
            "apiVersion": "apps/v1",
            "kind": "ReplicaSet",
            "metadata": {
                "name": name,
                "namespace": deployment.key.namespace,
                "labels": pod["metadata"]["labels"],
                "annotations": annotations,
                "ownerReferences": deployment.reference(),
            },
            "spec": spec,
        });
        plan.create(Kind::ReplicaSet, deployment, body);
    }

    fn annotations(&self, revision: i64) -> Vec<(String, Value)> {
        let replicas = self.deployment.replicas();
        vec![
            (REVISION.to_owned(), revision.to_string().into()),
            (DESIRED.to_owned(), replicas.to_string().into()),
            (MAX.to_owned(), (replicas + self.surge).to_string().into()),
        ]
    }

    /// A template that was there before comes back as the newest revision; `minReadySeconds` follows the Deployment.
    fn annotate(&self, new: &Set, revision: i64, plan: &mut Plan) {
        let mut body = json!({});
        if revision_of(&new.object) != revision {
            body["metadata"]["annotations"][REVISION] = revision.to_string().into();
        }
        let seconds = |object: &Object| object.spec["minReadySeconds"].as_i64().unwrap_or_default();
        if seconds(&new.object) != seconds(self.deployment) {
            body["spec"]["minReadySeconds"] = seconds(self.deployment).into();
        }
        if body != json!({}) {
            plan.patch(&new.object, Part::Main, body);
        }
    }

    fn scale(&self, set: &Set, replicas: i64, plan: &mut Plan) {
        if set.object.replicas() == replicas {
            return;
        }
        let mut annotations: Map<String, Value> = self.annotations(0).into_iter().collect();
        annotations.remove(REVISION);
        // One patch for each object: it carries the version it was planned for.
        plan.writes.retain(|write| !matches!(write, super::Write::Patch { key, .. } if *key == set.object.key));
        if self.new.as_ref().is_some_and(|new| new.object.uid == set.object.uid) {
            annotations.insert(REVISION.into(), self.revision().to_string().into());
        }
        let body = json!({"metadata": {"annotations": annotations}, "spec": {"replicas": replicas}});
        plan.patch(&set.object, Part::Main, body);
    }

    /// Brings the new ReplicaSet towards the wanted size.
    fn scale_new(&self, ctx: &Context, new: &Set, plan: &mut Plan) {
        let (wanted, held) = (self.deployment.replicas(), new.object.replicas());
        let target = match () {
            () if held > wanted => wanted,
            () if self.recreate && !self.old_pods_gone(ctx) => held,
            () if self.recreate => wanted,
            () => held + self.room(),
        };
        self.scale(new, target, plan);
    }

    /// Takes Pods away from old ReplicaSets as far as enough others are available; those that never became so first.
    fn scale_down_old(&self, plan: &mut Plan) {
        if self.recreate {
            self.old.iter().for_each(|set| self.scale(set, 0, plan));
            return;
        }
        let available: i64 = self.sets().map(|set| set.counts.available.min(set.object.replicas())).sum();
        let least = self.deployment.replicas() - self.unavailable;
        let new_missing = self.new.as_ref().map_or(0, |new| (new.object.replicas() - new.counts.available).max(0));
        let mut removable = self.total() - least - new_missing;
        let mut spare = available - least;
        for set in &self.old {
            let held = set.object.replicas();
            let broken = (held - set.counts.available).clamp(0, removable.max(0));
            removable -= broken;
            let healthy = (held - broken).min(spare.max(0)).min(removable.max(0));
            removable -= healthy;
            spare -= healthy;
            self.scale(set, held - broken - healthy, plan);
        }
    }

    /// A paused Deployment follows its size, but moves no Pods between templates.
    fn scale_while_paused(&self, plan: &mut Plan) {
        let active: Vec<&Set> = self.sets().filter(|set| set.object.replicas() > 0).collect();
        match (active.as_slice(), &self.new) {
            ([only], _) => self.scale(only, self.deployment.replicas(), plan),
            ([], Some(new)) => self.scale(new, self.deployment.replicas(), plan),
            _ => {}
        }
    }

    /// Deletes the oldest empty ReplicaSets beyond the history limit.
    fn forget_old(&self, plan: &mut Plan) {
        let limit = self.deployment.spec["revisionHistoryLimit"].as_i64().unwrap_or(10).max(0) as usize;
        let empty: Vec<&Set> = self
            .old
            .iter()
            .filter(|set| set.object.replicas() == 0 && set.counts.active == 0 && set.object.status["replicas"] == 0)
            .collect();
        for set in empty.iter().take(empty.len().saturating_sub(limit)) {
            plan.delete(&set.object);
        }
    }
}

fn revision_of(set: &Object) -> i64 {
    set.annotations.get(REVISION).and_then(|text| text.parse().ok()).unwrap_or_default()
}
