//! The index of a chart repository, kept small: of each version only what choosing and fetching it needs.

mod choose;
mod read;

use std::collections::BTreeMap;

use serde_json::Value;

pub use choose::{ChooseError, UrlError, resolve_url};

use crate::Time;
use crate::chart::Metadata;
use crate::decode::{Decoder, Place, each_field};

/// The largest index that is read: upstream's limit.
pub const MAX_INDEX_SIZE: usize = 50 << 20;

/// Why an index is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum IndexError {
    #[error("empty index.yaml file")]
    Empty,
    #[error("no API version specified")]
    NoApiVersion,
    #[error("index exceeds the maximum index file size of {limit} bytes")]
    TooLarge { limit: usize },
    #[error("index is not UTF-8 text")]
    NotText,
    /// Not YAML, or a field of another type or of an unknown name, in the library's words.
    #[error("{reason}")]
    Malformed { reason: String },
}

/// Versions of charts by name, newest first.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Index {
    pub api_version: String,
    pub generated: Time,
    pub entries: BTreeMap<String, Vec<ChartVersion>>,
}

/// One version of a chart.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ChartVersion {
    pub name: String,
    pub version: String,
    pub app_version: String,
    pub description: String,
    pub deprecated: bool,
    /// Where the archive lies: absolute, or relative to the repository.
    pub urls: Vec<String>,
    /// SHA-256 in hexadecimal, sometimes with an algorithm in front; empty when not said.
    pub digest: String,
    pub created: Time,
}

impl Index {
    /// Reads an index, JSON or YAML, a few versions at a time: memory stays near the size of the text. Versions that
    /// Helm would refuse are left out.
    ///
    /// # Errors
    /// Texts that are no index.
    pub fn parse(bytes: &[u8]) -> Result<Self, IndexError> {
        Self::parse_within(bytes, MAX_INDEX_SIZE)
    }

    /// As [`Index::parse`], of a text of at most `limit` bytes.
    ///
    /// # Errors
    /// As there.
    pub fn parse_within(bytes: &[u8], limit: usize) -> Result<Self, IndexError> {
        read::parse(bytes, limit)
    }

    /// The number of versions of all charts.
    pub fn len(&self) -> usize {
        self.entries.values().map(Vec::len).sum()
    }

    pub fn is_empty(&self) -> bool {
        self.entries.values().all(Vec::is_empty)
    }

    /// Adds versions of one chart; null and invalid ones are passed over.
    fn add(&mut self, name: &str, items: &[Value]) -> Result<(), String> {
        let entry = self.entries.entry(name.to_owned()).or_default();
        for item in items.iter().filter(|item| !item.is_null()) {
            entry.extend(read_version(item)?);
        }
        Ok(())
    }

    fn sort(&mut self) {
        for versions in self.entries.values_mut() {
            versions.shrink_to_fit();
            versions
                .sort_by_cached_key(|version| std::cmp::Reverse(flux_semver::Version::parse(&version.version).ok()));
        }
    }
}

const FIELDS: [&str; 8] = ["urls", "created", "removed", "digest", "checksum", "engine", "tillerVersion", "url"];

/// `None` for a version that Helm's validation refuses.
fn read_version(value: &Value) -> Result<Option<ChartVersion>, String> {
    let mut metadata = Metadata::default();
    let mut found = ChartVersion::default();
    let mut decoder = Decoder::default();
    let nulls = metadata.read(&mut decoder, value, "");
    if let Some(map) = decoder.object(value, Place::ROOT, "repo.ChartVersion") {
        each_field(map, &FIELDS, |name, value| {
            let place = Place::new("ChartVersion", name);
            match name {
                "urls" => found.urls = decoder.strings(value, place),
                "created" => found.created = decoder.time(value),
                "digest" => found.digest = decoder.string(value, place),
                _ => {}
            }
        });
        let known = |key: &&String| {
            let known = FIELDS.iter().chain(&Metadata::FIELDS);
            known.clone().any(|name| name.eq_ignore_ascii_case(key))
        };
        if let Some(unknown) = map.keys().find(|key| !known(key)) {
            decoder.fault.get_or_insert(format!("json: unknown field \"{unknown}\""));
        }
    }
    if let Some(fault) = decoder.fault {
        return Err(format!("error unmarshaling JSON: while decoding JSON: {fault}"));
    }
    if metadata.api_version.is_empty() {
        metadata.api_version = "v1".to_owned();
    }
    // Some repositories lose aliases on the way, and then names come twice.
    match metadata.validate_with(nulls) {
        Ok(()) | Err(crate::chart::ValidationError::DuplicateDependency { .. }) => {}
        Err(_) => return Ok(None),
    }
    Ok(Some(ChartVersion {
        name: metadata.name,
        version: metadata.version,
        app_version: metadata.app_version,
        description: metadata.description,
        deprecated: metadata.deprecated,
        ..found
    }))
}
