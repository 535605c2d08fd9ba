//! Packaging a chart, and the form it has in a release record.

use std::io;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flate2::{Compression, GzBuilder};
use serde_json::Value;
use tar::{Builder, EntryType, Header};

use super::metadata::base_name;
use super::{Chart, File, Lock, Metadata, ValidationError};
use crate::Time;
use crate::decode::{Decoder, Place, each_field};
use crate::go_json::Writer;
use crate::release::table;

/// Why a chart cannot be packaged.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SaveError {
    #[error("chart validation: validation: {0}")]
    Validation(#[from] ValidationError),
    #[error("\"{name}\" is not a valid chart name")]
    InvalidName { name: String },
    #[error("invalid JSON in values.schema.json")]
    InvalidSchema,
    #[error("{reason}")]
    Yaml { reason: String },
    /// Only names that no archive can hold.
    #[error("cannot write chart archive: {reason}")]
    Archive { reason: String },
}

/// What Helm leaves in the header of its archives.
const EXTRA: &[u8] = b"rr\x28\x00aHR0cHM6Ly95b3V0dS5iZS96OVV6MWljandyTQo=";

impl Chart {
    /// The name of the packaged chart's file.
    pub fn archive_name(&self) -> String {
        format!("{}-{}.tgz", self.metadata.name, self.metadata.version)
    }

    /// Packages the chart with all charts inside it. The same chart and time give the same bytes.
    ///
    /// # Errors
    /// Metadata that does not validate, a schema that is no JSON.
    pub fn package(&self, now: Time) -> Result<Vec<u8>, SaveError> {
        self.metadata.clone().validate()?;
        let gzip = GzBuilder::new().extra(EXTRA).comment("Helm").mtime(0).write(Vec::new(), Compression::default());
        let mut tar = Builder::new(gzip);
        self.pack(&mut tar, "", now)?;
        let finish = |error: io::Error| SaveError::Archive { reason: error.to_string() };
        tar.into_inner().and_then(flate2::write::GzEncoder::finish).map_err(finish)
    }

    fn pack<W: io::Write>(&self, tar: &mut Builder<W>, prefix: &str, now: Time) -> Result<(), SaveError> {
        let name = self.name();
        if base_name(name) != name {
            return Err(SaveError::InvalidName { name: name.to_owned() });
        }
        let base = format!("{prefix}{name}");
        let yaml = |error: flux_yaml::Error| SaveError::Yaml { reason: error.to_string() };
        let mut metadata = self.metadata.clone();
        if metadata.api_version == "v1" {
            // They are in requirements.yaml.
            metadata.dependencies = None;
        }
        let mut add = |name: &str, data: &[u8], time: Time| append(tar, &format!("{base}/{name}"), data, time, now);
        add("Chart.yaml", metadata.to_yaml().map_err(yaml)?.as_bytes(), self.mod_time)?;
        if let Some(lock) = self.lock.as_ref().filter(|_| metadata.api_version == "v2") {
            add("Chart.lock", lock.to_yaml().map_err(yaml)?.as_bytes(), lock.generated)?;
        }
        if let Some(values) = self.raw_file("values.yaml") {
            add("values.yaml", &values.data, values.mod_time)?;
        }
        if let Some(schema) = &self.schema {
            if serde_json::from_slice::<serde::de::IgnoredAny>(schema).is_err() {
                return Err(SaveError::InvalidSchema);
            }
            add("values.schema.json", schema, self.schema_mod_time)?;
        }
        for file in self.templates.iter().chain(&self.files) {
            add(&file.name, &file.data, file.mod_time)?;
        }
        self.dependencies.iter().try_for_each(|chart| chart.pack(tar, &format!("{base}/charts/"), now))
    }

    /// Replaces the default values: the text of `values.yaml`, and what is read of it.
    ///
    /// # Errors
    /// The text holds no values.
    pub fn set_default_values(&mut self, text: &str) -> Result<(), crate::values::ReadError> {
        self.values = Some(crate::values::read_values(text)?);
        let data: Arc<[u8]> = text.as_bytes().into();
        match self.raw.iter_mut().find(|file| file.name == "values.yaml") {
            Some(file) => file.data = data,
            None => self.raw.push(File::new("values.yaml", data)),
        }
        Ok(())
    }

