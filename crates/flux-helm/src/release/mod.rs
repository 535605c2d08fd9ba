//! Releases: what was installed when, as Helm keeps it.

mod history;
mod name;
mod observation;
pub mod state;
pub mod storage;

use std::collections::BTreeMap;
use std::fmt;

use serde_json::{Map, Value};

pub use history::{Snapshot, SnapshotStatus, Snapshots, TestHookStatus};
pub use name::{ReleaseNameError, shorten_name, validate_name};
pub use observation::{Observation, Observed, TestFilter};

use crate::Time;
use crate::chart::Chart;
use crate::decode::{Decoder, Place, each_field};
use crate::go_json::Writer;
use crate::manifest::{DeletePolicy, Hook, HookEvent, HookExecution};
use crate::values::{Values, floats};

/// A chart as it was installed, upgraded or rolled back to under a name.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Release {
    pub name: String,
    pub namespace: String,
    /// The revision, from 1.
    pub version: i64,
    pub info: Info,
    /// `None` in a damaged record only. Charts inside it are not stored.
    pub chart: Option<Chart>,
    /// The user's values.
    pub config: Option<Values>,
    /// All documents but hooks, in the order of installation.
    pub manifest: String,
    pub hooks: Vec<Hook>,
    /// `ssa`, `csa`, or empty for client-side apply.
    pub apply_method: String,
    /// Labels of the record that are not Helm's own; they are not in the JSON.
    pub labels: BTreeMap<String, String>,
}

/// What became of a release.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Info {
    pub first_deployed: Time,
    pub last_deployed: Time,
    pub deleted: Time,
    /// A line for people.
    pub description: String,
    pub status: Status,
    /// The revision that was rolled back to; zero when this is no rollback.
    pub rollback_revision: i64,
    /// The rendered `NOTES.txt`.
    pub notes: String,
}

/// The status of a release.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Status {
    /// Nothing written: a record without status.
    #[default]
    Unset,
    Unknown,
    Deployed,
    Uninstalled,
    Superseded,
    Failed,
    Uninstalling,
    PendingInstall,
    PendingUpgrade,
    PendingRollback,
    /// A word that Helm does not know.
    Other(String),
}

impl Status {
    /// The word in records and labels.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Unset => "",
            Self::Unknown => "unknown",
            Self::Deployed => "deployed",
            Self::Uninstalled => "uninstalled",
            Self::Superseded => "superseded",
            Self::Failed => "failed",
            Self::Uninstalling => "uninstalling",
            Self::PendingInstall => "pending-install",
            Self::PendingUpgrade => "pending-upgrade",
            Self::PendingRollback => "pending-rollback",
            Self::Other(word) => word,
        }
    }

    /// True while an action is under way, or was when its process died.
    pub fn is_pending(&self) -> bool {
        matches!(self, Self::PendingInstall | Self::PendingUpgrade | Self::PendingRollback)
    }
}

