//! Values of every type.

use super::Printer;
use crate::exec::{Res, kinds};
use crate::time;
use crate::value::{IntKind, List, Map, MapKind, Record, RecordType, Value};

/// What the value's `String` method gives, if it has one.
pub(super) fn text_of(value: &Value) -> Option<Vec<u8>> {
    match value {
        Value::Int(value, IntKind::Duration) => Some(time::duration_text(*value).into_bytes()),
        Value::Int(value, IntKind::Month) => Some(time::month_name(*value).into_bytes()),
        Value::Int(value, IntKind::Weekday) => Some(time::weekday_name(*value).into_bytes()),
        Value::Time(time) => Some(time.text().into_bytes()),
        Value::Record(record) if record.ty == RecordType::Version => {
            Some(crate::functions::version_text(record).into_bytes())
        }
        _ => None,
    }
}

/// What the `String` method of a pointer to the struct gives, where the struct itself has none.
pub(super) fn pointer_text(record: &Record) -> Option<Vec<u8>> {
    if record.ty != RecordType::KubeVersion {
        return None;
    }
    let text = |name: &str| record.field(name).and_then(Value::as_str).filter(|text| !text.is_empty()).cloned();
    let text = text("normalizedVersion").or_else(|| text("Version"));
    Some(text.map_or_else(Vec::new, |text| text.as_bytes().to_vec()))
}

impl Printer<'_, '_> {
    pub(super) fn text(&mut self, text: &str) {
        self.out.extend_from_slice(text.as_bytes());
    }

    /// `printArg`.
    pub(super) fn argument(&mut self, value: &Value, verb: char) -> Res<()> {
        match (value, verb) {
            (Value::Nil, 'T' | 'v') => return self.pad(b"<nil>"),
            (Value::Nil, _) => return self.bad_verb(value, verb),
            (_, 'T') => {
                let name = kinds::type_name(value);
                self.string(name.as_bytes(), 's')?;
                return Ok(());
            }
            (_, 'p') => return self.pointer(value, verb),
            _ => {}
        }
        self.value(value, verb, 0)
    }

    /// `badVerb`.
    #[cold]
    pub(super) fn bad_verb(&mut self, value: &Value, verb: char) -> Res<()> {
        self.erroring = true;
        self.text(&format!("%!{verb}("));
        if value.is_nil() {
            self.text("<nil>");
        } else {
            self.text(&kinds::type_name(value));
            self.text("=");
            self.value(value, 'v', 0)?;
        }
        self.text(")");
        self.erroring = false;
        Ok(())
    }

    fn methods(&mut self, value: &Value, verb: char) -> Res<bool> {
        if self.erroring {
            return Ok(false);
        }
        if verb == 'w' {
            self.bad_verb(value, verb)?;
            return Ok(true);
        }
        if self.flags.sharp_v {
            if let Value::Time(time) = value {
                let text = time.go_text();
                self.string(text.as_bytes(), 's')?;
                return Ok(true);
            }
            return Ok(false);
        }
        if !matches!(verb, 'v' | 's' | 'x' | 'X' | 'q') {
            return Ok(false);
        }
        match text_of(value) {
            Some(text) => self.string(&text, verb),
            None => Ok(false),
        }
    }

    /// `printValue`; `depth` is 0 for an argument itself.
    pub(super) fn value(&mut self, value: &Value, verb: char, depth: usize) -> Res<()> {
        if self.methods(value, verb)? {
            return Ok(());
        }
        let known = match value {
            Value::Nil => {
                let interface = if self.flags.sharp_v { "interface {}(nil)" } else { "<nil>" };
                self.text(interface);
                true
            }
            Value::Bool(value) if matches!(verb, 't' | 'v') => {
                self.pad(if *value { b"true" } else { b"false" })?;
                true
            }
            Value::Bool(_) => false,
            Value::Int(value, _) => self.integer(*value as u64, true, verb)?,
            Value::Uint(value, _) => self.integer(*value, false, verb)?,
            Value::Float(value) => self.float(*value, verb)?,
            Value::Complex(parts) => self.complex(**parts, verb)?,
            Value::Str(text) => self.string(text.as_bytes(), verb)?,
            Value::Bytes(bytes) => return self.bytes(value, bytes.as_bytes(), verb, depth),
            Value::List(list) => return self.list(value, list, verb, depth),
            Value::Map(map) => return self.map(value, map, verb, depth),
            Value::Time(time) => {
                // Its fields are not exported; nobody prints them on purpose.
                let parts = [Value::Uint(0, crate::value::UintKind::Uint64), Value::int64(time.unix())];
                return self.elements(&parts, verb, depth, "{", "}");
            }
            Value::Record(record) => {
                if record.ty.is_pointer() {
                    if depth > 0 {
                        return self.pointer(value, verb);
                    }
                    self.text("&");
                }
                return self.record(record, verb, depth);
            }
        };
        if known { Ok(()) } else { self.bad_verb(value, verb) }
    }

