//! Flux's `valuesFrom`: values out of ConfigMaps and Secrets, and inline ones over them.

use std::collections::BTreeMap;
use std::fmt;

use super::read::read_values_document;
use super::set::{SetKind, set_shared};
use super::shared::{Table, merge, table, values};
use super::{SetError, Values};

/// One entry of `valuesFrom`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reference {
    /// `ConfigMap` or `Secret`.
    pub kind: String,
    pub name: String,
    /// Empty for `values.yaml`.
    pub values_key: String,
    /// Where the value goes; empty for values of the whole chart.
    pub target_path: String,
    pub optional: bool,
    /// The value at the target path is a text as it stands.
    pub literal: bool,
}

impl Reference {
    pub fn key(&self) -> &str {
        if self.values_key.is_empty() { "values.yaml" } else { &self.values_key }
    }
}

/// The data of a ConfigMap or Secret, decoded.
pub type ValuesData = BTreeMap<String, Vec<u8>>;

/// Hands out ConfigMaps and Secrets. `Ok(None)` when there is none; an error ends the composition with that text.
pub type FetchValues<'a> = &'a mut dyn FnMut(&str, &str) -> Result<Option<ValuesData>, String>;

/// What is wrong with a reference.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReferenceReason {
    ResourceNotFound,
    KeyNotFound,
    UnsupportedKind,
    /// The data is no YAML table.
    DataRead {
        reason: String,
    },
    /// The value cannot be set at the target path.
    Merge {
        source: SetError,
    },
    /// The object could not be asked for.
    Fetch {
        reason: String,
    },
}

/// A reference that cannot be resolved, in Flux's words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReferenceError {
    pub kind: String,
    /// `namespace/name`.
    pub name: String,
    pub key: String,
    pub optional: bool,
    pub reason: ReferenceReason,
    /// The object was asked for and was not there, rather than known to be missing from before.
    pub asked: bool,
}

impl fmt::Display for ReferenceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let ReferenceReason::Fetch { reason } = &self.reason {
            return f.write_str(reason);
        }
        let optional = if self.optional { " optional" } else { "" };
        write!(
            f,
            "could not resolve{optional} {} chart values reference '{}' with key '{}': ",
            self.kind, self.name, self.key
        )?;
        match &self.reason {
            ReferenceReason::ResourceNotFound if self.asked => {
                let name = self.name.split_once('/').map_or(self.name.as_str(), |(_, name)| name);
                write!(f, "{}s \"{name}\" not found", self.kind.to_lowercase())
            }
            ReferenceReason::ResourceNotFound => f.write_str("resource not found"),
            ReferenceReason::KeyNotFound => f.write_str("key not found"),
            ReferenceReason::UnsupportedKind => f.write_str("unsupported values reference kind"),
            ReferenceReason::DataRead { reason } | ReferenceReason::Fetch { reason } => f.write_str(reason),
            ReferenceReason::Merge { source } => write!(f, "{source}"),
        }
    }
}

impl std::error::Error for ReferenceError {}

/// Composes a release's values: every reference in order, then the inline values over all.
///
/// As upstream, a value set at a *nested* path is written into a table that the inline values share, unless an
/// earlier reference brought that table already; so such a path wins over inline values, while a path of one key
/// loses. An optional reference to a missing object makes a later one to the same object fail without asking again.
///
/// # Errors
/// The first reference that cannot be resolved and is not optional.
pub fn compose_values(
    namespace: &str,
    inline: &Values,
    references: &[Reference],
    fetch: FetchValues<'_>,
) -> Result<Values, ReferenceError> {
    let inline = table(inline.clone());
    let mut result = Table::default();
    let mut seen: BTreeMap<(String, String), Option<ValuesData>> = BTreeMap::new();
    for reference in references {
        let fault = |reason, asked| ReferenceError {
            kind: reference.kind.clone(),
            name: format!("{namespace}/{}", reference.name),
            key: reference.key().to_owned(),
            optional: reference.optional,
            reason,
            asked,
        };
        if !matches!(reference.kind.as_str(), "ConfigMap" | "Secret") {
            return Err(fault(ReferenceReason::UnsupportedKind, false));
        }
        let object = (reference.kind.clone(), reference.name.clone());
        let asked = !seen.contains_key(&object);
        if asked {
            let found = fetch(&reference.kind, &reference.name)
                .map_err(|reason| fault(ReferenceReason::Fetch { reason }, true))?;
            seen.insert(object.clone(), found);
        }
        let Some(data) = seen.get(&object).and_then(Option::as_ref) else {
            if reference.optional {
                continue;
            }
            return Err(fault(ReferenceReason::ResourceNotFound, asked));
        };
        let Some(data) = data.get(reference.key()) else {
            if reference.optional {
                continue;
            }
            return Err(fault(ReferenceReason::KeyNotFound, false));
        };
        let text = String::from_utf8_lossy(data);
        if reference.target_path.is_empty() {
            let found = read_values_document(&text);
            let found = found.map_err(|error| fault(ReferenceReason::DataRead { reason: error.to_string() }, false))?;
            result = merge(&result, &table(found));
        } else {
            result = merge(&result, &inline);
            replace(&result, &reference.target_path, &text, reference.literal)
                .map_err(|source| fault(ReferenceReason::Merge { source }, false))?;
        }
    }
    Ok(values(&merge(&result, &inline)))
}

fn replace(target: &Table, path: &str, value: &str, literal: bool) -> Result<(), SetError> {
    let (line, kind) = if literal { literal_line(path, value) } else { typed_line(path, value) };
    set_shared(target, &line, kind)
}

/// Quotes around a value make it a text, whatever it looks like.
fn typed_line(path: &str, value: &str) -> (String, SetKind) {
    let quoted = |quote: char| value.starts_with(quote) && value.ends_with(quote);
    if quoted('\'') || quoted('"') {
        return (format!("{path}={}", value.trim_matches(['\'', '"'])), SetKind::Text);
    }
    (format!("{path}={value}"), SetKind::Typed)
}

fn literal_line(path: &str, value: &str) -> (String, SetKind) {
    let mut line = format!("{path}=");
    for c in value.chars() {
        if matches!(c, '\\' | ',' | '[' | ']' | '{' | '}') {
            line.push('\\');
        }
        line.push(c);
    }
    (line, SetKind::Text)
}

/// Sets one value at a dotted path by the rules of `--set`; a quoted value is a text.
///
/// # Errors
/// As [`super::parse_set_into`].
pub fn replace_path_value(target: &mut Values, path: &str, value: &str) -> Result<(), SetError> {
    let (line, kind) = typed_line(path, value);
    super::parse_set_into(target, &line, kind)
}

/// Sets a text at a dotted path as it stands.
///
/// # Errors
/// As [`super::parse_set_into`].
pub fn replace_path_literal(target: &mut Values, path: &str, value: &str) -> Result<(), SetError> {
    let (line, kind) = literal_line(path, value);
    super::parse_set_into(target, &line, kind)
}
