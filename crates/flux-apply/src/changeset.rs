//! What became of each object of a set.

use std::fmt;

use serde_json::Value;

use crate::id::ObjectId;
use crate::metadata;

/// What was done to an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Action {
    Created,
    Configured,
    Unchanged,
    Deleted,
    /// Left alone because its metadata asks for that.
    Skipped,
    Unknown,
}

impl Action {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Configured => "configured",
            Self::Unchanged => "unchanged",
            Self::Deleted => "deleted",
            Self::Skipped => "skipped",
            Self::Unknown => "unknown",
        }
    }

    /// True when the object in the cluster is not what it was before.
    pub fn is_change(self) -> bool {
        matches!(self, Self::Created | Self::Configured | Self::Deleted)
    }
}

/// One object of a [`ChangeSet`]. Prints as `Deployment/apps/web configured`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    pub id: ObjectId,
    /// The version that was applied; inventories keep it.
    pub version: String,
    pub action: Action,
}

impl Entry {
    pub fn new(object: &Value, action: Action) -> Self {
        Self { id: ObjectId::of(object), version: metadata::group_version(object).1.to_owned(), action }
    }
}

impl fmt::Display for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.id.subject(), self.action.as_str())
    }
}

/// What became of a set, in the order of application.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ChangeSet {
    pub entries: Vec<Entry>,
}

impl ChangeSet {
    /// The lines of what changed, without the last line end; empty when nothing did.
    pub fn changes(&self) -> String {
        let lines: Vec<String> =
            self.entries.iter().filter(|entry| entry.action.is_change()).map(Entry::to_string).collect();
        lines.join("\n")
    }
}

/// All lines.
impl fmt::Display for ChangeSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, entry) in self.entries.iter().enumerate() {
            if number > 0 {
                f.write_str("\n")?;
            }
            entry.fmt(f)?;
        }
        Ok(())
    }
}
