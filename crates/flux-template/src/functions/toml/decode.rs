//! Reading TOML, with the texts of BurntSushi's errors.

mod scalar;
mod table;

use std::collections::HashSet;

use crate::exec::{Fail, Run};
use crate::go::json::Encoded;
use crate::go::quoting::{quote_rune, quote_text};
use crate::go::runes;
use crate::value::Value;

use table::Table;

pub(super) fn decode(run: &mut Run<'_>, bytes: &[u8]) -> Encoded<Value> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    if bytes.iter().take(6).any(|byte| *byte == 0) {
        let message = "files cannot contain NULL bytes; probably using UTF-16; TOML files must be UTF-8";
        return Ok(Err(format!("toml: line 1: {message}")));
    }
    let mut parser = Parser {
        run,
        text: bytes,
        at: 0,
        line: 1,
        position: 1,
        context: Vec::new(),
        current: Vec::new(),
        implicit: HashSet::new(),
        arrays: HashSet::new(),
        root: Table::default(),
    };
    match parser.document() {
        Ok(()) => Ok(Ok(parser.root.into_value())),
        Err(Bad::Toml(message)) => Ok(Err(message)),
        Err(Bad::Fail(fail)) => Err(fail),
    }
}

/// Why reading ended.
enum Bad {
    /// Go's text.
    Toml(String),
    /// A budget.
    Fail(Box<Fail>),
}

impl From<Box<Fail>> for Bad {
    fn from(fail: Box<Fail>) -> Self {
        Self::Fail(fail)
    }
}

type Read<T> = Result<T, Bad>;
type Key = Vec<Vec<u8>>;

struct Parser<'b, 'r, 'h> {
    run: &'r mut Run<'h>,
    text: &'b [u8],
    at: usize,
    line: usize,
    /// The line of the key read last, which errors about meaning name.
    position: usize,
    context: Key,
    current: Vec<u8>,
    /// Tables that were only mentioned as part of a key.
    implicit: HashSet<Key>,
    /// Keys of plain arrays.
    arrays: HashSet<Key>,
    root: Table,
}

fn shown(key: &[Vec<u8>]) -> String {
    let parts: Vec<Vec<u8>> = key.iter().map(|part| super::quoted_key(part)).collect();
    String::from_utf8_lossy(&parts.join(b".".as_slice())).into_owned()
}

/// `%q` of a character.
fn character(found: char) -> String {
    String::from_utf8_lossy(&quote_rune(found, false)).into_owned()
}

