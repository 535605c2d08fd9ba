//! The little language of `--set` and its relatives: `a.b[0]=1,c={x,y}`.

use std::cell::RefCell;
use std::rc::Rc;

use serde_json::{Number, Value};

use super::Values;
use super::read::floats;
use super::shared::{List, Node, Table, table, values};
use crate::chart::go_quote;

/// How a text after `=` becomes a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SetKind {
    /// `--set`: true, false, null and integers have their types.
    Typed,
    /// `--set-string`.
    Text,
    /// `--set-json`: any JSON value.
    Json,
    /// `--set-literal`: everything up to the end, commas and all.
    Literal,
}

/// Why a line is refused, in Helm's words.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SetError {
    #[error("key {} has no value", go_quote(.key))]
    NoValue { key: String },
    #[error("key {} has no value (cannot end with ,)", go_quote(.key))]
    EndsWithComma { key: String },
    #[error("key map {} has no value", go_quote(.key))]
    EmptyMap { key: String },
    #[error("error parsing index: strconv.Atoi: parsing {}: {reason}", go_quote(.text))]
    Index { text: String, reason: &'static str },
    #[error("negative {index} index not allowed")]
    NegativeIndex { index: i64 },
    #[error("index of {index} is greater than maximum supported index of {MAX_INDEX}")]
    IndexTooLarge { index: i64 },
    #[error("unexpected data at end of array index: {}", go_quote(.data))]
    AfterIndex { data: String },
    #[error("value name nested level is greater than maximum supported nested level of {MAX_LEVEL}")]
    TooDeep,
    #[error("list must terminate with '}}'")]
    OpenList,
    /// A path leads through something of another kind.
    #[error("unable to parse key: interface conversion: interface {{}} is {found}, not {wanted}")]
    OtherKind { found: &'static str, wanted: &'static str },
    /// The JSON after `=` does not read, or the file cannot be read.
    #[error("{reason}")]
    Value { reason: String },
}

const MAX_INDEX: i64 = 65_536;
const MAX_LEVEL: usize = 30;
/// Indexes inside indexes, `a[0][0]...`; upstream's stack grows instead.
const MAX_INDEXES: usize = 200;

const TABLE: &str = "map[string]interface {}";
const LIST: &str = "[]interface {}";

/// Parses one line into new values.
///
/// # Errors
/// As Helm refuses it.
pub fn parse_set(line: &str, kind: SetKind) -> Result<Values, SetError> {
    let mut values = Values::new();
    parse_set_into(&mut values, line, kind)?;
    Ok(values)
}

/// Parses one line over values that are there. What was set before a fault stays set.
///
/// # Errors
/// As Helm refuses it.
pub fn parse_set_into(target: &mut Values, line: &str, kind: SetKind) -> Result<(), SetError> {
    let shared = table(std::mem::take(target));
    let outcome = set_shared(&shared, line, kind);
    *target = values(&shared);
    outcome
}

/// `--set-file`: the texts after `=` are names, and `read` gives their contents.
///
/// # Errors
/// As Helm refuses it, and what `read` answers.
pub fn parse_set_file(
    target: &mut Values,
    line: &str,
    mut read: impl FnMut(&str) -> Result<String, String>,
) -> Result<(), SetError> {
    let shared = table(std::mem::take(target));
    let outcome = Parser { rest: line, kind: SetKind::Text, read: Some(&mut read) }.all(&shared);
    *target = values(&shared);
    outcome
}

/// Sets into shared tables.
pub(super) fn set_shared(target: &Table, line: &str, kind: SetKind) -> Result<(), SetError> {
    Parser { rest: line, kind, read: None }.all(target)
}

/// Why a step ended: the text did, which is no fault, or something was wrong.
enum Halt {
    End,
    Fault(SetError),
}

impl From<SetError> for Halt {
    fn from(error: SetError) -> Self {
        Self::Fault(error)
    }
}

type Step<T = ()> = Result<T, Halt>;
type ReadFile<'a> = &'a mut dyn FnMut(&str) -> Result<String, String>;

struct Parser<'a> {
    rest: &'a str,
    kind: SetKind,
    read: Option<ReadFile<'a>>,
}

