//! Steps 5 to 7: announce the inventory, apply the objects, prune what left the set.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use flux_api::{FORCE_ANNOTATION, Kustomization, PRUNE_ANNOTATION, RECONCILE_ANNOTATION, SSA_ANNOTATION};
use flux_apply::inventory::Inventory;
use flux_apply::{
    ApplyError, ApplyOptions, Cleanup, DeleteOptions, FieldManager, IdError, Manager, ObjectId, Operation, Subject,
    metadata,
};
use flux_runtime::{AnnounceError, Attempt, Halt, Severity, failpoints};
use serde_json::Value;

use crate::options::Options;
use crate::plan::Plan;
use crate::reason::Reason;
use crate::{GROUP, NAME};

/// Definitions and classes may take so long to become usable.
const STAGE_TIMEOUT: Duration = Duration::from_secs(60);
/// So many objects are named in a message; the rest is counted.
const NAMED: usize = 10;
/// The inventory may take so much of the object's 1.5 MiB.
const LARGEST_INVENTORY: usize = 1 << 20;

/// Why objects were not applied.
#[derive(Debug, thiserror::Error)]
pub enum ApplyStepError {
    #[error("the build holds no objects: refusing to prune all {count} of the inventory{kept}")]
    Empty { count: usize, kept: String },
    #[error("inventory cannot be read, nothing is applied: {0}")]
    Inventory(#[from] IdError),
    #[error(transparent)]
    Announce(#[from] AnnounceError),
    #[error("inventory of {count} objects takes {size} bytes, more than {LARGEST_INVENTORY}: split the Kustomization")]
    TooLarge { count: usize, size: usize },
    /// With what was done before it, as upstream tells it.
    #[error("{error}{done}")]
    Apply { error: ApplyError, done: String },
    #[error("superseded")]
    Superseded,
}

impl ApplyStepError {
    pub fn into_halt(self, retry: Duration) -> Halt {
        let reason = match &self {
            Self::Superseded => return Halt::superseded(Reason::Progressing.as_str(), "the object has changed"),
            Self::Empty { .. } => Reason::BuildFailed,
            _ => Reason::ReconciliationFailed,
        };
        Halt::failed(reason.as_str(), self.to_string()).after(retry)
    }
}

/// What an apply left behind.
pub struct AppliedSet {
    pub inventory: Inventory,
    /// The inventory before, announced objects included.
    pub old: Inventory,
    /// True when anything in the cluster changed.
    pub drifted: bool,
    pub subjects: Vec<Subject>,
    pub jobs_with_ttl: BTreeSet<ObjectId>,
}

/// The names of objects that stay although they left the set, as the end of a message.
pub fn kept(inventory: &Inventory) -> String {
    if inventory.is_empty() {
        return String::new();
    }
    let names: Vec<String> = inventory.iter().take(NAMED).map(|(id, _)| id.subject()).collect();
    let more = inventory.len().saturating_sub(NAMED);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    format!("; not pruned: {}{more}", names.join(", "))
}

/// The inventory of an object's status.
pub fn stored(obj: &Kustomization) -> Result<Inventory, IdError> {
    Inventory::read(obj.status.as_ref().and_then(|status| status.inventory.as_ref()))
}

/// The labels that say whose an object is.
pub fn owner_labels(obj: &Kustomization) -> Vec<(String, String)> {
    let text = |value: &Option<String>| value.clone().unwrap_or_default();
    vec![
        (format!("{GROUP}/name"), text(&obj.metadata.name)),
        (format!("{GROUP}/namespace"), text(&obj.metadata.namespace)),
    ]
}

fn pairs(entries: &[(&str, &str)]) -> Vec<(String, String)> {
    entries.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
}

fn options(obj: &Kustomization, plan: &Plan, options: &Options) -> ApplyOptions {
    let mut managers = vec![
        FieldManager::new("kubectl", Operation::Apply),
        FieldManager::new("kubectl", Operation::Update),
        FieldManager::new("before-first-apply", Operation::Update),
        FieldManager::new(NAME, Operation::Update),
    ];
    for name in &options.override_managers {
        managers.push(FieldManager::new(name, Operation::Apply));
        managers.push(FieldManager::new(name, Operation::Update));
    }
    ApplyOptions {
        force: obj.spec.force,
        force_selector: pairs(&[(FORCE_ANNOTATION, "enabled")]),
        exclusions: pairs(&[(RECONCILE_ANNOTATION, "disabled"), (SSA_ANNOTATION, "Ignore")]),
        if_not_present: pairs(&[(SSA_ANNOTATION, "IfNotPresent")]),
        cleanup: Cleanup {
            annotations: vec![
                "kubectl.kubernetes.io/last-applied-configuration".into(),
                "kustomize.toolkit.fluxcd.io/checksum".into(),
                "fluxcd.io/sync-checksum".into(),
            ],
            labels: vec!["fluxcd.io/sync-gc-mark".into()],
            managers,
            exclusions: pairs(&[(SSA_ANNOTATION, "Merge")]),
        },
        ignore: plan.ignore.clone(),
        custom_stage: options.custom_stage.clone(),
        migrate_api_version: options.migrate_api_version,
        stage_timeout: STAGE_TIMEOUT,
        keep_states: obj.spec.wait,
    }
}

/// What may be deleted on behalf of `obj`.
pub fn delete_options(obj: &Kustomization) -> DeleteOptions {
    DeleteOptions {
        owner_labels: owner_labels(obj),
        exclusions: pairs(&[
            (PRUNE_ANNOTATION, "disabled"),
            (RECONCILE_ANNOTATION, "disabled"),
            (SSA_ANNOTATION, "Ignore"),
        ]),
        ..DeleteOptions::default()
    }
}

/// Marks the objects as ours and brings them into the form in which they are applied.
fn prepare(obj: &Kustomization, objects: &mut [Value]) {
    let labels: BTreeMap<String, String> = owner_labels(obj).into_iter().collect();
    metadata::set_common(objects, &labels, &BTreeMap::new());
    flux_apply::normalize_all(objects);
    if let Some(common) = &obj.spec.common_metadata {
        metadata::set_common(objects, &common.labels, &common.annotations);
    }
}

/// Announces and applies the built objects.
pub async fn objects(
    at: &mut Attempt<Kustomization>,
    manager: &Manager,
    plan: &Plan,
    flags: &Options,
    mut objects: Vec<Value>,
) -> Result<AppliedSet, ApplyStepError> {
    let obj = at.object().clone();
    let known = stored(&obj)?;
    if objects.is_empty() && !known.is_empty() && obj.spec.prune {
        return Err(ApplyStepError::Empty { count: known.len(), kept: kept(&known) });
    }
    prepare(&obj, &mut objects);
    let planned = manager.planned(&objects).await;
    let old = announce(at, &known, &planned).await?;
    let jobs_with_ttl = flux_apply::jobs_with_ttl(&objects);
    let applied = manager.apply_staged(objects, &options(&obj, plan, flags)).await;
    let changes = applied.changes.changes();
    if let Some(error) = applied.error {
        return Err(ApplyStepError::Apply {
            error,
            done: format!("\n{changes}{}", if changes.is_empty() { "" } else { "\n" }),
        });
    }
    if !changes.is_empty() {
        tracing::info!(output = %changes.replace('\n', ", "), "server-side apply completed");
        at.event(Severity::Info, Reason::Progressing.as_str(), &changes);
    }
    let inventory = Inventory::applied(&applied.changes);
    at.status_mut().inventory = Some(inventory.to_stored());
    Ok(AppliedSet { inventory, old, drifted: !changes.is_empty(), subjects: applied.subjects, jobs_with_ttl })
}

/// Writes the union of what is known and what is planned before the first object is written, so that nothing that
/// is about to exist can be lost. The answer is the inventory on which pruning decides.
///
/// The write goes by a fresh read: a cache that lags, or a controller that should have stepped down, cannot shrink
/// the inventory. When nothing is added and nothing will be pruned there is nothing to read or to write.
async fn announce(
    at: &mut Attempt<Kustomization>,
    known: &Inventory,
    planned: &Inventory,
) -> Result<Inventory, ApplyStepError> {
    let mut union = known.clone();
    let adds = union.add(planned);
    if !adds && known.without(planned).is_empty() {
        return Ok(union);
    }
    let size = serde_json::to_vec(&planned.to_stored()).map_or(0, |bytes| bytes.len());
    if size > LARGEST_INVENTORY {
        return Err(ApplyStepError::TooLarge { count: planned.len(), size });
    }
    let generation = at.object().metadata.generation;
    let attempted = at.object().status.as_ref().and_then(|status| status.last_attempted_revision.clone());
    failpoints::pass("announce");
    let fresh = at
        .announce(|status| {
            let Ok(mut union) = Inventory::read(status.inventory.as_ref()) else { return false };
            let news = status.last_attempted_revision != attempted;
            if !union.add(planned) && !news {
                return false;
            }
            status.inventory = Some(union.to_stored());
            status.last_attempted_revision.clone_from(&attempted);
            true
        })
        .await?;
    if fresh.metadata.deletion_timestamp.is_some() || fresh.metadata.generation != generation {
        return Err(ApplyStepError::Superseded);
    }
    let union = stored(&fresh)?;
    // The working status begins from what the server has, for the case that the apply fails.
    at.status_mut().inventory = Some(union.to_stored());
    Ok(union)
}

/// Deletes what left the set, but nothing that another unit has claimed. The error is told after the survivors are
/// back in the inventory.
pub async fn prune(
    at: &mut Attempt<Kustomization>,
    manager: &Manager,
    stale: Vec<(ObjectId, String)>,
    claimed: BTreeSet<ObjectId>,
    new: &Inventory,
    retry: Duration,
) -> Result<(), Halt> {
    if stale.is_empty() || !at.object().spec.prune {
        return Ok(());
    }
    let options = DeleteOptions { claimed, ..delete_options(at.object()) };
    let pruned = manager.prune(stale, new, &options).await;
    if !pruned.survivors.is_empty() {
        let mut inventory = new.clone();
        inventory.add(&pruned.survivors);
        at.status_mut().inventory = Some(inventory.to_stored());
    }
    if let Some(error) = pruned.error() {
        return Err(Halt::failed(Reason::PruneFailed.as_str(), error).after(retry));
    }
    if !pruned.changes.entries.is_empty() {
        let text = pruned.changes.to_string();
        tracing::info!("garbage collection completed: {}", text.replace('\n', ", "));
        at.event(Severity::Info, Reason::Progressing.as_str(), text);
    }
    Ok(())
}
