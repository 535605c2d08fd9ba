//! Part `charts`: whole charts rendered (`cases/`).

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use flux_helm::chart::{Chart, Limits};
use flux_helm::values::{Values, read_values};
use flux_helm::{Capabilities, KubeVersion, ReleaseOptions, RenderError, RenderOptions, check_installable, render};
use flux_kustomize::RootedDir;
use flux_template::Offline;
use serde_json::Value;

use super::super::{Case, Inputs, Verdict};
use super::values::text;

pub fn load(inputs: &Inputs) -> Result<Vec<Case>> {
    let mut cases = Vec::new();
    let root = inputs.dir.join("cases");
    for chart in folders(&root)? {
        for case in folders(&chart)? {
            let base = inputs.dir.clone();
            let name = case.strip_prefix(&root).unwrap_or(&case).display().to_string();
            cases.push(Case::new(format!("charts/{name}"), move || match run(&base, &case) {
                Ok(verdict) => verdict,
                Err(error) => Verdict::Fail(format!("{error:#}")),
            }));
        }
    }
    Ok(cases)
}

fn folders(dir: &Path) -> Result<Vec<PathBuf>> {
    if !dir.is_dir() {
        return Ok(Vec::new());
    }
    let entries =
        fs::read_dir(dir)?.map(|entry| entry.map(|entry| entry.path())).collect::<std::io::Result<Vec<_>>>()?;
    let mut folders: Vec<PathBuf> = entries.into_iter().filter(|path| path.is_dir()).collect();
    folders.sort();
    Ok(folders)
}

/// The arguments of `helm template`.
#[derive(Default)]
pub struct Setting<'a> {
    pub release: &'a str,
    pub namespace: &'a str,
    pub kube_version: &'a str,
    pub api_versions: Vec<String>,
    pub include_crds: bool,
    pub values: Values,
}

/// What `helm template` prints, to standard output or to standard error.
pub fn template(chart: &Chart, setting: &Setting<'_>) -> Result<String, String> {
    check_installable(chart).map_err(|error| format!("Error: {error}"))?;
    let kube_version = KubeVersion::parse(setting.kube_version).map_err(|error| error.to_string())?;
    let mut capabilities = Capabilities { helm_version: "v4.2".into(), ..Capabilities::offline(kube_version) };
    capabilities.api_versions.extend(setting.api_versions.iter().cloned());
    let release = ReleaseOptions {
        name: setting.release.to_owned(),
        namespace: setting.namespace.to_owned(),
        revision: 1,
        is_upgrade: false,
    };
    let host = Offline { now: 1_767_323_045_000_000_000, random: noise };
    let mut options = RenderOptions::new(release, capabilities, &host);
    options.include_crds = setting.include_crds;
    match render(chart, &setting.values, &options) {
        Ok(rendered) => Ok(rendered.template_output()),
        Err(error @ RenderError::Manifest { .. }) => {
            Err(format!("Error: {error}\n\nUse --debug flag to render out invalid YAML"))
        }
        Err(error) => Err(format!("Error: {error}")),
    }
}

/// Bytes that differ, for generators that try again until they like what they get.
fn noise(buffer: &mut [u8]) {
    use std::sync::atomic::{AtomicU64, Ordering};
    static STATE: AtomicU64 = AtomicU64::new(0x9e37_79b9_7f4a_7c15);
    for byte in buffer {
        let mut x = STATE.fetch_add(0x9e37_79b9_7f4a_7c15, Ordering::Relaxed);
        x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        *byte = (x >> 56) as u8;
    }
}

fn run(base: &Path, dir: &Path) -> Result<Verdict> {
    let read = |name: &str| fs::read(dir.join(name)).with_context(|| format!("read {name}"));
    let case = flux_yaml::yaml_to_json(&String::from_utf8_lossy(&read("case.yaml")?))?;
    let found = answer(base, dir, &case);
    if case["outcome"] != "ok" {
        let expected = String::from_utf8_lossy(&read("expected-error.txt")?).into_owned();
        return Ok(error_verdict(&case, &expected, found));
    }
    let expected = String::from_utf8_lossy(&read("expected.yaml")?).into_owned();
    Ok(match found {
        Err(error) => Verdict::Fail(format!("unexpected error: {error}")),
        Ok(found) => output_verdict(&case, &expected, &found),
    })
}

fn answer(base: &Path, dir: &Path, case: &Value) -> Result<String, String> {
    let path = base.join(text(case, "chart"));
    let show = |error: &dyn std::fmt::Display| format!("Error: {error}");
    let limits = Limits::HELM_4_2;
    let chart = if path.is_dir() {
        let fs = RootedDir::new(&path).map_err(|error| show(&error))?;
        let root = fs.root().to_owned();
        Chart::from_directory(&fs, &root, &limits)
    } else {
        Chart::from_archive(&fs::read(&path).map_err(|error| show(&error))?, &limits)
    };
    let chart = chart.map_err(|error| show(&error))?;
    let mut values = Values::new();
    if let Ok(content) = fs::read(dir.join("values.yaml")) {
        let content = String::from_utf8_lossy(&content);
        values = read_values(&content).map_err(|error| format!("Error: failed to parse values.yaml: {error}"))?;
    }
    let setting = Setting {
        release: text(case, "release"),
        namespace: text(case, "namespace"),
        kube_version: text(case, "kubeVersion"),
        api_versions: case["apiVersions"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|version| version.as_str().map(str::to_owned))
            .collect(),
        include_crds: case["includeCRDs"] == true,
        values,
    };
    template(&chart, &setting)
}

