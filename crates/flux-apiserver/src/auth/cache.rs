//! Roles and bindings, read once and kept until one of them changes.

use std::sync::{Arc, PoisonError, RwLock};

use super::Rules;
use crate::server::Shared;

/// The rules in force; empty after a change until the next question.
#[derive(Default)]
pub(crate) struct RoleCache {
    rules: RwLock<(u64, Option<Arc<Rules>>)>,
}

impl RoleCache {
    /// Forgets everything; called after each write of a role or binding.
    pub fn forget(&self) {
        let mut held = self.rules.write().unwrap_or_else(PoisonError::into_inner);
        held.0 += 1;
        held.1 = None;
    }

    fn held(&self) -> (u64, Option<Arc<Rules>>) {
        self.rules.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn keep(&self, count: u64, rules: &Arc<Rules>) {
        let mut held = self.rules.write().unwrap_or_else(PoisonError::into_inner);
        // A write in between makes these rules old already.
        if held.0 == count {
            held.1 = Some(rules.clone());
        }
    }
}

const GROUP: &str = "rbac.authorization.k8s.io";

impl Shared {
    /// The rules in force.
    pub(crate) async fn rules(&self) -> Arc<Rules> {
        let (count, held) = self.roles.held();
        if let Some(rules) = held {
            return rules;
        }
        let mut lists = Vec::new();
        for plural in ["clusterroles", "roles", "clusterrolebindings", "rolebindings"] {
            let list = match self.registry.find(GROUP, "v1", plural) {
                Some(resource) => self.all(&resource, "").await,
                None => Vec::new(),
            };
            lists.push(list);
        }
        let rules = Arc::new(Rules::read(&lists[0], &lists[1], &lists[2], &lists[3]));
        self.roles.keep(count, &rules);
        rules
    }
}
