//! Numbers and strings in Go's spelling.

use std::fmt::Write as _;

/// `strconv.FormatFloat(value, 'g', -1, 64)` with YAML's words for what is not a number.
pub(crate) fn float(value: f64) -> String {
    if value.is_nan() {
        return ".nan".to_owned();
    }
    if value.is_infinite() {
        return if value > 0.0 { ".inf" } else { "-.inf" }.to_owned();
    }
    scientific(&format!("{value:e}"), &value.to_string())
}

/// As [`float`], but with the digits a 32-bit float needs; sigs.k8s.io/yaml prints keys so.
pub(crate) fn float_key(value: f64) -> String {
    if !value.is_finite() {
        return float(value);
    }
    let short = value as f32;
    if short.is_infinite() {
        return if short > 0.0 { ".inf" } else { "-.inf" }.to_owned();
    }
    scientific(&format!("{short:e}"), &short.to_string())
}

/// Go writes an exponent below -4 and from 6 up when it looks for the shortest digits.
fn scientific(shortest: &str, positional: &str) -> String {
    let (digits, exponent) = shortest.split_once('e').unwrap_or((shortest, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    if (-4..SHORTEST_LIMIT).contains(&exponent) {
        return positional.to_owned();
    }
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{digits}e{sign}{:02}", exponent.abs())
}

/// `%e` is used from this exponent up.
const SHORTEST_LIMIT: i32 = 6;

/// `strconv.Quote`.
pub(crate) fn quote(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for character in text.chars() {
        match character {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\x07' => out.push_str("\\a"),
            '\x08' => out.push_str("\\b"),
            '\x0C' => out.push_str("\\f"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\x0B' => out.push_str("\\v"),
            ' '..='~' => out.push(character),
            '\0'..='\x1F' | '\x7F' => _ = write!(out, "\\x{:02x}", u32::from(character)),
            _ if is_printable(character) => out.push(character),
            '\u{80}'..='\u{FFFF}' => _ = write!(out, "\\u{:04x}", u32::from(character)),
            _ => _ = write!(out, "\\U{:08x}", u32::from(character)),
        }
    }
    out.push('"');
    out
}

/// Rust's debug escapes leave the same characters alone as Go's, but for combining marks.
fn is_printable(character: char) -> bool {
    if character.is_whitespace() {
        return false;
    }
    let mut escaped = character.escape_debug();
    escaped.len() == 1 && escaped.next() == Some(character)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_are_quoted_as_go_does() {
        assert_eq!(quote("a\"b\\c\n\u{1}\u{7f}é\u{2028}\u{1F600}"), "\"a\\\"b\\\\c\\n\\x01\\x7fé\\u2028\u{1F600}\"");
    }
}
