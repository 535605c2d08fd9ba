//! kubectl, the real one, against the embedded server.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail, ensure};

use super::Outcome;
use super::synthetic::{self, CLUSTER, UnitOptions};
use crate::e2e::demo::Running;
use crate::e2e::{Arguments, PATIENCE};

struct Kubectl {
    program: PathBuf,
    kubeconfig: PathBuf,
}

impl Kubectl {
    /// Standard output and standard error together, and the exit status.
    fn try_run(&self, arguments: &[&str]) -> Result<(i32, String)> {
        let output = Command::new(&self.program)
            .args(["--context", CLUSTER])
            .args(arguments)
            .env("KUBECONFIG", &self.kubeconfig)
            .output()
            .context("run kubectl")?;
        let text = [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).concat();
        Ok((output.status.code().unwrap_or(-1), text))
    }

    fn run(&self, arguments: &[&str]) -> Result<String> {
        let (status, text) = self.try_run(arguments)?;
        if status != 0 {
            bail!("kubectl {arguments:?} exits {status}: {text}");
        }
        Ok(text)
    }

    fn says(&self, arguments: &[&str], expected: &str) -> Result<()> {
        let text = self.run(arguments)?;
        ensure!(text.contains(expected), "kubectl {arguments:?} does not say {expected:?}:\n{text}");
        Ok(())
    }
}

fn find_program() -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|folder| folder.join("kubectl")).find(|program| program.is_file())
}

pub async fn kubectl(_: Arguments) -> Result<Outcome> {
    let Some(program) = find_program() else {
        return Ok(Outcome::Skipped("no kubectl on PATH".into()));
    };
    let repository = synthetic::repository(&[("app".into(), UnitOptions { wait: true, ..UnitOptions::default() })])?;
    repository.write("apps/app/deployment.yaml", &synthetic::deployment("web", "example.com/web:1"))?;
    repository.commit("a deployment")?;
    let mut flux = Running::up(repository.path(), &[])?;
    flux.wait_ready(PATIENCE)?;
    let kubectl = Kubectl { program, kubeconfig: repository.path().join(".flux/kubeconfig") };
    reads(&kubectl)?;
    writes(&kubectl, repository.path())?;
    Ok(Outcome::Held(
        "get, describe, explain, apply (client and server side), diff, wait, rollout, patch, label, delete".into(),
    ))
}

fn reads(kubectl: &Kubectl) -> Result<()> {
    kubectl.says(&["get", "deployment", "web"], "1/1")?;
    kubectl.says(&["get", "ks", "-n", "flux-system"], "Applied revision: main@sha1:")?;
    kubectl.says(&["get", "gitrepo", "-A", "-o", "wide"], "stored artifact for revision")?;
    kubectl.says(&["get", "pods", "-o", "yaml"], "phase: Running")?;
    kubectl.says(&["get", "nodes"], "Ready")?;
    kubectl.says(&["describe", "deployment", "web"], "example.com/web:1")?;
    kubectl.says(&["describe", "ks", "app", "-n", "flux-system"], "ReconciliationSucceeded")?;
    kubectl.says(&["api-resources"], "kustomizations")?;
    kubectl.says(&["explain", "deployment.spec.replicas"], "replicas")?;
    kubectl.says(&["get", "events", "-A"], "ReconciliationSucceeded")?;
    kubectl.says(&["version"], "Server Version: v1.36")
}

fn writes(kubectl: &Kubectl, scratch: &Path) -> Result<()> {
    let file = scratch.join(".flux/e2e.yaml");
    let name = file.to_str().context("a test path is UTF-8")?;
    std::fs::write(&file, synthetic::config_map("by-hand", "1"))?;
    kubectl.says(&["apply", "-f", name], "configmap/by-hand created")?;
    kubectl.says(&["apply", "-f", name], "configmap/by-hand unchanged")?;
    std::fs::write(&file, synthetic::config_map("by-hand", "2"))?;
    let (status, diff) = kubectl.try_run(&["diff", "-f", name])?;
    ensure!(status == 1 && diff.contains("+  value: \"2\""), "kubectl diff exits {status}:\n{diff}");
    kubectl
        .says(&["apply", "--server-side", "--force-conflicts", "-f", name], "configmap/by-hand serverside-applied")?;
    kubectl.says(&["get", "cm", "by-hand", "-o", "jsonpath={.data.value}"], "2")?;
    std::fs::write(&file, synthetic::deployment("manual", "example.com/manual:1"))?;
    kubectl.says(&["apply", "-f", name], "deployment.apps/manual created")?;
    kubectl.says(&["wait", "--for=condition=Available", "deployment/manual", "--timeout=20s"], "condition met")?;
    kubectl.says(&["rollout", "status", "deployment/manual", "--timeout=20s"], "successfully rolled out")?;
    kubectl.says(&["patch", "deployment/manual", "-p", r#"{"spec":{"replicas":2}}"#], "patched")?;
    kubectl.says(&["label", "deployment/manual", "a=b"], "labeled")?;
    kubectl.says(&["delete", "deployment", "manual"], "deleted")?;
    kubectl.says(&["wait", "--for=delete", "pod", "-l", "app=manual", "--timeout=20s"], "")?;
    std::fs::write(&file, "apiVersion: v1\nkind: Namespace\nmetadata:\n  name: passing\n")?;
    kubectl.says(&["apply", "-f", name], "namespace/passing created")?;
    kubectl.says(&["delete", "-f", name], "deleted")?;
    kubectl.says(&["delete", "configmap", "by-hand"], "deleted")
}
