//! The values of an evaluation; JSON data is looked at in place, never copied.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::rc::Rc;

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use crate::error::Failure;

#[derive(Clone, Debug)]
pub(crate) enum Val<'a> {
    Null,
    Bool(bool),
    Int(i64),
    Uint(u64),
    Double(f64),
    Str(Cow<'a, str>),
    Bytes(Rc<[u8]>),
    List(Rc<Vec<Val<'a>>>),
    Map(Rc<BTreeMap<Key, Val<'a>>>),
    JsonList(&'a [Value]),
    JsonMap(&'a serde_json::Map<String, Value>),
    Optional(Option<Rc<Val<'a>>>),
    Duration(SignedDuration),
    Timestamp(Timestamp),
    Type(&'static str),
    /// A failure that an accumulator holds until another element decides or the loop ends.
    Failed(Rc<Failure>),
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Key {
    Bool(bool),
    /// Unsigned keys that fit are stored as signed ones, so that both find each other.
    Int(i64),
    Uint(u64),
    Str(String),
}

impl<'a> From<&'a Value> for Val<'a> {
    fn from(value: &'a Value) -> Self {
        match value {
            Value::Null => Self::Null,
            Value::Bool(b) => Self::Bool(*b),
            Value::Number(n) => match (n.as_i64(), n.as_u64()) {
                (Some(i), _) => Self::Int(i),
                (None, Some(u)) => Self::Uint(u),
                _ => Self::Double(n.as_f64().unwrap_or(f64::NAN)),
            },
            Value::String(text) => Self::Str(Cow::Borrowed(text)),
            Value::Array(items) => Self::JsonList(items),
            Value::Object(map) => Self::JsonMap(map),
        }
    }
}

impl<'a> Val<'a> {
    pub(crate) fn text(text: impl Into<String>) -> Self {
        Self::Str(Cow::Owned(text.into()))
    }

    pub(crate) fn list(items: Vec<Self>) -> Self {
        Self::List(Rc::new(items))
    }

    pub(crate) fn some(value: Self) -> Self {
        Self::Optional(Some(Rc::new(value)))
    }

    pub(crate) fn type_name(&self) -> &'static str {
        match self {
            Self::Null => "null_type",
            Self::Bool(_) => "bool",
            Self::Int(_) => "int",
            Self::Uint(_) => "uint",
            Self::Double(_) => "double",
            Self::Str(_) => "string",
            Self::Bytes(_) => "bytes",
            Self::List(_) | Self::JsonList(_) => "list",
            Self::Map(_) | Self::JsonMap(_) => "map",
            Self::Optional(_) => "optional_type",
            Self::Duration(_) => "google.protobuf.Duration",
            Self::Timestamp(_) => "google.protobuf.Timestamp",
            Self::Type(_) => "type",
            Self::Failed(_) => "error",
        }
    }

    /// The elements of a list.
    pub(crate) fn items(&self) -> Option<Vec<Val<'a>>> {
        match self {
            Self::List(items) => Some(items.as_ref().clone()),
            Self::JsonList(items) => Some(items.iter().map(Val::from).collect()),
            _ => None,
        }
    }

    /// The keys of a map.
    pub(crate) fn keys(&self) -> Option<Vec<Val<'a>>> {
        match self {
            Self::Map(map) => Some(map.keys().map(Key::to_val).collect()),
            Self::JsonMap(map) => Some(map.keys().map(|key| Val::Str(Cow::Borrowed(key))).collect()),
            _ => None,
        }
    }

    /// Elements, entries or characters.
    pub(crate) fn size(&self) -> Option<usize> {
        Some(match self {
            Self::Str(text) => text.chars().count(),
            Self::Bytes(bytes) => bytes.len(),
            Self::List(items) => items.len(),
            Self::JsonList(items) => items.len(),
            Self::Map(map) => map.len(),
            Self::JsonMap(map) => map.len(),
            _ => return None,
        })
    }

    /// The value under a field name; `None` for a missing one and for a value without fields.
    pub(crate) fn field(&self, name: &str) -> Option<Val<'a>> {
        match self {
            Self::JsonMap(map) => map.get(name).map(Val::from),
            Self::Map(map) => map.get(&Key::Str(name.to_owned())).cloned(),
            _ => None,
        }
    }

    /// Whether a value counts as empty for `optional.ofNonZeroValue`.
    pub(crate) fn is_zero(&self) -> bool {
        match self {
            Self::Null => true,
            Self::Bool(b) => !b,
            Self::Int(i) => *i == 0,
            Self::Uint(u) => *u == 0,
            Self::Double(d) => *d == 0.0,
            Self::Duration(d) => d.is_zero(),
            Self::Optional(inner) => inner.is_none(),
            other => other.size() == Some(0),
        }
    }

    /// Equality across number types; values of different kinds are different, never an error.
    pub(crate) fn equals(&self, other: &Self) -> bool {
        if let Some(order) = self.compare_numbers(other) {
            return order == Some(Ordering::Equal);
        }
        match (self, other) {
            (Self::Null, Self::Null) => true,
            (Self::Bool(a), Self::Bool(b)) => a == b,
            (Self::Str(a), Self::Str(b)) => a == b,
            (Self::Bytes(a), Self::Bytes(b)) => a == b,
            (Self::Duration(a), Self::Duration(b)) => a == b,
            (Self::Timestamp(a), Self::Timestamp(b)) => a == b,
            (Self::Type(a), Self::Type(b)) => a == b,
            (Self::JsonList(a), Self::JsonList(b)) if std::ptr::eq(*a, *b) => true,
            (Self::JsonMap(a), Self::JsonMap(b)) if std::ptr::eq(*a, *b) => true,
            (Self::Optional(a), Self::Optional(b)) => match (a, b) {
                (None, None) => true,
                (Some(a), Some(b)) => a.equals(b),
                _ => false,
            },
            _ => self.equal_collections(other),
        }
    }

    fn equal_collections(&self, other: &Self) -> bool {
        if let (Some(a), Some(b)) = (self.items(), other.items()) {
            return a.len() == b.len() && a.iter().zip(&b).all(|(a, b)| a.equals(b));
        }
        let (Some(keys), true) = (self.keys(), self.size() == other.size()) else { return false };
        keys.iter().all(|key| match (self.at_key(key), other.at_key(key)) {
            (Some(a), Some(b)) => a.equals(&b),
            _ => false,
        })
    }

    /// The value under a key of any type.
    pub(crate) fn at_key(&self, key: &Self) -> Option<Val<'a>> {
        match (self, key) {
            (_, Self::Str(name)) => self.field(name),
            (Self::Map(map), _) => map.get(&Key::of(key)?).cloned(),
            _ => None,
        }
    }

    /// How two numbers compare; `None` when one is none, `Some(None)` for NaN.
    pub(crate) fn compare_numbers(&self, other: &Self) -> Option<Option<Ordering>> {
        let order = match (self, other) {
            (Self::Int(a), Self::Int(b)) => Some(a.cmp(b)),
            (Self::Uint(a), Self::Uint(b)) => Some(a.cmp(b)),
            (Self::Double(a), Self::Double(b)) => a.partial_cmp(b),
            (Self::Int(a), Self::Uint(b)) => Some(i128::from(*a).cmp(&i128::from(*b))),
            (Self::Uint(a), Self::Int(b)) => Some(i128::from(*a).cmp(&i128::from(*b))),
            (Self::Double(a), Self::Int(b)) => compare_double(*a, i128::from(*b)),
            (Self::Double(a), Self::Uint(b)) => compare_double(*a, i128::from(*b)),
            (Self::Int(_) | Self::Uint(_), Self::Double(_)) => {
                return other.compare_numbers(self).map(|order| order.map(Ordering::reverse));
            }
            _ => return None,
        };
        Some(order)
    }

    /// Order of two values of one kind; `None` when there is none.
    pub(crate) fn compare(&self, other: &Self) -> Option<Ordering> {
        if let Some(order) = self.compare_numbers(other) {
            return order;
        }
        match (self, other) {
            (Self::Bool(a), Self::Bool(b)) => Some(a.cmp(b)),
            (Self::Str(a), Self::Str(b)) => Some(a.cmp(b)),
            (Self::Bytes(a), Self::Bytes(b)) => Some(a.cmp(b)),
            (Self::Duration(a), Self::Duration(b)) => Some(a.cmp(b)),
            (Self::Timestamp(a), Self::Timestamp(b)) => Some(a.cmp(b)),
            _ => None,
        }
    }
}

/// Exact, also where a double cannot hold the integer.
fn compare_double(a: f64, b: i128) -> Option<Ordering> {
    if a.is_nan() {
        return None;
    }
    if a.abs() >= 1e30 {
        return a.partial_cmp(&0.0);
    }
    #[expect(clippy::cast_possible_truncation, reason = "bounded above")]
    let whole = a.trunc() as i128;
    Some(whole.cmp(&b).then(a.fract().partial_cmp(&0.0)?))
}

impl Key {
    pub(crate) fn of(value: &Val<'_>) -> Option<Self> {
        Some(match value {
            Val::Bool(b) => Self::Bool(*b),
            Val::Int(i) => Self::Int(*i),
            Val::Uint(u) => i64::try_from(*u).map_or(Self::Uint(*u), Self::Int),
            #[expect(clippy::cast_possible_truncation, reason = "checked to be whole and in range")]
            Val::Double(d) if d.fract() == 0.0 && d.abs() < 9e15 => Self::Int(*d as i64),
            Val::Str(text) => Self::Str(text.clone().into_owned()),
            _ => return None,
        })
    }

    pub(crate) fn to_val<'a>(&self) -> Val<'a> {
        match self {
            Self::Bool(b) => Val::Bool(*b),
            Self::Int(i) => Val::Int(*i),
            Self::Uint(u) => Val::Uint(*u),
            Self::Str(text) => Val::text(text.clone()),
        }
    }
}
