//! `spf13/cast`: anything to a number; what is none is 0.

use crate::go::numbers::{float_to_int, parse_float, parse_int};
use crate::value::{IntKind, Value};

pub(super) fn to_int(value: &Value) -> i64 {
    match value {
        Value::Int(_, IntKind::Duration) => 0,
        Value::Int(value, _) => *value,
        Value::Uint(value, _) => *value as i64,
        Value::Float(value) => float_to_int(*value),
        Value::Str(text) => parse_int(without_zero_decimal(text.as_bytes()), 0).unwrap_or(0),
        Value::Bool(value) => i64::from(*value),
        _ => 0,
    }
}

/// `12.00` is `12`.
fn without_zero_decimal(text: &[u8]) -> &[u8] {
    let kept = text.iter().rposition(|byte| *byte != b'0').map_or(0, |last| last + 1);
    match text[..kept].split_last() {
        Some((b'.', before)) if kept < text.len() => before,
        _ => text,
    }
}

pub(super) fn to_float(value: &Value) -> f64 {
    match value {
        Value::Int(_, IntKind::Duration) => 0.0,
        Value::Int(value, _) => *value as f64,
        Value::Uint(value, _) => *value as f64,
        Value::Float(value) => *value,
        Value::Str(text) => parse_float(text.as_bytes()).unwrap_or(0.0),
        Value::Bool(value) => f64::from(u8::from(*value)),
        _ => 0.0,
    }
}
