//! How a chart is built, and what came of it.

use std::fmt;
use std::path::PathBuf;

use flux_semver::{Version, VersionError};

use super::ChartLimits;
use super::metadata::archive_metadata_at;
use super::values::is_default_values_file;

/// What a build may change, and what it may leave as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BuildOptions {
    /// Build metadata for the chart's version; empty for none.
    pub version_metadata: String,
    /// Merged in their order, they become the chart's `values.yaml`.
    pub values_files: Vec<String>,
    pub ignore_missing_values_files: bool,
    /// The archive of the last build.
    pub cached_chart: Option<PathBuf>,
    /// What the last build was made of, when not all of them.
    pub cached_values_files: Vec<String>,
    /// Builds although name and version are those of the last build.
    pub force: bool,
    pub limits: ChartLimits,
}

impl BuildOptions {
    /// The values files; none when the only one is the chart's own.
    pub fn values_files(&self) -> &[String] {
        match self.values_files.as_slice() {
            [only] if is_default_values_file(only) => &[],
            files => files,
        }
    }

    /// Whether the chart cannot stay as it was packaged.
    pub fn repackages(&self) -> bool {
        !self.version_metadata.is_empty() || !self.values_files().is_empty()
    }

    /// The last build, when it is of that name and version.
    pub(super) fn reuse(&self, build: &Build, packaged: bool) -> Option<Build> {
        let cached = self.cached_chart.as_ref().filter(|_| !self.force)?;
        // A damaged file is no reason to fail: the chart is built again.
        let metadata = archive_metadata_at(cached, &self.limits).ok()?;
        if metadata.name != build.name || metadata.version != build.version {
            return None;
        }
        let files = if self.cached_values_files.is_empty() {
            self.values_files().to_vec()
        } else {
            self.cached_values_files.clone()
        };
        Some(Build { content: Content::Cached, values_files: files, packaged, ..build.clone() })
    }
}

/// The archive of a build.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Content {
    /// Not built (yet).
    #[default]
    None,
    /// The one of the last build.
    Cached,
    New(Vec<u8>),
}

/// A chart that was built, or is about to be.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Build {
    pub name: String,
    pub version: String,
    pub content: Content,
    /// Those that became the chart's default values.
    pub values_files: Vec<String>,
    pub resolved_dependencies: usize,
    /// Whether the archive was made here, not taken as it was.
    pub packaged: bool,
}

impl Build {
    pub fn has_metadata(&self) -> bool {
        !self.name.is_empty() && !self.version.is_empty()
    }

    pub fn complete(&self) -> bool {
        self.has_metadata() && self.content != Content::None
    }

    /// What conditions and events say of it.
    pub fn summary(&self) -> String {
        if !self.has_metadata() {
            return "no chart build".to_owned();
        }
        let action = match (&self.content, self.packaged) {
            (Content::None, _) => "new",
            (_, true) => "packaged",
            (_, false) => "pulled",
        };
        let mut text = format!("{action} '{}' chart with version '{}'", self.name, self.version);
        if !self.values_files.is_empty() {
            text.push_str(&format!(" and merged values files [{}]", self.values_files.join(" ")));
        }
        text
    }
}

/// What kind of failure a build ended with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BuildReason {
    ChartReference,
    ChartPull,
    MetadataPatch,
    ValuesFiles,
    DependencyBuild,
    ChartPackage,
    ChartVerification,
    Unknown,
}

impl BuildReason {
    /// As it stands in conditions.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ChartReference => "InvalidChartReference",
            Self::ChartPull => "ChartPullError",
            Self::MetadataPatch => "MetadataPatchError",
            Self::ValuesFiles => "ValuesFilesError",
            Self::DependencyBuild => "DependencyBuildError",
            Self::ChartPackage => "ChartPackageError",
            Self::ChartVerification => "ChartVerificationError",
            Self::Unknown => "Unknown",
        }
    }

    /// As messages begin.
    pub const fn summary(self) -> &'static str {
        match self {
            Self::ChartReference => "invalid chart reference",
            Self::ChartPull => "chart pull error",
            Self::MetadataPatch => "chart metadata patch error",
            Self::ValuesFiles => "values files merge error",
            Self::DependencyBuild => "dependency build error",
            Self::ChartPackage => "chart package error",
            Self::ChartVerification => "chart verification error",
            Self::Unknown => "unknown build error",
        }
    }

    /// Whether only an edit helps.
    pub const fn persistent(self) -> bool {
        matches!(self, Self::ChartReference | Self::MetadataPatch | Self::ValuesFiles)
    }

    /// Whether the chart was there, and only what was made of it failed.
    pub const fn after_fetch(self) -> bool {
        matches!(
            self,
            Self::MetadataPatch
                | Self::ValuesFiles
                | Self::DependencyBuild
                | Self::ChartPackage
                | Self::ChartVerification
        )
    }
}

/// Why a chart was not built.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}{}", prefix(.reason), .text)]
pub struct BuildError {
    pub reason: BuildReason,
    pub text: String,
}

fn prefix(reason: &BuildReason) -> String {
    format!("{}: ", reason.summary())
}

impl BuildError {
    pub fn new(reason: BuildReason, text: impl fmt::Display) -> Self {
        Self { reason, text: text.to_string() }
    }
}

/// The version with its build metadata replaced.
///
/// # Errors
/// What is no semantic version.
pub fn with_metadata(version: &str, metadata: &str) -> Result<String, BuildError> {
    let failed =
        |what: &str, error: &dyn fmt::Display| BuildError::new(BuildReason::MetadataPatch, format!("{what}: {error}"));
    let parsed = Version::parse(version)
        .map_err(|error| failed("failed to parse version from chart metadata as SemVer", &error))?;
    let prerelease = if parsed.prerelease.is_empty() { String::new() } else { format!("-{}", parsed.prerelease) };
    let text = format!("{}.{}.{}{prerelease}+{metadata}", parsed.major, parsed.minor, parsed.patch);
    let patched = Version::parse(&text)
        .map_err(|_| failed("failed to set SemVer metadata on chart version", &VersionError::Metadata))?;
    Ok(patched.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metadata_is_replaced() {
        assert_eq!(with_metadata("v1.2", "foo").as_deref(), Ok("1.2.0+foo"));
        assert_eq!(with_metadata("1.2.3-rc.1+old", "abc.7").as_deref(), Ok("1.2.3-rc.1+abc.7"));
        let error = with_metadata("x", "foo").expect_err("no version").to_string();
        assert!(
            error.starts_with("chart metadata patch error: failed to parse version from chart metadata"),
            "{error}"
        );
        let error = with_metadata("1.0.0", "a_b").expect_err("bad metadata").to_string();
        assert!(error.contains("failed to set SemVer metadata on chart version"), "{error}");
    }

    #[test]
    fn summaries() {
        let mut build = Build::default();
        assert_eq!(build.summary(), "no chart build");
        build = Build { name: "app".into(), version: "1.0.0".into(), ..build };
        assert_eq!(build.summary(), "new 'app' chart with version '1.0.0'");
        build.content = Content::Cached;
        assert_eq!(build.summary(), "pulled 'app' chart with version '1.0.0'");
        build = Build { packaged: true, values_files: vec!["a.yaml".into(), "b.yaml".into()], ..build };
        assert_eq!(
            build.summary(),
            "packaged 'app' chart with version '1.0.0' and merged values files [a.yaml b.yaml]"
        );
    }
}
