//! Programs built from Go modules, once, into the target folder.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail};

use crate::conformance::inputs::target_dir;

/// Where programs of Go and their sources lie; a kept program is not built again.
pub fn folder(name: &str) -> Result<PathBuf> {
    let folder = target_dir().join("programs").join(name);
    fs::create_dir_all(&folder)?;
    Ok(folder)
}

/// Runs `go` and answers its output.
pub fn run<S: AsRef<OsStr>>(go: &Path, folder: &Path, arguments: &[S]) -> Result<String> {
    let output =
        Command::new(go).args(arguments).current_dir(folder).env("GOFLAGS", "-mod=mod").output().context("start go")?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        let words: Vec<_> = arguments.iter().map(|word| word.as_ref().to_string_lossy()).collect();
        let last: Vec<&str> = said.lines().rev().take(5).collect();
        bail!("`go {}` fails: {}", words.join(" "), last.into_iter().rev().collect::<Vec<_>>().join("; "));
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// A program whose main package is the root of a module.
pub struct Module {
    pub source: PathBuf,
    pub program: PathBuf,
}

/// Builds `github.com/fluxcd/NAME`. Its module replaces the one of its API by a folder that is not part of it.
pub fn controller(go: &Path, name: &str, version: &str) -> Result<Module> {
    let folder = folder(&format!("{name}@{version}"))?;
    let (source, program) = (folder.join("source"), folder.join(name));
    let module = Module { source: source.clone(), program: program.clone() };
    if program.is_file() {
        return Ok(module);
    }
    let path = format!("github.com/fluxcd/{name}");
    let told = run(go, &folder, &["mod", "download", "-json", &format!("{path}@{version}")])?;
    let told: serde_json::Value = serde_json::from_str(&told)?;
    let kept = told["Dir"].as_str().context("go tells where it keeps a module")?;
    if source.exists() {
        fs::remove_dir_all(&source)?;
    }
    copy(Path::new(kept), &source)?;
    run(go, &source, &["mod", "edit", &format!("-dropreplace={path}/api")])?;
    run(go, &source, &[OsStr::new("build"), OsStr::new("-o"), program.as_os_str(), OsStr::new(".")])?;
    Ok(module)
}

/// Copies a tree without the rights of its files: Go's own copies may not be written.
fn copy(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        let kind = entry.file_type()?;
        if kind.is_dir() {
            copy(&entry.path(), &target)?;
        } else if kind.is_file() {
            fs::write(target, fs::read(entry.path())?)?;
        }
    }
    Ok(())
}
