//! What Flux remembers of releases in a HelmRelease's status.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// The version of the snapshots' layout and digest.
pub const SNAPSHOT_VERSION: &str = "v2";

/// Snapshots kept when none of them can be rolled back to.
const MAX_HISTORY: usize = 5;

/// A release as it was observed, in the JSON form of `status.history`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Snapshot {
    #[serde(skip_serializing_if = "String::is_empty")]
    pub api_version: String,
    /// Over the whole record but chart files and test hooks: `sha256:...`.
    pub digest: String,
    pub name: String,
    pub namespace: String,
    pub version: i64,
    pub status: String,
    /// `install`, `upgrade`, `rollback` and the like; empty when unknown.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub action: String,
    pub chart_name: String,
    pub chart_version: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub app_version: String,
    /// Over the user's values.
    pub config_digest: String,
    /// RFC 3339 to the second.
    pub first_deployed: Option<String>,
    pub last_deployed: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deleted: Option<String>,
    /// By the hook's name; `None` when the release was not tested.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub test_hooks: Option<BTreeMap<String, Option<TestHookStatus>>>,
    #[serde(rename = "ociDigest", skip_serializing_if = "String::is_empty")]
    pub oci_digest: String,
}

/// How a test hook ended.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct TestHookStatus {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_started: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_completed: Option<String>,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub phase: String,
}

/// The statuses that make a snapshot a target to roll back to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SnapshotStatus {
    Deployed,
    Superseded,
}

impl Snapshot {
    /// `namespace/name.vN`.
    pub fn full_name(&self) -> String {
        format!("{}/{}.v{}", self.namespace, self.name, self.version)
    }

    /// `name@version` of the chart.
    pub fn versioned_chart(&self) -> String {
        format!("{}@{}", self.chart_name, self.chart_version)
    }

    /// Whether this is the release of that name, namespace and revision.
    pub fn targets(&self, name: &str, namespace: &str, version: i64) -> bool {
        self.name == name && self.namespace == namespace && self.version == version
    }

    /// True when every test hook succeeded, or some failed, or there are none to run.
    pub fn has_been_tested(&self) -> bool {
        let Some(hooks) = &self.test_hooks else { return false };
        hooks.is_empty()
            || self.has_test_in_phase("Failed")
            || hooks.values().all(|hook| hook.as_ref().is_some_and(|hook| hook.phase == "Succeeded"))
    }

    pub fn has_test_in_phase(&self, phase: &str) -> bool {
        self.test_hooks.iter().flat_map(BTreeMap::values).flatten().any(|hook| hook.phase == phase)
    }

    /// Deployed or superseded, when it is one of them.
    pub fn rollback_status(&self) -> Option<SnapshotStatus> {
        match self.status.as_str() {
            "deployed" => Some(SnapshotStatus::Deployed),
            "superseded" => Some(SnapshotStatus::Superseded),
            _ => None,
        }
    }

    fn is_rollback_target(&self, ignore_tests: bool) -> bool {
        self.rollback_status().is_some() && (ignore_tests || !self.has_test_in_phase("Failed"))
    }
}

/// Snapshots of one object, newest first once sorted.
pub trait Snapshots {
    /// Newest first.
    fn sort_by_version(&mut self);

    /// The newest.
    fn latest(&self) -> Option<&Snapshot>;

    /// The release to roll back to: the newest before the latest that was deployed, without failed tests unless
    /// these are ignored.
    fn previous(&self, ignore_tests: bool) -> Option<&Snapshot>;

    /// Forgets everything older than the release to roll back to, or all but five when there is none.
    fn truncate_history(&mut self, ignore_tests: bool);

    /// Keeps the five newest.
    fn truncate_to_limit(&mut self);
}

impl Snapshots for Vec<Snapshot> {
    fn sort_by_version(&mut self) {
        self.sort_by_key(|snapshot| std::cmp::Reverse(snapshot.version));
    }

    fn latest(&self) -> Option<&Snapshot> {
        // Of equal versions the first one, as a stable sort leaves it.
        self.iter().rev().max_by_key(|snapshot| snapshot.version)
    }

    fn previous(&self, ignore_tests: bool) -> Option<&Snapshot> {
        let mut sorted: Vec<&Snapshot> = self.iter().collect();
        sorted.sort_by_key(|snapshot| std::cmp::Reverse(snapshot.version));
        sorted.into_iter().skip(1).find(|snapshot| snapshot.is_rollback_target(ignore_tests))
    }

    fn truncate_history(&mut self, ignore_tests: bool) {
        if self.len() < 2 {
            return;
        }
        self.sort_by_version();
        let target = self.iter().skip(1).position(|snapshot| snapshot.is_rollback_target(ignore_tests));
        self.truncate(target.map_or(MAX_HISTORY, |at| at + 2));
    }

    fn truncate_to_limit(&mut self) {
        self.sort_by_version();
        self.truncate(MAX_HISTORY);
    }
}
