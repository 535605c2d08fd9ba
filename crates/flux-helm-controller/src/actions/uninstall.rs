//! Uninstall: objects go, the records go or stay.

use flux_api::helm::DeletionPropagation;
use flux_helm::Release;
use flux_helm::manifest::{HookEvent, Order, Splitting, sort_manifests};
use flux_helm::release::Status;
use flux_runtime::failpoints;

use super::{ActionError, Kind};
use crate::clock;
use crate::hooks;
use crate::objects::{self, Method, ObjectError, Resource};
use crate::spec::{self, Wait};
use crate::work::{Request, Work};

/// Uninstalls the release of that name; the answer is the release as it was left.
pub async fn run(work: &mut Work, request: &Request, name: &str) -> Result<Release, ActionError> {
    let obj = request.object.clone();
    let uninstall = obj.spec.uninstall.clone().unwrap_or_default();
    let timeout = Kind::Uninstall.timeout(&obj);
    let records = work.storage.records(name).await?;
    let Some(last) = records.last() else { return Err(ActionError::NotFound { name: name.to_owned() }) };
    let mut release = last.release()?;
    let versions: Vec<i64> = records.iter().map(|record| record.version).collect();
    drop(records);
    if release.info.status == Status::Uninstalled {
        if uninstall.keep_history {
            return Err(ActionError::AlreadyDeleted { name: name.to_owned() });
        }
        purge(work, name, &versions).await?;
        work.observed.take(&release);
        return Ok(release);
    }
    release.info.status = Status::Uninstalling;
    release.info.deleted = clock::now();
    release.info.description = "Deletion in progress (or silently failed)".into();
    let method = Method::ServerSide { force: false };
    if !uninstall.disable_hooks {
        hooks::run(work, &mut release, &HookEvent::PreDelete, method, timeout).await.map_err(ActionError::BareHook)?;
    }
    work.record(&release).await;
    let propagation = match &uninstall.deletion_propagation {
        Some(DeletionPropagation::Foreground) => "Foreground",
        Some(DeletionPropagation::Orphan) => "Orphan",
        _ => "Background",
    };
    let deleted = delete(work, &release, propagation).await.map_err(|error| {
        tracing::error!(%error, "objects of the release could not be deleted");
        ActionError::Delete { name: name.to_owned() }
    })?;
    let mut errors = Vec::new();
    let strategy = obj.spec.wait_strategy.as_ref().map(|strategy| &strategy.name);
    let wait = spec::wait_strategy(strategy, uninstall.disable_wait, request.options.use_helm3_defaults);
    if wait != Wait::HookOnly
        && propagation != "Orphan"
        && let Err(error) = work.gone(&deleted, timeout).await
    {
        errors.push(error.to_string());
    }
    if !uninstall.disable_hooks
        && let Err(error) = hooks::run(work, &mut release, &HookEvent::PostDelete, method, timeout).await
    {
        errors.push(error.to_string());
    }
    release.info.status = Status::Uninstalled;
    release.info.description = "Uninstallation complete".into();
    failpoints::pass("helm-uninstalled");
    if uninstall.keep_history {
        work.record(&release).await;
        supersede_deployed(work, name).await?;
    } else if let Err(error) = purge(work, name, &versions).await {
        errors.push(format!("uninstall: Failed to purge the release: {error}"));
    }
    if errors.is_empty() { Ok(release) } else { Err(ActionError::Completed(errors)) }
}

/// The oldest record goes first, so that what is left after a crash still ends with the newest.
async fn purge(work: &Work, name: &str, versions: &[i64]) -> Result<(), ActionError> {
    for version in versions {
        failpoints::pass("helm-purge");
        work.storage.delete(name, *version).await?;
    }
    Ok(())
}

async fn supersede_deployed(work: &mut Work, name: &str) -> Result<(), ActionError> {
    for record in work.storage.records(name).await?.iter().filter(|one| one.status == Status::Deployed) {
        let mut old = record.release()?;
        old.info.status = Status::Superseded;
        work.record(&old).await;
    }
    Ok(())
}

/// Deletes the objects that are the release's, in the order of removal.
async fn delete(work: &mut Work, release: &Release, propagation: &str) -> Result<Vec<Resource>, ObjectError> {
    let files = [("manifest".to_owned(), release.manifest.clone())].into();
    let (_, documents) = sort_manifests(&files, Order::Uninstall, Splitting::default())
        .map_err(|error| ObjectError::Yaml { message: format!("corrupted release record: {error}") })?;
    let mut resources = Vec::new();
    for document in documents {
        match objects::build(&work.target, &document.content, &release.namespace).await {
            Ok(built) => resources.extend(built.into_iter().filter(|resource| !objects::is_kept(&resource.object))),
            // Without its definition no object of the kind is left.
            Err(ObjectError::NoMatch { .. }) => {}
            Err(error) => return Err(error),
        }
    }
    let found = objects::get_all(&work.target, &resources).await?;
    let owned = resources.into_iter().zip(found).filter_map(|(resource, found)| {
        let found = found?;
        match objects::ownership(&found, &release.name, &release.namespace) {
            Ok(()) => Some(resource),
            Err(reason) => {
                tracing::warn!(
                    object = resource.key(),
                    reason,
                    "skipping delete of resource not owned by this release"
                );
                None
            }
        }
    });
    let owned: Vec<Resource> = owned.collect();
    let target = work.target.clone();
    objects::by_kind(&owned, |at, resource| {
        let target = target.clone();
        async move {
            failpoints::pass_numbered("helm-delete", at + 1);
            objects::delete(&target, &resource, propagation).await
        }
    })
    .await?;
    Ok(owned)
}
