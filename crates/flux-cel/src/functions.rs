//! Functions and operators by name.

use std::cmp::Ordering;
use std::rc::Rc;

use base64::Engine as _;
use jiff::{SignedDuration, Timestamp};
use kube_cel::cel::common::ast::operators as op;

use crate::convert::duration_text;
use crate::error::Failure;
use crate::eval::{Evaluator, Outcome};
use crate::strings;
use crate::value::Val;

const NAMESPACED: &[&str] = &[
    "sets.contains",
    "sets.equivalent",
    "sets.intersects",
    "base64.encode",
    "base64.decode",
    "optional.of",
    "optional.none",
    "optional.ofNonZeroValue",
    "strings.quote",
];

/// True for functions whose name has a prefix that is no variable.
pub(crate) fn is_namespaced(name: &str) -> bool {
    NAMESPACED.contains(&name)
}

/// Calls a function; of a method, the target is the first argument.
pub(crate) fn call<'a>(eval: &mut Evaluator<'a>, name: &str, method: bool, arguments: Vec<Val<'a>>) -> Outcome<'a> {
    if let [target, ..] = arguments.as_slice()
        && method
        && matches!(target, Val::Str(_) | Val::List(_) | Val::JsonList(_))
        && let Some(result) = strings::call(eval, name, &arguments)
    {
        return result;
    }
    match arguments.as_slice() {
        [] => none(name),
        [one] => unary(eval, name, one),
        [left, right] => binary(eval, name, left, right),
        _ => Err(unknown(name)),
    }
}

fn unknown(name: &str) -> Failure {
    if crate::check::FUNCTIONS.iter().any(|(known, _)| *known == name) || name.contains(['_', '@']) {
        Failure::NoSuchOverload
    } else {
        Failure::text(format!("no such overload: {name}"))
    }
}

fn none<'a>(name: &str) -> Outcome<'a> {
    match name {
        "optional.none" => Ok(Val::Optional(None)),
        _ => Err(unknown(name)),
    }
}

fn unary<'a>(eval: &mut Evaluator<'a>, name: &str, value: &Val<'a>) -> Outcome<'a> {
    Ok(match (name, value) {
        (op::LOGICAL_NOT, Val::Bool(b)) => Val::Bool(!b),
        (op::NEGATE, Val::Int(i)) => Val::Int(i.checked_neg().ok_or_else(overflow)?),
        (op::NEGATE, Val::Double(d)) => Val::Double(-d),
        (op::NEGATE, Val::Duration(d)) => Val::Duration(d.checked_neg().ok_or_else(overflow)?),
        ("size", value) => int(value.size().ok_or(Failure::NoSuchOverload)?),
        ("dyn", value) => value.clone(),
        ("type", value) => Val::Type(value.type_name()),
        ("bool" | "int" | "uint" | "double" | "string" | "bytes" | "duration" | "timestamp", value) => {
            convert(eval, name, value)?
        }
        ("hasValue", Val::Optional(inner)) => Val::Bool(inner.is_some()),
        ("value", Val::Optional(inner)) => match inner {
            Some(inner) => inner.as_ref().clone(),
            None => return Err(Failure::text("optional.none() dereference")),
        },
        ("optional.of", value) => Val::some(value.clone()),
        ("optional.ofNonZeroValue", value) => {
            if value.is_zero() {
                Val::Optional(None)
            } else {
                Val::some(value.clone())
            }
        }
        ("first", value) => Val::Optional(items(value)?.into_iter().next().map(Rc::new)),
        ("last", value) => Val::Optional(items(value)?.pop().map(Rc::new)),
        ("base64.encode", Val::Bytes(bytes)) => {
            eval.charge(bytes.len() / 10)?;
            Val::text(base64::engine::general_purpose::STANDARD.encode(bytes))
        }
        ("base64.decode", Val::Str(text)) => decode(text)?,
        ("strings.quote", Val::Str(text)) => Val::text(format!("{:?}", text.as_ref())),
        (_, Val::Timestamp(time)) => timestamp_part(name, &time.to_zoned(jiff::tz::TimeZone::UTC))?,
        (_, Val::Duration(duration)) => duration_part(name, *duration)?,
        _ => return Err(unknown(name)),
    })
}

