//! The definitions in a chart's `crds/`: made before anything else, never deleted.

use std::time::Duration;

use flux_api::helm::CrdsPolicy;
use flux_apply::{WaitOptions, metadata};
use flux_helm::values::process_dependencies;

use crate::objects::{self, Method, ObjectError, Resource};
use crate::post_render::origin_labels;
use crate::spec;
use crate::work::{Request, Work};

/// Definitions may take so long to become usable.
const ESTABLISHED: Duration = Duration::from_secs(60);

/// Why definitions were not made. Worded as upstream.
#[derive(Debug, thiserror::Error)]
pub enum CrdError {
    #[error("invalid CRD upgrade policy '{policy}', valid values are 'Skip', 'Create' or 'CreateReplace'")]
    Policy { policy: String },
    #[error("failed to process chart dependencies: {0}")]
    Dependencies(flux_helm::values::CoalesceError),
    #[error("failed to parse CustomResourceDefinitions from {file}: {source}")]
    Parse { file: String, source: ObjectError },
    #[error("failed to {action} CustomResourceDefinition {name}: {source}")]
    Write { action: &'static str, name: String, source: ObjectError },
    #[error("failed to wait for CustomResourceDefinition(s): {0}")]
    Wait(flux_apply::HealthError),
}

/// Applies the definitions of the chart, and of the charts in it that are enabled.
pub async fn apply(
    work: &mut Work,
    request: &Request,
    policy: Option<&CrdsPolicy>,
    method: Method,
) -> Result<(), CrdError> {
    let policy = spec::crds_policy(policy);
    if let CrdsPolicy::Other(policy) = policy {
        return Err(CrdError::Policy { policy });
    }
    if policy == CrdsPolicy::Skip || request.chart.crds().is_empty() {
        return Ok(());
    }
    let mut chart = (*request.chart).clone();
    process_dependencies(&mut chart, &request.values).map_err(CrdError::Dependencies)?;
    let resources = definitions(work, request, &chart).await?;
    if resources.is_empty() {
        return Ok(());
    }
    work.log.line(&format!("applying CustomResourceDefinition(s) with policy {policy}"), &[]);
    let mut subjects = Vec::new();
    for resource in &resources {
        let failed = |action| move |source| CrdError::Write { action, name: resource.name().to_owned(), source };
        let existing = objects::get(&work.target, resource).await.map_err(failed("create"))?;
        let answer = match (&existing, &policy) {
            (None, _) => objects::create(&work.target, resource, method).await.map_err(failed("create"))?,
            // With server-side apply, creating means applying: the definition follows the chart.
            (Some(_), CrdsPolicy::Create) if matches!(method, Method::ServerSide { .. }) => {
                objects::create(&work.target, resource, method).await.map_err(failed("create"))?
            }
            (Some(_), CrdsPolicy::Create) => {
                work.log
                    .line(&format!("CustomResourceDefinition {} is already present. Skipping.", resource.name()), &[]);
                continue;
            }
            (Some(existing), _) => {
                objects::update(&work.target, None, resource, existing, method, true).await.map_err(failed("update"))?
            }
        };
        subjects.push(resource.subject(Some(answer)));
    }
    let versions: Vec<String> = resources.iter().flat_map(|resource| served(&resource.object)).collect();
    let options = WaitOptions { timeout: ESTABLISHED, fail_fast: true, ..WaitOptions::default() };
    let (health, target) = (work.health.clone(), work.target.clone());
    work.slot.idle(health.wait(&target, subjects, &options)).await.map_err(CrdError::Wait)?;
    for version in versions {
        work.target.mapper().invalidate(&version);
    }
    work.discovery.forget(&work.target);
    Ok(())
}

/// The definitions; other objects below `crds/` are left out.
async fn definitions(work: &mut Work, request: &Request, chart: &flux_helm::Chart) -> Result<Vec<Resource>, CrdError> {
    let labels = origin_labels(&request.object);
    let mut found = Vec::new();
    for crd in chart.crds() {
        let failed = |source| CrdError::Parse { file: crd.filename.clone(), source };
        for mut object in objects::documents(&crd.file.text()).map_err(failed)? {
            let is_definition = metadata::kind(&object) == "CustomResourceDefinition"
                && metadata::group_version(&object).0 == "apiextensions.k8s.io";
            if !is_definition {
                tracing::info!(
                    file = crd.filename,
                    kind = metadata::kind(&object),
                    name = metadata::name(&object),
                    "warning: ignoring non-CRD resources found in the chart's crds/ directory"
                );
                continue;
            }
            metadata::set_entries(&mut object, "labels", &labels);
            let mapped = work.target.map(&object).await;
            let mapped = mapped.map_err(|error| failed(ObjectError::Discovery { message: error.to_string() }))?;
            found.push(Resource { object, mapped });
        }
    }
    Ok(found)
}

fn served(definition: &serde_json::Value) -> Vec<String> {
    let group = definition.pointer("/spec/group").and_then(serde_json::Value::as_str).unwrap_or_default();
    let versions = definition.pointer("/spec/versions").and_then(serde_json::Value::as_array);
    let name = |version: &serde_json::Value| Some(format!("{group}/{}", version.get("name")?.as_str()?));
    versions.into_iter().flatten().filter_map(name).collect()
}