impl Parser<'_, '_, '_> {
    fn bad_at<T>(&self, line: usize, message: impl AsRef<str>) -> Read<T> {
        let message = message.as_ref();
        let mut last = self.context.clone();
        let last = if self.current.is_empty() {
            shown(&last)
        } else if last.is_empty() {
            String::from_utf8_lossy(&self.current).into_owned()
        } else {
            last.truncate(self.context.len());
            format!("{}.{}", shown(&last), String::from_utf8_lossy(&self.current))
        };
        Err(Bad::Toml(if last.is_empty() {
            format!("toml: line {line}: {message}")
        } else {
            format!("toml: line {line} (last key {}): {message}", quote_text(last.as_bytes()))
        }))
    }

    /// An error at the character read last; at the end after a line break it is the line before.
    fn bad<T>(&self, message: impl AsRef<str>) -> Read<T> {
        let ended = self.at >= self.text.len() && self.at > 0 && self.text[self.at - 1] == b'\n';
        self.bad_at(self.line - usize::from(ended && self.line > 1), message)
    }

    fn bad_meaning<T>(&self, message: impl AsRef<str>) -> Read<T> {
        self.bad_at(self.position, message)
    }

    /// The next character; control characters and broken UTF-8 are errors.
    fn peek(&self) -> Read<Option<char>> {
        let rest = &self.text[self.at..];
        let Some((found, length)) = runes::decode(rest) else { return Ok(None) };
        if found == runes::REPLACEMENT && length == 1 {
            return self.bad(format!("invalid UTF-8 byte: 0x{:02x}", rest[0]));
        }
        let control = matches!(found, '\0'..='\x1F' | '\x7F') && !matches!(found, '\t' | '\n' | '\r');
        if control || (found == '\r' && rest.get(1) != Some(&b'\n')) {
            return self.bad(format!("TOML files cannot contain control characters: '0x{:02x}'", u32::from(found)));
        }
        Ok(Some(found))
    }

    fn next(&mut self) -> Read<Option<char>> {
        let found = self.peek()?;
        if let Some(found) = found {
            self.at += found.len_utf8();
            self.line += usize::from(found == '\n');
        }
        Ok(found)
    }

    fn blanks(&mut self) {
        while matches!(self.text.get(self.at), Some(b' ' | b'\t')) {
            self.at += 1;
        }
    }

    /// Blanks, line breaks and comments.
    fn space(&mut self) -> Read<()> {
        loop {
            match self.peek()? {
                Some(' ' | '\t' | '\n' | '\r') => drop(self.next()?),
                Some('#') => self.comment()?,
                _ => return Ok(()),
            }
        }
    }

    fn comment(&mut self) -> Read<()> {
        while !matches!(self.peek()?, None | Some('\n' | '\r')) {
            self.next()?;
        }
        Ok(())
    }

    fn document(&mut self) -> Read<()> {
        loop {
            self.space()?;
            match self.peek()? {
                None => return Ok(()),
                Some('[') => self.header()?,
                Some(_) => {
                    let outer = self.context.clone();
                    self.pair()?;
                    self.context = outer;
                    self.current.clear();
                }
            }
            self.blanks();
            match self.peek()? {
                Some('#') => self.comment()?,
                None | Some('\n' | '\r') => {}
                Some(found) => {
                    self.next()?;
                    return self.bad(format!(
                        "expected a top-level item to end with a newline, comment, or EOF, but got {} instead",
                        character(found)
                    ));
                }
            }
        }
    }

    /// `[table]` or `[[table]]`.
    fn header(&mut self) -> Read<()> {
        self.next()?;
        let array = self.peek()? == Some('[');
        if array {
            self.next()?;
        }
        let mut key = Key::new();
        loop {
            self.blanks();
            match self.peek()? {
                Some(']') | None => {
                    return self.bad("unexpected end of table name (table names cannot be empty)");
                }
                Some('.') => return self.bad("unexpected table separator (table names cannot be empty)"),
                _ => {}
            }
            if key.is_empty() {
                self.position = self.line;
            }
            let part = self.name()?;
            key.push(part);
            self.blanks();
            match self.next()? {
                Some('.') => {}
                Some(']') => break,
                found => {
                    let found = character(found.unwrap_or('\0'));
                    return self.bad(format!("expected '.' or ']' to end table name, but got {found} instead"));
                }
            }
        }
        if array {
            match self.next()? {
                Some(']') => {}
                found => {
                    let found = character(found.unwrap_or('\0'));
                    return self
                        .bad(format!("expected end of table array name delimiter ']', but got {found} instead"));
                }
            }
        }
        self.add_context(&key, array)
    }

    /// A bare or quoted part of a key.
    fn name(&mut self) -> Read<Vec<u8>> {
        match self.peek()? {
            Some('"') => {
                self.next()?;
                self.basic_string()
            }
            Some('\'') => {
                self.next()?;
                self.raw_string()
            }
            _ => {
                let start = self.at;
                while self.peek()?.is_some_and(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-')) {
                    self.next()?;
                }
                Ok(self.text[start..self.at].to_vec())
            }
        }
    }

    /// A dotted key up to its `=`.
    fn key(&mut self) -> Read<Key> {
        self.blanks();
        match self.peek()? {
            Some('=') | None => return self.bad("unexpected '=': key name appears blank"),
            Some('.') => return self.bad("unexpected '.': keys cannot start with a '.'"),
            _ => {}
        }
        let mut key = Key::new();
        self.position = self.line;
        loop {
            self.blanks();
            match self.peek()? {
                Some('=') | None => return self.bad("unexpected '='"),
                Some('.') => return self.bad("unexpected '.'"),
                _ => {}
            }
            let part = self.name()?;
            key.push(part);
            self.blanks();
            match self.next()? {
                Some('.') => {}
                Some('=') => return Ok(key),
                None => return self.bad("unexpected EOF; expected key separator '='"),
                Some(found) => {
                    let line = self.line - usize::from(found == '\n');
                    return self.bad_at(line, format!("expected '.' or '=', but got {} instead", character(found)));
                }
            }
        }
    }

    /// `key = value` in the present context.
    fn pair(&mut self) -> Read<()> {
        let mut key = self.key()?;
        self.current = key.pop().unwrap_or_default();
        for part in key {
            let mut implicit = self.context.clone();
            implicit.push(part);
            self.implicit.insert(implicit.clone());
            self.add_context(&implicit, false)?;
        }
        let name = self.current.clone();
        let value = self.value()?;
        self.set(&name, table::Node::Value(value))
    }

    fn value(&mut self) -> Read<Value> {
        self.run.step()?;
        self.run.descend()?;
        self.blanks();
        match self.peek()? {
            Some('[') => self.array(),
            Some('{') => self.inline_table(),
            _ => self.scalar(),
        }
    }

    fn array(&mut self) -> Read<Value> {
        let mut place = self.context.clone();
        place.push(self.current.clone());
        self.arrays.insert(place);
        self.next()?;
        let mut items = Vec::new();
        loop {
            self.space()?;
            match self.peek()? {
                Some(',') => {
                    self.next()?;
                    return self.bad("unexpected comma");
                }
                Some(']') => break,
                _ => items.push(self.value()?),
            }
            self.space()?;
            match self.next()? {
                Some(',') => {}
                Some(']') => return Ok(Value::list(items)),
                found => {
                    let found = found.map_or("end of file".to_owned(), |found| format!("'{found}'"));
                    return self.bad(format!("expected a comma (',') or array terminator (']'), but got {found}"));
                }
            }
        }
        self.next()?;
        Ok(Value::list(items))
    }

    fn inline_table(&mut self) -> Read<Value> {
        self.next()?;
        let (outer, outer_key) = (self.context.clone(), std::mem::take(&mut self.current));
        // Its keys are checked in a tree of its own.
        let root = std::mem::take(&mut self.root);
        self.context = Key::new();
        let result = self.inline_entries();
        let made = std::mem::replace(&mut self.root, root);
        self.context = outer;
        self.current = outer_key;
        result.map(|()| made.into_value())
    }

    fn inline_entries(&mut self) -> Read<()> {
        loop {
            self.space()?;
            match self.peek()? {
                Some(',') => {
                    self.next()?;
                    return self.bad("unexpected comma");
                }
                Some('}') => break,
                _ => {
                    self.pair()?;
                    self.context.clear();
                }
            }
            self.space()?;
            match self.next()? {
                Some(',') => {}
                Some('}') => return Ok(()),
                found => {
                    let found = found.map_or("end of file".to_owned(), |found| format!("'{found}'"));
                    return self
                        .bad(format!("expected a comma or an inline table terminator '}}', but got {found} instead"));
                }
            }
        }
        self.next()?;
        Ok(())
    }
}