impl Parser<'_> {
    fn all(mut self, target: &Table) -> Result<(), SetError> {
        loop {
            match self.key(target, 0) {
                Ok(()) => {}
                Err(Halt::End) => return Ok(()),
                Err(Halt::Fault(error)) => return Err(error),
            }
        }
    }

    /// Reads up to one of the stops, which is taken as well; `None` at the end of the text.
    fn until(&mut self, stops: &[char]) -> (String, Option<char>) {
        let mut text = String::new();
        let mut chars = self.rest.chars();
        let mut found = None;
        while let Some(c) = chars.next() {
            if stops.contains(&c) {
                found = Some(c);
                break;
            }
            if c == '\\' && self.kind != SetKind::Literal {
                text.extend(chars.next());
            } else {
                text.push(c);
            }
        }
        self.rest = chars.as_str();
        (text, found)
    }

    fn key(&mut self, target: &Table, level: usize) -> Step {
        let stops: &[char] = if self.kind == SetKind::Literal { &['=', '[', '.'] } else { &['=', '[', ',', '.'] };
        let (key, stop) = self.until(stops);
        match stop {
            None if key.is_empty() => Err(Halt::End),
            None => Err(SetError::NoValue { key }.into()),
            Some('[') => self.indexed(target, &key, level),
            Some('=') => self.assign(&mut |node| put(target, &key, node)),
            Some(',') => {
                put(target, &key, Node::text(""));
                Err(SetError::EndsWithComma { key }.into())
            }
            _ => self.nested(target, key, level + 1),
        }
    }

    fn indexed(&mut self, target: &Table, key: &str, level: usize) -> Step {
        let index = self.index()?;
        let mut list = match target.borrow().get(key) {
            None => List::default(),
            Some(Node::List(list)) => list.clone(),
            Some(other) => return Err(SetError::OtherKind { found: other.go_kind(), wanted: LIST }.into()),
        };
        let outcome = self.item(&mut list, index, level, 0);
        if !matches!(outcome, Err(Halt::Fault(SetError::OtherKind { .. }))) {
            put(target, key, Node::List(list));
        }
        outcome
    }

    fn nested(&mut self, target: &Table, key: String, level: usize) -> Step {
        if level > MAX_LEVEL {
            return Err(SetError::TooDeep.into());
        }
        let inner = match target.borrow().get(&key) {
            None => Table::default(),
            Some(Node::Table(table)) => table.clone(),
            Some(other) => return Err(SetError::OtherKind { found: other.go_kind(), wanted: TABLE }.into()),
        };
        let outcome = self.key(&inner, level);
        let empty = inner.borrow().is_empty();
        if !empty {
            put(target, &key, Node::Table(inner));
        } else if outcome.is_ok() {
            return Err(SetError::EmptyMap { key }.into());
        }
        outcome
    }

    fn index(&mut self) -> Step<i64> {
        let (text, stop) = self.until(&[']']);
        // The end of the text ends the whole parse without a word, as upstream has it.
        stop.ok_or(Halt::End)?;
        text.parse::<i64>().map_err(|error| {
            use std::num::IntErrorKind::{NegOverflow, PosOverflow};
            let overflow = matches!(error.kind(), PosOverflow | NegOverflow);
            SetError::Index { text, reason: if overflow { "value out of range" } else { "invalid syntax" } }.into()
        })
    }

    /// Reads what stands behind `=` and hands it on.
    fn assign(&mut self, set: &mut dyn FnMut(Node)) -> Step {
        match self.kind {
            SetKind::Literal => {
                let text = std::mem::take(&mut self.rest);
                set(Node::text(text));
                Ok(())
            }
            SetKind::Json => {
                let node = self.json()?;
                set(node);
                Ok(())
            }
            SetKind::Typed | SetKind::Text => match self.rest.chars().next() {
                None => {
                    set(Node::text(""));
                    Err(Halt::End)
                }
                Some('{') => {
                    self.rest = &self.rest[1..];
                    let list = self.braces()?;
                    set(list);
                    Ok(())
                }
                Some(_) => {
                    let (text, _) = self.until(&[',']);
                    let node = self.scalar(text)?;
                    set(node);
                    Ok(())
                }
            },
        }
    }

    fn scalar(&mut self, text: String) -> Step<Node> {
        if let Some(read) = &mut self.read {
            return read(&text).map(Node::text).map_err(|reason| SetError::Value { reason }.into());
        }
        Ok(if self.kind == SetKind::Text { Node::text(text) } else { Node::Scalar(typed(text)) })
    }

    fn braces(&mut self) -> Step<Node> {
        let mut items = Vec::new();
        loop {
            let (text, stop) = self.until(&[',', '}']);
            let stop = stop.ok_or(SetError::OpenList)?;
            items.push(self.scalar(text)?);
            if stop == '}' {
                self.rest = self.rest.strip_prefix(',').unwrap_or(self.rest);
                return Ok(Node::list(items));
            }
        }
    }

    /// A JSON value and the comma behind it; nothing is null.
    fn json(&mut self) -> Step<Node> {
        if self.blank() {
            return Ok(Node::null());
        }
        let mut stream = serde_json::Deserializer::from_str(self.rest).into_iter::<Value>();
        let value = match stream.next() {
            Some(Ok(value)) => value,
            Some(Err(error)) if !error.is_eof() => {
                return Err(SetError::Value { reason: json_fault(self.rest, &error) }.into());
            }
            _ => return Err(SetError::Value { reason: "unexpected EOF".to_owned() }.into()),
        };
        self.rest = &self.rest[stream.byte_offset()..];
        self.blank();
        Ok(Node::from_value(floats(value)))
    }

    /// Skips blanks and one comma; true when nothing else came.
    fn blank(&mut self) -> bool {
        self.rest = self.rest.trim_start();
        match self.rest.strip_prefix(',') {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => self.rest.is_empty(),
        }
    }

    fn item(&mut self, list: &mut List, index: i64, level: usize, depth: usize) -> Step {
        if index < 0 {
            return Err(SetError::NegativeIndex { index }.into());
        }
        if depth > MAX_INDEXES {
            return Err(SetError::TooDeep.into());
        }
        let (data, stop) = self.until(&['[', '.', '=']);
        if !data.is_empty() {
            return Err(SetError::AfterIndex { data }.into());
        }
        let at = usize::try_from(index).unwrap_or(usize::MAX);
        let existing = list.borrow().get(at).cloned();
        match stop {
            None => Err(Halt::End),
            Some('=') => {
                let mut outcome = Ok(());
                let assigned = self.assign(&mut |node| outcome = put_index(list, index, node));
                outcome?;
                // Nothing behind `=` is an empty text here, and the parse goes on.
                match assigned {
                    Err(Halt::End) => Ok(()),
                    other => other,
                }
            }
            Some('[') => {
                let next = self.index()?;
                let mut inner = match existing {
                    None | Some(Node::Scalar(Value::Null)) => List::default(),
                    Some(Node::List(list)) => list,
                    Some(other) => return Err(SetError::OtherKind { found: other.go_kind(), wanted: LIST }.into()),
                };
                self.item(&mut inner, next, level, depth + 1)?;
                Ok(put_index(list, index, Node::List(inner))?)
            }
            _ => {
                let inner = match existing {
                    Some(Node::Table(table)) => table,
                    Some(_) => {
                        let fresh = Table::default();
                        put_index(list, index, Node::Table(fresh.clone()))?;
                        fresh
                    }
                    None => Table::default(),
                };
                self.key(&inner, level)?;
                Ok(put_index(list, index, Node::Table(inner))?)
            }
        }
    }
}

