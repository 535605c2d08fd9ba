//! `unicode` and `unicode/utf8`.

use std::sync::OnceLock;

use regex::Regex;

/// What decoding gives for bytes that are not UTF-8.
pub(crate) const REPLACEMENT: char = '\u{FFFD}';

/// The first character and its length; a byte that begins none is U+FFFD of length 1.
pub(crate) fn decode(bytes: &[u8]) -> Option<(char, usize)> {
    let first = *bytes.first()?;
    if first < 0x80 {
        return Some((char::from(first), 1));
    }
    let head = &bytes[..bytes.len().min(4)];
    let valid = match std::str::from_utf8(head) {
        Ok(text) => text,
        Err(error) => std::str::from_utf8(&head[..error.valid_up_to()]).unwrap_or(""),
    };
    Some(valid.chars().next().map_or((REPLACEMENT, 1), |character| (character, character.len_utf8())))
}

/// The last character and its length, in the manner of [`decode`].
pub(crate) fn decode_last(bytes: &[u8]) -> Option<(char, usize)> {
    let last = *bytes.last()?;
    if last < 0x80 {
        return Some((char::from(last), 1));
    }
    for length in 2..=bytes.len().min(4) {
        let tail = &bytes[bytes.len() - length..];
        if let Some((character, whole)) = decode(tail)
            && whole == length
        {
            return Some((character, length));
        }
    }
    Some((REPLACEMENT, 1))
}

/// Characters with their offsets, as `for i, r := range s` gives them.
pub(crate) fn chars(bytes: &[u8]) -> impl Iterator<Item = (usize, char)> {
    let mut at = 0;
    std::iter::from_fn(move || {
        let (character, length) = decode(&bytes[at..])?;
        let start = at;
        at += length;
        Some((start, character))
    })
}

pub(crate) fn count(bytes: &[u8]) -> usize {
    if bytes.is_ascii() { bytes.len() } else { chars(bytes).count() }
}

pub(crate) fn push(out: &mut Vec<u8>, character: char) {
    out.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
}

fn class(cell: &'static OnceLock<Regex>, pattern: &str, character: char) -> bool {
    let regex = cell.get_or_init(|| Regex::new(pattern).expect("a fixed pattern"));
    regex.is_match(character.encode_utf8(&mut [0; 4]))
}

pub(crate) fn is_letter(character: char) -> bool {
    static CLASS: OnceLock<Regex> = OnceLock::new();
    if character.is_ascii() { character.is_ascii_alphabetic() } else { class(&CLASS, r"^\p{L}$", character) }
}

pub(crate) fn is_digit(character: char) -> bool {
    static CLASS: OnceLock<Regex> = OnceLock::new();
    if character.is_ascii() { character.is_ascii_digit() } else { class(&CLASS, r"^\p{Nd}$", character) }
}

pub(crate) fn is_number(character: char) -> bool {
    static CLASS: OnceLock<Regex> = OnceLock::new();
    if character.is_ascii() { character.is_ascii_digit() } else { class(&CLASS, r"^\p{N}$", character) }
}

pub(crate) fn is_punct(character: char) -> bool {
    static CLASS: OnceLock<Regex> = OnceLock::new();
    class(&CLASS, r"^\p{P}$", character)
}

/// Letters, marks, numbers, punctuation, symbols, and the ASCII space.
pub(crate) fn is_print(character: char) -> bool {
    static CLASS: OnceLock<Regex> = OnceLock::new();
    match character {
        ' '..='~' => true,
        '\0'..='\u{9F}' => false,
        _ => class(&CLASS, r"^[\p{L}\p{M}\p{N}\p{P}\p{S}]$", character),
    }
}

/// `unicode.IsSpace`.
pub(crate) fn is_space(character: char) -> bool {
    match u32::from(character) {
        0..=0xFF => matches!(character, '\t' | '\n' | '\x0B' | '\x0C' | '\r' | ' ' | '\u{85}' | '\u{A0}'),
        _ => character.is_whitespace(),
    }
}

/// Maps each character; bytes that are not UTF-8 become U+FFFD, as in `strings.Map`.
pub(crate) fn map(bytes: &[u8], mut change: impl FnMut(char) -> Option<char>) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len());
    for (_, character) in chars(bytes) {
        if let Some(changed) = change(character) {
            push(&mut out, changed);
        }
    }
    out
}

/// `unicode.ToUpper`: one character for one.
pub(crate) fn to_upper(character: char) -> char {
    single(character.to_uppercase(), character)
}

/// `unicode.ToLower`: one character for one.
pub(crate) fn to_lower(character: char) -> char {
    if character == '\u{130}' {
        return 'i';
    }
    single(character.to_lowercase(), character)
}

/// Lower case for upper-case letters only; title-case letters stay.
pub(crate) fn to_lower_if_upper(character: char) -> char {
    if character.is_uppercase() { to_lower(character) } else { character }
}

/// `unicode.ToTitle`.
pub(crate) fn to_title(character: char) -> char {
    match character {
        '\u{1C4}' | '\u{1C5}' | '\u{1C6}' => '\u{1C5}',
        '\u{1C7}' | '\u{1C8}' | '\u{1C9}' => '\u{1C8}',
        '\u{1CA}' | '\u{1CB}' | '\u{1CC}' => '\u{1CB}',
        '\u{1F1}' | '\u{1F2}' | '\u{1F3}' => '\u{1F2}',
        _ => to_upper(character),
    }
}

fn single(mut changed: impl Iterator<Item = char>, character: char) -> char {
    match (changed.next(), changed.next()) {
        (Some(one), None) => one,
        _ => character,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn broken_bytes_are_single() {
        assert_eq!(decode(b"\xe2\x98"), Some((REPLACEMENT, 1)));
        assert_eq!(decode("☃x".as_bytes()), Some(('☃', 3)));
        assert_eq!(decode_last("x☃".as_bytes()), Some(('☃', 3)));
        assert_eq!(decode_last(b"x\x98"), Some((REPLACEMENT, 1)));
        assert_eq!(count(b"a\xff\xe2\x98\x83"), 3);
    }
}
