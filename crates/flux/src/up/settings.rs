//! `.flux-up.yaml`: which URLs are served from this machine, and what is simulated.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde_json::Value;

/// Name of the file at the root of what `flux up` is given.
pub const FILE: &str = ".flux-up.yaml";

/// Larger than any sensible settings file.
const BYTES_AT_MOST: u64 = 1 << 20;

/// Why the settings cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    #[error("cannot read `{path}`")]
    Read { path: PathBuf, source: io::Error },
    #[error("`{path}` is larger than 1 MiB")]
    TooLarge { path: PathBuf },
    #[error("`{path}` is not valid YAML: {message}")]
    Yaml { path: PathBuf, message: String },
    #[error("`{path}`: `{field}` must be {expected}")]
    Field { path: PathBuf, field: String, expected: &'static str },
    #[error("`--map {text}` is not of the form URL=DIR")]
    Map { text: String },
    #[error("`{path}`: {source}")]
    Simulation { path: PathBuf, source: flux_simulate::ConfigError },
}

/// The file's content, checked for what `flux up` itself reads.
pub struct Settings {
    path: PathBuf,
    /// URL as written to the directory that serves it.
    pub map: BTreeMap<String, PathBuf>,
    /// The whole document, for the simulation to read its part of it.
    document: Value,
}

impl Settings {
    /// Reads `.flux-up.yaml` below `root` when it is there; `extra` are `URL=DIR` words of the command line, which win.
    pub fn load(root: &Path, extra: &[String]) -> Result<Self, SettingsError> {
        let path = root.join(FILE);
        let document = read(&path)?;
        let mut map = BTreeMap::new();
        if let Some(entries) = document.get("map") {
            let wrong = |field: String, expected| SettingsError::Field { path: path.clone(), field, expected };
            let entries = entries.as_object().ok_or_else(|| wrong("map".into(), "a mapping of URL to directory"))?;
            for (url, dir) in entries {
                let dir = dir.as_str().ok_or_else(|| wrong(format!("map[{url}]"), "a directory"))?;
                map.insert(url.clone(), root.join(dir));
            }
        }
        for text in extra {
            let (url, dir) = text.rsplit_once('=').ok_or_else(|| SettingsError::Map { text: text.clone() })?;
            map.insert(url.to_owned(), PathBuf::from(dir));
        }
        Ok(Self { path, map, document })
    }

    /// What is simulated in a cluster.
    pub fn simulation(&self, cluster: &str) -> Result<flux_simulate::Config, SettingsError> {
        flux_simulate::Config::from_file(cluster, &self.document)
            .map_err(|source| SettingsError::Simulation { path: self.path.clone(), source })
    }
}

fn read(path: &Path) -> Result<Value, SettingsError> {
    let failed = |source| SettingsError::Read { path: path.to_owned(), source };
    match fs::metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Value::Null),
        Err(error) => return Err(failed(error)),
        Ok(metadata) if metadata.len() > BYTES_AT_MOST => {
            return Err(SettingsError::TooLarge { path: path.to_owned() });
        }
        Ok(_) => {}
    }
    let text = fs::read_to_string(path).map_err(failed)?;
    flux_yaml::yaml_to_json_strict(&text)
        .map_err(|error| SettingsError::Yaml { path: path.to_owned(), message: error.to_string() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_wins_over_the_file() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join(FILE), "map:\n  https://example.com/a: .\n  https://example.com/b: other\n").unwrap();
        let settings = Settings::load(dir.path(), &["https://example.com/b=/srv/b".into()]).unwrap();
        assert_eq!(settings.map["https://example.com/a"], dir.path().join("."));
        assert_eq!(settings.map["https://example.com/b"], PathBuf::from("/srv/b"));
    }

    #[test]
    fn wrong_settings_name_file_and_field() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join(FILE), "map:\n  https://example.com/a: [x]\n").unwrap();
        let error = Settings::load(dir.path(), &[]).err().unwrap().to_string();
        assert!(error.contains(FILE) && error.contains("map[https://example.com/a]"), "{error}");
        let error = Settings::load(Path::new("/nowhere"), &["nonsense".into()]).err().unwrap().to_string();
        assert!(error.contains("URL=DIR"), "{error}");
    }

    #[test]
    fn no_file_means_defaults() {
        let dir = tempfile::tempdir().unwrap();
        let settings = Settings::load(dir.path(), &[]).unwrap();
        assert!(settings.map.is_empty());
        assert_eq!(settings.simulation("dev").unwrap(), flux_simulate::Config::for_cluster("dev"));
    }
}
