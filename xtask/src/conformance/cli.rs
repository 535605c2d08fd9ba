//! Suite `cli`: recorded runs and goldens of the upstream command line against our binary.
//!
//! The binary is `$FLUX_BIN`, else `target/release/flux`. Runs happen in an empty folder with a clean
//! environment. Goldens that need a cluster get a server of their own (see [`cluster`]).

mod cluster;
mod goldens;
mod words;

use std::collections::BTreeMap;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use serde_json::Value;

use super::inputs::target_dir;
use super::{Case, Inputs, Verdict};

/// One run may take so long.
const TIMEOUT: Duration = Duration::from_secs(60);
const VALUES: &str = "replicaCount: 2\ningress:\n  enabled: true\n";

pub fn load(inputs: &Inputs) -> Result<Vec<Case>> {
    let binary = binary()?;
    let mut cases = Vec::new();
    for (name, folder) in [("recorded/cases.jsonl", "recorded"), ("cases.jsonl", "recorded")] {
        let path = inputs.dir.join(name);
        if path.exists() {
            cases.extend(recorded(&path, folder, &binary)?);
        }
    }
    for name in ["golden/index.jsonl", "index.jsonl"] {
        let path = inputs.dir.join(name);
        if path.exists() {
            cases.extend(goldens::load(&path, inputs, &binary)?);
        }
    }
    Ok(cases)
}

fn binary() -> Result<PathBuf> {
    let path = std::env::var_os("FLUX_BIN").map_or_else(|| target_dir().join("release/flux"), PathBuf::from);
    if !path.is_file() {
        bail!("no binary at {}: build it, or set FLUX_BIN", path.display());
    }
    Ok(std::path::absolute(path)?)
}

fn recorded(path: &Path, folder: &str, binary: &Path) -> Result<Vec<Case>> {
    let text = fs::read_to_string(path).with_context(|| format!("read {}", path.display()))?;
    let mut cases = Vec::new();
    for line in text.lines().filter(|line| !line.trim().is_empty()) {
        let row: Value = serde_json::from_str(line)?;
        let arguments = row["args"].as_str().context("a recorded run has arguments")?.to_owned();
        let binary = binary.to_owned();
        cases.push(Case::new(format!("{folder}/{arguments}"), move || match replay(&binary, &arguments, &row) {
            Ok(verdict) => verdict,
            Err(error) => Verdict::Fail(format!("{error:#}")),
        }));
    }
    Ok(cases)
}

fn replay(binary: &Path, arguments: &str, row: &Value) -> Result<Verdict> {
    let folder = tempfile::tempdir()?;
    for name in ["values.yaml", "my-values.yaml"] {
        fs::write(folder.path().join(name), VALUES)?;
    }
    let got = run(binary, &words::split(arguments), folder.path(), &BTreeMap::new(), None)?;
    let exit = row["exit"].as_i64().unwrap_or(0);
    if got.exit != exit {
        return Ok(Verdict::Fail(format!("exit: expected {exit}, got {} ({})", got.exit, got.stderr.trim())));
    }
    // A random token is random in each run.
    let random = arguments.starts_with("create secret receiver") && !arguments.contains("--token");
    let text = |name: &str| row[name].as_str().unwrap_or_default();
    if random {
        return Ok(Verdict::same_text(&words::without_hex(text("stdout")), &words::without_hex(&got.stdout)));
    }
    match Verdict::same_text(text("stdout"), &got.stdout) {
        Verdict::Pass => Ok(Verdict::same_text(text("stderr"), &got.stderr)),
        other => Ok(other),
    }
}

/// What a run gave.
pub struct Ran {
    pub exit: i64,
    pub stdout: String,
    pub stderr: String,
}

impl Ran {
    /// Progress first, then data: upstream's tests read one buffer for both.
    pub fn both(&self) -> String {
        format!("{}{}", self.stderr, self.stdout)
    }
}

/// Runs the binary with a clean environment and a missing kubeconfig unless `environment` has one.
pub fn run(
    binary: &Path,
    arguments: &[String],
    folder: &Path,
    environment: &BTreeMap<String, String>,
    input: Option<&Path>,
) -> Result<Ran> {
    let mut command = Command::new(binary);
    command
        .args(arguments)
        .current_dir(folder)
        .env_clear()
        .env("PATH", "/usr/bin:/bin")
        .env("HOME", folder)
        .env("KUBECONFIG", folder.join("no-such-kubeconfig"))
        .envs(environment)
        .stdin(match input {
            Some(path) => Stdio::from(fs::File::open(path)?),
            None => Stdio::null(),
        })
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let child = command.spawn().with_context(|| format!("run {}", binary.display()))?;
    let id = child.id();
    let (done, ended) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        let _ = done.send(child.wait_with_output());
    });
    let output = match ended.recv_timeout(TIMEOUT) {
        Ok(output) => output?,
        Err(_) => {
            let _ = Command::new("kill").arg(id.to_string()).status();
            bail!("still running after {} s", TIMEOUT.as_secs());
        }
    };
    std::io::stdout().flush()?;
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    Ok(Ran {
        exit: output.status.code().map_or(-1, i64::from),
        stdout: text(output.stdout),
        stderr: text(output.stderr),
    })
}
