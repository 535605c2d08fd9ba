//! Suite `cases/kstatus`: object status, identifiers and field paths of cli-utils.

use std::collections::BTreeSet;
use std::fs;

use anyhow::{Context as _, Result};
use flux_apply::ObjectId;
use flux_health::{FieldPath, Status, Step, Timestamp};
use serde_json::{Value, json};

use super::{Case, Inputs, Verdict};

/// Tests of the Go program's inside: its caches, informers, comparison helpers and kubectl structures.
const INTERNAL: &[&str] = &[
    "TestSync",
    "TestSync_Errors",
    "TestCollectorEventProcessing",
    "TestStatusPollerRunner",
    "TestDeepEqual",
    "TestLookupResource",
    "TestStatusForGeneratedResources",
    "TestReadStatus",
    "TestGenericStatusReader",
    "TestPodControllerStatusReader",
    "TestDefaultStatusWatcher",
    "TestResourceNotFoundError",
    "TestInvalidAnnotationErrorString",
    "TestUnstructuredToInfo",
    "TestLookupResourceScope",
    "TestUnstructuredSetEquals",
];

pub fn load(inputs: &Inputs) -> Result<Vec<Case>> {
    let path = inputs.dir.join("cases.jsonl");
    let text = fs::read_to_string(&path).with_context(|| format!("read {}", path.display()))?;
    text.lines().filter(|line| !line.trim().is_empty()).map(case).collect()
}

fn case(line: &str) -> Result<Case> {
    let row: Value = serde_json::from_str(line)?;
    let id = row["id"].as_str().context("a case has an id")?.to_owned();
    let test = id.split('/').rev().nth(1).unwrap_or_default().to_owned();
    let file = id.split('/').rev().nth(2).unwrap_or_default().to_owned();
    let fields = row["case"].clone();
    Ok(Case::new(id, move || match (file.as_str(), test.as_str()) {
        (_, test) if INTERNAL.contains(&test) => Verdict::Skip("tests the Go program's inside".into()),
        ("status_compute_test.go", _) => compute(&fields),
        (_, "TestAugmentConditions") => augment(&fields),
        (_, "TestAggregator") => aggregate(&fields),
        (_, "TestFieldPath") => field_path(&fields),
        (_, "TestObjMetadataSetEquals") => {
            let equal = set(&fields["setA"]) == set(&fields["setB"]);
            Verdict::same(&fields["isEqual"].as_bool().unwrap_or(false), &equal)
        }
        (_, "TestObjMetadataSetUnion") => {
            let union: BTreeSet<_> = set(&fields["setA"]).union(&set(&fields["setB"])).cloned().collect();
            Verdict::same(&set(&fields["expected"]), &union)
        }
        (_, "TestObjMetadataSetDiff") => {
            let rest: BTreeSet<_> = set(&fields["setA"]).difference(&set(&fields["setB"])).cloned().collect();
            Verdict::same(&set(&fields["expected"]), &rest)
        }
        (_, "TestObjMetadataSetHash") => {
            let texts: Vec<String> =
                fields["objs"].as_array().into_iter().flatten().map(|id| object_id(id).to_string()).collect();
            let hash = flux_health::set_hash(texts.iter().map(String::as_str));
            Verdict::same(&fields["expected"].as_str().unwrap_or_default(), &hash.as_str())
        }
        (_, "TestParseObjMetadata") => parse_id(&fields),
        (_, "TestUnstructuredToObjMeta") => {
            with_object(&fields["obj"], |object| Verdict::same(&object_id(&fields["expected"]), &ObjectId::of(object)))
        }
        (_, "TestIsKindNamespace") => with_object(&fields["obj"], |object| {
            Verdict::same(&fields["isKindNamespace"].as_bool().unwrap_or(false), &flux_health::is_namespace(object))
        }),
        (_, "TestIsCRD") => with_object(&fields["obj"], |object| {
            let found = flux_health::is_custom_resource_definition(object);
            Verdict::same(&fields["isCRD"].as_bool().unwrap_or(false), &found)
        }),
        (_, "TestGetCRDGroupKind") => with_object(&fields["obj"], |object| {
            let found = flux_health::is_custom_resource_definition(object);
            let text = |name: &str| object.pointer(name).and_then(Value::as_str).unwrap_or_default().to_owned();
            let group_kind =
                if found { format!("{}.{}", text("/spec/names/kind"), text("/spec/group")) } else { String::new() };
            let wanted = (fields["isCRD"].as_bool().unwrap_or(false), fields["groupKind"].as_str().unwrap_or_default());
            Verdict::same(&wanted, &(found, group_kind.as_str()))
        }),
        (_, "TestIsNamespaced") => with_object(&fields["obj"], |object| {
            let found = object.pointer("/metadata/namespace").is_some_and(|namespace| namespace != "");
            Verdict::same(&fields["isNamespaced"].as_bool().unwrap_or(false), &found)
        }),
        (_, other) => Verdict::Fail(format!("no way to run test `{other}`")),
    }))
}

/// The text of a manifest; the only run-time value in one is the current time.
fn manifest(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Object(_) => {
            let now = Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
            Some(value["$sprintf"].as_str()?.replace("%s", &now))
        }
        _ => None,
    }
}

