//! The HelmChart that is made of `spec.chart`.

use flux_api::{FluxObject as _, HelmChart, HelmRelease};
use flux_apply::{Target, kube_text};
use flux_runtime::{Attempt, Cache, Halt, ObjectKey, Severity};
use kube::{Api, Client};
use serde_json::{Value, json};

use crate::NAME;
use crate::post_render::origin_labels;
use crate::reason::Reason;
use crate::resolve::{self, ResolveError};
use crate::spec;
use crate::words;

/// Why the HelmChart is not as it should be. Worded as upstream.
#[derive(Debug, thiserror::Error)]
pub enum TemplateError {
    #[error(transparent)]
    Access(#[from] ResolveError),
    #[error("failed to run server-side apply: {message}")]
    Apply { message: String },
    #[error("failed to delete HelmChart '{name}': {message}")]
    Delete { name: String, message: String },
}

impl From<TemplateError> for Halt {
    fn from(error: TemplateError) -> Self {
        match error {
            TemplateError::Access(error) => error.into(),
            error => Self::failed(Reason::HelmChartSyncErr.as_str(), error.to_string()),
        }
    }
}

/// The HelmChart of an object; `None` when it asks for none.
pub fn build(obj: &HelmRelease) -> Option<HelmChart> {
    let template = obj.spec.chart.as_ref()?;
    let from = &template.spec;
    let mut spec = json!({
        "chart": from.chart,
        "version": from.version.clone().unwrap_or_else(|| "*".into()),
        "sourceRef": {"kind": from.source_ref.kind, "name": from.source_ref.name},
        "interval": from.interval.unwrap_or(obj.spec.interval),
        "reconcileStrategy": from.reconcile_strategy.clone().unwrap_or_default(),
    });
    if !from.values_files.is_empty() {
        spec["valuesFiles"] = json!(from.values_files);
    }
    if from.ignore_missing_values_files {
        spec["ignoreMissingValuesFiles"] = true.into();
    }
    if let Some(verify) = &from.verify {
        spec["verify"] = json!(verify);
    }
    let mut labels = template.metadata.as_ref().map(|meta| meta.labels.clone()).unwrap_or_default();
    labels.extend(origin_labels(obj));
    let mut meta = json!({"name": spec::chart_name(obj), "namespace": spec::chart_namespace(obj), "labels": labels});
    if let Some(annotations) = template.metadata.as_ref().map(|meta| &meta.annotations).filter(|map| !map.is_empty()) {
        meta["annotations"] = json!(annotations);
    }
    let made = json!({"apiVersion": HelmChart::API_VERSION, "kind": HelmChart::KIND, "metadata": meta, "spec": spec});
    serde_json::from_value(made).ok()
}

/// Makes, changes or deletes the HelmChart.
pub async fn reconcile(
    at: &mut Attempt<HelmRelease>,
    target: &Target,
    cache: &Cache<HelmChart>,
    blocked: bool,
) -> Result<(), TemplateError> {
    let obj = at.object().clone();
    let wanted =
        obj.spec.chart.is_some().then(|| format!("{}/{}", spec::chart_namespace(&obj), spec::chart_name(&obj)));
    let known = obj.status.as_ref().and_then(|status| status.helm_chart.clone());
    if known.is_some() && known != wanted {
        delete(at, target.client(), blocked).await?;
    }
    let (Some(wanted), Some(chart)) = (wanted, build(&obj)) else { return Ok(()) };
    let key = ObjectKey::new(spec::chart_namespace(&obj), spec::chart_name(&obj));
    resolve::allow(&obj, blocked, HelmChart::KIND, &key)?;
    cache.synced().await;
    let existing = cache.get(&key);
    if !existing.as_ref().is_some_and(|existing| same(existing, &chart)) {
        apply(target, &chart).await?;
        let action = if existing.is_some() { "configured" } else { "created" };
        let source = &chart.spec.source_ref;
        let message = words::normalize(&format!(
            "{action} HelmChart/{wanted} with SourceRef '{}/{}/{}'",
            source.kind, key.namespace, source.name
        ));
        at.event(Severity::Trace, &format!("HelmChart{}", words::title(action)), message);
    }
    at.status_mut().helm_chart = Some(wanted);
    Ok(())
}

/// True when what is in the cluster says all that is wanted.
fn same(existing: &HelmChart, wanted: &HelmChart) -> bool {
    let covers = |have: &Option<std::collections::BTreeMap<String, String>>,
                  want: &Option<std::collections::BTreeMap<String, String>>| {
        want.iter().flatten().all(|(key, value)| have.as_ref().and_then(|have| have.get(key)) == Some(value))
    };
    let mut spec = existing.spec.clone();
    // Suspending the chart is the user's.
    spec.suspend = wanted.spec.suspend;
    spec == wanted.spec
        && existing.metadata.deletion_timestamp.is_none()
        && covers(&existing.metadata.labels, &wanted.metadata.labels)
        && covers(&existing.metadata.annotations, &wanted.metadata.annotations)
}

async fn apply(target: &Target, chart: &HelmChart) -> Result<(), TemplateError> {
    let failed = |message: String| TemplateError::Apply { message };
    let mut object = serde_json::to_value(chart).map_err(|error| failed(error.to_string()))?;
    if let Value::Object(map) = &mut object {
        map.remove("status");
    }
    let mapped = target.map(&object).await.map_err(|error| failed(error.to_string()))?;
    target.apply(&mapped, &object, NAME, false).await.map(drop).map_err(|error| failed(kube_text(&error)))
}

/// Deletes the HelmChart that the status names.
pub async fn delete(at: &mut Attempt<HelmRelease>, client: &Client, blocked: bool) -> Result<(), TemplateError> {
    let Some(known) = at.object().status.as_ref().and_then(|status| status.helm_chart.clone()) else { return Ok(()) };
    if let Some((namespace, name)) = known.split_once('/') {
        resolve::allow(at.object(), blocked, HelmChart::KIND, &ObjectKey::new(namespace, name))?;
        let api: Api<HelmChart> = Api::namespaced(client.clone(), namespace);
        match api.delete(name, &Default::default()).await {
            Ok(_) => at.event(Severity::Trace, "HelmChartDeleted", format!("deleted HelmChart '{known}'")),
            Err(kube::Error::Api(status)) if status.is_not_found() => {}
            Err(error) => return Err(TemplateError::Delete { name: known, message: kube_text(&error) }),
        }
    }
    at.object_mut().status_mut().helm_chart = None;
    Ok(())
}