fn decode<'a>(text: &str) -> Outcome<'a> {
    let plain = text.trim_end_matches('=');
    base64::engine::general_purpose::STANDARD_NO_PAD
        .decode(plain)
        .map(|bytes| Val::Bytes(bytes.into()))
        .map_err(|error| Failure::text(format!("illegal base64 data: {error}")))
}

fn items<'a>(value: &Val<'a>) -> Result<Vec<Val<'a>>, Failure> {
    value.items().ok_or(Failure::NoSuchOverload)
}

fn int<'a>(value: usize) -> Val<'a> {
    Val::Int(i64::try_from(value).unwrap_or(i64::MAX))
}

fn overflow() -> Failure {
    Failure::text("integer overflow")
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    reason = "CEL's own conversions, ranges checked"
)]
fn convert<'a>(eval: &mut Evaluator<'a>, name: &str, value: &Val<'a>) -> Outcome<'a> {
    let bad = |text: &str| Failure::text(format!("type conversion error from 'string' to '{name}': {text:?}"));
    Ok(match (name, value) {
        ("bool", Val::Bool(_))
        | ("int", Val::Int(_))
        | ("uint", Val::Uint(_))
        | ("double", Val::Double(_))
        | ("string", Val::Str(_))
        | ("bytes", Val::Bytes(_))
        | ("duration", Val::Duration(_))
        | ("timestamp", Val::Timestamp(_)) => value.clone(),
        ("bool", Val::Str(text)) => match text.as_ref() {
            "true" | "True" | "TRUE" | "t" | "1" => Val::Bool(true),
            "false" | "False" | "FALSE" | "f" | "0" => Val::Bool(false),
            other => return Err(bad(other)),
        },
        ("int", Val::Uint(u)) => Val::Int(i64::try_from(*u).map_err(|_| overflow())?),
        ("int", Val::Double(d)) if d.abs() < 9.223_372_036_854_775e18 => Val::Int(*d as i64),
        ("int", Val::Str(text)) => Val::Int(text.parse().map_err(|_| bad(text))?),
        ("int", Val::Timestamp(time)) => Val::Int(time.as_second()),
        ("int", Val::Duration(d)) => Val::Int(i64::try_from(d.as_nanos()).map_err(|_| overflow())?),
        ("uint", Val::Int(i)) => Val::Uint(u64::try_from(*i).map_err(|_| overflow())?),
        ("uint", Val::Double(d)) if *d >= 0.0 && *d < 1.844_674_407_370_955e19 => Val::Uint(*d as u64),
        ("uint", Val::Str(text)) => Val::Uint(text.parse().map_err(|_| bad(text))?),
        ("int" | "uint", Val::Double(_)) => return Err(overflow()),
        ("double", Val::Int(i)) => Val::Double(*i as f64),
        ("double", Val::Uint(u)) => Val::Double(*u as f64),
        ("double", Val::Str(text)) => Val::Double(text.parse().map_err(|_| bad(text))?),
        ("string", Val::Bool(b)) => Val::text(b.to_string()),
        ("string", Val::Int(i)) => Val::text(i.to_string()),
        ("string", Val::Uint(u)) => Val::text(u.to_string()),
        ("string", Val::Double(d)) => Val::text(d.to_string()),
        ("string", Val::Bytes(bytes)) => Val::text(
            std::str::from_utf8(bytes)
                .map_err(|_| Failure::text("invalid UTF-8 in bytes, cannot convert to string"))?,
        ),
        ("string", Val::Timestamp(time)) => Val::text(time.to_string()),
        ("string", Val::Duration(d)) => Val::text(duration_text(*d)),
        ("bytes", Val::Str(text)) => {
            eval.charge(text.len() / 10)?;
            Val::Bytes(text.as_bytes().into())
        }
        ("duration", Val::Str(text)) => Val::Duration(parse_duration(text).ok_or_else(|| bad(text))?),
        ("timestamp", Val::Str(text)) => Val::Timestamp(text.parse().map_err(|_| bad(text))?),
        ("timestamp", Val::Int(seconds)) => Val::Timestamp(Timestamp::from_second(*seconds).map_err(|_| overflow())?),
        _ => return Err(Failure::NoSuchOverload),
    })
}

