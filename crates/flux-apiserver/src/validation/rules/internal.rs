//! Values printed as upstream's internal types.
//!
//! Some messages quote a part of the object, not as the client sent it but as the server holds it: fields in the
//! order of the Go struct, named as there, zero values included. The shapes are data: `data/internal.json.gz`.

use std::collections::HashMap;
use std::io::Read as _;
use std::sync::LazyLock;

use serde_json::Value;

use crate::status::go_json;

/// By struct: `NAME TYPE`, with `?` after names of fields that vanish when empty.
static SHAPES: LazyLock<HashMap<String, Vec<String>>> = LazyLock::new(|| {
    let packed: &[u8] = include_bytes!("../../../data/internal.json.gz");
    let mut text = String::new();
    flate2::read::GzDecoder::new(packed).read_to_string(&mut text).expect("the embedded table is whole");
    serde_json::from_str(&text).expect("the embedded table is well-formed")
});

/// Fields that clients put beside a pod's security context and the server holds within.
const MOVED: [&str; 5] = ["HostNetwork", "HostPID", "HostIPC", "ShareProcessNamespace", "HostUsers"];

/// Fields that clients call otherwise.
const RENAMED: [(&str, &str); 5] = [
    ("CephMonitors", "monitors"),
    ("RBDImage", "image"),
    ("RBDPool", "pool"),
    ("RadosUser", "user"),
    ("DataDiskURI", "diskURI"),
];

/// The value on one line.
pub(super) fn printed(shape: &str, value: &Value) -> String {
    let mut printer = Printer { out: String::new(), indent: None };
    printer.value(shape, value, &Value::Null);
    printer.out
}

/// The value over many lines.
fn pretty(shape: &str, value: &Value) -> String {
    let mut printer = Printer { out: String::new(), indent: Some(0) };
    printer.value(shape, value, &Value::Null);
    printer.out
}

struct Printer {
    out: String,
    /// Depth, when printing over many lines.
    indent: Option<usize>,
}

impl Printer {
    fn open(&mut self, bracket: char) {
        self.out.push(bracket);
        if let Some(depth) = &mut self.indent {
            *depth += 1;
        }
    }

    fn line(&mut self, first: bool) {
        if !first {
            self.out.push(',');
        }
        self.new_line();
    }

    fn new_line(&mut self) {
        if let Some(depth) = self.indent {
            self.out.push('\n');
            self.out.extend(std::iter::repeat_n(' ', depth));
        }
    }

    fn close(&mut self, bracket: char, empty: bool) {
        if let Some(depth) = &mut self.indent {
            *depth -= 1;
        }
        if !empty {
            self.new_line();
        }
        self.out.push(bracket);
    }

    fn key(&mut self, key: &str) {
        self.out.push_str(&go_json(&key.into()));
        self.out.push_str(if self.indent.is_some() { ": " } else { ":" });
    }

    /// `parent` is the object around, for fields that moved.
    fn value(&mut self, kind: &str, value: &Value, parent: &Value) {
        if let Some(inner) = kind.strip_prefix('*') {
            return if value.is_null() { self.out.push_str("null") } else { self.value(inner, value, parent) };
        }
        if let Some(inner) = kind.strip_prefix("[]") {
            return self.list(inner, value);
        }
        if let Some(inner) = kind.strip_prefix("map:") {
            return self.map(inner, value);
        }
        match (kind, value) {
            ("string", Value::Null) => self.out.push_str("\"\""),
            ("number" | "intstr", Value::Null) => self.out.push('0'),
            ("bool", Value::Null) => self.out.push_str("false"),
            ("quantity", Value::Null) => self.out.push_str("\"0\""),
            _ => match SHAPES.get(kind) {
                Some(fields) => self.structure(kind, fields, value, parent),
                None => self.out.push_str(&go_json(value)),
            },
        }
    }

    fn list(&mut self, inner: &str, value: &Value) {
        let Some(items) = value.as_array() else { return self.out.push_str("null") };
        self.open('[');
        for (index, item) in items.iter().enumerate() {
            self.line(index == 0);
            self.value(inner, item, &Value::Null);
        }
        self.close(']', items.is_empty());
    }

    fn map(&mut self, inner: &str, value: &Value) {
        let Some(entries) = value.as_object() else { return self.out.push_str("null") };
        self.open('{');
        for (index, (key, item)) in entries.iter().enumerate() {
            self.line(index == 0);
            self.key(key);
            self.value(inner, item, &Value::Null);
        }
        self.close('}', entries.is_empty());
    }

    fn structure(&mut self, kind: &str, fields: &[String], value: &Value, parent: &Value) {
        self.open('{');
        let mut first = true;
        for field in fields {
            let Some((name, inner)) = field.split_once(' ') else { continue };
            let (name, vanishes) = name.strip_suffix('?').map_or((name, false), |name| (name, true));
            let moved = kind == "PodSecurityContext" && MOVED.contains(&name);
            let item = find(if moved { parent } else { value }, name, kind);
            if vanishes && is_empty(item) {
                continue;
            }
            self.line(first);
            first = false;
            self.key(name);
            self.value(inner, item, value);
        }
        self.close('}', first);
    }
}

/// A field by its Go name, which differs in case from what clients write.
fn find<'a>(object: &'a Value, name: &str, kind: &str) -> &'a Value {
    // Metadata is embedded.
    let within = if kind == "PodTemplateSpec" && name != "Spec" { &object["metadata"] } else { object };
    let name = RENAMED.iter().find(|(own, _)| *own == name).map_or(name, |(_, client)| client);
    let found = within.as_object().into_iter().flatten().find(|(key, _)| key.eq_ignore_ascii_case(name));
    found.map_or(&Value::Null, |(_, value)| value)
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(map) => map.is_empty(),
        Value::Bool(on) => !on,
        Value::Number(number) => number.as_f64() == Some(0.0),
    }
}

/// How two values differ, as a unified diff of their printed lines.
pub(super) fn difference(shape: &str, old: &Value, new: &Value) -> String {
    crate::go_diff::unified(&pretty(shape, old), &pretty(shape, new))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn fields_are_printed_in_the_order_of_the_type() {
        let port = json!({ "port": 80, "protocol": "TCP" });
        let expect = r#"{"Name":"","Protocol":"TCP","AppProtocol":null,"Port":80,"TargetPort":0,"NodePort":0}"#;
        assert_eq!(printed("ServicePort", &port), expect);
    }

    #[test]
    fn differences_are_shown_with_their_neighbours() {
        let claim =
            |size: &str| json!({ "accessModes": ["ReadWriteOnce"], "resources": { "requests": { "storage": size } } });
        let text = difference("PersistentVolumeClaimSpec", &claim("1Gi"), &claim("2Gi"));
        let expect = "@@ -6,7 +6,7 @@\n  \"Resources\": {\n   \"Limits\": null,\n   \"Requests\": {\n-   \"storage\": \"1Gi\"\n+   \"storage\": \"2Gi\"\n   }\n  },\n  \"VolumeName\": \"\",\n";
        assert_eq!(text, expect);
    }
}
