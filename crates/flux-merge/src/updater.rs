//! Who owns what after an apply or an update.
//!
//! A manager is an opaque key with one set of fields in one version. Objects pass between versions through a
//! [`Converter`]; a version it does not know takes its managers along.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use serde_json::Value;

use crate::fieldpath::{Path, Set};
use crate::typed::{Comparison, Typed, ValidationErrors, reconcile};
use crate::value;

/// What a manager owns.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Owned {
    pub set: Set,
    /// The version in which the set's paths are spelled.
    pub api_version: String,
    /// By apply, so that what is no longer applied is removed.
    pub applied: bool,
}

/// Every manager of an object.
pub type Managers<K> = BTreeMap<K, Owned>;

/// Brings objects from one version to another.
pub trait Converter {
    /// The same object in `api_version`; it comes back borrowed when it is in that version already.
    fn convert<'a>(&self, object: &'a Typed<'_>, api_version: &str) -> Result<Typed<'a>, ConvertError>;
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConvertError {
    /// Nobody serves that version any more.
    #[error("no such version: {0}")]
    MissingVersion(String),
    #[error("{0}")]
    Failed(String),
}

/// A field that another manager owns.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Conflict<K> {
    pub manager: K,
    pub path: Path,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UpdateError<K: fmt::Debug> {
    #[error("{} conflicts", .0.len())]
    Conflicts(Vec<Conflict<K>>),
    #[error("failed to {step}: {source}")]
    Convert {
        step: &'static str,
        #[source]
        source: ConvertError,
    },
    #[error("failed to {step}: {source}")]
    Invalid {
        step: &'static str,
        #[source]
        source: ValidationErrors,
    },
}

type Outcome<T, K> = Result<T, UpdateError<K>>;

/// The rules of ownership, with what they need to know.
pub struct Updater<'a, 'set> {
    pub converter: &'a dyn Converter,
    /// Per version, fields that nobody may own because the server resets them.
    pub ignored: &'a dyn Fn(&str) -> Option<&'set Set>,
}

/// The outcome of an apply.
pub struct Applied<K> {
    pub object: Value,
    pub managers: Managers<K>,
    /// The object is the live one.
    pub unchanged: bool,
}

impl Updater<'_, '_> {
    /// For writes other than apply: `new` is what will be stored; `manager` owns what changed.
    pub fn update<K: Ord + Clone + fmt::Debug>(
        &self,
        live: &Typed<'_>,
        new: &Typed<'_>,
        version: &str,
        managers: Managers<K>,
        manager: &K,
    ) -> Outcome<Managers<K>, K> {
        let managers = self.reconcile(live, managers)?;
        let (mut managers, changes) = self.transfer(live, new, version, managers, manager, true)?;
        let own = managers.remove(manager).map(|owned| owned.set).unwrap_or_default();
        let mut set = own.difference(&changes.removed).union(&changes.modified).union(&changes.added);
        if let Some(ignored) = (self.ignored)(version) {
            set = set.recursive_difference(ignored);
        }
        if !set.is_empty() {
            managers.insert(manager.clone(), Owned { set, api_version: version.to_owned(), applied: false });
        }
        Ok(managers)
    }

    /// Merges `config` into `live`; `manager` owns exactly what `config` mentions, and what it no longer mentions is removed
    /// where nobody else owns it. Fields of others are conflicts unless `force`.
    pub fn apply<K: Ord + Clone + fmt::Debug>(
        &self,
        live: &Typed<'_>,
        config: &Typed<'_>,
        version: &str,
        managers: Managers<K>,
        manager: &K,
        force: bool,
    ) -> Outcome<Applied<K>, K> {
        let mut managers = self.reconcile(live, managers)?;
        let merged = live.merge(config).map_err(|source| UpdateError::Invalid { step: "merge config", source })?;
        let mut set = config.to_field_set().map_err(|source| UpdateError::Invalid { step: "get field set", source })?;
        if let Some(ignored) = (self.ignored)(version) {
            set = set.recursive_difference(ignored);
        }
        let last = managers.insert(manager.clone(), Owned { set, api_version: version.to_owned(), applied: true });
        let new = match last {
            Some(last) if !last.set.is_empty() => self.prune(merged, &managers, manager, &last)?,
            _ => merged,
        };
        let (managers, _) = self.transfer(live, &new, version, managers, manager, force)?;
        let unchanged = value::equal(&live.value, &new.value);
        Ok(Applied { object: new.into_value(), managers, unchanged })
    }

