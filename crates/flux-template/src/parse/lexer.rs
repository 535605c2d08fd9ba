//! Text to tokens.

use crate::go::{quoting, runes};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Error,
    Bool,
    Char,
    CharConstant,
    Complex,
    Assign,
    Declare,
    End,
    Field,
    Identifier,
    LeftDelim,
    LeftParen,
    Number,
    Pipe,
    RawString,
    RightDelim,
    RightParen,
    Space,
    String,
    Text,
    Variable,
    Dot,
    // Words of the language; printed in angle brackets.
    Block,
    Break,
    Continue,
    Define,
    Else,
    EndWord,
    If,
    Nil,
    Range,
    Template,
    With,
}

#[derive(Clone, Debug)]
pub(super) struct Token<'a> {
    pub(super) kind: Kind,
    pub(super) at: u32,
    pub(super) line: u32,
    pub(super) text: &'a [u8],
    /// The message of an error token.
    pub(super) error: Option<String>,
}

impl Token<'_> {
    /// As error messages print it.
    pub(super) fn shown(&self) -> String {
        let text = String::from_utf8_lossy(self.text);
        match self.kind {
            Kind::End => "EOF".to_owned(),
            Kind::Error => self.error.clone().unwrap_or_default(),
            Kind::Dot
            | Kind::Block
            | Kind::Break
            | Kind::Continue
            | Kind::Define
            | Kind::Else
            | Kind::EndWord
            | Kind::If
            | Kind::Nil
            | Kind::Range
            | Kind::Template
            | Kind::With => format!("<{text}>"),
            _ if self.text.len() > 10 => {
                let end = runes::chars(self.text).nth(10).map_or(self.text.len(), |(at, _)| at);
                format!("{}...", quoting::quote_text(&self.text[..end]))
            }
            _ => quoting::quote_text(self.text),
        }
    }
}

pub(super) struct Lexer<'a> {
    input: &'a [u8],
    at: usize,
    start: usize,
    line: u32,
    start_line: u32,
    inside: bool,
    parens: i32,
}

const SPACES: &[u8] = b" \t\r\n";

fn is_space(byte: u8) -> bool {
    SPACES.contains(&byte)
}

fn is_word(character: char) -> bool {
    character == '_' || runes::is_letter(character) || runes::is_digit(character)
}

fn trims_left(text: &[u8]) -> bool {
    matches!(text, [b'-', byte, ..] if is_space(*byte))
}

fn trims_right(text: &[u8]) -> bool {
    matches!(text, [byte, b'-', ..] if is_space(*byte))
}

fn find(text: &[u8], needle: &[u8; 2]) -> Option<usize> {
    let mut from = 0;
    while let Some(at) = text[from..].iter().position(|byte| *byte == needle[0]) {
        if text.get(from + at + 1) == Some(&needle[1]) {
            return Some(from + at);
        }
        from += at + 1;
    }
    None
}

impl<'a> Lexer<'a> {
    pub(super) fn new(input: &'a [u8]) -> Self {
        Self { input, at: 0, start: 0, line: 1, start_line: 1, inside: false, parens: 0 }
    }

