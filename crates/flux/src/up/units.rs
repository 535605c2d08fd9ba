//! What `flux up` shows: every Flux object of a cluster as one unit with a phase.
//!
//! Pure: objects in, units out. A unit is Ready when its controller has seen its current spec, says so,
//! and, for an applier, has applied what its source offers now.

use std::collections::BTreeMap;

use serde_json::Value;

/// How far a unit is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Phase {
    /// No controller has looked at it yet.
    Pending,
    /// Another object has to become ready first.
    Waiting,
    /// Work is going on.
    Progressing,
    /// The last attempt failed; the controller tries again.
    Failing,
    /// It needs an edit.
    Stalled,
    /// `spec.suspend` is set: nothing to wait for.
    Suspended,
    Ready,
}

impl Phase {
    /// True when nobody has to wait for this unit any more.
    pub fn settled(self) -> bool {
        matches!(self, Self::Ready | Self::Suspended)
    }

    pub fn word(self) -> &'static str {
        match self {
            Self::Pending => "Pending",
            Self::Waiting => "Waiting",
            Self::Progressing => "Progressing",
            Self::Failing => "Failing",
            Self::Stalled => "Stalled",
            Self::Suspended => "Suspended",
            Self::Ready => "Ready",
        }
    }
}

/// One Flux object as a person wants to see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unit {
    pub kind: String,
    pub namespace: String,
    pub name: String,
    pub phase: Phase,
    /// The revision it stands at, empty when it has none.
    pub revision: String,
    /// The Ready condition's message, one line.
    pub message: String,
}

impl Unit {
    /// `kind/namespace/name` in lower case kind, as the command line writes objects.
    pub fn key(&self) -> String {
        format!("{}/{}/{}", self.kind.to_lowercase(), self.namespace, self.name)
    }
}

/// The units of one cluster, sources first, each kind by namespace and name.
///
/// `head` is the commit that local sources are expected to offer; a source that is served from the watched
/// repository and offers another one is still on its way.
pub fn evaluate<'a, I>(objects: I, head: Option<&Expected<'_>>) -> Vec<Unit>
where
    I: IntoIterator<Item = &'a Value> + Clone,
{
    let sources: BTreeMap<String, &str> = objects.clone().into_iter().filter_map(offered_revision).collect();
    let mut units: Vec<Unit> = objects.into_iter().map(|object| unit(object, &sources, head)).collect();
    units.sort_by(|a, b| order(a).cmp(&order(b)));
    units
}

/// The commit that sources of the watched repository have to reach.
pub struct Expected<'a> {
    pub commit: &'a str,
    /// Says whether a GitRepository's URL is served from the watched repository's branch.
    pub follows: &'a (dyn Fn(&Value) -> bool + Sync),
}

fn order(unit: &Unit) -> (u8, &str, &str, &str) {
    let place = match unit.kind.as_str() {
        "Kustomization" => 1,
        "HelmRelease" => 2,
        _ => 0,
    };
    (place, &unit.kind, &unit.namespace, &unit.name)
}

fn text<'a>(object: &'a Value, pointer: &str) -> &'a str {
    object.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

fn source_key(kind: &str, namespace: &str, name: &str) -> String {
    format!("{kind}/{namespace}/{name}")
}

fn offered_revision(object: &Value) -> Option<(String, &str)> {
    let revision = object.pointer("/status/artifact/revision")?.as_str()?;
    let key = source_key(text(object, "/kind"), text(object, "/metadata/namespace"), text(object, "/metadata/name"));
    Some((key, revision))
}

fn unit(object: &Value, sources: &BTreeMap<String, &str>, head: Option<&Expected<'_>>) -> Unit {
    let ready = condition(object, "Ready");
    let message = ready.map(|c| text(c, "/message")).unwrap_or_default().lines().next().unwrap_or_default();
    let mut unit = Unit {
        kind: text(object, "/kind").to_owned(),
        namespace: text(object, "/metadata/namespace").to_owned(),
        name: text(object, "/metadata/name").to_owned(),
        phase: own_phase(object, ready),
        revision: revision(object).to_owned(),
        message: message.to_owned(),
    };
    if unit.phase == Phase::Ready && !up_to_date(object, sources, head) {
        unit.phase = Phase::Progressing;
        unit.message = "a newer revision is on its way".into();
    }
    unit
}

fn condition<'a>(object: &'a Value, kind: &str) -> Option<&'a Value> {
    object.pointer("/status/conditions")?.as_array()?.iter().find(|c| text(c, "/type") == kind)
}

fn own_phase(object: &Value, ready: Option<&Value>) -> Phase {
    if object.pointer("/spec/suspend") == Some(&Value::Bool(true)) {
        return Phase::Suspended;
    }
    let generation = object.pointer("/metadata/generation").and_then(Value::as_i64);
    let seen = condition_or_status_generation(object, ready);
    if generation.is_some() && seen.is_some() && seen < generation {
        return Phase::Progressing;
    }
    if condition(object, "Stalled").is_some_and(|c| text(c, "/status") == "True") {
        return Phase::Stalled;
    }
    match ready.map(|c| (text(c, "/status"), text(c, "/reason"))) {
        None => Phase::Pending,
        Some(("True", _)) => Phase::Ready,
        Some(("False", "DependencyNotReady")) => Phase::Waiting,
        // Its source has not stored anything yet.
        Some(("False", "ArtifactFailed")) if revision(object).is_empty() => Phase::Waiting,
        Some(("False", "SourceNotReady")) => Phase::Waiting,
        Some(("False", _)) => Phase::Failing,
        Some(_) => Phase::Progressing,
    }
}

