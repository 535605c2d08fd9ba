//! Checking objects against their structural schema, with upstream's words.
//!
//! On updates what did not change is not held against the writer: a value equal to its old counterpart passes.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock, PoisonError, RwLock};

use regex::Regex;
use serde_json::{Map, Value};

use super::prune::flag;
use crate::status::{FieldError, FieldErrorType};

/// Checks a whole object; `old` is its former state on updates.
pub(crate) fn validate(object: &Value, old: Option<&Value>, schema: &Value) -> Vec<FieldError> {
    let mut errors = Vec::new();
    let mut check = Check { errors: &mut errors };
    check.value(object, old, schema, "", true);
    errors
}

struct Check<'a> {
    errors: &'a mut Vec<FieldError>,
}

/// The name of a JSON value's type in upstream's messages.
fn type_name(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(number) if number.is_f64() => "number",
        Value::Number(_) => "integer",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

/// The format of a JSON value in upstream's messages.
fn format_name(value: &Value) -> &'static str {
    match value {
        Value::Number(number) if number.is_f64() => "double",
        Value::Number(_) => "int64",
        _ => "",
    }
}

/// Whether a number can be held by a numeric type in a format.
fn in_range(value: &Value, wanted: &str, format: &str) -> bool {
    let whole = || match value.as_f64() {
        Some(number) if number.fract() == 0.0 => value.as_i64().map(i128::from).or(Some(number as i128)),
        _ => None,
    };
    match (wanted, format) {
        ("integer", "int32") => whole().is_some_and(|number| i32::try_from(number).is_ok()),
        ("integer", "uint32") => whole().is_some_and(|number| u32::try_from(number).is_ok()),
        ("integer", "uint64") => whole().is_some_and(|number| u64::try_from(number).is_ok()),
        ("integer", _) => whole().is_some_and(|number| i64::try_from(number).is_ok()),
        ("number", "float" | "float32") => value.as_f64().is_some_and(|number| (number as f32).is_finite()),
        _ => true,
    }
}

fn fits_type(value: &Value, wanted: &str) -> bool {
    match (wanted, value) {
        ("string", Value::String(_))
        | ("boolean", Value::Bool(_))
        | ("object", Value::Object(_))
        | ("array", Value::Array(_))
        | ("number", Value::Number(_)) => true,
        ("integer", Value::Number(number)) => number.as_f64().is_some_and(|number| number.fract() == 0.0),
        _ => false,
    }
}

/// The field as errors name it; the root has none.
fn shown(path: &str) -> &str {
    if path.is_empty() { "<nil>" } else { path }
}

