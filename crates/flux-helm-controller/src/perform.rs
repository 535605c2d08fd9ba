//! Starts actions as tasks of their own.

use std::panic::AssertUnwindSafe;
use std::time::Instant;

use flux_api::HelmRelease;
use flux_helm::release::Snapshot;
use flux_runtime::ObjectKey;
use futures::FutureExt as _;

use crate::actions::drift::Difference;
use crate::actions::{Kind, drift, install, rollback, test, uninstall, unlock, upgrade};
use crate::inventory;
use crate::log::Log;
use crate::reconciler::{HelmReleaseReconciler, Pass};
use crate::running::{Done, Finished, Running};
use crate::storage::Observed;
use crate::work::{Request, Work};

/// Starts an action. Its task ends with the process; a release that is left in between is unlocked by the next one.
pub fn start(
    reconciler: &HelmReleaseReconciler,
    key: &ObjectKey,
    pass: &Pass,
    kind: Kind,
    to: Option<Box<Snapshot>>,
    differences: Vec<Difference>,
) -> Running {
    let running = Running::new(kind);
    let (shared, key) = (running.clone(), key.clone());
    let (gate, waker, shutdown) =
        (reconciler.gate.clone(), reconciler.ctx.waker.clone(), reconciler.ctx.shutdown.clone());
    let (health, discovery) = (reconciler.health.clone(), reconciler.discovery.clone());
    let (request, target, storage) = (pass.request.clone(), pass.target.clone(), pass.storage.clone());
    let task = async move {
        let slot = gate.enter().await;
        let started = Instant::now();
        let mut work = Work {
            target,
            storage,
            health,
            discovery,
            slot,
            interrupt: shared.interrupt.clone(),
            log: Log::default(),
            observed: Observed::default(),
            released: None,
        };
        let done = AssertUnwindSafe(perform(&mut work, &request, kind, to, &differences)).catch_unwind().await;
        let done = done.unwrap_or_else(|panic| {
            let text = panic.downcast_ref::<String>().cloned();
            let text = text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()));
            Done::Broken(text.unwrap_or_else(|| "panic".into()))
        });
        let took = started.elapsed();
        let listed = match (&work.released, kind) {
            (Some(release), Kind::Install | Kind::Upgrade | Kind::Rollback) => {
                Some(inventory::list(&work.target, release, Some(&request.chart)).await)
            }
            _ => None,
        };
        let finished = Finished { kind, done, log: work.log, observed: work.observed, inventory: listed, took };
        if shared.finish(finished) {
            waker.wake(HelmRelease::KIND, &key.namespace, &key.name);
        }
    };
    tokio::spawn(async move {
        tokio::select! {
            () = task => {}
            () = shutdown.cancelled() => {}
        }
    });
    running
}

async fn perform(
    work: &mut Work,
    request: &Request,
    kind: Kind,
    to: Option<Box<Snapshot>>,
    differences: &[Difference],
) -> Done {
    match kind {
        Kind::Install => Done::Released(install::run(work, request).await),
        Kind::Upgrade => Done::Released(upgrade::run(work, request).await),
        Kind::Rollback => match to {
            Some(to) => {
                let result = rollback::run(work, request, &to).await;
                Done::RolledBack { to, result }
            }
            None => Done::Broken("missing target release for rollback: required to rollback".into()),
        },
        Kind::Uninstall | Kind::UninstallRemediation => {
            let latest = crate::history::latest(&request.object);
            let name = latest.map_or_else(|| crate::spec::short_release_name(&request.object), |latest| latest.name);
            Done::Uninstalled(uninstall::run(work, request, &name).await)
        }
        Kind::Test => Done::Tested(test::run(work, request).await),
        Kind::Unlock => Done::Unlocked(unlock::run(work, request).await),
        Kind::CorrectDrift => Done::Corrected(drift::correct(&work.target, differences).await),
    }
}
