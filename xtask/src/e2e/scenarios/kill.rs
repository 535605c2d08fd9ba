//! kill -9 while commits arrive: nothing is lost, nothing is orphaned, nothing is pruned by mistake.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;

use super::Outcome;
use super::synthetic::{self, CLUSTER, UnitOptions};
use crate::e2e::cluster::{Cluster, KUSTOMIZATION};
use crate::e2e::demo::{Repository, Running};
use crate::e2e::recorder::{OWNER_LABEL, Recorder, inventory_id};
use crate::e2e::{Arguments, PATIENCE, judge};

const UNITS: usize = 6;
const STABLE_PER_UNIT: usize = 4;
const COMMIT_EVERY: Duration = Duration::from_millis(200);

/// The points a controller can be told to die at, each of the kustomize controller's steps.
const STEPS: &[&str] =
    &["archive", "fetch", "build", "announce", "dry-run", "apply-1", "apply-3", "status", "prune-1", "finalizer"];

fn unit_name(unit: usize) -> String {
    format!("unit-{unit}")
}

/// What round `round` of the history says about a unit: stable objects with a new value, and one that comes and goes.
fn write_round(repository: &Repository, round: usize) -> Result<()> {
    for unit in 0..UNITS {
        let folder = format!("apps/{}", unit_name(unit));
        for n in 0..STABLE_PER_UNIT {
            let name = format!("stable-{unit}-{n}");
            let text = synthetic::config_map(&name, &round.to_string());
            repository.write(&format!("{folder}/{name}.yaml"), &text)?;
        }
        let before = format!("{folder}/passing-{unit}-{}.yaml", (round + 2) % 3);
        if repository.path().join(&before).exists() {
            repository.remove(&before)?;
        }
        let name = format!("passing-{unit}-{}", round % 3);
        repository.write(&format!("{folder}/{name}.yaml"), &synthetic::config_map(&name, &round.to_string()))?;
    }
    Ok(())
}

fn history() -> Result<Repository> {
    let options = UnitOptions { interval: "5s", ..UnitOptions::default() };
    let units: Vec<_> = (0..UNITS).map(|unit| (unit_name(unit), options)).collect();
    let repository = synthetic::repository(&units)?;
    write_round(&repository, 0)?;
    repository.commit("round 0")?;
    Ok(repository)
}

/// Commits a round every 200 ms until told to stop; the answer is the last round.
fn committer(repository: Arc<Repository>, stop: Arc<AtomicBool>) -> std::thread::JoinHandle<Result<usize>> {
    std::thread::spawn(move || {
        let mut round = 0;
        while !stop.load(Ordering::Relaxed) {
            round += 1;
            write_round(&repository, round)?;
            repository.commit(&format!("round {round}"))?;
            std::thread::sleep(COMMIT_EVERY);
        }
        Ok(round)
    })
}

pub async fn random(arguments: Arguments) -> Result<Outcome> {
    let kills = if arguments.long { 200 } else { 20 };
    let repository = Arc::new(history()?);
    let mut flux = Running::up(repository.path(), &[])?;
    flux.wait_ready(PATIENCE)?;
    let recorder = recorder(repository.path());
    let stop = Arc::new(AtomicBool::new(false));
    let commits = committer(repository.clone(), stop.clone());
    let mut seed = 0x2545_f491_4f6c_dd1d_u64;
    for _ in 0..kills {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        // Long enough to start, short enough to meet every phase of an attempt.
        tokio::time::sleep(Duration::from_millis(150 + seed % 900)).await;
        flux.kill();
        flux = Running::up(repository.path(), &[])?;
    }
    stop.store(true, Ordering::Relaxed);
    let rounds = commits.join().expect("the committer does not panic")?;
    settle(&repository, &mut flux, rounds, &recorder).await?;
    Ok(Outcome::Held(format!("{kills} kills over {rounds} commits, K1 to K3 hold")))
}

