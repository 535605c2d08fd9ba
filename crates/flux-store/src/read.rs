//! Reads: the newest state, or the state at a revision of the window.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::Arc;

use crate::state::Table;
use crate::{Durable, Entry, Store};

/// The revision has left the window.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("revision {requested} is too old, the oldest is {oldest}")]
pub struct TooOld {
    pub requested: u64,
    pub oldest: u64,
}

/// Why a list cannot be given.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ListError {
    #[error(transparent)]
    TooOld(#[from] TooOld),
    #[error("revision {requested} is in the future, the newest is {newest}")]
    Future { requested: u64, newest: u64 },
}

/// Which keys of a resource.
#[derive(Debug, Clone, Default)]
pub struct Range {
    /// Only keys that begin so, such as `NAMESPACE/`.
    pub prefix: String,
    /// Only keys at or behind this one.
    pub start: Option<String>,
    /// Entries at most; `None` for all.
    pub limit: Option<usize>,
}

/// A piece of a list.
#[derive(Debug, Clone)]
pub struct Page {
    pub entries: Vec<(Arc<str>, Entry)>,
    /// The revision the list shows.
    pub revision: u64,
    /// How many entries come behind the last one.
    pub remaining: usize,
}

impl Store {
    /// The newest durable state of an object.
    pub async fn get(&self, resource: &str, key: &str) -> Option<Entry> {
        loop {
            let seen = *self.inner.durable.borrow();
            let entry = self.inner.read().tables.get(resource).and_then(|table| table.objects.get(key).cloned());
            let needed = match &entry {
                Some(entry) => entry.revision,
                // Absence may be the doing of a removal that is not durable yet.
                None => self.last_change(resource),
            };
            if self.settled(needed, seen).await {
                return entry;
            }
        }
    }

    fn last_change(&self, resource: &str) -> u64 {
        let state = self.inner.read();
        state.tables.get(resource).and_then(|table| table.changes.back()).map_or(0, |change| change.revision)
    }

    /// Whether a resource has an object whose key begins so, durable or about to be.
    pub fn any(&self, resource: &str, prefix: &str) -> bool {
        let state = self.inner.read();
        let Some(table) = state.tables.get(resource) else { return false };
        let first = table.objects.range::<str, _>((Bound::Included(prefix), Bound::Unbounded)).next();
        first.is_some_and(|(key, _)| key.starts_with(prefix))
    }

    /// A list, newest or at a revision.
    pub async fn list(&self, resource: &str, range: &Range, at: Option<u64>) -> Result<Page, ListError> {
        loop {
            let seen = *self.inner.durable.borrow();
            let page = self.page(resource, range, at)?;
            if self.settled(page.revision, seen).await {
                return Ok(page);
            }
        }
    }

    fn page(&self, resource: &str, range: &Range, at: Option<u64>) -> Result<Page, ListError> {
        self.ensure(resource);
        let state = self.inner.read();
        let newest = state.revision;
        let revision = at.unwrap_or(newest);
        if revision > newest {
            return Err(ListError::Future { requested: revision, newest });
        }
        let Some(table) = state.tables.get(resource) else {
            return Ok(Page { entries: Vec::new(), revision, remaining: 0 });
        };
        if revision < table.floor {
            return Err(TooOld { requested: revision, oldest: table.floor }.into());
        }
        let undone = if at.is_some() { undo(table, revision) } else { BTreeMap::new() };
        let (entries, remaining) = collect(table, range, &undone);
        Ok(Page { entries, revision, remaining })
    }

    /// True once `needed` is durable; false when the disk refused something meanwhile, so that it must be read again.
    async fn settled(&self, needed: u64, seen: Durable) -> bool {
        if needed <= seen.revision {
            return true;
        }
        let mut durable = self.inner.durable.subscribe();
        let now = durable.wait_for(|now| now.revision >= needed || now.refusals != seen.refusals).await;
        now.map_or(true, |now| now.refusals == seen.refusals)
    }
}

/// For each key changed after `revision`, its state then.
fn undo(table: &Table, revision: u64) -> BTreeMap<Arc<str>, Option<Entry>> {
    let mut states = BTreeMap::new();
    for change in table.since(revision).rev() {
        states.insert(change.key.clone(), change.previous.clone());
    }
    states
}

fn collect(
    table: &Table,
    range: &Range,
    undone: &BTreeMap<Arc<str>, Option<Entry>>,
) -> (Vec<(Arc<str>, Entry)>, usize) {
    let start = match &range.start {
        Some(start) if start.as_str() > range.prefix.as_str() => start.as_str(),
        _ => range.prefix.as_str(),
    };
    let bounds = (Bound::Included(start), Bound::Unbounded);
    let within = |key: &Arc<str>| key.starts_with(range.prefix.as_str());
    let mut live = table.objects.range::<str, _>(bounds).take_while(|(key, _)| within(key)).peekable();
    let mut past = undone.range::<str, _>(bounds).take_while(|(key, _)| within(key)).peekable();
    let mut entries = Vec::new();
    let mut remaining = 0;
    let limit = range.limit.unwrap_or(usize::MAX);
    loop {
        let (key, entry) = match (live.peek(), past.peek()) {
            (None, None) => break,
            (Some((key, _)), Some((other, _))) if key < other => next(&mut live),
            (Some(_), None) => next(&mut live),
            (Some((key, _)), Some((other, _))) => {
                if key == other {
                    live.next();
                }
                match past.next() {
                    Some((key, Some(entry))) => (key, entry),
                    _ => continue,
                }
            }
            (None, Some(_)) => match past.next() {
                Some((key, Some(entry))) => (key, entry),
                _ => continue,
            },
        };
        if entries.len() < limit {
            entries.push((key.clone(), entry.clone()));
        } else {
            remaining += 1;
        }
    }
    (entries, remaining)
}

fn next<'a, T>(iterator: &mut impl Iterator<Item = T>) -> T
where
    T: 'a,
{
    iterator.next().expect("peeked before")
}