impl Check<'_> {
    fn push(&mut self, error: FieldError) {
        self.errors.push(error);
    }

    fn invalid(&mut self, path: &str, value: &Value, words: String) {
        self.push(FieldError::invalid(shown(path), value.clone(), format!("{path} in body {words}")));
    }

    fn value(&mut self, value: &Value, old: Option<&Value>, schema: &Value, path: &str, root: bool) {
        if !root && old == Some(value) {
            return;
        }
        if value.is_null() && flag(schema, "nullable") {
            return;
        }
        self.kind(value, schema, path);
        self.choice(value, schema, path);
        match value {
            Value::String(text) => self.text(text, schema, path),
            Value::Number(_) => self.number(value, schema, path),
            Value::Array(items) => self.array(items, old, schema, path),
            Value::Object(map) => self.object(map, old, schema, path, root),
            _ => {}
        }
        self.combined(value, schema, path);
    }

    fn kind(&mut self, value: &Value, schema: &Value, path: &str) {
        if flag(schema, "x-kubernetes-int-or-string") {
            if !value.is_string() && !fits_type(value, "integer") {
                let name = type_name(value);
                let words = format!("{path} in body must be of type integer,string: \"{name}\"");
                self.push(FieldError::new(FieldErrorType::TypeInvalid, shown(path), Some(name.into()), words));
            }
            return;
        }
        let Some(wanted) = schema.get("type").and_then(Value::as_str) else { return };
        if !fits_type(value, wanted) {
            // Where a format is wanted, upstream compares formats before types.
            let format = schema.get("format").and_then(Value::as_str).filter(|format| !format.is_empty());
            let plain = !value.is_string() && !value.is_array() && !value.is_null();
            let (wanted, name) = match format {
                Some(format) if plain && format_name(value) != format => (format, format_name(value)),
                _ => (wanted, type_name(value)),
            };
            let words = format!("{path} in body must be of type {wanted}: \"{name}\"");
            self.push(FieldError::new(FieldErrorType::TypeInvalid, shown(path), Some(name.into()), words));
        }
    }

    fn choice(&mut self, value: &Value, schema: &Value, path: &str) {
        let Some(choices) = schema.get("enum").and_then(Value::as_array) else { return };
        if choices.contains(value) {
            return;
        }
        let list: Vec<String> =
            choices.iter().map(|one| one.as_str().map_or_else(|| one.to_string(), str::to_owned)).collect();
        let list: Vec<&str> = list.iter().map(String::as_str).collect();
        self.push(FieldError::not_supported(shown(path), value.clone(), &list));
    }

    fn text(&mut self, text: &str, schema: &Value, path: &str) {
        let value = Value::from(text);
        let limit = |key: &str| schema.get(key).and_then(Value::as_u64);
        let length = text.chars().count() as u64;
        if let Some(most) = limit("maxLength").filter(|most| length > *most) {
            self.push(FieldError::too_long(shown(path), most as usize));
            return;
        }
        if let Some(least) = limit("minLength").filter(|least| length < *least) {
            self.invalid(path, &value, format!("should be at least {least} chars long"));
            return;
        }
        if let Some(pattern) = schema.get("pattern").and_then(Value::as_str)
            && !matches(pattern, text)
        {
            self.invalid(path, &value, format!("should match '{pattern}'"));
        }
        if let Some(format) = schema.get("format").and_then(Value::as_str)
            && !super::formats::fits(format, text)
        {
            let words = format!("{path} in body must be of type {format}: {}", crate::status::go_quote(text));
            self.push(FieldError::new(FieldErrorType::TypeInvalid, shown(path), Some(value), words));
        }
    }

    fn number(&mut self, value: &Value, schema: &Value, path: &str) {
        let number = value.as_f64().unwrap_or(0.0);
        let bound = |key: &str| schema.get(key).and_then(Value::as_f64);
        if let Some(most) = bound("maximum") {
            let strict = flag(schema, "exclusiveMaximum");
            if number > most || strict && number >= most {
                let words = if strict { "should be less than" } else { "should be less than or equal to" };
                self.invalid(path, value, format!("{words} {most}"));
            }
        }
        if let Some(least) = bound("minimum") {
            let strict = flag(schema, "exclusiveMinimum");
            if number < least || strict && number <= least {
                let words = if strict { "should be greater than" } else { "should be greater than or equal to" };
                self.invalid(path, value, format!("{words} {least}"));
            }
        }
        if let Some(step) = bound("multipleOf").filter(|step| *step > 0.0)
            && (number / step).fract() != 0.0
        {
            self.invalid(path, value, format!("should be a multiple of {step}"));
        }
        let wanted = schema.get("type").and_then(Value::as_str).unwrap_or("");
        let format = schema.get("format").and_then(Value::as_str).unwrap_or("");
        if !in_range(value, wanted, format) {
            let form = if format.is_empty() { "(default format)".to_owned() } else { format!("with format {format}") };
            let words = format!("Checked value must be of type {wanted} {form} in {path}");
            self.push(FieldError::invalid("<nil>", "", words));
        }
    }

    fn array(&mut self, items: &[Value], old: Option<&Value>, schema: &Value, path: &str) {
        let limit = |key: &str| schema.get(key).and_then(Value::as_u64).map(|limit| limit as usize);
        if let Some(most) = limit("maxItems").filter(|most| items.len() > *most) {
            self.push(FieldError::too_many(shown(path), items.len(), most));
        }
        if let Some(least) = limit("minItems").filter(|least| items.len() < *least) {
            self.invalid(path, &Value::Array(items.to_vec()), format!("should have at least {least} items"));
        }
        self.unique(items, schema, path);
        let Some(inner) = schema.get("items") else { return };
        let old_items = old.and_then(Value::as_array);
        for (index, item) in items.iter().enumerate() {
            let before = old_items.and_then(|old| counterpart(old, item, index, schema));
            self.value(item, before, inner, &format!("{path}[{index}]"), false);
        }
    }

    fn unique(&mut self, items: &[Value], schema: &Value, path: &str) {
        let keys = match schema.get("x-kubernetes-list-type").and_then(Value::as_str) {
            Some("map") => Some(keys_of(schema)),
            Some("set") => None,
            _ if flag(schema, "uniqueItems") => None,
            _ => return,
        };
        let mut seen: Vec<Value> = Vec::new();
        for (index, item) in items.iter().enumerate() {
            let identity = match &keys {
                Some(keys) => key_values(item, keys, schema),
                None => item.clone(),
            };
            if seen.contains(&identity) {
                self.push(FieldError::duplicate(format!("{path}[{index}]"), identity));
            } else {
                seen.push(identity);
            }
        }
    }

    fn object(&mut self, map: &Map<String, Value>, old: Option<&Value>, schema: &Value, path: &str, root: bool) {
        let below = |key: &str| if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") };
        for required in schema.get("required").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str)
        {
            if !map.contains_key(required) {
                self.push(FieldError::required(below(required), ""));
            }
        }
        if !root && flag(schema, "x-kubernetes-embedded-resource") {
            for needed in ["apiVersion", "kind"] {
                if map.get(needed).and_then(Value::as_str).is_none_or(str::is_empty) {
                    self.push(FieldError::required(below(needed), ""));
                }
            }
        }
        let limit = |key: &str| schema.get(key).and_then(Value::as_u64).map(|limit| limit as usize);
        if let Some(most) = limit("maxProperties").filter(|most| map.len() > *most) {
            self.push(FieldError::too_many(shown(path), map.len(), most));
        }
        if let Some(least) = limit("minProperties").filter(|least| map.len() < *least) {
            self.invalid(path, &Value::Object(map.clone()), format!("should have at least {least} properties"));
        }
        let properties = schema.get("properties").and_then(Value::as_object);
        let additional = schema.get("additionalProperties").filter(|inner| inner.is_object());
        for (key, value) in map {
            if root && key == "metadata" {
                continue;
            }
            if let Some(inner) = properties.and_then(|properties| properties.get(key)).or(additional) {
                self.value(value, old.and_then(|old| old.get(key)), inner, &below(key), false);
            }
        }
    }

    fn combined(&mut self, value: &Value, schema: &Value, path: &str) {
        let quoted = || format!("\"{}\"", if path.is_empty() { "" } else { path });
        let run = |schema: &Value| {
            let mut errors = Vec::new();
            Check { errors: &mut errors }.value(value, None, schema, path, false);
            errors
        };
        let list = |key: &str| schema.get(key).and_then(Value::as_array).cloned().unwrap_or_default();
        for one in list("allOf") {
            let errors = run(&one);
            self.errors.extend(errors);
        }
        let any = list("anyOf");
        if !any.is_empty() && !flag(schema, "x-kubernetes-int-or-string") {
            let all: Vec<Vec<FieldError>> = any.iter().map(run).collect();
            if all.iter().all(|errors| !errors.is_empty()) {
                let words = format!("{} must validate at least one schema (anyOf)", quoted());
                self.push(FieldError::invalid("<nil>", "", words));
                self.errors.extend(all.into_iter().next().unwrap_or_default());
            }
        }
        let one_of = list("oneOf");
        if !one_of.is_empty() {
            let all: Vec<Vec<FieldError>> = one_of.iter().map(run).collect();
            let good = all.iter().filter(|errors| errors.is_empty()).count();
            if good != 1 {
                let found =
                    if good == 0 { "Found none valid".to_owned() } else { format!("Found {good} valid alternatives") };
                let words = format!("{} must validate one and only one schema (oneOf). {found}", quoted());
                self.push(FieldError::invalid("<nil>", "", words));
                if good == 0 {
                    self.errors.extend(all.into_iter().next().unwrap_or_default());
                }
            }
        }
        if let Some(not) = schema.get("not").filter(|not| not.is_object())
            && run(not).is_empty()
        {
            let words = format!("{} must not validate the schema (not)", quoted());
            self.push(FieldError::invalid("<nil>", "", words));
        }
    }
}

