//! Install: the first revision of a release.

use flux_helm::Release;
use flux_helm::manifest::HookEvent;
use flux_helm::release::{Info, Status, validate_name};
use flux_runtime::failpoints;
use serde_json::json;

use super::{ActionError, Kind, crds, stored};
use crate::clock;
use crate::hooks;
use crate::objects::{self, Method, Resource};
use crate::render;
use crate::spec;
use crate::work::{Request, Work};

/// Installs the chart.
pub async fn run(work: &mut Work, request: &Request) -> Result<(), ActionError> {
    let obj = request.object.clone();
    let install = obj.spec.install.clone().unwrap_or_default();
    let server_side = install.server_side_apply.unwrap_or(!request.options.use_helm3_defaults);
    let method = if server_side { Method::ServerSide { force: false } } else { Method::ClientSide };
    let crd_method = if server_side { Method::ServerSide { force: true } } else { method };
    let crds_policy = install.crds.clone().or(install.skip_crds.then_some(flux_api::helm::CrdsPolicy::Skip));
    crds::apply(work, request, crds_policy.as_ref(), crd_method).await?;
    let name = spec::short_release_name(&obj);
    let namespace = spec::release_namespace(&obj).to_owned();
    available(work, &name, install.replace).await?;
    let rendered = render::chart(work, request, &request.values, 1, false, install.disable_schema_validation).await?;
    let now = clock::now();
    let mut release = Release {
        name: name.clone(),
        namespace: namespace.clone(),
        version: 1,
        info: Info {
            first_deployed: now,
            last_deployed: now,
            description: "Initial install underway".into(),
            status: Status::PendingInstall,
            notes: rendered.notes,
            ..Info::default()
        },
        chart: Some(rendered.chart),
        config: stored(&request.values),
        manifest: rendered.manifest,
        hooks: rendered.hooks,
        apply_method: method.apply_method().into(),
        ..Release::default()
    };
    let mut resources = objects::build(&work.target, &release.manifest, &namespace)
        .await
        .map_err(|source| ActionError::Build { which: "release", source })?;
    resources.iter_mut().for_each(|resource| objects::mark(&mut resource.object, &name, &namespace));
    let existing = existing(work, &resources, (!install.disable_take_ownership).then_some(()), &name, &namespace)
        .await
        .map_err(|source| ActionError::Continue { action: "install", source })?;
    if install.create_namespace && obj.spec.target_namespace.is_some() {
        create_namespace(work, &namespace, method).await?;
    }
    if install.replace {
        replace(work, &mut release).await?;
    }
    work.create(&release, 0).await?;
    match perform(work, request, &mut release, resources, existing, method).await {
        Ok(()) => {
            release.info.status = Status::Deployed;
            release.info.description = "Install complete".into();
            failpoints::pass("helm-deployed");
            // As upstream: what was installed is installed, whether the record says so or not.
            work.record(&release).await;
            Ok(())
        }
        Err(error) => {
            release.info.status = Status::Failed;
            release.info.description = format!("Release \"{name}\" failed: {error}");
            work.record(&release).await;
            Err(error)
        }
    }
}

/// What is in the cluster of objects that are to be created. Without `take` they must bear the release's marks.
pub(super) async fn existing(
    work: &Work,
    resources: &[Resource],
    take: Option<()>,
    name: &str,
    namespace: &str,
) -> Result<Vec<Option<serde_json::Value>>, objects::ObjectError> {
    let found = objects::get_all(&work.target, resources).await?;
    if take.is_some() {
        return Ok(found);
    }
    for (resource, found) in resources.iter().zip(&found) {
        if let Some(found) = found
            && let Err(reason) = objects::ownership(found, name, namespace)
        {
            return Err(objects::ObjectError::Foreign { resource: resource.describe(), reason });
        }
    }
    Ok(found)
}

async fn available(work: &Work, name: &str, replace: bool) -> Result<(), ActionError> {
    validate_name(name).map_err(|error| ActionError::Name(format!("release name \"{name}\": {error}")))?;
    let records = work.storage.records(name).await?;
    match records.last() {
        None => Ok(()),
        Some(last) if replace && matches!(last.status, Status::Uninstalled | Status::Failed) => Ok(()),
        Some(_) => Err(ActionError::Name("cannot reuse a name that is still in use".into())),
    }
}

/// The revision goes on where a release that was left behind ended.
async fn replace(work: &mut Work, release: &mut Release) -> Result<(), ActionError> {
    let Some(mut last) = work.storage.last(&release.name).await? else { return Ok(()) };
    release.version = last.version + 1;
    if last.info.status == Status::Failed {
        return Ok(());
    }
    last.info.status = Status::Superseded;
    last.info.description = "superseded by new release".into();
    work.update(&last).await?;
    Ok(())
}

async fn create_namespace(work: &Work, name: &str, method: Method) -> Result<(), ActionError> {
    let object = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": {"name": name}}});
    let mapped = work.target.map(&object).await;
    let mapped = mapped.map_err(|error| objects::ObjectError::Discovery { message: error.to_string() })?;
    let resource = Resource { object, mapped };
    if objects::get(&work.target, &resource).await?.is_none() {
        objects::create(&work.target, &resource, method).await?;
    }
    Ok(())
}

async fn perform(
    work: &mut Work,
    request: &Request,
    release: &mut Release,
    resources: Vec<Resource>,
    existing: Vec<Option<serde_json::Value>>,
    method: Method,
) -> Result<(), ActionError> {
    let obj = request.object.clone();
    let install = obj.spec.install.clone().unwrap_or_default();
    let timeout = Kind::Install.timeout(&obj);
    if !install.disable_hooks {
        hooks::run(work, release, &HookEvent::PreInstall, method, timeout)
            .await
            .map_err(|source| ActionError::Hook { event: "pre-install", source })?;
    }
    work.log.line("creating resource(s)", &[("resources", json!(resources.len()))]);
    // As Helm: one object that is there already makes all of them be applied by force.
    let adopts = existing.iter().any(Option::is_some);
    let method = match method {
        Method::ServerSide { .. } => Method::ServerSide { force: adopts },
        other => other,
    };
    let target = work.target.clone();
    let subjects = objects::by_kind(&resources, |at, resource| {
        let (target, existing) = (target.clone(), existing.get(at).cloned().flatten());
        async move {
            failpoints::pass_numbered("helm-apply", at + 1);
            let answer = match existing {
                None => objects::create(&target, &resource, method).await?,
                Some(existing) => objects::update(&target, None, &resource, &existing, method, true).await?,
            };
            Ok(resource.subject(Some(answer)))
        }
    })
    .await?;
    log_written(work, &resources);
    let wait = spec::wait_strategy(
        obj.spec.wait_strategy.as_ref().map(|strategy| &strategy.name),
        install.disable_wait,
        request.options.use_helm3_defaults,
    );
    work.ready(subjects, wait, !install.disable_wait_for_jobs, request.plan.checks.clone(), timeout).await?;
    if !install.disable_hooks {
        hooks::run(work, release, &HookEvent::PostInstall, method, timeout)
            .await
            .map_err(|source| ActionError::Hook { event: "post-install", source })?;
    }
    Ok(())
}

/// Says what was written, as Helm does.
pub(super) fn log_written(work: &mut Work, resources: &[Resource]) {
    for resource in resources {
        let fields = [
            ("gvk", json!(resource.gvk())),
            ("name", json!(resource.name())),
            ("namespace", json!(resource.namespace())),
        ];
        work.log.line("Created resource via patch", &fields);
    }
}
