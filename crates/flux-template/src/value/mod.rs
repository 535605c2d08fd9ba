//! Values with the kinds Go gives them.
//!
//! Maps are shared and can be changed through any clone, as Go's are: `set` in one file is seen in the next. All
//! clones are cheap. Values stay on one thread.

mod convert;
mod list;
pub(crate) mod live;
mod map;
mod record;
mod text;

pub use list::{Elem, List};
pub use map::{Map, MapKind};
pub use record::Record;
pub(crate) use record::RecordType;
pub use text::Str;
pub(crate) use text::lossy;

use std::rc::Rc;

use crate::time::Time;

/// The kinds of signed integers that templates can meet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IntKind {
    Int,
    Int32,
    Int64,
    /// `time.Duration`, in nanoseconds.
    Duration,
    /// `time.Month`.
    Month,
    /// `time.Weekday`.
    Weekday,
}

/// The kinds of unsigned integers that templates can meet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UintKind {
    Uint,
    Uint8,
    Uint32,
    Uint64,
}

/// A Go value.
#[derive(Clone, Default)]
pub enum Value {
    /// `nil`, and what a missing key of a map gives.
    #[default]
    Nil,
    Bool(bool),
    Int(i64, IntKind),
    Uint(u64, UintKind),
    /// `float64`: every number in values read from YAML or JSON.
    Float(f64),
    /// `complex128`: only literals such as `1i` make them.
    Complex(Rc<(f64, f64)>),
    Str(Str),
    /// `[]uint8`.
    Bytes(Str),
    List(List),
    Map(Map),
    Time(Rc<Time>),
    /// A struct, or a pointer to one.
    Record(Rc<Record>),
}

impl Value {
    pub fn int(value: i64) -> Self {
        Self::Int(value, IntKind::Int)
    }

    pub fn int64(value: i64) -> Self {
        Self::Int(value, IntKind::Int64)
    }

    pub(crate) fn byte(value: u8) -> Self {
        Self::Uint(u64::from(value), UintKind::Uint8)
    }

    pub(crate) fn complex(re: f64, im: f64) -> Self {
        Self::Complex(Rc::new((re, im)))
    }

    pub fn text(text: impl Into<Str>) -> Self {
        Self::Str(text.into())
    }

    /// `[]interface {}`.
    pub fn list(items: Vec<Self>) -> Self {
        Self::List(List::new(Elem::Any, items))
    }

    /// `map[string]interface {}` without entries.
    pub fn empty_map() -> Self {
        Self::Map(Map::new(MapKind::Any))
    }

    /// `map[string]interface {}`; of equal keys the last wins.
    pub fn map<K: Into<Str>>(entries: impl IntoIterator<Item = (K, Self)>) -> Self {
        Self::Map(Map::from_entries(MapKind::Any, entries))
    }

    pub fn as_map(&self) -> Option<&Map> {
        match self {
            Self::Map(map) => Some(map),
            _ => None,
        }
    }

    pub fn as_str(&self) -> Option<&Str> {
        match self {
            Self::Str(text) => Some(text),
            _ => None,
        }
    }

    pub fn is_nil(&self) -> bool {
        matches!(self, Self::Nil)
    }
}

impl std::fmt::Debug for Value {
    /// Names the kind only: a value may hold itself.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Nil => f.write_str("nil"),
            Self::Bool(value) => write!(f, "bool({value})"),
            Self::Int(value, kind) => write!(f, "{kind:?}({value})"),
            Self::Uint(value, kind) => write!(f, "{kind:?}({value})"),
            Self::Float(value) => write!(f, "float64({value})"),
            Self::Complex(parts) => write!(f, "complex128{parts:?}"),
            Self::Str(text) => write!(f, "string({text:?})"),
            Self::Bytes(bytes) => write!(f, "bytes({bytes:?})"),
            Self::List(list) => write!(f, "list of {}", list.len()),
            Self::Map(map) => write!(f, "map of {}", map.len()),
            Self::Time(_) => f.write_str("time"),
            Self::Record(_) => f.write_str("struct"),
        }
    }
}

thread_local! {
    /// Collections whose last owner is gone, waiting to be taken apart without recursion.
    static BURIAL: std::cell::RefCell<(bool, Vec<Value>)> = const { std::cell::RefCell::new((false, Vec::new())) };
}

/// Drops the children of a collection one after another, so that a deep value does not exhaust the stack.
fn bury(children: impl Iterator<Item = Value>) {
    let children: Vec<Value> =
        children.filter(|child| matches!(child, Value::List(_) | Value::Map(_) | Value::Record(_))).collect();
    if children.is_empty() {
        return;
    }
    let first = BURIAL.try_with(|burial| {
        let mut burial = burial.borrow_mut();
        burial.1.extend(children);
        !std::mem::replace(&mut burial.0, true)
    });
    while let Ok(true) = first {
        let next = BURIAL.with(|burial| burial.borrow_mut().1.pop());
        if next.is_none() {
            BURIAL.with(|burial| burial.borrow_mut().0 = false);
            return;
        }
        drop(next);
    }
}