    /// A pointer's address. Ours has none that could be shown, so every pointer has the same.
    fn pointer(&mut self, value: &Value, verb: char) -> Res<()> {
        match value {
            Value::Map(_) | Value::List(_) | Value::Bytes(_) => {}
            Value::Record(record) if record.ty.is_pointer() => {}
            _ => return self.bad_verb(value, verb),
        }
        match verb {
            'v' | 'p' => {
                let sharp = self.flags.sharp;
                self.flags.sharp = false;
                let result = if sharp {
                    self.integer(0xc0_0000_0000, false, 'x').map(drop)
                } else {
                    self.plain_hex(0xc0_0000_0000)
                };
                self.flags.sharp = sharp;
                result
            }
            _ if self.integer(0xc0_0000_0000, false, verb)? => Ok(()),
            _ => self.bad_verb(value, verb),
        }
    }

    fn bytes(&mut self, value: &Value, bytes: &[u8], verb: char, depth: usize) -> Res<()> {
        match verb {
            's' => self.string(bytes, 's').map(drop),
            'x' | 'X' | 'q' => self.string(bytes, verb).map(drop),
            'v' if self.flags.sharp_v => {
                self.text(if depth == 0 { "[]byte{" } else { "[]uint8{" });
                for (index, byte) in bytes.iter().enumerate() {
                    if index > 0 {
                        self.text(", ");
                    }
                    self.plain_hex(u64::from(*byte))?;
                }
                self.text("}");
                Ok(())
            }
            _ => {
                _ = value;
                self.run.charge(bytes.len().saturating_mul(4))?;
                self.text("[");
                for (index, byte) in bytes.iter().enumerate() {
                    if index > 0 {
                        self.text(" ");
                    }
                    self.value(&Value::byte(*byte), verb, depth + 1)?;
                }
                self.text("]");
                Ok(())
            }
        }
    }

    fn elements(&mut self, items: &[Value], verb: char, depth: usize, open: &str, close: &str) -> Res<()> {
        self.run.descend()?;
        self.text(open);
        for (index, item) in items.iter().enumerate() {
            self.run.step()?;
            if index > 0 {
                self.text(if self.flags.sharp_v { ", " } else { " " });
            }
            self.value(item, verb, depth + 1)?;
        }
        self.text(close);
        Ok(())
    }

    fn list(&mut self, value: &Value, list: &List, verb: char, depth: usize) -> Res<()> {
        if self.flags.sharp_v {
            self.text(&kinds::type_name(value));
            if list.is_nil() {
                self.text("(nil)");
                return Ok(());
            }
            return self.elements(&list.items(), verb, depth, "{", "}");
        }
        self.elements(&list.items(), verb, depth, "[", "]")
    }

    fn map(&mut self, value: &Value, map: &Map, verb: char, depth: usize) -> Res<()> {
        self.run.descend()?;
        if self.flags.sharp_v {
            self.text(&kinds::type_name(value));
            if map.is_nil() {
                self.text("(nil)");
                return Ok(());
            }
            self.text("{");
        } else {
            self.text("map[");
        }
        for (index, (key, item)) in map.entries().into_iter().enumerate() {
            self.run.step()?;
            if index > 0 {
                self.text(if self.flags.sharp_v { ", " } else { " " });
            }
            self.value(&Value::Str(key), verb, depth + 1)?;
            self.text(":");
            let bytes = map.kind() == MapKind::Files;
            self.value(&item, verb, depth + 1 + usize::from(bytes))?;
        }
        self.text(if self.flags.sharp_v { "}" } else { "]" });
        Ok(())
    }

    pub(super) fn record(&mut self, record: &Record, verb: char, depth: usize) -> Res<()> {
        self.run.descend()?;
        let named = self.flags.plus_v || self.flags.sharp_v;
        if self.flags.sharp_v {
            let name = kinds::record_name(record.ty);
            self.text(name.trim_start_matches('*'));
        }
        self.text("{");
        for (index, (name, field)) in record.fields.iter().enumerate() {
            if index > 0 {
                self.text(if self.flags.sharp_v { ", " } else { " " });
            }
            if named {
                self.text(name);
                self.text(":");
            }
            self.value(field, verb, depth + 1)?;
        }
        self.text("}");
        Ok(())
    }
}
