//! OpenAPI version 2 in the protobuf encoding of the gnostic project, which is all that client-go asks for.
//!
//! Only what such a document of ours holds is written; the numbers are those of `OpenAPIv2.proto`.

use serde_json::Value;

/// Encodes a whole document.
pub(super) fn encode(document: &Value) -> Vec<u8> {
    let mut out = Message::default();
    out.text(1, document.get("swagger"));
    out.message(2, document.get("info"), |info, value| {
        info.text(1, value.get("title"));
        info.text(2, value.get("version"));
    });
    out.message(8, document.get("paths"), |paths, value| {
        paths.named(2, value, path_item);
    });
    out.message(9, document.get("definitions"), |definitions, value| definitions.named(1, value, schema));
    out.0
}

#[derive(Default)]
struct Message(Vec<u8>);

impl Message {
    fn varint(&mut self, mut number: u64) {
        while number >= 0x80 {
            self.0.push((number as u8 & 0x7f) | 0x80);
            number >>= 7;
        }
        self.0.push(number as u8);
    }

    fn bytes(&mut self, field: u32, bytes: &[u8]) {
        self.varint(u64::from(field << 3 | 2));
        self.varint(bytes.len() as u64);
        self.0.extend_from_slice(bytes);
    }

    fn text(&mut self, field: u32, value: Option<&Value>) {
        if let Some(text) = value.and_then(Value::as_str).filter(|text| !text.is_empty()) {
            self.bytes(field, text.as_bytes());
        }
    }

    fn texts(&mut self, field: u32, value: Option<&Value>) {
        for text in value.and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str) {
            self.bytes(field, text.as_bytes());
        }
    }

    fn flag(&mut self, field: u32, value: Option<&Value>) {
        if value == Some(&Value::Bool(true)) {
            self.varint(u64::from(field << 3));
            self.varint(1);
        }
    }

    fn integer(&mut self, field: u32, value: Option<&Value>) {
        if let Some(number) = value.and_then(Value::as_i64).filter(|number| *number != 0) {
            self.varint(u64::from(field << 3));
            self.varint(number as u64);
        }
    }

    fn double(&mut self, field: u32, value: Option<&Value>) {
        if let Some(number) = value.and_then(Value::as_f64).filter(|number| *number != 0.0) {
            self.varint(u64::from(field << 3 | 1));
            self.0.extend_from_slice(&number.to_le_bytes());
        }
    }

    fn message(&mut self, field: u32, value: Option<&Value>, write: impl FnOnce(&mut Message, &Value)) {
        if let Some(value) = value {
            let mut inner = Message::default();
            write(&mut inner, value);
            self.bytes(field, &inner.0);
        }
    }

    /// Entries of a map: name and value.
    fn named(&mut self, field: u32, map: &Value, write: fn(&mut Message, &Value)) {
        for (name, value) in map.as_object().into_iter().flatten() {
            let mut entry = Message::default();
            entry.bytes(1, name.as_bytes());
            entry.message(2, Some(value), write);
            self.bytes(field, &entry.0);
        }
    }

    /// Fields that begin with `x-`, their values as YAML.
    fn extensions(&mut self, field: u32, map: &Value) {
        for (name, value) in map.as_object().into_iter().flatten().filter(|(name, _)| name.starts_with("x-")) {
            let mut entry = Message::default();
            entry.bytes(1, name.as_bytes());
            entry.message(2, Some(value), any);
            self.bytes(field, &entry.0);
        }
    }
}

fn any(out: &mut Message, value: &Value) {
    out.bytes(2, flux_yaml::emit_v2(value).as_bytes());
}

