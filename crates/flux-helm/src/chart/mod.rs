//! Charts in memory: metadata, templates, default values, schema, files and the charts inside.

mod archive;
mod dependency;
mod directory;
mod load;
mod metadata;
mod save;

use std::sync::Arc;

pub use archive::{ArchiveError, Limits, archive_files, ensure_archive};
pub use dependency::{Dependency, Lock};
pub use directory::{DirectoryError, directory_files};
pub use load::LoadError;
pub use metadata::{Maintainer, Metadata, ValidationError};
pub use save::SaveError;

pub(crate) use metadata::{base_name, go_quote};

use crate::Time;
use crate::values::Values;

/// A file of a chart: its path relative to the chart, its content, and when it was changed if that is known.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct File {
    pub name: String,
    pub data: Arc<[u8]>,
    /// Go's zero time when unknown; it then stays out of the release record.
    pub mod_time: Time,
}

impl File {
    pub fn new(name: impl Into<String>, data: impl Into<Arc<[u8]>>) -> Self {
        Self { name: name.into(), data: data.into(), mod_time: Time::default() }
    }

    /// The content as text; bytes that are not UTF-8 become U+FFFD.
    pub fn text(&self) -> std::borrow::Cow<'_, str> {
        String::from_utf8_lossy(&self.data)
    }
}

/// A chart with the charts it contains. Cloning is cheap: contents are shared.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Chart {
    pub metadata: Metadata,
    pub lock: Option<Lock>,
    /// Files below `templates/`.
    pub templates: Vec<File>,
    /// Default values; `None` when there is no `values.yaml`.
    pub values: Option<Values>,
    /// `values.schema.json` as it is.
    pub schema: Option<Arc<[u8]>>,
    pub schema_mod_time: Time,
    /// All other files: what `.Files` shows, and `crds/`.
    pub files: Vec<File>,
    /// Every file as it was found, `Chart.yaml` and `values.yaml` included, those of subcharts as well.
    pub raw: Vec<File>,
    pub mod_time: Time,
    /// The charts in `charts/`.
    pub dependencies: Vec<Chart>,
}

/// A file below `crds/` of a chart or of one inside it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Crd {
    /// The path from the root chart's name on: `app/charts/db/crds/x.yaml`.
    pub filename: String,
    pub file: File,
}

impl Chart {
    /// Loads a chart from its packaged form: the bytes of a `.tgz`, or of an OCI chart layer.
    ///
    /// # Errors
    /// What is wrong with the archive or the chart, in Helm's words.
    pub fn from_archive(bytes: &[u8], limits: &Limits) -> Result<Self, LoadError> {
        Self::from_files(archive_files(bytes, limits)?, limits)
    }

    /// Loads a chart from a folder, leaving out what its `.helmignore` excludes.
    ///
    /// # Errors
    /// As [`Chart::from_archive`], and what the file system says.
    pub fn from_directory(
        fs: &dyn flux_kustomize::FileSystem,
        path: &std::path::Path,
        limits: &Limits,
    ) -> Result<Self, LoadError> {
        Self::from_files(directory_files(fs, path, limits)?, limits)
    }

    /// Loads a chart from its files, whose names are relative to the chart.
    ///
    /// # Errors
    /// As [`Chart::from_archive`].
    pub fn from_files(files: Vec<File>, limits: &Limits) -> Result<Self, LoadError> {
        load::load(files, limits)
    }

    /// The chart's name, or the alias its parent gave it.
    pub fn name(&self) -> &str {
        &self.metadata.name
    }

    /// The custom resource definitions of the chart and then of those inside, in the order of the files.
    pub fn crds(&self) -> Vec<Crd> {
        let mut found = Vec::new();
        self.collect_crds(self.name(), &mut found);
        found
    }

    fn collect_crds(&self, path: &str, found: &mut Vec<Crd>) {
        let named = self.files.iter().filter(|file| file.name.starts_with("crds/") && is_manifest(&file.name));
        found.extend(named.map(|file| Crd { filename: format!("{path}/{}", file.name), file: file.clone() }));
        for chart in &self.dependencies {
            chart.collect_crds(&format!("{path}/charts/{}", chart.name()), found);
        }
    }

    /// The file as it was found, `values.yaml` with its comments for instance.
    pub fn raw_file(&self, name: &str) -> Option<&File> {
        self.raw.iter().find(|file| file.name == name)
    }

    /// Names of dependencies that `Chart.yaml` lists and `charts/` lacks.
    pub fn missing_dependencies(&self) -> Vec<String> {
        let has = |wanted: &Dependency| self.dependencies.iter().any(|chart| chart.name() == wanted.name);
        let wanted = self.metadata.dependencies.iter().flatten();
        wanted.filter(|wanted| !has(wanted)).map(|wanted| wanted.name.clone()).collect()
    }
}

fn is_manifest(name: &str) -> bool {
    let extension = base_name(name).rsplit_once('.').map_or("", |(_, extension)| extension);
    ["yaml", "yml", "json"].iter().any(|known| extension.eq_ignore_ascii_case(known))
}
