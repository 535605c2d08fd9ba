//! Values as Go holds them: tables and lists are shared, and a change shows wherever they are held.
//!
//! Flux's composition of `valuesFrom` depends on it: a value set at a nested path is written into a table that the
//! inline values hold as well.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use serde_json::Value;

use super::Values;

pub(super) type Table = Rc<RefCell<BTreeMap<String, Node>>>;
pub(super) type List = Rc<RefCell<Vec<Node>>>;

#[derive(Clone)]
pub(super) enum Node {
    /// Null, a boolean, a number or a text.
    Scalar(Value),
    List(List),
    Table(Table),
}

impl Node {
    pub fn text(text: impl Into<String>) -> Self {
        Self::Scalar(Value::String(text.into()))
    }

    pub fn null() -> Self {
        Self::Scalar(Value::Null)
    }

    pub fn from_value(value: Value) -> Self {
        match value {
            Value::Array(items) => Self::list(items.into_iter().map(Self::from_value).collect()),
            Value::Object(map) => Self::Table(table(map)),
            scalar => Self::Scalar(scalar),
        }
    }

    pub fn list(items: Vec<Self>) -> Self {
        Self::List(Rc::new(RefCell::new(items)))
    }

    fn to_value(&self) -> Value {
        match self {
            Self::Scalar(value) => value.clone(),
            Self::List(items) => items.borrow().iter().map(Self::to_value).collect(),
            Self::Table(table) => Value::Object(values(table)),
        }
    }

    /// The kind as Go names it in a failed conversion.
    pub fn go_kind(&self) -> &'static str {
        match self {
            Self::Scalar(Value::Null) => "nil",
            Self::Scalar(Value::Bool(_)) => "bool",
            Self::Scalar(Value::Number(number)) if number.is_f64() => "float64",
            Self::Scalar(Value::Number(_)) => "int64",
            Self::Scalar(_) => "string",
            Self::List(_) => "[]interface {}",
            Self::Table(_) => "map[string]interface {}",
        }
    }
}

pub(super) fn table(values: Values) -> Table {
    Rc::new(RefCell::new(values.into_iter().map(|(key, value)| (key, Node::from_value(value))).collect()))
}

pub(super) fn values(table: &Table) -> Values {
    table.borrow().iter().map(|(key, node)| (key.clone(), node.to_value())).collect()
}

/// A new table of both, `over` winning. Only tables in both are made anew; others are shared.
pub(super) fn merge(base: &Table, over: &Table) -> Table {
    let mut out = base.borrow().clone();
    for (key, node) in over.borrow().iter() {
        let merged = match (out.get(key), node) {
            (Some(Node::Table(below)), Node::Table(above)) => Node::Table(merge(below, above)),
            _ => node.clone(),
        };
        out.insert(key.clone(), merged);
    }
    Rc::new(RefCell::new(out))
}
