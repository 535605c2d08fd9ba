//! The rules of each kind, pure: state in, writes out.
//!
//! [`plan`] looks at one object and what belongs to it and says what to write now, and when to look again.
//! Nothing is remembered between two plans but the world itself, so a restart continues where it stopped.

mod autoscaler;
mod budget;
mod claim;
mod daemon_set;
mod deployment;
mod endpoints;
mod ingress;
mod job;
mod node;
mod pod;
mod replica_set;
mod rollout;
mod schedule;
mod service;
mod stage;
mod stateful_set;
mod status;
#[cfg(test)]
mod tests;

pub(crate) use node::nodes;
pub(crate) use stage::Progress;

use crate::Config;
use crate::kinds::Kind;
use crate::world::{Key, Object, World};
use jiff::Timestamp;
use serde_json::Value;
use std::collections::HashMap;
use std::time::Duration;

/// Counters change many times while Pods start; a status that is not final yet is held back this long.
const SETTLE: Duration = Duration::from_millis(250);

/// Children created by one plan; the rest follows with the next one.
const MAX_CREATES: usize = 100;

/// One request to the API server.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Write {
    /// POST. `owner` is the uid of the object whose rules ask for it.
    Create { kind: Kind, namespace: String, owner: String, body: Value },
    /// JSON merge PATCH of the object, or of `part` of it (`status`, `scale`).
    Patch { key: Key, version: u64, part: Part, body: Value },
    /// POST to the `binding` of a Pod.
    Bind { key: Key, uid: String, node: String },
    /// DELETE at once, without a grace period.
    Delete { key: Key, uid: String },
}

/// What of an object is patched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part {
    Main,
    Status,
    Scale,
}

/// What to do about one object.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Plan {
    pub(crate) writes: Vec<Write>,
    /// When to plan this object again though nothing has happened.
    pub(crate) wake: Option<Timestamp>,
    /// A stage that was passed.
    pub(crate) progress: Option<Progress>,
}

/// What a plan may look at.
pub(crate) struct Context<'a> {
    pub(crate) world: &'a World,
    pub(crate) config: &'a Config,
    /// How far objects of user-defined stages are, by uid.
    pub(crate) progress: &'a HashMap<String, Progress>,
    /// Group and kind of each [`Kind::Custom`].
    pub(crate) custom: &'a [(String, String)],
    pub(crate) now: Timestamp,
}

/// What to do about the object of this name. Nothing when there is none.
pub(crate) fn plan(ctx: &Context, key: &Key) -> Plan {
    let mut plan = Plan::default();
    let Some(object) = ctx.world.get(key) else {
        return plan;
    };
    let rules: fn(&Context, &Object, &mut Plan) = match key.kind {
        Kind::Pod => pod::plan,
        _ if object.deleting => return plan,
        Kind::Deployment => deployment::plan,
        Kind::ReplicaSet => replica_set::plan,
        Kind::StatefulSet => stateful_set::plan,
        Kind::DaemonSet => daemon_set::plan,
        Kind::Job => job::plan,
        Kind::Service => service::plan,
        Kind::PersistentVolumeClaim => claim::plan,
        Kind::PersistentVolume => claim::plan_volume,
        Kind::HorizontalPodAutoscaler => autoscaler::plan,
        Kind::PodDisruptionBudget => budget::plan,
        Kind::Ingress => ingress::plan,
        Kind::Custom(_) => stage::plan,
        Kind::Node | Kind::Endpoints | Kind::EndpointSlice => return plan,
    };
    rules(ctx, object, &mut plan);
    plan
}

impl Plan {
    fn create(&mut self, kind: Kind, owner: &Object, body: Value) {
        let namespace = owner.key.namespace.clone();
        self.writes.push(Write::Create { kind, namespace, owner: owner.uid.clone(), body });
    }

    fn patch(&mut self, object: &Object, part: Part, body: Value) {
        self.writes.push(Write::Patch { key: object.key.clone(), version: object.version, part, body });
    }

    fn delete(&mut self, object: &Object) {
        self.writes.push(Write::Delete { key: object.key.clone(), uid: object.uid.clone() });
    }

    /// Makes an object that nobody owns a child of `owner`, as after a deletion that left the children behind.
    /// `false` when there is no such object, or it has an owner.
    fn adopt(&mut self, ctx: &Context, owner: &Object, key: Key) -> bool {
        let Some(orphan) = ctx.world.get(&key).filter(|orphan| orphan.owner.is_none() && !orphan.deleting) else {
            return false;
        };
        self.patch(orphan, Part::Main, serde_json::json!({"metadata": {"ownerReferences": owner.reference()}}));
        true
    }

    /// Looks again at the earlier of `time` and what was asked before.
    fn wake_at(&mut self, time: Timestamp) {
        self.wake = Some(self.wake.map_or(time, |held| held.min(time)));
    }
}

/// `time` plus a span; the end of time when that is too far.
fn after(time: Timestamp, span: Duration) -> Timestamp {
    time.checked_add(jiff::SignedDuration::try_from(span).unwrap_or(jiff::SignedDuration::MAX))
        .unwrap_or(Timestamp::MAX)
}
