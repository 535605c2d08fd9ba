//! Checks that an object's conditions make sense together; for tests of controllers.

use flux_api::meta::Condition;
use flux_api::{READY_CONDITION, RECONCILING_CONDITION, STALLED_CONDITION};

use super::{get, is_ready, is_true, is_unknown};

/// What a controller's conditions mean: types that are bad when true, the worst first.
#[derive(Clone, Debug, Default)]
pub struct Polarity {
    pub negative: Vec<String>,
}

/// The state to check.
#[derive(Clone, Copy, Debug)]
pub struct Subject<'a> {
    pub generation: i64,
    pub observed_generation: i64,
    pub conditions: &'a [Condition],
}

/// No negative types are known, so none can be the worst.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no negative polarity conditions defined in the checker, can't prioritize")]
pub struct NoPolarity;

/// The worst of the negative conditions that are there.
pub fn worst_negative<'a>(
    polarity: &Polarity,
    conditions: &'a [Condition],
) -> Result<Option<&'a Condition>, NoPolarity> {
    if polarity.negative.is_empty() {
        return Err(NoPolarity);
    }
    Ok(polarity.negative.iter().find_map(|kind| get(conditions, kind)))
}

fn types<'a>(conditions: impl Iterator<Item = &'a Condition>) -> Vec<&'a str> {
    conditions.map(|condition| condition.type_.as_str()).collect()
}

fn unless_empty(found: Vec<&str>, text: &str) -> Option<String> {
    (!found.is_empty()).then(|| format!("{text}: [{}]", found.join(" ")))
}

/// FAIL0001: nothing negative is true while Ready is.
pub fn negative_while_ready(subject: Subject<'_>, polarity: &Polarity) -> Option<String> {
    if !is_true(subject.conditions, READY_CONDITION) {
        return None;
    }
    let bad = subject
        .conditions
        .iter()
        .filter(|condition| polarity.negative.contains(&condition.type_) && condition.status == "True");
    unless_empty(types(bad), "Negative polarity condition cannot be True when Ready condition is True")
}

/// FAIL0002: Ready is there.
pub fn ready_missing(subject: Subject<'_>) -> Option<String> {
    get(subject.conditions, READY_CONDITION).is_none().then(|| "Ready condition must always be present".into())
}

/// FAIL0003 and FAIL0004: Ready is false while Reconciling or Stalled is true.
pub fn ready_while(subject: Subject<'_>, kind: &str) -> Option<String> {
    let ready = get(subject.conditions, READY_CONDITION)?;
    (is_true(subject.conditions, kind) && ready.status != "False")
        .then(|| format!("Ready condition must be False when {kind} condition is True"))
}

/// FAIL0005: not both Reconciling and Stalled.
pub fn reconciling_and_stalled(subject: Subject<'_>) -> Option<String> {
    let both = get(subject.conditions, RECONCILING_CONDITION).is_some()
        && get(subject.conditions, STALLED_CONDITION).is_some();
    both.then(|| "Only one of Reconciling condition or Stalled condition must be present at a time".into())
}

/// FAIL0006: nothing newer than the object was observed.
pub fn observed_too_new(subject: Subject<'_>) -> Option<String> {
    (subject.observed_generation > subject.generation)
        .then(|| "The ObservedGeneration must be less than or equal to the object Generation".into())
}

/// FAIL0007: not ready before the generation was observed.
pub fn ready_unobserved(subject: Subject<'_>) -> Option<String> {
    (subject.observed_generation < subject.generation && is_ready(subject.conditions))
        .then(|| "Ready condition must be False when the ObservedGeneration is less than the object Generation".into())
}

/// FAIL0008: ready only when all conditions are of the generation.
pub fn ready_with_old(subject: Subject<'_>) -> Option<String> {
    let old = subject
        .conditions
        .iter()
        .filter(|condition| condition.observed_generation.unwrap_or_default() < subject.generation);
    if !is_ready(subject.conditions) {
        return None;
    }
    unless_empty(
        types(old),
        "Ready condition must be False when any of the status condition's ObservedGeneration is less than the object Generation",
    )
}

/// FAIL0009: ready only when all conditions are of the observed generation.
pub fn ready_with_other(subject: Subject<'_>) -> Option<String> {
    let other = subject
        .conditions
        .iter()
        .filter(|condition| condition.observed_generation.unwrap_or_default() != subject.observed_generation);
    if !is_ready(subject.conditions) {
        return None;
    }
    unless_empty(
        types(other),
        "The status conditions' ObservedGenerations must be equal to the root ObservedGeneration when Ready condition is True",
    )
}

/// FAIL0011: Ready is unknown only while Reconciling is true.
pub fn unknown_while_idle(subject: Subject<'_>) -> Option<String> {
    (is_unknown(subject.conditions, READY_CONDITION) && !is_true(subject.conditions, RECONCILING_CONDITION))
        .then(|| "A mid-reconciliation patched status must have Reconciling=True when Ready=Unknown".into())
}

/// WARN0005: every condition says for which generation it is.
pub fn unobserved(subject: Subject<'_>) -> Option<String> {
    let bad = subject.conditions.iter().filter(|condition| condition.observed_generation.unwrap_or_default() < 1);
    unless_empty(types(bad), "Missing ObservedGeneration from status condition")
}

/// All failures of a state at the end of an attempt.
pub fn failures(subject: Subject<'_>, polarity: &Polarity) -> Vec<String> {
    [
        negative_while_ready(subject, polarity),
        ready_missing(subject),
        ready_while(subject, RECONCILING_CONDITION),
        ready_while(subject, STALLED_CONDITION),
        reconciling_and_stalled(subject),
        observed_too_new(subject),
        ready_unobserved(subject),
        ready_with_old(subject),
        ready_with_other(subject),
    ]
    .into_iter()
    .flatten()
    .collect()
}
