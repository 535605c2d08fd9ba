//! From bytes to text, and the character classes of YAML.

use std::borrow::Cow;

use crate::error::{Error, ErrorKind};

/// Turns bytes into text: UTF-8 with or without a byte order mark, or UTF-16 with one.
///
/// # Errors
/// `yaml: invalid leading UTF-8 octet` and its kin, in libyaml's words.
pub fn decode(bytes: &[u8]) -> Result<Cow<'_, str>, Error> {
    match bytes {
        [0xFF, 0xFE, rest @ ..] => decode_utf16(rest, u16::from_le_bytes).map(Cow::Owned),
        [0xFE, 0xFF, rest @ ..] => decode_utf16(rest, u16::from_be_bytes).map(Cow::Owned),
        _ => {
            let text = std::str::from_utf8(bytes).map_err(|error| reader(utf8_problem(bytes, error.valid_up_to())))?;
            Ok(Cow::Borrowed(without_mark(text)))
        }
    }
}

/// The text after a leading byte order mark.
pub(crate) fn without_mark(text: &str) -> &str {
    text.strip_prefix('\u{FEFF}').unwrap_or(text)
}

fn reader(problem: &str) -> Error {
    Error::new(ErrorKind::Reader(problem.to_owned()))
}

fn utf8_problem(bytes: &[u8], at: usize) -> &'static str {
    let width = match bytes.get(at).copied().unwrap_or(0) {
        0x00..=0x7F => 1,
        0xC0..=0xDF => 2,
        0xE0..=0xEF => 3,
        0xF0..=0xF7 => 4,
        _ => return "invalid leading UTF-8 octet",
    };
    let Some(tail) = bytes.get(at + 1..at + width) else {
        return "incomplete UTF-8 octet sequence";
    };
    if tail.iter().any(|byte| byte & 0xC0 != 0x80) {
        return "invalid trailing UTF-8 octet";
    }
    match (bytes[at], tail.first().copied().unwrap_or(0)) {
        (0xC0 | 0xC1, _) | (0xE0, 0x80..=0x9F) | (0xF0, 0x80..=0x8F) => "invalid length of a UTF-8 sequence",
        _ => "invalid Unicode character",
    }
}

fn decode_utf16(bytes: &[u8], unit: fn([u8; 2]) -> u16) -> Result<String, Error> {
    let (pairs, rest) = bytes.as_chunks::<2>();
    if !rest.is_empty() {
        return Err(reader("incomplete UTF-16 character"));
    }
    let mut text = String::with_capacity(pairs.len());
    let mut units = pairs.iter().map(|pair| unit(*pair)).peekable();
    while let Some(first) = units.next() {
        let code = match first {
            0xDC00..=0xDFFF => return Err(reader("unexpected low surrogate area")),
            0xD800..=0xDBFF => match units.next() {
                Some(second @ 0xDC00..=0xDFFF) => {
                    0x10000 + (u32::from(first & 0x3FF) << 10) + u32::from(second & 0x3FF)
                }
                Some(_) => return Err(reader("expected low surrogate area")),
                None => return Err(reader("incomplete UTF-16 surrogate pair")),
            },
            other => u32::from(other),
        };
        text.extend(char::from_u32(code));
    }
    Ok(text)
}

/// Offset of the first character YAML does not allow anywhere: C0 and C1 controls, U+FFFE and U+FFFF.
pub(crate) fn first_refused(text: &str) -> Option<usize> {
    let bytes = text.as_bytes();
    let mut at = 0;
    while let Some(found) = bytes[at..].iter().position(|byte| SUSPECT[usize::from(*byte)]) {
        at += found;
        let refused = match bytes[at] {
            0xC2 => matches!(bytes.get(at + 1), Some(0x80..=0x84 | 0x86..=0x9F)),
            0xEF => bytes.get(at + 1) == Some(&0xBF) && matches!(bytes.get(at + 2), Some(0xBE | 0xBF)),
            _ => true,
        };
        if refused {
            return Some(at);
        }
        at += 1;
    }
    None
}

/// What the first refused character is reported as.
pub(crate) fn refused_character() -> Error {
    reader("control characters are not allowed")
}

const SUSPECT: [bool; 256] = {
    let mut table = [false; 256];
    let mut byte = 0;
    while byte < 0x20 {
        table[byte] = !matches!(byte, 0x09 | 0x0A | 0x0D);
        byte += 1;
    }
    table[0x7F] = true;
    table[0xC2] = true;
    table[0xEF] = true;
    table
};

/// Length in bytes of the line break at the start of `bytes`; 0 when there is none.
/// A carriage return with a line feed counts as one.
pub(crate) fn break_width(bytes: &[u8]) -> usize {
    match bytes {
        [b'\r', b'\n', ..] => 2,
        [b'\r' | b'\n', ..] => 1,
        [0xC2, 0x85, ..] => 2,
        [0xE2, 0x80, 0xA8 | 0xA9, ..] => 3,
        _ => 0,
    }
}

/// True at a line break or the end.
pub(crate) fn is_break_or_end(bytes: &[u8]) -> bool {
    bytes.is_empty() || break_width(bytes) > 0
}

/// True at a space, a tab, a line break or the end.
pub(crate) fn is_blank_or_end(bytes: &[u8]) -> bool {
    match bytes.first() {
        None | Some(b' ' | b'\t' | b'\n' | b'\r') => true,
        Some(0xC2 | 0xE2) => break_width(bytes) > 0,
        Some(_) => false,
    }
}

/// What may stand in anchors, tag handles and directive names.
pub(crate) fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn utf16_and_marks_are_decoded() {
        assert_eq!(decode(b"\xEF\xBB\xBFa: b").unwrap(), "a: b");
        assert_eq!(decode(b"\xFF\xFEa\0:\0 \0\x3D\xD8\x00\xDE").unwrap(), "a: \u{1F600}");
        assert_eq!(decode(b"\xFE\xFF\0a").unwrap(), "a");
    }

    #[test]
    fn bad_bytes_are_named() {
        let problem = |bytes: &[u8]| decode(bytes).unwrap_err().to_string();
        assert_eq!(problem(b"a: \xFF"), "yaml: invalid leading UTF-8 octet");
        assert_eq!(problem(b"a: \xC3("), "yaml: invalid trailing UTF-8 octet");
        assert_eq!(problem(b"a: \xE2\x82"), "yaml: incomplete UTF-8 octet sequence");
        assert_eq!(problem(b"a: \xC0\x80"), "yaml: invalid length of a UTF-8 sequence");
        assert_eq!(problem(b"a: \xED\xA0\x80"), "yaml: invalid Unicode character");
        assert_eq!(problem(b"\xFF\xFEa"), "yaml: incomplete UTF-16 character");
        assert_eq!(problem(b"\xFF\xFE\x00\xDC"), "yaml: unexpected low surrogate area");
    }

    #[test]
    fn control_characters_are_refused() {
        for good in ["a\tb\r\n", "\u{85}", "\u{A0}", "\u{FEFF}", "\u{FFFD}", "\u{1F600}"] {
            assert_eq!(first_refused(good), None, "{good:?}");
        }
        for bad in ["\0", "a\u{1}", "\u{7F}", "\u{80}", "\u{9F}", "\u{FFFE}", "\u{FFFF}"] {
            assert!(first_refused(bad).is_some(), "{bad:?}");
        }
    }
}
