//! CEL health expressions: `inProgress`, then `failed`, then `current`.

use flux_cel::Expression;
use serde_json::{Map, Value};

use crate::status::{Health, HealthError, Status, lookup, word};

/// The expressions of one `healthCheckExprs` entry, as written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Expressions {
    /// True when the object is as it should be; required.
    pub current: String,
    /// True when it failed; may be empty.
    pub failed: String,
    /// True while it is on its way; may be empty.
    pub in_progress: String,
}

/// Expressions that are ready to be evaluated.
#[derive(Clone, Debug)]
pub struct StatusEvaluator {
    current: Expression,
    failed: Option<Expression>,
    in_progress: Option<Expression>,
}

impl StatusEvaluator {
    /// Parses the expressions; names are not looked at, since each kind has its own fields.
    pub fn new(expressions: &Expressions) -> Result<Self, HealthError> {
        let parse =
            |name, text: &str| Expression::parse(text).map_err(|source| HealthError::Expression { name, source });
        let optional = |name, text: &str| if text.is_empty() { Ok(None) } else { parse(name, text).map(Some) };
        if expressions.current.is_empty() {
            return Err(HealthError::NoCurrentExpression);
        }
        Ok(Self {
            current: parse("Current", &expressions.current)?,
            failed: optional("Failed", &expressions.failed)?,
            in_progress: optional("InProgress", &expressions.in_progress)?,
        })
    }

    /// The status of an object; a generation that was not observed yet is in progress without any expression.
    pub fn evaluate(&self, object: &Value) -> Result<Health, HealthError> {
        let number = |path: &[&str]| lookup(object, path).and_then(Value::as_i64);
        if let (Some(observed), Some(generation)) =
            (number(&["status", "observedGeneration"]), number(&["metadata", "generation"]))
            && observed != generation
        {
            return Ok(Health::plain(Status::InProgress, ""));
        }
        let empty = Map::new();
        let data = object.as_object().unwrap_or(&empty);
        let ordered = [
            (self.in_progress.as_ref(), Status::InProgress),
            (self.failed.as_ref(), Status::Failed),
            (Some(&self.current), Status::Current),
        ];
        for (expression, status) in ordered {
            if let Some(expression) = expression
                && expression.evaluate_bool(data)?
            {
                return Ok(Health::plain(status, ""));
            }
        }
        Ok(Health::plain(Status::InProgress, ""))
    }
}

/// All expressions of a unit, by group and kind; an entry without kind holds for its whole group.
#[derive(Clone, Debug, Default)]
pub struct HealthChecks(Vec<(String, String, StatusEvaluator)>);

impl HealthChecks {
    /// Parses entries of API version, kind (empty for all of the group) and expressions.
    pub fn new<'a>(
        entries: impl IntoIterator<Item = (&'a str, &'a str, &'a Expressions)>,
    ) -> Result<Self, HealthError> {
        let parse = |(version, kind, expressions): (&str, &str, &Expressions)| {
            let group = version.split_once('/').map_or("", |(group, _)| group);
            Ok((group.to_owned(), kind.to_owned(), StatusEvaluator::new(expressions)?))
        };
        entries.into_iter().map(parse).collect::<Result<_, _>>().map(Self)
    }

    /// The expressions for a group and kind: those that name the kind go first.
    pub fn find(&self, group: &str, kind: &str) -> Option<&StatusEvaluator> {
        let fits = |name: &str| {
            let mut entries = self.0.iter().filter(|(known, ..)| known == group);
            entries.find(|(_, known, _)| known == name).map(|(.., evaluator)| evaluator)
        };
        fits(kind).or_else(|| fits(""))
    }

    /// The health of an object: by its expressions when there are some, else by [`health`](crate::health).
    pub fn health(&self, object: &Value, now: jiff::Timestamp) -> Result<Health, HealthError> {
        let version = word(object, &["apiVersion"], "");
        let group = version.split_once('/').map_or("", |(group, _)| group);
        match self.find(group, word(object, &["kind"], "")) {
            Some(evaluator) => evaluator.evaluate(object),
            None => crate::health(object, now),
        }
    }
}
