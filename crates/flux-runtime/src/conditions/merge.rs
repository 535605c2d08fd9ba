//! One condition out of many: summary, aggregate, mirror.
//!
//! Conditions are grouped by status and polarity. A true one of negative polarity weighs most, then a false
//! one of positive polarity, then true positive, false negative, unknown.

use flux_api::READY_CONDITION;
use flux_api::meta::Condition;

use super::{falsy, get, order, truthy, unknown};

/// A condition and the object it belongs to, for messages.
#[derive(Clone, Debug)]
pub struct Located<'a> {
    pub condition: &'a Condition,
    pub kind: &'a str,
    pub name: &'a str,
}

/// When the message is `N of M completed`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum StepCounter {
    #[default]
    Off,
    On,
    /// Only while no other types are in scope than these.
    OnlyFor(Vec<String>),
}

/// How conditions are merged.
#[derive(Clone, Debug, Default)]
pub struct MergeOptions {
    /// The types in scope, the most telling first; `None` takes all.
    pub types: Option<Vec<String>>,
    /// Types that are bad when true.
    pub negative: Vec<String>,
    pub steps: StepCounter,
    /// The message is `N of M TYPE`.
    pub counter: bool,
    pub counter_only_for: Option<Vec<String>>,
    /// The reason ends with ` @ KIND/NAME`.
    pub source: bool,
    pub source_if: Option<Vec<String>>,
    /// Only conditions of the highest observed generation count.
    pub latest_generation: bool,
    /// M of the counters.
    pub total: usize,
}

struct Group<'a> {
    status: String,
    negative: bool,
    generation: i64,
    members: Vec<Located<'a>>,
}

impl Group<'_> {
    fn weight(&self) -> u8 {
        match (self.status.as_str(), self.negative) {
            ("True", true) => 0,
            ("False", false) => 1,
            ("True", false) => 2,
            ("False", true) => 3,
            ("Unknown", _) => 4,
            _ => 99,
        }
    }
}

/// Merges conditions into one of type `target`; `None` when there are none.
pub fn merge(located: &[Located<'_>], target: &str, options: &MergeOptions) -> Option<Condition> {
    let groups = groups(located, options);
    let top = groups.first()?;
    let reason = first(top, options).map(|found| reason(&found, options)).unwrap_or_default();
    let message = message(&groups, options);
    let inverted = top.negative != options.negative.iter().any(|kind| kind == target);
    Some(match (top.status.as_str(), inverted) {
        ("True", false) | ("False", true) => truthy(target, &reason, message),
        ("False", false) | ("True", true) => falsy(target, &reason, message),
        _ => unknown(target, &reason, message),
    })
}

fn groups<'a>(located: &[Located<'a>], options: &MergeOptions) -> Vec<Group<'a>> {
    let mut groups: Vec<Group<'a>> = Vec::new();
    for found in located {
        let negative = options.negative.contains(&found.condition.type_);
        let generation = found.condition.observed_generation.unwrap_or_default();
        let fits = |group: &&mut Group<'a>| {
            group.status == found.condition.status
                && group.negative == negative
                && (!options.latest_generation || group.generation == generation)
        };
        match groups.iter_mut().find(fits) {
            Some(group) => group.members.push(found.clone()),
            None => groups.push(Group {
                status: found.condition.status.clone(),
                negative,
                generation,
                members: vec![found.clone()],
            }),
        }
    }
    if options.latest_generation {
        let latest = groups.iter().map(|group| group.generation).max().unwrap_or_default();
        groups.retain(|group| group.generation == latest);
    }
    groups.sort_by_key(Group::weight);
    if let Some(top) = groups.first_mut() {
        top.members.sort_by(|a, b| {
            if a.condition.type_ == b.condition.type_ { a.name.cmp(b.name) } else { order(a.condition, b.condition) }
        });
    }
    groups
}

