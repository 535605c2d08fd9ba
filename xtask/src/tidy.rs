//! `cargo xtask tidy`: the layers of the workspace, banned crates and features, and files that grew too large.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail};
use serde_json::Value;

use crate::conformance::repository_root;

/// Data flows one way: a crate may depend only on crates of a lower layer.
const LAYERS: &[(&str, u8)] = &[
    ("flux-diagnostics", 0),
    ("flux-yaml", 0),
    ("flux-cel", 1),
    ("flux-envsubst", 1),
    ("flux-schema", 1),
    ("flux-semver", 1),
    ("flux-template", 2),
    ("flux-store", 1),
    ("flux-api", 2),
    ("flux-archive", 1),
    ("flux-git", 2),
    ("flux-health", 2),
    ("flux-kustomize", 2),
    ("flux-merge", 2),
    ("flux-oci", 2),
    ("flux-helm", 3),
    ("flux-artifact", 4),
    ("flux-apiserver", 4),
    ("flux-runtime", 4),
    ("flux-simulate", 4),
    ("flux-apply", 5),
    ("flux-testkit", 5),
    ("flux-helm-controller", 6),
    ("flux-kustomize-controller", 6),
    ("flux-source-controller", 6),
    ("flux", 7),
    ("xtask", 8),
];

/// Crates that know no Kubernetes client: they are handed values.
const PURE_BELOW: u8 = 4;
const CLIENT_CRATES: &[&str] = &["kube", "k8s-openapi", "axum"];
const BANNED_CRATES: &[&str] = &["openssl-sys", "native-tls", "ring", "serde_yaml", "git2"];
const BANNED_FEATURES: &[(&str, &str)] = &[("serde_json", "preserve_order"), ("serde_json", "arbitrary_precision")];

/// Past this a file holds more than one subject; tables that a program wrote are exempt.
const LINES_AT_MOST: usize = 1000;

/// Prints each finding; the answer says whether there was none.
pub fn run() -> Result<bool> {
    let metadata = metadata()?;
    let mut findings = Vec::new();
    layers(&metadata, &mut findings)?;
    banned(&mut findings)?;
    sizes(&repository_root(), &mut findings)?;
    for finding in &findings {
        println!("tidy: {finding}");
    }
    println!("tidy: {} findings", findings.len());
    Ok(findings.is_empty())
}

fn metadata() -> Result<Value> {
    let printed = cargo(&["metadata", "--format-version", "1", "--locked", "--no-deps"])?;
    serde_json::from_slice(&printed).context("cargo metadata prints JSON")
}

fn cargo(arguments: &[&str]) -> Result<Vec<u8>> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo).args(arguments).current_dir(repository_root()).output()?;
    if !output.status.success() {
        bail!("cargo {} failed: {}", arguments[0], String::from_utf8_lossy(&output.stderr));
    }
    Ok(output.stdout)
}

fn array<'a>(value: &'a Value, key: &str) -> impl Iterator<Item = &'a Value> {
    value[key].as_array().into_iter().flatten()
}

fn layers(metadata: &Value, findings: &mut Vec<String>) -> Result<()> {
    let known: BTreeMap<&str, u8> = LAYERS.iter().copied().collect();
    let ours = array(metadata, "packages").filter(|package| package["source"].is_null());
    for package in ours {
        let name = package["name"].as_str().context("a package has a name")?;
        let Some(&layer) = known.get(name) else {
            findings.push(format!("crate `{name}` has no layer; add it to the table in xtask/src/tidy.rs"));
            continue;
        };
        for dependency in array(package, "dependencies").filter(|d| d["kind"].as_str() != Some("dev")) {
            let target = dependency["name"].as_str().unwrap_or_default();
            match known.get(target) {
                Some(&below) if below >= layer => {
                    findings.push(format!("`{name}` (layer {layer}) depends on `{target}` (layer {below})"));
                }
                None if layer < PURE_BELOW && name != "flux-api" && CLIENT_CRATES.contains(&target) => {
                    findings.push(format!("engine `{name}` depends on `{target}`; engines are handed values"));
                }
                _ => {}
            }
        }
    }
    Ok(())
}

/// What is really built: the metadata also lists crates that only a feature nobody turns on would bring.
fn banned(findings: &mut Vec<String>) -> Result<()> {
    let built = cargo(&[
        "tree",
        "--workspace",
        "--locked",
        "--edges",
        "normal,build",
        "--prefix",
        "none",
        "--format",
        "{p}|{f}",
    ])?;
    let text = String::from_utf8_lossy(&built).into_owned();
    let rows: BTreeSet<(&str, &str)> = text
        .lines()
        .filter_map(|line| line.split_once('|'))
        .map(|(package, features)| (package.split_whitespace().next().unwrap_or_default(), features))
        .collect();
    for name in BANNED_CRATES.iter().filter(|name| rows.iter().any(|(package, _)| package == *name)) {
        findings.push(format!("crate `{name}` is banned, and it is in the tree"));
    }
    for (name, feature) in BANNED_FEATURES {
        let on = |features: &str| features.split(',').any(|one| one.trim_end_matches(" (*)") == *feature);
        if rows.iter().any(|(package, features)| package == name && on(features)) {
            findings.push(format!("feature `{feature}` of `{name}` is banned, and it is on"));
        }
    }
    Ok(())
}

fn sizes(root: &Path, findings: &mut Vec<String>) -> Result<()> {
    for file in rust_files(root)? {
        let text = fs::read_to_string(&file)?;
        let lines = text.lines().count();
        let generated = text.lines().take(3).any(|line| line.contains("Generated;"));
        if lines > LINES_AT_MOST && !generated {
            let shown = file.strip_prefix(root).unwrap_or(&file).display();
            findings.push(format!("{shown} has {lines} lines (at most {LINES_AT_MOST})"));
        }
    }
    Ok(())
}

fn rust_files(root: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let mut open = vec![root.join("crates"), root.join("xtask")];
    while let Some(dir) = open.pop() {
        for entry in fs::read_dir(&dir).with_context(|| format!("read {}", dir.display()))? {
            let path = entry?.path();
            if path.is_dir() {
                open.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                found.push(path);
            }
        }
    }
    found.sort();
    Ok(found)
}
