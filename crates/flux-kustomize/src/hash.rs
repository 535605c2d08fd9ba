//! The hash in the names of generated objects.

use flux_yaml::{Node, Schema};
use serde_json::{Map, Value};
use sha2::{Digest as _, Sha256};

use crate::error::Error;
use crate::go::print::json_text;
use crate::node::{Shape, raw, shape};
use crate::resource::Resource;

/// The hash over what makes a generated object what it is.
pub(crate) fn hash(resource: &Resource) -> Result<String, Error> {
    let kind = resource.kind();
    let value = match kind {
        "ConfigMap" => content(resource, &[("data", true), ("binaryData", false)])?,
        "Secret" => content(resource, &[("type", true), ("data", true), ("stringData", false)])?,
        _ => flux_yaml::to_json(&resource.node, Schema::V3)?,
    };
    Ok(encode(&json_text(&value)))
}

/// Kind and the fields given; `true` for those that count even when absent.
fn content(resource: &Resource, fields: &[(&str, bool)]) -> Result<Value, Error> {
    let mut map = Map::new();
    map.insert("kind".into(), resource.kind().into());
    // Upstream looks for a field called `metadata/name`, which no object has.
    map.insert("name".into(), "".into());
    for (field, always) in fields {
        let value = match resource.node.get(field) {
            None => Value::from(""),
            Some(node) => field_value(node)?,
        };
        if *always || value.is_object() {
            map.insert((*field).into(), value);
        }
    }
    Ok(Value::Object(map))
}

fn field_value(node: &Node) -> Result<Value, Error> {
    match shape(node) {
        Shape::Scalar => Ok(raw(node).into()),
        _ => Ok(flux_yaml::to_json(node, Schema::V3)?),
    }
}

/// The first ten hex digits of a SHA-256, with those that could make words exchanged.
fn encode(text: &str) -> String {
    let digest = Sha256::digest(text.as_bytes());
    let hex: String = digest.iter().take(5).map(|byte| format!("{byte:02x}")).collect();
    hex.chars()
        .map(|c| match c {
            '0' => 'g',
            '1' => 'h',
            '3' => 'k',
            'a' => 'm',
            'e' => 't',
            other => other,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hashes_are_upstream_s() {
        let check = |text: &str, expected: &str| {
            let node = flux_yaml::parse_one(text, &flux_yaml::ParseOptions::default()).unwrap().unwrap();
            assert_eq!(hash(&Resource::new(node)).unwrap(), expected);
        };
        check("apiVersion: v1\nkind: ConfigMap", "6ct58987ht");
        check("apiVersion: v1\nkind: ConfigMap\ndata:\n  one: \"\"", "9g67k2htb6");
        check("apiVersion: v1\nkind: Secret\ntype: my-type", "5gmgkf8578");
    }
}
