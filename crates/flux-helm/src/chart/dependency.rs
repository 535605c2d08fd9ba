//! What a chart asks for: `dependencies` of `Chart.yaml` and their lock file.

use serde_json::Value;

use super::metadata::{ValidationError, sanitize_text};
use crate::Time;
use crate::decode::{Decoder, Place, each_field};
use crate::go_json::Writer;

/// A chart that another one needs.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Dependency {
    pub name: String,
    /// A range in `Chart.yaml`, one version in a lock file.
    pub version: String,
    /// A URL, `@alias`, `alias:name`, `file://path`, or empty for a chart that lies in `charts/`.
    pub repository: String,
    /// Paths into the values, separated by commas; the first that holds a boolean decides.
    pub condition: String,
    pub tags: Vec<String>,
    /// Set when dependencies are processed.
    pub enabled: bool,
    /// Names below `exports`, or maps with `child` and `parent`.
    pub import_values: Vec<Value>,
    pub alias: String,
}

/// `Chart.lock` or `requirements.lock`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Lock {
    pub generated: Time,
    /// Over the dependencies asked for and those locked.
    pub digest: String,
    pub dependencies: Option<Vec<Dependency>>,
}

impl Dependency {
    pub(crate) fn read(decoder: &mut Decoder, value: &Value, prefix: &str, owner: &str) -> Self {
        const FIELDS: [&str; 8] =
            ["name", "version", "repository", "condition", "tags", "enabled", "import-values", "alias"];
        let mut found = Self::default();
        let Some(map) = decoder.object(value, Place::new(owner, prefix), "v2.Dependency") else { return found };
        each_field(map, &FIELDS, |name, value| {
            let path = format!("{prefix}.{name}");
            let place = Place::new("Dependency", &path);
            match name {
                "name" => found.name = decoder.string(value, place),
                "version" => found.version = decoder.string(value, place),
                "repository" => found.repository = decoder.string(value, place),
                "condition" => found.condition = decoder.string(value, place),
                "tags" => found.tags = decoder.strings(value, place),
                "enabled" => found.enabled = decoder.boolean(value, place),
                "alias" => found.alias = decoder.string(value, place),
                _ => found.import_values = decoder.list(value, place, "[]interface {}").unwrap_or_default().to_vec(),
            }
        });
        found
    }

    pub(super) fn validate(&mut self) -> Result<(), ValidationError> {
        let texts = [&mut self.name, &mut self.version, &mut self.repository, &mut self.condition];
        texts.into_iter().chain(&mut self.tags).for_each(sanitize_text);
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
        if !self.alias.bytes().all(allowed) {
            return Err(ValidationError::InvalidAlias { name: self.name.clone() });
        }
        Ok(())
    }

    /// The name that the values use: the alias, or else the chart's.
    pub fn key(&self) -> &str {
        if self.alias.is_empty() { &self.name } else { &self.alias }
    }

    pub(crate) fn write(&self, writer: &mut Writer) {
        writer.object(|object| {
            object.string("name", &self.name);
            object.omit_string("version", &self.version);
            object.string("repository", &self.repository);
            object.omit_string("condition", &self.condition);
            object.omit_strings("tags", &self.tags);
            object.omit_bool("enabled", self.enabled);
            if !self.import_values.is_empty() {
                object.field("import-values").array(&self.import_values, Writer::value);
            }
            object.omit_string("alias", &self.alias);
        });
    }
}

impl Lock {
    pub(crate) fn read(decoder: &mut Decoder, value: &Value) -> Self {
        let mut found = Self::default();
        let Some(map) = decoder.object(value, Place::ROOT, "v2.Lock") else { return found };
        each_field(map, &["generated", "digest", "dependencies"], |name, value| match name {
            "generated" => found.generated = decoder.time(value),
            "digest" => found.digest = decoder.string(value, Place::new("Lock", name)),
            _ => {
                let list = decoder.list(value, Place::new("Lock", name), "[]*v2.Dependency");
                found.dependencies =
                    list.map(|items| items.iter().map(|item| Dependency::read(decoder, item, name, "Lock")).collect());
            }
        });
        found
    }

    pub(crate) fn write(&self, writer: &mut Writer) {
        writer.object(|object| {
            object.string("generated", &self.generated.to_string());
            object.string("digest", &self.digest);
            match &self.dependencies {
                Some(list) => object.field("dependencies").array(list, |writer, dependency| dependency.write(writer)),
                None => object.field("dependencies").value(&Value::Null),
            }
        });
    }

    /// The lock file's text.
    ///
    /// # Errors
    /// A text that YAML cannot hold.
    pub fn to_yaml(&self) -> Result<String, flux_yaml::Error> {
        let mut writer = Writer::default();
        self.write(&mut writer);
        flux_yaml::marshal_v2(&serde_json::from_str(&writer.out).unwrap_or(Value::Null))
    }
}