/// Go's duration syntax.
fn parse_duration(text: &str) -> Option<SignedDuration> {
    let (negative, mut rest) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    if rest == "0" {
        return Some(SignedDuration::ZERO);
    }
    if rest.is_empty() || rest.len() > 128 {
        return None;
    }
    let mut total = 0_f64;
    let mut whole = 0_i128;
    while !rest.is_empty() {
        let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let (number, after) = rest.split_at(end);
        let unit_end = after.find(|c: char| c.is_ascii_digit() || c == '.').unwrap_or(after.len());
        let (unit, next) = after.split_at(unit_end);
        let scale = match unit {
            "h" => 3_600_000_000_000_i128,
            "m" => 60_000_000_000,
            "s" => 1_000_000_000,
            "ms" => 1_000_000,
            "us" | "\u{b5}s" | "\u{3bc}s" => 1_000,
            "ns" => 1,
            _ => return None,
        };
        match number.parse::<i64>() {
            Ok(number) => whole += i128::from(number) * scale,
            #[expect(clippy::cast_precision_loss, reason = "units are small")]
            Err(_) => total += number.parse::<f64>().ok()? * scale as f64,
        }
        rest = next;
    }
    #[expect(clippy::cast_possible_truncation, reason = "saturates")]
    let nanos = whole + total.round() as i128;
    let nanos = i64::try_from(if negative { -nanos } else { nanos }).ok()?;
    Some(SignedDuration::from_nanos(nanos))
}

fn timestamp_part<'a>(name: &str, time: &jiff::Zoned) -> Outcome<'a> {
    Ok(Val::Int(match name {
        "getFullYear" => i64::from(time.year()),
        "getMonth" => i64::from(time.month()) - 1,
        "getDayOfYear" => i64::from(time.day_of_year()) - 1,
        "getDayOfMonth" => i64::from(time.day()) - 1,
        "getDate" => i64::from(time.day()),
        "getDayOfWeek" => i64::from(time.weekday().to_sunday_zero_offset()),
        "getHours" => i64::from(time.hour()),
        "getMinutes" => i64::from(time.minute()),
        "getSeconds" => i64::from(time.second()),
        "getMilliseconds" => i64::from(time.millisecond()),
        _ => return Err(unknown(name)),
    }))
}

fn duration_part<'a>(name: &str, duration: SignedDuration) -> Outcome<'a> {
    Ok(Val::Int(match name {
        "getHours" => duration.as_hours(),
        "getMinutes" => duration.as_mins(),
        "getSeconds" => duration.as_secs(),
        "getMilliseconds" => i64::from(duration.subsec_millis()),
        _ => return Err(unknown(name)),
    }))
}

