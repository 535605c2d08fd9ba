//! A repository of 5,000 files and 50 MB over HTTP: first artifact, new commit, no change.
//!
//! The source controller is a process of its own, so that its memory and CPU time are its alone.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use kube::api::{Patch, PatchParams};
use serde_json::{Value, json};

use super::usage;
use crate::e2e::cluster::{GIT_REPOSITORY, condition};
use crate::e2e::demo::{Repository, Running};
use crate::e2e::server::{Server, free_port};
use crate::git_server::GitServer;

const LIMIT: Duration = Duration::from_secs(120);
const FILES: usize = 5000;
const FILE_BYTES: usize = 10_000;

pub async fn run() -> Result<()> {
    let repository = Repository::empty()?;
    fill(&repository)?;
    let first = repository.commit("all files")?;
    // As a server keeps it: else its own work of compressing 5,000 loose objects is most of what is measured.
    repository.git(&["repack", "-adq"])?;
    let root = repository.path().parent().context("a temporary folder has a parent")?;
    let name = repository.path().file_name().and_then(|name| name.to_str()).context("a plain name")?;
    let git = GitServer::start(root)?;
    let server = Server::start().await?;
    let source = controller(&server)?;
    let url = format!("{}/{name}", git.url);

    println!(
        "Git repository of {FILES} files, {} MB, over HTTP; source controller alone",
        FILES * FILE_BYTES / 1_000_000
    );
    let took = declare(&server, &url, &first).await?;
    let at_first = usage(&source)?;
    println!(
        "first artifact: {:.2} s, {:.2} CPU s, peak {:.0} MiB",
        took.as_secs_f64(),
        at_first.cpu,
        at_first.peak_mib
    );
    repository.write("files/0/0.txt", "changed\n")?;
    let second = repository.commit("one file")?;
    let took = request(&server, "new-commit", Some(&second)).await?;
    let at_second = usage(&source)?;
    println!(
        "new commit: {:.2} s, {:.2} CPU s, peak {:.0} MiB",
        took.as_secs_f64(),
        at_second.cpu - at_first.cpu,
        at_second.peak_mib
    );
    let took = request(&server, "no-change", None).await?;
    let at_last = usage(&source)?;
    println!("no change: {:.3} s, {:.2} CPU s", took.as_secs_f64(), at_last.cpu - at_second.cpu);
    Ok(())
}

/// Text that compresses about as well as source code does.
fn fill(repository: &Repository) -> Result<()> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    for n in 0..FILES {
        let mut text = String::with_capacity(FILE_BYTES);
        while text.len() < FILE_BYTES {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            text.push_str(WORDS[usize::try_from(state % 8)?]);
            text.push_str(&format!(" {:04x}\n", state >> 48));
        }
        repository.write(&format!("files/{}/{n}.txt", n / 100), &text)?;
    }
    Ok(())
}

const WORDS: [&str; 8] = [
    "metadata: name",
    "    image: model",
    "replicas",
    "- containerPort",
    "  limits: gpu",
    "kind: Deployment",
    "env",
    "#",
];

fn controller(server: &Server) -> Result<Running> {
    let (files, artifacts) = (free_port()?, server.path("artifacts"));
    std::fs::create_dir_all(&artifacts)?;
    let flags = [
        format!("--kubeconfig={}", server.kubeconfig()),
        format!("--storage-path={artifacts}"),
        format!("--storage-addr=127.0.0.1:{files}"),
        format!("--storage-adv-addr=127.0.0.1:{files}"),
        format!("--health-addr=127.0.0.1:{}", free_port()?),
        format!("--metrics-addr=127.0.0.1:{}", free_port()?),
    ];
    let mut arguments = vec!["controller", "source"];
    arguments.extend(flags.iter().map(String::as_str));
    Running::flux(&arguments, &[])
}

async fn declare(server: &Server, url: &str, commit: &str) -> Result<Duration> {
    let object = json!({"apiVersion": GIT_REPOSITORY.0, "kind": GIT_REPOSITORY.1,
        "metadata": {"name": "big", "namespace": "default"},
        "spec": {"interval": "60m", "timeout": "2m", "url": url, "ref": {"branch": "main"}}});
    let api = server.cluster.api(GIT_REPOSITORY.0, GIT_REPOSITORY.1, Some("default"));
    api.patch("big", &PatchParams::apply("bench"), &Patch::Apply(&object)).await?;
    wait(server, |object| has(object, commit)).await
}

async fn request(server: &Server, token: &str, commit: Option<&str>) -> Result<Duration> {
    let patch = json!({"metadata": {"annotations": {"reconcile.fluxcd.io/requestedAt": token}}});
    let start = Instant::now();
    server.cluster.merge(GIT_REPOSITORY.0, GIT_REPOSITORY.1, "default", "big", patch).await?;
    wait(server, |object| {
        object.pointer("/status/lastHandledReconcileAt") == Some(&token.into())
            && commit.is_none_or(|commit| has(object, commit))
    })
    .await?;
    Ok(start.elapsed())
}

fn has(object: &Value, commit: &str) -> bool {
    let revision = object.pointer("/status/artifact/revision").and_then(Value::as_str).unwrap_or_default();
    revision.ends_with(commit) && condition(object, "Ready").0 == "True"
}

async fn wait(server: &Server, holds: impl Fn(&Value) -> bool) -> Result<Duration> {
    let what = (GIT_REPOSITORY.0, GIT_REPOSITORY.1, "default", "big");
    server.cluster.wait(what, LIMIT, |object| object.is_some_and(&holds)).await
}
