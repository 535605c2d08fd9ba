//! Config maps and secrets.

use base64::Engine as _;
use serde_json::Value;

use super::at::At;
use super::formats::config_key;
use super::report::{IMMUTABLE, Report, entries, is_true, same, text};

/// Bound on all data of one object, in bytes.
const DATA_MAX: usize = 1024 * 1024;
const FROZEN: &str = "field is immutable when `immutable` is set";

fn decoded(value: &Value) -> Vec<u8> {
    let text = value.as_str().unwrap_or_default();
    base64::engine::general_purpose::STANDARD.decode(text).unwrap_or_default()
}

/// Bytes that a base64 text stands for.
fn decoded_len(value: &Value) -> usize {
    let text = value.as_str().unwrap_or_default();
    text.len() / 4 * 3 - text.bytes().rev().take_while(|byte| *byte == b'=').count().min(text.len() / 4 * 3)
}

pub(super) fn config_map(object: &Value, report: &mut Report) {
    let mut size = 0;
    let (data, binary) = (At::root("data"), At::root("binaryData"));
    for (key, value) in entries(object, "data") {
        report.each(&data.key(key), key, config_key(key));
        if object["binaryData"].get(key).is_some() {
            report.invalid(&data.key(key), key, "duplicate of key present in binaryData");
        }
        size += value.as_str().map_or(0, str::len);
    }
    for (key, value) in entries(object, "binaryData") {
        report.each(&binary.key(key), key, config_key(key));
        size += decoded_len(value);
    }
    if size > DATA_MAX {
        report.too_long(&At::root(""), DATA_MAX);
    }
}

pub(super) fn secret(object: &Value, report: &mut Report) {
    let at = At::root("data");
    let mut size = 0;
    for (key, value) in entries(object, "data") {
        report.each(&at.key(key), key, config_key(key));
        size += decoded_len(value);
    }
    if size > DATA_MAX {
        report.too_long(&at, DATA_MAX);
    }
    let data = &object["data"];
    let mut require = |keys: &[&str]| {
        for key in keys.iter().filter(|key| data[**key].is_null()) {
            report.required(&at.key(key), "");
        }
    };
    match text(object, "type") {
        "kubernetes.io/service-account-token" => {
            const ACCOUNT: &str = "kubernetes.io/service-account.name";
            report.required_text(
                &At::root("metadata.annotations").key(ACCOUNT),
                &object["metadata"]["annotations"][ACCOUNT],
            );
        }
        "kubernetes.io/dockercfg" => registry(data, ".dockercfg", &at, report),
        "kubernetes.io/dockerconfigjson" => registry(data, ".dockerconfigjson", &at, report),
        "kubernetes.io/basic-auth" if data["username"].is_null() && data["password"].is_null() => {
            require(&["username", "password"]);
        }
        "kubernetes.io/ssh-auth" => report.required_text(&at.key("ssh-privatekey"), &data["ssh-privatekey"]),
        "kubernetes.io/tls" => require(&["tls.crt", "tls.key"]),
        _ => {}
    }
}

/// Credentials of registries are a JSON object.
fn registry(data: &Value, key: &str, at: &At<'_>, report: &mut Report) {
    let at = at.key(key);
    let Some(value) = data.get(key) else { return report.required(&at, "") };
    let bytes = decoded(value);
    let words = match crate::json::parse(&bytes) {
        Ok(parsed) if parsed.value.is_object() || parsed.value.is_null() => return,
        Ok(parsed) => {
            let kind = match parsed.value {
                Value::String(_) => "string",
                Value::Array(_) => "array",
                Value::Bool(_) => "bool",
                _ => "number",
            };
            format!("json: cannot unmarshal {kind} into Go value of type map[string]interface {{}}")
        }
        Err(error) => crate::json::go_syntax_error(&bytes, &error),
    };
    report.invalid(&at, "<secret contents redacted>", words);
}

/// Data marked immutable stays.
fn frozen(old: &Value, new: &Value, fields: &[&str], report: &mut Report) {
    if !is_true(&old["immutable"]) {
        return;
    }
    if !is_true(&new["immutable"]) {
        report.forbidden(&At::root("immutable"), FROZEN);
    }
    for field in fields.iter().filter(|field| !same(&old[**field], &new[**field])) {
        report.forbidden(&At::root(field), FROZEN);
    }
}

pub(super) fn update_config_map(old: &Value, new: &Value, report: &mut Report) {
    frozen(old, new, &["data", "binaryData"], report);
    config_map(new, report);
}

pub(super) fn update_secret(old: &Value, new: &Value, report: &mut Report) {
    if text(old, "type") != text(new, "type") {
        report.invalid(&At::root("type"), text(new, "type"), IMMUTABLE);
    }
    frozen(old, new, &["data"], report);
    secret(new, report);
}