fn first<'a>(top: &Group<'a>, options: &MergeOptions) -> Option<Located<'a>> {
    let preferred = options.types.iter().flatten();
    let mut by_priority =
        preferred.filter_map(|kind| top.members.iter().find(|member| member.condition.type_ == *kind));
    by_priority.next().or(top.members.first()).cloned()
}

fn reason(found: &Located<'_>, options: &MergeOptions) -> String {
    let reason = &found.condition.reason;
    if options.source && !reason.contains('@') {
        format!("{reason} @ {}/{}", found.kind, found.name)
    } else {
        reason.clone()
    }
}

fn message(groups: &[Group<'_>], options: &MergeOptions) -> String {
    let Some(top) = groups.first() else { return String::new() };
    if options.steps == StepCounter::On {
        let done = groups
            .iter()
            .find(|group| !group.negative && group.status == "True")
            .map_or(0, |group| group.members.len());
        return format!("{done} of {} completed", options.total);
    }
    if options.counter {
        return format!("{} of {} {}", top.members.len(), options.total, top.members[0].condition.type_);
    }
    first(top, options).map(|found| found.condition.message.clone()).unwrap_or_default()
}

fn in_scope(kind: &str, options: &MergeOptions) -> bool {
    options.types.as_ref().is_none_or(|types| types.iter().any(|wanted| wanted == kind))
}

/// The summary of an object's conditions, without the target itself.
pub fn summary(list: &[Condition], target: &str, options: &MergeOptions) -> Option<Condition> {
    let scope: Vec<Located<'_>> = list
        .iter()
        .filter(|condition| condition.type_ != target && in_scope(&condition.type_, options))
        .map(|condition| Located { condition, kind: "", name: "" })
        .collect();
    let mut options = options.clone();
    options.total = options.types.as_ref().map_or(scope.len(), Vec::len);
    if let StepCounter::OnlyFor(types) = &options.steps {
        let only = scope.iter().all(|found| types.contains(&found.condition.type_));
        options.total = types.len();
        options.steps = if only { StepCounter::On } else { StepCounter::Off };
    }
    merge(&scope, target, &options)
}

/// The aggregate of several objects' conditions: kind, name and conditions of each.
pub fn aggregate(objects: &[(&str, &str, &[Condition])], target: &str, options: &MergeOptions) -> Option<Condition> {
    let scope: Vec<Located<'_>> = objects
        .iter()
        .flat_map(|(kind, name, list)| list.iter().map(move |condition| Located { condition, kind, name }))
        .filter(|found| in_scope(&found.condition.type_, options))
        .collect();
    let mut options = options.clone();
    options.total = objects.len();
    if let Some(types) = &options.counter_only_for {
        options.counter &= scope.iter().all(|found| types.contains(&found.condition.type_));
    }
    if let Some(types) = &options.source_if {
        options.source |= scope.iter().any(|found| types.contains(&found.condition.type_));
    }
    merge(&scope, target, &options)
}

/// The Ready condition of another object under a new type; the fallback when it has none.
pub fn mirror(from: &[Condition], target: &str, fallback: Option<(bool, &str, &str)>) -> Option<Condition> {
    match (get(from, READY_CONDITION), fallback) {
        (Some(ready), _) => Some(Condition { type_: target.into(), ..ready.clone() }),
        (None, Some((true, reason, message))) => Some(truthy(target, reason, message)),
        (None, Some((false, reason, message))) => Some(falsy(target, reason, message)),
        (None, None) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_true_negative_one_weighs_most() {
        let list =
            [truthy("Ready", "Good", "fine"), truthy("FetchFailed", "Auth", "no access"), falsy("Other", "Bad", "meh")];
        let options = MergeOptions { negative: vec!["FetchFailed".into()], ..MergeOptions::default() };
        let merged = summary(&list[1..], "Ready", &options).expect("some");
        assert_eq!((merged.status.as_str(), merged.reason.as_str()), ("False", "Auth"));
        assert!(summary(&[], "Ready", &options).is_none());
    }
}
