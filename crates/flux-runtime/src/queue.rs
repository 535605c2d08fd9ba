//! The work queue of one kind: keyed, de-duplicated, in three lanes.
//!
//! A key is in the queue at most once; what arrives while its attempt runs makes
//! it come again afterwards. Delayed keys lie in a heap ordered by time: nothing
//! polls. Objects of one lane are served in the order they came; every
//! [`FAIR_EVERY`]th pick takes the lowest lane that has work, so a storm of
//! changes cannot starve the interval passes.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::Instant;

use crate::key::{ObjectKey, Reference};

#[cfg(test)]
mod tests;

/// How many picks until the lowest lane with work is served once.
const FAIR_EVERY: u64 = 8;
const LANES: usize = 3;

/// Who asked for the attempt; the smaller goes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Lane {
    /// A person: the requestedAt annotation.
    Person,
    /// A new revision, spec, referenced config, dependency or finished wait.
    Change,
    /// The interval, or a retry.
    Interval,
}

/// A key to work on, and why.
#[derive(Clone, Debug)]
pub struct Taken {
    pub key: ObjectKey,
    pub lane: Lane,
    /// What changed, when that was another object or the object itself.
    pub trigger: Option<Reference>,
    /// True when something other than a finished wait asked for it.
    pub fresh: bool,
    /// How long the key was due before a slot was free.
    pub waited: Duration,
}

#[derive(Clone, Debug)]
struct Pending {
    lane: Lane,
    trigger: Option<Reference>,
    fresh: bool,
    since: Instant,
}

impl Pending {
    fn merge(&mut self, other: Self) {
        self.lane = self.lane.min(other.lane);
        self.trigger = other.trigger.or(self.trigger.take());
        self.fresh |= other.fresh;
        self.since = self.since.min(other.since);
    }
}

#[derive(Default)]
struct State {
    lanes: [VecDeque<ObjectKey>; LANES],
    ready: HashMap<ObjectKey, Pending>,
    /// Being worked on; the value is what arrived meanwhile.
    running: HashMap<ObjectKey, Option<Pending>>,
    due: HashMap<ObjectKey, (Instant, Lane)>,
    /// Entries that no longer match `due` are skipped.
    heap: BinaryHeap<Reverse<(Instant, ObjectKey)>>,
    failures: HashMap<ObjectKey, u32>,
    picks: u64,
    closed: bool,
}

/// The queue; clones share it.
#[derive(Clone, Default)]
pub struct Queue {
    state: Arc<Mutex<State>>,
    wake: Arc<Notify>,
}

impl Queue {
    /// Adds a key to be worked on as soon as a slot is free. A planned later attempt is dropped.
    pub fn add(&self, key: ObjectKey, lane: Lane, trigger: Option<Reference>) {
        self.put(key, Pending { lane, trigger, fresh: true, since: Instant::now() });
    }

    /// Adds a key whose wait ended; does not count as a reason to begin anew.
    pub(crate) fn resume(&self, key: ObjectKey) {
        self.put(key, Pending { lane: Lane::Change, trigger: None, fresh: false, since: Instant::now() });
    }

    fn put(&self, key: ObjectKey, pending: Pending) {
        let mut state = self.lock();
        state.due.remove(&key);
        state.put(key, pending);
        drop(state);
        self.wake.notify_one();
    }

    /// Plans an attempt after `delay`; an earlier plan stands, a later one is replaced.
    pub fn add_after(&self, key: ObjectKey, lane: Lane, delay: Duration) {
        let at = Instant::now() + delay;
        let mut state = self.lock();
        if state.due.get(&key).is_some_and(|(planned, _)| *planned <= at) {
            return;
        }
        state.due.insert(key.clone(), (at, lane));
        state.heap.push(Reverse((at, key)));
        drop(state);
        self.wake.notify_one();
    }

    /// Counts a failure of the key; the answer is the number of failures in a row.
    pub fn fail(&self, key: &ObjectKey) -> u32 {
        let mut state = self.lock();
        let failures = state.failures.entry(key.clone()).or_default();
        *failures = failures.saturating_add(1);
        *failures
    }

    /// Forgets the failures of a key.
    pub fn succeed(&self, key: &ObjectKey) {
        self.lock().failures.remove(key);
    }

