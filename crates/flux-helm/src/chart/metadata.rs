//! `Chart.yaml`: what a chart says about itself, and what Helm accepts of it.

use std::collections::BTreeMap;

use serde_json::Value;

use super::dependency::Dependency;
use crate::decode::{Decoder, Place, each_field};
use crate::go_json::{Object, Writer};

/// The metadata of a chart. Empty texts stand for fields that are not there.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Metadata {
    pub name: String,
    pub home: String,
    pub sources: Vec<String>,
    pub version: String,
    pub description: String,
    pub keywords: Vec<String>,
    pub maintainers: Vec<Maintainer>,
    pub icon: String,
    /// `v1` or `v2`.
    pub api_version: String,
    pub condition: String,
    pub tags: String,
    pub app_version: String,
    pub deprecated: bool,
    pub annotations: BTreeMap<String, String>,
    /// A range of Kubernetes versions.
    pub kube_version: String,
    /// `None` when the field is absent: Helm then does not look at the dependencies of subcharts either.
    pub dependencies: Option<Vec<Dependency>>,
    /// `application` (also when empty) or `library`.
    pub kind: String,
}

/// A person or team in `maintainers`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Maintainer {
    pub name: String,
    pub email: String,
    pub url: String,
}

/// Nulls among the lists' items, which only the validation speaks about.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Nulls {
    maintainers: bool,
    dependency: Option<usize>,
}

/// Why metadata is refused; the texts follow `validation: `.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ValidationError {
    #[error("chart.metadata is required")]
    Missing,
    #[error("chart.metadata.apiVersion is required")]
    NoApiVersion,
    #[error("chart.metadata.name is required")]
    NoName,
    #[error("chart.metadata.name {} is not allowed", go_quote(.name))]
    NameNotAllowed { name: String },
    #[error("chart.metadata.name {} is invalid", go_quote(.name))]
    InvalidName { name: String },
    #[error("chart.metadata.version is required")]
    NoVersion,
    #[error("chart.metadata.version {} is invalid", go_quote(.version))]
    InvalidVersion { version: String },
    #[error("chart.metadata.type must be application or library")]
    InvalidType,
    #[error("maintainers must not contain empty or null nodes")]
    NullMaintainer,
    #[error("dependencies must not contain empty or null nodes")]
    NullDependency,
    #[error("dependency {} has disallowed characters in the alias", go_quote(.name))]
    InvalidAlias { name: String },
    #[error("more than one dependency with name or alias {}", go_quote(.name))]
    DuplicateDependency { name: String },
}

/// Go's `%q` of a text.
pub(crate) fn go_quote(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{7}' => out.push_str("\\a"),
            '\u{8}' => out.push_str("\\b"),
            '\u{b}' => out.push_str("\\v"),
            '\u{c}' => out.push_str("\\f"),
            c if c.is_ascii_control() => out.push_str(&format!("\\x{:02x}", u32::from(c))),
            c if is_printable(c) => out.push(c),
            c if u32::from(c) < 0x1_0000 => out.push_str(&format!("\\u{:04x}", u32::from(c))),
            c => out.push_str(&format!("\\U{:08x}", u32::from(c))),
        }
    }
    out.push('"');
    out
}

/// Close to Go's `unicode.IsPrint`: no controls, separators, format characters, private use or non-characters.
fn is_printable(c: char) -> bool {
    match c {
        ' ' => true,
        c if c.is_control() || c.is_whitespace() => false,
        '\u{ad}' | '\u{600}'..='\u{605}' | '\u{61c}' | '\u{6dd}' | '\u{70f}' | '\u{180e}' => false,
        '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' => false,
        '\u{e000}'..='\u{f8ff}' | '\u{feff}' | '\u{fff0}'..='\u{fffb}' | '\u{fffe}'..='\u{ffff}' => false,
        '\u{e0000}'..='\u{e0fff}' | '\u{f0000}'..='\u{10ffff}' => false,
        _ => true,
    }
}

/// Blanks become spaces, what cannot be printed goes.
fn sanitize(text: &mut String) {
    if text.bytes().all(|byte| (b' '..0x7f).contains(&byte)) {
        return;
    }
    let kept = text.chars().filter_map(|c| match c {
        c if c.is_whitespace() => Some(' '),
        c if is_printable(c) => Some(c),
        _ => None,
    });
    *text = kept.collect();
}

