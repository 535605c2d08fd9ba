//! Upgrade: the next revision of a release.

use std::collections::HashMap;

use flux_api::helm::ServerSideApplyMode;
use flux_helm::manifest::HookEvent;
use flux_helm::release::{Info, Status};
use flux_helm::values::{coalesce_tables, coalesce_values};
use flux_helm::{Release, Values};
use flux_runtime::failpoints;
use serde_json::{Value, json};

use super::install::{existing, log_written};
use super::{ActionError, Kind, crds, stored};
use crate::clock;
use crate::hooks;
use crate::objects::{self, Method, ObjectError, Resource};
use crate::render;
use crate::spec;
use crate::work::{Request, Work};

/// The way to write: what is asked for, or what the last release used.
pub(super) fn method(mode: Option<&ServerSideApplyMode>, last: &str, force: bool) -> Method {
    let server_side = match mode {
        Some(ServerSideApplyMode::Enabled) => true,
        Some(ServerSideApplyMode::Disabled) => false,
        _ => last == "ssa",
    };
    match (server_side, force) {
        (true, _) => Method::ServerSide { force: true },
        (false, true) => Method::Replace,
        (false, false) => Method::ClientSide,
    }
}

/// Upgrades to the chart.
pub async fn run(work: &mut Work, request: &Request) -> Result<(), ActionError> {
    let obj = request.object.clone();
    let upgrade = obj.spec.upgrade.clone().unwrap_or_default();
    let name = spec::short_release_name(&obj);
    let records = work.storage.records(&name).await?;
    let Some(record) = records.last() else { return Err(ActionError::NotDeployed { name }) };
    let last = record.release()?;
    let method = method(upgrade.server_side_apply.as_ref(), &last.apply_method, upgrade.force);
    crds::apply(work, request, upgrade.crds.as_ref(), method).await?;
    if last.info.status.is_pending() {
        return Err(ActionError::Pending);
    }
    let current = if last.info.status == Status::Deployed {
        last.clone()
    } else {
        match records.iter().rev().find(|record| record.status == Status::Deployed) {
            Some(record) => record.release()?,
            None if matches!(last.info.status, Status::Failed | Status::Superseded) => last.clone(),
            None => return Err(ActionError::NotDeployed { name }),
        }
    };
    drop(records);
    let mut request = request.clone();
    let values = reuse_values(&mut request, &current, upgrade.preserve_values)?;
    let revision = last.version + 1;
    let rendered = render::chart(work, &request, &values, revision, true, upgrade.disable_schema_validation).await?;
    let mut release = Release {
        name: name.clone(),
        namespace: current.namespace.clone(),
        version: revision,
        info: Info {
            first_deployed: current.info.first_deployed,
            last_deployed: clock::now(),
            status: Status::PendingUpgrade,
            description: "Preparing upgrade".into(),
            notes: rendered.notes,
            ..Info::default()
        },
        chart: Some(rendered.chart),
        config: stored(&values),
        manifest: rendered.manifest,
        hooks: rendered.hooks,
        labels: last.labels.iter().filter(|(_, value)| *value != "null").map(|(k, v)| (k.clone(), v.clone())).collect(),
        apply_method: method.apply_method().into(),
    };
    let plan = plan(work, &current, &release, upgrade.disable_take_ownership).await?;
    work.create(&release, spec::max_history(&obj)).await?;
    let mut current = current;
    let mut created = Vec::new();
    match perform(work, &request, &mut current, &mut release, plan, method, &mut created).await {
        Ok(()) => {
            // Until the next line is written no revision is deployed; after a crash here the next upgrade goes on.
            current.info.status = Status::Superseded;
            work.record(&current).await;
            failpoints::pass("helm-superseded");
            release.info.status = Status::Deployed;
            release.info.description = "Upgrade complete".into();
            work.update(&release).await?;
            Ok(())
        }
        Err(error) => {
            release.info.status = Status::Failed;
            release.info.description = format!("Upgrade \"{name}\" failed: {error}");
            work.record(&release).await;
            if upgrade.cleanup_on_fail {
                for resource in &created {
                    if let Err(cleanup) = objects::delete(&work.target, resource, "Background").await {
                        return Err(ActionError::Cleanup { action: "upgrade", original: Box::new(error), cleanup });
                    }
                }
            }
            Err(error)
        }
    }
}

/// The user's values; with `preserve` those of the last release below them, and its defaults instead of the chart's.
fn reuse_values(request: &mut Request, current: &Release, preserve: bool) -> Result<Values, ActionError> {
    let mut values = (*request.values).clone();
    if !preserve {
        return Ok(values);
    }
    let config = current.config.clone().unwrap_or_default();
    if let Some(chart) = &current.chart {
        let old = coalesce_values(chart, &config).map_err(ActionError::OldValues)?;
        let mut changed = (*request.chart).clone();
        changed.values = Some(old);
        request.chart = std::sync::Arc::new(changed);
    }
    coalesce_tables(&mut values, config);
    Ok(values)
}

/// What has to be done to objects.
pub(super) struct Changes {
    /// In the order of installation, with the old manifest's object.
    pub targets: Vec<(Resource, Option<Value>)>,
    /// No longer in the manifest.
    pub removed: Vec<Resource>,
}

