//! Reverse index: which objects of a kind name a given other object.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Mutex, PoisonError};

use crate::key::{ObjectKey, Reference};

#[derive(Default)]
struct Maps {
    users: HashMap<Reference, BTreeSet<ObjectKey>>,
    used: HashMap<ObjectKey, Vec<Reference>>,
}

/// Kept up to date with each change of a user; looking up costs only the answer.
#[derive(Default)]
pub(crate) struct Index(Mutex<Maps>);

impl Index {
    /// Replaces what `user` names.
    pub fn set(&self, user: &ObjectKey, mut used: Vec<Reference>) {
        used.sort();
        used.dedup();
        let mut maps = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if maps.used.get(user).map_or(used.is_empty(), |known| *known == used) {
            return;
        }
        for old in maps.used.remove(user).unwrap_or_default() {
            if let Some(users) = maps.users.get_mut(&old) {
                users.remove(user);
                if users.is_empty() {
                    maps.users.remove(&old);
                }
            }
        }
        for reference in &used {
            maps.users.entry(reference.clone()).or_default().insert(user.clone());
        }
        if !used.is_empty() {
            maps.used.insert(user.clone(), used);
        }
    }

    /// Who names `reference`.
    pub fn users(&self, reference: &Reference) -> Vec<ObjectKey> {
        let maps = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        maps.users.get(reference).map(|users| users.iter().cloned().collect()).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn follows_changes() {
        let index = Index::default();
        let (a, b) = (ObjectKey::new("ns", "a"), ObjectKey::new("ns", "b"));
        let (x, y) = (Reference::new("Secret", "ns", "x"), Reference::new("Secret", "ns", "y"));
        index.set(&a, vec![x.clone(), y.clone(), x.clone()]);
        index.set(&b, vec![x.clone()]);
        assert_eq!(index.users(&x), [a.clone(), b.clone()]);
        index.set(&a, vec![y.clone()]);
        assert_eq!((index.users(&x), index.users(&y)), (vec![b.clone()], vec![a.clone()]));
        index.set(&b, Vec::new());
        assert!(index.users(&x).is_empty());
    }
}
