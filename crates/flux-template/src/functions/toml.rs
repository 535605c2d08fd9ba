//! Helm's TOML functions, after BurntSushi/toml.

mod decode;

use super::conversion::or_error;
use super::{Arguments as _, Function, map, text};
use crate::exec::{Run, Ty, fail};
use crate::go::json::Encoded;
use crate::go::numbers::format_float;
use crate::value::{IntKind, Value};

use Ty::{Any, Reflect, Str};

pub(super) const FUNCTIONS: &[Function] = &[
    Function::new("toToml", &[Any], Str, |run, a| match encode(run, a.value(0))? {
        Ok(toml) => text(toml),
        Err(message) => text(message),
    }),
    Function::new("mustToToml", &[Any], Str, |run, a| match encode(run, a.value(0))? {
        Ok(toml) => text(toml),
        Err(message) => fail(message),
    }),
    Function::new("fromToml", &[Str], Reflect, |run, a| {
        run.charge(a.bytes(0).len().saturating_mul(4))?;
        map(or_error(decode::decode(run, a.bytes(0))?))
    }),
];

const NIL_ELEMENT: &str = "toml: cannot encode array with nil element";

fn encode(run: &mut Run<'_>, value: &Value) -> Encoded<Vec<u8>> {
    let mut encoder = Encoder { run, out: Vec::new() };
    let result = encoder.entry(&mut Vec::new(), value)?;
    Ok(result.map(|()| encoder.out))
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Shape {
    Nil,
    Plain,
    Table,
    Tables,
}

struct Encoder<'r, 'h> {
    run: &'r mut Run<'h>,
    out: Vec<u8>,
}

macro_rules! check {
    ($result:expr) => {
        if let Err(message) = $result? {
            return Ok(Err(message));
        }
    };
}

fn shape(run: &Run<'_>, value: &Value) -> Encoded<Shape> {
    Ok(Ok(match value {
        Value::Nil => Shape::Nil,
        Value::Map(_) => Shape::Table,
        Value::Record(record) if record.ty != crate::value::RecordType::Version => Shape::Table,
        Value::List(list) if !list.is_empty() => {
            run.descend()?;
            let mut tables = true;
            for item in list.items().iter() {
                match shape(run, item)? {
                    Ok(Shape::Nil) => return Ok(Err(NIL_ELEMENT.to_owned())),
                    Ok(Shape::Table) => {}
                    Ok(_) => tables = false,
                    Err(message) => return Ok(Err(message)),
                }
            }
            if tables { Shape::Tables } else { Shape::Plain }
        }
        _ => Shape::Plain,
    }))
}

/// The entries of a map or struct.
fn entries(value: &Value) -> Vec<(Vec<u8>, Value)> {
    match value {
        Value::Map(map) => map.entries().into_iter().map(|(key, value)| (key.as_bytes().to_vec(), value)).collect(),
        Value::Record(record) => {
            let exported = record.fields.iter().filter(|(name, _)| name.starts_with(|c: char| c.is_uppercase()));
            exported.map(|(name, value)| (name.as_bytes().to_vec(), value.clone())).collect()
        }
        _ => Vec::new(),
    }
}

fn quoted_key(key: &[u8]) -> Vec<u8> {
    let bare = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
    if !key.is_empty() && key.iter().all(bare) { key.to_vec() } else { quoted(key) }
}

fn quoted(text: &[u8]) -> Vec<u8> {
    let mut out = vec![b'"'];
    for &byte in text {
        match byte {
            b'"' => out.extend_from_slice(b"\\\""),
            b'\\' => out.extend_from_slice(b"\\\\"),
            b'\t' => out.extend_from_slice(b"\\t"),
            b'\n' => out.extend_from_slice(b"\\n"),
            b'\r' => out.extend_from_slice(b"\\r"),
            0x08 => out.extend_from_slice(b"\\b"),
            0x0C => out.extend_from_slice(b"\\f"),
            0..=0x1F | 0x7F => out.extend_from_slice(format!("\\u{byte:04x}").as_bytes()),
            _ => out.push(byte),
        }
    }
    out.push(b'"');
    out
}

fn float(value: f64) -> String {
    if value.is_nan() {
        return "nan".to_owned();
    }
    if value.is_infinite() {
        return if value > 0.0 { "inf" } else { "-inf" }.to_owned();
    }
    let text = format_float(value, b'g', -1);
    if text.contains(['.', 'e']) { text } else { text + ".0" }
}

impl Encoder<'_, '_> {
    fn newline(&mut self) {
        if !self.out.is_empty() {
            self.out.push(b'\n');
        }
    }

    fn indent(&mut self, key: &[Vec<u8>]) {
        let spaces = 2 * key.len().saturating_sub(1);
        self.out.resize(self.out.len() + spaces, b' ');
    }

    fn entry(&mut self, key: &mut Vec<Vec<u8>>, value: &Value) -> Encoded<()> {
        self.run.step()?;
        self.run.descend()?;
        match value {
            Value::Map(map) if map.is_nil() => Ok(Ok(())),
            Value::Map(_) => self.table(key, value),
            Value::Record(record) if record.ty != crate::value::RecordType::Version => self.table(key, value),
            Value::List(_) => match shape(self.run, value)? {
                Ok(Shape::Tables) => self.tables(key, value),
                Ok(_) => self.pair(key, value),
                Err(message) => Ok(Err(message)),
            },
            Value::Nil if key.is_empty() => fail("reflect: call of reflect.Value.Type on zero Value"),
            Value::Nil => Ok(Ok(())),
            Value::Complex(_) => {
                let name = key.join(b".".as_slice());
                let name = String::from_utf8_lossy(&name);
                Ok(Err(format!("unsupported type for key '{name}': complex128")))
            }
            _ => self.pair(key, value),
        }
    }

    fn pair(&mut self, key: &[Vec<u8>], value: &Value) -> Encoded<()> {
        let Some(name) = key.last() else { return self.element(value) };
        self.indent(key);
        self.run.charge(name.len() + 4)?;
        let name = quoted_key(name);
        self.out.extend_from_slice(&name);
        self.out.extend_from_slice(b" = ");
        check!(self.element(value));
        self.newline();
        Ok(Ok(()))
    }

    fn header(&mut self, key: &[Vec<u8>], open: &[u8], close: &[u8]) {
        self.indent(key);
        self.out.extend_from_slice(open);
        let path: Vec<Vec<u8>> = key.iter().map(|part| quoted_key(part)).collect();
        self.out.extend_from_slice(&path.join(b".".as_slice()));
        self.out.extend_from_slice(close);
        self.newline();
    }

    fn table(&mut self, key: &mut Vec<Vec<u8>>, value: &Value) -> Encoded<()> {
        if key.len() == 1 {
            self.newline();
        }
        if !key.is_empty() {
            self.header(key, b"[", b"]");
        }
        self.content(key, value)
    }

    fn tables(&mut self, key: &mut Vec<Vec<u8>>, value: &Value) -> Encoded<()> {
        let Value::List(list) = value else { return Ok(Ok(())) };
        if key.is_empty() {
            return Ok(Err("toml: top-level values must be Go maps or structs".to_owned()));
        }
        for item in list.items().iter() {
            self.newline();
            self.header(key, b"[[", b"]]");
            check!(self.content(key, item));
        }
        Ok(Ok(()))
    }

    /// Plain entries first, then tables.
    fn content(&mut self, key: &mut Vec<Vec<u8>>, value: &Value) -> Encoded<()> {
        let mut tables = Vec::new();
        for (name, item) in entries(value) {
            let table = match shape(self.run, &item)? {
                Ok(shape) => matches!(shape, Shape::Table | Shape::Tables),
                Err(message) => return Ok(Err(message)),
            };
            if table {
                tables.push((name, item));
                continue;
            }
            key.push(name);
            check!(self.entry(key, &item));
            key.pop();
        }
        for (name, item) in tables {
            key.push(name);
            check!(self.entry(key, &item));
            key.pop();
        }
        Ok(Ok(()))
    }

    fn element(&mut self, value: &Value) -> Encoded<()> {
        self.run.step()?;
        match value {
            Value::Bool(value) => self.out.extend_from_slice(if *value { b"true" } else { b"false" }),
            Value::Int(value, IntKind::Duration) => {
                self.out.extend_from_slice(&quoted(crate::time::duration_text(*value).as_bytes()));
            }
            Value::Int(value, _) => self.out.extend_from_slice(value.to_string().as_bytes()),
            Value::Uint(value, _) => self.out.extend_from_slice(value.to_string().as_bytes()),
            Value::Float(value) => self.out.extend_from_slice(float(*value).as_bytes()),
            Value::Str(text) => {
                self.run.charge(text.len() + 2)?;
                self.out.extend_from_slice(&quoted(text.as_bytes()));
            }
            Value::Bytes(bytes) => {
                let numbers: Vec<String> = bytes.as_bytes().iter().map(u8::to_string).collect();
                self.out.extend_from_slice(format!("[{}]", numbers.join(", ")).as_bytes());
            }
            Value::List(list) => {
                self.run.descend()?;
                self.out.push(b'[');
                for (index, item) in list.items().iter().enumerate() {
                    if index > 0 {
                        self.out.extend_from_slice(b", ");
                    }
                    check!(self.element(item));
                }
                self.out.push(b']');
            }
            Value::Time(time) => {
                let layout: &[u8] = match time.zone_name() {
                    "datetime-local" => b"2006-01-02T15:04:05.999999999",
                    "date-local" => b"2006-01-02",
                    "time-local" => b"15:04:05.999999999",
                    _ => b"2006-01-02T15:04:05.999999999Z07:00",
                };
                let text = time.format(layout);
                self.out.extend_from_slice(&text);
            }
            Value::Record(record) if record.ty == crate::value::RecordType::Version => {
                self.out.extend_from_slice(&quoted(super::version_text(record).as_bytes()));
            }
            Value::Map(_) | Value::Record(_) => return self.inline(value),
            Value::Nil => return Ok(Err(NIL_ELEMENT.to_owned())),
            Value::Complex(_) => return Ok(Err("toml: unsupported type: complex128".to_owned())),
        }
        Ok(Ok(()))
    }

    fn inline(&mut self, value: &Value) -> Encoded<()> {
        self.run.descend()?;
        let (mut plain, mut tables) = (Vec::new(), Vec::new());
        for (name, item) in entries(value).into_iter().filter(|(_, item)| !item.is_nil()) {
            match shape(self.run, &item)? {
                Ok(Shape::Table | Shape::Tables) => tables.push((name, item)),
                Ok(_) => plain.push((name, item)),
                Err(message) => return Ok(Err(message)),
            }
        }
        self.out.push(b'{');
        for (index, (name, item)) in plain.into_iter().chain(tables).enumerate() {
            if index > 0 {
                self.out.extend_from_slice(b", ");
            }
            self.out.extend_from_slice(&quoted_key(&name));
            self.out.extend_from_slice(b" = ");
            check!(self.element(&item));
        }
        self.out.push(b'}');
        Ok(Ok(()))
    }
}
