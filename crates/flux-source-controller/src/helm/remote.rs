//! Charts from a repository.

use flux_helm::Chart;

use super::build::{Build, BuildError, BuildOptions, BuildReason, Content, with_metadata};
use super::download::{DownloadError, Downloader, Found};
use super::local::package;
use super::metadata::archive_metadata;
use super::reference::RemoteReference;
use super::values::{merge_chart_values, overwrite_default_values};

/// What looking at the repository gave.
pub enum Planned {
    /// The last build will do.
    Done(Build),
    Download(Build, Found),
}

/// Finds the version, and decides whether the last build will do.
///
/// # Errors
/// What is wrong with the reference, and what the repository does not have.
pub async fn plan(
    repository: &dyn Downloader,
    reference: &RemoteReference,
    options: &BuildOptions,
) -> Result<Planned, BuildError> {
    reference.validate().map_err(|error| BuildError::new(BuildReason::ChartReference, error))?;
    let found = repository.chart_version(&reference.name, &reference.version).await.map_err(|error| {
        let reason = match error {
            DownloadError::Reference(_) => BuildReason::ChartReference,
            DownloadError::External(_) => BuildReason::ChartPull,
        };
        BuildError::new(reason, format!("failed to get chart version for remote reference: {error}"))
    })?;
    let mut build = Build { name: found.name.clone(), version: found.version.clone(), ..Build::default() };
    if !options.version_metadata.is_empty() {
        build.version = with_metadata(&build.version, &options.version_metadata)?;
    }
    match options.reuse(&build, options.repackages()) {
        Some(known) => Ok(Planned::Done(known)),
        None => Ok(Planned::Download(build, found)),
    }
}

/// Makes the chart of what was downloaded: the same bytes when nothing in them changes.
///
/// # Errors
/// What is no chart, or cannot be packaged.
pub fn finish(mut build: Build, archive: Vec<u8>, options: &BuildOptions) -> Result<Build, BuildError> {
    if !options.repackages() {
        archive_metadata(&archive, &format!("{}-{}.tgz", build.name, build.version), &options.limits).map_err(
            |error| {
                BuildError::new(
                    BuildReason::ChartPull,
                    format!("failed to load chart metadata from written chart: {error}"),
                )
            },
        )?;
        return Ok(Build { content: Content::New(archive), ..build });
    }
    let mut chart = Chart::from_archive(&archive, &options.limits.load()).map_err(|error| {
        BuildError::new(BuildReason::ChartPackage, format!("failed to load downloaded chart: {error}"))
    })?;
    chart.metadata.version.clone_from(&build.version);
    let failed = |error| BuildError::new(BuildReason::ValuesFiles, error);
    let (values, files) = merge_chart_values(&chart, &options.values_files, options.ignore_missing_values_files)
        .map_err(|error| BuildError::new(BuildReason::ValuesFiles, format!("failed to merge chart values: {error}")))?;
    if overwrite_default_values(&mut chart, Some(&values)).map_err(failed)? {
        build.values_files = files;
    }
    let archive = package(&chart)?;
    Ok(Build { content: Content::New(archive), packaged: true, ..build })
}

/// Builds a chart whole.
///
/// # Errors
/// As the steps.
pub async fn build(
    repository: &dyn Downloader,
    reference: &RemoteReference,
    options: &BuildOptions,
) -> Result<Build, BuildError> {
    match plan(repository, reference, options).await? {
        Planned::Done(build) => Ok(build),
        Planned::Download(build, found) => {
            let archive = repository.download(&found).await.map_err(|error| {
                BuildError::new(
                    BuildReason::ChartPull,
                    format!("failed to download chart for remote reference: {error}"),
                )
            })?;
            let options = options.clone();
            let work = tokio::task::spawn_blocking(move || finish(build, archive, &options));
            work.await.unwrap_or_else(|error| Err(BuildError::new(BuildReason::Unknown, error)))
        }
    }
}
