//! Strings, numbers, dates.

use std::rc::Rc;

use super::{Parser, Read, character};
use crate::go::numbers::{NumberError, parse_float, parse_int};
use crate::go::quoting::quote_text;
use crate::go::runes;
use crate::time::{Time, Zone};
use crate::value::Value;

impl Parser<'_, '_, '_> {
    pub(super) fn scalar(&mut self) -> Read<Value> {
        let rest = &self.text[self.at..];
        if rest.starts_with(b"\"\"\"") {
            self.at += 3;
            return Ok(Value::text(self.multiline(b'"')?));
        }
        if rest.starts_with(b"'''") {
            self.at += 3;
            return Ok(Value::text(self.multiline(b'\'')?));
        }
        match self.next()? {
            Some('"') => Ok(Value::text(self.basic_string()?)),
            Some('\'') => Ok(Value::text(self.raw_string()?)),
            Some('.') => self.bad("floats must start with a digit, not '.'"),
            Some('+' | '-' | '0'..='9') => {
                self.at -= 1;
                self.number()
            }
            Some(found) if runes::is_letter(found) => {
                self.at -= found.len_utf8();
                self.word()
            }
            None => self.bad("unexpected EOF; expected value"),
            Some(found) => {
                let line = self.line - usize::from(found == '\n');
                self.bad_at(line, format!("expected value but found {} instead", character(found)))
            }
        }
    }

    fn word(&mut self) -> Read<Value> {
        let start = self.at;
        while self.peek()?.is_some_and(runes::is_letter) {
            self.next()?;
        }
        match &self.text[start..self.at] {
            b"true" => Ok(Value::Bool(true)),
            b"false" => Ok(Value::Bool(false)),
            b"inf" => Ok(Value::Float(f64::INFINITY)),
            b"nan" => Ok(Value::Float(f64::NAN)),
            other => self.bad(format!("expected value but found {} instead", quote_text(other))),
        }
    }

    pub(super) fn basic_string(&mut self) -> Read<Vec<u8>> {
        let mut out = Vec::new();
        loop {
            match self.next()? {
                None => return self.bad("unexpected EOF; expected '\"'"),
                Some('\n' | '\r') => return self.bad_at(self.line - 1, "strings cannot contain newlines"),
                Some('"') => return Ok(out),
                Some('\\') => self.escape(&mut out)?,
                Some(found) => runes::push(&mut out, found),
            }
        }
    }

    pub(super) fn raw_string(&mut self) -> Read<Vec<u8>> {
        let start = self.at;
        loop {
            match self.next()? {
                None => return self.bad("unexpected EOF; expected \"'\""),
                Some('\n' | '\r') => return self.bad_at(self.line - 1, "strings cannot contain newlines"),
                Some('\'') => return Ok(self.text[start..self.at - 1].to_vec()),
                Some(_) => {}
            }
        }
    }

    /// The rest of `"""` or `'''`, of which up to two quotes may end the text.
    fn multiline(&mut self, quote: u8) -> Read<Vec<u8>> {
        let end = [quote; 3];
        if self.text[self.at..].starts_with(b"\r\n") {
            self.at += 1;
        }
        if self.text.get(self.at) == Some(&b'\n') {
            self.next()?;
        }
        let mut out = Vec::new();
        loop {
            if self.text[self.at..].starts_with(&end) {
                let quotes = self.text[self.at..].iter().take_while(|byte| **byte == quote).count();
                if quotes > 5 {
                    let (outer, inner) = if quote == b'"' { ('\'', '"') } else { ('"', '\'') };
                    return self.bad(format!("unexpected {outer}{}{outer}", inner.to_string().repeat(6)));
                }
                out.resize(out.len() + quotes - 3, quote);
                self.at += quotes;
                return Ok(out);
            }
            match self.next()? {
                None => {
                    let outer = if quote == b'"' { '\'' } else { '"' };
                    let inner = char::from(quote).to_string().repeat(3);
                    return self.bad(format!("unexpected EOF; expected {outer}{inner}{outer}"));
                }
                Some('\\') if quote == b'"' => {
                    let blank = self.text[self.at..].iter().take_while(|byte| b" \t\r\n".contains(byte)).count();
                    if self.text[self.at..self.at + blank].contains(&b'\n') {
                        for _ in 0..blank {
                            self.next()?;
                        }
                    } else {
                        self.escape(&mut out)?;
                    }
                }
                Some(found) => runes::push(&mut out, found),
            }
        }
    }

    fn escape(&mut self, out: &mut Vec<u8>) -> Read<()> {
        let simple = match self.next()? {
            Some('b') => 0x08,
            Some('t') => b'\t',
            Some('n') => b'\n',
            Some('f') => 0x0C,
            Some('r') => b'\r',
            Some('e') => 0x1B,
            Some('"') => b'"',
            Some('\\') => b'\\',
            Some('x') => return self.hexadecimal(out, 2, "two", 'x'),
            Some('u') => return self.hexadecimal(out, 4, "four", 'u'),
            Some('U') => return self.hexadecimal(out, 8, "eight", 'U'),
            Some(found @ (' ' | '\t')) => return self.bad(format!("invalid escape: '\\{found}'")),
            found => {
                let found = found.unwrap_or('\0');
                return self.bad(format!("invalid escape in string '\\{found}'"));
            }
        };
        out.push(simple);
        Ok(())
    }

    fn hexadecimal(&mut self, out: &mut Vec<u8>, count: usize, word: &str, letter: char) -> Read<()> {
        let start = self.at;
        let mut value = 0;
        for _ in 0..count {
            match self.next()?.and_then(|found| found.to_digit(16)) {
                Some(digit) => value = value << 4 | digit,
                None => {
                    let shown = quote_text(&self.text[start.saturating_sub(2)..self.at]);
                    return self.bad(format!(
                        "expected {word} hexadecimal digits after '\\{letter}', but got {shown} instead"
                    ));
                }
            }
        }
        match char::from_u32(value) {
            Some(found) => {
                runes::push(out, found);
                Ok(())
            }
            None => {
                let digits = String::from_utf8_lossy(&self.text[start..self.at]);
                self.bad(format!("Escaped character '\\u{digits}' is not valid UTF-8."))
            }
        }
    }

    fn number(&mut self) -> Read<Value> {
        let rest = &self.text[self.at..];
        let take = |set: &dyn Fn(u8) -> bool| rest.iter().take_while(|byte| set(**byte)).count();
        let signed = matches!(rest[0], b'+' | b'-');
        if signed {
            return self.signed();
        }
        if let [b'0', letter @ (b'b' | b'o' | b'x'), ..] = rest {
            let (radix, name) = match letter {
                b'b' => (2, "a binary"),
                b'o' => (8, "an octal"),
                _ => (16, "a hexadecimal"),
            };
            let digit = |byte: u8| byte == b'_' || char::from(byte).is_digit(radix);
            let digits = rest[2..].iter().take_while(|byte| digit(**byte)).count();
            if digits == 0 {
                let next = self.text.get(self.at + 2).map_or('\0', |byte| char::from(*byte));
                return self.bad(format!("not {name} number: '0{}{next}'", char::from(*letter)));
            }
            let text = &rest[..2 + digits];
            self.at += text.len();
            return self.integer(text);
        }
        let digits = take(&|byte| byte.is_ascii_digit());
        if matches!(rest.get(digits), Some(b'-' | b':')) {
            let length = take(&|byte| byte.is_ascii_digit() || b"-:Tt .Zz+".contains(&byte));
            let text = rest[..length].trim_ascii_end();
            self.at += length;
            return self.datetime(text);
        }
        self.plain_number(rest)
    }

    fn signed(&mut self) -> Read<Value> {
        let rest = &self.text[self.at..];
        match rest.get(1) {
            Some(b'i' | b'n') => {
                let word = &rest[1..rest.len().min(4)];
                self.at += 1 + word.len();
                match word {
                    b"inf" => Ok(Value::Float(if rest[0] == b'-' { f64::NEG_INFINITY } else { f64::INFINITY })),
                    b"nan" => Ok(Value::Float(f64::NAN)),
                    _ => {
                        let shown = String::from_utf8_lossy(&self.text[self.at - 1 - word.len()..self.at]);
                        self.bad(format!("invalid float: '{shown}'"))
                    }
                }
            }
            Some(b'0') if matches!(rest.get(2), Some(b'b' | b'o' | b'x')) => {
                let shown = String::from_utf8_lossy(&rest[..3]);
                self.bad(format!("cannot use sign with non-decimal numbers: '{shown}'"))
            }
            Some(b'.') => self.bad("floats must start with a digit, not '.'"),
            Some(digit) if digit.is_ascii_digit() => self.plain_number(rest),
            _ => {
                self.at += 1;
                let found = self.next()?.unwrap_or('\0');
                self.bad(format!("expected a digit but got {}", character(found)))
            }
        }
    }

    /// A decimal integer or a float.
    fn plain_number(&mut self, rest: &[u8]) -> Read<Value> {
        let sign = usize::from(matches!(rest[0], b'+' | b'-'));
        let whole = sign + rest[sign..].iter().take_while(|byte| byte.is_ascii_digit() || **byte == b'_').count();
        if !matches!(rest.get(whole), Some(b'.' | b'e' | b'E')) {
            self.at += whole;
            return self.integer(&rest[..whole]);
        }
        let tail = rest[whole..].iter().take_while(|byte| byte.is_ascii_digit() || b"_.-+eE".contains(byte)).count();
        let text = &rest[..whole + tail];
        self.at += text.len();
        self.float(text)
    }

    fn integer(&mut self, text: &[u8]) -> Read<Value> {
        let shown = quote_text(text);
        if !underscores_fit(text) {
            return self.bad(format!("Invalid integer {shown}: underscores must be surrounded by digits"));
        }
        if leading_zero(text) {
            return self.bad(format!("Invalid integer {shown}: cannot have leading zeroes"));
        }
        match parse_int(text, 0) {
            Ok(number) => Ok(Value::int64(number)),
            Err(NumberError::Range) => self.bad(format!("{} is out of range for int64", String::from_utf8_lossy(text))),
            Err(NumberError::Syntax) => self.bad(format!("Invalid integer {shown}")),
        }
    }

    fn float(&mut self, text: &[u8]) -> Read<Value> {
        let shown = quote_text(text);
        let mut parts = text.split(|byte| b".eE".contains(byte)).filter(|part| !part.is_empty());
        if !parts.clone().all(underscores_fit) {
            return self.bad(format!("Invalid float {shown}: underscores must be surrounded by digits"));
        }
        if parts.next().is_some_and(leading_zero) {
            return self.bad(format!("Invalid float {shown}: cannot have leading zeroes"));
        }
        let dots = text.iter().enumerate().filter(|(_, byte)| **byte == b'.');
        if !dots.into_iter().all(|(at, _)| text.get(at + 1).is_some_and(u8::is_ascii_digit)) {
            return self.bad(format!("Invalid float {shown}: '.' must be followed by one or more digits"));
        }
        let plain: Vec<u8> = text.iter().copied().filter(|byte| *byte != b'_').collect();
        match parse_float(&plain) {
            Ok(number) => Ok(Value::Float(number)),
            Err(NumberError::Range) => {
                self.bad(format!("{} is out of range for float64", String::from_utf8_lossy(text)))
            }
            Err(NumberError::Syntax) => self.bad(format!("Invalid float value: {shown}")),
        }
    }

    fn datetime(&mut self, text: &[u8]) -> Read<Value> {
        const LAYOUTS: [(&str, &str); 7] = [
            ("2006-01-02T15:04:05.999999999Z07:00", ""),
            ("2006-01-02T15:04:05.999999999", "datetime-local"),
            ("2006-01-02", "date-local"),
            ("15:04:05.999999999", "time-local"),
            ("2006-01-02T15:04Z07:00", ""),
            ("2006-01-02T15:04", "datetime-local"),
            ("15:04", "time-local"),
        ];
        let text = String::from_utf8_lossy(text).replace('z', "Z").replace(['t', ' '], "T");
        for (layout, zone) in LAYOUTS {
            if let Ok(time) = Time::parse(layout.as_bytes(), text.as_bytes()) {
                let time = match zone {
                    "" => time,
                    name => time.with_zone(Zone::Fixed { name: name.to_owned(), offset: 0 }),
                };
                return Ok(Value::Time(Rc::new(time)));
            }
        }
        self.bad(format!("invalid datetime: {}", quote_text(text.as_bytes())))
    }
}

fn leading_zero(text: &[u8]) -> bool {
    match text {
        [b'0', second, ..] => !b"box".contains(second),
        [b'+' | b'-', b'0', _, ..] => true,
        _ => false,
    }
}

/// Underscores stand between digits.
fn underscores_fit(text: &[u8]) -> bool {
    let mut digit = false;
    for byte in text {
        if *byte == b'_' && !digit {
            return false;
        }
        digit = byte.is_ascii_hexdigit();
    }
    digit
}