/// The last part of a slash-separated path, as Go's `filepath.Base`.
pub(crate) fn base_name(path: &str) -> &str {
    let trimmed = path.trim_end_matches('/');
    match trimmed {
        "" if path.is_empty() => ".",
        "" => "/",
        trimmed => trimmed.rsplit('/').next().unwrap_or(trimmed),
    }
}

impl Metadata {
    pub(crate) const FIELDS: [&str; 17] = [
        "name",
        "home",
        "sources",
        "version",
        "description",
        "keywords",
        "maintainers",
        "icon",
        "apiVersion",
        "condition",
        "tags",
        "appVersion",
        "deprecated",
        "annotations",
        "kubeVersion",
        "dependencies",
        "type",
    ];

    /// Reads over what is there already, as a second `Unmarshal` does: `requirements.yaml` comes after `Chart.yaml`.
    pub(crate) fn read(&mut self, decoder: &mut Decoder, value: &Value, prefix: &str) -> Nulls {
        let mut nulls = Nulls::default();
        let root = if prefix.is_empty() { Place::ROOT } else { Place::new("Release", prefix.trim_end_matches('.')) };
        let Some(map) = decoder.object(value, root, "v2.Metadata") else { return nulls };
        each_field(map, &Self::FIELDS, |name, value| {
            let path = format!("{prefix}{name}");
            let place = Place::new("Metadata", &path);
            if !value.is_null() {
                self.field(decoder, name, value, place, &path, &mut nulls);
            } else if name == "dependencies" {
                self.dependencies = None;
            }
        });
        nulls
    }

    fn field(
        &mut self,
        decoder: &mut Decoder,
        name: &str,
        value: &Value,
        place: Place<'_>,
        path: &str,
        nulls: &mut Nulls,
    ) {
        match name {
            "name" => self.name = decoder.string(value, place),
            "home" => self.home = decoder.string(value, place),
            "sources" => self.sources = decoder.strings(value, place),
            "version" => self.version = decoder.string(value, place),
            "description" => self.description = decoder.string(value, place),
            "keywords" => self.keywords = decoder.strings(value, place),
            "icon" => self.icon = decoder.string(value, place),
            "apiVersion" => self.api_version = decoder.string(value, place),
            "condition" => self.condition = decoder.string(value, place),
            "tags" => self.tags = decoder.string(value, place),
            "appVersion" => self.app_version = decoder.string(value, place),
            "deprecated" => self.deprecated = decoder.boolean(value, place),
            "annotations" => self.annotations = decoder.string_map(value, place),
            "kubeVersion" => self.kube_version = decoder.string(value, place),
            "type" => self.kind = decoder.string(value, place),
            "maintainers" => {
                let items = decoder.list(value, place, "[]*v2.Maintainer").unwrap_or_default();
                nulls.maintainers = items.iter().any(Value::is_null);
                self.maintainers = items.iter().map(|item| maintainer(decoder, item, path)).collect();
            }
            _ => {
                let items = decoder.list(value, place, "[]*v2.Dependency").unwrap_or_default();
                nulls.dependency = items.iter().position(Value::is_null);
                self.dependencies =
                    Some(items.iter().map(|item| Dependency::read(decoder, item, path, "Metadata")).collect());
            }
        }
    }

    /// Cleans the texts and refuses what Helm refuses.
    ///
    /// # Errors
    /// The first fault in Helm's order.
    pub fn validate(&mut self) -> Result<(), ValidationError> {
        self.validate_with(Nulls::default())
    }

