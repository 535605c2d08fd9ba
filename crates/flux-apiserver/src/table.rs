//! Tables, as `kubectl get` prints them.

mod cells;
mod jsonpath;
mod pods;
mod workloads;

use std::collections::HashMap;
use std::io::Read as _;
use std::sync::LazyLock;

use serde_json::{Map, Value, json};

use crate::object::{meta_text, name};
use crate::resources::{Column, Resource};
use crate::rest::partial_of;

/// Whether column definitions are sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Headers {
    WithHeaders,
    Without,
}

/// How much of each object a row carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Include {
    None,
    Metadata,
    Object,
}

impl Include {
    /// Reads `includeObject`.
    pub fn read(text: &str) -> Self {
        match text {
            "None" => Self::None,
            "Object" => Self::Object,
            _ => Self::Metadata,
        }
    }
}

/// The texts that describe columns of built-in kinds, by `GROUP/KIND`.
static DESCRIPTIONS: LazyLock<HashMap<String, Vec<String>>> = LazyLock::new(|| {
    let packed: &[u8] = include_bytes!("../data/columns.json.gz");
    let mut text = String::new();
    flate2::read::GzDecoder::new(packed).read_to_string(&mut text).expect("the embedded table is whole");
    serde_json::from_str(&text).expect("the embedded table is well-formed")
});

fn name_description() -> &'static str {
    DESCRIPTIONS.get("/ConfigMap").and_then(|list| list.first()).map_or("", String::as_str)
}

/// A Table of objects.
pub(crate) fn table(
    resource: &Resource,
    items: &[Value],
    version: &str,
    meta: Value,
    headers: Headers,
    include: Include,
) -> Value {
    let rows: Vec<Value> = items.iter().map(|item| row(resource, item, version, include)).collect();
    let columns = match headers {
        Headers::Without => Value::Null,
        Headers::WithHeaders => definitions(resource),
    };
    json!({"kind": "Table", "apiVersion": version, "metadata": meta, "columnDefinitions": columns, "rows": rows})
}

/// A Table of a scale, which is nobody's resource.
pub(crate) fn scale(scale: &Value, version: &str, include: Include) -> Value {
    let created = DESCRIPTIONS.get("/LimitRange").and_then(|list| list.get(1)).map_or("", String::as_str);
    let column = |name: &str, kind: &str, format: &str, description: &str| json!({"name": name, "type": kind, "format": format, "description": description, "priority": 0});
    let replicas = |pointer: &str| scale.pointer(pointer).cloned().unwrap_or_else(|| 0.into());
    let object = match include {
        Include::None => Value::Null,
        Include::Metadata => crate::rest::partial(scale, version.ends_with("v1beta1")),
        Include::Object => scale.clone(),
    };
    let cells = json!([name(scale), replicas("/spec/replicas"), replicas("/status/replicas"), cells::age(scale)]);
    json!({
        "kind": "Table", "apiVersion": version, "metadata": {"resourceVersion": meta_text(scale, "resourceVersion")},
        "columnDefinitions": [
            column("Name", "string", "name", name_description()),
            column("Desired", "integer", "", "replicas is the desired number of instances for the scaled object."),
            column("Available", "integer", "", "replicas is the actual number of observed instances of the scaled object."),
            column("Age", "string", "", created),
        ],
        "rows": [{"cells": cells, "object": object}],
    })
}

fn definitions(resource: &Resource) -> Value {
    let described = DESCRIPTIONS.get(&format!("{}/{}", resource.group, resource.kind));
    let columns = resource.columns.iter().enumerate().map(|(index, column)| {
        let description = match described.filter(|_| resource.custom().is_none()) {
            Some(list) => list.get(index).cloned().unwrap_or_default(),
            None => custom_description(column, index),
        };
        json!({"name": column.name, "type": column.kind, "format": column.format, "description": description, "priority": column.priority})
    });
    columns.collect()
}

fn custom_description(column: &Column, index: usize) -> String {
    if index == 0 {
        name_description().to_owned()
    } else if column.description.is_empty() && column.implied {
        DESCRIPTIONS.get("/LimitRange").and_then(|list| list.get(1)).cloned().unwrap_or_default()
    } else if column.description.is_empty() {
        format!("Custom resource definition column (in JSONPath format): {}", column.path)
    } else {
        column.description.clone()
    }
}

fn row(resource: &Resource, item: &Value, version: &str, include: Include) -> Value {
    let mut row = Map::new();
    row.insert("cells".into(), Value::Array(cells_of(resource, item)));
    if let Some(conditions) = ended(resource, item) {
        row.insert("conditions".into(), conditions);
    }
    let object = match include {
        Include::None => None,
        Include::Metadata => Some(partial_of(resource, item, version.ends_with("v1beta1"))),
        Include::Object => Some(item.clone()),
    };
    row.insert("object".into(), object.unwrap_or(Value::Null));
    Value::Object(row)
}

/// Pods and jobs that ended are greyed out by clients.
fn ended(resource: &Resource, item: &Value) -> Option<Value> {
    if !resource.is("", "pods") {
        return None;
    }
    let (reason, message) = match crate::object::text_at(item, "/status/phase") {
        "Succeeded" => ("Succeeded", "The pod has completed successfully."),
        "Failed" => ("Failed", "The pod failed."),
        _ => return None,
    };
    Some(json!([{"type": "Completed", "status": "True", "reason": reason, "message": message}]))
}

fn cells_of(resource: &Resource, item: &Value) -> Vec<Value> {
    if resource.custom().is_some() {
        return resource.columns.iter().enumerate().map(|(index, column)| custom_cell(column, index, item)).collect();
    }
    let own = match (resource.group.as_str(), resource.plural.as_str()) {
        ("", "pods") => Some(pods::pod(item)),
        _ => workloads::cells(resource, item).or_else(|| cells::cells(resource, item)),
    };
    let mut row = own.unwrap_or_else(|| fallback(resource, item));
    // A row has as many cells as there are columns, whatever happens.
    row.resize(resource.columns.len(), Value::String(String::new()));
    row
}

/// Name and creation time, and nothing for what is not printed here.
fn fallback(resource: &Resource, item: &Value) -> Vec<Value> {
    let cells = resource.columns.iter().map(|column| match column.name.as_str() {
        "Name" => name(item).into(),
        "Created At" => meta_text(item, "creationTimestamp").into(),
        "Age" => cells::age(item),
        _ => "".into(),
    });
    cells.collect()
}

fn custom_cell(column: &Column, index: usize, item: &Value) -> Value {
    if index == 0 {
        return name(item).into();
    }
    let found = jsonpath::find(&column.path, item);
    match (column.kind.as_str(), found) {
        (_, None) => Value::Null,
        ("date", Some(value)) => cells::since(value.as_str().unwrap_or("")).into(),
        ("integer", Some(Value::Number(number))) => {
            number.as_i64().map_or_else(|| number.as_f64().map_or(Value::Null, |n| (n as i64).into()), Into::into)
        }
        ("number", Some(Value::Number(number))) => Value::Number(number),
        ("boolean", Some(Value::Bool(on))) => on.into(),
        ("string", Some(Value::String(text))) => text.into(),
        ("string", Some(other)) => jsonpath::print(&other).into(),
        _ => Value::Null,
    }
}
