//! Integers and floats as go-yaml reads them, with Go's `strconv` rules.

use std::borrow::Cow;

/// A number that a plain scalar stands for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Number {
    Int(i64),
    Uint(u64),
    Float(f64),
}

/// Reads a scalar that starts with a digit or a sign. `octal` allows a sign after `0o`, a v3 oddity.
pub(crate) fn parse(text: &str, octal: bool) -> Option<Number> {
    let plain: Cow<'_, str> = if text.contains('_') { Cow::Owned(text.replace('_', "")) } else { Cow::Borrowed(text) };
    if let Some(number) = integer(&plain) {
        return Some(number);
    }
    if is_float(&plain) {
        return float(&plain);
    }
    // `0b` and `0o` once more, with the sign behind the prefix.
    [("0b", 2), ("0o", 8)].iter().take(1 + usize::from(octal)).find_map(|(prefix, radix)| {
        let digits = plain.strip_prefix(prefix)?;
        let (negative, digits) = split_sign(digits);
        magnitude(digits, *radix).and_then(|value| signed(negative, value))
    })
}

/// Reads a scalar that starts with a point.
pub(crate) fn parse_point(text: &str) -> Option<Number> {
    if is_float(text) { float(text) } else { None }
}

/// Go's `ParseInt(s, 0, 64)`, then `ParseUint`: the prefix gives the base.
fn integer(text: &str) -> Option<Number> {
    let (negative, digits) = split_sign(text);
    let signless = digits.len() == text.len();
    let (radix, digits) = match digits.as_bytes() {
        [b'0', b'x' | b'X', _, ..] => (16, &digits[2..]),
        [b'0', b'o' | b'O', _, ..] => (8, &digits[2..]),
        [b'0', b'b' | b'B', _, ..] => (2, &digits[2..]),
        [b'0', _, ..] => (8, &digits[1..]),
        _ => (10, digits),
    };
    let value = magnitude(digits, radix)?;
    match signed(negative, value) {
        Some(Number::Uint(_)) if !signless => None,
        other => other,
    }
}

fn split_sign(text: &str) -> (bool, &str) {
    match text.as_bytes().first() {
        Some(b'-') => (true, &text[1..]),
        Some(b'+') => (false, &text[1..]),
        _ => (false, text),
    }
}

fn magnitude(digits: &str, radix: u32) -> Option<u64> {
    if digits.is_empty() || !digits.bytes().all(|byte| char::from(byte).is_digit(radix)) {
        return None;
    }
    u64::from_str_radix(digits, radix).ok()
}

fn signed(negative: bool, value: u64) -> Option<Number> {
    match (negative, i64::try_from(value)) {
        (false, Ok(value)) => Some(Number::Int(value)),
        (false, Err(_)) => Some(Number::Uint(value)),
        (true, Ok(value)) => Some(Number::Int(-value)),
        (true, Err(_)) if value == 1 << 63 => Some(Number::Int(i64::MIN)),
        (true, Err(_)) => None,
    }
}

/// `[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?`
fn is_float(text: &str) -> bool {
    let digits = |text: &str| text.bytes().take_while(u8::is_ascii_digit).count();
    let (_, rest) = split_sign(text);
    let whole = digits(rest);
    let mut rest = &rest[whole..];
    if let Some(fraction) = rest.strip_prefix('.') {
        let length = digits(fraction);
        if whole + length == 0 {
            return false;
        }
        rest = &fraction[length..];
    } else if whole == 0 {
        return false;
    }
    match rest.strip_prefix(['e', 'E']) {
        None => rest.is_empty(),
        Some(exponent) => {
            let (_, exponent) = split_sign(exponent);
            !exponent.is_empty() && digits(exponent) == exponent.len()
        }
    }
}

/// Too large a float is an error in Go, hence no number.
fn float(text: &str) -> Option<Number> {
    text.parse().ok().filter(|value: &f64| value.is_finite()).map(Number::Float)
}
