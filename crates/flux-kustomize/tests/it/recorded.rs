//! Small random trees with the answers of kustomize 5.8.1: objects, kustomizations and YAML texts of all kinds, most of
//! them odd, many of them wrong.

use std::collections::BTreeMap;
use std::path::Path;

use flux_kustomize::{Options, RootedDir, build, clean};
use serde_json::Value;

const CASES: &str = include_str!("recorded.json");
const ROOT: &str = "{{ROOT}}";

fn answer(root: &Path) -> Result<String, String> {
    let disk = RootedDir::new("/").map_err(|error| error.to_string())?;
    let objects = build(&disk, &clean(&root.join("top")), &Options::default()).map_err(|error| error.to_string())?;
    objects.to_yaml().map_err(|error| format!("asyaml: {error}"))
}

/// Upstream prints the address of a generator.
fn without_addresses(text: &str) -> String {
    let Some((before, after)) = text.split_once("merging from generator ") else { return text.to_owned() };
    format!("{before}merging from generator {}", after.split_once(": id ").map_or(after, |(_, rest)| rest))
}

#[test]
fn answers_are_upstream_s() {
    let cases: Vec<BTreeMap<String, Value>> = serde_json::from_str(CASES).unwrap();
    assert!(cases.len() > 50);
    let mut failed = Vec::new();
    for case in &cases {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().canonicalize().unwrap();
        for (path, content) in case["files"].as_object().unwrap() {
            let place = root.join(path);
            std::fs::create_dir_all(place.parent().unwrap()).unwrap();
            std::fs::write(place, content.as_str().unwrap()).unwrap();
        }
        let shown = root.display().to_string();
        let expected = match (case.get("output"), case.get("error")) {
            (Some(output), None) => Ok(output.as_str().unwrap().replace(ROOT, &shown)),
            (_, error) => Err(without_addresses(&error.and_then(Value::as_str).unwrap().replace(ROOT, &shown))),
        };
        let found = answer(&root).map_err(|error| without_addresses(&error));
        if found != expected {
            failed.push(format!("{}: expected {expected:?}, got {found:?}", case["name"]));
        }
    }
    assert!(failed.is_empty(), "{} of {}:\n{}", failed.len(), cases.len(), failed.join("\n"));
}
