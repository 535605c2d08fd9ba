//! Tables, as `kubectl get` prints them.

use serde_json::{Value, json};

use crate::resources::Resource;

/// Whether column definitions are sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Headers {
    WithHeaders,
    Without,
}

/// A Table of objects.
pub(crate) fn table(resource: &Resource, items: &[Value], version: &str, meta: Value, headers: Headers) -> Value {
    let columns: Vec<Value> = match headers {
        Headers::Without => Vec::new(),
        Headers::WithHeaders => resource.columns.iter().map(|column| json!({"name": column.name, "type": column.kind, "format": column.format, "description": column.description, "priority": column.priority})).collect(),
    };
    let rows: Vec<Value> = items
        .iter()
        .map(|item| json!({"cells": [item["metadata"]["name"]], "object": crate::rest::partial(item, false)}))
        .collect();
    json!({"kind": "Table", "apiVersion": version, "metadata": meta, "columnDefinitions": columns, "rows": rows})
}
