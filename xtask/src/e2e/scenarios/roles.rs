//! The same roles as processes of their own: `flux server` and `flux controller source kustomize`.

use std::time::Duration;

use anyhow::{Context as _, Result};
use kube::api::{Patch, PatchParams};
use serde_json::{Value, json};

use super::Outcome;
use super::synthetic;
use crate::e2e::cluster::{Cluster, KUSTOMIZATION, condition};
use crate::e2e::demo::{Repository, Running};
use crate::e2e::server::{Server, free_port};
use crate::e2e::{Arguments, PATIENCE};
use crate::git_server::GitServer;

pub async fn roles(_: Arguments) -> Result<Outcome> {
    let repository = Repository::empty()?;
    repository.write("app/map.yaml", &synthetic::config_map("map", "1"))?;
    repository.commit("one object")?;
    let server = Server::start().await?;
    let (cluster, kubeconfig) = (&server.cluster, server.kubeconfig());
    let path = |name: &str| server.path(name);
    let (files, health, metrics) = (free_port()?, free_port()?, free_port()?);
    let flags = [
        format!("--kubeconfig={kubeconfig}"),
        format!("--storage-path={}", path("artifacts")),
        format!("--storage-addr=127.0.0.1:{files}"),
        format!("--storage-adv-addr=127.0.0.1:{files}"),
        format!("--health-addr=127.0.0.1:{health}"),
        format!("--metrics-addr=127.0.0.1:{metrics}"),
    ];
    std::fs::create_dir_all(path("artifacts"))?;
    let mut arguments = vec!["controller", "source"];
    arguments.extend(flags.iter().map(String::as_str));
    let _source = Running::flux(&arguments, &[])?;
    let kustomize_flags = [
        format!("--kubeconfig={kubeconfig}"),
        format!("--health-addr=127.0.0.1:{}", free_port()?),
        format!("--metrics-addr=127.0.0.1:{}", free_port()?),
    ];
    let mut arguments = vec!["controller", "kustomize"];
    arguments.extend(kustomize_flags.iter().map(String::as_str));
    let _kustomize = Running::flux(&arguments, &[])?;

    let root = repository.path().parent().context("a temporary folder has a parent")?;
    let name = repository.path().file_name().and_then(|name| name.to_str()).context("a plain name")?;
    let git = GitServer::start(root)?;
    declare(cluster, &format!("{}/{name}", git.url)).await?;
    let ready = |object: Option<&Value>| object.is_some_and(|object| condition(object, "Ready").0 == "True");
    let (api_version, kind) = KUSTOMIZATION;
    let took = cluster.wait((api_version, kind, "default", "app"), PATIENCE, ready).await?;
    let one = |object: Option<&Value>| object.is_some_and(|object| object["data"]["value"] == "1");
    cluster.wait(("v1", "ConfigMap", "default", "map"), Duration::from_secs(5), one).await?;
    for (port, path) in [(health, "healthz"), (health, "readyz"), (metrics, "metrics")] {
        probe(port, path).with_context(|| format!("GET /{path} on {port}"))?;
    }
    Ok(Outcome::Held(format!("server, source and kustomize controllers apart; ready in {took:.1?}")))
}

async fn declare(cluster: &Cluster, url: &str) -> Result<()> {
    let params = PatchParams::apply("e2e");
    let metadata = json!({"name": "app", "namespace": "default"});
    let source = json!({"apiVersion": "source.toolkit.fluxcd.io/v1", "kind": "GitRepository", "metadata": metadata,
        "spec": {"interval": "1m", "url": url, "ref": {"branch": "main"}}});
    let unit = json!({"apiVersion": "kustomize.toolkit.fluxcd.io/v1", "kind": "Kustomization", "metadata": metadata,
        "spec": {"interval": "1m", "prune": true, "path": "./app", "targetNamespace": "default",
            "sourceRef": {"kind": "GitRepository", "name": "app"}}});
    for object in [source, unit] {
        let (api_version, kind) = (object["apiVersion"].as_str().unwrap_or(""), object["kind"].as_str().unwrap_or(""));
        cluster.api(api_version, kind, Some("default")).patch("app", &params, &Patch::Apply(&object)).await?;
    }
    Ok(())
}

/// Plain HTTP/1.0: the answer must be 200.
fn probe(port: u16, path: &str) -> Result<()> {
    use std::io::{Read as _, Write as _};
    let mut stream = std::net::TcpStream::connect(("127.0.0.1", port))?;
    stream.set_read_timeout(Some(Duration::from_secs(5)))?;
    write!(stream, "GET /{path} HTTP/1.0\r\nHost: localhost\r\n\r\n")?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    let status = answer.lines().next().unwrap_or_default();
    anyhow::ensure!(status.contains(" 200"), "{status}");
    Ok(())
}
