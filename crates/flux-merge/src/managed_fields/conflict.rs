//! Conflicts as the API server words them.

use std::collections::BTreeMap;

use super::entry::{ManagerId, Operation};
use crate::updater::Conflict;
use crate::value::go_quote;

/// The body of a 409: `message`, and one cause of type `FieldManagerConflict` per field.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct ConflictError {
    pub message: String,
    pub causes: Vec<Cause>,
}

/// A field somebody else owns.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cause {
    /// As `.spec.replicas`.
    pub field: String,
    /// As `conflict with "kubectl" using apps/v1`.
    pub message: String,
}

impl ConflictError {
    pub fn new(conflicts: &[Conflict<ManagerId>]) -> Self {
        let causes = conflicts.iter().map(|conflict| Cause {
            field: conflict.path.to_string(),
            message: format!("conflict with {}", spelled(&conflict.manager)),
        });
        Self { message: message(conflicts), causes: causes.collect() }
    }
}

fn message(conflicts: &[Conflict<ManagerId>]) -> String {
    if let [only] = conflicts {
        return format!("Apply failed with 1 conflict: conflict with {}: {}", spelled(&only.manager), only.path);
    }
    let mut by_manager: BTreeMap<&ManagerId, Vec<String>> = BTreeMap::new();
    for conflict in conflicts {
        by_manager.entry(&conflict.manager).or_default().push(format!("- {}", conflict.path));
    }
    let mut lines = Vec::new();
    for (manager, paths) in by_manager {
        lines.push(format!("conflicts with {}:", spelled(manager)));
        lines.extend(paths);
    }
    format!("Apply failed with {} conflicts: {}", conflicts.len(), lines.join("\n"))
}

fn spelled(manager: &ManagerId) -> String {
    let mut text = go_quote(&manager.manager);
    if !manager.subresource.is_empty() {
        text = format!("{text} with subresource {}", go_quote(&manager.subresource));
    }
    if manager.operation == Operation::Update {
        text = format!("{text} using {}", manager.api_version);
    }
    text
}
