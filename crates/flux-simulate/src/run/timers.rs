//! One alarm for each object at most.

use crate::world::Key;
use jiff::Timestamp;
use std::collections::{BTreeSet, HashMap};

#[derive(Debug, Default)]
pub(super) struct Timers {
    by_key: HashMap<Key, Timestamp>,
    queue: BTreeSet<(Timestamp, Key)>,
}

impl Timers {
    /// Replaces the alarm of an object.
    pub(super) fn set(&mut self, key: Key, time: Option<Timestamp>) {
        if let Some(held) = self.by_key.remove(&key) {
            self.queue.remove(&(held, key.clone()));
        }
        if let Some(time) = time {
            self.by_key.insert(key.clone(), time);
            self.queue.insert((time, key));
        }
    }

    /// Sets an alarm unless there is an earlier one.
    pub(super) fn at_latest(&mut self, key: Key, time: Timestamp) {
        if self.by_key.get(&key).is_none_or(|held| *held > time) {
            self.set(key, Some(time));
        }
    }

    pub(super) fn next(&self) -> Option<Timestamp> {
        self.queue.first().map(|(time, _)| *time)
    }

    /// Takes every alarm that is due.
    pub(super) fn due(&mut self, now: Timestamp) -> Vec<Key> {
        let mut due = Vec::new();
        while self.next().is_some_and(|time| time <= now) {
            if let Some((_, key)) = self.queue.pop_first() {
                self.by_key.remove(&key);
                due.push(key);
            }
        }
        due
    }
}
