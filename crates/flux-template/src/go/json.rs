//! `encoding/json`.

use crate::exec::{Res, Run};
use crate::go::numbers::format_float;
use crate::value::{Elem, List, Map, MapKind, Record, RecordType, Value};

/// Nesting from which Go looks for cycles; whoever comes so far is in one.
const CYCLE: usize = 1000;

/// The text, or the words of Go's error.
pub(crate) type Encoded<T> = Res<Result<T, String>>;

/// `json.Marshal`, with or without `<`, `>` and `&` escaped.
pub(crate) fn encode(run: &mut Run<'_>, value: &Value, html: bool) -> Encoded<Vec<u8>> {
    let mut encoder = Encoder { run, out: Vec::new(), html };
    match encoder.value(value, 0)? {
        Ok(()) => Ok(Ok(encoder.out)),
        Err(message) => Ok(Err(message)),
    }
}

struct Encoder<'r, 'h> {
    run: &'r mut Run<'h>,
    out: Vec<u8>,
    html: bool,
}

/// Passes on the inner error.
macro_rules! check {
    ($result:expr) => {
        if let Err(message) = $result? {
            return Ok(Err(message));
        }
    };
}

impl Encoder<'_, '_> {
    fn value(&mut self, value: &Value, depth: usize) -> Encoded<()> {
        match value {
            Value::Nil => self.raw("null"),
            Value::Bool(value) => self.raw(if *value { "true" } else { "false" }),
            Value::Int(value, _) => self.raw(&value.to_string()),
            Value::Uint(value, _) => self.raw(&value.to_string()),
            Value::Float(value) if value.is_finite() => self.raw(&float(*value)),
            Value::Float(value) => {
                return Ok(Err(format!("json: unsupported value: {}", format_float(*value, b'g', -1))));
            }
            Value::Complex(_) => return Ok(Err("json: unsupported type: complex128".to_owned())),
            Value::Str(text) => {
                self.run.charge(text.len() + 2)?;
                string(&mut self.out, text.as_bytes(), self.html);
            }
            Value::Bytes(bytes) => {
                self.run.charge(bytes.len() * 2)?;
                self.raw("\"");
                self.out.extend_from_slice(super::super::functions::base64_text(bytes.as_bytes()).as_bytes());
                self.raw("\"");
            }
            Value::List(list) => return self.list(list, depth),
            Value::Map(map) => return self.map(map, depth),
            Value::Time(time) => match time.rfc3339_nano() {
                Some(text) => self.raw(&format!("\"{text}\"")),
                None => {
                    let message = "Time.MarshalJSON: year outside of range [0,9999]";
                    return Ok(Err(format!("json: error calling MarshalJSON for type time.Time: {message}")));
                }
            },
            Value::Record(record) => return self.record(record, depth),
        }
        Ok(Ok(()))
    }

    fn raw(&mut self, text: &str) {
        self.out.extend_from_slice(text.as_bytes());
    }

    fn list(&mut self, list: &List, depth: usize) -> Encoded<()> {
        if list.is_nil() {
            self.raw("null");
            return Ok(Ok(()));
        }
        if depth > CYCLE {
            return Ok(Err(cycle(&Value::List(list.clone()))));
        }
        self.run.descend()?;
        self.raw("[");
        for (index, item) in list.items().iter().enumerate() {
            self.run.step()?;
            if index > 0 {
                self.raw(",");
            }
            check!(self.value(item, depth + 1));
        }
        self.raw("]");
        Ok(Ok(()))
    }

    fn map(&mut self, map: &Map, depth: usize) -> Encoded<()> {
        if map.is_nil() {
            self.raw("null");
            return Ok(Ok(()));
        }
        if depth > CYCLE {
            return Ok(Err(cycle(&Value::Map(map.clone()))));
        }
        self.run.descend()?;
        self.raw("{");
        for (index, (key, item)) in map.entries().into_iter().enumerate() {
            self.run.step()?;
            if index > 0 {
                self.raw(",");
            }
            self.run.charge(key.len() + 4)?;
            string(&mut self.out, key.as_bytes(), self.html);
            self.raw(":");
            check!(self.value(&item, depth + 1));
        }
        self.raw("}");
        Ok(Ok(()))
    }

    fn record(&mut self, record: &Record, depth: usize) -> Encoded<()> {
        if record.ty == RecordType::Version {
            string(&mut self.out, crate::functions::version_text(record).as_bytes(), self.html);
            return Ok(Ok(()));
        }
        self.run.descend()?;
        self.raw("{");
        let mut first = true;
        for (name, field) in json_fields(record) {
            if !std::mem::take(&mut first) {
                self.raw(",");
            }
            self.raw(&format!("\"{name}\":"));
            check!(self.value(field, depth + 1));
        }
        self.raw("}");
        Ok(Ok(()))
    }
}