    /// Drops everything about a key that is gone; a running attempt goes on.
    pub fn forget(&self, key: &ObjectKey) {
        let mut state = self.lock();
        state.due.remove(key);
        state.failures.remove(key);
    }

    /// True when something new arrived for a key that is being worked on.
    pub fn superseded(&self, key: &ObjectKey) -> bool {
        self.lock().running.get(key).is_some_and(|again| again.as_ref().is_some_and(|again| again.fresh))
    }

    /// True while the key is being worked on.
    pub fn is_running(&self, key: &ObjectKey) -> bool {
        self.lock().running.contains_key(key)
    }

    /// The next key to work on; waits for one. `None` once the queue is closed.
    ///
    /// The key counts as running until [`Queue::done`].
    pub async fn next(&self) -> Option<Taken> {
        loop {
            let until = {
                let mut state = self.lock();
                if state.closed {
                    return None;
                }
                let now = Instant::now();
                state.move_due(now);
                if let Some(taken) = state.take(now) {
                    return Some(taken);
                }
                state.heap.peek().map(|Reverse((at, _))| *at)
            };
            let notified = self.wake.notified();
            match until {
                Some(until) => tokio::select! {
                    () = notified => {}
                    () = tokio::time::sleep_until(until) => {}
                },
                None => notified.await,
            }
        }
    }

    /// Ends the work on a key; what arrived meanwhile is queued now.
    pub fn done(&self, key: &ObjectKey) {
        let mut state = self.lock();
        if let Some(Some(pending)) = state.running.remove(key) {
            state.due.remove(key);
            state.put(key.clone(), pending);
            drop(state);
            self.wake.notify_one();
        }
    }

    /// Ends [`Queue::next`] for good.
    pub fn close(&self) {
        self.lock().closed = true;
        self.wake.notify_one();
    }

    /// Keys ready to be worked on.
    pub fn len(&self) -> usize {
        self.lock().ready.len()
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn put(&mut self, key: ObjectKey, pending: Pending) {
        if let Some(again) = self.running.get_mut(&key) {
            match again {
                Some(again) => again.merge(pending),
                None => *again = Some(pending),
            }
            return;
        }
        let lane = pending.lane;
        match self.ready.get_mut(&key) {
            Some(known) => {
                let before = known.lane;
                known.merge(pending);
                if lane < before {
                    // The entry of the lower lane is skipped when it comes up.
                    self.lanes[lane as usize].push_back(key);
                }
            }
            None => {
                self.lanes[lane as usize].push_back(key.clone());
                self.ready.insert(key, pending);
            }
        }
    }

    fn move_due(&mut self, now: Instant) {
        while let Some(Reverse((at, _))) = self.heap.peek() {
            if *at > now {
                // Skip over entries whose plan changed, so that nobody wakes for them.
                let stale = self
                    .heap
                    .peek()
                    .is_some_and(|Reverse((at, key))| self.due.get(key).is_none_or(|(due, _)| due != at));
                if stale {
                    self.heap.pop();
                    continue;
                }
                break;
            }
            let Some(Reverse((at, key))) = self.heap.pop() else { break };
            if let Some((due, lane)) = self.due.get(&key).copied()
                && due == at
            {
                self.due.remove(&key);
                self.put(key, Pending { lane, trigger: None, fresh: true, since: at });
            }
        }
    }

    fn take(&mut self, now: Instant) -> Option<Taken> {
        self.picks += 1;
        let low_first = self.picks.is_multiple_of(FAIR_EVERY);
        for step in 0..LANES {
            let lane = if low_first { LANES - 1 - step } else { step };
            while let Some(key) = self.lanes[lane].pop_front() {
                // A key that moved to a higher lane, or was taken from there, left an entry here.
                if self.ready.get(&key).is_none_or(|pending| pending.lane as usize != lane) {
                    continue;
                }
                let Some(pending) = self.ready.remove(&key) else { continue };
                self.running.insert(key.clone(), None);
                let waited = now.saturating_duration_since(pending.since);
                return Some(Taken { key, lane: pending.lane, trigger: pending.trigger, fresh: pending.fresh, waited });
            }
        }
        None
    }
}
