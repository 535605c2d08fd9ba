//! Health never holds a worker: units that hang delay nobody, nor their own fix.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use serde_json::Value;

use super::Outcome;
use super::synthetic::{self, CLUSTER, UnitOptions};
use crate::e2e::cluster::{Cluster, KUSTOMIZATION, condition};
use crate::e2e::demo::{Repository, Running};
use crate::e2e::{Arguments, PATIENCE};

const HANGING: usize = 50;
const STARTS_WITHIN: Duration = Duration::from_secs(1);
const BROKEN: &str = "example.com/app:broken";

/// With four slots, fifty units wait for Deployments that never become available.
pub async fn hang(_: Arguments) -> Result<Outcome> {
    let hanging = UnitOptions { wait: true, timeout: "10m", ..UnitOptions::default() };
    let mut units: Vec<(String, UnitOptions)> = (0..HANGING).map(|n| (format!("hang-{n:02}"), hanging)).collect();
    units.push(("free".into(), UnitOptions::default()));
    let repository = synthetic::repository(&units)?;
    repository.write(".flux-up.yaml", "failingImages: [\"*:broken\"]\n")?;
    for (name, _) in &units[..HANGING] {
        repository.write(&format!("apps/{name}/deployment.yaml"), &synthetic::deployment(name, BROKEN))?;
    }
    repository.write("apps/free/a.yaml", &synthetic::config_map("free", "1"))?;
    repository.commit("fifty that hang")?;
    let mut flux = Running::up(repository.path(), &["--concurrent=4"])?;
    flux.wait_for("kubeconfig:", PATIENCE)?;
    let cluster = Cluster::open(repository.path(), CLUSTER).await?;
    let parked = wait_all_checking(&cluster, &units[..HANGING]).await?;

    repository.write("apps/free/a.yaml", &synthetic::config_map("free", "2"))?;
    repository.commit("a change to the free unit")?;
    let changed = |object: Option<&Value>| object.is_some_and(|object| object["data"]["value"] == "2");
    let free = cluster.wait(("v1", "ConfigMap", "default", "free"), PATIENCE, changed).await?;
    ensure!(free < STARTS_WITHIN, "the free unit's change took {free:?}");

    let fixed = "hang-07";
    repository
        .write(&format!("apps/{fixed}/deployment.yaml"), &synthetic::deployment(fixed, "example.com/app:good"))?;
    let start = Instant::now();
    repository.commit("fix one")?;
    let good = |object: Option<&Value>| {
        object.is_some_and(|o| {
            o.pointer("/spec/template/spec/containers/0/image") == Some(&"example.com/app:good".into())
        })
    };
    cluster.wait(("apps/v1", "Deployment", "default", fixed), PATIENCE, good).await?;
    let fix = start.elapsed();
    ensure!(fix < STARTS_WITHIN, "the fix was applied after {fix:?}");
    let (api_version, kind) = KUSTOMIZATION;
    let ready = |object: Option<&Value>| object.is_some_and(|object| condition(object, "Ready").0 == "True");
    let healthy = cluster.wait((api_version, kind, "flux-system", fixed), PATIENCE, ready).await?;
    Ok(Outcome::Held(format!(
        "50 parked in {parked:.1?}, other unit applied in {free:.0?}, fix applied in {fix:.0?}, ready {healthy:.0?} later"
    )))
}

async fn wait_all_checking(cluster: &Cluster, units: &[(String, UnitOptions)]) -> Result<Duration> {
    let start = Instant::now();
    let (api_version, kind) = KUSTOMIZATION;
    for (name, _) in units {
        let checking = |object: Option<&Value>| {
            object.is_some_and(|object| {
                let applied = object.pointer("/status/inventory/entries").and_then(Value::as_array);
                applied.is_some_and(|entries| !entries.is_empty()) && condition(object, "Ready").0 != "True"
            })
        };
        cluster.wait((api_version, kind, "flux-system", name), PATIENCE, checking).await?;
    }
    Ok(start.elapsed())
}

/// On the example: the staging image breaks, everything else goes on, the fix starts within a second.
pub async fn broken_image(_: Arguments) -> Result<Outcome> {
    let repository = Repository::example()?;
    let mut flux = Running::up(repository.path(), &["--cluster", "staging"])?;
    flux.wait_ready(PATIENCE)?;
    let cluster = Cluster::open(repository.path(), "staging").await?;
    let overlay = "apps/model-serving/overlays/staging/kustomization.yaml";
    let good = repository.read(overlay)?;
    let tag = good.lines().find(|line| line.contains("newTag:")).unwrap_or_default().to_owned();
    ensure!(!tag.is_empty(), "the staging overlay has no newTag");
    // The example's `.flux-up.yaml` declares that images with this word cannot be pulled.
    repository.replace(overlay, &tag, "  newTag: 0.0.0-broken")?;
    repository.commit("break staging")?;
    let broken = |object: &Value| image_of(object).ends_with(":0.0.0-broken");
    wait_deployment(&cluster, PATIENCE, &broken).await?;
    tokio::time::sleep(Duration::from_millis(500)).await;
    repository.write(overlay, &good)?;
    let start = Instant::now();
    repository.commit("fix staging")?;
    wait_deployment(&cluster, PATIENCE, &|object| !broken(object)).await?;
    let fix = start.elapsed();
    ensure!(fix < STARTS_WITHIN, "the fix was applied after {fix:?}");
    flux.drain();
    Ok(Outcome::Held(format!("fix applied in {fix:.0?} while health was failing")))
}

fn image_of(deployment: &Value) -> &str {
    deployment.pointer("/spec/template/spec/containers/0/image").and_then(Value::as_str).unwrap_or_default()
}

async fn wait_deployment(cluster: &Cluster, limit: Duration, holds: &dyn Fn(&Value) -> bool) -> Result<()> {
    let start = Instant::now();
    loop {
        let all = cluster.list("apps/v1", "Deployment").await?;
        let ours = all.iter().filter(|d| d["metadata"]["namespace"] == "ml-staging").find(|d| {
            let name = d["metadata"]["name"].as_str().unwrap_or_default();
            name.contains("model-server") && !name.contains("canary")
        });
        if ours.is_some_and(holds) {
            return Ok(());
        }
        ensure!(start.elapsed() < limit, "the staging Deployment did not get there: {ours:?}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}
