//! Part `values`: coalescing, `--set`, schemas and digests (`values/`).

use std::collections::BTreeMap;

use anyhow::Result;
use flux_helm::chart::{Chart, File, Limits};
use flux_helm::digest::Algorithm;
use flux_helm::schema;
use flux_helm::values::{
    Reference, SetKind, Values, ValuesData, coalesce_values, compose_values, config_digest, encode_values,
    parse_set_file, parse_set_into, process_dependencies, read_values, read_values_document, replace_path_literal,
    replace_path_value,
};
use serde_json::{Map, Value, json};

use super::super::{Case, Inputs, Verdict};
use super::lines;

pub fn load(inputs: &Inputs) -> Result<Vec<Case>> {
    let dir = inputs.dir.join("values");
    let mut cases = Vec::new();
    let parts: [(&str, fn(&Value) -> Verdict); 5] =
        [("coalesce", coalesce), ("set", set), ("schema", validate), ("digest", digest), ("target-path", target_path)];
    for (name, judge) in parts {
        for line in lines(&dir.join(format!("{name}.jsonl")))? {
            cases.push(Case::new(format!("values/{name}/{}", text(&line, "id")), move || judge(&line)));
        }
    }
    let composed = lines(&dir.join("values-from.jsonl"))?;
    let objects = composed.iter().find(|line| text(line, "id") == "objects").cloned().unwrap_or_default();
    for line in composed.into_iter().filter(|line| text(line, "id") != "objects") {
        let objects = objects.clone();
        cases
            .push(Case::new(format!("values/values-from/{}", text(&line, "id")), move || values_from(&line, &objects)));
    }
    Ok(cases)
}

pub fn text<'v>(value: &'v Value, key: &str) -> &'v str {
    value[key].as_str().unwrap_or_default()
}

/// Numbers by value, as JSON from Go does not tell 1 from 1.0.
pub fn plain(value: &Value) -> Value {
    flux_helm::values::floats(value.clone())
}

pub fn outcome(line: &Value, found: Result<Value, String>, expected: &Value) -> Verdict {
    match (line["error"].as_str(), found) {
        (Some(error), Err(found)) => Verdict::same_text(error, &found),
        (Some(error), Ok(found)) => Verdict::Fail(format!("expected the error {error:?}, got {found}")),
        (None, Err(found)) => Verdict::Fail(format!("unexpected error: {found}")),
        (None, Ok(found)) => Verdict::same(&plain(expected), &plain(&found)),
    }
}

pub fn chart_files(files: &Value) -> Vec<File> {
    let files = files.as_object().into_iter().flatten();
    files.map(|(name, text)| File::new(name.as_str(), text.as_str().unwrap_or_default().as_bytes())).collect()
}

fn coalesce(line: &Value) -> Verdict {
    let run = || -> Result<Value, String> {
        let chart = Chart::from_files(chart_files(&line["files"]), &Limits::default());
        let mut chart = chart.map_err(|error| format!("load: {error}"))?;
        let user = read_values(text(line, "userValues")).map_err(|error| format!("values: {error}"))?;
        process_dependencies(&mut chart, &user).map_err(|error| format!("deps: {error}"))?;
        let values = coalesce_values(&chart, &user).map_err(|error| format!("values: {error}"))?;
        schema::validate_chart(&chart, &values).map_err(|error| {
            format!("values: values don't meet the specifications of the schema(s) in the following chart(s):\n{error}")
        })?;
        let mut found = Map::new();
        by_chart(&chart, chart.name(), values, &mut found);
        Ok(Value::Object(found))
    };
    outcome(line, run(), &line["valuesByChart"])
}

fn by_chart(chart: &Chart, path: &str, values: Values, found: &mut Map<String, Value>) {
    for subchart in &chart.dependencies {
        let inner = values.get(subchart.name()).and_then(Value::as_object).cloned().unwrap_or_default();
        by_chart(subchart, &format!("{path}/charts/{}", subchart.name()), inner, found);
    }
    // A library has no templates that could show its values.
    if !chart.metadata.is_library() {
        found.insert(path.to_owned(), Value::Object(values));
    }
}

