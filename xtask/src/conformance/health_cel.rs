//! Suite `cases/health-cel`: CEL expressions and the order of health expressions.

use std::fs;

use anyhow::{Context as _, Result};
use flux_cel::{CelError, Expression, Options, OutputType};
use flux_health::{Expressions, HealthChecks, StatusEvaluator};
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
    let test = id.split('/').rev().nth(1).unwrap_or_default().to_owned();
    let fields = row["case"].clone();
    Ok(Case::new(id, move || match test.as_str() {
        "TestNewExpression" => outcome(&fields, expression(&fields).map(|_| Value::Null)),
        "TestExpression_EvaluateBoolean" => evaluated(&fields, |e, data| e.evaluate_bool(data).map(Value::from)),
        "TestExpression_EvaluateString" => evaluated(&fields, |e, data| e.evaluate_string(data).map(Value::from)),
        "TestExpression_EvaluateStringSlice" => evaluated(&fields, |e, data| e.evaluate_strings(data).map(Value::from)),
        "TestExpression_Evaluate" => evaluated(&fields, Expression::evaluate),
        "TestNewStatusEvaluator" => {
            outcome(&fields, StatusEvaluator::new(&expressions(&fields["exprs"])).map(|_| Value::Null))
        }
        "TestStatusEvaluator_Evaluate" => status(&fields, &fields["obj"]),
        "TestStatusReader_Supports" => supports(&fields),
        "TestStatusReader_ReadStatus" | "TestStatusReader_ReadStatusForObject" => read_status(&fields),
        other => Verdict::Fail(format!("no way to run test `{other}`")),
    }))
}

/// The expression with the options that the case names.
fn expression(fields: &Value) -> Result<Expression, CelError> {
    let mut variables: Vec<&str> = Vec::new();
    let (mut compile, mut output) = (false, None);
    for option in fields["opts"].as_array().into_iter().flatten() {
        match option["$call"].as_str() {
            Some("cel.WithCompile") => compile = true,
            Some("cel.WithStructVariables") => {
                variables.extend(option["args"].as_array().into_iter().flatten().filter_map(Value::as_str));
            }
            Some("cel.WithOutputType") => {
                output = Some(if option["args"][0]["runtimeTypeName"] == "string" {
                    OutputType::String
                } else {
                    OutputType::Bool
                });
            }
            _ => {}
        }
    }
    let options = Options { compile, variables: &variables, output };
    Expression::new(fields["expr"].as_str().unwrap_or_default(), &options)
}

fn evaluated(fields: &Value, run: impl Fn(&Expression, &Map<String, Value>) -> Result<Value, CelError>) -> Verdict {
    let data = fields["data"].as_object().cloned().unwrap_or_default();
    outcome(fields, expression(fields).and_then(|expression| run(&expression, &data)))
}

/// Compares with `err`, a part of the text, or with `result`.
fn outcome<E: std::fmt::Display>(fields: &Value, got: Result<Value, E>) -> Verdict {
    match (fields["err"].as_str().filter(|text| !text.is_empty()), got) {
        (Some(wanted), Err(error)) if error.to_string().contains(wanted) => Verdict::Pass,
        (Some(wanted), Err(error)) => {
            Verdict::Fail(format!("expected the error {wanted:?}, got {:?}", error.to_string()))
        }
        (Some(wanted), Ok(value)) => Verdict::Fail(format!("expected the error {wanted:?}, got {value}")),
        (None, Err(error)) => Verdict::Fail(format!("unexpected error: {error}")),
        (None, Ok(Value::Null)) => Verdict::Pass,
        (None, Ok(value)) => Verdict::same(&expected(&fields["result"], &value), &value),
    }
}

/// The expectation without constructors; a missing one is the zero value.
fn expected(result: &Value, like: &Value) -> Value {
    match result {
        Value::Null => match like {
            Value::Bool(_) => json!(false),
            Value::String(_) => json!(""),
            Value::Array(_) => json!([]),
            _ => Value::Null,
        },
        Value::Array(items) => items.iter().map(|item| expected(item, &Value::Null)).collect(),
        Value::Object(call) if call.contains_key("$call") => call["args"][0].clone(),
        other => other.clone(),
    }
}

fn expressions(fields: &Value) -> Expressions {
    let text = |name: &str| fields[name].as_str().unwrap_or_default().to_owned();
    Expressions { current: text("Current"), failed: text("Failed"), in_progress: text("InProgress") }
}

fn status(fields: &Value, object: &Value) -> Verdict {
    let wanted = fields.pointer("/result/Status").or_else(|| fields.get("status")).and_then(Value::as_str);
    let got = StatusEvaluator::new(&expressions(&fields["exprs"])).and_then(|evaluator| evaluator.evaluate(object));
    match (wanted, got) {
        (Some(wanted), Ok(health)) => Verdict::same(&wanted, &health.status.as_str()),
        (_, got) => outcome(fields, got.map(|health| json!(health.status.as_str()))),
    }
}

fn supports(fields: &Value) -> Verdict {
    let text = |value: &Value, name: &str| value[name].as_str().unwrap_or_default().to_owned();
    let supported = &fields["supportedGK"];
    let any = Expressions { current: "true".into(), ..Expressions::default() };
    let version = format!("{}/v1", text(supported, "Group"));
    let kind = text(supported, "Kind");
    let checks = match HealthChecks::new([(version.as_str(), kind.as_str(), &any)]) {
        Ok(checks) => checks,
        Err(error) => return Verdict::Fail(error.to_string()),
    };
    let found = checks.find(&text(&fields["gk"], "Group"), &text(&fields["gk"], "Kind")).is_some();
    Verdict::same(&fields["result"].as_bool().unwrap_or(false), &found)
}

/// The test's object has all three fields true; as texts where the expressions compare texts.
fn read_status(fields: &Value) -> Verdict {
    let texts = fields["exprs"]["Current"].as_str().is_some_and(|text| text.contains("'true'"));
    let on = if texts { json!("true") } else { json!(true) };
    status(fields, &json!({ "data": { "current": on, "failed": on, "inProgress": on } }))
}
