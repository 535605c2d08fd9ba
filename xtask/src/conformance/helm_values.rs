//! Suite `cases/helm-values`: digests of values, references to them, and paths into them.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result};
use flux_api::HelmRelease;
use flux_helm::digest::Algorithm;
use flux_helm::values::{
    ValuesData, compose_values, config_digest, encode_values, floats, read_values_document, replace_path_literal,
    replace_path_value, verify_config_digest,
};
use flux_helm_controller::values;
use serde_json::{Value, json};

use super::helm_cluster::Cluster;
use super::table::{self, Row, call, go_to_json};
use super::{Case, Inputs, Verdict};

const CONSTRUCTORS: &[&str] = &["mockConfigMap", "mockSecret"];

pub fn load(inputs: &Inputs) -> Result<Vec<Case>> {
    table::load(inputs, |row| judge(row).unwrap_or_else(|error| Verdict::Fail(format!("{error:#}"))))
}

fn judge(row: &Row) -> Result<Verdict> {
    if row.test == "TestEncode" {
        return Ok(encoded(row));
    }
    if let Some(skip) = row.marked(CONSTRUCTORS) {
        return Ok(skip);
    }
    let fields = &row.fields;
    Ok(match row.test.as_str() {
        "TestDigestValues" => {
            let algorithm: Algorithm = row.text("algo").parse()?;
            Verdict::same_text(row.text("want"), &config_digest(algorithm, &map(&fields["values"])))
        }
        "TestVerifyValues" => {
            Verdict::same(&row.flag("want"), &verify_config_digest(row.text("digest"), &map(&fields["values"])))
        }
        // Go sorts a list of pairs; here the encoder does, at every level.
        "TestSortMapSlice" => {
            Verdict::same_text(&encode_values(&map(&fields["want"])), &encode_values(&map(&fields["input"])))
        }
        "FuzzChartValuesFromReferences" => fuzzed(row)?,
        "TestChartValuesFromReferences" => composed(row)?,
        "TestReplacePathValue" => replaced(row, replace_path_value),
        "TestReplacePathLiteralValue" => replaced(row, replace_path_literal),
        "TestValuesReferenceValidation" => validated(row)?,
        other => Verdict::Fail(format!("no runner for {other}")),
    })
}

fn map(value: &Value) -> flux_helm::Values {
    value.as_object().cloned().unwrap_or_default()
}

/// A row may name the sorting of keys, which is what this encoder always does.
fn encoded(row: &Row) -> Verdict {
    match row.fields["want"].as_str() {
        Some(want) => Verdict::same_text(want, &encode_values(&map(&row.fields["input"]))),
        None => Verdict::Skip("run-time value in `want`".to_owned()),
    }
}

/// A release with references as Go writes them.
fn release(references: &Value, inline: &Value) -> Result<HelmRelease> {
    let references: Vec<Value> = table::list(references).iter().map(go_to_json).map(without_empty).collect();
    Ok(serde_json::from_value(json!({
        "apiVersion": HelmRelease::API_VERSION,
        "kind": "HelmRelease",
        "metadata": {"name": "test", "namespace": "default"},
        "spec": {
            "interval": "5m",
            "chart": {"spec": {"chart": "mychart", "sourceRef": {"name": "something", "kind": "HelmRepository"}}},
            "values": inline,
            "valuesFrom": references,
        },
    }))?)
}

/// Go leaves empty texts out.
fn without_empty(mut value: Value) -> Value {
    if let Some(map) = value.as_object_mut() {
        map.retain(|_, value| value.as_str() != Some(""));
    }
    value
}

type Objects = BTreeMap<(String, String), ValuesData>;

fn compose(obj: &HelmRelease, objects: &Objects) -> Result<Value, String> {
    let mut fetch = |kind: &str, name: &str| Ok(objects.get(&(kind.to_owned(), name.to_owned())).cloned());
    let composed = compose_values("default", &values::inline(obj), &values::references(obj), &mut fetch);
    composed.map(Value::Object).map_err(|error| error.to_string())
}

fn inline(text: &str) -> Result<Value> {
    Ok(Value::Object(read_values_document(text)?))
}

fn composed(row: &Row) -> Result<Verdict> {
    let objects: Objects = row.list("resources").iter().filter_map(mock).collect();
    let obj = release(&row.fields["references"], &inline(row.text("values"))?)?;
    Ok(match compose(&obj, &objects) {
        Ok(found) if !row.flag("wantErr") => Verdict::same(&floats(row.fields["want"].clone()), &floats(found)),
        result => Verdict::same(&row.flag("wantErr"), &result.is_err()),
    })
}

/// `mockConfigMap(name, data)` and `mockSecret(name, data)`.
fn mock(value: &Value) -> Option<((String, String), ValuesData)> {
    let (function, arguments) = call(value)?;
    let data = arguments.get(1).and_then(Value::as_object).cloned().unwrap_or_default();
    let data = data.into_iter().map(|(key, value)| (key, value.as_str().unwrap_or_default().into())).collect();
    Some(((function.trim_start_matches("mock").to_owned(), arguments[0].as_str()?.to_owned()), data))
}

/// Two references to objects with these data: whatever comes of it, it comes in order.
fn fuzzed(row: &Row) -> Result<Verdict> {
    let (key, path) = (row.text("valuesKey"), row.text("targetPath"));
    let reference = |kind: &str| json!({"Kind": kind, "Name": "values", "ValuesKey": key, "TargetPath": path});
    let key = if key.is_empty() { "values.yaml" } else { key };
    let mut objects = Objects::new();
    if row.flag("createObject") {
        for (kind, field) in [("ConfigMap", "configData"), ("Secret", "secretData")] {
            let data = ValuesData::from([(key.to_owned(), row.text(field).into())]);
            objects.insert((kind.to_owned(), "values".to_owned()), data);
        }
    }
    let Ok(inline) = inline(row.text("hrValues")) else { return Ok(Verdict::Pass) };
    let obj = release(&json!([reference("ConfigMap"), reference("Secret")]), &inline)?;
    Ok(match compose(&obj, &objects) {
        Err(message) if message.is_empty() => Verdict::Fail("an error without words".into()),
        _ => Verdict::Pass,
    })
}

type Replace = fn(&mut flux_helm::Values, &str, &str) -> Result<(), flux_helm::values::SetError>;

fn replaced(row: &Row, replace: Replace) -> Verdict {
    let mut values = flux_helm::Values::new();
    match replace(&mut values, row.text("path"), row.text("value")) {
        Ok(()) if !row.flag("wantErr") => {
            Verdict::same(&floats(row.fields["want"].clone()), &floats(Value::Object(values)))
        }
        result => Verdict::same(&row.flag("wantErr"), &result.is_err()),
    }
}

/// The API server holds references against the definition of the kind.
fn validated(row: &Row) -> Result<Verdict> {
    let obj = release(&row.fields["references"], &json!({}))?;
    let answer = Cluster::shared().context("cluster")?.dry_run(&obj)?;
    Ok(match answer {
        Err(message) if !row.flag("wantErr") => Verdict::Fail(message),
        answer => Verdict::same(&row.flag("wantErr"), &answer.is_err()),
    })
}
