//! Many Kustomizations of one repository on the embedded server: create, no change, a commit that touches all.
//!
//! The layout is that of the upstream baseline's `shared` runs: one folder with postBuild substitution; each unit
//! applies a Namespace, a Deployment, a Service and a ConfigMap.

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use futures::{StreamExt as _, TryStreamExt as _};
use kube::api::{Patch, PatchParams};
use serde_json::{Value, json};

use super::usage;
use crate::e2e::cluster::{Cluster, KUSTOMIZATION, condition};
use crate::e2e::demo::{Repository, Running};

const LIMIT: Duration = Duration::from_secs(600);

pub async fn run(arguments: &[String]) -> Result<()> {
    let count: usize = match arguments.first() {
        Some(text) => text.parse().context("the number of Kustomizations")?,
        None => 1000,
    };
    let repository = Repository::empty()?;
    write(&repository, count, "1")?;
    repository.commit("fleet")?;
    let mut flux = Running::up(repository.path(), &["--concurrent=4"])?;
    flux.wait_ready(LIMIT)?;
    let created = flux.started.elapsed();
    let at_create = usage(&flux)?;
    println!("{count} Kustomizations, 4 objects each, embedded server with simulation, one process");
    println!(
        "create until all Ready: {:.1} s wall, {:.1} CPU s, peak {:.0} MiB",
        created.as_secs_f64(),
        at_create.cpu,
        at_create.peak_mib
    );

    let cluster = Cluster::open(repository.path(), "fleet").await?;
    settle(&flux).await?;
    let before = usage(&flux)?;
    let pass = no_change(&cluster, count).await?;
    let after = usage(&flux)?;
    println!(
        "no-change pass: {:.1} s wall, {:.1} CPU s, peak {:.0} MiB",
        pass.as_secs_f64(),
        after.cpu - before.cpu,
        after.peak_mib
    );

    settle(&flux).await?;
    let before = usage(&flux)?;
    write(&repository, count, "2")?;
    let revision = repository.commit("touch all")?;
    let start = Instant::now();
    wait_all(&cluster, count, |object| {
        let applied = object.pointer("/status/lastAppliedRevision").and_then(Value::as_str).unwrap_or_default();
        applied.ends_with(&revision) && condition(object, "Ready").0 == "True"
    })
    .await?;
    let wall = start.elapsed();
    let after = usage(&flux)?;
    println!(
        "commit that touches all: {:.1} s wall, {:.1} CPU s, peak {:.0} MiB",
        wall.as_secs_f64(),
        after.cpu - before.cpu,
        after.peak_mib
    );
    Ok(())
}

/// Waits until the process is idle, so that one phase's rest is not counted to the next.
async fn settle(flux: &Running) -> Result<()> {
    let mut last = usage(flux)?.cpu;
    for _ in 0..60 {
        tokio::time::sleep(Duration::from_millis(500)).await;
        let now = usage(flux)?.cpu;
        if now - last < 0.02 {
            break;
        }
        last = now;
    }
    Ok(())
}

async fn no_change(cluster: &Cluster, count: usize) -> Result<Duration> {
    let (api_version, kind) = KUSTOMIZATION;
    let api = cluster.api(api_version, kind, Some("flux-system"));
    let token = "bench-pass";
    let patch = Patch::Merge(json!({"metadata": {"annotations": {"reconcile.fluxcd.io/requestedAt": token}}}));
    let start = Instant::now();
    let names = (0..count).map(|n| format!("app-{n:04}"));
    let requests = names.map(|name| {
        let (api, patch) = (api.clone(), patch.clone());
        async move { api.patch(&name, &PatchParams::default(), &patch).await }
    });
    futures::stream::iter(requests).buffer_unordered(8).try_for_each(|_| async { Ok(()) }).await?;
    wait_all(cluster, count, |object| object.pointer("/status/lastHandledReconcileAt") == Some(&token.into())).await?;
    Ok(start.elapsed())
}

async fn wait_all(cluster: &Cluster, count: usize, holds: impl Fn(&Value) -> bool) -> Result<()> {
    let (api_version, kind) = KUSTOMIZATION;
    let start = Instant::now();
    loop {
        let all = cluster.list(api_version, kind).await?;
        let ours =
            all.iter().filter(|object| object["metadata"]["name"].as_str().is_some_and(|n| n.starts_with("app-")));
        let done = ours.filter(|object| holds(object)).count();
        if done == count {
            return Ok(());
        }
        ensure!(start.elapsed() < LIMIT, "{done} of {count} after {LIMIT:?}");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

fn write(repository: &Repository, count: usize, value: &str) -> Result<()> {
    let mut units = String::new();
    for n in 0..count {
        let _ = write!(
            units,
            "---\napiVersion: kustomize.toolkit.fluxcd.io/v1\nkind: Kustomization\nmetadata:\n  name: app-{n:04}\n  \
             namespace: flux-system\nspec:\n  interval: 60m\n  prune: true\n  path: ./app\n  sourceRef:\n    kind: \
             GitRepository\n    name: flux-system\n  postBuild:\n    substitute:\n      name: app-{n:04}\n"
        );
    }
    repository.write("clusters/fleet/units.yaml", &units)?;
    repository.write("app/app.yaml", &APP.replace("VALUE", value))
}

const APP: &str = "\
apiVersion: v1
kind: Namespace
metadata:
  name: ${name}
---
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
  namespace: ${name}
spec:
  replicas: 1
  selector:
    matchLabels:
      app: web
  template:
    metadata:
      labels:
        app: web
    spec:
      containers:
      - name: web
        image: example.com/web:1.0.0
        ports:
        - containerPort: 8080
        resources:
          requests:
            cpu: 10m
---
apiVersion: v1
kind: Service
metadata:
  name: web
  namespace: ${name}
spec:
  selector:
    app: web
  ports:
  - port: 80
    targetPort: 8080
---
apiVersion: v1
kind: ConfigMap
metadata:
  name: settings
  namespace: ${name}
data:
  app: ${name}
  value: \"VALUE\"
";
