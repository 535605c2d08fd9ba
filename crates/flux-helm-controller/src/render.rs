//! From a chart and values to what a release holds. Runs off the runtime's threads.

use flux_helm::{Capabilities, ReleaseOptions, RenderError, RenderOptions, Rendered, render};
use flux_runtime::failpoints;

use crate::cluster::{ClusterError, ClusterHost};
use crate::post_render::Renderers;
use crate::spec;
use crate::work::{Request, Work};

/// Why a chart was not rendered.
#[derive(Debug, thiserror::Error)]
pub enum RenderStepError {
    #[error(transparent)]
    Cluster(#[from] ClusterError),
    #[error(transparent)]
    Render(#[from] RenderError),
    #[error("rendering ended with a defect: {0}")]
    Defect(String),
}

/// Renders the chart for a revision. The values may be others than the request's.
pub async fn chart(
    work: &mut Work,
    request: &Request,
    values: &flux_helm::Values,
    revision: i64,
    is_upgrade: bool,
    skip_schema: bool,
) -> Result<Rendered, RenderStepError> {
    failpoints::pass("helm-render");
    let capabilities: Capabilities = work.discovery.capabilities(&work.target).await?;
    let (request, values) = (request.clone(), values.clone());
    let host = ClusterHost { target: work.target.clone(), runtime: tokio::runtime::Handle::current() };
    let work = move || {
        let release = ReleaseOptions {
            name: spec::short_release_name(&request.object),
            namespace: spec::release_namespace(&request.object).to_owned(),
            revision,
            is_upgrade,
        };
        let renderers = Renderers::of(&request.object);
        let strategy = spec::post_render_strategy(&request.object, request.options.use_helm3_defaults);
        let options = RenderOptions {
            skip_schema,
            post_renderer: Some((&renderers, strategy)),
            ..RenderOptions::new(release, capabilities, &host)
        };
        render(&request.chart, &values, &options)
    };
    let rendered = tokio::task::spawn_blocking(work).await;
    Ok(rendered.map_err(|error| RenderStepError::Defect(error.to_string()))??)
}