fn set(line: &Value) -> Verdict {
    let input = text(line, "input");
    let mut values = match plain(&line["base"]) {
        Value::Object(map) => map,
        _ => Values::new(),
    };
    let outcome_of = |values: Values, done: Result<(), flux_helm::values::SetError>| {
        done.map(|()| Value::Object(values)).map_err(|error| error.to_string())
    };
    let found = match text(line, "kind") {
        "set-file" => {
            let done = parse_set_file(&mut values, input, |name| {
                Ok(if name.is_empty() { String::new() } else { format!("<contents of {name}>") })
            });
            outcome_of(values, done)
        }
        kind => {
            let parsed = match kind {
                "set-string" => SetKind::Text,
                "set-json" => SetKind::Json,
                "set-literal" => SetKind::Literal,
                _ => SetKind::Typed,
            };
            let done = parse_set_into(&mut values, input, parsed);
            outcome_of(values, done)
        }
    };
    let found = if text(line, "kind") == "to-yaml" {
        found.map(|values| json!({"yaml": flux_yaml::marshal_v2(&values).unwrap_or_default().trim_end_matches('\n')}))
    } else {
        found
    };
    if let (Ok(found), None) = (&found, line["base"].as_object()) {
        let mut kinds = BTreeMap::new();
        go_types(found, String::new(), &mut kinds);
        let expected: BTreeMap<String, String> = line["goTypes"]
            .as_object()
            .into_iter()
            .flatten()
            .map(|(key, kind)| (key.clone(), kind.as_str().unwrap_or_default().to_owned()))
            .collect();
        if kinds.len() == expected.len() && kinds.values().collect::<Vec<_>>() != expected.values().collect::<Vec<_>>()
        {
            return Verdict::Fail(format!("expected the kinds {expected:?}, got {kinds:?}"));
        }
    }
    outcome(line, found, &line["result"])
}

fn go_types(value: &Value, at: String, found: &mut BTreeMap<String, String>) {
    let kind = match value {
        Value::Object(map) => return map.iter().for_each(|(key, value)| go_types(value, format!("{at}/{key}"), found)),
        Value::Array(items) => {
            return items.iter().enumerate().for_each(|(index, value)| go_types(value, format!("{at}/{index}"), found));
        }
        Value::Null => "<nil>",
        Value::Bool(_) => "bool",
        Value::Number(number) if number.is_f64() => "float64",
        Value::Number(_) => "int64",
        Value::String(_) => "string",
    };
    found.insert(at, kind.to_owned());
}

fn validate(line: &Value) -> Verdict {
    let values = match read_values(text(line, "values")) {
        Ok(values) => Value::Object(values),
        Err(error) => return Verdict::Fail(error.to_string()),
    };
    let found = schema::validate(text(line, "schema").as_bytes(), &values).map(|()| Value::Null);
    // Violations of one schema come in any order.
    let sorted = |text: &str| {
        let mut lines: Vec<&str> = text.lines().collect();
        lines.sort_unstable();
        lines.join("\n")
    };
    match (line["error"].as_str(), found) {
        (Some(error), Err(found)) => Verdict::same_text(&sorted(error), &sorted(&found)),
        (None, Ok(_)) => Verdict::Pass,
        (expected, found) => Verdict::Fail(format!("expected {expected:?}, got {found:?}")),
    }
}

fn digest(line: &Value) -> Verdict {
    let values = match read_values_document(text(line, "valuesYaml")) {
        Ok(values) => values,
        Err(error) => return Verdict::Fail(error.to_string()),
    };
    let encoded = if values.is_empty() { String::new() } else { encode_values(&values) };
    match Verdict::same_text(text(line, "encoded"), &encoded) {
        Verdict::Pass => Verdict::same(&text(line, "digest").to_owned(), &config_digest(Algorithm::default(), &values)),
        failed => failed,
    }
}

fn target_path(line: &Value) -> Verdict {
    let Value::Object(mut values) = plain(&line["base"]) else { return Verdict::Fail("no base".into()) };
    let (path, value) = (text(line, "targetPath"), text(line, "value"));
    let set = if line["literal"] == true { replace_path_literal } else { replace_path_value };
    let done = set(&mut values, path, value);
    outcome(line, done.map(|()| Value::Object(values)).map_err(|error| error.to_string()), &line["result"])
}

fn values_from(line: &Value, objects: &Value) -> Verdict {
    let inline = match read_values_document(text(line, "values")) {
        Ok(values) => values,
        Err(error) => return Verdict::Fail(error.to_string()),
    };
    let references = line["valuesFrom"].as_array().into_iter().flatten().map(|reference| Reference {
        kind: text(reference, "kind").to_owned(),
        name: text(reference, "name").to_owned(),
        values_key: text(reference, "valuesKey").to_owned(),
        target_path: text(reference, "targetPath").to_owned(),
        optional: reference["optional"] == true,
        literal: reference["literal"] == true,
    });
    let references: Vec<Reference> = references.collect();
    let mut fetch = |kind: &str, name: &str| -> Result<Option<ValuesData>, String> {
        let set = if kind == "Secret" { "secrets" } else { "configMaps" };
        let data = objects[set][name].as_object();
        Ok(data.map(|data| {
            data.iter()
                .map(|(key, text)| (key.clone(), text.as_str().unwrap_or_default().as_bytes().to_vec()))
                .collect()
        }))
    };
    let found = compose_values("ns", &inline, &references, &mut fetch);
    if let (Some(digest), Ok(values)) = (line["digest"].as_str(), &found)
        && digest != config_digest(Algorithm::default(), values)
    {
        return Verdict::Fail(format!("another digest, of {values:?}"));
    }
    outcome(line, found.map(Value::Object).map_err(|error| error.to_string()), &line["result"])
}