async fn plan(
    work: &Work,
    current: &Release,
    release: &Release,
    foreign_refused: bool,
) -> Result<Changes, ActionError> {
    let changes = changes(work, current, release).await?;
    let new: Vec<Resource> =
        changes.targets.iter().filter(|(_, old)| old.is_none()).map(|(resource, _)| resource.clone()).collect();
    let take = (!foreign_refused).then_some(());
    // Only whether foreign objects are in the way counts here; what is there is read again when it is written.
    if foreign_refused {
        existing(work, &new, take, &release.name, &release.namespace)
            .await
            .map_err(|source| ActionError::Continue { action: "update", source })?;
    }
    Ok(changes)
}

/// Compares two manifests.
pub(super) async fn changes(work: &Work, current: &Release, release: &Release) -> Result<Changes, ActionError> {
    let old = objects::build(&work.target, &current.manifest, &current.namespace)
        .await
        .map_err(|source| ActionError::Build { which: "current release", source })?;
    let mut new = objects::build(&work.target, &release.manifest, &release.namespace)
        .await
        .map_err(|source| ActionError::Build { which: "new release", source })?;
    new.iter_mut().for_each(|resource| objects::mark(&mut resource.object, &release.name, &release.namespace));
    let mut old: HashMap<(String, String, String, String), Resource> = old
        .into_iter()
        .map(|resource| {
            let id = resource.id();
            ((id.group, id.kind, id.namespace, id.name), resource)
        })
        .collect();
    let targets = new.into_iter().map(|resource| {
        let id = resource.id();
        let before = old.remove(&(id.group, id.kind, id.namespace, id.name)).map(|before| before.object);
        (resource, before)
    });
    let targets = targets.collect();
    let mut removed: Vec<Resource> = old.into_values().collect();
    removed.sort_by_key(Resource::key);
    Ok(Changes { targets, removed })
}

#[allow(clippy::too_many_arguments)] // one caller, and each is another thing
async fn perform(
    work: &mut Work,
    request: &Request,
    current: &mut Release,
    release: &mut Release,
    plan: Changes,
    method: Method,
    created: &mut Vec<Resource>,
) -> Result<(), ActionError> {
    let obj = request.object.clone();
    let upgrade = obj.spec.upgrade.clone().unwrap_or_default();
    let timeout = Kind::Upgrade.timeout(&obj);
    if !upgrade.disable_hooks {
        hooks::run(work, release, &HookEvent::PreUpgrade, method, timeout)
            .await
            .map_err(|source| ActionError::UpgradeHook { event: "pre-upgrade", source })?;
    }
    let take_over = current.apply_method != "ssa" && method.apply_method() == "ssa";
    let subjects = apply(work, plan, method, take_over, created).await?;
    let wait = spec::wait_strategy(
        obj.spec.wait_strategy.as_ref().map(|strategy| &strategy.name),
        upgrade.disable_wait,
        request.options.use_helm3_defaults,
    );
    work.ready(subjects, wait, !upgrade.disable_wait_for_jobs, request.plan.checks.clone(), timeout).await?;
    if !upgrade.disable_hooks {
        hooks::run(work, release, &HookEvent::PostUpgrade, method, timeout)
            .await
            .map_err(|source| ActionError::UpgradeHook { event: "post-upgrade", source })?;
    }
    Ok(())
}

/// Creates, updates and deletes. `created` gets what was not there before.
pub(super) async fn apply(
    work: &mut Work,
    changes: Changes,
    method: Method,
    take_over: bool,
    created: &mut Vec<Resource>,
) -> Result<Vec<flux_apply::Subject>, ActionError> {
    work.log.line("checking resources for changes", &[("resources", json!(changes.targets.len()))]);
    let (resources, old): (Vec<Resource>, Vec<Option<Value>>) = changes.targets.into_iter().unzip();
    let target = work.target.clone();
    let applied = objects::by_kind(&resources, |at, resource| {
        let (target, old) = (target.clone(), old.get(at).cloned().flatten());
        async move {
            failpoints::pass_numbered("helm-apply", at + 1);
            let Some(existing) = objects::get(&target, &resource).await? else {
                let answer = objects::create(&target, &resource, method).await;
                return Ok((answer.map(|answer| resource.subject(Some(answer))), true));
            };
            let answer = objects::update(&target, old.as_ref(), &resource, &existing, method, take_over).await;
            Ok((answer.map(|answer| resource.subject(Some(answer))), false))
        }
    })
    .await?;
    let mut subjects = Vec::with_capacity(applied.len());
    let mut errors: Vec<ObjectError> = Vec::new();
    for (resource, (answer, new)) in resources.iter().zip(applied) {
        if new {
            created.push(resource.clone());
        }
        match answer {
            Ok(subject) => subjects.push(subject),
            Err(error) if new => return Err(ActionError::CreateDuringUpdate(error)),
            Err(error) => errors.push(error),
        }
    }
    if !errors.is_empty() {
        return Err(several(errors));
    }
    log_written(work, &resources);
    for resource in &changes.removed {
        let Ok(Some(found)) = objects::get(&work.target, resource).await else { continue };
        if objects::is_kept(&found) {
            continue;
        }
        failpoints::pass("helm-remove");
        if let Err(error) = objects::delete(&work.target, resource, "Background").await {
            errors.push(error);
        }
    }
    if errors.is_empty() { Ok(subjects) } else { Err(several(errors)) }
}

fn several(mut errors: Vec<ObjectError>) -> ActionError {
    match errors.pop() {
        Some(only) if errors.is_empty() => only.into(),
        Some(last) => {
            errors.push(last);
            ObjectError::Several(errors).into()
        }
        None => ObjectError::Several(errors).into(),
    }
}
