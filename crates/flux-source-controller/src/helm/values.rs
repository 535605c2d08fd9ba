//! Values files that become the default values of a chart.

use std::path::Path;

use flux_helm::values::{encode_values, floats, merge_maps};
use flux_helm::{Chart, Values};
use flux_kustomize::{FileKind, FileSystem};
use serde_json::Value;

use super::dependencies::{clean, secure_join};

const VALUES: &str = "values.yaml";

/// Why values files cannot be merged. Worded as upstream.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ValuesError {
    #[error("no values file found at path '{path}' (reference '{reference}')")]
    NotFoundAt { path: String, reference: String },
    #[error("no values file found at path '{path}'")]
    NotFound { path: String },
    #[error("could not read values from file '{path}': {reason}")]
    Read { path: String, reason: String },
    #[error("unmarshaling values from '{path}' failed: {reason}")]
    Malformed { path: String, reason: String },
    #[error("failed to locate values file: {VALUES}")]
    NoValuesFile,
    #[error("{0}")]
    Encode(String),
}

/// Whether the path names the chart's own values.
pub fn is_default_values_file(path: &str) -> bool {
    clean(path) == VALUES
}

fn read(text: &[u8], path: &str) -> Result<Values, ValuesError> {
    let malformed = |reason: String| ValuesError::Malformed { path: path.to_owned(), reason };
    let text = String::from_utf8_lossy(text);
    let value =
        flux_yaml::yaml_to_json(&text).map_err(|error| malformed(format!("error converting YAML to JSON: {error}")))?;
    match floats(value) {
        Value::Object(values) => Ok(values),
        Value::Null => Ok(Values::new()),
        other => {
            let found = match other {
                Value::String(_) => "string",
                Value::Array(_) => "array",
                Value::Bool(_) => "bool",
                _ => "number",
            };
            let text = "error unmarshaling JSON: while decoding JSON: json: cannot unmarshal";
            Err(malformed(format!("{text} {found} into Go value of type map[string]interface {{}}")))
        }
    }
}

/// Merges files of an unpacked source, the later ones winning; tells which files were found.
///
/// # Errors
/// A file that is missing, unless those are ignored, or is no table.
pub fn merge_file_values(
    fs: &dyn FileSystem,
    root: &Path,
    paths: &[String],
    ignore_missing: bool,
) -> Result<(Values, Vec<String>), ValuesError> {
    let (mut merged, mut found) = (Values::new(), Vec::new());
    for path in paths {
        let inside = secure_join(path);
        let at = root.join(&inside);
        match fs.kind(&at) {
            None if ignore_missing => continue,
            Some(FileKind::File) => {}
            _ => {
                return Err(ValuesError::NotFoundAt { path: format!("/{inside}"), reference: path.clone() });
            }
        }
        let bytes =
            fs.read(&at).map_err(|error| ValuesError::Read { path: path.clone(), reason: error.to_string() })?;
        merged = merge_maps(merged, read(&bytes, path)?);
        found.push(path.clone());
    }
    Ok((merged, found))
}

/// Merges files of a chart, the later ones winning; tells which files were found.
///
/// # Errors
/// As [`merge_file_values`].
pub fn merge_chart_values(
    chart: &Chart,
    paths: &[String],
    ignore_missing: bool,
) -> Result<(Values, Vec<String>), ValuesError> {
    let (mut merged, mut found) = (Values::new(), Vec::new());
    for path in paths {
        let name = clean(path);
        let values = if name == VALUES {
            chart.values.clone().unwrap_or_default()
        } else {
            match chart.files.iter().find(|file| file.name == name) {
                Some(file) => read(&file.data, path)?,
                None if ignore_missing => continue,
                None => return Err(ValuesError::NotFound { path: path.clone() }),
            }
        };
        merged = merge_maps(merged, values);
        found.push(path.clone());
    }
    Ok((merged, found))
}

/// Makes `values` the default values of a chart; `false` when they are already, or there are none to set.
///
/// # Errors
/// A chart without a values file.
pub fn overwrite_default_values(chart: &mut Chart, values: Option<&Values>) -> Result<bool, ValuesError> {
    let Some(values) = values else { return Ok(false) };
    let text = if values.is_empty() { String::new() } else { encode_values(values) };
    let known = chart.raw_file(VALUES).ok_or(ValuesError::NoValuesFile)?;
    if &*known.data == text.as_bytes() {
        return Ok(false);
    }
    for file in chart.files.iter_mut().filter(|file| file.name == VALUES) {
        file.data = text.as_bytes().into();
    }
    chart.set_default_values(&text).map_err(|error| ValuesError::Encode(error.to_string()))?;
    Ok(true)
}
