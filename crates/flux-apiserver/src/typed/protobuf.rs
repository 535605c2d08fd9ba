//! Built-in objects in Kubernetes' protobuf form, as generated clients send them: read into JSON.

use base64::Engine as _;
use serde_json::{Map, Value, json};

use super::facts::{self, Kind, Struct, Type, Wire};
use crate::object::split_api_version;

/// Why a body cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ProtobufError {
    #[error("provided data does not appear to be a protobuf message")]
    NoEnvelope,
    #[error("no kind \"{kind}\" is registered for version \"{version}\"")]
    UnknownKind { version: String, kind: String },
    #[error("unexpected end of the protobuf message")]
    Short,
    #[error("a protobuf field has wire type {0}, which is not in use")]
    WireType(u8),
    #[error("a protobuf message is nested too deep")]
    Deep,
    #[error("the text of a protobuf field is not UTF-8")]
    Text,
    #[error("an embedded object is no JSON")]
    Embedded,
}

const MAGIC: &[u8] = b"k8s\0";
const DEPTH_MAX: usize = 64;

type Result<T> = std::result::Result<T, ProtobufError>;

/// Reads an enveloped object.
pub(crate) fn to_json(bytes: &[u8]) -> Result<Value> {
    let envelope = bytes.strip_prefix(MAGIC).ok_or(ProtobufError::NoEnvelope)?;
    let (mut version, mut kind, mut raw) = (String::new(), String::new(), &b""[..]);
    for field in Fields(envelope) {
        match field? {
            (1, Payload::Bytes(meta)) => {
                for field in Fields(meta) {
                    match field? {
                        (1, Payload::Bytes(text)) => version = utf8(text)?,
                        (2, Payload::Bytes(text)) => kind = utf8(text)?,
                        _ => {}
                    }
                }
            }
            (2, Payload::Bytes(inner)) => raw = inner,
            _ => {}
        }
    }
    let mut object = structure(shape_of(&version, &kind)?.shape(), raw, DEPTH_MAX)?;
    object.insert("apiVersion".into(), version.into());
    object.insert("kind".into(), kind.into());
    Ok(Value::Object(object))
}

fn shape_of(version: &str, kind: &str) -> Result<Kind> {
    if kind == "DeleteOptions" {
        return Ok(facts::options_type());
    }
    let (group, short) = split_api_version(version);
    let unknown = || ProtobufError::UnknownKind { version: version.to_owned(), kind: kind.to_owned() };
    facts::kind_of(group, short, kind).ok_or_else(unknown)
}

#[derive(Clone, Copy)]
enum Payload<'a> {
    Varint(u64),
    Fixed64(u64),
    Fixed32(u32),
    Bytes(&'a [u8]),
}

/// The fields of a message, one by one.
struct Fields<'a>(&'a [u8]);

impl<'a> Fields<'a> {
    fn varint(&mut self) -> Result<u64> {
        let mut value = 0u64;
        for shift in (0..64).step_by(7) {
            let (&byte, rest) = self.0.split_first().ok_or(ProtobufError::Short)?;
            self.0 = rest;
            value |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Ok(value);
            }
        }
        Err(ProtobufError::Short)
    }

    fn take(&mut self, length: usize) -> Result<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(length).ok_or(ProtobufError::Short)?;
        self.0 = rest;
        Ok(taken)
    }

    fn field(&mut self) -> Result<(u32, Payload<'a>)> {
        let tag = self.varint()?;
        let number = u32::try_from(tag >> 3).map_err(|_| ProtobufError::Short)?;
        let payload = match (tag & 7) as u8 {
            0 => Payload::Varint(self.varint()?),
            1 => {
                let bytes = self.take(8)?.first_chunk().ok_or(ProtobufError::Short)?;
                Payload::Fixed64(u64::from_le_bytes(*bytes))
            }
            2 => {
                let length = usize::try_from(self.varint()?).map_err(|_| ProtobufError::Short)?;
                Payload::Bytes(self.take(length)?)
            }
            5 => {
                let bytes = self.take(4)?.first_chunk().ok_or(ProtobufError::Short)?;
                Payload::Fixed32(u32::from_le_bytes(*bytes))
            }
            other => return Err(ProtobufError::WireType(other)),
        };
        Ok((number, payload))
    }
}

impl<'a> Iterator for Fields<'a> {
    type Item = Result<(u32, Payload<'a>)>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.0.is_empty() {
            return None;
        }
        let field = self.field();
        if field.is_err() {
            self.0 = &[];
        }
        Some(field)
    }
}

