//! What a commit does to a running `flux up`: speed, prune, drift.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use serde_json::json;

use super::Outcome;
use super::synthetic::{self, CLUSTER, UnitOptions};
use crate::e2e::cluster::{Cluster, KUSTOMIZATION};
use crate::e2e::demo::{Repository, Running};
use crate::e2e::recorder::{Recorder, Seen};
use crate::e2e::{Arguments, PATIENCE};

/// What a commit may take; the budget of the design is 100 ms.
const MEDIAN_AT_MOST: Duration = Duration::from_millis(150);

fn config_map(name: &str) -> (&'static str, &'static str, &'static str, String) {
    ("v1", "ConfigMap", "default", name.to_owned())
}

async fn wait_value(cluster: &Cluster, name: &str, value: &str, limit: Duration) -> Result<Duration> {
    let (api_version, kind, namespace, name) = config_map(name);
    let holds = |object: Option<&serde_json::Value>| object.is_some_and(|object| object["data"]["value"] == value);
    cluster.wait((api_version, kind, namespace, &name), limit, holds).await
}

/// Measured on the example, from the end of `git commit` until the object is read back changed.
pub async fn latency(_: Arguments) -> Result<Outcome> {
    let repository = Repository::example()?;
    let file = "apps/model-serving/overlays/dev/e2e-latency.yaml";
    let kustomization = "apps/model-serving/overlays/dev/kustomization.yaml";
    repository.write(file, &synthetic::config_map("latency", "0"))?;
    repository.replace(kustomization, "resources:\n", "resources:\n- e2e-latency.yaml\n")?;
    repository.commit("latency probe")?;
    let mut flux = Running::up(repository.path(), &[])?;
    flux.wait_ready(PATIENCE)?;
    let cluster = Cluster::open(repository.path(), "dev").await?;
    let probe = cluster
        .list("v1", "ConfigMap")
        .await?
        .into_iter()
        .find(|map| map["metadata"]["name"].as_str().is_some_and(|name| name.starts_with("latency")));
    let probe = probe.ok_or_else(|| anyhow::anyhow!("the probe was not applied"))?;
    let namespace = probe["metadata"]["namespace"].as_str().unwrap_or_default().to_owned();
    let name = probe["metadata"]["name"].as_str().unwrap_or_default().to_owned();
    let mut times = Vec::new();
    for round in 1..=20 {
        let value = round.to_string();
        repository.write(file, &synthetic::config_map("latency", &value))?;
        repository.commit(&format!("round {round}"))?;
        let start = Instant::now();
        let holds = |object: Option<&serde_json::Value>| object.is_some_and(|o| o["data"]["value"] == value.as_str());
        cluster.wait(("v1", "ConfigMap", &namespace, &name), PATIENCE, holds).await?;
        times.push(start.elapsed());
        // What the commit means to the other units and clusters is done by then: each round begins from rest.
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    times.sort();
    let median = (times[9] + times[10]) / 2;
    ensure!(median < MEDIAN_AT_MOST, "median {median:?} of {times:?}");
    Ok(Outcome::Held(format!("median {median:.0?}, fastest {:.0?}, slowest {:.0?}", times[0], times[19])))
}

pub async fn prune(_: Arguments) -> Result<Outcome> {
    let repository = synthetic::repository(&[("app".into(), UnitOptions::default())])?;
    repository.write("apps/app/kept.yaml", &synthetic::config_map("kept", "1"))?;
    repository.write("apps/app/removed.yaml", &synthetic::config_map("removed", "1"))?;
    repository.commit("two objects")?;
    let mut flux = Running::up(repository.path(), &[])?;
    flux.wait_ready(PATIENCE)?;
    let kubeconfig = repository.path().join(".flux/kubeconfig");
    let recorder = Recorder::start(kubeconfig, CLUSTER, &[("v1", "ConfigMap"), KUSTOMIZATION]);
    let cluster = Cluster::open(repository.path(), CLUSTER).await?;
    tokio::time::sleep(Duration::from_millis(300)).await;
    repository.remove("apps/app/removed.yaml")?;
    repository.write("apps/app/kept.yaml", &synthetic::config_map("kept", "2"))?;
    repository.commit("remove one, change the other")?;
    wait_value(&cluster, "kept", "2", PATIENCE).await?;
    let gone = cluster.wait(("v1", "ConfigMap", "default", "removed"), PATIENCE, |object| object.is_none()).await?;
    tokio::time::sleep(Duration::from_millis(300)).await;
    let record = recorder.record();
    let kept = &record["default_kept__ConfigMap"].seen;
    ensure!(!kept.iter().any(|seen| matches!(seen, Seen::Deleted { .. })), "the kept object saw a DELETE");
    let removed = &record["default_removed__ConfigMap"].seen;
    ensure!(matches!(removed.last(), Some(Seen::Deleted { .. })), "no DELETE of the removed object was recorded");
    Ok(Outcome::Held(format!("pruned {gone:.0?} after the kept one changed")))
}

pub async fn drift(_: Arguments) -> Result<Outcome> {
    let options = UnitOptions { interval: "3s", ..UnitOptions::default() };
    let repository = synthetic::repository(&[("app".into(), options)])?;
    repository.write("apps/app/a.yaml", &synthetic::config_map("a", "declared"))?;
    repository.write("apps/app/b.yaml", &synthetic::config_map("b", "declared"))?;
    repository.commit("declared")?;
    let mut flux = Running::up(repository.path(), &[])?;
    flux.wait_ready(PATIENCE)?;
    let cluster = Cluster::open(repository.path(), CLUSTER).await?;
    cluster.merge("v1", "ConfigMap", "default", "a", json!({"data": {"value": "drifted"}})).await?;
    let repaired = wait_value(&cluster, "a", "declared", Duration::from_secs(8)).await?;
    cluster.api("v1", "ConfigMap", Some("default")).delete("b", &Default::default()).await?;
    let recreated = wait_value(&cluster, "b", "declared", Duration::from_secs(8)).await?;
    let within = Duration::from_millis(3000 + 150 + 500);
    ensure!(repaired < within, "repaired after {repaired:?}, the interval is 3 s with 5 % jitter");
    ensure!(recreated < within, "recreated after {recreated:?}, the interval is 3 s with 5 % jitter");
    Ok(Outcome::Held(format!(
        "changed object repaired in {repaired:.1?}, deleted one in {recreated:.1?} (interval 3s)"
    )))
}
