//! A manager of controller-runtime under envtest, which starts our program as `kube-apiserver` and `etcd`.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result, bail};

use super::go;

const MODULE: &str = include_str!("envtest/go.mod.text");
const TEST: &str = include_str!("envtest/main_test.go.text");

/// Builds the test, runs it, and answers what it said about its start.
pub fn run(tool: &Path, flux: &Path) -> Result<String> {
    let folder = go::folder("envtest")?;
    let current = fs::read_to_string(folder.join("main_test.go")).is_ok_and(|text| text == TEST);
    let program = folder.join("envtest.test");
    if !current || !program.is_file() {
        fs::write(folder.join("go.mod"), MODULE)?;
        fs::write(folder.join("main_test.go"), TEST)?;
        go::run(tool, &folder, &["mod", "tidy"])?;
        go::run(tool, &folder, &["test", "-c", "-o", "envtest.test", "."])?;
    }
    let assets = tempfile::tempdir()?;
    let flux = std::path::absolute(flux)?;
    for name in ["kube-apiserver", "etcd", "kubectl"] {
        std::os::unix::fs::symlink(&flux, assets.path().join(name))?;
    }
    let output = Command::new(&program)
        .args(["-test.v", "-test.timeout=120s"])
        .current_dir(&folder)
        .env("KUBEBUILDER_ASSETS", assets.path())
        .output()
        .context("start the test")?;
    let said = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    if !output.status.success() {
        let last: Vec<&str> = said.lines().rev().take(15).collect();
        bail!("{}", last.into_iter().rev().collect::<Vec<_>>().join("\n"));
    }
    let started = said.lines().find(|line| line.starts_with("envtest started")).unwrap_or("envtest started");
    Ok(format!("{started}; a manager reconciles, hands its lease over, owns and finalizes"))
}
