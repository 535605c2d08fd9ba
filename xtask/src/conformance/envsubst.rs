//! Suite `cases/envsubst`: expansion, strict mode and parse trees.

use std::collections::BTreeMap;
use std::fs;

use anyhow::{Context as _, Result};
use flux_envsubst::{Node, eval, parse};
use serde_json::{Map, Value, json};

use super::{Case, Inputs, Verdict};

pub fn load(inputs: &Inputs) -> Result<Vec<Case>> {
    let path = inputs.dir.join("cases.jsonl");
    let text = fs::read_to_string(&path).with_context(|| format!("read {}", path.display()))?;
    text.lines().filter(|line| !line.trim().is_empty()).map(case).collect()
}

fn case(line: &str) -> Result<Case> {
    let row: Value = serde_json::from_str(line)?;
    let id = row["id"].as_str().context("a case has an id")?.to_owned();
    let fields = row["case"].as_object().context("a case has fields")?.clone();
    let strict = id.contains("Strict");
    Ok(Case::new(id, move || if fields.contains_key("Text") { tree(&fields) } else { expansion(&fields, strict) }))
}

fn text<'a>(fields: &'a Map<String, Value>, name: &str) -> &'a str {
    fields.get(name).and_then(Value::as_str).unwrap_or("")
}

fn expansion(fields: &Map<String, Value>, strict: bool) -> Verdict {
    let params: BTreeMap<String, String> = match fields.get("params") {
        Some(params) if !params.is_null() => match serde_json::from_value(params.clone()) {
            Ok(params) => params,
            Err(_) => return Verdict::Skip("params are not plain data".into()),
        },
        _ => BTreeMap::new(),
    };
    let got = eval(text(fields, "input"), &|name| params.get(name).cloned(), strict);
    let wanted = fields.get("wantErr").filter(|error| !error.is_null()).map(|error| text_of_error(error));
    match (wanted, got) {
        (None, Ok(got)) => Verdict::same_text(text(fields, "output"), &got),
        (None, Err(error)) => Verdict::Fail(format!("unexpected error: {error}")),
        (Some(wanted), Err(error)) if error.to_string().contains(&wanted) => Verdict::Pass,
        (Some(wanted), got) => Verdict::Fail(format!("expected the error {wanted:?}, got {got:?}")),
    }
}

fn text_of_error(error: &Value) -> String {
    error.get("$error").or(Some(error)).and_then(Value::as_str).unwrap_or("").to_owned()
}

/// Upstream's tree is a list of two whose second part is the list of the rest.
fn tree(fields: &Map<String, Value>) -> Verdict {
    let nodes = match parse(text(fields, "Text"), 100) {
        Ok(nodes) => nodes,
        Err(error) => return Verdict::Fail(format!("unexpected error: {error}")),
    };
    let expected = normal(fields.get("Node").unwrap_or(&Value::Null));
    Verdict::same(&expected, &normal(&list(&nodes)))
}

fn list(nodes: &[Node]) -> Value {
    match nodes {
        [] => json!({"$type": "TextNode", "Value": ""}),
        [only] => node(only),
        [first, rest @ ..] => json!({"$type": "ListNode", "Nodes": [node(first), list(rest)]}),
    }
}

fn node(node: &Node) -> Value {
    match node {
        Node::Text(text) => json!({"$type": "TextNode", "Value": text}),
        Node::Call { param, operator, args } => {
            let args: Vec<Value> = args.iter().map(self::node).collect();
            json!({"$type": "FuncNode", "Param": param, "Name": operator, "Args": args})
        }
    }
}

/// Without fields that hold a zero value: an absent field means one.
fn normal(value: &Value) -> Value {
    match value {
        Value::Object(map) => {
            let zero = |value: &Value| match value {
                Value::Null => true,
                Value::String(text) => text.is_empty(),
                Value::Array(items) => items.is_empty(),
                _ => false,
            };
            map.iter().filter(|(_, value)| !zero(value)).map(|(key, value)| (key.clone(), normal(value))).collect()
        }
        Value::Array(items) => items.iter().map(normal).collect(),
        other => other.clone(),
    }
}
