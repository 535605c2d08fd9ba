//! From a list of files to a chart.

use std::collections::BTreeMap;

use serde_json::Value;

use super::archive::archive_files;
use super::metadata::Nulls;
use super::{ArchiveError, Chart, DirectoryError, File, Limits, Lock, Metadata, ValidationError, base_name};
use crate::decode;
use crate::values::{ReadError, read_values};

/// Why a chart cannot be loaded, in Helm's words.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum LoadError {
    #[error(transparent)]
    Archive(#[from] ArchiveError),
    #[error(transparent)]
    Directory(#[from] DirectoryError),
    /// `Chart.yaml`, `Chart.lock` or their older names do not read.
    #[error("cannot load {file}: {reason}")]
    File { file: &'static str, reason: String },
    #[error("cannot load values.yaml: {source}")]
    Values { source: ReadError },
    #[error("Chart.yaml file is missing")]
    NoChartYaml,
    #[error("validation: {0}")]
    Validation(#[from] ValidationError),
    #[error("error unpacking subchart {name} in {chart}: {source}")]
    Subchart { name: String, chart: String, source: Box<LoadError> },
    #[error("error unpacking subchart tar in {chart}: expected {expected}, got {found}")]
    SubchartTar { chart: String, expected: String, found: String },
    #[error("charts lie more than {limit} levels deep")]
    TooDeep { limit: usize },
}

pub(super) fn load(files: Vec<File>, limits: &Limits) -> Result<Chart, LoadError> {
    let mut budget = limits.chart_bytes;
    load_at(files, limits, &mut budget, 0)
}

/// `budget` bounds what archives inside archives unpack to, all together.
fn load_at(files: Vec<File>, limits: &Limits, budget: &mut u64, depth: usize) -> Result<Chart, LoadError> {
    if depth > limits.depth {
        return Err(LoadError::TooDeep { limit: limits.depth });
    }
    let mut loading = Loading::default();
    loading.chart.raw.clone_from(&files);
    for file in files.iter().filter(|file| file.name == "Chart.yaml") {
        let value = read_yaml("Chart.yaml", file)?;
        loading.metadata("Chart.yaml", &value)?;
        if loading.chart.metadata.api_version.is_empty() {
            loading.chart.metadata.api_version = "v1".to_owned();
        }
        loading.chart.mod_time = file.mod_time;
    }
    let mut subcharts: BTreeMap<String, Vec<File>> = BTreeMap::new();
    for file in files {
        loading.file(file, &mut subcharts)?;
    }
    let Loading { mut chart, nulls, found } = loading;
    if !found {
        return Err(LoadError::NoChartYaml);
    }
    chart.metadata.validate_with(nulls)?;
    for (name, files) in subcharts {
        if name.starts_with(['_', '.']) {
            continue;
        }
        let loaded = subchart(&chart, &name, files, limits, budget, depth)?;
        chart.dependencies.push(loaded);
    }
    Ok(chart)
}

#[derive(Default)]
struct Loading {
    chart: Chart,
    nulls: Nulls,
    /// There is metadata of some kind.
    found: bool,
}

fn read_yaml(file: &'static str, content: &File) -> Result<Value, LoadError> {
    let value = flux_yaml::yaml_to_json(&content.text());
    value.map_err(|error| LoadError::File { file, reason: format!("error converting YAML to JSON: {error}") })
}

impl Loading {
    fn metadata(&mut self, file: &'static str, value: &Value) -> Result<(), LoadError> {
        self.found = true;
        let metadata: &mut Metadata = &mut self.chart.metadata;
        let read = decode::json(value, |decoder, value| metadata.read(decoder, value, ""));
        self.nulls = read.map_err(|reason| LoadError::File { file, reason })?;
        Ok(())
    }

    fn lock(&mut self, file: &'static str, content: &File) -> Result<(), LoadError> {
        let value = read_yaml(file, content)?;
        let lock = decode::json(&value, Lock::read).map_err(|reason| LoadError::File { file, reason })?;
        self.chart.lock = (!value.is_null()).then_some(lock);
        Ok(())
    }

    fn file(&mut self, file: File, subcharts: &mut BTreeMap<String, Vec<File>>) -> Result<(), LoadError> {
        let old_format = |chart: &Chart| chart.metadata.api_version == "v1";
        match file.name.as_str() {
            "Chart.yaml" => {}
            "Chart.lock" => self.lock("Chart.lock", &file)?,
            "values.yaml" => {
                let values = read_values(&file.text()).map_err(|source| LoadError::Values { source })?;
                self.chart.values = Some(values);
            }
            "values.schema.json" => {
                self.chart.schema = Some(file.data.clone());
                self.chart.schema_mod_time = file.mod_time;
            }
            "requirements.yaml" => {
                let value = read_yaml("requirements.yaml", &file)?;
                self.metadata("requirements.yaml", &value)?;
                if old_format(&self.chart) {
                    self.chart.files.push(file);
                }
            }
            "requirements.lock" => {
                self.lock("requirements.lock", &file)?;
                self.found = true;
                if old_format(&self.chart) {
                    self.chart.files.push(file);
                }
            }
            name if name.starts_with("templates/") => self.chart.templates.push(file),
            name => match name.strip_prefix("charts/") {
                Some(inner) if !name.ends_with(".prov") => {
                    let chart = inner.split('/').next().unwrap_or(inner).to_owned();
                    let name = inner.to_owned();
                    subcharts.entry(chart).or_default().push(File { name, ..file });
                }
                _ => self.chart.files.push(file),
            },
        }
        Ok(())
    }
}

fn subchart(
    chart: &Chart,
    name: &str,
    files: Vec<File>,
    limits: &Limits,
    budget: &mut u64,
    depth: usize,
) -> Result<Chart, LoadError> {
    let parent = || chart.name().to_owned();
    let loaded = if base_name(name).ends_with(".tgz") {
        let Some(file) = files.first() else { return Err(LoadError::NoChartYaml) };
        if file.name != name {
            return Err(LoadError::SubchartTar {
                chart: parent(),
                expected: name.to_owned(),
                found: file.name.clone(),
            });
        }
        unpack(&file.data, limits, budget, depth)
    } else {
        let inside = files.into_iter().filter_map(|file| {
            let (_, rest) = file.name.split_once('/')?;
            Some(File { name: rest.to_owned(), ..file })
        });
        load_at(inside.collect(), limits, budget, depth + 1)
    };
    loaded.map_err(|source| LoadError::Subchart { name: name.to_owned(), chart: parent(), source: Box::new(source) })
}

fn unpack(data: &[u8], limits: &Limits, budget: &mut u64, depth: usize) -> Result<Chart, LoadError> {
    let within = Limits { chart_bytes: limits.chart_bytes.min(*budget), ..*limits };
    let files = archive_files(data, &within)?;
    let size: usize = files.iter().map(|file| file.data.len()).sum();
    *budget = budget.saturating_sub(size as u64);
    load_at(files, limits, budget, depth + 1)
}