fn schema(out: &mut Message, value: &Value) {
    out.text(1, value.get("$ref"));
    out.text(2, value.get("format"));
    out.text(3, value.get("title"));
    out.text(4, value.get("description"));
    for (field, key) in [(6, "multipleOf"), (7, "maximum"), (9, "minimum")] {
        out.double(field, value.get(key));
    }
    for (field, key) in [(8, "exclusiveMaximum"), (10, "exclusiveMinimum"), (16, "uniqueItems")] {
        out.flag(field, value.get(key));
    }
    for (field, key) in [
        (11, "maxLength"),
        (12, "minLength"),
        (14, "maxItems"),
        (15, "minItems"),
        (17, "maxProperties"),
        (18, "minProperties"),
    ] {
        out.integer(field, value.get(key));
    }
    out.text(13, value.get("pattern"));
    out.texts(19, value.get("required"));
    for choice in value.get("enum").and_then(Value::as_array).into_iter().flatten() {
        out.message(20, Some(choice), any);
    }
    out.message(21, value.get("additionalProperties"), |out, inner| match inner {
        Value::Bool(_) => out.flag(2, Some(inner)),
        _ => out.message(1, Some(inner), schema),
    });
    out.message(22, value.get("type"), |out, kind| match kind {
        Value::Array(_) => out.texts(1, Some(kind)),
        _ => out.text(1, Some(kind)),
    });
    out.message(23, value.get("items"), |out, inner| out.message(1, Some(inner), schema));
    out.message(25, value.get("properties"), |out, inner| out.named(1, inner, schema));
    out.extensions(31, value);
}

fn path_item(out: &mut Message, value: &Value) {
    for (field, verb) in [(2, "get"), (3, "put"), (4, "post"), (5, "delete"), (6, "options"), (7, "head"), (8, "patch")]
    {
        out.message(field, value.get(verb), operation);
    }
    parameters(out, 9, value);
}

fn operation(out: &mut Message, value: &Value) {
    out.texts(1, value.get("tags"));
    out.text(5, value.get("operationId"));
    out.texts(6, value.get("produces"));
    out.texts(7, value.get("consumes"));
    parameters(out, 8, value);
    out.message(9, value.get("responses"), |out, responses| {
        out.named(1, responses, |out, response| {
            out.message(1, Some(response), |out, response| {
                out.text(1, response.get("description"));
                out.message(2, response.get("schema"), |out, inner| out.message(1, Some(inner), schema));
            });
        });
    });
    out.texts(10, value.get("schemes"));
    out.extensions(13, value);
}

fn parameters(out: &mut Message, field: u32, holder: &Value) {
    for parameter in holder.get("parameters").and_then(Value::as_array).into_iter().flatten() {
        out.message(field, Some(parameter), |out, parameter| out.message(1, Some(parameter), one_parameter));
    }
}

fn one_parameter(out: &mut Message, value: &Value) {
    let place = value.get("in").and_then(Value::as_str).unwrap_or("");
    if place == "body" {
        return out.message(1, Some(value), |out, value| {
            out.text(2, value.get("name"));
            out.text(3, value.get("in"));
            out.flag(4, value.get("required"));
            out.message(5, value.get("schema"), schema);
        });
    }
    let path = place == "path";
    out.message(2, Some(value), |out, value| {
        out.message(if path { 4 } else { 3 }, Some(value), |out, value| {
            out.flag(1, value.get("required"));
            out.text(2, value.get("in"));
            out.text(4, value.get("name"));
            out.text(if path { 5 } else { 6 }, value.get("type"));
            out.flag(if path { 19 } else { 20 }, value.get("uniqueItems"));
        });
    });
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::encode;

    #[test]
    fn the_encoding_is_protobuf() {
        let document = json!({"swagger": "2.0", "definitions": {"A": {"type": "object", "x-b": [1]}}});
        let made = encode(&document);
        assert_eq!(&made[..5], &[0x0a, 3, b'2', b'.', b'0']);
        assert!(made.windows(8).any(|part| part == [0x0a, 6, b'o', b'b', b'j', b'e', b'c', b't']));
        assert!(made.windows(5).any(|part| part == [0x0a, 3, b'x', b'-', b'b']));
    }
}
