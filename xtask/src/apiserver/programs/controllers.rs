//! Flux' original source-controller and kustomize-controller on our API server, with leader election.

use std::net::TcpListener;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use serde_json::{Value, json};

use super::go::{self, Module};
use crate::apiserver::client::Connection;
use crate::apiserver::process::{Place, Running};
use crate::git_server::GitServer;

/// The controllers of Flux 2.9.
const SOURCE: (&str, &str) = ("source-controller", "v1.9.5");
const KUSTOMIZE: (&str, &str) = ("kustomize-controller", "v1.9.5");
const NAMESPACE: &str = "flux-system";
const PATIENCE: Duration = Duration::from_secs(60);

/// A process that is killed when it is dropped.
struct Process(std::process::Child);

impl Process {
    fn kill(mut self) -> Result<()> {
        self.0.kill()?;
        self.0.wait()?;
        Ok(())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Builds the controllers and judges what they do; answers a line of figures.
pub async fn run(tool: &Path, flux: &Path) -> Result<String> {
    let (source, kustomize) =
        (go::controller(tool, SOURCE.0, SOURCE.1)?, go::controller(tool, KUSTOMIZE.0, KUSTOMIZE.1)?);
    let place = Place::new(Some(flux))?;
    let server = place.start("", false).await?;
    let scratch = tempfile::tempdir()?;
    let repository = scratch.path().join("git/app");
    commit(&repository, &[("a.yaml", Some("a")), ("b.yaml", Some("b"))])?;
    let git = GitServer::start(&scratch.path().join("git"))?;
    let stage = Stage { flux, place: &place, server: &server, scratch: scratch.path() };

    install(&mut stage.api().await?, &[&source, &kustomize]).await?;
    let _source = stage.start(&source, "source", true)?;
    let first = stage.start(&kustomize, "first", false)?;
    stage.create(&git.url).await?;
    let began = Instant::now();
    stage.ready("gitrepositories", "source.toolkit.fluxcd.io").await?;
    stage.ready("kustomizations", "kustomize.toolkit.fluxcd.io").await?;
    let ready = began.elapsed();
    stage.data("a", Some("a")).await?;
    stage.data("b", Some("b")).await?;
    stage.listed()?;

    let holder = stage.holder().await?.context("the first kustomize-controller holds the lease")?;
    let _second = stage.start(&kustomize, "second", false)?;
    first.kill()?;
    commit(&repository, &[("a.yaml", Some("changed")), ("b.yaml", None)])?;
    let killed = Instant::now();
    let next = stage.until("another process holds the lease", async |stage: &Stage<'_>| {
        let now = stage.holder().await?;
        Ok(now.filter(|now| *now != holder && !now.is_empty()))
    });
    next.await?;
    let taken = killed.elapsed();
    stage.data("a", Some("changed")).await?;
    stage.data("b", None).await?;
    stage.delete("kustomizations", "kustomize.toolkit.fluxcd.io").await?;
    stage.data("a", None).await?;
    Ok(format!(
        "{} {} and {} {}: ready after {:.1} s, the lease of a killed leader taken after {:.1} s, pruned, finalized",
        SOURCE.0,
        SOURCE.1,
        KUSTOMIZE.0,
        KUSTOMIZE.1,
        ready.as_secs_f64(),
        taken.as_secs_f64()
    ))
}

/// What all steps need.
struct Stage<'a> {
    flux: &'a Path,
    place: &'a Place,
    server: &'a Running,
    scratch: &'a Path,
}

