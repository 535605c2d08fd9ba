//! JSON, base64, base32.

use super::{Arguments as _, Function, any, map, text};
use crate::error::Exceeded;
use crate::exec::{Fail, Operand, Res, Run, Ty, fail};
use crate::go::json::{self, Target};
use crate::value::{Map, MapKind, Value};

use Ty::{Any, Reflect, Str};

pub(super) const FUNCTIONS: &[Function] = &[
    // Helm's, which replace sprig's.
    Function::new("toJson", &[Any], Str, |run, a| text(json::encode(run, a.value(0), true)?.unwrap_or_default())),
    Function::new("mustToJson", &[Any], Str, |run, a| must(json::encode(run, a.value(0), true)?)),
    Function::new("fromJson", &[Str], Reflect, |run, a| map(or_error(json::decode(run, a.bytes(0), Target::Map)?))),
    Function::new("fromJsonArray", &[Str], Reflect, |run, a| {
        let decoded = json::decode(run, a.bytes(0), Target::List)?;
        Ok(decoded.unwrap_or_else(|message| Value::list(vec![Value::text(message)])).into())
    }),
    Function::new("mustFromJson", &[Str], Any, |run, a| match json::decode(run, a.bytes(0), Target::Any)? {
        Ok(value) => any(value),
        Err(message) => fail(message),
    }),
    Function::new("toPrettyJson", &[Any], Str, |run, a| text(pretty(run, a.value(0))?.unwrap_or_default())),
    Function::new("mustToPrettyJson", &[Any], Str, |run, a| must(pretty(run, a.value(0))?)),
    Function::new("toRawJson", &[Any], Str, |run, a| must(json::encode(run, a.value(0), false)?)),
    Function::new("mustToRawJson", &[Any], Str, |run, a| must(json::encode(run, a.value(0), false)?)),
    Function::new("b64enc", &[Str], Str, |run, a| {
        run.charge(a.bytes(0).len() * 2)?;
        text(super::base64_text(a.bytes(0)))
    }),
    Function::new("b64dec", &[Str], Str, |run, a| {
        run.charge(a.bytes(0).len())?;
        text(base64_decode(a.bytes(0)).unwrap_or_else(String::into_bytes))
    }),
    Function::new("b32enc", &[Str], Str, |run, a| {
        run.charge(a.bytes(0).len() * 2)?;
        text(base32_encode(a.bytes(0)))
    }),
    Function::new("b32dec", &[Str], Str, |run, a| {
        run.charge(a.bytes(0).len())?;
        text(base32_decode(a.bytes(0)).unwrap_or_else(String::into_bytes))
    }),
];

fn must(encoded: Result<Vec<u8>, String>) -> Res<Operand> {
    match encoded {
        Ok(bytes) => text(bytes),
        Err(message) => fail(message),
    }
}

fn pretty(run: &mut Run<'_>, value: &Value) -> json::Encoded<Vec<u8>> {
    let encoded = json::encode(run, value, true)?;
    Ok(match encoded {
        Ok(compact) => {
            run.charge(compact.len() * 2)?;
            Ok(json::indented(&compact))
        }
        Err(message) => Err(message),
    })
}

/// The map, or one with the error in it.
pub(super) fn or_error(decoded: Result<Value, String>) -> Map {
    match decoded {
        Ok(Value::Map(map)) => map,
        Ok(_) => Map::new(MapKind::Any),
        Err(message) => Map::from_entries(MapKind::Any, [("Error", Value::text(message))]),
    }
}

/// What `json.Marshal` would show, as a JSON value; floats that are whole become integers.
pub(crate) fn json_of(run: &mut Run<'_>, value: &Value) -> json::Encoded<serde_json::Value> {
    let most = run.levels();
    json_at(run, value, 0, most)
}

fn json_at(run: &mut Run<'_>, value: &Value, depth: usize, most: usize) -> json::Encoded<serde_json::Value> {
    use serde_json::Value as Json;
    run.step()?;
    if depth > most {
        return Fail::limit(Exceeded::Depth);
    }
    if depth > 900 {
        return Ok(Err("json: unsupported value: encountered a cycle".to_owned()));
    }
    Ok(Ok(match value {
        Value::Nil => Json::Null,
        Value::Bool(value) => Json::Bool(*value),
        Value::Int(value, _) => Json::from(*value),
        Value::Uint(value, _) => Json::from(*value),
        Value::Float(value) if value.is_finite() => Json::from(*value),
        Value::Str(text) => {
            run.charge(text.len().saturating_mul(2) + 64)?;
            Json::String(replaced(text.as_bytes()))
        }
        Value::List(list) if !list.is_nil() => {
            run.descend()?;
            let mut items = Vec::with_capacity(list.len());
            for item in list.items().iter() {
                match json_at(run, item, depth + 1, most)? {
                    Ok(item) => items.push(item),
                    Err(message) => return Ok(Err(message)),
                }
            }
            Json::Array(items)
        }
        Value::Map(map) if !map.is_nil() => {
            run.descend()?;
            let mut object = serde_json::Map::new();
            for (key, item) in map.entries() {
                run.charge(key.len() * 2 + 96)?;
                match json_at(run, &item, depth + 1, most)? {
                    Ok(item) => object.insert(replaced(key.as_bytes()), item),
                    Err(message) => return Ok(Err(message)),
                };
            }
            Json::Object(object)
        }
        Value::List(_) | Value::Map(_) => Json::Null,
        Value::Bytes(bytes) => Json::String(super::base64_text(bytes.as_bytes())),
        Value::Record(record) if record.ty != crate::value::RecordType::Version => {
            let mut object = serde_json::Map::new();
            for (name, field) in json::json_fields(record) {
                match json_at(run, field, depth + 1, most)? {
                    Ok(field) => object.insert(name.to_owned(), field),
                    Err(message) => return Ok(Err(message)),
                };
            }
            Json::Object(object)
        }
        Value::Float(_) | Value::Complex(_) | Value::Time(_) | Value::Record(_) => {
            return Ok(match json::encode(run, value, true)? {
                Ok(bytes) => serde_json::from_slice(&bytes).map_err(|error| error.to_string()),
                Err(message) => Err(message),
            });
        }
    }))
}