pub async fn steps(arguments: Arguments) -> Result<Outcome> {
    let times = if arguments.long { 20 } else { 1 };
    let repository = Arc::new(history()?);
    let mut flux = Running::up(repository.path(), &[])?;
    flux.wait_ready(PATIENCE)?;
    let recorder = recorder(repository.path());
    let (mut round, mut died) = (0, BTreeSet::new());
    for _ in 0..times {
        for step in STEPS {
            flux.kill();
            let path = repository.path().to_str().context("a test path is UTF-8")?;
            flux = Running::flux(&["up", path], &[("FLUX_FAILPOINT", step)])?;
            round += 1;
            write_round(&repository, round)?;
            repository.commit(&format!("round {round}"))?;
            if flux.wait_exit(Duration::from_secs(4)).is_ok() {
                died.insert(*step);
            }
            flux.kill();
            flux = Running::up(repository.path(), &[])?;
            wait_round(&repository, &mut flux, round).await?;
        }
    }
    settle(&repository, &mut flux, round, &recorder).await?;
    // The finalizer step runs only when a unit is deleted.
    let missed: Vec<_> = STEPS.iter().filter(|step| !died.contains(*step) && **step != "finalizer").collect();
    ensure!(missed.is_empty(), "the process did not die at {missed:?}");
    Ok(Outcome::Held(format!("{} deaths at {} steps, K1 to K3 hold", times * died.len(), died.len())))
}

fn recorder(repository: &Path) -> Recorder {
    Recorder::start(repository.join(".flux/kubeconfig"), CLUSTER, &[("v1", "ConfigMap"), KUSTOMIZATION])
}

async fn wait_round(repository: &Repository, flux: &mut Running, round: usize) -> Result<()> {
    flux.wait_for("kubeconfig:", PATIENCE)?;
    let cluster = Cluster::open(repository.path(), CLUSTER).await?;
    for unit in 0..UNITS {
        let holds = |object: Option<&Value>| object.is_some_and(|object| object["data"]["value"] == round.to_string());
        let name = format!("stable-{unit}-0");
        cluster.wait(("v1", "ConfigMap", "default", &name), PATIENCE, holds).await?;
    }
    Ok(())
}

/// Waits until the last round is applied, then judges the record and compares what is live with what is declared.
async fn settle(repository: &Repository, flux: &mut Running, round: usize, recorder: &Recorder) -> Result<()> {
    wait_round(repository, flux, round).await?;
    let cluster = Cluster::open(repository.path(), CLUSTER).await?;
    let declared: BTreeSet<String> = (0..UNITS)
        .flat_map(|unit| {
            let stable = (0..STABLE_PER_UNIT).map(move |n| format!("stable-{unit}-{n}"));
            stable.chain([format!("passing-{unit}-{}", round % 3)])
        })
        .map(|name| format!("default_{name}__ConfigMap"))
        .collect();
    let mut live = BTreeSet::new();
    for _ in 0..100 {
        tokio::time::sleep(Duration::from_millis(100)).await;
        live = owned(&cluster).await?;
        if live == declared {
            break;
        }
    }
    let extra: Vec<_> = live.difference(&declared).collect();
    let lost: Vec<_> = declared.difference(&live).collect();
    ensure!(extra.is_empty() && lost.is_empty(), "left over: {extra:?}, lost: {lost:?}\n{}", flux.tail());
    tokio::time::sleep(Duration::from_millis(500)).await;
    let broken = judge::violations(&recorder.record(), &|id| id.contains("_stable-"));
    ensure!(broken.is_empty(), "{} violations, first: {:#?}", broken.len(), &broken[..broken.len().min(5)]);
    Ok(())
}

async fn owned(cluster: &Cluster) -> Result<BTreeSet<String>> {
    let all = cluster.list("v1", "ConfigMap").await?;
    let ours = all.into_iter().filter(|map| map["metadata"]["labels"].get(OWNER_LABEL).is_some());
    let id = |mut map: Value| {
        map["apiVersion"] = "v1".into();
        map["kind"] = "ConfigMap".into();
        inventory_id(&map)
    };
    Ok(ours.map(id).collect())
}