    fn rest(&self) -> &'a [u8] {
        &self.input[self.at.min(self.input.len())..]
    }

    fn peek(&self) -> Option<char> {
        runes::decode(self.rest()).map(|(character, _)| character)
    }

    fn next(&mut self) -> Option<char> {
        let (character, length) = runes::decode(self.rest())?;
        self.at += length;
        self.line += u32::from(character == '\n');
        Some(character)
    }

    fn emit(&mut self, kind: Kind) -> Token<'a> {
        let text = &self.input[self.start..self.at];
        let token = Token { kind, at: self.start as u32, line: self.start_line, text, error: None };
        self.start = self.at;
        self.start_line = self.line;
        token
    }

    /// Skips what was passed over without counting lines.
    fn ignore(&mut self) {
        self.line += self.lines();
        self.start = self.at;
        self.start_line = self.line;
    }

    fn lines(&self) -> u32 {
        self.input[self.start..self.at].iter().filter(|byte| **byte == b'\n').count() as u32
    }

    fn error(&mut self, message: impl Into<String>) -> Token<'a> {
        let token = Token {
            kind: Kind::Error,
            at: self.start as u32,
            line: self.start_line,
            text: b"",
            error: Some(message.into()),
        };
        self.input = b"";
        self.at = 0;
        self.start = 0;
        token
    }

    pub(super) fn token(&mut self) -> Token<'a> {
        if self.inside { self.action() } else { self.text() }
    }

    fn text(&mut self) -> Token<'a> {
        loop {
            let Some(length) = find(self.rest(), b"{{") else {
                self.at = self.input.len();
                if self.at > self.start {
                    self.line += self.lines();
                    return self.emit(Kind::Text);
                }
                return self.emit(Kind::End);
            };
            if length > 0 {
                self.at += length;
                let trimmed = match trims_left(&self.input[self.at + 2..]) {
                    true => {
                        let text = &self.input[self.start..self.at];
                        text.iter().rev().take_while(|byte| is_space(**byte)).count()
                    }
                    false => 0,
                };
                self.at -= trimmed;
                self.line += self.lines();
                let token = self.emit(Kind::Text);
                self.at += trimmed;
                self.ignore();
                if !token.text.is_empty() {
                    return token;
                }
            }
            if let Some(token) = self.left() {
                return token;
            }
        }
    }

    /// The opening delimiter, or nothing when it opens a comment.
    fn left(&mut self) -> Option<Token<'a>> {
        self.at += 2;
        let trim = if trims_left(self.rest()) { 2 } else { 0 };
        if self.input[self.at + trim..].starts_with(b"/*") {
            self.at += trim;
            self.ignore();
            return self.comment();
        }
        let token = self.emit(Kind::LeftDelim);
        self.inside = true;
        self.at += trim;
        self.ignore();
        self.parens = 0;
        Some(token)
    }

    fn comment(&mut self) -> Option<Token<'a>> {
        self.at += 2;
        let Some(length) = find(self.rest(), b"*/") else { return Some(self.error("unclosed comment")) };
        self.at += length + 2;
        let (delim, trim) = self.at_right();
        if !delim {
            return Some(self.error("comment ends before closing delimiter"));
        }
        self.line += self.lines();
        _ = self.emit(Kind::Text);
        self.at += if trim { 4 } else { 2 };
        if trim {
            self.skip_spaces();
        }
        self.ignore();
        None
    }

    fn skip_spaces(&mut self) {
        self.at += self.rest().iter().take_while(|byte| is_space(**byte)).count();
    }

    /// Whether a closing delimiter is next, and whether it trims.
    fn at_right(&self) -> (bool, bool) {
        let rest = self.rest();
        if trims_right(rest) && rest[2..].starts_with(b"}}") {
            return (true, true);
        }
        (rest.starts_with(b"}}"), false)
    }

    fn right(&mut self) -> Token<'a> {
        let (_, trim) = self.at_right();
        if trim {
            self.at += 2;
            self.ignore();
        }
        self.at += 2;
        let token = self.emit(Kind::RightDelim);
        if trim {
            self.skip_spaces();
            self.ignore();
        }
        self.inside = false;
        token
    }

    fn action(&mut self) -> Token<'a> {
        if self.at_right().0 {
            return if self.parens == 0 { self.right() } else { self.error("unclosed left paren") };
        }
        if self.rest().first().is_some_and(|byte| is_space(*byte)) {
            return self.space();
        }
        let Some(character) = self.peek() else { return self.error("unclosed action") };
        if character == '+' || character == '-' || character.is_ascii_digit() || self.at_fraction() {
            return self.number();
        }
        if is_word(character) {
            return self.identifier();
        }
        _ = self.next();
        match character {
            '=' => self.emit(Kind::Assign),
            ':' if self.next() == Some('=') => self.emit(Kind::Declare),
            ':' => self.error("expected :="),
            '|' => self.emit(Kind::Pipe),
            '"' => self.quoted('"', Kind::String, "unterminated quoted string"),
            '\'' => self.quoted('\'', Kind::CharConstant, "unterminated character constant"),
            '`' => self.raw(),
            '$' => self.field(Kind::Variable),
            '.' => self.field(Kind::Dot),
            '(' => {
                self.parens += 1;
                self.emit(Kind::LeftParen)
            }
            ')' => {
                self.parens -= 1;
                if self.parens < 0 { self.error("unexpected right paren") } else { self.emit(Kind::RightParen) }
            }
            '!'..='~' => self.emit(Kind::Char),
            other => self.error(format!("unrecognized character in action: {}", unicode(other))),
        }
    }

    /// A dot that begins a number, or ends the text, which makes it a bad number.
    fn at_fraction(&self) -> bool {
        matches!(self.rest(), [b'.'] | [b'.', b'0'..=b'9', ..])
    }

    fn space(&mut self) -> Token<'a> {
        let mut count = 0;
        while self.rest().first().is_some_and(|byte| is_space(*byte)) {
            _ = self.next();
            count += 1;
        }
        // The last space may belong to a closing delimiter that trims.
        let last = &self.input[self.at - 1..];
        if trims_right(last) && last[2..].starts_with(b"}}") {
            self.at -= 1;
            self.line -= u32::from(self.input[self.at] == b'\n');
            if count == 1 {
                return self.right();
            }
        }
        self.emit(Kind::Space)
    }

    fn identifier(&mut self) -> Token<'a> {
        while self.peek().is_some_and(is_word) {
            _ = self.next();
        }
        if let Some(error) = self.bad_end() {
            return error;
        }
        let kind = match &self.input[self.start..self.at] {
            b"block" => Kind::Block,
            b"break" => Kind::Break,
            b"continue" => Kind::Continue,
            b"define" => Kind::Define,
            b"else" => Kind::Else,
            b"end" => Kind::EndWord,
            b"if" => Kind::If,
            b"nil" => Kind::Nil,
            b"range" => Kind::Range,
            b"template" => Kind::Template,
            b"with" => Kind::With,
            b"true" | b"false" => Kind::Bool,
            _ => Kind::Identifier,
        };
        self.emit(kind)
    }

    /// A field or variable; the dot or dollar was read. A lone one is a token of its own.
    fn field(&mut self, lone: Kind) -> Token<'a> {
        if self.at_terminator() {
            return self.emit(lone);
        }
        while self.peek().is_some_and(is_word) {
            _ = self.next();
        }
        if let Some(error) = self.bad_end() {
            return error;
        }
        self.emit(if lone == Kind::Dot { Kind::Field } else { Kind::Variable })
    }

    fn at_terminator(&self) -> bool {
        match self.rest().first() {
            None => true,
            Some(byte) if is_space(*byte) || b".,|:)(".contains(byte) => true,
            Some(_) => self.rest().starts_with(b"}}"),
        }
    }

    fn bad_end(&mut self) -> Option<Token<'a>> {
        if self.at_terminator() {
            return None;
        }
        let character = self.peek().unwrap_or(runes::REPLACEMENT);
        Some(self.error(format!("bad character {}", unicode(character))))
    }

    fn quoted(&mut self, end: char, kind: Kind, message: &str) -> Token<'a> {
        loop {
            match self.next() {
                Some('\\') if !matches!(self.next(), None | Some('\n')) => {}
                None | Some('\n' | '\\') => return self.error(message),
                Some(character) if character == end => return self.emit(kind),
                Some(_) => {}
            }
        }
    }

    fn raw(&mut self) -> Token<'a> {
        loop {
            match self.next() {
                None => return self.error("unterminated raw quoted string"),
                Some('`') => return self.emit(Kind::RawString),
                Some(_) => {}
            }
        }
    }

    fn number(&mut self) -> Token<'a> {
        if !self.scan_number() {
            return self.bad_number();
        }
        if matches!(self.peek(), Some('+' | '-')) {
            if !self.scan_number() || self.input[self.at - 1] != b'i' {
                return self.bad_number();
            }
            return self.emit(Kind::Complex);
        }
        self.emit(Kind::Number)
    }

    fn bad_number(&mut self) -> Token<'a> {
        let text = quoting::quote_text(&self.input[self.start..self.at]);
        self.error(format!("bad number syntax: {text}"))
    }

    fn accept(&mut self, set: &[u8]) -> bool {
        let found = self.rest().first().is_some_and(|byte| set.contains(byte));
        self.at += usize::from(found);
        found
    }

    fn accept_all(&mut self, set: &[u8]) {
        while self.accept(set) {}
    }

    fn scan_number(&mut self) -> bool {
        self.accept(b"+-");
        let mut digits: &[u8] = b"0123456789_";
        let (mut decimal, mut hex) = (true, false);
        if self.accept(b"0") {
            if self.accept(b"xX") {
                digits = b"0123456789abcdefABCDEF_";
                (decimal, hex) = (false, true);
            } else if self.accept(b"oO") {
                digits = b"01234567_";
                decimal = false;
            } else if self.accept(b"bB") {
                digits = b"01_";
                decimal = false;
            }
        }
        self.accept_all(digits);
        if self.accept(b".") {
            self.accept_all(digits);
        }
        if (decimal && self.accept(b"eE")) || (hex && self.accept(b"pP")) {
            self.accept(b"+-");
            self.accept_all(b"0123456789_");
        }
        self.accept(b"i");
        if self.peek().is_some_and(is_word) {
            _ = self.next();
            return false;
        }
        true
    }
}

/// `%#U`: `U+002D '-'`.
fn unicode(character: char) -> String {
    let code = format!("U+{:04X}", u32::from(character));
    if runes::is_print(character) { format!("{code} '{character}'") } else { code }
}
