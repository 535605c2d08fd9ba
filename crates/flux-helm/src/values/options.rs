//! The flags that give values on a command line, in Helm's order.

use serde_json::Value;

use super::read::floats;
use super::set::{SetKind, parse_set_file, parse_set_into};
use super::{ReadError, SetError, Values, merge_maps, read_values};

/// What `--values`, `--set` and their relatives said.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ValuesOptions {
    /// `--values`: name and content, in order.
    pub files: Vec<(String, String)>,
    /// `--set-json`.
    pub json: Vec<String>,
    /// `--set`.
    pub set: Vec<String>,
    /// `--set-string`.
    pub text: Vec<String>,
    /// `--set-file`.
    pub from_files: Vec<String>,
    /// `--set-literal`.
    pub literal: Vec<String>,
}

/// Which flag could not be read, in Helm's words.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OptionsError {
    #[error("failed to parse {file}: {source}")]
    File { file: String, source: ReadError },
    #[error("failed parsing --set-json data JSON: {data}")]
    JsonObject { data: String },
    #[error("failed parsing --set-json data {data}")]
    Json { data: String },
    #[error("failed parsing --{flag} data: {source}")]
    Set { flag: &'static str, source: SetError },
}

impl ValuesOptions {
    /// Merges all of them: files, then JSON, then `--set`, texts, files' contents, literals. `read` gives the
    /// content of a file that `--set-file` names.
    ///
    /// # Errors
    /// The first flag that does not read.
    pub fn merge(&self, mut read: impl FnMut(&str) -> Result<String, String>) -> Result<Values, OptionsError> {
        let mut values = Values::new();
        for (file, content) in &self.files {
            let found = read_values(content).map_err(|source| OptionsError::File { file: file.clone(), source })?;
            values = merge_maps(values, found);
        }
        for data in &self.json {
            values = set_json(values, data)?;
        }
        let set = |flag| move |source| OptionsError::Set { flag, source };
        for line in &self.set {
            parse_set_into(&mut values, line, SetKind::Typed).map_err(set("set"))?;
        }
        for line in &self.text {
            parse_set_into(&mut values, line, SetKind::Text).map_err(set("set-string"))?;
        }
        for line in &self.from_files {
            parse_set_file(&mut values, line, &mut read).map_err(set("set-file"))?;
        }
        for line in &self.literal {
            parse_set_into(&mut values, line, SetKind::Literal).map_err(set("set-literal"))?;
        }
        Ok(values)
    }
}

fn set_json(mut values: Values, data: &str) -> Result<Values, OptionsError> {
    if !data.trim().starts_with('{') {
        parse_set_into(&mut values, data, SetKind::Json).map_err(|_| OptionsError::Json { data: data.to_owned() })?;
        return Ok(values);
    }
    match serde_json::from_str(data.trim()).map(floats) {
        Ok(Value::Object(found)) => Ok(merge_maps(values, found)),
        _ => Err(OptionsError::JsonObject { data: data.to_owned() }),
    }
}
