//! Directives, anchors, aliases and tags.

use super::{Place, Scan, Scanner, TokenKind};
use crate::input::{is_blank_or_end, is_break_or_end, is_word};

impl<'a> Scanner<'a> {
    fn word(&mut self) -> &'a str {
        let length = self.rest().iter().position(|byte| !is_word(*byte)).unwrap_or(self.rest().len());
        self.take(length)
    }

    pub(super) fn scan_directive(&mut self) -> Scan {
        let start = self.mark;
        self.skip_ascii(1);
        let name = self.word();
        if name.is_empty() {
            return Err(self.fault_in(start, "could not find expected directive name"));
        }
        if !is_blank_or_end(self.rest()) {
            return Err(self.fault_in(start, "found unexpected non-alphabetical character"));
        }
        let kind = match name {
            "YAML" => self.version_directive(start)?,
            "TAG" => self.tag_directive(start)?,
            _ => return Err(self.fault_in(start, "found unknown directive name")),
        };
        self.push(kind, start);
        self.skip_blanks();
        if self.byte(0) == b'#' {
            self.take_line();
        }
        if !is_break_or_end(self.rest()) {
            return Err(self.fault_in(start, "did not find expected comment or line break"));
        }
        self.take_break();
        Ok(())
    }

    fn version_directive(&mut self, start: Place) -> Scan<TokenKind<'a>> {
        self.skip_blanks();
        let major = self.version_number(start)?;
        if self.byte(0) != b'.' {
            return Err(self.fault_in(start, "did not find expected digit or '.' character"));
        }
        self.skip_ascii(1);
        let minor = self.version_number(start)?;
        Ok(TokenKind::VersionDirective { major, minor })
    }

    fn version_number(&mut self, start: Place) -> Scan<u8> {
        let mut value = 0;
        let mut length = 0;
        while self.byte(0).is_ascii_digit() {
            length += 1;
            if length > 2 {
                return Err(self.fault_in(start, "found extremely long version number"));
            }
            value = value * 10 + (self.byte(0) - b'0');
            self.skip_ascii(1);
        }
        if length == 0 {
            return Err(self.fault_in(start, "did not find expected version number"));
        }
        Ok(value)
    }

    fn tag_directive(&mut self, start: Place) -> Scan<TokenKind<'a>> {
        self.skip_blanks();
        let handle = self.tag_handle(true, start)?;
        if !self.at_blank() {
            return Err(self.fault_in(start, "did not find expected whitespace"));
        }
        self.skip_blanks();
        let prefix = self.tag_uri("", start)?;
        if !is_blank_or_end(self.rest()) {
            return Err(self.fault_in(start, "did not find expected whitespace or line break"));
        }
        Ok(TokenKind::TagDirective { handle: handle.into(), prefix: prefix.into() })
    }

    pub(super) fn fetch_anchor(&mut self, alias: bool) -> Scan {
        self.save_simple_key()?;
        self.simple_key_allowed = false;
        let start = self.mark;
        self.skip_ascii(1);
        let name = self.word();
        let ends = is_blank_or_end(self.rest())
            || matches!(self.byte(0), b'?' | b':' | b',' | b']' | b'}' | b'%' | b'@' | b'`');
        if name.is_empty() || !ends {
            return Err(self.fault_in(start, "did not find expected alphabetic or numeric character"));
        }
        let kind = if alias { TokenKind::Alias(name) } else { TokenKind::Anchor(name) };
        self.push(kind, start);
        Ok(())
    }

    pub(super) fn fetch_tag(&mut self) -> Scan {
        self.save_simple_key()?;
        self.simple_key_allowed = false;
        let start = self.mark;
        let (handle, suffix);
        if self.byte(1) == b'<' {
            self.skip_ascii(2);
            suffix = self.tag_uri("", start)?;
            if self.byte(0) != b'>' {
                return Err(self.fault_in(start, "did not find the expected '>'"));
            }
            self.skip_ascii(1);
            handle = String::new();
        } else {
            let first = self.tag_handle(false, start)?;
            if first.len() > 1 && first.ends_with('!') {
                suffix = self.tag_uri("", start)?;
                handle = first.to_owned();
            } else {
                let rest = self.tag_uri(first, start)?;
                // A lone `!` is a tag of its own.
                (handle, suffix) = if rest.is_empty() { (rest, "!".to_owned()) } else { ("!".to_owned(), rest) };
            }
        }
        if !is_blank_or_end(self.rest()) {
            return Err(self.fault_in(start, "did not find expected whitespace or line break"));
        }
        self.push(TokenKind::Tag { handle: handle.into(), suffix: suffix.into() }, start);
        Ok(())
    }

    /// `!`, `!word` or `!word!`; the second only outside directives.
    fn tag_handle(&mut self, directive: bool, start: Place) -> Scan<&'a str> {
        if self.byte(0) != b'!' {
            return Err(self.fault_in(start, "did not find expected '!'"));
        }
        let from = self.at;
        self.skip_ascii(1);
        self.word();
        if self.byte(0) == b'!' {
            self.skip_ascii(1);
        } else if directive && self.at - from > 1 {
            return Err(self.fault_in(start, "did not find expected '!'"));
        }
        Ok(&self.text[from..self.at])
    }

    /// The characters of a URI after `head`, whose `!` is dropped; `%` escapes are undone.
    fn tag_uri(&mut self, head: &str, start: Place) -> Scan<String> {
        let mut uri = head.get(1..).unwrap_or("").as_bytes().to_vec();
        let mut found = !head.is_empty();
        loop {
            match self.byte(0) {
                b'%' => self.uri_escape(start, &mut uri)?,
                byte if is_word(byte) || b";/?:@&=+$,.!~*'()[]".contains(&byte) => {
                    uri.push(byte);
                    self.skip_ascii(1);
                }
                _ => break,
            }
            found = true;
        }
        if !found {
            return Err(self.fault_in(start, "did not find expected tag URI"));
        }
        String::from_utf8(uri).map_err(|_| self.fault_in(start, "found an incorrect leading UTF-8 octet"))
    }

    fn uri_escape(&mut self, start: Place, uri: &mut Vec<u8>) -> Scan {
        let mut left = None;
        while left != Some(0) {
            let digit = |ahead| char::from(self.byte(ahead)).to_digit(16);
            let (b'%', Some(high), Some(low)) = (self.byte(0), digit(1), digit(2)) else {
                return Err(self.fault_in(start, "did not find URI escaped octet"));
            };
            let octet = (high << 4 | low) as u8;
            let width = match (left, octet) {
                (Some(left), _) if octet & 0xC0 == 0x80 => left,
                (Some(_), _) => return Err(self.fault_in(start, "found an incorrect trailing UTF-8 octet")),
                (None, 0x00..=0x7F) => 1,
                (None, 0xC0..=0xDF) => 2,
                (None, 0xE0..=0xEF) => 3,
                (None, 0xF0..=0xF7) => 4,
                (None, _) => return Err(self.fault_in(start, "found an incorrect leading UTF-8 octet")),
            };
            uri.push(octet);
            self.skip_ascii(3);
            left = Some(width - 1);
        }
        Ok(())
    }
}