    /// The chart in a release record: files and templates in base64, no subcharts.
    pub(crate) fn write(&self, writer: &mut Writer) {
        writer.object(|object| {
            object.field("metadata").object(|object| self.metadata.write(object));
            match &self.lock {
                Some(lock) => lock.write(object.field("lock")),
                None => object.field("lock").out.push_str("null"),
            }
            write_files(object.field("templates"), &self.templates);
            match &self.values {
                Some(values) => object.field("values").map(values),
                None => object.field("values").out.push_str("null"),
            }
            match &self.schema {
                Some(schema) => object.field("schema").string(&STANDARD.encode(schema)),
                None => object.field("schema").out.push_str("null"),
            }
            object.string("schemamodtime", &self.schema_mod_time.to_string());
            write_files(object.field("files"), &self.files);
            if !self.mod_time.is_zero() {
                object.string("modtime", &self.mod_time.to_string());
            }
        });
    }

    pub(crate) fn read_record(decoder: &mut Decoder, value: &Value) -> Self {
        const FIELDS: [&str; 8] =
            ["metadata", "lock", "templates", "values", "schema", "schemamodtime", "files", "modtime"];
        let mut chart = Self::default();
        let Some(map) = decoder.object(value, Place::new("Release", "chart"), "v2.Chart") else { return chart };
        each_field(map, &FIELDS, |name, value| match name {
            "metadata" => {
                let mut metadata = Metadata::default();
                metadata.read(decoder, value, "chart.metadata.");
                chart.metadata = metadata;
            }
            "lock" => chart.lock = (!value.is_null()).then(|| Lock::read(decoder, value)),
            "templates" => chart.templates = read_files(decoder, value, "chart.templates"),
            "files" => chart.files = read_files(decoder, value, "chart.files"),
            "values" => chart.values = table(decoder, value, Place::new("Chart", "chart.values")),
            "schema" => chart.schema = read_bytes(decoder, value, Place::new("Chart", "chart.schema")),
            "schemamodtime" => chart.schema_mod_time = decoder.time(value),
            _ => chart.mod_time = decoder.time(value),
        });
        chart
    }
}

fn write_files(writer: &mut Writer, files: &[File]) {
    if files.is_empty() {
        writer.out.push_str("null");
        return;
    }
    writer.array(files, |writer, file| {
        writer.object(|object| {
            object.string("name", &file.name);
            object.string("data", &STANDARD.encode(&file.data));
            if !file.mod_time.is_zero() {
                object.string("modtime", &file.mod_time.to_string());
            }
        });
    });
}

fn read_bytes(decoder: &mut Decoder, value: &Value, place: Place<'_>) -> Option<Arc<[u8]>> {
    match value {
        Value::Null => None,
        Value::String(text) => match STANDARD.decode(text) {
            Ok(bytes) => Some(bytes.into()),
            Err(_) => {
                decoder.fault.get_or_insert_with(|| "illegal base64 data".to_owned());
                None
            }
        },
        other => {
            decoder.mismatch(other, place, "[]uint8");
            None
        }
    }
}

fn read_files(decoder: &mut Decoder, value: &Value, prefix: &str) -> Vec<File> {
    let items = decoder.list(value, Place::new("Chart", prefix), "[]*common.File").unwrap_or_default();
    let mut files = Vec::with_capacity(items.len());
    for item in items {
        let Some(map) = decoder.object(item, Place::new("Chart", prefix), "common.File") else { continue };
        let mut file = File::default();
        each_field(map, &["name", "data", "modtime"], |name, value| {
            let path = format!("{prefix}.{name}");
            let place = Place::new("File", &path);
            match name {
                "name" => file.name = decoder.string(value, place),
                "data" => file.data = read_bytes(decoder, value, place).unwrap_or_default(),
                _ => file.mod_time = decoder.time(value),
            }
        });
        files.push(file);
    }
    files
}

fn append<W: io::Write>(tar: &mut Builder<W>, name: &str, data: &[u8], time: Time, now: Time) -> Result<(), SaveError> {
    let time = if time.is_zero() { now } else { time };
    let mut header = Header::new_gnu();
    header.set_entry_type(EntryType::Regular);
    header.set_mode(0o644);
    header.set_uid(0);
    header.set_gid(0);
    header.set_mtime(u64::try_from(time.seconds).unwrap_or(0));
    header.set_size(data.len() as u64);
    let failed = |error: io::Error| SaveError::Archive { reason: error.to_string() };
    tar.append_data(&mut header, name, data).map_err(failed)
}
