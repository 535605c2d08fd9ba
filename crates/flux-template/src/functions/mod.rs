//! The functions that charts can call: Go's own, sprig's, Helm's.

mod builtins;
mod cast;
mod certificates;
mod conversion;
mod crypto;
mod dates;
mod decimal;
mod dicts;
mod engine;
mod equal;
mod flow;
mod letters;
mod lists;
mod math;
mod merge;
mod paths;
mod random;
mod regex;
mod strings;
mod toml;
mod urls;
mod versions;
mod yaml;

use std::collections::HashMap;
use std::sync::OnceLock;

use crate::exec::{Operand, Res, Run, Ty};
use crate::value::{Elem, List, Map, Str, Value};

pub(crate) use dates::{DURATION_METHODS, METHODS as DATE_METHODS, NAME_METHODS};
pub(crate) use engine::{WARN_END, WARN_START, without_no_value};
pub(crate) use equal::deep_equal;
pub(crate) use paths::base;
pub(crate) use versions::{METHODS as VERSION_METHODS, version_text};
pub(crate) use yaml::to_yaml;

pub(crate) type Call = fn(&mut Run<'_>, &[Operand]) -> Res<Operand>;

/// Functions that the evaluation itself knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Special {
    No,
    And,
    Or,
    Call,
}

/// A function or method with its Go signature. A method gets its receiver before the arguments.
pub(crate) struct Function {
    pub(crate) name: &'static str,
    pub(crate) params: &'static [Ty],
    /// The last parameter takes any number of arguments.
    pub(crate) variadic: bool,
    pub(crate) result: Ty,
    pub(crate) special: Special,
    pub(crate) run: Call,
}

impl Function {
    pub(crate) const fn new(name: &'static str, params: &'static [Ty], result: Ty, run: Call) -> Self {
        Self { name, params, variadic: false, result, special: Special::No, run }
    }

    pub(crate) const fn variadic(name: &'static str, params: &'static [Ty], result: Ty, run: Call) -> Self {
        Self { name, params, variadic: true, result, special: Special::No, run }
    }

    const fn special(mut self, special: Special) -> Self {
        self.special = special;
        self
    }
}

/// All names, sorted.
#[cfg(test)]
pub(crate) fn names() -> Vec<&'static str> {
    let mut names: Vec<&str> = table().keys().copied().collect();
    names.sort_unstable();
    names
}

/// The function of that name.
pub(crate) fn find(name: &str) -> Option<&'static Function> {
    table().get(name).copied()
}

fn table() -> &'static HashMap<&'static str, &'static Function> {
    static TABLE: OnceLock<HashMap<&'static str, &'static Function>> = OnceLock::new();
    TABLE.get_or_init(|| {
        // Later groups replace earlier ones, as Helm's functions replace sprig's.
        let groups = [
            builtins::FUNCTIONS,
            certificates::FUNCTIONS,
            conversion::FUNCTIONS,
            crypto::FUNCTIONS,
            dates::FUNCTIONS,
            dicts::FUNCTIONS,
            flow::FUNCTIONS,
            letters::FUNCTIONS,
            lists::FUNCTIONS,
            math::FUNCTIONS,
            paths::FUNCTIONS,
            random::FUNCTIONS,
            regex::FUNCTIONS,
            strings::FUNCTIONS,
            toml::FUNCTIONS,
            urls::FUNCTIONS,
            versions::FUNCTIONS,
            yaml::FUNCTIONS,
            engine::FUNCTIONS,
        ];
        groups.into_iter().flatten().map(|function| (function.name, function)).collect()
    })
}

/// Arguments whose types were checked against the signature.
pub(crate) trait Arguments {
    fn value(&self, index: usize) -> &Value;
    fn str(&self, index: usize) -> &Str;
    fn bytes(&self, index: usize) -> &[u8];
    fn int(&self, index: usize) -> i64;
    fn flag(&self, index: usize) -> bool;
    fn map(&self, index: usize) -> &Map;
    fn values(&self, from: usize) -> impl Iterator<Item = &Value>;
}

impl Arguments for [Operand] {
    fn value(&self, index: usize) -> &Value {
        self.get(index).map_or(&Value::Nil, |operand| &operand.value)
    }

    fn str(&self, index: usize) -> &Str {
        match self.value(index) {
            Value::Str(text) => text,
            other => unreachable!("argument {index} was checked to be a string, not {other:?}"),
        }
    }

    fn bytes(&self, index: usize) -> &[u8] {
        self.str(index).as_bytes()
    }

    fn int(&self, index: usize) -> i64 {
        match self.value(index) {
            Value::Int(value, _) => *value,
            Value::Uint(value, _) => *value as i64,
            other => unreachable!("argument {index} was checked to be an integer, not {other:?}"),
        }
    }

    fn flag(&self, index: usize) -> bool {
        matches!(self.value(index), Value::Bool(true))
    }

    fn map(&self, index: usize) -> &Map {
        match self.value(index) {
            Value::Map(map) => map,
            other => unreachable!("argument {index} was checked to be a map, not {other:?}"),
        }
    }

    fn values(&self, from: usize) -> impl Iterator<Item = &Value> {
        self.iter().skip(from).map(|operand| &operand.value)
    }
}

pub(crate) fn text(text: impl Into<Str>) -> Res<Operand> {
    Ok(Value::Str(text.into()).into())
}

pub(crate) fn flag(value: bool) -> Res<Operand> {
    Ok(Value::Bool(value).into())
}

pub(crate) fn int(value: i64) -> Res<Operand> {
    Ok(Value::int(value).into())
}

pub(crate) fn int64(value: i64) -> Res<Operand> {
    Ok(Value::int64(value).into())
}

pub(crate) fn float(value: f64) -> Res<Operand> {
    Ok(Value::Float(value).into())
}

pub(crate) fn any(value: Value) -> Res<Operand> {
    Ok(Operand::interface(value))
}

pub(crate) fn list(items: Vec<Value>) -> Res<Operand> {
    Ok(Value::list(items).into())
}

pub(crate) fn texts(items: Vec<Value>) -> Res<Operand> {
    Ok(Value::List(List::new(Elem::Str, items)).into())
}

pub(crate) fn map(map: Map) -> Res<Operand> {
    Ok(Value::Map(map).into())
}

/// Padded base64.
pub(crate) fn base64_text(bytes: &[u8]) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.encode(bytes)
}

/// sprig's `strval`: the text of anything.
pub(crate) fn text_of(run: &mut Run<'_>, value: &Value) -> Res<Str> {
    match value {
        Value::Str(text) | Value::Bytes(text) => Ok(text.clone()),
        _ => Ok(crate::go::fmt::sprint(run, [value])?.into()),
    }
}
