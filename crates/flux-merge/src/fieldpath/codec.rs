//! FieldsV1: sets and path elements as JSON.

use std::sync::Arc;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::{Map, Value};

use super::{PathElement, Set};
use crate::value;

/// A text that is not FieldsV1.
#[derive(Debug, thiserror::Error)]
pub enum CodecError {
    #[error("key must be 2 characters long:")]
    TooShort,
    #[error("missing colon: {0}")]
    MissingColon(String),
    #[error("strconv.Atoi: parsing {}: invalid syntax", value::go_quote(.0))]
    NotAnIndex(String),
    #[error("expected an object")]
    NotAnObject,
    #[error("{0}")]
    Json(#[from] serde_json::Error),
}

/// Reads `f:name`, `k:{...}`, `v:...` or `i:3`; `None` for a kind of element that a later version may know.
pub fn parse_element(text: &str) -> Result<Option<PathElement>, CodecError> {
    let bytes = text.as_bytes();
    if bytes.len() < 2 {
        return Err(CodecError::TooShort);
    }
    if bytes[1] != b':' {
        return Err(CodecError::MissingColon(text.to_owned()));
    }
    let rest = &text[2..];
    Ok(Some(match bytes[0] {
        b'f' => PathElement::field(rest),
        b'v' => PathElement::value(floats(serde_json::from_str(rest)?)),
        b'k' => {
            let Keys(fields) = serde_json::from_str(rest)?;
            PathElement::key(fields)
        }
        b'i' => {
            let digits = rest.strip_prefix(['+', '-']).unwrap_or(rest);
            let plain = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
            let index = plain.then(|| rest.parse().ok()).flatten();
            PathElement::Index(index.ok_or_else(|| CodecError::NotAnIndex(rest.to_owned()))?)
        }
        _ => return Ok(None),
    }))
}

/// Numbers beyond what a float64 holds exactly are read as one, as upstream does.
fn floats(value: Value) -> Value {
    match value {
        Value::Number(number) => {
            let exact = number.as_i64().is_some_and(|integer| integer.unsigned_abs() <= 1 << 53);
            match number.as_f64().and_then(serde_json::Number::from_f64) {
                Some(float) if !exact => Value::Number(float),
                _ => Value::Number(number),
            }
        }
        other => other,
    }
}

/// The members of a key in their order, repeated ones included.
struct Keys(Vec<(Arc<str>, Value)>);

impl<'de> Deserialize<'de> for Keys {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Members;
        impl<'de> Visitor<'de> for Members {
            type Value = Keys;
            fn expecting(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                out.write_str("an object")
            }
            fn visit_unit<E>(self) -> Result<Keys, E> {
                Ok(Keys(Vec::new()))
            }
            fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Keys, A::Error> {
                let mut fields = Vec::new();
                while let Some((name, value)) = members.next_entry::<String, Value>()? {
                    fields.push((Arc::from(name), floats(value)));
                }
                Ok(Keys(fields))
            }
        }
        deserializer.deserialize_any(Members)
    }
}

impl PathElement {
    /// As FieldsV1 spells it.
    pub fn encode(&self) -> String {
        let mut out = String::new();
        match self {
            Self::Field(name) => {
                out.push_str("f:");
                out.push_str(name);
            }
            Self::Key(fields) => {
                out.push_str("k:{");
                for (index, (name, value)) in fields.iter().enumerate() {
                    if index > 0 {
                        out.push(',');
                    }
                    value::write_string(name, false, &mut out);
                    out.push(':');
                    value::write_json(value, &mut out);
                }
                out.push('}');
            }
            Self::Value(value) => {
                out.push_str("v:");
                value::write_json(value, &mut out);
            }
            Self::Index(index) => {
                out.push_str("i:");
                out.push_str(&index.to_string());
            }
        }
        out
    }
}

impl Set {
    /// Reads FieldsV1 text.
    pub fn parse(text: &str) -> Result<Self, CodecError> {
        Self::from_value(&serde_json::from_str(text)?)
    }

    /// Reads a FieldsV1 object.
    pub fn from_value(value: &Value) -> Result<Self, CodecError> {
        Ok(read(value)?.0)
    }

    /// The FieldsV1 object.
    pub fn to_value(&self) -> Value {
        Value::Object(self.write(false))
    }

    fn write(&self, member: bool) -> Map<String, Value> {
        let mut out = Map::new();
        if member {
            out.insert(".".into(), Value::Object(Map::new()));
        }
        for element in &self.members {
            out.insert(element.encode(), Value::Object(Map::new()));
        }
        for (element, children) in &self.children {
            let member = self.members.binary_search(element).is_ok();
            out.insert(element.encode(), Value::Object(children.write(member)));
        }
        out
    }

    /// FieldsV1 text in canonical order.
    pub fn to_json(&self) -> String {
        let mut out = String::from("{");
        self.write_json(false, &mut out);
        out.push('}');
        out
    }

    fn write_json(&self, member: bool, out: &mut String) {
        let mut first = true;
        let mut key = |text: &str, out: &mut String| {
            if !std::mem::take(&mut first) {
                out.push(',');
            }
            value::write_string(text, false, out);
            out.push(':');
        };
        if member && !(self.members.is_empty() && self.children.is_empty()) {
            key(".", out);
            out.push_str("{}");
        }
        let (mut members, mut children) = (self.members.iter().peekable(), self.children.iter().peekable());
        loop {
            let own = match (members.peek(), children.peek()) {
                (None, None) => break,
                (Some(_), None) => std::cmp::Ordering::Less,
                (None, Some(_)) => std::cmp::Ordering::Greater,
                (Some(member), Some((child, _))) => (*member).cmp(child),
            };
            let is_member = own.is_le().then(|| members.next()).flatten();
            match own.is_ge().then(|| children.next()).flatten() {
                Some((element, below)) => {
                    key(&element.encode(), out);
                    out.push('{');
                    below.write_json(is_member.is_some(), out);
                    out.push('}');
                }
                None => {
                    let Some(element) = is_member else { break };
                    key(&element.encode(), out);
                    out.push_str("{}");
                }
            }
        }
    }
}

/// The set below a node, and whether the node itself is a member.
fn read(value: &Value) -> Result<(Set, bool), CodecError> {
    let members = match value {
        Value::Object(members) => members,
        Value::Null => return Ok((Set::default(), true)),
        _ => return Err(CodecError::NotAnObject),
    };
    let mut set = Set::default();
    let mut own = false;
    for (key, below) in members {
        if key == "." {
            own = true;
            continue;
        }
        let Some(element) = parse_element(key)? else { continue };
        let (children, member) = read(below)?;
        if member {
            set.members.push(element.clone());
        }
        if !(children.members.is_empty() && children.children.is_empty()) {
            set.children.push((element, Arc::new(children)));
        }
    }
    set.normalize();
    let leaf = set.members.is_empty() && set.children.is_empty();
    Ok((set, own || leaf))
}
