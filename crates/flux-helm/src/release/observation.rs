//! What Flux takes of a release to see later whether somebody else changed it.

use std::collections::BTreeMap;

use super::history::{SNAPSHOT_VERSION, Snapshot, TestHookStatus};
use super::{Info, Release};
use crate::chart::Metadata;
use crate::digest::Algorithm;
use crate::go_json::Writer;
use crate::manifest::{Hook, HookEvent};
use crate::values::{Values, config_digest};

/// The part of a release that the digest covers: no chart files, no test hooks.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Observation {
    pub name: String,
    pub version: i64,
    pub info: Info,
    pub chart_metadata: Metadata,
    /// `None` without values.
    pub config: Option<Values>,
    pub manifest: String,
    /// `None` is another JSON than no hooks, and so another digest.
    pub hooks: Option<Vec<Hook>>,
    pub namespace: String,
    /// The digest of the chart's OCI artifact.
    pub oci_digest: String,
    /// Not part of the digest.
    pub action: String,
}

/// Whether a record is what was observed of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Observed {
    Same,
    /// Changed since, by somebody else.
    Changed,
    /// The snapshot's digest does not read.
    BadDigest,
}

impl Observation {
    /// Observes a release, without the hooks that are tests.
    pub fn of(release: &Release) -> Self {
        let mut observation = Self::whole(release);
        if let Some(hooks) = &mut observation.hooks {
            hooks.retain(|hook| !hook.events.contains(&HookEvent::Test));
            if hooks.is_empty() {
                observation.hooks = None;
            }
        }
        observation
    }

    /// Observes a release with all hooks.
    pub fn whole(release: &Release) -> Self {
        Self {
            name: release.name.clone(),
            version: release.version,
            info: release.info.clone(),
            chart_metadata: release.chart.as_ref().map(|chart| chart.metadata.clone()).unwrap_or_default(),
            config: release.config.clone().filter(|config| !config.is_empty()),
            manifest: release.manifest.clone(),
            hooks: (!release.hooks.is_empty()).then(|| release.hooks.clone()),
            namespace: release.namespace.clone(),
            oci_digest: String::new(),
            action: String::new(),
        }
    }

    /// Whether this is the release of that name and namespace; revision 0 stands for any.
    pub fn targets(&self, name: &str, namespace: &str, version: i64) -> bool {
        self.name == name && self.namespace == namespace && (version == 0 || self.version == version)
    }

    /// The bytes that the digest is taken over: Go's JSON and a newline.
    pub fn encode(&self) -> String {
        let mut writer = Writer::default();
        writer.object(|object| {
            object.string("name", &self.name);
            object.int("version", self.version);
            self.info.write(object.field("info"));
            object.field("chartMetadata").object(|object| self.chart_metadata.write(object));
            match &self.config {
                Some(config) => object.field("config").map(config),
                None => object.field("config").out.push_str("null"),
            }
            object.string("manifest", &self.manifest);
            match &self.hooks {
                Some(hooks) => object.field("hooks").array(hooks, |writer, hook| hook.write(writer)),
                None => object.field("hooks").out.push_str("null"),
            }
            object.string("namespace", &self.namespace);
            object.omit_string("ociDigest", &self.oci_digest);
        });
        writer.out.push('\n');
        writer.out
    }

    /// `algorithm:hex` over [`Observation::encode`].
    pub fn digest(&self, algorithm: Algorithm) -> String {
        algorithm.digest(self.encode())
    }

    /// What goes into `status.history`.
    pub fn snapshot(&self, algorithm: Algorithm) -> Snapshot {
        let time = |time: crate::Time| (!time.is_zero()).then(|| time.to_seconds_text());
        Snapshot {
            api_version: SNAPSHOT_VERSION.to_owned(),
            digest: self.digest(algorithm),
            name: self.name.clone(),
            namespace: self.namespace.clone(),
            version: self.version,
            status: self.info.status.to_string(),
            action: self.action.clone(),
            chart_name: self.chart_metadata.name.clone(),
            chart_version: self.chart_metadata.version.clone(),
            app_version: self.chart_metadata.app_version.clone(),
            config_digest: config_digest(algorithm, self.config.as_ref().unwrap_or(&Values::new())),
            first_deployed: time(self.info.first_deployed),
            last_deployed: time(self.info.last_deployed),
            deleted: time(self.info.deleted),
            test_hooks: None,
            oci_digest: self.oci_digest.clone(),
        }
    }
}

impl Snapshot {
    /// Compares a stored record with this snapshot. Snapshots of another layout are taken on trust, so that a move
    /// from an older controller upgrades nothing.
    pub fn verify(&self, release: &Release) -> Observed {
        if self.api_version != SNAPSHOT_VERSION {
            return Observed::Same;
        }
        let Some(algorithm) = Algorithm::of(&self.digest) else { return Observed::BadDigest };
        let mut observation = Observation::of(release);
        observation.oci_digest.clone_from(&self.oci_digest);
        if observation.digest(algorithm) == self.digest { Observed::Same } else { Observed::Changed }
    }
}

/// Names one test hook, to be run or to be left out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TestFilter {
    pub name: String,
    pub exclude: bool,
}

impl Release {
    /// The test hooks by name, with how they ended.
    pub fn test_hooks(&self, filters: &[TestFilter]) -> BTreeMap<String, Option<TestHookStatus>> {
        let selected = |name: &str| {
            let named = |exclude| filters.iter().any(|filter| filter.exclude == exclude && filter.name == name);
            !named(true) && (named(false) || filters.iter().all(|filter| filter.exclude))
        };
        let time = |time: crate::Time| (!time.is_zero()).then(|| time.to_seconds_text());
        let tests = self.hooks.iter().filter(|hook| hook.events.contains(&HookEvent::Test) && selected(&hook.name));
        let status = |hook: &Hook| TestHookStatus {
            last_started: time(hook.last_run.started_at),
            last_completed: time(hook.last_run.completed_at),
            phase: hook.last_run.phase.clone(),
        };
        tests.map(|hook| (hook.name.clone(), Some(status(hook)))).collect()
    }
}
