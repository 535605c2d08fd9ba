//! Reading JSON values into Go's structs as sigs.k8s.io/yaml and `encoding/json` do, with their error texts.
//!
//! Scalars turn into strings where a string is wanted (YAML only), keys match without regard to case, null leaves
//! a field alone. The first fault is kept and reading goes on, so one call finds all that is readable.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

/// Where a value belongs, for error texts.
#[derive(Clone, Copy)]
pub(crate) struct Place<'a> {
    /// The Go struct that has the field; empty at the root.
    owner: &'a str,
    /// Names of the fields from the root, joined by dots.
    path: &'a str,
}

impl<'a> Place<'a> {
    pub const ROOT: Place<'static> = Place { owner: "", path: "" };

    pub fn new(owner: &'a str, path: &'a str) -> Self {
        Self { owner, path }
    }
}

/// Keeps the first fault.
#[derive(Default)]
pub(crate) struct Decoder {
    pub fault: Option<String>,
    /// The text is JSON, not YAML: scalars are not turned into strings.
    pub strict_scalars: bool,
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "bool",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

impl Decoder {
    /// Notes that the value is of another type than the field wants.
    pub fn mismatch(&mut self, value: &Value, place: Place<'_>, wanted: &str) {
        self.fault.get_or_insert_with(|| {
            let kind = kind(value);
            if place.path.is_empty() {
                return format!("json: cannot unmarshal {kind} into Go value of type {wanted}");
            }
            format!(
                "json: cannot unmarshal {kind} into Go struct field {}.{} of type {wanted}",
                place.owner, place.path
            )
        });
    }

    pub fn object<'v>(&mut self, value: &'v Value, place: Place<'_>, wanted: &str) -> Option<&'v Map<String, Value>> {
        match value {
            Value::Object(map) => return Some(map),
            Value::Null => {}
            other => self.mismatch(other, place, wanted),
        }
        None
    }

    pub fn list<'v>(&mut self, value: &'v Value, place: Place<'_>, wanted: &str) -> Option<&'v [Value]> {
        match value {
            Value::Array(items) => return Some(items),
            Value::Null => {}
            other => self.mismatch(other, place, wanted),
        }
        None
    }

    pub fn string(&mut self, value: &Value, place: Place<'_>) -> String {
        match value {
            Value::String(text) => text.clone(),
            Value::Null => String::new(),
            Value::Bool(flag) if !self.strict_scalars => flag.to_string(),
            Value::Number(number) if !self.strict_scalars => {
                number.as_f64().filter(|_| number.is_f64()).map_or_else(|| number.to_string(), go_float)
            }
            other => {
                self.mismatch(other, place, "string");
                String::new()
            }
        }
    }

    pub fn boolean(&mut self, value: &Value, place: Place<'_>) -> bool {
        match value {
            Value::Bool(flag) => *flag,
            Value::Null => false,
            other => {
                self.mismatch(other, place, "bool");
                false
            }
        }
    }

    pub fn int(&mut self, value: &Value, place: Place<'_>) -> i64 {
        match value {
            Value::Null => 0,
            Value::Number(number) if number.is_i64() => number.as_i64().unwrap_or_default(),
            other => {
                self.mismatch(other, place, "int");
                0
            }
        }
    }

    pub fn strings(&mut self, value: &Value, place: Place<'_>) -> Vec<String> {
        let items = self.list(value, place, "[]string").unwrap_or_default();
        items.iter().map(|item| self.string(item, place)).collect()
    }

    pub fn string_map(&mut self, value: &Value, place: Place<'_>) -> BTreeMap<String, String> {
        let Some(map) = self.object(value, place, "map[string]string") else { return BTreeMap::new() };
        map.iter().map(|(key, value)| (key.clone(), self.string(value, place))).collect()
    }

    pub fn time(&mut self, value: &Value) -> crate::Time {
        let text = match value {
            Value::Null => return crate::Time::default(),
            Value::String(text) => text.as_str(),
            other => {
                let shown = other.to_string();
                self.fault.get_or_insert(format!("Time.UnmarshalJSON: input is not a JSON string: {shown}"));
                return crate::Time::default();
            }
        };
        crate::Time::parse(text).unwrap_or_else(|_| {
            let fault = format!(
                "parsing time \"{text}\" as \"2006-01-02T15:04:05Z07:00\": cannot parse \"{text}\" as \"2006\""
            );
            self.fault.get_or_insert(fault);
            crate::Time::default()
        })
    }
}

/// `strconv.FormatFloat(value, 'g', -1, 64)`: an exponent below -4 and from 21 up.
fn go_float(value: f64) -> String {
    let text = format!("{value:e}");
    let (digits, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    match exponent.parse::<i32>().unwrap_or(0) {
        -4..21 => value.to_string(),
        exponent => format!("{digits}e{}{:02}", if exponent < 0 { '-' } else { '+' }, exponent.abs()),
    }
}

/// Calls `field` for each entry whose name is in `names`, which are matched without regard to case.
pub(crate) fn each_field<'v>(
    map: &'v Map<String, Value>,
    names: &[&'static str],
    mut field: impl FnMut(&'static str, &'v Value),
) {
    for (key, value) in map {
        let exact = names.iter().find(|name| *name == key);
        if let Some(name) = exact.or_else(|| names.iter().find(|name| name.eq_ignore_ascii_case(key))) {
            field(name, value);
        }
    }
}

/// `sigs.k8s.io/yaml.Unmarshal`: the first document as JSON, and then `read`.
pub(crate) fn yaml<T>(text: &str, read: impl FnOnce(&mut Decoder, &Value) -> T) -> Result<T, String> {
    let value = flux_yaml::yaml_to_json(text).map_err(|error| format!("error converting YAML to JSON: {error}"))?;
    json(&value, read)
}

/// The same from a value that was parsed before.
pub(crate) fn json<T>(value: &Value, read: impl FnOnce(&mut Decoder, &Value) -> T) -> Result<T, String> {
    let mut decoder = Decoder::default();
    let result = read(&mut decoder, value);
    match decoder.fault {
        None => Ok(result),
        Some(fault) => Err(format!("error unmarshaling JSON: while decoding JSON: {fault}")),
    }
}
