//! Conditions as upstream's runtime keeps them: order, transition times, summaries.
//!
//! Times are whole seconds. `Stalled`, `Reconciling` and `Ready` come first, in
//! this order, then the rest by observed generation and name.

use flux_api::meta::{Condition, Time};
use flux_api::{FluxObject, READY_CONDITION, RECONCILING_CONDITION, STALLED_CONDITION};
use jiff::{Timestamp, Unit};

pub mod check;
mod merge;
mod patch;
#[cfg(test)]
mod tests;

pub use merge::{Located, MergeOptions, StepCounter, aggregate, merge, mirror, summary};
pub use patch::{ApplyOptions, Change, ConflictError, Patch};

/// Reason of Ready=Unknown and of Reconciling while an attempt runs.
pub const PROGRESSING: &str = "Progressing";
/// Reason of Reconciling once an attempt failed and another will follow.
pub const PROGRESSING_WITH_RETRY: &str = "ProgressingWithRetry";
/// Reason of a good Ready, where a kind has none of its own.
pub const SUCCEEDED: &str = "Succeeded";
/// Reason of a bad Ready, where a kind has none of its own.
pub const FAILED: &str = "Failed";

/// Longer messages are cut; upstream's limit.
const MAX_MESSAGE: usize = 32_768;
const CUT: &str = "...";

/// Now, in whole seconds.
pub fn now() -> Time {
    Time(whole_seconds(Timestamp::now()))
}

fn whole_seconds(time: Timestamp) -> Timestamp {
    time.round(jiff::TimestampRound::new().smallest(Unit::Second).mode(jiff::RoundMode::Trunc)).unwrap_or(time)
}

/// A time not set yet: [`set`] fills it in.
pub fn unset_time() -> Time {
    Time(Timestamp::UNIX_EPOCH)
}

/// A condition without time and generation; [`set`] fills them in.
pub fn new(kind: &str, status: &str, reason: &str, message: impl Into<String>) -> Condition {
    Condition {
        type_: kind.into(),
        status: status.into(),
        reason: reason.into(),
        message: message.into(),
        last_transition_time: unset_time(),
        observed_generation: None,
    }
}

/// A condition with status `True`.
pub fn truthy(kind: &str, reason: &str, message: impl Into<String>) -> Condition {
    new(kind, "True", reason, message)
}

/// A condition with status `False`.
pub fn falsy(kind: &str, reason: &str, message: impl Into<String>) -> Condition {
    new(kind, "False", reason, message)
}

/// A condition with status `Unknown`.
pub fn unknown(kind: &str, reason: &str, message: impl Into<String>) -> Condition {
    new(kind, "Unknown", reason, message)
}

/// Conditions and the generation that new ones are set for.
pub struct Conditions<'a> {
    list: &'a mut Vec<Condition>,
    generation: i64,
}

impl<'a> Conditions<'a> {
    pub fn new(list: &'a mut Vec<Condition>, generation: i64) -> Self {
        Self { list, generation }
    }

    /// The conditions of an object, set for its generation.
    pub fn of<K: FluxObject>(obj: &'a mut K) -> Self {
        let generation = obj.meta().generation.unwrap_or_default();
        Self { list: obj.conditions_mut(), generation }
    }

    pub fn get(&self, kind: &str) -> Option<&Condition> {
        get(self.list, kind)
    }

    /// Sets a condition. Its transition time changes only when status, reason or message do.
    pub fn set(&mut self, mut condition: Condition) {
        condition.observed_generation = Some(self.generation);
        condition.message = trim_message(condition.message, MAX_MESSAGE);
        match self.list.iter_mut().find(|known| known.type_ == condition.type_) {
            Some(known) => {
                condition.last_transition_time =
                    if same_state(known, &condition) { known.last_transition_time.clone() } else { now() };
                *known = condition;
            }
            None => {
                if condition.last_transition_time == unset_time() {
                    condition.last_transition_time = now();
                }
                self.list.push(condition);
            }
        }
        self.list.sort_by(order);
    }

