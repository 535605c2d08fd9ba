//! Fills the rules of ClusterRoles that collect those of others.

use std::sync::Arc;

use serde_json::Value;

use crate::object::{is_deleting, list_at, name};
use crate::selector::LabelSelector;
use crate::server::Shared;

const TABLE: &str = "rbac.authorization.k8s.io/clusterroles";

/// Runs until the server stops.
pub(super) async fn run(shared: Arc<Shared>) {
    let Ok(mut changes) = shared.store.watch(TABLE, shared.store.revision()) else { return };
    loop {
        collect(&shared).await;
        tokio::select! {
            changed = changes.next() => if changed.is_err() { return },
            () = shared.stopped() => return,
        }
    }
}

async fn collect(shared: &Arc<Shared>) {
    let Some(resource) = shared.registry.find("rbac.authorization.k8s.io", "v1", "clusterroles") else { return };
    let roles = shared.all(&resource, "").await;
    for role in roles.iter().filter(|role| role.get("aggregationRule").is_some_and(Value::is_object)) {
        let selectors: Vec<LabelSelector> =
            list_at(role, "/aggregationRule/clusterRoleSelectors").iter().map(LabelSelector::from_object).collect();
        let mut rules: Vec<Value> = Vec::new();
        for other in roles.iter().filter(|other| name(other) != name(role) && !is_deleting(other)) {
            if selectors.iter().any(|selector| selector.matches(other)) {
                for rule in list_at(other, "/rules") {
                    if !rules.contains(rule) {
                        rules.push(rule.clone());
                    }
                }
            }
        }
        if rules.as_slice() == list_at(role, "/rules") {
            continue;
        }
        let Some(entry) = shared.store.get(&resource.table, name(role)).await else { continue };
        if entry.revision != crate::object::revision(role) {
            continue;
        }
        let mut new = role.clone();
        new["rules"] = rules.into();
        crate::managed::after_apply(&resource, role, &mut new, "clusterrole-aggregation-controller");
        // A change in between wakes this loop again.
        let _ = shared.commit(&resource, "", &entry, role, new, false).await;
    }
}