/// Sets a key; an empty one is passed over.
fn put(target: &Table, key: &str, node: Node) {
    if !key.is_empty() {
        target.borrow_mut().insert(key.to_owned(), node);
    }
}

/// Sets an item in place, or in a longer copy of the list.
fn put_index(list: &mut List, index: i64, node: Node) -> Result<(), SetError> {
    if index > MAX_INDEX {
        return Err(SetError::IndexTooLarge { index });
    }
    let at = usize::try_from(index).map_err(|_| SetError::NegativeIndex { index })?;
    if at >= list.borrow().len() {
        let mut longer = list.borrow().clone();
        longer.resize(at + 1, Node::null());
        *list = Rc::new(RefCell::new(longer));
    }
    list.borrow_mut()[at] = node;
    Ok(())
}

fn typed(text: String) -> Value {
    for (word, value) in [("true", Value::Bool(true)), ("false", Value::Bool(false)), ("null", Value::Null)] {
        if text.eq_ignore_ascii_case(word) {
            return value;
        }
    }
    // A leading zero is kept: telephone numbers, octal modes.
    if text == "0" || !text.starts_with('0') {
        if let Ok(number) = text.parse::<i64>() {
            return Value::Number(Number::from(number));
        }
    }
    Value::String(text)
}

/// Go's words for JSON that does not read.
pub(crate) fn json_fault(text: &str, error: &serde_json::Error) -> String {
    let at = text.split_inclusive('\n').take(error.line().saturating_sub(1)).map(str::len).sum::<usize>();
    let at = at + error.column().saturating_sub(1);
    let found = text.get(at..).and_then(|rest| rest.chars().next());
    let Some(found) = found else { return "unexpected end of JSON input".to_owned() };
    let shown = if found == '\'' { "'\\''".to_owned() } else { format!("'{found}'") };
    let before = text[..at].trim_end().chars().next_back();
    let place = match before {
        Some('{') => "looking for beginning of object key string",
        Some(',' | '[' | ':') | None => "looking for beginning of value",
        _ => "after top-level value",
    };
    format!("invalid character {shown} {place}")
}
