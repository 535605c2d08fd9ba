//! Results as JSON and as texts.

use base64::Engine as _;
use serde_json::{Value, json};

use crate::value::{Key, Val};

pub(crate) fn to_json(value: &Val<'_>) -> Result<Value, String> {
    Ok(match value {
        Val::Null => Value::Null,
        Val::Bool(b) => json!(b),
        Val::Int(i) => json!(i),
        Val::Uint(u) => json!(u),
        Val::Double(d) => json!(d),
        Val::Str(text) => json!(text),
        Val::Bytes(bytes) => json!(base64::engine::general_purpose::STANDARD.encode(bytes)),
        Val::List(items) => Value::Array(items.iter().map(to_json).collect::<Result<_, _>>()?),
        Val::JsonList(items) => Value::Array(items.to_vec()),
        Val::JsonMap(map) => Value::Object((*map).clone()),
        Val::Map(map) => {
            let entries = map.iter().map(|(key, value)| match key {
                Key::Str(name) => Ok((name.clone(), to_json(value)?)),
                other => Ok((to_json(&other.to_val())?.to_string(), to_json(value)?)),
            });
            Value::Object(entries.collect::<Result<_, String>>()?)
        }
        Val::Optional(Some(inner)) => to_json(inner)?,
        Val::Optional(None) => Value::Null,
        Val::Duration(duration) => json!(duration_text(*duration)),
        Val::Timestamp(time) => json!(time.to_string()),
        Val::Type(name) => json!(name),
        Val::Failed(failure) => return Err(failure.to_string()),
    })
}

/// Seconds with a fraction, as cel-go prints a duration.
pub(crate) fn duration_text(duration: jiff::SignedDuration) -> String {
    let nanos = duration.as_nanos();
    let (sign, nanos) = (if nanos < 0 { "-" } else { "" }, nanos.unsigned_abs());
    let fraction = nanos % 1_000_000_000;
    if fraction == 0 {
        return format!("{sign}{}s", nanos / 1_000_000_000);
    }
    let digits = format!("{fraction:09}");
    format!("{sign}{}.{}s", nanos / 1_000_000_000, digits.trim_end_matches('0'))
}

pub(crate) fn to_strings(value: &Val<'_>) -> Result<Vec<String>, String> {
    let Some(items) = value.items() else { return Err(refusal(value, "[]string")) };
    let text = |item: Val<'_>| match item {
        Val::Str(text) => Ok(text.into_owned()),
        other => Err(refusal(&other, "string")),
    };
    items.into_iter().map(text).collect()
}

/// Each of cel-go's types refuses a conversion in its own words.
fn refusal(value: &Val<'_>, wanted: &str) -> String {
    match value {
        Val::Str(_) => format!("unsupported native conversion from string to '{wanted}'"),
        Val::Int(_) => format!("unsupported type conversion from 'int' to {wanted}"),
        Val::Uint(_) => format!("unsupported type conversion from 'uint' to {wanted}"),
        Val::Double(_) => format!("type conversion error from Double to '{wanted}'"),
        Val::Bool(_) => format!("type conversion error from bool to '{wanted}'"),
        Val::Bytes(_) => format!("type conversion error from Bytes to '{wanted}'"),
        other => format!("type conversion error from {} to '{wanted}'", other.type_name()),
    }
}