fn utf8(bytes: &[u8]) -> Result<String> {
    std::str::from_utf8(bytes).map(str::to_owned).map_err(|_| ProtobufError::Text)
}

fn structure(shape: &'static Struct, bytes: &[u8], depth: usize) -> Result<Map<String, Value>> {
    let depth = depth.checked_sub(1).ok_or(ProtobufError::Deep)?;
    let mut out = Map::new();
    for field in Fields(bytes) {
        let (number, payload) = field?;
        // Fields of later versions are skipped, as protobuf wants it.
        let Some((_, wire)) = shape.wire.iter().find(|(known, _)| *known == number) else { continue };
        match wire {
            Wire::Inline(index) => {
                if let Payload::Bytes(inner) = payload {
                    out.append(&mut structure(index.get(), inner, depth)?);
                }
            }
            Wire::Field(index) => {
                let field = &shape.fields[*index];
                put(&mut out, field.name, &field.kind, payload, depth)?;
            }
        }
    }
    Ok(out)
}

fn put(
    out: &mut Map<String, Value>,
    name: &str,
    kind: &'static Type,
    payload: Payload<'_>,
    depth: usize,
) -> Result<()> {
    match kind {
        Type::Pointer(inner) => put(out, name, inner, payload, depth),
        Type::Slice(inner) => {
            let list = out.entry(name).or_insert_with(|| json!([]));
            if let Some(list) = list.as_array_mut() {
                match (inner.as_ref(), payload) {
                    (Type::Integer { .. }, Payload::Bytes(mut packed)) => {
                        while !packed.is_empty() {
                            let mut fields = Fields(packed);
                            list.push((fields.varint()? as i64).into());
                            packed = fields.0;
                        }
                    }
                    _ => list.push(value(inner, payload, depth)?),
                }
            }
            Ok(())
        }
        Type::Map(inner) => {
            let Payload::Bytes(entry) = payload else { return Ok(()) };
            let (mut key, mut item) = (String::new(), None);
            for field in Fields(entry) {
                match field? {
                    (1, Payload::Bytes(text)) => key = utf8(text)?,
                    (2, payload) => item = Some(map_value(inner, payload, depth)?),
                    _ => {}
                }
            }
            let map = out.entry(name).or_insert_with(|| json!({}));
            if let Some(map) = map.as_object_mut() {
                map.insert(key, item.unwrap_or_else(|| super::zero(inner)));
            }
            Ok(())
        }
        other => {
            let read = value(other, payload, depth)?;
            out.insert(name.to_owned(), read);
            Ok(())
        }
    }
}

/// A list in a map is wrapped into a message of its own.
fn map_value(kind: &'static Type, payload: Payload<'_>, depth: usize) -> Result<Value> {
    match (kind, payload) {
        (Type::Slice(inner), Payload::Bytes(bytes)) => {
            let mut list = Vec::new();
            for field in Fields(bytes) {
                if let (1, payload) = field? {
                    list.push(value(inner, payload, depth)?);
                }
            }
            Ok(Value::Array(list))
        }
        _ => value(kind, payload, depth),
    }
}

fn value(kind: &'static Type, payload: Payload<'_>, depth: usize) -> Result<Value> {
    let bytes = match payload {
        Payload::Bytes(bytes) => bytes,
        Payload::Varint(number) => {
            return Ok(match kind {
                Type::Bool => (number != 0).into(),
                _ => (number as i64).into(),
            });
        }
        Payload::Fixed64(bits) => return Ok(f64::from_bits(bits).into()),
        Payload::Fixed32(bits) => return Ok(f64::from(f32::from_bits(bits)).into()),
    };
    Ok(match kind {
        Type::Struct(index) => Value::Object(structure(index.get(), bytes, depth)?),
        Type::Pointer(inner) => value(inner, payload, depth)?,
        Type::String(_) => utf8(bytes)?.into(),
        Type::Bytes => base64::engine::general_purpose::STANDARD.encode(bytes).into(),
        Type::Time { micro } => time(bytes, *micro)?,
        Type::Duration => duration(number_at(bytes, 1)?).into(),
        Type::Quantity => text_at(bytes, 1)?.into(),
        Type::IntOrString => {
            if number_at(bytes, 1)? == 1 {
                text_at(bytes, 3)?.into()
            } else {
                number_at(bytes, 2)?.into()
            }
        }
        Type::Raw | Type::Any => embedded(bytes)?,
        Type::SchemaOrBool => match part(bytes, 2)? {
            Some(inner) => Value::Object(structure(facts::schema_shape(), inner, depth)?),
            None => (number_at(bytes, 1)? != 0).into(),
        },
        Type::SchemaOrArray => match part(bytes, 1)? {
            Some(inner) => Value::Object(structure(facts::schema_shape(), inner, depth)?),
            None => {
                let items = parts(bytes, 2)?
                    .into_iter()
                    .map(|inner| structure(facts::schema_shape(), inner, depth).map(Value::Object));
                Value::Array(items.collect::<Result<_>>()?)
            }
        },
        Type::SchemaOrStrings => match part(bytes, 1)? {
            Some(inner) => Value::Object(structure(facts::schema_shape(), inner, depth)?),
            None => Value::Array(
                parts(bytes, 2)?.into_iter().map(|text| utf8(text).map(Value::from)).collect::<Result<_>>()?,
            ),
        },
        // Numbers arrive as numbers, lists and maps elsewhere.
        _ => Value::Null,
    })
}