/// U+FFFD for each byte that is not UTF-8.
fn replaced(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        out.push_str(chunk.valid());
        out.extend(std::iter::repeat_n('\u{FFFD}', chunk.invalid().len()));
    }
    out
}

/// `base64.StdEncoding.DecodeString`, or the words of its error.
pub(super) fn base64_decode(text: &[u8]) -> Result<Vec<u8>, String> {
    base64_groups(text).map_err(|at| format!("illegal base64 data at input byte {at}"))
}

fn base64_digit(byte: u8) -> Option<u32> {
    Some(u32::from(match byte {
        b'A'..=b'Z' => byte - b'A',
        b'a'..=b'z' => byte - b'a' + 26,
        b'0'..=b'9' => byte - b'0' + 52,
        b'+' => 62,
        b'/' => 63,
        _ => return None,
    }))
}

/// Padded groups of four; line breaks are skipped. The error is the offset of what is wrong.
fn base64_groups(text: &[u8]) -> Result<Vec<u8>, usize> {
    let mut out = Vec::with_capacity(text.len() / 4 * 3);
    let mut at = 0;
    let skip = |at: &mut usize| {
        while matches!(text.get(*at), Some(b'\r' | b'\n')) {
            *at += 1;
        }
    };
    loop {
        let (mut value, mut count) = (0u32, 0);
        while count < 4 {
            skip(&mut at);
            let Some(&byte) = text.get(at) else { return if count == 0 { Ok(out) } else { Err(at - count) } };
            if byte == b'=' {
                break;
            }
            value = value << 6 | base64_digit(byte).ok_or(at)?;
            at += 1;
            count += 1;
        }
        let bytes = (value << (6 * (4 - count))).to_be_bytes();
        out.extend_from_slice(&bytes[1..1 + count * 6 / 8]);
        if count == 4 {
            continue;
        }
        if count < 2 {
            return Err(at);
        }
        for _ in count..4 {
            skip(&mut at);
            match text.get(at) {
                Some(b'=') => at += 1,
                found => return Err(if found.is_none() { text.len() } else { at }),
            }
        }
        skip(&mut at);
        return if at < text.len() { Err(at) } else { Ok(out) };
    }
}

/// `base32.StdEncoding.DecodeString`, or the words of its error.
fn base32_decode(text: &[u8]) -> Result<Vec<u8>, String> {
    let plain: Vec<u8> = text.iter().copied().filter(|byte| !matches!(byte, b'\r' | b'\n')).collect();
    base32_groups(&plain).map_err(|at| format!("illegal base32 data at input byte {at}"))
}

fn base32_groups(text: &[u8]) -> Result<Vec<u8>, usize> {
    let mut out = Vec::with_capacity(text.len() / 8 * 5);
    for (group, chunk) in text.chunks(8).enumerate() {
        let start = group * 8;
        let (mut value, mut count) = (0u64, 0);
        for (index, &byte) in chunk.iter().enumerate() {
            if byte == b'=' && index >= 2 && start + 8 >= text.len() {
                break;
            }
            let digit = match byte {
                b'A'..=b'Z' => byte - b'A',
                b'2'..=b'7' => byte - b'2' + 26,
                _ => return Err(start + index),
            };
            value = value << 5 | u64::from(digit);
            count += 1;
        }
        if count == chunk.len() && count < 8 {
            return Err(start);
        }
        if count < 8 {
            if chunk.len() < 8 {
                return Err(text.len());
            }
            if let Some(wrong) = chunk[count..].iter().position(|byte| *byte != b'=') {
                return Err(start + count + wrong);
            }
            if matches!(count, 3 | 6) {
                return Err(start + count);
            }
        }
        let bytes = (value << (5 * (8 - count))).to_be_bytes();
        out.extend_from_slice(&bytes[3..3 + count * 5 / 8]);
    }
    Ok(out)
}

fn base32_encode(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    let mut out = String::with_capacity(bytes.len() * 8 / 5 + 8);
    for chunk in bytes.chunks(5) {
        let value = (0..5).fold(0u64, |value, index| value << 8 | u64::from(*chunk.get(index).unwrap_or(&0)));
        let digits = (chunk.len() * 8).div_ceil(5);
        for index in 0..8 {
            let digit = DIGITS[(value >> (35 - 5 * index) & 31) as usize];
            out.push(if index < digits { char::from(digit) } else { '=' });
        }
    }
    out
}