/// The fields that JSON shows, by the names in Go's tags.
pub(crate) fn json_fields(record: &Record) -> impl Iterator<Item = (&'static str, &Value)> {
    let build = record.ty == RecordType::BuildInfo;
    record.fields.iter().filter_map(move |(name, value)| {
        if name.starts_with(|first: char| first.is_lowercase()) {
            return None;
        }
        if !build {
            return Some((*name, value));
        }
        let tag = match *name {
            "Version" => "version",
            "GitCommit" => "git_commit",
            "GitTreeState" => "git_tree_state",
            "GoVersion" => "go_version",
            _ => return Some(("kube_client_version", value)),
        };
        value.as_str().is_some_and(|text| !text.is_empty()).then_some((tag, value))
    })
}

fn cycle(value: &Value) -> String {
    let ty = crate::exec::kinds::type_name(value);
    format!("json: unsupported value: encountered a cycle via {ty}")
}

/// A finite float: an exponent below 1e-6 and from 1e21 up.
pub(crate) fn float(value: f64) -> String {
    let magnitude = value.abs();
    if magnitude != 0.0 && !(1e-6..1e21).contains(&magnitude) {
        let text = format_float(value, b'e', -1);
        // e-09 becomes e-9.
        return match text.split_once("e-0") {
            Some((mantissa, exponent)) => format!("{mantissa}e-{exponent}"),
            None => text,
        };
    }
    format_float(value, b'f', -1)
}

/// A string in JSON; bytes that are not UTF-8 become U+FFFD each.
fn string(out: &mut Vec<u8>, bytes: &[u8], html: bool) {
    out.push(b'"');
    for chunk in bytes.utf8_chunks() {
        for character in chunk.valid().chars() {
            match character {
                '"' => out.extend_from_slice(b"\\\""),
                '\\' => out.extend_from_slice(b"\\\\"),
                '\n' => out.extend_from_slice(b"\\n"),
                '\r' => out.extend_from_slice(b"\\r"),
                '\t' => out.extend_from_slice(b"\\t"),
                '\x08' => out.extend_from_slice(b"\\b"),
                '\x0C' => out.extend_from_slice(b"\\f"),
                '<' | '>' | '&' if html => {
                    out.extend_from_slice(format!("\\u{:04x}", u32::from(character)).as_bytes());
                }
                '\0'..='\x1F' | '\u{2028}' | '\u{2029}' => {
                    out.extend_from_slice(format!("\\u{:04x}", u32::from(character)).as_bytes());
                }
                _ => super::runes::push(out, character),
            }
        }
        for _ in chunk.invalid() {
            out.extend_from_slice(b"\\ufffd");
        }
    }
    out.push(b'"');
}

/// `json.Indent` with two spaces, for text that the encoder made.
pub(crate) fn indented(compact: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(compact.len() * 2);
    let mut depth: usize = 0;
    let (mut text, mut escaped) = (false, false);
    let line = |out: &mut Vec<u8>, depth: usize| {
        out.push(b'\n');
        out.resize(out.len() + 2 * depth, b' ');
    };
    let mut bytes = compact.iter().copied().peekable();
    while let Some(byte) = bytes.next() {
        if text {
            out.push(byte);
            (text, escaped) = match (byte, escaped) {
                (b'"', false) => (false, false),
                (b'\\', false) => (true, true),
                _ => (true, false),
            };
            continue;
        }
        match byte {
            b'"' => {
                text = true;
                out.push(byte);
            }
            b'{' | b'[' => {
                out.push(byte);
                if matches!(bytes.peek(), Some(b'}' | b']')) {
                    out.extend(bytes.next());
                } else {
                    depth += 1;
                    line(&mut out, depth);
                }
            }
            b'}' | b']' => {
                depth -= 1;
                line(&mut out, depth);
                out.push(byte);
            }
            b',' => {
                out.push(byte);
                line(&mut out, depth);
            }
            b':' => out.extend_from_slice(b": "),
            _ => out.push(byte),
        }
    }
    out
}

/// What a text is decoded into.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Target {
    Any,
    Map,
    List,
}

/// `json.Unmarshal` into `interface {}`, a map or a slice.
pub(crate) fn decode(run: &mut Run<'_>, bytes: &[u8], target: Target) -> Encoded<Value> {
    run.charge(bytes.len().saturating_mul(2))?;
    let mut decoder = Decoder { run, bytes, at: 0 };
    let value = match decoder.document()? {
        Ok(value) => value,
        Err(message) => return Ok(Err(message)),
    };
    Ok(into(value, target))
}

