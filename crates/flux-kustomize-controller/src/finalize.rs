//! The end of an object: what it applied is deleted, kept, or waited for, as its policy says.

use std::collections::BTreeSet;

use flux_api::Kustomization;
use flux_api::kustomize::DeletionPolicy;
use flux_apply::inventory::Inventory;
use flux_apply::{Manager, ObjectId};
use flux_runtime::{Attempt, Halt, Severity};
use k8s_openapi::api::core::v1::ServiceAccount;
use kube::{Api, Client};

use crate::apply::{delete_options, stored};
use crate::plan::timeout;
use crate::reason::Reason;

/// True when the objects are to go with their owner. A suspended owner leaves them.
pub fn deletes(obj: &Kustomization, inventory: &Inventory) -> bool {
    if obj.spec.suspend || inventory.is_empty() {
        return false;
    }
    match obj.spec.deletion_policy.clone().unwrap_or(DeletionPolicy::MirrorPrune) {
        DeletionPolicy::MirrorPrune => obj.spec.prune,
        DeletionPolicy::Delete | DeletionPolicy::WaitForTermination => true,
        DeletionPolicy::Orphan | DeletionPolicy::Other(_) => false,
    }
}

/// True when the account to act as exists.
pub async fn can_impersonate(client: &Client, namespace: &str, account: Option<&str>) -> Result<bool, kube::Error> {
    let Some(account) = account else { return Ok(true) };
    Ok(Api::<ServiceAccount>::namespaced(client.clone(), namespace).get_opt(account).await?.is_some())
}

/// Deletes what the object applied.
pub async fn objects(at: &mut Attempt<Kustomization>, manager: &Manager, inventory: &Inventory) -> Result<(), Halt> {
    let obj = at.object().clone();
    let all: Vec<(ObjectId, String)> = inventory.iter().map(|(id, version)| (id.clone(), version.to_owned())).collect();
    let pruned = manager.prune(all, &Inventory::default(), &delete_options(&obj)).await;
    let reason = Reason::Progressing.as_str();
    if let Some(error) = pruned.error() {
        let mut halt = Halt::failed(Reason::PruneFailed.as_str(), error);
        halt.stop_mut().event_message = Some("pruning for deleted resource failed".into());
        return Err(halt);
    }
    if !pruned.changes.entries.is_empty() {
        at.event(Severity::Info, reason, pruned.changes.to_string());
    }
    if obj.spec.deletion_policy == Some(DeletionPolicy::WaitForTermination)
        && let Err(error) = manager.wait_for_termination(&pruned.deleted, timeout(&obj.spec)).await
    {
        tracing::error!(%error, "failed to wait for resources termination");
        at.event(Severity::Error, reason, "failed to wait for resources termination");
    }
    Ok(())
}

/// Tells that nothing can be deleted because the account is gone.
pub fn skip(at: &Attempt<Kustomization>, inventory: &Inventory) {
    let names: BTreeSet<String> = inventory.iter().map(|(id, _)| id.subject()).collect();
    let names: Vec<String> = names.into_iter().collect();
    let message = format!("unable to prune objects: \n{}", names.join("\n"));
    tracing::error!("skipping pruning, failed to find account to impersonate");
    at.event(Severity::Error, Reason::Progressing.as_str(), message);
}

/// The inventory of an object that is being deleted.
pub fn inventory(obj: &Kustomization) -> Result<Inventory, Halt> {
    stored(obj)
        .map_err(|error| Halt::failed(Reason::PruneFailed.as_str(), format!("inventory cannot be read: {error}")))
}
