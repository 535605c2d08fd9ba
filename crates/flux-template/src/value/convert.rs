//! From and to JSON values.

use serde_json::{Map as Object, Number, Value as Json};

use super::{Map, MapKind, Value};

impl From<&Json> for Value {
    /// As `encoding/json` decodes into `interface {}`: every number is float64.
    fn from(json: &Json) -> Self {
        from_json(json, &|number| Value::Float(number.as_f64().unwrap_or(f64::NAN)))
    }
}

impl From<Json> for Value {
    fn from(json: Json) -> Self {
        Self::from(&json)
    }
}

impl Value {
    /// As Kubernetes' unstructured objects are decoded: whole numbers are int64, others float64.
    pub fn from_unstructured(json: &Json) -> Self {
        from_json(json, &|number| match number.as_i64() {
            Some(whole) => Value::int64(whole),
            None => Value::Float(number.as_f64().unwrap_or(f64::NAN)),
        })
    }

    /// The top map as `common.Values`, the tables in it as plain maps: what `.Values` is. Numbers that the JSON has
    /// as integers are float64 all the same; those set by `--set` must be put in afterwards.
    pub fn named_values(json: &Object<String, Json>) -> Self {
        let entries = json.iter().map(|(key, value)| (key.as_str(), Self::from(value)));
        Self::Map(Map::from_entries(MapKind::Values, entries))
    }

    /// JSON of the value, for callers that look at what a template left. Structs, times and non-finite floats have
    /// none and become null; bytes that are not UTF-8 become U+FFFD. A value nested more than 1,000 levels deep is
    /// cut there.
    pub fn to_json(&self) -> Json {
        to_json(self, 1000)
    }
}

fn from_json(json: &Json, number: &dyn Fn(&Number) -> Value) -> Value {
    match json {
        Json::Null => Value::Nil,
        Json::Bool(value) => Value::Bool(*value),
        Json::Number(value) => number(value),
        Json::String(text) => Value::text(text.as_str()),
        Json::Array(items) => Value::list(items.iter().map(|item| from_json(item, number)).collect()),
        Json::Object(map) => Value::map(map.iter().map(|(key, value)| (key.as_str(), from_json(value, number)))),
    }
}

fn to_json(value: &Value, depth: usize) -> Json {
    if depth == 0 {
        return Json::Null;
    }
    match value {
        Value::Bool(value) => Json::Bool(*value),
        Value::Int(value, _) => Json::from(*value),
        Value::Uint(value, _) => Json::from(*value),
        Value::Float(value) => Number::from_f64(*value).map_or(Json::Null, Json::Number),
        Value::Str(text) | Value::Bytes(text) => Json::String(text.to_text().into_owned()),
        Value::List(list) => list.items().iter().map(|item| to_json(item, depth - 1)).collect(),
        Value::Map(map) => {
            let mut object = Object::new();
            for (key, value) in map.entries() {
                object.insert(key.to_text().into_owned(), to_json(&value, depth - 1));
            }
            Json::Object(object)
        }
        Value::Nil | Value::Complex(_) | Value::Time(_) | Value::Record(_) => Json::Null,
    }
}
