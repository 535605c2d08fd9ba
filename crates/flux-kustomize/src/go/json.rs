//! Decoding JSON into structures as Go's `encoding/json` does, with its error texts, and encoding back.
//!
//! Field names match without regard to case. `null` leaves a field alone. The first error wins; decoding
//! goes on in the order of the sorted keys, as the text comes from a sorted map.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

/// The state of one decoding.
pub(crate) struct Decoder {
    /// Refuse unknown fields.
    strict: bool,
    /// Turn numbers and booleans into strings where strings are wanted.
    coerce: bool,
    error: Option<String>,
    structure: &'static str,
    path: Vec<&'static str>,
}

/// A type that decodes as Go's of the same shape.
pub(crate) trait GoType: Sized {
    /// Takes what `value` says into `self`.
    fn decode(&mut self, value: &Value, decoder: &mut Decoder);

    fn encode(&self) -> Value;

    /// What `omitempty` leaves out.
    fn is_empty(&self) -> bool;

    /// Go's name of the type.
    fn go_name() -> String;
}

/// Decodes JSON, and fails with Go's text, `json: ...`.
pub(crate) fn decode<T: GoType + Default>(value: &Value, strict: bool) -> Result<T, String> {
    run(value, strict, false)
}

/// Decodes what was YAML as `sigs.k8s.io/yaml` does, which makes strings of other scalars where strings are wanted.
pub(crate) fn decode_yaml<T: GoType + Default>(value: &Value, strict: bool) -> Result<T, String> {
    run(value, strict, true)
}

fn run<T: GoType + Default>(value: &Value, strict: bool, coerce: bool) -> Result<T, String> {
    let mut decoder = Decoder { strict, coerce, error: None, structure: "", path: Vec::new() };
    let mut out = T::default();
    out.decode(value, &mut decoder);
    match decoder.error {
        None => Ok(out),
        Some(error) => Err(error),
    }
}

impl Decoder {
    fn save(&mut self, error: String) {
        self.error.get_or_insert(error);
    }

    /// Notes that a value has the wrong type.
    pub(crate) fn mismatch(&mut self, value: &Value, go_type: &str) {
        let what = match value {
            Value::Null => "null".to_owned(),
            Value::Bool(_) => "bool".into(),
            Value::Number(number) if go_type.starts_with("int") => format!("number {number}"),
            Value::Number(_) => "number".into(),
            Value::String(_) => "string".into(),
            Value::Array(_) => "array".into(),
            Value::Object(_) => "object".into(),
        };
        let place = match self.path.is_empty() {
            true => "Go value of type ".to_owned(),
            false => format!("Go struct field {}.{} of type ", self.structure, self.path.join(".")),
        };
        self.save(format!("json: cannot unmarshal {what} into {place}{go_type}"));
    }

    pub(crate) fn unknown(&mut self, key: &str) {
        if self.strict {
            self.save(format!("json: unknown field {}", super::print::quote(key)));
        }
    }

    /// Runs `work` as being inside a field of a structure.
    pub(crate) fn inside(&mut self, structure: &'static str, field: &'static str, work: impl FnOnce(&mut Self)) {
        let outer = std::mem::replace(&mut self.structure, structure);
        self.path.push(field);
        work(self);
        self.path.pop();
        self.structure = outer;
    }
}

impl GoType for String {
    fn decode(&mut self, value: &Value, decoder: &mut Decoder) {
        match value {
            Value::String(text) => text.clone_into(self),
            Value::Null => {}
            Value::Bool(_) | Value::Number(_) if decoder.coerce => *self = value.to_string(),
            other => decoder.mismatch(other, "string"),
        }
    }

    fn encode(&self) -> Value {
        Value::String(self.clone())
    }

    fn is_empty(&self) -> bool {
        self.is_empty()
    }

    fn go_name() -> String {
        "string".into()
    }
}

impl GoType for bool {
    fn decode(&mut self, value: &Value, decoder: &mut Decoder) {
        match value {
            Value::Bool(flag) => *self = *flag,
            Value::Null => {}
            other => decoder.mismatch(other, "bool"),
        }
    }

    fn encode(&self) -> Value {
        Value::Bool(*self)
    }

    fn is_empty(&self) -> bool {
        !self
    }

    fn go_name() -> String {
        "bool".into()
    }
}

impl GoType for i64 {
    fn decode(&mut self, value: &Value, decoder: &mut Decoder) {
        match value {
            Value::Number(number) if number.is_i64() => *self = number.as_i64().unwrap_or_default(),
            Value::Null => {}
            other => decoder.mismatch(other, "int64"),
        }
    }

