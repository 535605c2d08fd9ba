//! Part `semver`: parsing, constraints, comparing, sorting.

use std::fs;

use anyhow::{Context as _, Result};
use flux_semver::{Constraint, Version};
use serde_json::{Value as Json, json};

use super::super::{Case, Inputs, Verdict};

pub fn load(inputs: &Inputs) -> Result<Vec<Case>> {
    let folder = inputs.dir.join("semver");
    let mut cases = Vec::new();
    let versions: Vec<String> = match folder.is_dir() {
        true => serde_json::from_str(&fs::read_to_string(inputs.fixture("semver/versions.json"))?)?,
        false => Vec::new(),
    };
    for area in ["compare", "constraint", "parse", "sort"] {
        for (index, line) in super::lines(&folder.join(format!("{area}.jsonl")))?.into_iter().enumerate() {
            let versions = versions.clone();
            let name = format!("semver/{area}/{:03}", index + 1);
            cases.push(Case::new(name, move || {
                let verdict = match area {
                    "compare" => compare(&line),
                    "constraint" => constraint(&line, &versions),
                    "parse" => parse(&line),
                    _ => sort(&line),
                };
                verdict.unwrap_or_else(|error| Verdict::Fail(format!("the case cannot be run: {error:#}")))
            }));
        }
    }
    Ok(cases)
}

fn text<'j>(line: &'j Json, key: &str) -> Result<&'j str> {
    line[key].as_str().with_context(|| format!("a line has `{key}`"))
}

fn compare(line: &Json) -> Result<Verdict> {
    let (a, b) = (Version::parse(text(line, "a")?)?, Version::parse(text(line, "b")?)?);
    let actual = json!({"result": a.cmp(&b) as i8, "equal": a == b});
    Ok(Verdict::same(&json!({"result": line["result"], "equal": line["equal"]}), &actual))
}

fn parse(line: &Json) -> Result<Verdict> {
    let input = text(line, "input")?;
    let mut actual = json!({"kind": "parse", "input": input, "error": null});
    match Version::parse(input) {
        Ok(version) => {
            actual["canonical"] = version.to_string().into();
            actual["original"] = version.original().into();
            actual["major"] = version.major.into();
            actual["minor"] = version.minor.into();
            actual["patch"] = version.patch.into();
            actual["prerelease"] = version.prerelease.as_str().into();
            actual["metadata"] = version.metadata.as_str().into();
            let next = [version.increment_major(), version.increment_minor(), version.increment_patch()];
            let next: Result<Vec<Version>, _> = next.into_iter().collect();
            match next {
                Ok(next) => {
                    for (key, next) in ["incMajor", "incMinor", "incPatch"].into_iter().zip(next) {
                        actual[key] = next.original().into();
                    }
                }
                Err(error) => actual["incPanics"] = error.to_string().into(),
            }
        }
        Err(error) => actual["error"] = error.to_string().into(),
    }
    actual["strictError"] = Version::parse_strict(input).err().map(|error| error.to_string()).into();
    Ok(Verdict::same(line, &actual))
}

fn constraint(line: &Json, versions: &[String]) -> Result<Verdict> {
    let written = text(line, "constraint")?;
    let constraint: Constraint = match written.parse() {
        Ok(constraint) => constraint,
        Err(error) => {
            return Ok(Verdict::same(&line["error"], &Json::from(flux_semver::ConstraintError::to_string(&error))));
        }
    };
    let parsed: Vec<Version> = versions.iter().filter_map(|version| Version::parse(version).ok()).collect();
    let matching: Vec<&Version> = parsed.iter().filter(|version| constraint.matches(version)).collect();
    let mut actual = json!({
        "kind": "constraint",
        "constraint": written,
        "error": null,
        "string": constraint.to_string(),
        "matches": matching.iter().map(|version| version.original()).collect::<Vec<_>>(),
    });
    // The highest; of equal ones the one that sorting leaves last.
    if let Some(latest) = line.get("latest") {
        let highest = matching.iter().max().map(|version| (*version).clone());
        let recorded = latest.as_str().and_then(|latest| Version::parse(latest).ok());
        let same = highest == recorded;
        actual["latest"] = if same { latest.clone() } else { highest.map(|highest| highest.to_string()).into() };
    } else if let Some(highest) = matching.iter().max() {
        actual["latest"] = highest.original().into();
    }
    if let Some(reasons) = line["someReasons"].as_object() {
        let mut own = serde_json::Map::new();
        for version in reasons.keys() {
            let told = match constraint.validate(&Version::parse(version)?) {
                Ok(()) => Vec::new(),
                Err(reasons) => reasons.iter().map(ToString::to_string).collect(),
            };
            own.insert(version.clone(), told.into());
        }
        actual["someReasons"] = own.into();
    }
    Ok(Verdict::same(line, &actual))
}

fn sort(line: &Json) -> Result<Verdict> {
    let texts: Vec<String> = serde_json::from_value(line["input"].clone())?;
    let mut versions = texts.iter().map(|text| Version::parse(text)).collect::<Result<Vec<_>, _>>()?;
    versions.sort();
    let expected: Vec<String> = serde_json::from_value(line["sorted"].clone())?;
    let expected = expected.iter().map(|text| Version::parse(text)).collect::<Result<Vec<_>, _>>()?;
    let shown = |versions: &[Version]| versions.iter().map(ToString::to_string).collect::<Vec<_>>();
    // Versions that differ in metadata alone are equal; their order is not compared.
    if expected == versions { Ok(Verdict::Pass) } else { Ok(Verdict::same(&shown(&expected), &shown(&versions))) }
}
