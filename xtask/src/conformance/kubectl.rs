//! Suite `kubectl`: command lines recorded against the real kube-apiserver, run by the real kubectl against ours.
//!
//! Every transcript gets a server of its own on a free TLS port, with the recorded server's controllers only.
//! Without a kubectl on PATH every case is skipped, and says so.

mod scrub;

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result};
use flux_apiserver::{Config, Server};
use serde_json::Value;
use tokio::io::AsyncWriteExt as _;

use super::apiserver::{self, Definitions};
use super::{Case, Inputs, Verdict};

/// A command that takes longer hangs.
const PATIENCE: Duration = Duration::from_secs(120);

/// Reads the transcripts.
pub(super) fn load(inputs: &Inputs) -> Result<Vec<Case>> {
    let definitions = Arc::new(apiserver::definitions(inputs)?);
    let kubectl = Arc::new(on_path("kubectl"));
    let plain = inputs.dir.join("kubectl.jsonl");
    let file = if plain.exists() { plain } else { inputs.dir.join("kubectl.jsonl.gz") };
    let mut cases = Vec::new();
    for transcript in apiserver::lines(&file)? {
        let name = transcript["name"].as_str().unwrap_or("").to_owned();
        let (definitions, kubectl) = (definitions.clone(), kubectl.clone());
        cases.push(Case::new(name, move || match kubectl.as_deref() {
            Some(kubectl) => run(kubectl, &transcript, &definitions),
            None => Verdict::Skip("there is no kubectl on PATH".into()),
        }));
    }
    Ok(cases)
}

fn on_path(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|folder| folder.join(program)).find(|file| file.is_file())
}

fn run(kubectl: &Path, transcript: &Value, definitions: &Definitions) -> Verdict {
    let runtime = match tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return Verdict::Fail(format!("no runtime: {error}")),
    };
    match runtime.block_on(replay(kubectl, transcript, definitions)) {
        Ok(differences) if differences.is_empty() => Verdict::Pass,
        Ok(differences) => Verdict::Fail(differences.join("\n    ")),
        Err(error) => Verdict::Fail(format!("{error:#}")),
    }
}

async fn replay(kubectl: &Path, transcript: &Value, definitions: &Definitions) -> Result<Vec<String>> {
    let listen = Some(([127, 0, 0, 1], 0).into());
    let server = Server::start(Config { listen, ..apiserver::config() }).await?;
    apiserver::prepare(&server, &with_siblings(&transcript["setup"], definitions), definitions).await?;
    let (folder, home) = (tempfile::tempdir()?, tempfile::tempdir()?);
    for (name, text) in transcript["files"].as_object().into_iter().flatten() {
        std::fs::write(folder.path().join(name), text.as_str().unwrap_or(""))?;
    }
    let kubeconfig = home.path().join("config");
    std::fs::write(&kubeconfig, server.kubeconfig("flux").context("the server has no address")?)?;
    let mut differences = Vec::new();
    for (index, step) in transcript["steps"].as_array().into_iter().flatten().enumerate() {
        let argv: Vec<&str> = step["argv"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        let stdin = step["stdin"].as_str().unwrap_or("");
        let found = execute(kubectl, &kubeconfig, folder.path(), &argv, stdin).await?;
        differences.extend(found.against(step).map(|text| format!("step {index}: kubectl {}: {text}", argv.join(" "))));
    }
    server.shutdown().await;
    let shown = std::env::var("SHOW").ok().and_then(|text| text.parse().ok()).unwrap_or(1);
    differences.truncate(shown);
    Ok(differences)
}

/// The setup with all recorded definitions of the groups it names: the recorded server held them, and listings show them.
fn with_siblings(setup: &Value, definitions: &Definitions) -> Value {
    let named: Vec<&str> = setup["crds"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    let group = |name: &str| definitions.get(name).map(|definition| definition["spec"]["group"].clone());
    let groups: Vec<Value> = named.iter().filter_map(|name| group(name)).collect();
    let siblings = definitions.keys().filter(|name| group(name).is_some_and(|group| groups.contains(&group)));
    let mut setup = setup.clone();
    if !named.is_empty() {
        setup["crds"] = siblings.map(String::as_str).collect();
    }
    setup
}

/// What a command left.
struct Outcome {
    stdout: String,
    stderr: String,
    exit: i64,
}

impl Outcome {
    /// The first difference from a recorded step.
    fn against(&self, step: &Value) -> Option<String> {
        for (what, found) in [("stdout", &self.stdout), ("stderr", &self.stderr)] {
            let expected = scrub::scrub(step[what].as_str().unwrap_or(""));
            let found = scrub::scrub(found);
            if let Verdict::Fail(why) = Verdict::same_text(&expected, &found) {
                return Some(format!("{what}: {why}"));
            }
        }
        let expected = step["exit"].as_i64().unwrap_or(0);
        (expected != self.exit).then(|| format!("exit: expected {expected}, got {}", self.exit))
    }
}

async fn execute(kubectl: &Path, kubeconfig: &Path, folder: &Path, argv: &[&str], stdin: &str) -> Result<Outcome> {
    let mut child = tokio::process::Command::new(kubectl)
        .arg("--kubeconfig")
        .arg(kubeconfig)
        .args(argv)
        .current_dir(folder)
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .env("HOME", folder)
        .env("KUBECTL_EXTERNAL_DIFF", "diff -U0")
        .env("LC_ALL", "C")
        .env("TZ", "UTC")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .context("start kubectl")?;
    if let Some(mut pipe) = child.stdin.take() {
        // A command that does not read may be gone already.
        let _ = pipe.write_all(stdin.as_bytes()).await;
    }
    let output = tokio::time::timeout(PATIENCE, child.wait_with_output()).await.context("kubectl hangs")??;
    Ok(Outcome {
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        exit: output.status.code().map_or(-1, i64::from),
    })
}
