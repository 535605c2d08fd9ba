//! `fieldpath.jsonl`: FieldsV1, path elements, sets.

use flux_merge::fieldpath::{PathElement, Set, parse_element};
use serde_json::Value;

use super::{Schemas, Verdict, same_set, verdict};

pub fn run(row: &Value, _: &Schemas) -> Verdict {
    let input = row["input"].as_str().unwrap_or_default();
    verdict(match row["kind"].as_str().unwrap_or_default() {
        "path_element" => spelled(row, parse_element(input).map(|found| found.map(|element| element.encode()))),
        "set_json" => spelled(row, Set::parse(input).map(|set| Some(set.to_json()))),
        "element_order" => order(row),
        "set_algebra" => algebra(row),
        other => Err(format!("unknown kind {other}")),
    })
}

/// Malformed texts must be refused; upstream's JSON reader words its errors in its own way.
fn spelled<E: std::fmt::Display>(row: &Value, got: Result<Option<String>, E>) -> Result<(), String> {
    match (row.get("canonical").and_then(Value::as_str), got) {
        (Some(wanted), Ok(Some(got))) if wanted == got => Ok(()),
        (None, Err(_)) => Ok(()),
        (wanted, Ok(got)) => Err(format!("expected {wanted:?}, got {got:?}")),
        (wanted, Err(error)) => Err(format!("expected {wanted:?}, got the error {error}")),
    }
}

fn order(row: &Value) -> Result<(), String> {
    let wanted: Vec<&str> = row["sorted"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    let read = |text: &&str| parse_element(text).ok().flatten().ok_or_else(|| format!("cannot read {text}"));
    let mut elements: Vec<PathElement> = wanted.iter().rev().map(read).collect::<Result<_, _>>()?;
    elements.sort();
    let got: Vec<String> = elements.iter().map(PathElement::encode).collect();
    if got == wanted { Ok(()) } else { Err(format!("expected {wanted:?}, got {got:?}")) }
}

fn algebra(row: &Value) -> Result<(), String> {
    let set = |key: &str| Set::from_value(&row[key]).map_err(|error| format!("{key}: {error}"));
    let (a, b) = (set("a")?, set("b")?);
    same_set("union", &row["union"], &a.union(&b))?;
    same_set("intersection", &row["intersection"], &a.intersection(&b))?;
    same_set("difference", &row["difference"], &a.difference(&b))?;
    same_set("recursiveDifference", &row["recursiveDifference"], &a.recursive_difference(&b))?;
    same_set("leavesOfA", &row["leavesOfA"], &a.leaves())?;
    let text = a.union(&b).to_json();
    same_set("round trip", &serde_json::from_str(&text).map_err(|error| error.to_string())?, &a.union(&b))?;
    match (row["equal"].as_bool(), row["sizeOfA"].as_u64()) {
        (Some(equal), Some(size)) if equal == (a == b) && size == a.len() as u64 => Ok(()),
        wanted => Err(format!("expected {wanted:?}, got {} and {}", a == b, a.len())),
    }
}
