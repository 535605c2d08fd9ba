//! What is found out about an object.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// How far an object is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Status {
    /// On its way.
    InProgress,
    /// Not going to make it without a change.
    Failed,
    /// As declared.
    Current,
    /// Being deleted.
    Terminating,
    /// Not there.
    NotFound,
    /// Cannot be told.
    Unknown,
}

impl Status {
    /// The name, as events and messages print it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::InProgress => "InProgress",
            Self::Failed => "Failed",
            Self::Current => "Current",
            Self::Terminating => "Terminating",
            Self::NotFound => "NotFound",
            Self::Unknown => "Unknown",
        }
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The two conditions that kstatus knows; both are only there when true.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ConditionType {
    /// Work is under way.
    Reconciling,
    /// Nothing goes on any more.
    Stalled,
}

impl ConditionType {
    /// The name in `status.conditions`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Reconciling => "Reconciling",
            Self::Stalled => "Stalled",
        }
    }
}

/// A standard condition that the object has, or would have if its controller set it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Condition {
    /// Which of the two; its status is `True`.
    pub kind: ConditionType,
    /// One word for programs.
    pub reason: String,
    /// Details for people.
    pub message: String,
}

/// The status of an object, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Health {
    /// How far it is.
    pub status: Status,
    /// Why, for people.
    pub message: String,
    /// The standard conditions that follow.
    pub conditions: Vec<Condition>,
}

impl Health {
    pub(crate) fn plain(status: Status, message: impl Into<String>) -> Self {
        Self { status, message: message.into(), conditions: Vec::new() }
    }

    pub(crate) fn current(message: impl Into<String>) -> Self {
        Self::plain(Status::Current, message)
    }

    pub(crate) fn in_progress(reason: impl Into<String>, message: impl Into<String>) -> Self {
        Self::with(Status::InProgress, ConditionType::Reconciling, reason, message)
    }

    pub(crate) fn failed(reason: impl Into<String>, message: impl Into<String>) -> Self {
        Self::with(Status::Failed, ConditionType::Stalled, reason, message)
    }

    fn with(status: Status, kind: ConditionType, reason: impl Into<String>, message: impl Into<String>) -> Self {
        let message = message.into();
        let condition = Condition { kind, reason: reason.into(), message: message.clone() };
        Self { status, message, conditions: vec![condition] }
    }
}

/// Why the health of an object cannot be told.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HealthError {
    /// A field has another type than it must have.
    #[error(
        "looking up {path} from resource: {path} accessor error: {value} is of the type {found}, expected {expected}"
    )]
    FieldType {
        /// With a leading dot.
        path: String,
        /// As JSON, cut when long.
        value: String,
        /// What it is.
        found: &'static str,
        /// What it must be.
        expected: &'static str,
    },
    /// A Pod phase that Kubernetes does not have.
    #[error("unknown phase {0}")]
    UnknownPhase(String),
    /// A required expression is empty.
    #[error("expression Current not specified")]
    NoCurrentExpression,
    /// An expression is not valid.
    #[error("failed to parse the expression {name}: {source}")]
    Expression {
        /// `Current`, `Failed` or `InProgress`.
        name: &'static str,
        /// Where and why.
        source: flux_cel::CelError,
    },
    /// An expression failed for this object.
    #[error(transparent)]
    Evaluation(#[from] flux_cel::CelError),
}

/// Looks a field up; a missing one and one below null are `None`.
pub(crate) fn lookup<'a>(object: &'a Value, path: &[&str]) -> Option<&'a Value> {
    path.iter().try_fold(object, |value, name| value.get(name)).filter(|value| !value.is_null())
}

/// An integer field.
pub(crate) fn integer(object: &Value, path: &[&str]) -> Result<Option<i64>, HealthError> {
    let Some(value) = lookup(object, path) else { return Ok(None) };
    value.as_i64().map(Some).ok_or_else(|| wrong_type(value, path, "int64"))
}

/// A text field.
pub(crate) fn text<'a>(object: &'a Value, path: &[&str]) -> Result<Option<&'a str>, HealthError> {
    let Some(value) = lookup(object, path) else { return Ok(None) };
    value.as_str().map(Some).ok_or_else(|| wrong_type(value, path, "string"))
}

fn wrong_type(value: &Value, path: &[&str], expected: &'static str) -> HealthError {
    let found = match value {
        Value::Null => "nil",
        Value::Bool(_) => "bool",
        Value::Number(number) if number.is_f64() => "float64",
        Value::Number(_) => "int64",
        Value::String(_) => "string",
        Value::Array(_) => "[]interface {}",
        Value::Object(_) => "map[string]interface {}",
    };
    let value: String = value.to_string().chars().take(64).collect();
    HealthError::FieldType { path: format!(".{}", path.join(".")), value, found, expected }
}

/// A lenient integer: another type counts as missing.
pub(crate) fn count(object: &Value, path: &[&str], default: i64) -> i64 {
    lookup(object, path).and_then(Value::as_i64).unwrap_or(default)
}

/// A lenient text: another type counts as missing.
pub(crate) fn word<'a>(object: &'a Value, path: &[&str], default: &'a str) -> &'a str {
    lookup(object, path).and_then(Value::as_str).unwrap_or(default)
}

/// An entry of `status.conditions`, as far as it can be read.
pub(crate) struct Entry<'a> {
    pub kind: &'a str,
    pub status: &'a str,
    pub reason: &'a str,
    pub message: &'a str,
}

pub(crate) fn conditions(object: &Value) -> impl Iterator<Item = Entry<'_>> {
    let entries = lookup(object, &["status", "conditions"]).and_then(Value::as_array);
    entries.into_iter().flatten().map(|entry| {
        let field = |name| entry.get(name).and_then(Value::as_str).unwrap_or_default();
        Entry { kind: field("type"), status: field("status"), reason: field("reason"), message: field("message") }
    })
}