fn differs(case: &Value) -> Vec<&str> {
    case["differs"].as_array().into_iter().flatten().filter_map(Value::as_str).collect()
}

fn error_verdict(case: &Value, expected: &str, found: Result<String, String>) -> Verdict {
    let found = match found {
        Err(found) => found,
        Ok(_) => return Verdict::Fail(format!("expected the error {expected:?}")),
    };
    if case["nondeterministic"] == true {
        // Upstream's own text varies from run to run.
        return Verdict::Pass;
    }
    // The recorded text ends before the hint.
    let found = found.trim_end_matches("\n\nUse --debug flag to render out invalid YAML").to_owned();
    let expected = expected.trim_end().trim_end_matches("\n\nUse --debug flag to render out invalid YAML");
    let (mut left, mut right): (Vec<&str>, Vec<&str>) =
        (expected.trim_end().lines().collect(), found.trim_end().lines().collect());
    if case["unorderedLines"] == true {
        left.sort_unstable();
        right.sort_unstable();
    }
    Verdict::same_text(&left.join("\n"), &right.join("\n"))
}

/// Documents between lines that are exactly `---`.
fn documents(output: &str, case: &Value) -> Vec<String> {
    let mut found = vec![String::new()];
    for line in output.split_inclusive('\n') {
        if line.trim_end_matches('\n') == "---" {
            found.push(String::new());
        } else if let Some(last) = found.last_mut() {
            last.push_str(line);
        }
    }
    let is_crd = |document: &String| document.lines().any(|line| line.trim_end() == "kind: CustomResourceDefinition");
    if case["crdDocumentsOmitted"].as_i64().is_some_and(|omitted| omitted > 0) {
        found.retain(|document| !is_crd(document));
    }
    let relaxed = text(case, "helm431");
    // What varies was recorded with one version only.
    if !relaxed.is_empty() || case["nondeterministic"] == true {
        for document in &mut found {
            *document =
                document.lines().filter(|line| !line.trim().is_empty()).map(|line| format!("{line}\n")).collect();
        }
    }
    if relaxed.contains("empty documents") {
        let empty = |document: &String| document.lines().all(|line| line.starts_with('#') || line.trim().is_empty());
        found.retain(|document| !empty(document));
    }
    found
}

fn output_verdict(case: &Value, expected: &str, found: &str) -> Verdict {
    let (left, right) = (documents(expected, case), documents(found, case));
    if case["nondeterministic"] != true {
        return Verdict::same_text(&left.join("---\n"), &right.join("---\n"));
    }
    let mut pointers: BTreeMap<usize, Vec<String>> = BTreeMap::new();
    let mut any_text = false;
    for line in differs(case) {
        let place = line.split_once(':').and_then(|(at, rest)| Some((at.parse::<usize>().ok()?, rest)));
        match place {
            Some((at, rest)) => {
                let pointer = rest.find(" /").map(|slash| rest[slash + 1..].to_owned()).unwrap_or_default();
                pointers.entry(at).or_default().push(pointer);
            }
            None => any_text = true,
        }
    }
    if left.len() != right.len() {
        return Verdict::Fail(format!("expected {} documents, got {}", left.len(), right.len()));
    }
    // Documents count from the first one; what stands before the first marker is none.
    let offset = usize::from(left.first().is_some_and(|first| first.trim().is_empty()));
    for (at, (left, right)) in left.iter().zip(&right).enumerate() {
        let names = at.checked_sub(offset).and_then(|at| pointers.get(&at));
        let verdict = match names {
            None if any_text => same_head(left, right),
            None => Verdict::same_text(left, right),
            Some(names) if any_text || names.iter().any(String::is_empty) => same_head(left, right),
            Some(names) => same_but(left, right, names),
        };
        if let Verdict::Fail(why) = verdict {
            return Verdict::Fail(format!("document {at}: {why}"));
        }
    }
    Verdict::Pass
}

fn same_head(left: &str, right: &str) -> Verdict {
    let head = |text: &str| {
        let value = flux_yaml::yaml_to_json(text).unwrap_or_default();
        (value["kind"].clone(), value["metadata"]["name"].clone())
    };
    let (left, right) = (head(left), head(right));
    Verdict::same(&left.0, &right.0)
}

fn same_but(left: &str, right: &str, pointers: &[String]) -> Verdict {
    let read = |text: &str| -> Value {
        let mut value = flux_yaml::yaml_to_json(text).unwrap_or_default();
        pointers.iter().for_each(|pointer| blank(&mut value, pointer));
        value
    };
    Verdict::same(&read(left), &read(right))
}

fn blank(value: &mut Value, pointer: &str) {
    if let Some(found) = value.pointer_mut(pointer) {
        *found = Value::Null;
    }
}