fn keys_of(schema: &Value) -> Vec<&str> {
    schema
        .get("x-kubernetes-list-map-keys")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect()
}

fn key_values(item: &Value, keys: &[&str], schema: &Value) -> Value {
    let default = |key: &str| {
        schema.pointer("/items/properties").and_then(|map| map.get(key)).and_then(|one| one.get("default")).cloned()
    };
    let pairs =
        keys.iter().filter_map(|key| Some(((*key).to_owned(), item.get(*key).cloned().or_else(|| default(key))?)));
    Value::Object(pairs.collect())
}

/// The old item that an item of a list continues.
pub(super) fn counterpart<'a>(old: &'a [Value], item: &Value, index: usize, schema: &Value) -> Option<&'a Value> {
    match schema.get("x-kubernetes-list-type").and_then(Value::as_str) {
        Some("map") => {
            let keys = keys_of(schema);
            let wanted = key_values(item, &keys, schema);
            old.iter().find(|one| key_values(one, &keys, schema) == wanted)
        }
        Some("set") => old.iter().find(|one| *one == item),
        _ => old.get(index),
    }
}

/// Compiled patterns, shared by all schemas.
static PATTERNS: LazyLock<RwLock<HashMap<String, Option<Arc<Regex>>>>> = LazyLock::new(RwLock::default);
/// Patterns kept at most; beyond that they are compiled again.
const PATTERNS_MAX: usize = 4096;

