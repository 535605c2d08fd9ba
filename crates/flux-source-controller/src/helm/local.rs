//! Charts from an unpacked source: a folder, or an archive that somebody packaged.

use flux_helm::{Chart, Time};
use flux_kustomize::{FileKind, FileSystem};

use super::build::{Build, BuildError, BuildOptions, BuildReason, Content, with_metadata};
use super::dependencies::{DependencyManager, load, secure_join};
use super::metadata::{MetadataError, archive_metadata, directory_metadata};
use super::reference::LocalReference;
use super::values::{merge_file_values, overwrite_default_values};

/// A chart that is loaded and waits for its dependencies.
pub struct Loaded {
    build: Build,
    chart: Chart,
    /// Whether dependencies are looked for.
    folder: bool,
}

/// What looking at the source gave.
pub enum Prepared {
    /// Nothing is left to do.
    Done(Build),
    Package(Box<Loaded>),
}

/// Reads the chart, decides whether the last build will do, and merges values files.
///
/// # Errors
/// What is wrong with the reference, the chart or its values files.
pub fn prepare(
    fs: &dyn FileSystem,
    reference: &LocalReference,
    options: &BuildOptions,
) -> Result<Prepared, BuildError> {
    let invalid = |error: &dyn std::fmt::Display| BuildError::new(BuildReason::ChartReference, error);
    reference.validate().map_err(|error| invalid(&error))?;
    let inside = secure_join(&reference.path);
    let at = reference.work_dir.join(&inside);
    let shown = format!("/{inside}");
    let kind = fs.kind(&at).ok_or_else(|| {
        let path = std::path::PathBuf::from(&shown);
        invalid(&MetadataError::Missing { operation: "stat", path })
    })?;
    let folder = kind == FileKind::Dir;
    let mut archive = Vec::new();
    let metadata = if folder {
        directory_metadata(fs, &at, &shown, &options.limits)
    } else {
        archive = fs.read(&at).map_err(|error| invalid(&error))?.to_vec();
        archive_metadata(&archive, inside.rsplit('/').next().unwrap_or_default(), &options.limits)
    };
    let metadata = metadata.map_err(|error| invalid(&error))?;
    let mut build = Build { name: metadata.name, version: metadata.version, ..Build::default() };
    if !options.version_metadata.is_empty() {
        build.version = with_metadata(&build.version, &options.version_metadata)?;
    }
    let packages = folder || options.repackages();
    if let Some(known) = options.reuse(&build, packages) {
        return Ok(Prepared::Done(known));
    }
    if !packages {
        return Ok(Prepared::Done(Build { content: Content::New(archive), ..build }));
    }
    let values_error = |error| BuildError::new(BuildReason::ValuesFiles, error);
    let merged = if options.values_files().is_empty() {
        None
    } else {
        let ignore_missing = options.ignore_missing_values_files;
        Some(merge_file_values(fs, &reference.work_dir, &options.values_files, ignore_missing).map_err(values_error)?)
    };
    let mut chart =
        load(fs, &at, kind, &options.limits).map_err(|error| BuildError::new(BuildReason::ChartPackage, error))?;
    chart.metadata.version.clone_from(&build.version);
    if let Some((values, files)) = merged
        && overwrite_default_values(&mut chart, Some(&values)).map_err(values_error)?
    {
        build.values_files = files;
    }
    Ok(Prepared::Package(Box::new(Loaded { build, chart, folder })))
}

impl Loaded {
    /// Adds what the chart needs and lacks.
    ///
    /// # Errors
    /// A dependency that is not to be had.
    pub async fn resolve(
        &mut self,
        fs: &dyn FileSystem,
        reference: &LocalReference,
        dependencies: &mut DependencyManager<'_>,
    ) -> Result<(), BuildError> {
        if self.folder {
            let resolved = dependencies.build(fs, reference, &mut self.chart).await;
            self.build.resolved_dependencies =
                resolved.map_err(|error| BuildError::new(BuildReason::DependencyBuild, error))?;
        }
        Ok(())
    }

    /// Packages the chart. The same content gives the same bytes.
    ///
    /// # Errors
    /// A chart that cannot be packaged.
    pub fn package(self) -> Result<Build, BuildError> {
        let archive = package(&self.chart)?;
        Ok(Build { content: Content::New(archive), packaged: true, ..self.build })
    }
}

/// The archive of a chart; files without a time of their own take the epoch, so that digests do not wander.
pub(super) fn package(chart: &Chart) -> Result<Vec<u8>, BuildError> {
    let failed = |error: &dyn std::fmt::Display| {
        BuildError::new(BuildReason::ChartPackage, format!("failed to package chart: {error}"))
    };
    chart.package(Time::from_unix(0)).map_err(|error| failed(&error))
}

/// Builds a chart whole.
///
/// # Errors
/// As the steps.
pub async fn build(
    fs: &dyn FileSystem,
    reference: &LocalReference,
    options: &BuildOptions,
    dependencies: &mut DependencyManager<'_>,
) -> Result<Build, BuildError> {
    match prepare(fs, reference, options)? {
        Prepared::Done(build) => Ok(build),
        Prepared::Package(mut loaded) => {
            loaded.resolve(fs, reference, dependencies).await?;
            loaded.package()
        }
    }
}
