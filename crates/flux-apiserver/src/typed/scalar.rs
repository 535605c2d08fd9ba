//! Scalars: what Go's decoder takes, and their canonical text.

use base64::Engine as _;
use serde_json::Value;

use super::Misfit;
use super::facts::Type;

/// Shapes a scalar; `mismatch` words the refusal of a wrong JSON type.
pub(super) fn shape(kind: &Type, value: Value, mismatch: impl Fn(&Value, &str) -> Misfit) -> Result<Value, Misfit> {
    if value.is_null() && !matches!(kind, Type::Any | Type::Raw) {
        return Ok(super_zero(kind));
    }
    match kind {
        Type::String(name) => {
            if value.is_string() {
                Ok(value)
            } else {
                Err(mismatch(&value, name))
            }
        }
        Type::Bool => {
            if value.is_boolean() {
                Ok(value)
            } else {
                Err(mismatch(&value, "bool"))
            }
        }
        Type::Integer { name, min, max } => match value.as_i64() {
            Some(number) if (*min..=*max).contains(&number) => Ok(value),
            _ => Err(mismatch(&value, name)),
        },
        Type::Float => {
            if value.is_number() {
                Ok(value)
            } else {
                Err(mismatch(&value, "float64"))
            }
        }
        Type::Bytes => bytes(value, mismatch),
        Type::Time { micro } => time(value, *micro),
        Type::Duration => match value {
            Value::String(_) => Ok(value),
            other => Err(unmarshal(&other, "string")),
        },
        Type::Quantity => quantity(value),
        Type::IntOrString => match &value {
            Value::String(_) => Ok(value),
            Value::Number(number) if number.as_i64().is_some_and(|n| i32::try_from(n).is_ok()) => Ok(value),
            other => Err(unmarshal(other, "int32")),
        },
        _ => Ok(value),
    }
}

fn super_zero(kind: &Type) -> Value {
    match kind {
        Type::String(_) => "".into(),
        Type::Bool => false.into(),
        Type::Integer { .. } | Type::IntOrString | Type::Float => 0.into(),
        Type::Quantity => "0".into(),
        Type::Duration => "0s".into(),
        _ => Value::Null,
    }
}

/// The words of a decoder that was started anew inside a field.
fn unmarshal(value: &Value, go_type: &str) -> Misfit {
    let given = match value {
        Value::Null => "null".to_owned(),
        Value::Bool(_) => "bool".to_owned(),
        Value::Number(number) if go_type != "string" => format!("number {number}"),
        Value::Number(_) => "number".to_owned(),
        Value::String(_) => "string".to_owned(),
        Value::Array(_) => "array".to_owned(),
        Value::Object(_) => "object".to_owned(),
    };
    Misfit::of(format!("json: cannot unmarshal {given} into Go value of type {go_type}"))
}

fn bytes(value: Value, mismatch: impl Fn(&Value, &str) -> Misfit) -> Result<Value, Misfit> {
    let Value::String(text) = &value else { return Err(mismatch(&value, "[]uint8")) };
    // Go's decoder skips line ends inside base64.
    let clean: String = text.chars().filter(|letter| !matches!(letter, '\r' | '\n')).collect();
    match base64::engine::general_purpose::STANDARD.decode(&clean) {
        Ok(_) => Ok(clean.into()),
        Err(error) => {
            let at = match error {
                base64::DecodeError::InvalidByte(at, _) | base64::DecodeError::InvalidLastSymbol(at, _) => at,
                base64::DecodeError::InvalidLength(length) => length / 4 * 4,
                base64::DecodeError::InvalidPadding => clean.len(),
            };
            Err(Misfit::of(format!("illegal base64 data at input byte {at}")))
        }
    }
}

const LAYOUT: &str = "2006-01-02T15:04:05Z07:00";
const LAYOUT_MICRO: &str = "2006-01-02T15:04:05.000000Z07:00";

