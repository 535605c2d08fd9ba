//! Prune hazards: no object that both the old and the new commit hold is ever deleted.

use std::time::Duration;

use anyhow::{Result, ensure};
use serde_json::Value;

use super::Outcome;
use super::synthetic::{self, CLUSTER, UnitOptions};
use crate::e2e::cluster::{Cluster, KUSTOMIZATION, condition, ready_message};
use crate::e2e::demo::{Repository, Running};
use crate::e2e::recorder::{Recorder, Seen};
use crate::e2e::{Arguments, PATIENCE};

fn two_units() -> Result<Repository> {
    let options = UnitOptions { interval: "30s", ..UnitOptions::default() };
    let repository = synthetic::repository(&[("one".into(), options), ("two".into(), options)])?;
    for name in ["a", "b", "moving"] {
        repository.write(&format!("apps/one/{name}.yaml"), &synthetic::config_map(name, "1"))?;
    }
    repository.write("apps/two/c.yaml", &synthetic::config_map("c", "1"))?;
    repository.commit("two units")?;
    Ok(repository)
}

async fn failing(cluster: &Cluster, unit: &str) -> Result<String> {
    let (api_version, kind) = KUSTOMIZATION;
    let not_ready = |object: Option<&Value>| object.is_some_and(|object| condition(object, "Ready").0 == "False");
    cluster.wait((api_version, kind, "flux-system", unit), PATIENCE, not_ready).await?;
    Ok(ready_message(&cluster.must_get(api_version, kind, "flux-system", unit).await?).to_owned())
}

async fn ready_at(cluster: &Cluster, unit: &str, commit: &str) -> Result<()> {
    let (api_version, kind) = KUSTOMIZATION;
    let at = |object: Option<&Value>| {
        object.is_some_and(|object| {
            let applied = object.pointer("/status/lastAppliedRevision").and_then(Value::as_str).unwrap_or_default();
            applied.ends_with(commit) && condition(object, "Ready").0 == "True"
        })
    };
    cluster.wait((api_version, kind, "flux-system", unit), PATIENCE, at).await?;
    Ok(())
}

pub async fn hazards(_: Arguments) -> Result<Outcome> {
    let repository = two_units()?;
    let mut flux = Running::up(repository.path(), &[])?;
    flux.wait_ready(PATIENCE)?;
    let kubeconfig = repository.path().join(".flux/kubeconfig");
    let recorder = Recorder::start(kubeconfig, CLUSTER, &[("v1", "ConfigMap"), KUSTOMIZATION]);
    let cluster = Cluster::open(repository.path(), CLUSTER).await?;
    tokio::time::sleep(Duration::from_millis(300)).await;

    // The path is renamed without the unit: an error, and everything stays.
    repository.git(&["mv", "apps/one", "apps/renamed"])?;
    repository.commit("rename the path")?;
    let message = failing(&cluster, "one").await?;
    ensure!(message.contains("apps/one"), "a missing path is reported as {message:?}");
    repository.git(&["mv", "apps/renamed", "apps/one"])?;
    let commit = repository.commit("rename it back")?;
    ready_at(&cluster, "one", &commit).await?;

    // One undecodable file among good ones: an error that names it, and everything stays.
    repository.write("apps/one/broken.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x\n")?;
    repository.commit("a broken file")?;
    let message = failing(&cluster, "one").await?;
    ensure!(message.contains("broken.yaml"), "an undecodable file is reported as {message:?}");
    repository.remove("apps/one/broken.yaml")?;
    let commit = repository.commit("take it away")?;
    ready_at(&cluster, "one", &commit).await?;

    // An object moves between two units in one commit.
    repository.git(&["mv", "apps/one/moving.yaml", "apps/two/moving.yaml"])?;
    let commit = repository.commit("move an object")?;
    ready_at(&cluster, "one", &commit).await?;
    ready_at(&cluster, "two", &commit).await?;
    let owner = |object: Option<&Value>| {
        object.is_some_and(|object| object["metadata"]["labels"]["kustomize.toolkit.fluxcd.io/name"] == "two")
    };
    cluster.wait(("v1", "ConfigMap", "default", "moving"), PATIENCE, owner).await?;

    // The history is rewritten.
    repository.write("apps/one/a.yaml", &synthetic::config_map("a", "rewritten"))?;
    repository.git(&["add", "-A"])?;
    repository.git(&["commit", "-q", "--amend", "-m", "rewritten"])?;
    let commit = repository.git(&["rev-parse", "HEAD"])?.trim().to_owned();
    ready_at(&cluster, "one", &commit).await?;

    tokio::time::sleep(Duration::from_millis(500)).await;
    let record = recorder.record();
    for name in ["a", "b", "c", "moving"] {
        let track = &record[&format!("default_{name}__ConfigMap")];
        let deleted = track.seen.iter().any(|seen| matches!(seen, Seen::Deleted { .. }));
        ensure!(!deleted, "ConfigMap {name} saw a DELETE");
    }
    Ok(Outcome::Held("renamed path, broken file, moved object, rewritten history".into()))
}

