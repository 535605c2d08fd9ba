//! Maps with string keys.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;

use super::{Str, Value, bury, live};

/// The Go type of a map.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MapKind {
    /// `map[string]interface {}`
    Any,
    /// `common.Values`: the type of `.Values` itself, not of the tables in it.
    Values,
    /// `map[string]string`
    Strings,
    /// `engine.files`: `map[string][]uint8` with methods.
    Files,
}

/// A map. Clones are the same map: a change through one is seen through all.
#[derive(Clone)]
pub struct Map {
    kind: MapKind,
    data: Rc<Data>,
}

struct Data {
    nil: bool,
    entries: RefCell<BTreeMap<Str, Value>>,
    size: Cell<usize>,
}

impl Drop for Data {
    fn drop(&mut self) {
        live::freed(self.size.get());
        bury(std::mem::take(self.entries.get_mut()).into_values());
    }
}

impl Map {
    pub fn new(kind: MapKind) -> Self {
        Self::make(kind, false, BTreeMap::new())
    }

    /// A nil map: reads as empty, refuses entries.
    pub fn nil(kind: MapKind) -> Self {
        Self::make(kind, true, BTreeMap::new())
    }

    pub fn from_entries<K: Into<Str>>(kind: MapKind, entries: impl IntoIterator<Item = (K, Value)>) -> Self {
        Self::make(kind, false, entries.into_iter().map(|(key, value)| (key.into(), value)).collect())
    }

    fn make(kind: MapKind, nil: bool, entries: BTreeMap<Str, Value>) -> Self {
        let size = live::COLLECTION + entries.len() * live::ENTRY;
        live::made(size);
        let data = Rc::new(Data { nil, entries: RefCell::new(entries), size: Cell::new(size) });
        Self { kind, data }
    }

    pub fn kind(&self) -> MapKind {
        self.kind
    }

    /// The same map under another type.
    pub(crate) fn with_kind(&self, kind: MapKind) -> Self {
        Self { kind, data: Rc::clone(&self.data) }
    }

    pub fn is_nil(&self) -> bool {
        self.data.nil
    }

    pub fn len(&self) -> usize {
        self.data.entries.borrow().len()
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub fn get(&self, key: &[u8]) -> Option<Value> {
        self.data.entries.borrow().get(key).cloned()
    }

    pub fn contains(&self, key: &[u8]) -> bool {
        self.data.entries.borrow().contains_key(key)
    }

    pub fn insert(&self, key: impl Into<Str>, value: Value) {
        let before = self.data.entries.borrow_mut().insert(key.into(), value);
        if before.is_none() {
            live::made(live::ENTRY);
            self.data.size.set(self.data.size.get() + live::ENTRY);
        }
    }

    pub fn remove(&self, key: &[u8]) {
        let before = self.data.entries.borrow_mut().remove(key);
        if before.is_some() {
            live::freed(live::ENTRY);
            self.data.size.set(self.data.size.get() - live::ENTRY);
        }
    }

    /// Removes all entries, which breaks a cycle through this map.
    pub(crate) fn clear(&self) {
        let entries = std::mem::take(&mut *self.data.entries.borrow_mut());
        let bytes = entries.len() * live::ENTRY;
        live::freed(bytes);
        self.data.size.set(self.data.size.get() - bytes);
        drop(entries);
    }

    /// The entries as they are now, sorted by key bytes.
    pub fn entries(&self) -> Vec<(Str, Value)> {
        self.data.entries.borrow().iter().map(|(key, value)| (key.clone(), value.clone())).collect()
    }

    /// The same map, not an equal one.
    pub(crate) fn same(&self, other: &Self) -> bool {
        Rc::ptr_eq(&self.data, &other.data)
    }
}