    pub fn mark_true(&mut self, kind: &str, reason: &str, message: impl Into<String>) {
        self.set(truthy(kind, reason, message));
    }

    pub fn mark_false(&mut self, kind: &str, reason: &str, message: impl Into<String>) {
        self.set(falsy(kind, reason, message));
    }

    pub fn mark_unknown(&mut self, kind: &str, reason: &str, message: impl Into<String>) {
        self.set(unknown(kind, reason, message));
    }

    /// Sets Reconciling and removes Stalled.
    pub fn mark_reconciling(&mut self, reason: &str, message: impl Into<String>) {
        self.delete(STALLED_CONDITION);
        self.mark_true(RECONCILING_CONDITION, reason, message);
    }

    /// Sets Stalled and removes Reconciling.
    pub fn mark_stalled(&mut self, reason: &str, message: impl Into<String>) {
        self.delete(RECONCILING_CONDITION);
        self.mark_true(STALLED_CONDITION, reason, message);
    }

    pub fn delete(&mut self, kind: &str) {
        self.list.retain(|condition| condition.type_ != kind);
    }
}

/// The condition of that type.
pub fn get<'a>(list: &'a [Condition], kind: &str) -> Option<&'a Condition> {
    list.iter().find(|condition| condition.type_ == kind)
}

pub fn is_true(list: &[Condition], kind: &str) -> bool {
    get(list, kind).is_some_and(|condition| condition.status == "True")
}

pub fn is_false(list: &[Condition], kind: &str) -> bool {
    get(list, kind).is_some_and(|condition| condition.status == "False")
}

/// True when the condition is `Unknown` or absent.
pub fn is_unknown(list: &[Condition], kind: &str) -> bool {
    get(list, kind).is_none_or(|condition| condition.status == "Unknown")
}

/// True when Ready is true and nothing else is under way.
pub fn is_ready(list: &[Condition]) -> bool {
    !is_true(list, STALLED_CONDITION) && !is_true(list, RECONCILING_CONDITION) && is_true(list, READY_CONDITION)
}

/// Says that work is under way: Reconciling true, and Ready unknown unless it says something worse already.
pub fn progressing(conditions: &mut Conditions<'_>, drift: bool, reason: &str, message: &str) {
    conditions.mark_reconciling(reason, message);
    if drift || is_unknown(conditions.list, READY_CONDITION) {
        conditions.mark_unknown(READY_CONDITION, reason, message);
    }
}

/// Same type, status, reason and message; time and generation do not count.
pub fn same_state(a: &Condition, b: &Condition) -> bool {
    a.type_ == b.type_ && a.status == b.status && a.reason == b.reason && a.message == b.message
}

/// The order of conditions in a status.
pub(crate) fn order(a: &Condition, b: &Condition) -> std::cmp::Ordering {
    rank(a).cmp(&rank(b)).then_with(|| compare_rest(a, b))
}

/// Stalled, Reconciling and Ready first, in this order.
fn rank(condition: &Condition) -> u8 {
    match condition.type_.as_str() {
        STALLED_CONDITION => 0,
        RECONCILING_CONDITION => 1,
        READY_CONDITION => 2,
        _ => 3,
    }
}

fn compare_rest(a: &Condition, b: &Condition) -> std::cmp::Ordering {
    b.observed_generation
        .unwrap_or_default()
        .cmp(&a.observed_generation.unwrap_or_default())
        .then_with(|| a.type_.cmp(&b.type_))
}

/// Cuts a message to at most `limit` bytes, at a character, marking the cut by three dots.
pub fn trim_message(message: String, limit: usize) -> String {
    let limit = limit.max(CUT.len());
    if message.len() <= limit {
        return message;
    }
    let mut end = limit - CUT.len();
    while !message.is_char_boundary(end) {
        end -= 1;
    }
    format!("{}{CUT}", &message[..end])
}
