//! Collecting field errors, and reading the fields they are about.

use serde_json::Value;

use super::at::At;
use crate::names;
use crate::status::{FieldError, FieldErrorType, go_json, go_quote};

pub(super) const NOT_NEGATIVE: &str = "must be greater than or equal to 0";
pub(super) const IMMUTABLE: &str = "field is immutable";

/// The errors found so far, in upstream's order.
#[derive(Default)]
pub(crate) struct Report {
    pub errors: Vec<FieldError>,
}

impl Report {
    pub fn required(&mut self, at: &At<'_>, detail: &str) {
        self.errors.push(FieldError::required(at.to_string(), detail));
    }

    pub fn invalid(&mut self, at: &At<'_>, value: impl Into<Value>, detail: impl Into<String>) {
        self.errors.push(FieldError::invalid(at.to_string(), value, detail));
    }

    /// An invalid value whose printed form is not that of its JSON.
    pub fn invalid_printed(&mut self, at: &At<'_>, printed: &str, detail: &str) {
        self.printed(FieldErrorType::Invalid, at, printed, detail);
    }

    pub fn printed(&mut self, kind: FieldErrorType, at: &At<'_>, printed: &str, detail: &str) {
        let text = if detail.is_empty() { printed.to_owned() } else { format!("{printed}: {detail}") };
        self.errors.push(FieldError::new(kind, at.to_string(), None, text));
    }

    pub fn forbidden(&mut self, at: &At<'_>, detail: impl Into<String>) {
        self.errors.push(FieldError::forbidden(at.to_string(), detail));
    }

    pub fn duplicate(&mut self, at: &At<'_>, value: impl Into<Value>) {
        self.errors.push(FieldError::duplicate(at.to_string(), value));
    }

    pub fn not_found(&mut self, at: &At<'_>, value: impl Into<Value>) {
        self.errors.push(FieldError::not_found(at.to_string(), value));
    }

    pub fn not_supported(&mut self, at: &At<'_>, value: &str, supported: &[&str]) {
        self.errors.push(FieldError::not_supported(at.to_string(), value, supported));
    }

    pub fn not_supported_printed(&mut self, at: &At<'_>, printed: &str, supported: &[&str]) {
        let list: Vec<String> = supported.iter().map(|word| go_quote(word)).collect();
        self.printed(FieldErrorType::NotSupported, at, printed, &format!("supported values: {}", list.join(", ")));
    }

    pub fn too_long(&mut self, at: &At<'_>, limit: usize) {
        self.errors.push(FieldError::too_long(at.to_string(), limit));
    }

    pub fn too_many(&mut self, at: &At<'_>, actual: usize, limit: usize) {
        self.errors.push(FieldError::too_many(at.to_string(), actual, limit));
    }

    /// One error per text that a check of a name returned.
    pub fn each(&mut self, at: &At<'_>, value: &str, details: Vec<String>) {
        self.errors.extend(details.into_iter().map(|detail| FieldError::invalid(at.to_string(), value, detail)));
    }

    /// A number that must not be negative; nothing when it is absent.
    pub fn non_negative(&mut self, at: &At<'_>, value: &Value) {
        if let Some(number) = value.as_i64().filter(|number| *number < 0) {
            self.invalid(at, number, NOT_NEGATIVE);
        }
    }

    /// The child fields named must not be negative.
    pub fn non_negative_children(&mut self, at: &At<'_>, object: &Value, names: &[&str]) {
        for name in names {
            self.non_negative(&at.child(name), &object[*name]);
        }
    }

    /// A text of a closed set; nothing when it is absent.
    pub fn one_of(&mut self, at: &At<'_>, value: &Value, supported: &[&str]) {
        if let Some(text) = value.as_str()
            && !supported.contains(&text)
        {
            self.not_supported(at, text, supported);
        }
    }

    /// A text of a closed set that must be there.
    pub fn required_one_of(&mut self, at: &At<'_>, value: &Value, supported: &[&str]) {
        match value.as_str().unwrap_or_default() {
            "" => self.required(at, ""),
            _ => self.one_of(at, value, supported),
        }
    }

    /// A text that must not be empty.
    pub fn required_text(&mut self, at: &At<'_>, value: &Value) {
        if value.as_str().unwrap_or_default().is_empty() {
            self.required(at, "");
        }
    }

    /// The same value before and after.
    pub fn immutable(&mut self, at: &At<'_>, old: &Value, new: &Value) {
        if !same(old, new) {
            let printed = if new.is_string() { go_quote(new.as_str().unwrap_or_default()) } else { go_json(new) };
            self.invalid_printed(at, &printed, IMMUTABLE);
        }
    }

    pub fn dns_label(&mut self, at: &At<'_>, text: &str) {
        self.each(at, text, names::dns_label(text));
    }

    pub fn dns_subdomain(&mut self, at: &At<'_>, text: &str) {
        self.each(at, text, names::dns_subdomain(text));
    }

    pub fn qualified_name(&mut self, at: &At<'_>, text: &str) {
        self.each(at, text, names::qualified_name(text));
    }

    pub fn labels(&mut self, at: &At<'_>, map: &Value) {
        names::labels(Some(map), &at.to_string(), &mut self.errors);
    }

    pub fn annotations(&mut self, at: &At<'_>, map: &Value) {
        names::annotations(Some(map), &at.to_string(), &mut self.errors);
    }
}

/// Equality as upstream means it: nothing equals an empty list or map.
pub(super) fn same(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Object(a), Value::Object(b)) => {
            a.iter().all(|(key, value)| same(value, b.get(key).unwrap_or(&Value::Null)))
                && b.iter().all(|(key, value)| a.contains_key(key) || same(value, &Value::Null))
        }
        (Value::Array(a), Value::Array(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b)),
        (Value::Null, Value::Array(list)) | (Value::Array(list), Value::Null) => list.is_empty(),
        (Value::Null, Value::Object(map)) | (Value::Object(map), Value::Null) => map.is_empty(),
        _ => a == b,
    }
}

/// The text of a field, empty when absent.
pub(super) fn text<'a>(object: &'a Value, key: &str) -> &'a str {
    object[key].as_str().unwrap_or_default()
}

pub(super) fn items<'a>(object: &'a Value, key: &str) -> &'a [Value] {
    object[key].as_array().map_or(&[], Vec::as_slice)
}

pub(super) fn texts<'a>(object: &'a Value, key: &str) -> Vec<&'a str> {
    items(object, key).iter().filter_map(Value::as_str).collect()
}

pub(super) fn entries<'a>(object: &'a Value, key: &str) -> impl Iterator<Item = (&'a str, &'a Value)> {
    object[key].as_object().into_iter().flatten().map(|(key, value)| (key.as_str(), value))
}

pub(super) fn number(object: &Value, key: &str) -> i64 {
    object[key].as_i64().unwrap_or(0)
}

pub(super) fn is_true(value: &Value) -> bool {
    *value == Value::Bool(true)
}

/// Present and not null.
pub(super) fn given<'a>(object: &'a Value, key: &str) -> Option<&'a Value> {
    object.get(key).filter(|value| !value.is_null())
}