/// Branch switches over many files; the last one counts, and nothing of both branches is deleted.
pub async fn switches(arguments: Arguments) -> Result<Outcome> {
    let (switches, files) = if arguments.long { (200, 500) } else { (40, 500) };
    let repository = synthetic::repository(&[("app".into(), UnitOptions::default())])?;
    for n in 0..files {
        repository
            .write(&format!("apps/app/map-{n:03}.yaml"), &synthetic::config_map(&format!("map-{n:03}"), "main"))?;
    }
    repository.commit("main")?;
    repository.git(&["switch", "-q", "-c", "other"])?;
    for n in 0..files {
        repository
            .write(&format!("apps/app/map-{n:03}.yaml"), &synthetic::config_map(&format!("map-{n:03}"), "other"))?;
    }
    repository.commit("other")?;
    let mut flux = Running::up(repository.path(), &["--worktree"])?;
    flux.wait_ready(PATIENCE)?;
    let kubeconfig = repository.path().join(".flux/kubeconfig");
    let recorder = Recorder::start(kubeconfig, CLUSTER, &[("v1", "ConfigMap"), KUSTOMIZATION]);
    let cluster = Cluster::open(repository.path(), CLUSTER).await?;
    for n in 0..switches {
        repository.git(&["switch", "-q", if n % 2 == 0 { "main" } else { "other" }])?;
    }
    repository.git(&["switch", "-q", "main"])?;
    for n in [0, files / 2, files - 1] {
        let name = format!("map-{n:03}");
        let main = |object: Option<&Value>| object.is_some_and(|object| object["data"]["value"] == "main");
        cluster.wait(("v1", "ConfigMap", "default", &name), PATIENCE, main).await?;
    }
    tokio::time::sleep(Duration::from_secs(1)).await;
    let deleted: Vec<String> = recorder
        .record()
        .into_iter()
        .filter(|(id, track)| {
            id.contains("_map-") && track.seen.iter().any(|seen| matches!(seen, Seen::Deleted { .. }))
        })
        .map(|(id, _)| id)
        .collect();
    ensure!(deleted.is_empty(), "{} objects saw a DELETE, first {:?}", deleted.len(), deleted.first());
    Ok(Outcome::Held(format!("{switches} switches over {files} files")))
}

/// Without its state directory the next run starts from nothing and gets everything ready again.
pub async fn state_gone(_: Arguments) -> Result<Outcome> {
    let repository = two_units()?;
    let mut flux = Running::up(repository.path(), &["--once"])?;
    ensure!(flux.wait_exit(PATIENCE)? == 0, "{}", flux.tail());
    std::fs::remove_dir_all(repository.path().join(".flux"))?;
    let mut flux = Running::up(repository.path(), &["--once"])?;
    ensure!(flux.wait_exit(PATIENCE)? == 0, "{}", flux.tail());
    Ok(Outcome::Held(String::new()))
}