impl Stage<'_> {
    async fn api(&self) -> Result<Connection> {
        self.server.api.connect().await
    }

    fn start(&self, module: &Module, name: &str, stores: bool) -> Result<Process> {
        let log = std::fs::File::create(self.scratch.join(format!("{name}.log")))?;
        let mut command = Command::new(&module.program);
        command
            .args(["--enable-leader-election", "--leader-election-lease-duration=4s"])
            .args(["--leader-election-renew-deadline=3s", "--leader-election-retry-period=1s"])
            .args(["--metrics-addr=127.0.0.1:0", "--health-addr=127.0.0.1:0", "--events-addr="])
            .env("KUBECONFIG", self.place.kubeconfig())
            .env("RUNTIME_NAMESPACE", NAMESPACE)
            .env("HOME", self.scratch)
            .env("TMPDIR", self.scratch)
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log);
        if stores {
            let storage = self.scratch.join("artifacts");
            std::fs::create_dir_all(&storage)?;
            let address = TcpListener::bind("127.0.0.1:0")?.local_addr()?.to_string();
            command.arg(format!("--storage-path={}", storage.display()));
            command.arg(format!("--storage-addr={address}")).arg(format!("--storage-adv-addr={address}"));
        }
        Ok(Process(command.spawn().with_context(|| format!("start {}", module.program.display()))?))
    }

    /// The repository and what is built of it.
    async fn create(&self, git: &str) -> Result<()> {
        let meta = json!({ "name": "app", "namespace": NAMESPACE });
        let source = json!({
            "apiVersion": "source.toolkit.fluxcd.io/v1", "kind": "GitRepository", "metadata": meta,
            "spec": { "interval": "2s", "url": format!("{git}/app"), "ref": { "branch": "main" } },
        });
        let unit = json!({
            "apiVersion": "kustomize.toolkit.fluxcd.io/v1", "kind": "Kustomization", "metadata": meta,
            "spec": {
                "interval": "5s", "retryInterval": "2s", "prune": true, "wait": true, "path": "./", "targetNamespace": "default",
                "sourceRef": { "kind": "GitRepository", "name": "app" },
            },
        });
        let mut api = self.api().await?;
        post(&mut api, &objects_path("source.toolkit.fluxcd.io", "gitrepositories"), &source).await?;
        post(&mut api, &objects_path("kustomize.toolkit.fluxcd.io", "kustomizations"), &unit).await
    }

    async fn delete(&self, plural: &str, group: &str) -> Result<()> {
        let path = format!("{}/app", objects_path(group, plural));
        let (code, answer) = self.api().await?.json("DELETE", &path, None).await?;
        ensure!(code == 200, "DELETE {path} answers {code}: {answer}");
        Ok(())
    }

    async fn ready(&self, plural: &'static str, group: &'static str) -> Result<()> {
        let path = format!("{}/app", objects_path(group, plural));
        self.until(&format!("{plural} are ready"), async |stage: &Stage<'_>| {
            let (_, object) = stage.api().await?.json("GET", &path, None).await?;
            let conditions = object["status"]["conditions"].as_array().cloned().unwrap_or_default();
            let ready = conditions.iter().any(|one| one["type"] == "Ready" && one["status"] == "True");
            Ok(ready.then_some(()))
        })
        .await
    }

    /// Waits until the ConfigMap has this value, or is gone.
    async fn data(&self, name: &str, value: Option<&str>) -> Result<()> {
        let path = format!("/api/v1/namespaces/default/configmaps/{name}");
        self.until(&format!("ConfigMap {name} holds {value:?}"), async |stage: &Stage<'_>| {
            let (code, object) = stage.api().await?.json("GET", &path, None).await?;
            let found = object["data"]["value"].as_str();
            Ok((found == value && (code == 404) == value.is_none()).then_some(()))
        })
        .await
    }

    /// Who leads the kustomize-controllers.
    async fn holder(&self) -> Result<Option<String>> {
        let path = format!("/apis/coordination.k8s.io/v1/namespaces/{NAMESPACE}/leases");
        let (_, leases) = self.api().await?.json("GET", &path, None).await?;
        let lease = leases["items"]
            .as_array()
            .into_iter()
            .flatten()
            .find(|lease| lease["metadata"]["name"].as_str().is_some_and(|name| name.starts_with(KUSTOMIZE.0)));
        Ok(lease.and_then(|lease| lease["spec"]["holderIdentity"].as_str()).map(str::to_owned))
    }

    /// Our command line reads what the originals have written.
    fn listed(&self) -> Result<()> {
        for arguments in [["get", "sources", "git"].as_slice(), ["get", "kustomizations"].as_slice()] {
            let output = Command::new(self.flux)
                .args(arguments)
                .args(["--namespace", NAMESPACE])
                .env("KUBECONFIG", self.place.kubeconfig())
                .env("HOME", self.scratch)
                .output()?;
            let said = String::from_utf8_lossy(&output.stdout);
            let row = said.lines().find(|line| line.starts_with("app")).unwrap_or_default();
            ensure!(row.contains("True") && row.contains("main@sha1:"), "`flux {}` says {said}", arguments.join(" "));
        }
        Ok(())
    }

    async fn until<T>(&self, what: &str, check: impl AsyncFn(&Stage<'_>) -> Result<Option<T>>) -> Result<T> {
        let end = Instant::now() + PATIENCE;
        loop {
            if let Some(found) = check(self).await? {
                return Ok(found);
            }
            if Instant::now() > end {
                bail!("not within {} s: {what}\n{}", PATIENCE.as_secs(), self.logs());
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// The last lines that the controllers wrote.
    fn logs(&self) -> String {
        let mut all = String::new();
        for name in ["source", "first", "second"] {
            let text = std::fs::read_to_string(self.scratch.join(format!("{name}.log"))).unwrap_or_default();
            let lines: Vec<&str> = text.lines().rev().take(5).collect();
            for line in lines.into_iter().rev() {
                all.push_str(&format!("{name}: {line}\n"));
            }
        }
        all
    }
}

fn objects_path(group: &str, plural: &str) -> String {
    format!("/apis/{group}/v1/namespaces/{NAMESPACE}/{plural}")
}

async fn post(api: &mut Connection, path: &str, object: &Value) -> Result<()> {
    let (code, answer) = api.json("POST", path, Some(object)).await?;
    ensure!(code == 201, "POST {path} answers {code}: {answer}");
    Ok(())
}

/// The namespace, and the definitions that come with the controllers.
async fn install(api: &mut Connection, modules: &[&Module]) -> Result<()> {
    let namespace = json!({ "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": NAMESPACE } });
    post(api, "/api/v1/namespaces", &namespace).await?;
    for module in modules {
        for entry in std::fs::read_dir(module.source.join("config/crd/bases"))? {
            let definition = flux_yaml::yaml_to_json(&std::fs::read_to_string(entry?.path())?)?;
            post(api, "/apis/apiextensions.k8s.io/v1/customresourcedefinitions", &definition).await?;
        }
    }
    Ok(())
}

/// Commits ConfigMaps with these values; nothing removes one.
fn commit(repository: &Path, files: &[(&str, Option<&str>)]) -> Result<()> {
    std::fs::create_dir_all(repository)?;
    let git = |arguments: &[&str]| -> Result<()> {
        let output = Command::new("git").args(arguments).current_dir(repository).output().context("start git")?;
        ensure!(output.status.success(), "git {}: {}", arguments.join(" "), String::from_utf8_lossy(&output.stderr));
        Ok(())
    };
    if !repository.join(".git").is_dir() {
        git(&["init", "--quiet", "--initial-branch=main"])?;
    }
    for (file, value) in files {
        let name = file.trim_end_matches(".yaml");
        match value {
            Some(value) => {
                let text =
                    format!("apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: {name}}}\ndata: {{value: {value}}}\n");
                std::fs::write(repository.join(file), text)?;
            }
            None => std::fs::remove_file(repository.join(file))?,
        }
    }
    git(&["add", "--all"])?;
    git(&["-c", "user.name=test", "-c", "user.email=test@example.com", "commit", "--quiet", "--message=change"])
}
