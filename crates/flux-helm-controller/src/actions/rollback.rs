//! Rollback: a new revision with the content of an older one.

use flux_helm::Release;
use flux_helm::manifest::HookEvent;
use flux_helm::release::{Info, Snapshot, Status};
use flux_runtime::failpoints;

use super::upgrade::{apply, changes, method};
use super::{ActionError, Kind};
use crate::clock;
use crate::hooks;
use crate::objects::{self, Method, Resource};
use crate::spec;
use crate::work::{Request, Work};

/// Rolls back to the revision of a snapshot.
pub async fn run(work: &mut Work, request: &Request, to: &Snapshot) -> Result<(), ActionError> {
    let obj = request.object.clone();
    let rollback = obj.spec.rollback.clone().unwrap_or_default();
    let records = work.storage.records(&to.name).await?;
    let Some(record) = records.last() else { return Err(ActionError::Store(crate::storage::StoreError::NotFound)) };
    let mut current = record.release()?;
    let version = to.version;
    let previous = records.iter().find(|record| record.version == version);
    let previous = previous.ok_or(ActionError::NoVersion { version })?.release()?;
    drop(records);
    let method = method(rollback.server_side_apply.as_ref(), &previous.apply_method, rollback.force);
    let mut release = Release {
        name: to.name.clone(),
        namespace: current.namespace.clone(),
        version: current.version + 1,
        info: Info {
            first_deployed: current.info.first_deployed,
            last_deployed: clock::now(),
            status: Status::PendingRollback,
            description: format!("Rollback to {version}"),
            rollback_revision: version,
            notes: previous.info.notes.clone(),
            ..Info::default()
        },
        apply_method: method.apply_method().into(),
        ..previous
    };
    work.create(&release, spec::max_history(&obj)).await?;
    perform(work, request, &mut current, &mut release, method).await?;
    for record in work.storage.records(&release.name).await?.iter().filter(|one| one.status == Status::Deployed) {
        let mut old = record.release()?;
        old.info.status = Status::Superseded;
        work.record(&old).await;
    }
    failpoints::pass("helm-superseded");
    release.info.status = Status::Deployed;
    work.update(&release).await?;
    Ok(())
}

async fn perform(
    work: &mut Work,
    request: &Request,
    current: &mut Release,
    release: &mut Release,
    method: Method,
) -> Result<(), ActionError> {
    let obj = request.object.clone();
    let rollback = obj.spec.rollback.clone().unwrap_or_default();
    let timeout = Kind::Rollback.timeout(&obj);
    let plan = changes(work, current, release).await?;
    if !rollback.disable_hooks {
        hooks::run(work, release, &HookEvent::PreRollback, method, timeout).await.map_err(ActionError::BareHook)?;
    }
    let mut created: Vec<Resource> = Vec::new();
    let subjects = match apply(work, plan, method, true, &mut created).await {
        Ok(subjects) => subjects,
        Err(error) => {
            fail(work, current, release, format!("Rollback \"{}\" failed: {error}", release.name), true).await;
            if rollback.cleanup_on_fail {
                for resource in &created {
                    if let Err(cleanup) = objects::delete(&work.target, resource, "Background").await {
                        return Err(ActionError::Cleanup { action: "rollback", original: Box::new(error), cleanup });
                    }
                }
            }
            return Err(error);
        }
    };
    let wait = spec::wait_strategy(
        obj.spec.wait_strategy.as_ref().map(|strategy| &strategy.name),
        rollback.disable_wait,
        request.options.use_helm3_defaults,
    );
    let waited =
        work.ready(subjects, wait, !rollback.disable_wait_for_jobs, request.plan.checks.clone(), timeout).await;
    if let Err(source) = waited {
        let name = release.name.clone();
        fail(work, current, release, format!("Release \"{name}\" failed: {source}"), false).await;
        return Err(ActionError::RollbackWait { name, source });
    }
    if !rollback.disable_hooks {
        hooks::run(work, release, &HookEvent::PostRollback, method, timeout).await.map_err(ActionError::BareHook)?;
    }
    Ok(())
}

async fn fail(work: &mut Work, current: &mut Release, release: &mut Release, description: String, supersede: bool) {
    if supersede {
        current.info.status = Status::Superseded;
    }
    release.info.status = Status::Failed;
    release.info.description = description;
    work.record(current).await;
    work.record(release).await;
}