fn time(value: Value, micro: bool) -> Result<Value, Misfit> {
    let Value::String(text) = &value else { return Err(unmarshal(&value, "string")) };
    let layout = if micro { LAYOUT_MICRO } else { LAYOUT };
    check_layout(text, micro).map_err(|(rest, element)| {
        Misfit::of(format!("parsing time \"{text}\" as \"{layout}\": cannot parse \"{rest}\" as \"{element}\""))
    })?;
    let parsed: jiff::Timestamp =
        text.parse().map_err(|_| Misfit::of(format!("parsing time \"{text}\": day out of range")))?;
    let precision = if micro { 6 } else { 0 };
    let whole = if micro { parsed } else { jiff::Timestamp::from_second(parsed.as_second()).unwrap_or(parsed) };
    Ok(format!("{whole:.precision$}").into())
}

/// Walks Go's layout over the text; what is left and which element failed.
fn check_layout(text: &str, micro: bool) -> Result<(), (String, &'static str)> {
    let mut rest = text;
    for (element, digits) in [
        ("2006", 4),
        ("-", 0),
        ("01", 2),
        ("-", 0),
        ("02", 2),
        ("T", 0),
        ("15", 2),
        (":", 0),
        ("04", 2),
        (":", 0),
        ("05", 2),
    ] {
        let good = if digits == 0 {
            rest.starts_with(element)
        } else {
            rest.len() >= digits && rest.bytes().take(digits).all(|byte| byte.is_ascii_digit())
        };
        if !good {
            return Err((rest.to_owned(), element));
        }
        rest = &rest[if digits == 0 { element.len() } else { digits }..];
    }
    if micro {
        let fraction = rest.strip_prefix('.').filter(|tail| tail.len() >= 6);
        match fraction {
            Some(tail) if tail.bytes().take(6).all(|byte| byte.is_ascii_digit()) => rest = &tail[6..],
            _ => return Err((rest.to_owned(), ".000000")),
        }
    } else if let Some(tail) = rest.strip_prefix('.') {
        rest = tail.trim_start_matches(|letter: char| letter.is_ascii_digit());
    }
    let zone = rest.as_bytes();
    let good = rest == "Z" || zone.len() == 6 && matches!(zone[0], b'+' | b'-') && zone[3] == b':';
    if good { Ok(()) } else { Err((rest.to_owned(), "Z07:00")) }
}

fn quantity(value: Value) -> Result<Value, Misfit> {
    let text = match &value {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        other => return Err(unmarshal(other, "string")),
    };
    canonical_quantity(&text).map(Value::from).map_err(|message| Misfit::of(message.to_owned()))
}

const FORMAT_WRONG: &str =
    "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'";
const SUFFIX_WRONG: &str = "unable to parse quantity's suffix";

#[derive(Clone, Copy, PartialEq)]
enum Format {
    Binary,
    Decimal,
    Exponent,
}

/// The canonical form of a quantity, or upstream's words why it is none.
pub(crate) fn canonical_quantity(text: &str) -> Result<String, &'static str> {
    let (negative, digits, fraction, suffix) = split(text)?;
    let (format, exponent2, exponent10) = suffix_meaning(suffix).ok_or(SUFFIX_WRONG)?;
    let joined: String = format!("{digits}{fraction}");
    let joined = joined.trim_start_matches('0');
    if joined.len() > 36 {
        return Ok(text.to_owned());
    }
    let mantissa: i128 = if joined.is_empty() { 0 } else { joined.parse().map_err(|_| FORMAT_WRONG)? };
    let scale = exponent10 - fraction.len() as i32;
    let sign = if negative && mantissa != 0 { "-" } else { "" };
    let body = match format {
        Format::Binary => binary(mantissa, scale, exponent2),
        Format::Decimal | Format::Exponent => decimal(mantissa, scale, format),
    };
    Ok(body.map_or_else(|| text.to_owned(), |body| format!("{sign}{body}")))
}

