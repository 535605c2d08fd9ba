//! The memory image.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::Arc;

use tokio::sync::watch as signal;

use crate::{Change, Entry, Options};

pub(crate) struct State {
    /// The last revision given out; it may not be durable yet.
    pub revision: u64,
    pub tables: HashMap<Arc<str>, Table>,
}

/// One resource.
pub(crate) struct Table {
    pub name: Arc<str>,
    pub objects: BTreeMap<Arc<str>, Entry>,
    /// The last changes, by revision.
    pub changes: VecDeque<Arc<Change>>,
    bytes: usize,
    /// The window holds every change above this revision.
    pub floor: u64,
    /// The last durable revision that changed this table.
    pub wake: signal::Sender<u64>,
}

impl State {
    pub fn new(revision: u64) -> Self {
        Self { revision, tables: HashMap::new() }
    }

    pub fn table(&mut self, name: &str) -> &mut Table {
        if !self.tables.contains_key(name) {
            let name: Arc<str> = name.into();
            self.tables.insert(name.clone(), Table::new(name, self.revision));
        }
        self.tables.get_mut(name).expect("inserted above")
    }
}

impl Table {
    fn new(name: Arc<str>, floor: u64) -> Self {
        let wake = signal::Sender::new(floor);
        Self { name, objects: BTreeMap::new(), changes: VecDeque::new(), bytes: 0, floor, wake }
    }

    /// Records a change and forgets what no longer fits the window.
    pub fn record(&mut self, change: Arc<Change>, options: &Options) {
        self.bytes += weight(&change);
        self.changes.push_back(change);
        while self.changes.len() > options.window || self.bytes > options.window_bytes && self.changes.len() > 1 {
            if let Some(old) = self.changes.pop_front() {
                self.bytes -= weight(&old);
                self.floor = old.revision;
            }
        }
    }

    /// Takes back the newest change.
    pub fn take_back(&mut self, revision: u64) {
        if self.changes.back().is_some_and(|change| change.revision == revision)
            && let Some(change) = self.changes.pop_back()
        {
            self.bytes -= weight(&change);
        }
    }

    /// The changes above a revision.
    pub fn since(&self, revision: u64) -> impl DoubleEndedIterator<Item = &Arc<Change>> {
        let start = self.changes.partition_point(|change| change.revision <= revision);
        self.changes.range(start..)
    }
}

fn weight(change: &Change) -> usize {
    change.key.len() + change.value.len() + 64
}
