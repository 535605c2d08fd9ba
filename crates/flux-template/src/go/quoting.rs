//! `strconv`: quoting and unquoting.

use super::runes;

/// `strconv.Quote`.
pub(crate) fn quote(bytes: &[u8]) -> Vec<u8> {
    quoted(bytes, b'"', false)
}

/// [`quote`] for text in messages.
pub(crate) fn quote_text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(&quote(bytes)).into_owned()
}

/// `strconv.Quote` and its kin with another delimiter, or with ASCII only.
pub(crate) fn quoted(bytes: &[u8], delimiter: u8, ascii: bool) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len() + 2);
    out.push(delimiter);
    let mut rest = bytes;
    while let Some((character, length)) = runes::decode(rest) {
        if character == runes::REPLACEMENT && length == 1 {
            hex(&mut out, b'x', u32::from(rest[0]), 2);
        } else {
            escape(&mut out, character, delimiter, ascii);
        }
        rest = &rest[length..];
    }
    out.push(delimiter);
    out
}

/// `strconv.QuoteRune`.
pub(crate) fn quote_rune(character: char, ascii: bool) -> Vec<u8> {
    let mut out = vec![b'\''];
    escape(&mut out, character, b'\'', ascii);
    out.push(b'\'');
    out
}

fn escape(out: &mut Vec<u8>, character: char, delimiter: u8, ascii: bool) {
    if character == char::from(delimiter) || character == '\\' {
        out.push(b'\\');
        runes::push(out, character);
        return;
    }
    if if ascii { character.is_ascii() && runes::is_print(character) } else { runes::is_print(character) } {
        return runes::push(out, character);
    }
    let short = match character {
        '\x07' => b'a',
        '\x08' => b'b',
        '\x0C' => b'f',
        '\n' => b'n',
        '\r' => b'r',
        '\t' => b't',
        '\x0B' => b'v',
        '\0'..='\x1F' | '\x7F' => return hex(out, b'x', u32::from(character), 2),
        '\0'..='\u{FFFF}' => return hex(out, b'u', u32::from(character), 4),
        _ => return hex(out, b'U', u32::from(character), 8),
    };
    out.extend_from_slice(&[b'\\', short]);
}

fn hex(out: &mut Vec<u8>, letter: u8, value: u32, digits: usize) {
    out.extend_from_slice(format!("\\{}{value:0digits$x}", char::from(letter)).as_bytes());
}

/// `strconv.CanBackquote`.
pub(crate) fn can_backquote(text: &[u8]) -> bool {
    std::str::from_utf8(text).is_ok_and(|text| {
        text.chars().all(|c| !matches!(c, '\u{FEFF}' | '`' | '\x7F' | '\0'..='\x08' | '\x0A'..='\x1F'))
    })
}

/// `strconv.Unquote` for `"..."` and `` `...` ``; `None` for what is no such literal.
pub(crate) fn unquote(literal: &[u8]) -> Option<Vec<u8>> {
    let (&delimiter, rest) = literal.split_first()?;
    let (&end, inner) = rest.split_last()?;
    if end != delimiter {
        return None;
    }
    if delimiter == b'`' {
        return (!inner.contains(&b'`')).then(|| inner.iter().copied().filter(|&byte| byte != b'\r').collect());
    }
    let mut out = Vec::with_capacity(inner.len());
    let mut rest = inner;
    while !rest.is_empty() {
        if rest[0] == delimiter || rest[0] == b'\n' {
            return None;
        }
        let (piece, after) = unquote_char(rest, delimiter)?;
        match piece {
            Piece::Byte(byte) => out.push(byte),
            Piece::Rune(character) => runes::push(&mut out, character),
        }
        rest = after;
    }
    Some(out)
}

/// One unit of a quoted literal.
pub(crate) enum Piece {
    /// From `\x41`, `\101`, or a byte that is not UTF-8.
    Byte(u8),
    Rune(char),
}

impl Piece {
    pub(crate) fn value(&self) -> u32 {
        match self {
            Self::Byte(byte) => u32::from(*byte),
            Self::Rune(character) => u32::from(*character),
        }
    }
}

/// `strconv.UnquoteChar`.
pub(crate) fn unquote_char(text: &[u8], delimiter: u8) -> Option<(Piece, &[u8])> {
    let first = *text.first()?;
    if first == delimiter && matches!(delimiter, b'\'' | b'"') {
        return None;
    }
    if first >= 0x80 {
        let (character, length) = runes::decode(text)?;
        return Some((Piece::Rune(character), &text[length..]));
    }
    if first != b'\\' {
        return Some((Piece::Rune(char::from(first)), &text[1..]));
    }
    let letter = *text.get(1)?;
    let rest = &text[2..];
    let simple = |byte: u8| Some((Piece::Rune(char::from(byte)), rest));
    match letter {
        b'a' => simple(7),
        b'b' => simple(8),
        b'f' => simple(12),
        b'n' => simple(b'\n'),
        b'r' => simple(b'\r'),
        b't' => simple(b'\t'),
        b'v' => simple(11),
        b'\\' => simple(b'\\'),
        b'\'' | b'"' => (letter == delimiter).then(|| (Piece::Rune(char::from(letter)), rest)),
        b'x' => {
            let value = digits(rest, 2, 16)?;
            Some((Piece::Byte(u8::try_from(value).ok()?), &rest[2..]))
        }
        b'u' => Some((Piece::Rune(char::from_u32(digits(rest, 4, 16)?)?), &rest[4..])),
        b'U' => Some((Piece::Rune(char::from_u32(digits(rest, 8, 16)?)?), &rest[8..])),
        b'0'..=b'7' => {
            let value = digits(&text[1..], 3, 8)?;
            Some((Piece::Byte(u8::try_from(value).ok()?), &text[4..]))
        }
        _ => None,
    }
}

fn digits(text: &[u8], count: usize, radix: u32) -> Option<u32> {
    let digits = std::str::from_utf8(text.get(..count)?).ok()?;
    if digits.starts_with('+') {
        return None;
    }
    u32::from_str_radix(digits, radix).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_and_back() {
        let odd = b"a\"b\\c\n\x01\x7f\xff\xc3\xa9\xe2\x80\xa8";
        let text = quote(odd);
        assert_eq!(String::from_utf8(text.clone()).unwrap(), "\"a\\\"b\\\\c\\n\\x01\\x7f\\xffé\\u2028\"");
        assert_eq!(unquote(&text).unwrap(), odd);
    }

    #[test]
    fn literals() {
        assert_eq!(unquote(br#""\x41\101\u00e9\U0001F600""#).unwrap(), "AAé😀".as_bytes());
        assert_eq!(unquote(b"`a\\n\r`").unwrap(), b"a\\n");
        for bad in [br#""\q""#.as_slice(), br#""\'""#, b"\"a", b"\"", br#""\777""#, br#""\ud800""#] {
            assert!(unquote(bad).is_none(), "{}", String::from_utf8_lossy(bad));
        }
    }
}