fn read(value: &Value) -> Result<Value, Verdict> {
    let text = manifest(value).ok_or_else(|| Verdict::Fail("the case has no manifest".into()))?;
    flux_yaml::yaml_to_json(&text).map_err(|error| Verdict::Fail(error.to_string()))
}

/// An object given as a call of a test helper on YAML text.
fn with_object(value: &Value, run: impl Fn(&Value) -> Verdict) -> Verdict {
    match read(&value["args"][1]) {
        Ok(object) => run(&object),
        Err(verdict) => verdict,
    }
}

fn wanted_conditions(fields: &Value) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let all = fields["expectedConditions"].as_array().into_iter().flatten();
    all.map(|condition| (text(&condition["Type"]), text(&condition["Reason"]))).collect()
}

fn compute(fields: &Value) -> Verdict {
    let object = match read(&fields["spec"]) {
        Ok(object) => object,
        Err(verdict) => return verdict,
    };
    let expects_error = fields["expectedError"].is_object() || fields["expectedError"].as_bool() == Some(true);
    let health = match flux_health::compute(&object, Timestamp::now()) {
        Ok(health) => health,
        Err(_) if expects_error => return Verdict::Pass,
        Err(error) => return Verdict::Fail(format!("unexpected error: {error}")),
    };
    let got: Vec<(String, String)> = health
        .conditions
        .iter()
        .map(|condition| (condition.kind.as_str().to_owned(), condition.reason.clone()))
        .collect();
    let wanted = (fields["expectedStatus"].as_str().unwrap_or_default(), wanted_conditions(fields));
    Verdict::same(&wanted, &(health.status.as_str(), got))
}

fn augment(fields: &Value) -> Verdict {
    let mut object = match read(&fields["manifest"]) {
        Ok(object) => object,
        Err(verdict) => return verdict,
    };
    let given = fields["withConditions"].as_array().filter(|given| !given.is_empty());
    if let Some(given) = given {
        object["status"]["conditions"] = given.iter().map(plain_condition).collect();
    }
    if let Err(error) = flux_health::augment(&mut object, Timestamp::now()) {
        return Verdict::Fail(format!("unexpected error: {error}"));
    }
    let found = object.pointer("/status/conditions").and_then(Value::as_array).cloned().unwrap_or_default();
    let lacking = wanted_conditions(fields).into_iter().find(|(kind, reason)| {
        !found.iter().any(|condition| condition["type"] == **kind && condition["reason"] == **reason)
    });
    match lacking {
        Some(lacking) => Verdict::Fail(format!("expected the condition {lacking:?}, got {found:?}")),
        None => Verdict::Pass,
    }
}

fn plain_condition(condition: &Value) -> Value {
    let mut plain = condition.clone();
    for (_, value) in plain.as_object_mut().into_iter().flatten() {
        match value["$call"].as_str() {
            Some("ConditionReconciling.String") => *value = json!("Reconciling"),
            Some("ConditionStalled.String") => *value = json!("Stalled"),
            Some(_) => *value = json!("2026-01-01T00:00:00Z"),
            None => {}
        }
    }
    plain
}

fn status(text: &Value) -> Status {
    serde_json::from_value(text.clone()).unwrap_or(Status::Unknown)
}

fn aggregate(fields: &Value) -> Verdict {
    let all = fields["resourceStatuses"].as_array().into_iter().flatten().map(|entry| status(&entry["Status"]));
    Verdict::same(&status(&fields["aggregateStatus"]), &flux_health::aggregate(all, status(&fields["desiredStatus"])))
}

fn field_path(fields: &Value) -> Verdict {
    let mut steps = Vec::new();
    for step in fields["fieldPath"].as_array().into_iter().flatten() {
        match step {
            Value::String(key) => steps.push(Step::Key(key.clone())),
            Value::Number(number) if number.is_i64() => steps.push(Step::Index(number.as_i64().unwrap_or_default())),
            other => return Verdict::Skip(format!("a path step of a Go type that paths cannot have: {other}")),
        }
    }
    let text = FieldPath(steps).to_string();
    Verdict::same(&fields["expected"].as_str().unwrap_or_default(), &text.as_str())
}

fn object_id(value: &Value) -> ObjectId {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    ObjectId {
        namespace: text(&value["Namespace"]),
        name: text(&value["Name"]),
        group: text(&value["GroupKind"]["Group"]),
        kind: text(&value["GroupKind"]["Kind"]),
    }
}

fn set(value: &Value) -> BTreeSet<ObjectId> {
    value.as_array().into_iter().flatten().map(object_id).collect()
}

fn parse_id(fields: &Value) -> Verdict {
    let got = fields["invStr"].as_str().unwrap_or_default().parse::<ObjectId>();
    match (fields["isError"].as_bool().unwrap_or(false), got) {
        (true, Err(_)) => Verdict::Pass,
        (false, Ok(id)) => Verdict::same(&object_id(&fields["inventory"]), &id),
        (wanted, got) => Verdict::Fail(format!("expected an error: {wanted}, got {got:?}")),
    }
}