impl From<&str> for Status {
    fn from(word: &str) -> Self {
        match word {
            "" => Self::Unset,
            "unknown" => Self::Unknown,
            "deployed" => Self::Deployed,
            "uninstalled" => Self::Uninstalled,
            "superseded" => Self::Superseded,
            "failed" => Self::Failed,
            "uninstalling" => Self::Uninstalling,
            "pending-install" => Self::PendingInstall,
            "pending-upgrade" => Self::PendingUpgrade,
            "pending-rollback" => Self::PendingRollback,
            other => Self::Other(other.to_owned()),
        }
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Info {
    pub(crate) fn write(&self, writer: &mut Writer) {
        writer.object(|object| {
            for (name, time) in [
                ("first_deployed", self.first_deployed),
                ("last_deployed", self.last_deployed),
                ("deleted", self.deleted),
            ] {
                if !time.is_zero() {
                    object.string(name, &time.to_string());
                }
            }
            object.omit_string("description", &self.description);
            object.omit_string("status", self.status.as_str());
            object.omit_int("rollback_revision", self.rollback_revision);
            object.omit_string("notes", &self.notes);
        });
    }

    fn read(decoder: &mut Decoder, value: &Value) -> Self {
        const FIELDS: [&str; 7] =
            ["first_deployed", "last_deployed", "deleted", "description", "status", "rollback_revision", "notes"];
        let mut info = Self::default();
        let Some(map) = decoder.object(value, Place::new("Release", "info"), "v1.Info") else { return info };
        each_field(map, &FIELDS, |name, value| {
            let place = Place::new("infoJSON", name);
            match name {
                "first_deployed" => info.first_deployed = time(decoder, value),
                "last_deployed" => info.last_deployed = time(decoder, value),
                "deleted" => info.deleted = time(decoder, value),
                "description" => info.description = decoder.string(value, place),
                "status" => info.status = Status::from(decoder.string(value, place).as_str()),
                "rollback_revision" => info.rollback_revision = decoder.int(value, place),
                _ => info.notes = decoder.string(value, place),
            }
        });
        info
    }
}

/// An empty text stands for no time.
fn time(decoder: &mut Decoder, value: &Value) -> Time {
    if value.as_str() == Some("") { Time::default() } else { decoder.time(value) }
}

impl Release {
    /// The record as Helm's JSON, byte for byte.
    pub fn to_json(&self) -> String {
        let mut writer = Writer::default();
        writer.object(|object| {
            object.omit_string("name", &self.name);
            self.info.write(object.field("info"));
            if let Some(chart) = &self.chart {
                chart.write(object.field("chart"));
            }
            if let Some(config) = self.config.as_ref().filter(|config| !config.is_empty()) {
                object.field("config").map(config);
            }
            object.omit_string("manifest", &self.manifest);
            if !self.hooks.is_empty() {
                object.field("hooks").array(&self.hooks, |writer, hook| hook.write(writer));
            }
            object.omit_int("version", self.version);
            object.omit_string("namespace", &self.namespace);
            object.omit_string("apply_method", &self.apply_method);
        });
        writer.out
    }

    /// Reads a record's JSON; labels stay empty.
    ///
    /// # Errors
    /// The first field of another type, in Go's words.
    pub fn from_json(value: &Value) -> Result<Self, String> {
        let mut decoder = Decoder { strict_scalars: true, ..Decoder::default() };
        let release = Self::read(&mut decoder, value);
        match decoder.fault {
            None => Ok(release),
            Some(fault) => Err(fault),
        }
    }

    fn read(decoder: &mut Decoder, value: &Value) -> Self {
        const FIELDS: [&str; 9] =
            ["name", "info", "chart", "config", "manifest", "hooks", "version", "namespace", "apply_method"];
        let mut release = Self::default();
        let Some(map) = decoder.object(value, Place::ROOT, "v1.Release") else { return release };
        each_field(map, &FIELDS, |name, value| {
            let place = Place::new("Release", name);
            match name {
                "name" => release.name = decoder.string(value, place),
                "info" => release.info = Info::read(decoder, value),
                "chart" => release.chart = (!value.is_null()).then(|| Chart::read_record(decoder, value)),
                "config" => release.config = table(decoder, value, place),
                "manifest" => release.manifest = decoder.string(value, place),
                "hooks" => {
                    let hooks = decoder.list(value, place, "[]*v1.Hook").unwrap_or_default();
                    release.hooks = hooks.iter().map(|hook| read_hook(decoder, hook)).collect();
                }
                "version" => release.version = decoder.int(value, place),
                "namespace" => release.namespace = decoder.string(value, place),
                _ => release.apply_method = decoder.string(value, place),
            }
        });
        release
    }

    /// `namespace/name.vN`, as Flux speaks of a release.
    pub fn full_name(&self) -> String {
        format!("{}/{}.v{}", self.namespace, self.name, self.version)
    }

    /// The hooks that run on an event, in the order in which they run.
    pub fn hooks_for(&self, event: HookEvent) -> Vec<&Hook> {
        crate::manifest::hooks_for(&self.hooks, event)
    }
}

pub(crate) fn table(decoder: &mut Decoder, value: &Value, place: Place<'_>) -> Option<Values> {
    let map: &Map<String, Value> = decoder.object(value, place, "map[string]interface {}")?;
    match floats(Value::Object(map.clone())) {
        Value::Object(map) => Some(map),
        _ => None,
    }
}

fn read_hook(decoder: &mut Decoder, value: &Value) -> Hook {
    const FIELDS: [&str; 9] =
        ["name", "kind", "path", "manifest", "events", "last_run", "weight", "delete_policies", "output_log_policies"];
    let mut hook = Hook::default();
    let Some(map) = decoder.object(value, Place::new("Release", "hooks"), "v1.Hook") else { return hook };
    each_field(map, &FIELDS, |name, value| {
        let path = format!("hooks.{name}");
        let place = Place::new("Hook", &path);
        match name {
            "name" => hook.name = decoder.string(value, place),
            "kind" => hook.kind = decoder.string(value, place),
            "path" => hook.path = decoder.string(value, place),
            "manifest" => hook.manifest = decoder.string(value, place),
            "events" => {
                hook.events = decoder.strings(value, place).iter().map(|event| HookEvent::from_record(event)).collect()
            }
            "last_run" => hook.last_run = read_execution(decoder, value),
            "weight" => hook.weight = decoder.int(value, place),
            "delete_policies" => {
                hook.delete_policies =
                    decoder.strings(value, place).iter().map(|word| DeletePolicy::from(word.as_str())).collect();
            }
            _ => hook.output_log_policies = decoder.strings(value, place),
        }
    });
    hook
}

fn read_execution(decoder: &mut Decoder, value: &Value) -> HookExecution {
    let mut run = HookExecution::default();
    let Some(map) = decoder.object(value, Place::new("Hook", "hooks.last_run"), "v1.HookExecution") else { return run };
    each_field(map, &["started_at", "completed_at", "phase"], |name, value| match name {
        "started_at" => run.started_at = time(decoder, value),
        "completed_at" => run.completed_at = time(decoder, value),
        _ => run.phase = decoder.string(value, Place::new("hookExecutionJSON", name)),
    });
    run
}
