//! Helm's YAML functions.

use flux_yaml::{EmitOptions, Node, NodeKind, Scalar, ScalarStyle, Tag};

use super::conversion::{json_of, or_error};
use super::{Arguments as _, Function, map, text};
use crate::error::Exceeded;
use crate::exec::{Fail, Operand, Res, Run, Ty, fail};
use crate::go::json::{self, Encoded, Target};
use crate::go::numbers::format_float;
use crate::value::{Record, RecordType, Value};

use Ty::{Any, Reflect, Str};

pub(super) const FUNCTIONS: &[Function] = &[
    Function::new("toYaml", &[Any], Str, |run, a| text(to_yaml(run, a.value(0))?.unwrap_or_default())),
    Function::new("mustToYaml", &[Any], Str, |run, a| match to_yaml(run, a.value(0))? {
        Ok(yaml) => text(yaml),
        Err(message) => fail(message),
    }),
    Function::new("toYamlPretty", &[Any], Str, |run, a| text(pretty(run, a.value(0))?)),
    Function::new("fromYaml", &[Str], Reflect, |run, a| map(or_error(from_yaml(run, a, Target::Map)?))),
    Function::new("fromYamlArray", &[Str], Reflect, |run, a| {
        let decoded = from_yaml(run, a, Target::List)?;
        Ok(decoded.unwrap_or_else(|message| Value::list(vec![Value::text(message)])).into())
    }),
];

/// `sigs.k8s.io/yaml.Marshal` without the last line break.
pub(crate) fn to_yaml(run: &mut Run<'_>, value: &Value) -> Encoded<String> {
    let json = match json_of(run, value)? {
        Ok(json) => json,
        Err(message) => return Ok(Err(format!("error marshaling into JSON: {message}"))),
    };
    let printed = flux_yaml::marshal_v2(&json).map_err(|error| format!("error converting JSON to YAML: {error}"));
    Ok(match printed {
        Ok(mut yaml) => {
            run.charge(yaml.len())?;
            if yaml.ends_with('\n') {
                yaml.pop();
            }
            Ok(yaml)
        }
        Err(message) => Err(message),
    })
}

fn from_yaml(run: &mut Run<'_>, arguments: &[Operand], target: Target) -> Encoded<Value> {
    run.charge(arguments.bytes(0).len().saturating_mul(4))?;
    let json = match flux_yaml::decode(arguments.bytes(0)).and_then(|yaml| flux_yaml::yaml_to_json(&yaml)) {
        Ok(json) => json,
        Err(error) => return Ok(Err(format!("error converting YAML to JSON: {error}"))),
    };
    let decoded = json::into(Value::from(&json), target);
    Ok(decoded.map_err(|message| format!("error unmarshaling JSON: while decoding JSON: {message}")))
}

/// go-yaml v3's printer on the Go value itself: floats as Go prints them, lists indented.
fn pretty(run: &mut Run<'_>, value: &Value) -> Res<String> {
    let most = run.levels();
    let Ok(node) = node_of(run, value, 0, most)? else { return fail("cannot marshal type: complex128") };
    let mut yaml = flux_yaml::emit_v3(&node, &EmitOptions { indent: 2, compact_sequences: false });
    run.charge(yaml.len())?;
    if yaml.ends_with('\n') {
        yaml.pop();
    }
    Ok(yaml)
}

fn tagged(text: impl Into<Box<str>>, tag: Tag) -> Node {
    Node::new(NodeKind::Scalar(Scalar { text: text.into(), tag, style: ScalarStyle::Plain }))
}

/// A string; those that YAML 1.1 readers would take for something else are quoted.
fn string(text: &str) -> Node {
    let style = if text.contains('\n') {
        ScalarStyle::Literal
    } else if flux_yaml::needs_quotes(text) {
        ScalarStyle::DoubleQuoted
    } else {
        ScalarStyle::Plain
    };
    Node::new(NodeKind::Scalar(Scalar { text: text.into(), tag: Tag::Str, style }))
}

fn node_of(run: &mut Run<'_>, value: &Value, depth: usize, most: usize) -> Res<Result<Node, ()>> {
    run.step()?;
    if depth > most {
        return Fail::limit(Exceeded::Depth);
    }
    if depth > 900 {
        return Ok(Err(()));
    }
    Ok(Ok(match value {
        Value::Nil => Node::null(),
        Value::Bool(value) => tagged(value.to_string(), Tag::Bool),
        Value::Int(value, crate::value::IntKind::Duration) => string(&crate::time::duration_text(*value)),
        Value::Int(value, _) => tagged(value.to_string(), Tag::Int),
        Value::Uint(value, _) => tagged(value.to_string(), Tag::Int),
        Value::Float(value) => {
            let text = if value.is_nan() {
                ".nan".to_owned()
            } else if value.is_infinite() {
                if *value > 0.0 { ".inf" } else { "-.inf" }.to_owned()
            } else {
                format_float(*value, b'g', -1)
            };
            tagged(text, Tag::Implicit)
        }
        Value::Complex(_) => return Ok(Err(())),
        Value::Str(text) => {
            run.charge(text.len().saturating_mul(2) + 128)?;
            string(&text.to_text())
        }
        Value::Bytes(bytes) => {
            sequence(bytes.as_bytes().iter().map(|byte| tagged(byte.to_string(), Tag::Int)).collect())
        }
        Value::List(list) => {
            run.descend()?;
            let mut items = Vec::with_capacity(list.len());
            for item in list.items().iter() {
                match node_of(run, item, depth + 1, most)? {
                    Ok(item) => items.push(item),
                    Err(()) => return Ok(Err(())),
                }
            }
            sequence(items)
        }
        Value::Map(map) => {
            run.descend()?;
            let mut entries = Vec::with_capacity(map.len());
            for (key, item) in map.entries() {
                run.charge(key.len() * 2 + 256)?;
                match node_of(run, &item, depth + 1, most)? {
                    Ok(item) => entries.push((key.to_text().into_owned(), item)),
                    Err(()) => return Ok(Err(())),
                }
            }
            flux_yaml::sort_keys(&mut entries);
            mapping(entries)
        }
        Value::Time(time) => tagged(time.rfc3339_nano().unwrap_or_default(), Tag::Timestamp),
        Value::Record(record) => return record_node(run, record, depth, most),
    }))
}

/// A struct: exported fields in order, names in lower case.
fn record_node(run: &mut Run<'_>, record: &Record, depth: usize, most: usize) -> Res<Result<Node, ()>> {
    if record.ty == RecordType::Version {
        return Ok(Ok(string(&super::version_text(record))));
    }
    let mut entries = Vec::new();
    for (name, field) in record.fields.iter().filter(|(name, _)| name.starts_with(|c: char| c.is_uppercase())) {
        match node_of(run, field, depth + 1, most)? {
            Ok(field) => entries.push((name.to_lowercase(), field)),
            Err(()) => return Ok(Err(())),
        }
    }
    Ok(Ok(mapping(entries)))
}

fn sequence(items: Vec<Node>) -> Node {
    Node::new(NodeKind::Sequence(flux_yaml::Sequence { items, ..Default::default() }))
}

fn mapping(entries: Vec<(String, Node)>) -> Node {
    let entries = entries.into_iter().map(|(key, value)| (string(&key), value)).collect();
    Node::new(NodeKind::Mapping(flux_yaml::Mapping { entries, ..Default::default() }))
}
