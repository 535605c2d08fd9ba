//! `typed.jsonl`: operations on one or two values.

use flux_merge::fieldpath::Set;
use flux_merge::typed::{Duplicates, Typed, reconcile};
use flux_schema::TypeRef;
use serde_json::Value;

use super::{Schemas, Verdict, document, same_set, same_value, type_of, verdict};

type Check = Result<(), String>;

pub fn run(row: &Value, schemas: &Schemas) -> Verdict {
    let schema = row.get("schema").and_then(Value::as_str);
    let of = match type_of(schemas, schema, row["type"].as_str().unwrap_or_default()) {
        Ok(of) => of,
        Err(why) => return Verdict::Fail(why),
    };
    verdict(match row["kind"].as_str().unwrap_or_default() {
        "validate" => validate(row, &of),
        "merge" => merge(row, &of),
        "compare" => compare(row, &of),
        "to_field_set" => to_field_set(row, &of),
        "remove_extract" => remove_extract(row, &of),
        "extract_with_keys" => extract_with_keys(row, &of),
        "reversible_extract" => reversible_extract(row, &of),
        "reconcile_schema" => reconcile_schema(row, &of),
        other => Err(format!("unknown kind {other}")),
    })
}

fn value(row: &Value, key: &str) -> Result<Value, String> {
    match row.get(key) {
        Some(Value::String(text)) => document(text).map_err(|error| format!("{key}: {error}")),
        Some(other) => Ok(other.clone()),
        None => Ok(Value::Null),
    }
}

fn typed(row: &Value, key: &str, of: &TypeRef, duplicates: Duplicates) -> Result<Typed<'static>, String> {
    Typed::owned(value(row, key)?, of.clone(), duplicates).map_err(|error| format!("{key}: {error}"))
}

fn set(row: &Value, key: &str) -> Result<Set, String> {
    Set::from_value(&row[key]).map_err(|error| format!("{key}: {error}"))
}

fn validate(row: &Value, of: &TypeRef) -> Check {
    let wanted = row["want"].as_str().unwrap_or_default();
    // A document that cannot be read is not valid either.
    let fits =
        |duplicates| value(row, "object").is_ok_and(|object| Typed::new(&object, of.clone(), duplicates).is_ok());
    let got = match (fits(Duplicates::Refused), fits(Duplicates::Allowed)) {
        (true, true) => "valid",
        (false, true) => "invalid-unless-duplicates-allowed",
        _ => "invalid",
    };
    if wanted == got { Ok(()) } else { Err(format!("expected {wanted}, got {got}")) }
}

fn merge(row: &Value, of: &TypeRef) -> Check {
    let (left, right) = (typed(row, "lhs", of, Duplicates::Allowed)?, typed(row, "rhs", of, Duplicates::Refused)?);
    let got = left.merge(&right).map_err(|error| error.to_string())?;
    same_value("merged", &value(row, "want")?, &got.value)
}

fn compare(row: &Value, of: &TypeRef) -> Check {
    let (left, right) = (typed(row, "lhs", of, Duplicates::Allowed)?, typed(row, "rhs", of, Duplicates::Allowed)?);
    let got = left.compare(&right).map_err(|error| error.to_string())?;
    same_set("added", &row["added"], &got.added)?;
    same_set("modified", &row["modified"], &got.modified)?;
    same_set("removed", &row["removed"], &got.removed)
}

fn to_field_set(row: &Value, of: &TypeRef) -> Check {
    let got = typed(row, "object", of, Duplicates::Allowed)?.to_field_set().map_err(|error| error.to_string())?;
    same_set("set", &row["want"], &got)
}

fn remove_extract(row: &Value, of: &TypeRef) -> Check {
    let (object, items) = (typed(row, "object", of, Duplicates::Refused)?, set(row, "set")?);
    if row.get("wantRemove").is_some() {
        same_value("removed", &value(row, "wantRemove")?, &object.remove(&items).value)?;
    }
    if row.get("wantExtract").is_some() {
        same_value("extracted", &value(row, "wantExtract")?, &object.extract(&items, false).value)?;
    }
    Ok(())
}

fn extract_with_keys(row: &Value, of: &TypeRef) -> Check {
    let object = typed(row, "object", of, Duplicates::Refused)?;
    same_value("extracted", &value(row, "want")?, &object.extract(&set(row, "set")?, true).value)
}

fn reversible_extract(row: &Value, of: &TypeRef) -> Check {
    let object = typed(row, "object", of, Duplicates::Refused)?;
    let partial = typed(row, "partial", of, Duplicates::Refused)?;
    let merged = object.merge(&partial).map_err(|error| error.to_string())?;
    let items = partial.to_field_set().map_err(|error| error.to_string())?.leaves();
    same_value("extracted", &partial.value, &merged.extract(&items, false).value)
}

fn reconcile_schema(row: &Value, of: &TypeRef) -> Check {
    let got = reconcile(&set(row, "oldFields")?, of).map_err(|error| error.to_string())?;
    match (row.get("want").filter(|want| !want.is_null()), got) {
        (None, None) => Ok(()),
        (Some(wanted), Some(got)) => same_set("reconciled", wanted, &got),
        (wanted, got) => Err(format!("expected {wanted:?}, got {:?}", got.map(|set| set.to_json()))),
    }
}