    pub(crate) fn validate_with(&mut self, nulls: Nulls) -> Result<(), ValidationError> {
        self.sanitize();
        if self.api_version.is_empty() {
            return Err(ValidationError::NoApiVersion);
        }
        let name = || self.name.clone();
        match self.name.as_str() {
            "" => return Err(ValidationError::NoName),
            "." | ".." => return Err(ValidationError::NameNotAllowed { name: name() }),
            text if base_name(text) != text => return Err(ValidationError::InvalidName { name: name() }),
            _ => {}
        }
        if self.version.is_empty() {
            return Err(ValidationError::NoVersion);
        }
        if flux_semver::Version::parse(&self.version).is_err() {
            return Err(ValidationError::InvalidVersion { version: self.version.clone() });
        }
        if !matches!(self.kind.as_str(), "" | "application" | "library") {
            return Err(ValidationError::InvalidType);
        }
        if nulls.maintainers {
            return Err(ValidationError::NullMaintainer);
        }
        let mut seen = std::collections::HashSet::new();
        for (at, dependency) in self.dependencies.iter_mut().flatten().enumerate() {
            if nulls.dependency == Some(at) {
                return Err(ValidationError::NullDependency);
            }
            dependency.validate()?;
            let key = dependency.key();
            if !seen.insert(key.to_owned()) {
                return Err(ValidationError::DuplicateDependency { name: key.to_owned() });
            }
        }
        Ok(())
    }

    fn sanitize(&mut self) {
        let singles = [
            &mut self.name,
            &mut self.description,
            &mut self.home,
            &mut self.icon,
            &mut self.condition,
            &mut self.tags,
            &mut self.app_version,
            &mut self.kube_version,
        ];
        singles.into_iter().chain(&mut self.sources).chain(&mut self.keywords).for_each(sanitize);
        for maintainer in &mut self.maintainers {
            [&mut maintainer.name, &mut maintainer.email, &mut maintainer.url].into_iter().for_each(sanitize);
        }
    }

    /// True for a chart that only lends definitions to others.
    pub fn is_library(&self) -> bool {
        self.kind.eq_ignore_ascii_case("library")
    }

    pub(crate) fn write(&self, object: &mut Object<'_>) {
        object.omit_string("name", &self.name);
        object.omit_string("home", &self.home);
        object.omit_strings("sources", &self.sources);
        object.omit_string("version", &self.version);
        object.omit_string("description", &self.description);
        object.omit_strings("keywords", &self.keywords);
        if !self.maintainers.is_empty() {
            object.field("maintainers").array(&self.maintainers, |writer, maintainer| {
                writer.object(|object| {
                    object.omit_string("name", &maintainer.name);
                    object.omit_string("email", &maintainer.email);
                    object.omit_string("url", &maintainer.url);
                });
            });
        }
        object.omit_string("icon", &self.icon);
        object.omit_string("apiVersion", &self.api_version);
        object.omit_string("condition", &self.condition);
        object.omit_string("tags", &self.tags);
        object.omit_string("appVersion", &self.app_version);
        object.omit_bool("deprecated", self.deprecated);
        object.omit_string_map("annotations", &self.annotations);
        object.omit_string("kubeVersion", &self.kube_version);
        if let Some(dependencies) = self.dependencies.as_ref().filter(|list| !list.is_empty()) {
            object.field("dependencies").array(dependencies, |writer, dependency| dependency.write(writer));
        }
        object.omit_string("type", &self.kind);
    }

    /// The metadata as JSON, without empty fields.
    pub fn to_json(&self) -> Value {
        let mut writer = Writer::default();
        writer.object(|object| self.write(object));
        serde_json::from_str(&writer.out).unwrap_or(Value::Null)
    }

    /// `Chart.yaml` as Helm writes it.
    ///
    /// # Errors
    /// A text that YAML cannot hold.
    pub fn to_yaml(&self) -> Result<String, flux_yaml::Error> {
        flux_yaml::marshal_v2(&self.to_json())
    }
}

fn maintainer(decoder: &mut Decoder, value: &Value, prefix: &str) -> Maintainer {
    let mut found = Maintainer::default();
    let Some(map) = decoder.object(value, Place::new("Metadata", prefix), "v2.Maintainer") else { return found };
    each_field(map, &["name", "email", "url"], |name, value| {
        let path = format!("{prefix}.{name}");
        let text = decoder.string(value, Place::new("Maintainer", &path));
        match name {
            "name" => found.name = text,
            "email" => found.email = text,
            _ => found.url = text,
        }
    });
    found
}

/// Cleans one text, for the dependency's fields.
pub(super) fn sanitize_text(text: &mut String) {
    sanitize(text);
}