/// Whether a text fits a pattern; a pattern that cannot be compiled fits nothing.
pub(super) fn matches(pattern: &str, text: &str) -> bool {
    let held = PATTERNS.read().unwrap_or_else(PoisonError::into_inner).get(pattern).cloned();
    let compiled = held.unwrap_or_else(|| {
        let compiled = Regex::new(pattern).ok().map(Arc::new);
        let mut all = PATTERNS.write().unwrap_or_else(PoisonError::into_inner);
        if all.len() >= PATTERNS_MAX {
            all.clear();
        }
        all.insert(pattern.to_owned(), compiled.clone());
        compiled
    });
    compiled.is_some_and(|regex| regex.is_match(text))
}

/// Whether an error keeps the rules of the schema from being looked at.
pub(crate) fn blocks_rules(error: &FieldError) -> bool {
    use FieldErrorType::{NotSupported, Required, TooLong, TooMany, TypeInvalid};
    matches!(error.kind, NotSupported | Required | TooLong | TooMany | TypeInvalid)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn check(schema: Value, object: Value, expect: &[&str]) {
        let texts: Vec<String> = validate(&object, None, &schema).iter().map(FieldError::text).collect();
        assert_eq!(texts, expect);
    }

    #[test]
    fn mistakes_are_worded_as_upstream_does() {
        let schema = json!({"type": "object", "properties": {"spec": {"type": "object", "required": ["a"], "properties": {
            "a": {"type": "string", "pattern": "^a$"}, "n": {"type": "integer", "maximum": 10}, "e": {"type": "string", "enum": ["x", "y"]},
            "t": {"type": "array", "x-kubernetes-list-type": "set", "items": {"type": "string"}, "maxItems": 3},
        }}}});
        check(schema.clone(), json!({"spec": {"a": "a", "n": 3}}), &[]);
        check(
            schema.clone(),
            json!({"spec": {"n": 11}}),
            &["spec.a: Required value", "spec.n: Invalid value: 11: spec.n in body should be less than or equal to 10"],
        );
        check(
            schema.clone(),
            json!({"spec": {"a": "b", "e": "z"}}),
            &[
                "spec.a: Invalid value: \"b\": spec.a in body should match '^a$'",
                "spec.e: Unsupported value: \"z\": supported values: \"x\", \"y\"",
            ],
        );
        check(
            schema,
            json!({"spec": {"a": 5, "t": ["q", "q"]}}),
            &[
                "spec.a: Invalid value: \"integer\": spec.a in body must be of type string: \"integer\"",
                "spec.t[1]: Duplicate value: \"q\"",
            ],
        );
    }

    #[test]
    fn what_did_not_change_passes() {
        let schema = json!({"properties": {"spec": {"type": "object", "properties": {"n": {"type": "integer", "maximum": 1}, "m": {}}}}});
        let (old, new) = (json!({"spec": {"n": 5}}), json!({"spec": {"n": 5, "m": 1}}));
        assert!(validate(&new, Some(&old), &schema).is_empty());
        assert_eq!(validate(&new, None, &schema).len(), 1);
    }
}
