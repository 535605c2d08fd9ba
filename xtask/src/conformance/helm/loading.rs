//! Part `loading`: chart metadata, `.helmignore` and archives (`loading/`).

use std::fs;
use std::path::Path;

use anyhow::Result;
use flux_archive::helmignore::HelmIgnore;
use flux_helm::chart::{Chart, Limits, ensure_archive};
use serde_json::{Value, json};

use super::super::{Case, Inputs, Verdict};
use super::charts::{Setting, template};
use super::lines;
use super::values::{chart_files, outcome, text};

pub fn load(inputs: &Inputs) -> Result<Vec<Case>> {
    let dir = inputs.dir.join("loading");
    let mut cases = Vec::new();
    for line in lines(&dir.join("chart-yaml.jsonl"))? {
        cases.push(Case::new(format!("loading/chart-yaml/{}", text(&line, "id")), move || chart_yaml(&line)));
    }
    for line in lines(&dir.join("helmignore.jsonl"))? {
        cases.push(Case::new(format!("loading/helmignore/{}", text(&line, "id")), move || helmignore(&line)));
    }
    let archives = dir.join("archives");
    for line in lines(&archives.join("expected.jsonl"))? {
        let dir = archives.clone();
        cases.push(Case::new(format!("loading/archives/{}", text(&line, "archive")), move || archive(&dir, &line)));
    }
    Ok(cases)
}

fn chart_yaml(line: &Value) -> Verdict {
    let chart = Chart::from_files(chart_files(&line["files"]), &Limits::default());
    let found = chart.map_err(|error| error.to_string()).map(|chart| {
        let names = |names: Vec<String>| if names.is_empty() { Value::Null } else { json!(names) };
        let files = |files: &[flux_helm::chart::File]| names(files.iter().map(|file| file.name.clone()).collect());
        let mut dependencies: Vec<String> = chart.dependencies.iter().map(|chart| chart.name().to_owned()).collect();
        dependencies.sort();
        json!({
            "metadata": chart.metadata.to_yaml().unwrap_or_default(),
            "templates": files(&chart.templates),
            "files": files(&chart.files),
            "crds": names(chart.crds().iter().map(|crd| crd.filename.clone()).collect()),
            "dependencies": names(dependencies),
        })
    });
    let expected = json!({
        "metadata": line["metadataYaml"], "templates": line["templates_"], "files": line["files_"],
        "crds": line["crds_"], "dependencies": line["dependencies_"],
    });
    outcome(line, found, &expected)
}

fn helmignore(line: &Value) -> Verdict {
    let rules = HelmIgnore::parse(&format!("{}\ntemplates/.?*\n", text(line, "rules")));
    let rules = match (line["error"].as_str(), rules) {
        (None, Ok(rules)) => rules,
        (Some(error), Err(found)) => return Verdict::same_text(error, &found.to_string()),
        (expected, found) => return Verdict::Fail(format!("expected {expected:?}, got {found:?}")),
    };
    for (path, ignored) in line["ignored"].as_object().into_iter().flatten() {
        let (name, is_dir) = path.strip_suffix('/').map_or((path.as_str(), false), |name| (name, true));
        if rules.ignores(name, is_dir) != *ignored {
            return Verdict::Fail(format!("`{path}`: expected {ignored}"));
        }
    }
    Verdict::Pass
}

fn archive(dir: &Path, line: &Value) -> Verdict {
    let name = text(line, "archive");
    let Ok(bytes) = fs::read(dir.join(name)) else { return Verdict::Fail("cannot read the archive".into()) };
    // Recorded with Helm 4.2, which bounds single files.
    let loaded = ensure_archive(name, &bytes).map_err(|error| error.to_string());
    let loaded =
        loaded.and_then(|()| Chart::from_archive(&bytes, &Limits::HELM_4_2).map_err(|error| error.to_string()));
    let chart = match (line["showError"].as_str(), loaded) {
        (Some(error), Err(found)) => return Verdict::same_text(error, &format!("Error: {found}")),
        (None, Ok(chart)) => chart,
        (expected, found) => {
            return Verdict::Fail(format!(
                "expected {expected:?}, got {:?}",
                found.map(|chart| chart.name().to_owned())
            ));
        }
    };
    let shown = chart.metadata.to_yaml().unwrap_or_default() + "\n";
    if let failed @ Verdict::Fail(_) = Verdict::same_text(text(line, "show"), &shown) {
        return failed;
    }
    let setting = Setting { release: "rel", namespace: "default", kube_version: "1.34.0", ..Setting::default() };
    match (template(&chart, &setting), line["templateError"].as_str()) {
        (Err(found), Some(error)) => Verdict::same_text(error, &found),
        (Ok(found), None) => without_blanks(text(line, "template"), &found),
        (found, expected) => Verdict::Fail(format!("expected {expected:?}, got {found:?}")),
    }
}

/// Blank lines differ between the versions of Helm.
fn without_blanks(expected: &str, found: &str) -> Verdict {
    let kept = |text: &str| text.lines().filter(|line| !line.is_empty()).collect::<Vec<_>>().join("\n");
    Verdict::same_text(&kept(expected), &kept(found))
}