    fn encode(&self) -> Value {
        Value::from(*self)
    }

    fn is_empty(&self) -> bool {
        *self == 0
    }

    fn go_name() -> String {
        "int64".into()
    }
}

/// Anything, as Go's `interface{}`.
impl GoType for Value {
    fn decode(&mut self, value: &Value, _: &mut Decoder) {
        self.clone_from(value);
    }

    fn encode(&self) -> Value {
        self.clone()
    }

    fn is_empty(&self) -> bool {
        self.is_null()
    }

    fn go_name() -> String {
        "interface {}".into()
    }
}

impl<T: GoType + Default> GoType for Vec<T> {
    fn decode(&mut self, value: &Value, decoder: &mut Decoder) {
        match value {
            Value::Array(items) => {
                self.clear();
                for item in items {
                    let mut one = T::default();
                    one.decode(item, decoder);
                    self.push(one);
                }
            }
            Value::Null => self.clear(),
            other => decoder.mismatch(other, &Self::go_name()),
        }
    }

    fn encode(&self) -> Value {
        Value::Array(self.iter().map(T::encode).collect())
    }

    fn is_empty(&self) -> bool {
        self.is_empty()
    }

    fn go_name() -> String {
        format!("[]{}", T::go_name())
    }
}

/// A pointer.
impl<T: GoType + Default> GoType for Option<T> {
    fn decode(&mut self, value: &Value, decoder: &mut Decoder) {
        match value {
            Value::Null => *self = None,
            other => self.get_or_insert_default().decode(other, decoder),
        }
    }

    fn encode(&self) -> Value {
        self.as_ref().map_or(Value::Null, T::encode)
    }

    fn is_empty(&self) -> bool {
        self.is_none()
    }

    fn go_name() -> String {
        T::go_name()
    }
}

impl<T: GoType + Default> GoType for BTreeMap<String, T> {
    fn decode(&mut self, value: &Value, decoder: &mut Decoder) {
        match value {
            Value::Object(map) => {
                for (key, item) in map {
                    let mut one = T::default();
                    one.decode(item, decoder);
                    self.insert(key.clone(), one);
                }
            }
            Value::Null => self.clear(),
            other => decoder.mismatch(other, &Self::go_name()),
        }
    }

    fn encode(&self) -> Value {
        Value::Object(self.iter().map(|(key, item)| (key.clone(), item.encode())).collect())
    }

    fn is_empty(&self) -> bool {
        self.is_empty()
    }

    fn go_name() -> String {
        format!("map[string]{}", T::go_name())
    }
}

/// Adds a field to an encoded structure, unless it is empty and to be omitted.
pub(crate) fn put<T: GoType>(map: &mut Map<String, Value>, key: &str, value: &T, omit_empty: bool) {
    if !(omit_empty && value.is_empty()) {
        map.insert(key.to_owned(), value.encode());
    }
}

/// Declares a structure that decodes as Go's. `omit` fields are left out of an encoding when empty; `@` names the
/// structures embedded in Go's through which a field is reached, as error texts do.
macro_rules! go_struct {
    (
        $(#[$meta:meta])*
        $vis:vis struct $name:ident as $go:literal {
            $( $(#[$field_meta:meta])* $(@$via:literal)? $key:literal $mode:ident $field:ident : $type:ty, )*
        }
    ) => {
        $(#[$meta])*
        #[derive(Clone, Debug, Default, PartialEq)]
        $vis struct $name {
            $( $(#[$field_meta])* pub(crate) $field: $type, )*
        }

        impl $crate::go::json::GoType for $name {
            fn decode(&mut self, value: &serde_json::Value, decoder: &mut $crate::go::json::Decoder) {
                let map = match value {
                    serde_json::Value::Object(map) => map,
                    serde_json::Value::Null => return,
                    other => return decoder.mismatch(other, &Self::go_name()),
                };
                for (key, item) in map {
                    $( if key.eq_ignore_ascii_case($key) {
                        decoder.inside($go, concat!($($via, ".",)? $key), |decoder| self.$field.decode(item, decoder));
                        continue;
                    } )*
                    decoder.unknown(key);
                }
            }

            fn encode(&self) -> serde_json::Value {
                let mut map = serde_json::Map::new();
                $( $crate::go::json::put(&mut map, $key, &self.$field, go_struct!(@omit $mode)); )*
                serde_json::Value::Object(map)
            }

            fn is_empty(&self) -> bool {
                false
            }

            fn go_name() -> String {
                concat!("types.", $go).into()
            }
        }
    };
    (@omit omit) => { true };
    (@omit keep) => { false };
}
pub(crate) use go_struct;