fn condition_or_status_generation(object: &Value, ready: Option<&Value>) -> Option<i64> {
    let of_condition = ready.and_then(|c| c.pointer("/observedGeneration")).and_then(Value::as_i64);
    of_condition.or_else(|| object.pointer("/status/observedGeneration").and_then(Value::as_i64))
}

fn revision(object: &Value) -> &str {
    let fields = ["/status/lastAppliedRevision", "/status/artifact/revision", "/status/lastAttemptedRevision"];
    // What was attempted is where a release stands; others stand where they applied.
    let known = if text(object, "/kind") == "HelmRelease" { &fields[..] } else { &fields[..2] };
    known.iter().map(|field| text(object, field)).find(|revision| !revision.is_empty()).unwrap_or_default()
}

fn up_to_date(object: &Value, sources: &BTreeMap<String, &str>, head: Option<&Expected<'_>>) -> bool {
    match text(object, "/kind") {
        "Kustomization" => {
            let namespace = match text(object, "/spec/sourceRef/namespace") {
                "" => text(object, "/metadata/namespace"),
                other => other,
            };
            let key = source_key(text(object, "/spec/sourceRef/kind"), namespace, text(object, "/spec/sourceRef/name"));
            let offered = sources.get(&key).copied();
            offered.is_none_or(|offered| offered == text(object, "/status/lastAppliedRevision"))
        }
        // A chart stands where it last saw its source, a release where it last saw its chart.
        "HelmChart" => {
            let kind = text(object, "/spec/sourceRef/kind");
            let key = source_key(kind, text(object, "/metadata/namespace"), text(object, "/spec/sourceRef/name"));
            let offered = sources.get(&key).copied().filter(|_| kind == "GitRepository");
            offered.is_none_or(|offered| offered == text(object, "/status/observedSourceArtifactRevision"))
        }
        "HelmRelease" => {
            let offered = sources.get(&format!("HelmChart/{}", text(object, "/status/helmChart"))).copied();
            offered.is_none_or(|offered| offered == text(object, "/status/lastAttemptedRevision"))
        }
        "GitRepository" => match head {
            Some(expected) if (expected.follows)(object) => {
                text(object, "/status/artifact/revision").ends_with(expected.commit)
            }
            _ => true,
        },
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn kustomization(applied: &str, conditions: Value) -> Value {
        json!({
            "kind": "Kustomization",
            "metadata": {"namespace": "flux-system", "name": "apps", "generation": 2},
            "spec": {"sourceRef": {"kind": "GitRepository", "name": "repo"}},
            "status": {"observedGeneration": 2, "lastAppliedRevision": applied, "conditions": conditions},
        })
    }

    fn repository(revision: &str) -> Value {
        json!({
            "kind": "GitRepository",
            "metadata": {"namespace": "flux-system", "name": "repo", "generation": 1},
            "status": {"artifact": {"revision": revision},
                "conditions": [{"type": "Ready", "status": "True", "reason": "Succeeded"}]},
        })
    }

    fn ready() -> Value {
        json!([{"type": "Ready", "status": "True", "reason": "ReconciliationSucceeded"}])
    }

    fn phase_of(objects: &[Value], name: &str) -> Phase {
        evaluate(objects, None).into_iter().find(|unit| unit.name == name).unwrap().phase
    }

    #[test]
    fn an_applier_behind_its_source_is_not_ready() {
        let behind = [repository("main@sha1:bb"), kustomization("main@sha1:aa", ready())];
        assert_eq!(phase_of(&behind, "apps"), Phase::Progressing);
        let level = [repository("main@sha1:aa"), kustomization("main@sha1:aa", ready())];
        assert_eq!(phase_of(&level, "apps"), Phase::Ready);
    }

    #[test]
    fn a_source_of_the_watched_repository_must_offer_the_head() {
        let follows = |_: &Value| true;
        let expected = Expected { commit: "bb", follows: &follows };
        let units = evaluate(&[repository("main@sha1:aa")], Some(&expected));
        assert_eq!(units[0].phase, Phase::Progressing);
        let units = evaluate(&[repository("main@sha1:bb")], Some(&expected));
        assert_eq!(units[0].phase, Phase::Ready);
    }

    #[test]
    fn conditions_tell_waiting_failing_and_stalled_apart() {
        let waiting = json!([{"type": "Ready", "status": "False", "reason": "DependencyNotReady"}]);
        assert_eq!(phase_of(&[kustomization("", waiting)], "apps"), Phase::Waiting);
        let failing = json!([{"type": "Ready", "status": "False", "reason": "BuildFailed"}]);
        assert_eq!(phase_of(&[kustomization("", failing)], "apps"), Phase::Failing);
        let stalled = json!([{"type": "Ready", "status": "False", "reason": "AccessDenied"},
            {"type": "Stalled", "status": "True", "reason": "AccessDenied"}]);
        assert_eq!(phase_of(&[kustomization("", stalled)], "apps"), Phase::Stalled);
        assert_eq!(phase_of(&[kustomization("", json!([]))], "apps"), Phase::Pending);
    }

    #[test]
    fn an_unseen_spec_is_in_progress_whatever_the_condition_says() {
        let mut object = kustomization("", ready());
        object["metadata"]["generation"] = json!(3);
        assert_eq!(phase_of(&[object], "apps"), Phase::Progressing);
    }
}
