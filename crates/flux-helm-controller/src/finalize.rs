//! The end of an object: its release is uninstalled, its HelmChart deleted.

use std::time::Duration;

use flux_api::{FluxObject as _, HelmRelease};
use flux_helm::digest::Algorithm;
use flux_helm::release::{Observation, Snapshots as _, Status};
use flux_runtime::{Attempt, Halt};
use k8s_openapi::api::core::v1::ServiceAccount;
use kube::Api;

use crate::actions::Kind;
use crate::chart_template;
use crate::history;
use crate::perform;
use crate::post_render::origin_labels;
use crate::reason::Reason;
use crate::reconciler::{ClientError, HelmReleaseReconciler, Pass, bare_request};
use crate::running::Running;
use crate::spec;
use crate::storage::Storage;

/// So long an attempt waits with its slot; then the end of the action wakes the object.
const PATIENCE: Duration = Duration::from_secs(1);

/// Uninstalls what the object released. A suspended object leaves everything as it is.
pub async fn run(reconciler: &HelmReleaseReconciler, at: &mut Attempt<HelmRelease>) -> Result<(), Halt> {
    if at.object().spec.suspend {
        reconciler.running.take(at.key());
        return Ok(());
    }
    uninstall(reconciler, at).await?;
    let blocked = reconciler.ctx.options.no_cross_namespace_refs;
    chart_template::delete(at, &reconciler.ctx.client, blocked).await?;
    Ok(())
}

async fn uninstall(reconciler: &HelmReleaseReconciler, at: &mut Attempt<HelmRelease>) -> Result<(), Halt> {
    // What was under way when the object was deleted ends first.
    if let Some(running) = reconciler.running.get(at.key()) {
        running.interrupt.cancel();
        let kind = running.kind;
        let result = ended(reconciler, at, running).await?;
        if kind == Kind::Uninstall {
            return uninstalled(at, result);
        }
    }
    let Some(namespace) = at.object().status.as_ref().and_then(|status| status.storage_namespace.clone()) else {
        tracing::info!("skipping Helm release uninstallation: no storage namespace configured");
        return Ok(());
    };
    let request = bare_request(at.object(), &reconciler.options, &reconciler.ctx.options.default_service_account);
    let account = request.plan.service_account.clone();
    if let Some(account) = account.as_ref().filter(|_| at.object().spec.kube_config.is_none())
        && !exists(reconciler, at.namespace(), account).await?
    {
        tracing::error!(account, "skipping Helm release uninstallation: service account not found");
        return Ok(());
    }
    let target = match reconciler.target(at.object(), account.as_deref()).await {
        Ok(target) => target,
        Err(ClientError::KubeConfig(error)) if error.is_not_found() => {
            // Without its kubeconfig nobody can reach the release any more.
            tracing::error!(%error, "skipping Helm release uninstallation");
            return Ok(());
        }
        Err(error) => {
            let message = format!("failed to build REST client getter to uninstall release: {error}");
            return Err(Halt::failed(Reason::UninstallFailed.as_str(), message));
        }
    };
    let storage = Storage::new(target.clone(), &namespace);
    if history::read(at.object()).is_empty() {
        adopt(at, &storage, reconciler.options.snapshot_digest).await?;
    }
    if history::read(at.object()).is_empty() {
        return Ok(());
    }
    let mut pass = Pass {
        request,
        target,
        storage,
        config_digest: String::new(),
        oci_digest: String::new(),
        previous: Vec::new(),
        moving: false,
    };
    pass.request.object = std::sync::Arc::new(at.object().clone());
    let running = perform::start(reconciler, at.key(), &pass, Kind::Uninstall, None, Vec::new());
    reconciler.running.put(at.key(), running.clone(), Some(Box::new(pass)));
    let result = ended(reconciler, at, running).await?;
    uninstalled(at, result)
}

/// Waits a little for an action and tells what it brought.
async fn ended(
    reconciler: &HelmReleaseReconciler,
    at: &mut Attempt<HelmRelease>,
    running: Running,
) -> Result<Result<(), crate::actions::ActionError>, Halt> {
    if !running.ends_within(PATIENCE).await {
        let message = format!("Running '{}' action", running.kind.name());
        return Err(Halt::waiting(Reason::Progressing.as_str(), message));
    }
    let pass = reconciler.running.take(at.key()).and_then(|(_, pass)| pass);
    let Some(finished) = running.take() else { return Ok(Ok(())) };
    let about = pass.as_ref().map(|pass| (&*pass.request.chart, pass.config_digest.as_str()));
    Ok(reconciler.tell(at, about, finished))
}

fn uninstalled(at: &mut Attempt<HelmRelease>, result: Result<(), crate::actions::ActionError>) -> Result<(), Halt> {
    if let Err(error) = result {
        let condition = at.object().condition(flux_api::READY_CONDITION).map(|ready| ready.message.clone());
        let message = condition.unwrap_or_else(|| error.to_string());
        return Err(Halt::failed(Reason::UninstallFailed.as_str(), message).event(None));
    }
    let status = at.object_mut().status_mut();
    status.history.clear();
    status.storage_namespace = None;
    Ok(())
}

async fn exists(reconciler: &HelmReleaseReconciler, namespace: &str, account: &str) -> Result<bool, Halt> {
    let api: Api<ServiceAccount> = Api::namespaced(reconciler.ctx.client.clone(), namespace);
    let found = api.get_opt(account).await.map_err(|error| {
        let message = format!("failed to confirm ServiceAccount '{account}' can be used to uninstall release: {error}");
        Halt::failed(Reason::UninstallFailed.as_str(), message)
    })?;
    Ok(found.is_some())
}

/// A release that was made for the object but not told to it, since the process died in between, is the object's.
async fn adopt(at: &mut Attempt<HelmRelease>, storage: &Storage, algorithm: Algorithm) -> Result<(), Halt> {
    let name = spec::short_release_name(at.object());
    let last = storage.last(&name).await;
    let last = last.map_err(|error| Halt::failed(Reason::UninstallFailed.as_str(), error.to_string()))?;
    let Some(release) = last.filter(|release| release.info.status != Status::Uninstalled) else { return Ok(()) };
    let labels = origin_labels(at.object());
    let ours = labels.iter().all(|(key, value)| {
        let text = format!("{key}: {value}");
        release.manifest.contains(&text) || release.hooks.iter().any(|hook| hook.manifest.contains(&text))
    });
    if !ours {
        return Ok(());
    }
    let mut snapshots = vec![Observation::of(&release).snapshot(algorithm)];
    snapshots.sort_by_version();
    history::write(at.object_mut().status_mut(), &snapshots);
    Ok(())
}
