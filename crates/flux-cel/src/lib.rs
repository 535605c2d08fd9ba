//! CEL expressions as Flux evaluates them.
//!
//! The grammar comes from the `cel` crate's parser; checking and evaluation are our own, because
//! conditions quote cel-go's error texts, and because an expression from a user must be bounded:
//! every node visited costs a step, every text built costs its length, and [`STEP_LIMIT`] ends it.
//!
//! The environment is upstream's: standard functions, the string, set and encoder extensions,
//! optional values, numbers compared across types. Kubernetes' own libraries are not in it.

mod check;
mod convert;
mod error;
mod eval;
mod functions;
mod parse;
mod strings;
mod value;

pub use check::OutputType;
pub use error::CelError;
pub use eval::STEP_LIMIT;

use kube_cel::cel::IdedExpr;
use serde_json::{Map, Value};

/// Longer expressions are refused; the CRDs hold no longer ones in practice.
pub const SOURCE_LIMIT: usize = 16 * 1024;

/// How an expression is read.
#[derive(Clone, Copy, Debug, Default)]
pub struct Options<'a> {
    /// Check names and types.
    pub compile: bool,
    /// The names that may be used; only with `compile`.
    pub variables: &'a [&'a str],
    /// The type that the result must have; only with `compile`.
    pub output: Option<OutputType>,
}

/// A parsed expression, ready to be evaluated many times.
#[derive(Clone, Debug)]
pub struct Expression {
    source: String,
    tree: IdedExpr,
}

impl Expression {
    /// Parses without looking at names and types, as upstream does for health expressions, whose
    /// variables are the fields of the object.
    pub fn parse(source: &str) -> Result<Self, CelError> {
        let tree =
            parse::parse(source).map_err(|message| CelError::Parse { expression: source.to_owned(), message })?;
        Ok(Self { source: source.to_owned(), tree })
    }

    /// Parses and checks: only `variables` (objects) may be named, operators fit their operands, and
    /// the result is of type `output` when one is asked for.
    pub fn compile(source: &str, variables: &[&str], output: Option<OutputType>) -> Result<Self, CelError> {
        let expression = Self::parse(source)?;
        check::check(source, &expression.tree, variables, output)?;
        Ok(expression)
    }

    /// Parses or compiles as `options` say.
    pub fn new(source: &str, options: &Options<'_>) -> Result<Self, CelError> {
        match options {
            Options { compile: true, variables, output } => Self::compile(source, variables, *output),
            Options { variables: [], output: None, .. } => Self::parse(source),
            _ => Err(CelError::NotCompiled),
        }
    }

    /// The text that was parsed.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// The value for the variables in `data`, as JSON.
    pub fn evaluate(&self, data: &Map<String, Value>) -> Result<Value, CelError> {
        self.run(data, |value| convert::to_json(&value).map_err(|reason| self.failed(reason)))
    }

    /// The value when it is a boolean.
    pub fn evaluate_bool(&self, data: &Map<String, Value>) -> Result<bool, CelError> {
        self.run(data, |value| match value {
            value::Val::Bool(result) => Ok(result),
            _ => Err(CelError::NotBoolean { expression: self.source.clone() }),
        })
    }

    /// The value when it is a text.
    pub fn evaluate_string(&self, data: &Map<String, Value>) -> Result<String, CelError> {
        self.run(data, |value| match value {
            value::Val::Str(text) => Ok(text.into_owned()),
            _ => Err(CelError::NotString { expression: self.source.clone() }),
        })
    }

    /// The value when it is a list of texts.
    pub fn evaluate_strings(&self, data: &Map<String, Value>) -> Result<Vec<String>, CelError> {
        self.run(data, |value| {
            convert::to_strings(&value)
                .map_err(|reason| CelError::NotStrings { expression: self.source.clone(), reason })
        })
    }

    fn run<'a, T>(
        &'a self,
        data: &'a Map<String, Value>,
        finish: impl FnOnce(value::Val<'a>) -> Result<T, CelError>,
    ) -> Result<T, CelError> {
        let value = eval::Evaluator::new(data).run(&self.tree).map_err(|reason| self.failed(reason.to_string()))?;
        finish(value)
    }

    fn failed(&self, reason: String) -> CelError {
        CelError::Evaluate { expression: self.source.clone(), reason }
    }
}

#[cfg(test)]
mod tests;
