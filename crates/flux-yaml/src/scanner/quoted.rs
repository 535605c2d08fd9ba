//! Quoted scalars.

use std::borrow::Cow;

use super::plain::Fold;
use super::{Place, Scan, Scanner, TokenKind};
use crate::input::{break_width, is_blank_or_end};
use crate::node::ScalarStyle;

impl<'a> Scanner<'a> {
    pub(super) fn fetch_quoted(&mut self, single: bool) -> Scan {
        self.save_simple_key()?;
        self.simple_key_allowed = false;
        let start = self.mark;
        self.skip_ascii(1);
        let text = match self.unbroken(single) {
            Some(text) => Cow::Borrowed(text),
            None => Cow::Owned(self.scan_quoted(start, single)?),
        };
        self.skip_ascii(1);
        let style = if single { ScalarStyle::SingleQuoted } else { ScalarStyle::DoubleQuoted };
        self.push(TokenKind::Scalar { text, style }, start);
        Ok(())
    }

    /// The content, when it has no escapes and no breaks: most quoted scalars.
    fn unbroken(&mut self, single: bool) -> Option<&'a str> {
        let rest = self.rest();
        let length = rest.iter().position(|byte| match byte {
            b'\n' | b'\r' | 0xC2 | 0xE2 => true,
            b'\'' => single,
            b'"' | b'\\' => !single,
            _ => false,
        })?;
        let quote = if single { b'\'' } else { b'"' };
        let doubled = single && rest.get(length + 1) == Some(&b'\'');
        (rest[length] == quote && !doubled).then(|| self.take(length))
    }

    fn scan_quoted(&mut self, start: Place, single: bool) -> Scan<String> {
        let quote = if single { b'\'' } else { b'"' };
        let mut text = String::new();
        let mut fold = Fold::default();
        loop {
            if self.at_document_indicator() {
                return Err(self.fault_in(start, "found unexpected document indicator"));
            }
            if self.at_end() {
                return Err(self.fault_in(start, "found unexpected end of stream"));
            }
            let mut broke = self.quoted_run(start, single, &mut text)?;
            if self.byte(0) == quote {
                return Ok(text);
            }
            let blanks = self.at;
            let mut blanks_end = self.at;
            while self.at_blank() || self.at_break() {
                if self.at_blank() {
                    self.skip_blank();
                    if !broke {
                        blanks_end = self.at;
                    }
                } else {
                    let meaning = self.take_break();
                    fold.add(meaning, broke);
                    broke = true;
                }
            }
            if broke {
                fold.join(&mut text);
            } else {
                text.push_str(&self.text[blanks..blanks_end]);
            }
        }
    }

    /// Reads up to a blank, a break or the closing quote. True after an escaped line break.
    fn quoted_run(&mut self, start: Place, single: bool, text: &mut String) -> Scan<bool> {
        loop {
            let rest = self.rest();
            let run = rest
                .iter()
                .position(|byte| matches!(byte, b' ' | b'\t' | b'\n' | b'\r' | b'\'' | b'"' | b'\\' | 0xC2 | 0xE2))
                .unwrap_or(rest.len());
            text.push_str(self.take(run));
            if is_blank_or_end(self.rest()) {
                return Ok(false);
            }
            match self.byte(0) {
                b'\'' if single => {
                    if self.byte(1) != b'\'' {
                        return Ok(false);
                    }
                    text.push('\'');
                    self.skip_ascii(2);
                }
                b'"' if !single => return Ok(false),
                b'\\' if !single => {
                    if break_width(self.rest_from(1)) > 0 {
                        self.skip_ascii(1);
                        self.take_break();
                        return Ok(true);
                    }
                    text.push(self.escape(start)?);
                }
                // A quote of the other sort, or a character that shares its first byte with a line break.
                _ => {
                    let width = self.text[self.at..].chars().next().map_or(1, char::len_utf8);
                    text.push_str(self.take(width));
                }
            }
        }
    }

    fn escape(&mut self, start: Place) -> Scan<char> {
        let (character, digits) = match self.byte(1) {
            b'0' => ('\0', 0),
            b'a' => ('\x07', 0),
            b'b' => ('\x08', 0),
            b't' | b'\t' => ('\t', 0),
            b'n' => ('\n', 0),
            b'v' => ('\x0B', 0),
            b'f' => ('\x0C', 0),
            b'r' => ('\r', 0),
            b'e' => ('\x1B', 0),
            b' ' => (' ', 0),
            b'"' => ('"', 0),
            b'\'' => ('\'', 0),
            b'\\' => ('\\', 0),
            b'N' => ('\u{85}', 0),
            b'_' => ('\u{A0}', 0),
            b'L' => ('\u{2028}', 0),
            b'P' => ('\u{2029}', 0),
            b'x' => ('\0', 2),
            b'u' => ('\0', 4),
            b'U' => ('\0', 8),
            _ => return Err(self.fault_in(start, "found unknown escape character")),
        };
        self.skip_ascii(2);
        if digits == 0 {
            return Ok(character);
        }
        let mut value: u32 = 0;
        for ahead in 0..digits {
            let Some(digit) = char::from(self.byte(ahead)).to_digit(16) else {
                return Err(self.fault_in(start, "did not find expected hexdecimal number"));
            };
            value = value << 4 | digit;
        }
        let Some(character) = char::from_u32(value) else {
            return Err(self.fault_in(start, "found invalid Unicode character escape code"));
        };
        self.skip_ascii(digits);
        Ok(character)
    }
}
