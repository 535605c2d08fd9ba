//! The list of applied objects that a status keeps; the only source of pruning.

use std::collections::BTreeMap;

use flux_api::meta::{ResourceInventory, ResourceRef};
use serde_json::Value;

use crate::changeset::{ChangeSet, Entry};
use crate::id::{IdError, ObjectId};
use crate::metadata;

/// Identifiers and their versions. Keeps the order of the identifiers' text, so that a status is stable.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Inventory(BTreeMap<String, (ObjectId, String)>);

impl Inventory {
    /// Reads the inventory of a status.
    ///
    /// # Errors
    /// When an entry cannot be understood: then nothing may be pruned on its word.
    pub fn read(stored: Option<&ResourceInventory>) -> Result<Self, IdError> {
        let entries = stored.map(|stored| stored.entries.as_slice()).unwrap_or_default();
        let read = |entry: &ResourceRef| Ok((entry.id.clone(), (entry.id.parse()?, entry.version.clone())));
        entries.iter().map(read).collect::<Result<_, _>>().map(Self)
    }

    /// The inventory of objects about to be applied.
    pub fn planned(objects: &[Value]) -> Self {
        objects.iter().map(|object| (ObjectId::of(object), metadata::group_version(object).1.to_owned())).collect()
    }

    /// The inventory of applied objects; skipped ones stay in it.
    pub fn applied(changes: &ChangeSet) -> Self {
        changes.entries.iter().map(|entry: &Entry| (entry.id.clone(), entry.version.clone())).collect()
    }

    /// As a status keeps it.
    pub fn to_stored(&self) -> ResourceInventory {
        let entries =
            self.0.iter().map(|(id, (_, version))| ResourceRef { id: id.clone(), version: version.clone() }).collect();
        ResourceInventory { entries }
    }

    pub fn len(&self) -> usize {
        self.0.len()
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn contains(&self, id: &ObjectId) -> bool {
        self.0.contains_key(&id.to_string())
    }

    pub fn iter(&self) -> impl Iterator<Item = (&ObjectId, &str)> {
        self.0.values().map(|(id, version)| (id, version.as_str()))
    }

    /// Adds the entries of `other` that are missing; true when there were any.
    pub fn add(&mut self, other: &Self) -> bool {
        let before = self.0.len();
        for (text, entry) in &other.0 {
            self.0.entry(text.clone()).or_insert_with(|| entry.clone());
        }
        self.0.len() > before
    }

    /// The entries of `self` that `newer` lacks: what may be pruned.
    pub fn without(&self, newer: &Self) -> Vec<(ObjectId, String)> {
        self.0.iter().filter(|(text, _)| !newer.0.contains_key(*text)).map(|(_, entry)| entry.clone()).collect()
    }
}

impl FromIterator<(ObjectId, String)> for Inventory {
    fn from_iter<I: IntoIterator<Item = (ObjectId, String)>>(items: I) -> Self {
        Self(items.into_iter().map(|(id, version)| (id.to_string(), (id, version))).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn inventory(ids: &[&str]) -> Inventory {
        let entries = ids.iter().map(|id| ResourceRef { id: (*id).into(), version: "v1".into() }).collect();
        Inventory::read(Some(&ResourceInventory { entries })).expect("valid")
    }

    #[test]
    fn union_and_difference() {
        let old = inventory(&["ns_a__ConfigMap", "ns_b__ConfigMap"]);
        let new = inventory(&["ns_b__ConfigMap", "ns_c__ConfigMap"]);
        let stale: Vec<String> = old.without(&new).iter().map(|(id, _)| id.subject()).collect();
        assert_eq!(stale, ["ConfigMap/ns/a"]);
        let mut union = old.clone();
        assert!(union.add(&new));
        assert_eq!(union.len(), 3);
        assert!(!union.add(&new));
    }

    #[test]
    fn an_odd_entry_stops_everything() {
        let stored = ResourceInventory { entries: vec![ResourceRef { id: "nonsense".into(), version: "v1".into() }] };
        assert!(Inventory::read(Some(&stored)).is_err());
    }
}
