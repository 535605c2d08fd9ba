//! Step 8: which objects to wait for, and what came of it. The wait itself holds no slot.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use flux_api::Kustomization;
use flux_api::meta::ObjectReference;
use flux_apply::{Health, HealthError, Mapped, MapperError, ObjectId, Subject, Target, WaitOptions};
use flux_runtime::conditions;

use crate::plan::Plan;
use crate::reason::Reason;

/// Kinds whose definition is not there yet are looked for so often.
const LOOK_AGAIN: Duration = Duration::from_secs(1);
/// Upstream's condition type.
pub const HEALTHY: &str = "Healthy";

/// What is to be waited for.
pub struct Check {
    pub subjects: Vec<Subject>,
    /// Named in `spec.healthChecks`: where they are served is found out while waiting.
    pub named: Vec<ObjectReference>,
    pub jobs_with_ttl: BTreeSet<ObjectId>,
}

/// What the wait brought.
pub struct Checked {
    pub result: Result<(), HealthError>,
    pub took: Duration,
}

/// The check that the spec asks for; `None` when it asks for none.
pub fn wanted(obj: &Kustomization, subjects: Vec<Subject>, jobs_with_ttl: BTreeSet<ObjectId>) -> Option<Check> {
    let own = |id: &ObjectId| {
        id.kind == Kustomization::KIND
            && Some(&id.name) == obj.metadata.name.as_ref()
            && Some(&id.namespace) == obj.metadata.namespace.as_ref()
    };
    if obj.spec.wait {
        if subjects.is_empty() {
            return None;
        }
        let subjects = subjects.into_iter().filter(|subject| !own(&subject.id)).collect();
        return Some(Check { subjects, named: Vec::new(), jobs_with_ttl });
    }
    if obj.spec.health_checks.is_empty() {
        return None;
    }
    let named = obj.spec.health_checks.iter().filter(|reference| !own(&id(reference))).cloned().collect();
    Some(Check { subjects: Vec::new(), named, jobs_with_ttl })
}

fn id(reference: &ObjectReference) -> ObjectId {
    let version = reference.api_version.as_deref().unwrap_or_default();
    ObjectId {
        namespace: reference.namespace.clone().unwrap_or_default(),
        name: reference.name.clone(),
        group: version.split_once('/').map_or("", |(group, _)| group).to_owned(),
        kind: reference.kind.clone(),
    }
}

/// The phase's message and the condition that is shown while it lasts.
pub fn phase(revision: &str, plan: &Plan) -> (String, Vec<flux_api::Condition>) {
    let message = format!(
        "Running health checks for revision {revision} with a timeout of {}",
        flux_api::Duration::from(plan.timeout)
    );
    let healthy = conditions::unknown(HEALTHY, Reason::Progressing.as_str(), message.clone());
    (message, vec![healthy])
}

/// Waits; dropped when something newer arrives.
pub async fn wait(health: Health, target: Target, check: Check, plan: Plan, fail_fast: bool) -> Checked {
    let started = Instant::now();
    let mut subjects = check.subjects;
    let mut missing = Vec::new();
    for reference in &check.named {
        match locate(&target, reference, started + plan.timeout).await {
            Some(mapped) => subjects.push(Subject { id: id(reference), mapped, state: None }),
            None => missing.push(format!("can't determine status for {}", id(reference).subject())),
        }
    }
    if !missing.is_empty() {
        return Checked { result: Err(HealthError::Timeout(missing)), took: started.elapsed() };
    }
    let options = WaitOptions {
        timeout: plan.timeout.saturating_sub(started.elapsed()),
        fail_fast,
        jobs_with_ttl: check.jobs_with_ttl,
        checks: plan.checks.clone(),
        ..WaitOptions::default()
    };
    let result = health.wait(&target, subjects, &options).await;
    Checked { result, took: started.elapsed() }
}

async fn locate(target: &Target, reference: &ObjectReference, deadline: Instant) -> Option<Mapped> {
    let version = reference.api_version.as_deref().unwrap_or_default();
    loop {
        match target.mapper().find(target.client(), version, &reference.kind).await {
            Ok(mapped) => return Some(mapped),
            Err(MapperError::NoMatch { .. } | MapperError::Discovery { .. })
                if Instant::now() + LOOK_AGAIN < deadline =>
            {
                tokio::time::sleep(LOOK_AGAIN).await;
            }
            Err(_) => return None,
        }
    }
}
