//! StatefulSets: numbered Pods, one after the other unless they may start together.

use super::rollout::{available, pod_of};
use super::status::{Conditions, counters};
use super::{Context, MAX_CREATES, Plan};
use crate::kinds::Kind;
use crate::world::{Key, Object};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::Arc;

const REVISION_LABEL: &str = "controller-revision-hash";

pub(super) fn plan(ctx: &Context, set: &Object, plan: &mut Plan) {
    let Some(template) = &set.template else { return };
    let revision = format!("{}-{}", set.key.name, template.hash);
    let start = set.spec["ordinals"]["start"].as_i64().unwrap_or_default().max(0);
    let wanted = start..start + set.replicas();
    let pods: BTreeMap<i64, &Arc<Object>> =
        ctx.world.owned(set, Kind::Pod).filter_map(|pod| Some((ordinal(set, pod)?, pod))).collect();
    let parallel = set.spec["podManagementPolicy"] == "Parallel";
    let state = State { ctx, set, revision: &revision, pods: &pods, parallel };
    let growing = state.grow(wanted.clone(), plan);
    if !growing || parallel {
        let shrinking = state.shrink(wanted.clone(), plan);
        if !shrinking {
            state.update(wanted, start, plan);
        }
    }
    state.status(plan);
}

struct State<'a> {
    ctx: &'a Context<'a>,
    set: &'a Object,
    /// Of the current template.
    revision: &'a str,
    pods: &'a BTreeMap<i64, &'a Arc<Object>>,
    parallel: bool,
}

