//! The archive of a chart as an artifact.

use flux_api::HelmChart;
use flux_runtime::{Attempt, failpoints};

use super::HelmChartReconciler;
use crate::helm::build::{Build, Content};
use crate::reason::{Failure, Reason};

impl HelmChartReconciler {
    /// Stores a new archive, and says on the object what is stored.
    pub(super) async fn store(&self, at: &mut Attempt<HelmChart>, build: &mut Build) -> Result<(), Failure> {
        let archive = match std::mem::replace(&mut build.content, Content::Cached) {
            Content::New(archive) => archive,
            Content::Cached => return Ok(()),
            Content::None => return Err(Failure::fetch(Reason::Failed, "no chart build")),
        };
        let (storage, key) = (self.storage.clone(), at.key().clone());
        let (name, version) = (build.name.clone(), build.version.clone());
        let work = move || {
            let file = format!("{name}-{version}.tgz");
            let mut artifact = storage.new_artifact(HelmChart::KIND, &key.namespace, &key.name, &version, &file);
            let written = storage.store(&mut artifact, |out| {
                out.write_all(&archive).map_err(|source| flux_artifact::StorageError::Io {
                    operation: "write",
                    path: file.clone().into(),
                    source,
                })
            });
            written.map_err(|error| {
                let message = format!("unable to copy Helm chart to storage: {error}");
                Failure::storage(Reason::ArchiveOperationFailed, message)
            })?;
            let latest = storage.link(&artifact, "latest.tar.gz");
            if let Err(error) = &latest {
                tracing::warn!(%error, "failed to update status URL symlink");
            }
            Ok((artifact, latest.ok()))
        };
        let (artifact, latest) = tokio::task::spawn_blocking(work).await.unwrap_or_else(|error| {
            Err(Failure::storage(Reason::ArchiveOperationFailed, format!("the work was cut off: {error}")))
        })?;
        failpoints::pass("archive");
        let keeps_files = at.object().spec.ignore_missing_values_files;
        let status = at.status_mut();
        status.artifact = Some(artifact);
        status.observed_chart_name = Some(build.name.clone());
        status.observed_values_files = if keeps_files { build.values_files.clone() } else { Vec::new() };
        status.url = latest.or_else(|| status.url.take());
        Ok(())
    }
}