    /// Takes what changed from its former owners.
    fn transfer<K: Ord + Clone + fmt::Debug>(
        &self,
        old: &Typed<'_>,
        new: &Typed<'_>,
        version: &str,
        mut managers: Managers<K>,
        own: &K,
        force: bool,
    ) -> Outcome<(Managers<K>, Comparison), K> {
        let mut changes: BTreeMap<String, Option<Comparison>> = BTreeMap::new();
        changes.insert(version.to_owned(), Some(self.changes(old, new, version)?));
        let mut conflicts = Vec::new();
        let mut losses: Vec<(K, Set)> = Vec::new();
        for (manager, owned) in managers.iter().filter(|(manager, _)| *manager != own) {
            if !changes.contains_key(&owned.api_version) {
                let found = self.changes_in(old, new, &owned.api_version)?;
                changes.insert(owned.api_version.clone(), found);
            }
            let Some(change) = changes.get(&owned.api_version).and_then(Option::as_ref) else { continue };
            let mut lost = owned.set.intersection(&change.modified);
            if !change.added.is_empty() {
                lost = lost.union(&owned.set.intersection(&change.added));
            }
            if !lost.is_empty() && !force {
                let paths = lost.paths().into_iter();
                conflicts.extend(paths.map(|path| Conflict { manager: manager.clone(), path }));
            }
            if !lost.is_empty() || !change.removed.is_empty() {
                losses.push((manager.clone(), lost.union(&change.removed)));
            }
        }
        if !conflicts.is_empty() {
            return Err(UpdateError::Conflicts(conflicts));
        }
        for (manager, lost) in losses {
            if let Some(owned) = managers.get_mut(&manager) {
                owned.set = owned.set.difference(&lost);
            }
        }
        managers.retain(|manager, owned| {
            let known = manager == own || !matches!(changes.get(&owned.api_version), Some(None));
            known && !owned.set.is_empty()
        });
        let change = changes.remove(version).flatten().unwrap_or_default();
        Ok((managers, change))
    }

    fn changes<K: fmt::Debug>(&self, old: &Typed<'_>, new: &Typed<'_>, version: &str) -> Outcome<Comparison, K> {
        let found = old.compare(new).map_err(|source| UpdateError::Invalid { step: "compare objects", source })?;
        Ok(match (self.ignored)(version) {
            Some(ignored) => found.without(ignored),
            None => found,
        })
    }

    /// The changes as another version sees them; `None` when there is no such version.
    fn changes_in<K: fmt::Debug>(
        &self,
        old: &Typed<'_>,
        new: &Typed<'_>,
        version: &str,
    ) -> Outcome<Option<Comparison>, K> {
        let Some(old) = self.convert("convert old object", old, version)? else { return Ok(None) };
        let Some(new) = self.convert("convert new object", new, version)? else { return Ok(None) };
        self.changes(&old, &new, version).map(Some)
    }

