//! What changed between two states of an object's conditions, put onto a third.

use flux_api::meta::Condition;

use super::{Conditions, get, same_state};

/// One change.
#[derive(Clone, Debug, PartialEq)]
pub enum Change {
    Add(Condition),
    Change { before: Condition, after: Condition },
    Remove(Condition),
}

/// The changes that lead from one state to another.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Patch(pub Vec<Change>);

/// How a patch is put onto a state that others may have changed.
#[derive(Clone, Debug, Default)]
pub struct ApplyOptions {
    /// Types that are ours alone: what others did to them is overwritten.
    pub owned: Vec<String>,
    /// All types are ours.
    pub force: bool,
}

/// Somebody else changed the same condition.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "error patching conditions: The condition {kind:?} was {what} by a different process and this caused a merge/{operation}Condition conflict"
)]
pub struct ConflictError {
    pub kind: String,
    what: &'static str,
    operation: &'static str,
}

impl Patch {
    pub fn between(before: &[Condition], after: &[Condition]) -> Self {
        let mut changes = Vec::new();
        for condition in after {
            match get(before, &condition.type_) {
                None => changes.push(Change::Add(condition.clone())),
                Some(known) if known == condition => {}
                Some(known) => changes.push(Change::Change { before: known.clone(), after: condition.clone() }),
            }
        }
        let gone = before.iter().filter(|condition| get(after, &condition.type_).is_none());
        changes.extend(gone.map(|condition| Change::Remove(condition.clone())));
        Self(changes)
    }

    /// Puts the changes onto `latest`.
    pub fn apply(
        &self,
        latest: &mut Vec<Condition>,
        generation: i64,
        options: &ApplyOptions,
    ) -> Result<(), ConflictError> {
        for change in &self.0 {
            let (Change::Add(condition) | Change::Change { after: condition, .. } | Change::Remove(condition)) = change;
            let kind = condition.type_.clone();
            let ours = options.force || options.owned.contains(&kind);
            let known = get(latest, &kind).cloned();
            let conflict = |what, operation| ConflictError { kind: kind.clone(), what, operation };
            let set = match (change, known) {
                _ if ours => true,
                (Change::Add(_), None) => true,
                (Change::Add(after), Some(known)) if same_state(&known, after) => false,
                (Change::Add(_), Some(_)) => return Err(conflict("modified", "Add")),
                (Change::Change { .. }, None) => return Err(conflict("deleted", "Change")),
                (Change::Change { before, .. }, Some(known)) if known == *before => true,
                (Change::Change { after, .. }, Some(known)) if same_state(&known, after) => false,
                (Change::Change { .. }, Some(_)) => return Err(conflict("modified", "Change")),
                (Change::Remove(before), Some(known)) if !same_state(&known, before) => {
                    return Err(conflict("modified", "Remove"));
                }
                (Change::Remove(_), _) => true,
            };
            if set {
                let mut conditions = Conditions::new(latest, generation);
                match change {
                    Change::Remove(_) => conditions.delete(&kind),
                    Change::Add(after) | Change::Change { after, .. } => conditions.set(after.clone()),
                }
            }
        }
        Ok(())
    }
}