fn split(text: &str) -> Result<(bool, &str, &str, &str), &'static str> {
    let negative = text.starts_with('-');
    let rest = text.strip_prefix(['-', '+']).unwrap_or(text);
    let number_end = rest.find(|letter: char| !letter.is_ascii_digit() && letter != '.').unwrap_or(rest.len());
    let (number, suffix) = rest.split_at(number_end);
    let (digits, fraction) = number.split_once('.').unwrap_or((number, ""));
    if digits.is_empty() && fraction.is_empty() || fraction.contains('.') {
        return Err(FORMAT_WRONG);
    }
    let word = suffix.trim_start_matches(|letter| "eEinumkKMGTP".contains(letter));
    let tail = word.strip_prefix(['-', '+']).unwrap_or(word);
    if !tail.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(FORMAT_WRONG);
    }
    Ok((negative, digits, fraction, suffix))
}

/// Format, power of two and power of ten of a suffix.
fn suffix_meaning(suffix: &str) -> Option<(Format, u32, i32)> {
    Some(match suffix {
        "" => (Format::Decimal, 0, 0),
        "n" => (Format::Decimal, 0, -9),
        "u" => (Format::Decimal, 0, -6),
        "m" => (Format::Decimal, 0, -3),
        "k" => (Format::Decimal, 0, 3),
        "M" => (Format::Decimal, 0, 6),
        "G" => (Format::Decimal, 0, 9),
        "T" => (Format::Decimal, 0, 12),
        "P" => (Format::Decimal, 0, 15),
        "E" => (Format::Decimal, 0, 18),
        "Ki" => (Format::Binary, 10, 0),
        "Mi" => (Format::Binary, 20, 0),
        "Gi" => (Format::Binary, 30, 0),
        "Ti" => (Format::Binary, 40, 0),
        "Pi" => (Format::Binary, 50, 0),
        "Ei" => (Format::Binary, 60, 0),
        _ => {
            let number = suffix.strip_prefix(['e', 'E'])?;
            let exponent: i32 = number.strip_prefix('+').unwrap_or(number).parse().ok()?;
            (Format::Exponent, 0, exponent)
        }
    })
}

/// A value in powers of 1024; falls back to the decimal form when it is no whole number, as upstream does.
fn binary(mantissa: i128, scale: i32, exponent2: u32) -> Option<String> {
    let mut value = mantissa.checked_mul(1i128.checked_shl(exponent2)?)?;
    let mut scale = scale;
    while scale < 0 && value % 10 == 0 {
        value /= 10;
        scale += 1;
    }
    if scale < 0 {
        return decimal(value, scale, Format::Decimal);
    }
    value = value.checked_mul(10i128.checked_pow(scale.unsigned_abs())?)?;
    if value < 1024 {
        return decimal(value, 0, Format::Decimal);
    }
    let mut steps = 0;
    while steps < 6 && value % 1024 == 0 {
        value /= 1024;
        steps += 1;
    }
    Some(format!("{value}{}", ["", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei"][steps]))
}

/// A value in powers of 1000, never finer than nano; finer ones are rounded up.
fn decimal(mantissa: i128, scale: i32, format: Format) -> Option<String> {
    let (mut value, mut scale) = (mantissa, scale);
    while scale < -9 {
        value = value / 10 + i128::from(value % 10 != 0);
        scale += 1;
    }
    if value == 0 {
        return Some("0".into());
    }
    while value % 10 == 0 {
        value /= 10;
        scale += 1;
    }
    while scale.rem_euclid(3) != 0 {
        value = value.checked_mul(10)?;
        scale -= 1;
    }
    if scale > 18 && format == Format::Decimal {
        value = value.checked_mul(10i128.checked_pow((scale - 18).unsigned_abs())?)?;
        scale = 18;
    }
    let suffix = match (format, scale) {
        (_, 0) => String::new(),
        (Format::Exponent, scale) => format!("e{scale}"),
        (_, -9) => "n".into(),
        (_, -6) => "u".into(),
        (_, -3) => "m".into(),
        (_, 3) => "k".into(),
        (_, 6) => "M".into(),
        (_, 9) => "G".into(),
        (_, 12) => "T".into(),
        (_, 15) => "P".into(),
        _ => "E".into(),
    };
    Some(format!("{value}{suffix}"))
}