    fn convert<'t, K: fmt::Debug>(
        &self,
        step: &'static str,
        object: &'t Typed<'_>,
        version: &str,
    ) -> Outcome<Option<Typed<'t>>, K> {
        match self.converter.convert(object, version) {
            Ok(converted) => Ok(Some(converted)),
            Err(ConvertError::MissingVersion(_)) => Ok(None),
            Err(source) => Err(UpdateError::Convert { step, source }),
        }
    }

    /// Removes what `manager` applied last time, does not apply now, and nobody else owns.
    fn prune<K: Ord + Clone + fmt::Debug>(
        &self,
        merged: Typed<'static>,
        managers: &Managers<K>,
        manager: &K,
        last: &Owned,
    ) -> Outcome<Typed<'static>, K> {
        let Some(own) = managers.get(manager) else { return Ok(merged) };
        if own.api_version == last.api_version && last.set.difference(&own.set).is_empty() {
            // Everything that could go is applied again.
            return Ok(merged);
        }
        let step = "convert merged object to last applied version";
        let Some(converted) = self.convert(step, &merged, &last.api_version)? else { return Ok(merged) };
        let pruned = converted.remove(&last.set.with_named_parents(&converted.of));
        let pruned = self.add_back_owned(&converted, pruned, &last.api_version, managers)?;
        let pruned = self.add_back_dangling(&converted, pruned, last)?;
        match self.converter.convert(&pruned, &own.api_version) {
            Ok(converted) => Ok(detach(converted)),
            Err(source) => Err(UpdateError::Convert { step: "prune fields", source }),
        }
    }

    /// Gives back what was removed with an item but is owned by somebody.
    fn add_back_owned<K: Ord + Clone + fmt::Debug>(
        &self,
        merged: &Typed<'_>,
        pruned: Typed<'static>,
        version: &str,
        managers: &Managers<K>,
    ) -> Outcome<Typed<'static>, K> {
        let mut by_version: BTreeMap<&str, Set> = BTreeMap::new();
        for owned in managers.values() {
            let set = by_version.entry(&owned.api_version).or_default();
            *set = set.union(&owned.set);
        }
        let mut merged = merged.borrow();
        let mut pruned = pruned;
        // The pruned version first: another one's conversion may need what comes back here.
        let first = by_version.remove_entry(version);
        for (version, managed) in first.into_iter().chain(by_version) {
            let Some(m) = self.convert("convert merged object", &merged, version)? else { continue };
            let Some(p) = self.convert("convert pruned object", &pruned, version)? else {
                if let Some(other) = converted(m) {
                    merged = other;
                }
                continue;
            };
            let of = m.of.clone();
            let keep = field_set(&p)?.with_named_parents(&of).union(&managed.with_named_parents(&of));
            let next = m.remove(&field_set(&m)?.with_named_parents(&of).difference(&keep));
            if let Some(other) = converted(m) {
                merged = other;
            }
            pruned = next;
        }
        Ok(pruned)
    }

    /// Gives back what was removed with an item but was never this manager's.
    fn add_back_dangling<K: fmt::Debug>(
        &self,
        merged: &Typed<'_>,
        pruned: Typed<'static>,
        last: &Owned,
    ) -> Outcome<Typed<'static>, K> {
        let step = "convert pruned object to last applied version";
        let Some(converted) = self.convert(step, &pruned, &last.api_version)? else {
            return Ok(detach(merged.borrow()));
        };
        let of = &merged.of;
        let gone = field_set(merged)?
            .with_named_parents(of)
            .difference(&field_set(&converted)?.with_named_parents(of))
            .intersection(&last.set.with_named_parents(of));
        Ok(merged.remove(&gone))
    }

    /// Adapts every set to what became atomic since it was written.
    fn reconcile<K: Ord + Clone + fmt::Debug>(
        &self,
        live: &Typed<'_>,
        managers: Managers<K>,
    ) -> Outcome<Managers<K>, K> {
        let mut out = Managers::new();
        for (manager, mut owned) in managers {
            let step = "convert live object";
            let Some(converted) = self.convert(step, live, &owned.api_version)? else { continue };
            let step = "reconcile field set with schema";
            let adapted = reconcile(&owned.set, &converted.of);
            if let Some(set) = adapted.map_err(|source| UpdateError::Invalid { step, source })? {
                owned.set = set;
            }
            out.insert(manager, owned);
        }
        Ok(out)
    }
}

fn field_set<K: fmt::Debug>(object: &Typed<'_>) -> Outcome<Set, K> {
    object.to_field_set().map_err(|source| UpdateError::Invalid { step: "create field set", source })
}

/// The object of a conversion, unless it was the same object.
fn converted(object: Typed<'_>) -> Option<Typed<'static>> {
    match object.value {
        Cow::Owned(value) => Some(Typed { of: object.of, value: Cow::Owned(value) }),
        Cow::Borrowed(_) => None,
    }
}

fn detach(object: Typed<'_>) -> Typed<'static> {
    Typed { of: object.of, value: Cow::Owned(object.value.into_owned()) }
}
