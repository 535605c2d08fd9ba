//! Hooks: documents that are not part of the release but run at moments of its life.

use super::Head;
use crate::Time;
use crate::go_json::Writer;

pub(super) const HOOK_ANNOTATION: &str = "helm.sh/hook";
const WEIGHT_ANNOTATION: &str = "helm.sh/hook-weight";
const DELETE_ANNOTATION: &str = "helm.sh/hook-delete-policy";
const OUTPUT_ANNOTATION: &str = "helm.sh/hook-output-log-policy";

/// When a hook runs.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum HookEvent {
    PreInstall,
    PostInstall,
    PreDelete,
    PostDelete,
    PreUpgrade,
    PostUpgrade,
    PreRollback,
    PostRollback,
    Test,
    /// A word in a record that Helm does not know.
    Other(String),
}

impl HookEvent {
    pub fn as_str(&self) -> &str {
        match self {
            Self::PreInstall => "pre-install",
            Self::PostInstall => "post-install",
            Self::PreDelete => "pre-delete",
            Self::PostDelete => "post-delete",
            Self::PreUpgrade => "pre-upgrade",
            Self::PostUpgrade => "post-upgrade",
            Self::PreRollback => "pre-rollback",
            Self::PostRollback => "post-rollback",
            Self::Test => "test",
            Self::Other(word) => word,
        }
    }

    /// A word of an annotation; `None` for one that Helm does not know.
    fn from_annotation(word: &str) -> Option<Self> {
        match Self::from_record(&word.trim().to_lowercase()) {
            Self::Other(word) if word == "test-success" => Some(Self::Test),
            Self::Other(_) => None,
            event => Some(event),
        }
    }

    pub(crate) fn from_record(word: &str) -> Self {
        match word {
            "pre-install" => Self::PreInstall,
            "post-install" => Self::PostInstall,
            "pre-delete" => Self::PreDelete,
            "post-delete" => Self::PostDelete,
            "pre-upgrade" => Self::PreUpgrade,
            "post-upgrade" => Self::PostUpgrade,
            "pre-rollback" => Self::PreRollback,
            "post-rollback" => Self::PostRollback,
            "test" => Self::Test,
            other => Self::Other(other.to_owned()),
        }
    }
}

/// When a hook's object is deleted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DeletePolicy {
    Succeeded,
    Failed,
    /// Before it runs again: what happens when nothing is said.
    BeforeCreation,
    Other(String),
}

impl DeletePolicy {
    pub fn as_str(&self) -> &str {
        match self {
            Self::Succeeded => "hook-succeeded",
            Self::Failed => "hook-failed",
            Self::BeforeCreation => "before-hook-creation",
            Self::Other(word) => word,
        }
    }
}

impl From<&str> for DeletePolicy {
    fn from(word: &str) -> Self {
        match word {
            "hook-succeeded" => Self::Succeeded,
            "hook-failed" => Self::Failed,
            "before-hook-creation" => Self::BeforeCreation,
            other => Self::Other(other.to_owned()),
        }
    }
}

/// A hook of a release.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Hook {
    pub name: String,
    pub kind: String,
    /// The file it comes from.
    pub path: String,
    pub manifest: String,
    pub events: Vec<HookEvent>,
    pub last_run: HookExecution,
    /// Lower ones run first.
    pub weight: i64,
    /// As written; empty means before creation.
    pub delete_policies: Vec<DeletePolicy>,
    pub output_log_policies: Vec<String>,
}

/// When a hook ran last, and how that ended.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HookExecution {
    pub started_at: Time,
    pub completed_at: Time,
    /// `Unknown`, `Running`, `Succeeded`, `Failed`, or empty.
    pub phase: String,
}

impl Hook {
    /// The hook that a document declares; `None` when it names an event that Helm does not know.
    pub(super) fn from_document(path: &str, document: &str, head: &Head) -> Option<Self> {
        let annotation = |name: &str| head.annotations.get(name).map(String::as_str);
        let words = |name: &str| {
            let words = annotation(name).into_iter().flat_map(|text| text.split(','));
            words.map(|word| word.trim().to_lowercase())
        };
        let events = annotation(HOOK_ANNOTATION)?.split(',').map(HookEvent::from_annotation);
        Some(Self {
            name: head.name.clone(),
            kind: head.kind.clone(),
            path: path.to_owned(),
            manifest: document.to_owned(),
            events: events.collect::<Option<_>>()?,
            last_run: HookExecution::default(),
            weight: annotation(WEIGHT_ANNOTATION).and_then(|text| text.parse().ok()).unwrap_or(0),
            delete_policies: words(DELETE_ANNOTATION).map(|word| DeletePolicy::from(word.as_str())).collect(),
            output_log_policies: words(OUTPUT_ANNOTATION).collect(),
        })
    }

    /// Whether the hook's object goes at that moment; without any policy it goes before it is created again.
    pub fn has_delete_policy(&self, policy: &DeletePolicy) -> bool {
        self.delete_policies.contains(policy)
            || (self.delete_policies.is_empty() && *policy == DeletePolicy::BeforeCreation)
    }

    pub(crate) fn write(&self, writer: &mut Writer) {
        let events: Vec<&str> = self.events.iter().map(HookEvent::as_str).collect();
        let policies: Vec<&str> = self.delete_policies.iter().map(DeletePolicy::as_str).collect();
        writer.object(|object| {
            object.omit_string("name", &self.name);
            object.omit_string("kind", &self.kind);
            object.omit_string("path", &self.path);
            object.omit_string("manifest", &self.manifest);
            object.omit_strings("events", &events);
            object.field("last_run").object(|object| {
                for (name, time) in
                    [("started_at", self.last_run.started_at), ("completed_at", self.last_run.completed_at)]
                {
                    if !time.is_zero() {
                        object.string(name, &time.to_string());
                    }
                }
                object.string("phase", &self.last_run.phase);
            });
            object.omit_int("weight", self.weight);
            object.omit_strings("delete_policies", &policies);
            object.omit_strings("output_log_policies", &self.output_log_policies);
        });
    }
}

/// The hooks of an event in the order in which they run: by weight, then by name; equal ones as they are given.
pub fn hooks_for(hooks: &[Hook], event: HookEvent) -> Vec<&Hook> {
    let mut found: Vec<&Hook> = hooks.iter().filter(|hook| hook.events.contains(&event)).collect();
    found.sort_by(|a, b| (a.weight, &a.name).cmp(&(b.weight, &b.name)));
    found
}
