//! Everything that must be there before the first action.

use std::sync::Arc;

use flux_api::HelmRelease;
use flux_apply::Target;
use flux_helm::values::config_digest;
use flux_runtime::{Attempt, Halt, Outcome};

use super::{HelmReleaseReconciler, Pass, Waited};
use crate::actions::Kind;
use crate::plan::Plan;
use crate::reason::Reason;
use crate::storage::Storage;
use crate::work::Request;
use crate::{attempt, chart, chart_template, gate, resolve, spec, values};

impl HelmReleaseReconciler {
    /// The prerequisites in order, then the first action.
    pub(super) async fn begin(&self, at: &mut Attempt<HelmRelease>) -> Result<Outcome<Waited>, Halt> {
        at.progress("Fulfilling prerequisites");
        let mut pass = self.prepare(at).await?;
        if let Some(change) = attempt::moved(at.object(), pass.request.chart.name()) {
            let reason = change.as_str();
            tracing::info!(reason, "release target configuration changed: running uninstall for current release");
            let former = at.object().status.as_ref().and_then(|status| status.storage_namespace.clone());
            if let Some(namespace) = former {
                pass.storage = Storage::new(pass.target.clone(), &namespace);
            }
            pass.moving = true;
            return Ok(self.run(at, pass, Kind::Uninstall, None, Vec::new()));
        }
        self.announce_storage(at).await?;
        let oci_digest = std::mem::take(&mut pass.oci_digest);
        let (version, values) = (&pass.request.chart.metadata.version, &pass.request.values);
        attempt::note(at.object_mut(), version, values, &pass.config_digest, oci_digest);
        pass.request.object = Arc::new(at.object().clone());
        self.next(at, pass).await
    }

    async fn prepare(&self, at: &mut Attempt<HelmRelease>) -> Result<Pass, Halt> {
        let common = &self.ctx.options;
        let plan = Plan::validate(at.object(), &common.default_service_account)?;
        let own = Target::new(self.ctx.client.clone(), self.mapper.clone());
        chart_template::reconcile(at, &own, &self.sources.charts, common.no_cross_namespace_refs).await?;
        gate::dependencies(at.object(), &self.ctx.client, self.options.additive_cel_dependency_check)
            .await
            .map_err(|error| error.into_halt(common.requeue_dependency))?;
        let source = resolve::source(at.object(), &self.sources, common, &self.options).await?;
        let values = values::compose(at.object(), &self.ctx.client)
            .await
            .map_err(|error| Halt::failed(Reason::ValuesError.as_str(), error.to_string()))?;
        let loaded = self.charts.load(&source, &self.fetcher, common.requeue_dependency).await?;
        let tracks_digests = !self.options.disable_chart_digest_tracking;
        let (chart, oci_digest) = attempt::versioned(&loaded, source.kind, &source.artifact.revision, tracks_digests)
            .map_err(chart::ChartError::from)?;
        let target = self.target(at.object(), plan.service_account.as_deref()).await?;
        let storage = Storage::new(target.clone(), spec::storage_namespace(at.object()));
        let config_digest = config_digest(self.options.snapshot_digest, &values);
        let request = Request {
            object: Arc::new(at.object().clone()),
            chart,
            values: Arc::new(values),
            plan,
            options: self.options.clone(),
        };
        Ok(Pass { request, target, storage, config_digest, oci_digest, previous: Vec::new(), moving: false })
    }

    /// Where the records will be is written before the first of them is.
    async fn announce_storage(&self, at: &mut Attempt<HelmRelease>) -> Result<(), Halt> {
        let namespace = spec::storage_namespace(at.object()).to_owned();
        let known = at.object().status.as_ref().and_then(|status| status.storage_namespace.clone());
        if known.as_ref() == Some(&namespace) {
            return Ok(());
        }
        at.announce(|status| {
            let news = status.storage_namespace.as_ref() != Some(&namespace);
            status.storage_namespace = Some(namespace.clone());
            news
        })
        .await
        .map(drop)
        .map_err(|error| Halt::failed(Reason::ReconcileError.as_str(), error.to_string()))
    }
}