fn parts(bytes: &[u8], wanted: u32) -> Result<Vec<&[u8]>> {
    let mut out = Vec::new();
    for field in Fields(bytes) {
        if let (number, Payload::Bytes(inner)) = field?
            && number == wanted
        {
            out.push(inner);
        }
    }
    Ok(out)
}

fn part(bytes: &[u8], wanted: u32) -> Result<Option<&[u8]>> {
    Ok(parts(bytes, wanted)?.pop())
}

fn text_at(bytes: &[u8], wanted: u32) -> Result<String> {
    part(bytes, wanted)?.map_or(Ok(String::new()), utf8)
}

fn number_at(bytes: &[u8], wanted: u32) -> Result<i64> {
    let mut found = 0;
    for field in Fields(bytes) {
        if let (number, Payload::Varint(value)) = field?
            && number == wanted
        {
            found = value as i64;
        }
    }
    Ok(found)
}

fn time(bytes: &[u8], micro: bool) -> Result<Value> {
    if bytes.is_empty() {
        return Ok(Value::Null);
    }
    let (seconds, nanos) = (number_at(bytes, 1)?, number_at(bytes, 2)?);
    let nanos = i32::try_from(nanos).unwrap_or(0);
    let Ok(time) = jiff::Timestamp::new(seconds, if micro { nanos } else { 0 }) else { return Ok(Value::Null) };
    let precision = if micro { 6 } else { 0 };
    Ok(format!("{time:.precision$}").into())
}

/// Go's text of a duration in whole seconds; the fields that use it hold no finer ones.
fn duration(nanos: i64) -> String {
    let seconds = nanos / 1_000_000_000;
    let (hours, minutes, rest) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    match (hours, minutes) {
        (0, 0) => format!("{rest}s"),
        (0, minutes) => format!("{minutes}m{rest}s"),
        (hours, minutes) => format!("{hours}h{minutes}m{rest}s"),
    }
}

fn embedded(bytes: &[u8]) -> Result<Value> {
    match part(bytes, 1)? {
        Some(inner) => serde_json::from_slice(inner).map_err(|_| ProtobufError::Embedded),
        None => Ok(Value::Null),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn field(number: u8, bytes: &[u8]) -> Vec<u8> {
        let mut out = vec![number << 3 | 2, bytes.len() as u8];
        out.extend_from_slice(bytes);
        out
    }

    fn enveloped(version: &str, kind: &str, raw: &[u8]) -> Vec<u8> {
        let meta = [field(1, version.as_bytes()), field(2, kind.as_bytes())].concat();
        [MAGIC.to_vec(), field(1, &meta), field(2, raw)].concat()
    }

    #[test]
    fn objects_are_read_by_their_field_numbers() {
        let meta = field(1, b"x");
        let entry = [field(1, b"k"), field(2, b"v")].concat();
        let raw = [field(1, &meta), field(2, &entry), vec![4 << 3, 1]].concat();
        let expect = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "x"}, "data": {"k": "v"}, "immutable": true});
        assert_eq!(to_json(&enveloped("v1", "ConfigMap", &raw)), Ok(expect));
    }

    #[test]
    fn hostile_bodies_are_refused() {
        assert_eq!(to_json(b"{}"), Err(ProtobufError::NoEnvelope));
        assert!(to_json(&enveloped("v1", "Nope", b"")).is_err());
        assert_eq!(to_json(&[MAGIC, &[0x0a, 0xff]].concat()), Err(ProtobufError::Short));
        assert_eq!(to_json(&enveloped("v1", "ConfigMap", &[0x0b])), Err(ProtobufError::WireType(3)));
    }
}