/// Fits a decoded value into the target, or gives Go's complaint.
pub(crate) fn into(value: Value, target: Target) -> Result<Value, String> {
    let wanted = match (target, &value) {
        (Target::Any, _) | (Target::Map, Value::Map(_)) | (Target::List, Value::List(_)) => return Ok(value),
        (Target::Map, Value::Nil) => return Ok(Value::Map(Map::nil(MapKind::Any))),
        (Target::List, Value::Nil) => return Ok(Value::List(List::nil(Elem::Any))),
        (Target::Map, _) => "map[string]interface {}",
        (Target::List, _) => "[]interface {}",
    };
    let got = match value {
        Value::Bool(_) => "bool",
        Value::Float(_) => "number",
        Value::Str(_) => "string",
        Value::List(_) => "array",
        _ => "object",
    };
    Err(format!("json: cannot unmarshal {got} into Go value of type {wanted}"))
}

/// Go's bound on nesting.
const MAX_DEPTH: usize = 10_000;

struct Decoder<'b, 'r, 'h> {
    run: &'r mut Run<'h>,
    bytes: &'b [u8],
    at: usize,
}

impl Decoder<'_, '_, '_> {
    fn document(&mut self) -> Encoded<Value> {
        let value = match self.value(0, "looking for beginning of value")? {
            Ok(value) => value,
            Err(message) => return Ok(Err(message)),
        };
        self.space();
        if self.at < self.bytes.len() {
            return Ok(self.unexpected("after top-level value"));
        }
        Ok(Ok(value))
    }

    fn space(&mut self) {
        while matches!(self.bytes.get(self.at), Some(b' ' | b'\t' | b'\r' | b'\n')) {
            self.at += 1;
        }
    }

    /// The error about the present character, or about the end.
    fn unexpected<T>(&self, context: &str) -> Result<T, String> {
        // At the end Go tries a space, which is wrong inside a word, a number or an escape.
        let inside =
            [" literal", "escape"].iter().any(|word| context.contains(word)) && !context.contains("string literal");
        let byte = match self.bytes.get(self.at) {
            Some(byte) => *byte,
            None if inside => b' ',
            None => return Err("unexpected end of JSON input".to_owned()),
        };
        let shown = match byte {
            b'\'' => "'\\''".to_owned(),
            b'"' => "'\"'".to_owned(),
            // Go shows the byte as a character of its own.
            _ => {
                let quoted = super::quoting::quote_text(char::from(byte).encode_utf8(&mut [0; 4]).as_bytes());
                format!("'{}'", &quoted[1..quoted.len() - 1])
            }
        };
        Err(format!("invalid character {shown} {context}"))
    }

    fn value(&mut self, depth: usize, context: &str) -> Encoded<Value> {
        self.space();
        self.run.step()?;
        Ok(match self.bytes.get(self.at) {
            Some(b'{') => return self.object(depth + 1),
            Some(b'[') => return self.array(depth + 1),
            Some(b'"') => self.string().map(|text| Value::Str(text.into())),
            Some(b't') => self.literal(b"true", Value::Bool(true)),
            Some(b'f') => self.literal(b"false", Value::Bool(false)),
            Some(b'n') => self.literal(b"null", Value::Nil),
            Some(b'-' | b'0'..=b'9') => self.number(),
            _ => self.unexpected(context),
        })
    }

    fn literal(&mut self, word: &[u8], value: Value) -> Result<Value, String> {
        for expected in word {
            if self.bytes.get(self.at) != Some(expected) {
                let word = String::from_utf8_lossy(word);
                return self.unexpected(&format!("in literal {word} (expecting '{}')", char::from(*expected)));
            }
            self.at += 1;
        }
        Ok(value)
    }

    fn digits(&mut self, context: &str) -> Result<(), String> {
        if !self.bytes.get(self.at).is_some_and(u8::is_ascii_digit) {
            return self.unexpected(context);
        }
        while self.bytes.get(self.at).is_some_and(u8::is_ascii_digit) {
            self.at += 1;
        }
        Ok(())
    }

    fn number(&mut self) -> Result<Value, String> {
        let start = self.at;
        self.at += usize::from(self.bytes[self.at] == b'-');
        if self.bytes.get(self.at) == Some(&b'0') {
            self.at += 1;
        } else {
            self.digits("in numeric literal")?;
        }
        if self.bytes.get(self.at) == Some(&b'.') {
            self.at += 1;
            self.digits("after decimal point in numeric literal")?;
        }
        if matches!(self.bytes.get(self.at), Some(b'e' | b'E')) {
            self.at += 1;
            self.at += usize::from(matches!(self.bytes.get(self.at), Some(b'+' | b'-')));
            self.digits("in exponent of numeric literal")?;
        }
        let text = String::from_utf8_lossy(&self.bytes[start..self.at]);
        match text.parse::<f64>() {
            Ok(value) if value.is_finite() => Ok(Value::Float(value)),
            _ => Err(format!("json: cannot unmarshal number {text} into Go value of type float64")),
        }
    }

    fn string(&mut self) -> Result<Vec<u8>, String> {
        self.at += 1;
        let mut out = Vec::new();
        loop {
            match self.bytes.get(self.at) {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(String::from_utf8_lossy(&out).into_owned().into_bytes());
                }
                Some(b'\\') => {
                    self.at += 1;
                    self.escape(&mut out)?;
                }
                Some(byte @ 0x20..) => {
                    out.push(*byte);
                    self.at += 1;
                }
                _ => return self.unexpected("in string literal"),
            }
        }
    }

    fn escape(&mut self, out: &mut Vec<u8>) -> Result<(), String> {
        let simple = match self.bytes.get(self.at) {
            Some(byte @ (b'"' | b'\\' | b'/')) => *byte,
            Some(b'b') => 8,
            Some(b'f') => 12,
            Some(b'n') => b'\n',
            Some(b'r') => b'\r',
            Some(b't') => b'\t',
            Some(b'u') => {
                self.at += 1;
                let first = self.hex()?;
                super::runes::push(out, self.surrogate(first)?);
                return Ok(());
            }
            _ => return self.unexpected("in string escape code"),
        };
        self.at += 1;
        out.push(simple);
        Ok(())
    }

    fn hex(&mut self) -> Result<u32, String> {
        let mut value = 0;
        for _ in 0..4 {
            match self.bytes.get(self.at).and_then(|byte| char::from(*byte).to_digit(16)) {
                Some(digit) => value = value * 16 + digit,
                None => return self.unexpected("in \\u hexadecimal character escape"),
            }
            self.at += 1;
        }
        Ok(value)
    }

    /// Joins a pair of surrogates; a lone one is U+FFFD.
    fn surrogate(&mut self, first: u32) -> Result<char, String> {
        if (0xD800..0xDC00).contains(&first) && self.bytes[self.at..].starts_with(b"\\u") {
            let before = self.at;
            self.at += 2;
            let second = self.hex()?;
            if (0xDC00..0xE000).contains(&second) {
                let joined = 0x10000 + ((first - 0xD800) << 10) + (second - 0xDC00);
                return Ok(char::from_u32(joined).unwrap_or(super::runes::REPLACEMENT));
            }
            self.at = before;
        }
        Ok(char::from_u32(first).unwrap_or(super::runes::REPLACEMENT))
    }

    fn array(&mut self, depth: usize) -> Encoded<Value> {
        if depth > MAX_DEPTH {
            return Ok(Err("exceeded max depth".to_owned()));
        }
        self.run.descend()?;
        self.at += 1;
        let mut items = Vec::new();
        self.space();
        if self.bytes.get(self.at) == Some(&b']') {
            self.at += 1;
            return Ok(Ok(Value::list(items)));
        }
        loop {
            match self.value(depth, "looking for beginning of value")? {
                Ok(value) => items.push(value),
                Err(message) => return Ok(Err(message)),
            }
            self.space();
            match self.bytes.get(self.at) {
                Some(b',') => self.at += 1,
                Some(b']') => break,
                _ => return Ok(self.unexpected("after array element")),
            }
        }
        self.at += 1;
        Ok(Ok(Value::list(items)))
    }

    fn object(&mut self, depth: usize) -> Encoded<Value> {
        if depth > MAX_DEPTH {
            return Ok(Err("exceeded max depth".to_owned()));
        }
        self.run.descend()?;
        self.at += 1;
        let map = Map::new(MapKind::Any);
        self.space();
        if self.bytes.get(self.at) == Some(&b'}') {
            self.at += 1;
            return Ok(Ok(Value::Map(map)));
        }
        loop {
            self.space();
            if self.bytes.get(self.at) != Some(&b'"') {
                return Ok(self.unexpected("looking for beginning of object key string"));
            }
            let key = match self.string() {
                Ok(key) => key,
                Err(message) => return Ok(Err(message)),
            };
            self.space();
            if self.bytes.get(self.at) != Some(&b':') {
                return Ok(self.unexpected("after object key"));
            }
            self.at += 1;
            match self.value(depth, "looking for beginning of value")? {
                Ok(value) => map.insert(key, value),
                Err(message) => return Ok(Err(message)),
            }
            self.space();
            match self.bytes.get(self.at) {
                Some(b',') => self.at += 1,
                Some(b'}') => break,
                _ => return Ok(self.unexpected("after object key:value pair")),
            }
        }
        self.at += 1;
        Ok(Ok(Value::Map(map)))
    }
}