fn binary<'a>(eval: &mut Evaluator<'a>, name: &str, left: &Val<'a>, right: &Val<'a>) -> Outcome<'a> {
    let sizes = left.size().unwrap_or(0).min(right.size().unwrap_or(0));
    eval.charge(sizes / 10)?;
    Ok(match name {
        op::EQUALS => Val::Bool(left.equals(right)),
        op::NOT_EQUALS => Val::Bool(!left.equals(right)),
        op::LESS => ordered(left, right, Ordering::is_lt)?,
        op::LESS_EQUALS => ordered(left, right, Ordering::is_le)?,
        op::GREATER => ordered(left, right, Ordering::is_gt)?,
        op::GREATER_EQUALS => ordered(left, right, Ordering::is_ge)?,
        op::IN => contains(eval, right, left)?,
        op::INDEX => indexed(left, right)?,
        op::ADD | op::SUBSTRACT | op::MULTIPLY | op::DIVIDE | op::MODULO => arithmetic(eval, name, left, right)?,
        "or" => match (left, right) {
            (Val::Optional(None), Val::Optional(_)) => right.clone(),
            (Val::Optional(Some(_)), Val::Optional(_)) => left.clone(),
            _ => return Err(Failure::NoSuchOverload),
        },
        "orValue" => match left {
            Val::Optional(Some(inner)) => inner.as_ref().clone(),
            Val::Optional(None) => right.clone(),
            _ => return Err(Failure::NoSuchOverload),
        },
        "sets.contains" => Val::Bool(covers(eval, left, right)?),
        "sets.equivalent" => Val::Bool(covers(eval, left, right)? && covers(eval, right, left)?),
        "sets.intersects" => {
            let (left, right) = (items(left)?, items(right)?);
            eval.charge(left.len().saturating_mul(right.len()))?;
            Val::Bool(left.iter().any(|a| right.iter().any(|b| a.equals(b))))
        }
        // With a time zone as argument; only UTC is known here.
        _ if name.starts_with("get") => match (left, right) {
            (Val::Timestamp(time), Val::Str(zone)) => {
                let zone =
                    jiff::tz::TimeZone::get(zone).map_err(|_| Failure::text(format!("unknown time zone {zone}")))?;
                timestamp_part(name, &time.to_zoned(zone))?
            }
            _ => return Err(Failure::NoSuchOverload),
        },
        _ => return Err(unknown(name)),
    })
}

fn covers<'a>(eval: &mut Evaluator<'a>, outer: &Val<'a>, inner: &Val<'a>) -> Result<bool, Failure> {
    let (outer, inner) = (items(outer)?, items(inner)?);
    eval.charge(outer.len().saturating_mul(inner.len()))?;
    Ok(inner.iter().all(|a| outer.iter().any(|b| a.equals(b))))
}

fn ordered<'a>(left: &Val<'a>, right: &Val<'a>, holds: fn(Ordering) -> bool) -> Outcome<'a> {
    if let Some(order) = left.compare_numbers(right) {
        return order.map(|order| Val::Bool(holds(order))).ok_or_else(|| Failure::text("NaN values cannot be ordered"));
    }
    left.compare(right).map(|order| Val::Bool(holds(order))).ok_or(Failure::NoSuchOverload)
}

fn contains<'a>(eval: &mut Evaluator<'a>, container: &Val<'a>, value: &Val<'a>) -> Outcome<'a> {
    eval.charge(container.size().unwrap_or_default())?;
    if let Some(items) = container.items() {
        return Ok(Val::Bool(items.iter().any(|item| item.equals(value))));
    }
    match container {
        Val::Map(_) | Val::JsonMap(_) => Ok(Val::Bool(container.at_key(value).is_some())),
        _ => Err(Failure::NoSuchOverload),
    }
}

/// `a[b]`, where `a` may be an optional value.
fn indexed<'a>(operand: &Val<'a>, key: &Val<'a>) -> Outcome<'a> {
    match operand {
        Val::Optional(None) => Ok(Val::Optional(None)),
        Val::Optional(Some(inner)) => match index(inner, key) {
            Ok(value) => Ok(Val::some(value)),
            Err(Failure::NoSuchKey(_) | Failure::IndexOutOfBounds(_)) => Ok(Val::Optional(None)),
            Err(failure) => Err(failure),
        },
        operand => index(operand, key),
    }
}

pub(crate) fn index<'a>(operand: &Val<'a>, key: &Val<'a>) -> Outcome<'a> {
    match operand {
        Val::Map(_) | Val::JsonMap(_) => operand.at_key(key).ok_or_else(|| Failure::NoSuchKey(key_text(key))),
        Val::List(_) | Val::JsonList(_) => {
            let place = match crate::value::Key::of(key) {
                Some(crate::value::Key::Int(place)) => place,
                _ => return Err(Failure::text(format!("unsupported index type '{}' in list", key.type_name()))),
            };
            let found = usize::try_from(place).ok().and_then(|place| match operand {
                Val::List(items) => items.get(place).cloned(),
                Val::JsonList(items) => items.get(place).map(Val::from),
                _ => None,
            });
            found.ok_or(Failure::IndexOutOfBounds(place))
        }
        _ => Err(Failure::NoSuchOverload),
    }
}

