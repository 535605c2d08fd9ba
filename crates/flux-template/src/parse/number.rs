//! Constants.

use super::tree::Number;
use crate::go::numbers::{self, float_to_int, float_to_uint};
use crate::go::quoting;

/// A character constant, as written.
pub(super) fn character(text: &[u8]) -> Result<Number, String> {
    let shown = String::from_utf8_lossy(text);
    let Some((piece, rest)) = quoting::unquote_char(&text[1..], b'\'') else { return Err("invalid syntax".into()) };
    if rest != b"'" {
        return Err(format!("malformed character constant: {shown}"));
    }
    let value = piece.value();
    Ok(Number {
        text: shown.into_owned(),
        int: Some(i64::from(value)),
        uint: Some(u64::from(value)),
        float: Some(f64::from(value)),
        complex: None,
    })
}

/// `1+2i`.
pub(super) fn complex(text: &[u8]) -> Result<Number, String> {
    let body = text.strip_suffix(b"i").unwrap_or(text);
    // The sign between the parts is the last one that is not an exponent's.
    let split = (1..body.len()).rev().find(|&at| b"+-".contains(&body[at]) && !b"eEpP".contains(&body[at - 1]));
    let parts = split.and_then(|at| {
        let re = numbers::parse_float(&body[..at]).ok()?;
        let im = numbers::parse_float(&body[at..]).ok()?;
        Some((re, im))
    });
    let parts = parts.ok_or("syntax error scanning complex number")?;
    Ok(simplified(text, parts))
}

fn simplified(text: &[u8], complex: (f64, f64)) -> Number {
    let mut number = Number { text: shown(text), complex: Some(complex), ..Number::default() };
    if complex.1 == 0.0 {
        number.float = Some(complex.0);
        number.int = whole(complex.0);
        number.uint = whole_unsigned(complex.0);
    }
    number
}

fn shown(text: &[u8]) -> String {
    String::from_utf8_lossy(text).into_owned()
}

fn whole(value: f64) -> Option<i64> {
    let int = float_to_int(value);
    (int as f64 == value).then_some(int)
}

fn whole_unsigned(value: f64) -> Option<u64> {
    let uint = float_to_uint(value);
    (uint as f64 == value).then_some(uint)
}

pub(super) fn number(text: &[u8]) -> Result<Number, String> {
    if let Some(body) = text.strip_suffix(b"i")
        && let Ok(value) = numbers::parse_float(body)
    {
        return Ok(simplified(text, (0.0, value)));
    }
    let mut number = Number { text: shown(text), ..Number::default() };
    number.uint = numbers::parse_uint(text, 0).ok();
    number.int = numbers::parse_int(text, 0).ok();
    if number.int == Some(0) {
        number.uint = Some(0);
    }
    if let Some(int) = number.int {
        number.float = Some(int as f64);
    } else if let Some(uint) = number.uint {
        number.float = Some(uint as f64);
    } else if let Ok(float) = numbers::parse_float(text) {
        if !text.iter().any(|byte| b".eEpP".contains(byte)) {
            return Err(format!("integer overflow: {}", quoting::quote_text(text)));
        }
        number.float = Some(float);
        number.int = whole(float);
        number.uint = whole_unsigned(float);
    }
    if number.float.is_none() {
        return Err(format!("illegal number syntax: {}", quoting::quote_text(text)));
    }
    Ok(number)
}