impl State<'_> {
    /// Creates what is missing; `true` while a Pod is not there or not ready yet.
    fn grow(&self, wanted: std::ops::Range<i64>, plan: &mut Plan) -> bool {
        let mut waiting = false;
        for ordinal in wanted {
            match self.pods.get(&ordinal) {
                Some(pod) if pod.finished() && !pod.deleting => {
                    plan.delete(pod);
                    waiting = true;
                }
                Some(pod) => waiting |= pod.deleting || !pod.ready(),
                None => {
                    self.create(ordinal, plan);
                    waiting = true;
                }
            }
            if (waiting && !self.parallel) || plan.writes.len() >= MAX_CREATES {
                break;
            }
        }
        waiting
    }

    /// Deletes Pods beyond the wanted ones, the highest number first; `true` while there are any.
    fn shrink(&self, wanted: std::ops::Range<i64>, plan: &mut Plan) -> bool {
        let mut extra = self.pods.iter().rev().filter(|(ordinal, _)| !wanted.contains(ordinal)).peekable();
        if extra.peek().is_none() {
            return false;
        }
        for (_, pod) in extra {
            if !pod.deleting {
                plan.delete(pod);
            }
            if !self.parallel {
                break;
            }
        }
        true
    }

    /// Replaces the highest Pod of another revision, at or above the partition, once all others are ready.
    fn update(&self, wanted: std::ops::Range<i64>, start: i64, plan: &mut Plan) {
        let strategy = &self.set.spec["updateStrategy"];
        if strategy["type"] == "OnDelete" {
            return;
        }
        let partition = strategy["rollingUpdate"]["partition"].as_i64().unwrap_or_default().max(start);
        for ordinal in wanted.rev().take_while(|ordinal| *ordinal >= partition) {
            let Some(pod) = self.pods.get(&ordinal) else { return };
            if pod.deleting {
                return;
            }
            if !self.is_current(pod) {
                return plan.delete(pod);
            }
            if !pod.ready() {
                return;
            }
        }
    }

    fn is_current(&self, pod: &Object) -> bool {
        pod.labels.get(REVISION_LABEL).is_some_and(|label| label == self.revision)
    }

    fn create(&self, ordinal: i64, plan: &mut Plan) {
        let set = self.set;
        let name = format!("{}-{ordinal}", set.key.name);
        if plan.adopt(self.ctx, set, Key::new(Kind::Pod, &set.key.namespace, &name)) {
            return;
        }
        let mut pod = pod_of(set);
        pod["metadata"]["name"] = name.clone().into();
        let labels = [
            (REVISION_LABEL, self.revision.to_owned()),
            ("statefulset.kubernetes.io/pod-name", name.clone()),
            ("apps.kubernetes.io/pod-index", ordinal.to_string()),
        ];
        for (label, value) in labels {
            pod["metadata"]["labels"][label] = value.into();
        }
        pod["spec"]["hostname"] = name.clone().into();
        if let Some(service) = set.spec.get("serviceName").filter(|service| **service != "") {
            pod["spec"]["subdomain"] = service.clone();
        }
        for claim in set.spec["volumeClaimTemplates"].as_array().into_iter().flatten() {
            self.claim(claim, &name, &mut pod, plan);
        }
        plan.create(Kind::Pod, set, pod);
    }

    /// A claim of a template stays when its Pod or set goes, so it is only created when it is not there.
    fn claim(&self, template: &Value, pod_name: &str, pod: &mut Value, plan: &mut Plan) {
        let Some(volume) = template["metadata"]["name"].as_str() else { return };
        let name = format!("{volume}-{pod_name}");
        let key = Key::new(Kind::PersistentVolumeClaim, &self.set.key.namespace, &name);
        if self.ctx.world.get(&key).is_none() {
            let metadata = &template["metadata"];
            let mut labels = self.set.spec["selector"]["matchLabels"].clone();
            if let (Some(labels), Some(own)) = (labels.as_object_mut(), metadata["labels"].as_object()) {
                labels.extend(own.clone());
            }
            let body = json!({
                "apiVersion": "v1",
                "kind": "PersistentVolumeClaim",
                "metadata": {"name": name, "namespace": self.set.key.namespace, "labels": labels,
                             "annotations": metadata["annotations"]},
                "spec": template["spec"],
            });
            plan.create(Kind::PersistentVolumeClaim, self.set, body);
        }
        let source = json!({"name": volume, "persistentVolumeClaim": {"claimName": name}});
        if !pod["spec"]["volumes"].is_array() {
            pod["spec"]["volumes"] = json!([]);
        }
        if let Some(volumes) = pod["spec"]["volumes"].as_array_mut() {
            volumes.retain(|held| held["name"] != volume);
            volumes.push(source);
        }
    }

    fn status(&self, plan: &mut Plan) {
        let set = self.set;
        let min_ready = set.spec["minReadySeconds"].as_i64().unwrap_or_default();
        let (mut replicas, mut ready, mut free, mut updated) = (0, 0, 0, 0);
        for pod in self.pods.values().filter(|pod| pod.active()) {
            replicas += 1;
            ready += i64::from(pod.ready());
            let (is_available, due) = available(pod, min_ready, self.ctx.now);
            free += i64::from(is_available);
            updated += i64::from(self.is_current(pod));
            due.into_iter().for_each(|due| plan.wake_at(due));
        }
        let wanted = set.replicas();
        let rolled = updated == replicas && replicas == wanted;
        let held = set.status["currentRevision"].as_str().unwrap_or(self.revision);
        let current = if rolled { self.revision } else { held };
        let mut status = counters(&[
            ("readyReplicas", ready),
            ("updatedReplicas", updated),
            ("currentReplicas", if current == self.revision { updated } else { replicas - updated }),
            ("observedGeneration", set.generation),
        ]);
        status.insert("replicas".into(), replicas.into());
        status.insert("availableReplicas".into(), free.into());
        status.insert("collisionCount".into(), 0.into());
        status.insert("currentRevision".into(), current.into());
        status.insert("updateRevision".into(), self.revision.into());
        Conditions::of(set, self.ctx.now).store(&mut status);
        plan.settle_status(self.ctx, set, status, rolled && free == wanted);
    }
}

/// The number at the end of a Pod's name.
fn ordinal(set: &Object, pod: &Object) -> Option<i64> {
    pod.key.name.strip_prefix(&set.key.name)?.strip_prefix('-')?.parse().ok()
}