fn key_text(key: &Val<'_>) -> String {
    match key {
        Val::Str(text) => text.clone().into_owned(),
        Val::Int(i) => i.to_string(),
        Val::Uint(u) => u.to_string(),
        Val::Bool(b) => b.to_string(),
        other => other.type_name().to_owned(),
    }
}

fn arithmetic<'a>(eval: &mut Evaluator<'a>, name: &str, left: &Val<'a>, right: &Val<'a>) -> Outcome<'a> {
    Ok(match (left, right) {
        (Val::Int(a), Val::Int(b)) => {
            let (a, b) = (*a, *b);
            let result = match name {
                op::ADD => a.checked_add(b),
                op::SUBSTRACT => a.checked_sub(b),
                op::MULTIPLY => a.checked_mul(b),
                op::DIVIDE if b == 0 => return Err(Failure::text("division by zero")),
                op::MODULO if b == 0 => return Err(Failure::text("modulus by zero")),
                op::DIVIDE => a.checked_div(b),
                _ => a.checked_rem(b),
            };
            Val::Int(result.ok_or_else(overflow)?)
        }
        (Val::Uint(a), Val::Uint(b)) => {
            let (a, b) = (*a, *b);
            let result = match name {
                op::ADD => a.checked_add(b),
                op::SUBSTRACT => a.checked_sub(b),
                op::MULTIPLY => a.checked_mul(b),
                op::DIVIDE if b == 0 => return Err(Failure::text("division by zero")),
                op::MODULO if b == 0 => return Err(Failure::text("modulus by zero")),
                op::DIVIDE => a.checked_div(b),
                _ => a.checked_rem(b),
            };
            Val::Uint(result.ok_or_else(|| Failure::text("unsigned integer overflow"))?)
        }
        (Val::Double(a), Val::Double(b)) => Val::Double(match name {
            op::ADD => a + b,
            op::SUBSTRACT => a - b,
            op::MULTIPLY => a * b,
            op::DIVIDE => a / b,
            _ => return Err(Failure::NoSuchOverload),
        }),
        (Val::Str(a), Val::Str(b)) if name == op::ADD => {
            eval.charge((a.len() + b.len()) / 10)?;
            Val::text(format!("{a}{b}"))
        }
        (Val::Bytes(a), Val::Bytes(b)) if name == op::ADD => {
            eval.charge((a.len() + b.len()) / 10)?;
            Val::Bytes([a.as_ref(), b.as_ref()].concat().into())
        }
        (Val::Duration(_) | Val::Timestamp(_), _) => times(name, left, right)?,
        _ if name == op::ADD => {
            let (mut joined, more) = (items(left)?, items(right)?);
            eval.charge(joined.len() + more.len())?;
            joined.extend(more);
            Val::list(joined)
        }
        _ => return Err(Failure::NoSuchOverload),
    })
}

fn times<'a>(name: &str, left: &Val<'a>, right: &Val<'a>) -> Outcome<'a> {
    let result = match (left, name, right) {
        (Val::Duration(a), op::ADD, Val::Duration(b)) => a.checked_add(*b).map(Val::Duration),
        (Val::Duration(a), op::SUBSTRACT, Val::Duration(b)) => a.checked_sub(*b).map(Val::Duration),
        (Val::Timestamp(a), op::ADD, Val::Duration(b)) | (Val::Duration(b), op::ADD, Val::Timestamp(a)) => {
            a.checked_add(*b).ok().map(Val::Timestamp)
        }
        (Val::Timestamp(a), op::SUBSTRACT, Val::Duration(b)) => a.checked_sub(*b).ok().map(Val::Timestamp),
        (Val::Timestamp(a), op::SUBSTRACT, Val::Timestamp(b)) => Some(Val::Duration(a.duration_since(*b))),
        _ => return Err(Failure::NoSuchOverload),
    };
    result.ok_or_else(overflow)
}
