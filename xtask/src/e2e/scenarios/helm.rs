//! HelmReleases of charts in the repository: their life, many of them, and kill -9.

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use serde_json::{Value, json};

use super::Outcome;
use super::synthetic::{self, CLUSTER, UnitOptions};
use crate::e2e::cluster::{Cluster, condition};
use crate::e2e::demo::{Repository, Running};
use crate::e2e::{Arguments, PATIENCE};

const RELEASE: (&str, &str) = ("helm.toolkit.fluxcd.io/v2", "HelmRelease");
const MANY: usize = 200;
const KILLED: usize = 6;
const QUICK: Duration = Duration::from_millis(500);

/// A chart whose ConfigMap has the value, and whose Deployment never gets ready with the image `broken`.
fn write_chart(repository: &Repository) -> Result<()> {
    repository.write("charts/demo/Chart.yaml", "apiVersion: v2\nname: demo\nversion: 1.0.0\nappVersion: \"1\"\n")?;
    repository.write("charts/demo/values.yaml", "value: none\nimage: \"\"\n")?;
    repository.write(
        "charts/demo/templates/map.yaml",
        "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {{ .Release.Name }}\ndata:\n  value: {{ .Values.value | quote }}\n",
    )?;
    let deployment = synthetic::deployment("{{ .Release.Name }}", "{{ .Values.image }}");
    repository
        .write("charts/demo/templates/web.yaml", &format!("{{{{ if .Values.image }}}}\n{deployment}{{{{ end }}}}\n"))?;
    repository.write(
        "charts/demo/templates/test.yaml",
        "{{ if .Values.test }}\napiVersion: batch/v1\nkind: Job\nmetadata:\n  name: {{ .Release.Name }}-test\n  annotations:\n    helm.sh/hook: test\nspec:\n  template:\n    spec:\n      restartPolicy: Never\n      containers:\n      - {name: a, image: example.com/test:1}\n{{ end }}\n",
    )
}

fn release(name: &str, spec: &Value, values: &Value) -> String {
    let mut full = json!({
        "interval": "10m", "timeout": "30s", "releaseName": name, "values": values,
        "chart": {"spec": {"chart": "./charts/demo", "sourceRef": {"kind": "GitRepository", "name": "flux-system"}}},
    });
    for (key, value) in spec.as_object().into_iter().flatten() {
        full[key] = value.clone();
    }
    let object = json!({"apiVersion": RELEASE.0, "kind": RELEASE.1,
        "metadata": {"name": name, "namespace": "flux-system"}, "spec": full});
    format!("---\n{object}\n")
}

fn write_releases(repository: &Repository, count: usize, value: &str) -> Result<()> {
    let mut text = String::new();
    for n in 0..count {
        let _ = write!(text, "{}", release(&format!("app-{n:03}"), &json!({}), &json!({"value": value})));
    }
    repository.write(&format!("clusters/{CLUSTER}/releases.yaml"), &text)
}

fn repository() -> Result<Repository> {
    let units: [(String, UnitOptions); 0] = [];
    let repository = synthetic::repository(&units)?;
    repository.remove(&format!("clusters/{CLUSTER}/units.yaml")).ok();
    write_chart(&repository)?;
    repository.write(".flux-up.yaml", "failingImages: [\"*:broken\"]\n")?;
    Ok(repository)
}

fn value_is(value: &'static str) -> impl Fn(Option<&Value>) -> bool {
    move |object| object.is_some_and(|object| object["data"]["value"] == value)
}

fn reason_is(kind: &'static str, reason: &'static str) -> impl Fn(Option<&Value>) -> bool {
    move |object| object.is_some_and(|object| condition(object, kind).1 == reason)
}

/// Version and status of the records of a release, from their labels, oldest first.
async fn records(cluster: &Cluster, name: &str) -> Result<Vec<(i64, String)>> {
    let label = |secret: &Value, key: &str| secret["metadata"]["labels"][key].as_str().unwrap_or_default().to_owned();
    let secrets = cluster.list("v1", "Secret").await?;
    let own = secrets.iter().filter(|secret| label(secret, "owner") == "helm" && label(secret, "name") == name);
    let mut found: Vec<(i64, String)> =
        own.map(|secret| Ok((label(secret, "version").parse()?, label(secret, "status")))).collect::<Result<_>>()?;
    found.sort();
    Ok(found)
}

/// Install, upgrade, failed upgrade with rollback, drift, tests, uninstall, and an upgrade with nothing slow in it.
pub async fn life(_: Arguments) -> Result<Outcome> {
    let repository = repository()?;
    let file = format!("clusters/{CLUSTER}/releases.yaml");
    let rolls_back = json!({"remediation": {"retries": 0, "remediateLastFailure": true}});
    let spec = json!({"timeout": "2s", "upgrade": rolls_back, "driftDetection": {"mode": "enabled"}, "interval": "1s"});
    repository.write(&file, &release("app", &spec, &json!({"value": "one"})))?;
    repository.commit("a release")?;
    let mut flux = Running::up(repository.path(), &[])?;
    flux.wait_ready(PATIENCE)?;
    let cluster = Cluster::open(repository.path(), CLUSTER).await?;
    let object = (RELEASE.0, RELEASE.1, "flux-system", "app");
    let map = ("v1", "ConfigMap", "flux-system", "app");
    cluster.wait(map, PATIENCE, value_is("one")).await?;

    // The spec itself is changed, so that only the upgrade is measured.
    let start = Instant::now();
    let patch = json!({"spec": {"values": {"value": "two"}}});
    cluster.merge(RELEASE.0, RELEASE.1, "flux-system", "app", patch).await?;
    cluster.wait(object, PATIENCE, reason_is("Ready", "UpgradeSucceeded")).await?;
    let upgrade = start.elapsed();
    ensure!(upgrade < QUICK, "an upgrade took {upgrade:?}");

    cluster.merge("v1", "ConfigMap", "flux-system", "app", json!({"data": {"value": "drifted"}})).await?;
    cluster.wait(map, PATIENCE, value_is("two")).await?;

    repository.write(&file, &release("app", &spec, &json!({"value": "bad", "image": "example.com/app:broken"})))?;
    repository.commit("an upgrade that fails")?;
    cluster.wait(object, PATIENCE, reason_is("Remediated", "RollbackSucceeded")).await?;
    cluster.wait(map, PATIENCE, value_is("two")).await?;

    let tested = json!({"timeout": "30s", "test": {"enable": true}});
    repository.write(&file, &release("app", &tested, &json!({"value": "three", "test": true})))?;
    repository.commit("a release with tests")?;
    cluster.wait(object, PATIENCE, reason_is("TestSuccess", "TestSucceeded")).await?;
    let records_now = records(&cluster, "app").await?;
    let deployed = records_now.iter().filter(|(_, status)| status == "deployed").count();
    ensure!(deployed == 1, "deployed revisions: {records_now:?}");

    repository.remove(&file)?;
    repository.write(
        &format!("clusters/{CLUSTER}/other.yaml"),
        "apiVersion: v1\nkind: Namespace\nmetadata:\n  name: other\n",
    )?;
    repository.commit("no release")?;
    cluster.wait(map, PATIENCE, |object| object.is_none()).await?;
    cluster.wait(object, PATIENCE, |object| object.is_none()).await?;
    ensure!(records(&cluster, "app").await?.is_empty(), "records are left");
    Ok(Outcome::Held(format!("upgrade in {upgrade:.0?}, rolled back, drift corrected, tested, uninstalled")))
}

/// Two hundred releases: installed, then upgraded by one commit.
pub async fn many(_: Arguments) -> Result<Outcome> {
    let repository = repository()?;
    write_releases(&repository, MANY, "one")?;
    repository.commit("many releases")?;
    let mut flux = Running::up(repository.path(), &[])?;
    flux.wait_for("kubeconfig:", PATIENCE)?;
    let cluster = Cluster::open(repository.path(), CLUSTER).await?;
    let start = Instant::now();
    all_at(&cluster, MANY, "one").await?;
    let (installed, cpu) = (start.elapsed(), cpu_seconds(flux.pid())?);
    write_releases(&repository, MANY, "two")?;
    repository.commit("upgrade them all")?;
    let start = Instant::now();
    all_at(&cluster, MANY, "two").await?;
    let (upgraded, more) = (start.elapsed(), cpu_seconds(flux.pid())? - cpu);
    Ok(Outcome::Held(format!(
        "{MANY} installed in {installed:.1?} ({cpu:.1} CPU s with start and API server), upgraded in {upgraded:.1?} ({more:.1} CPU s)"
    )))
}

async fn all_at(cluster: &Cluster, count: usize, value: &'static str) -> Result<()> {
    for n in 0..count {
        let name = format!("app-{n:03}");
        cluster.wait(("v1", "ConfigMap", "flux-system", &name), PATIENCE * 2, value_is(value)).await?;
        let ready = |object: Option<&Value>| object.is_some_and(|object| condition(object, "Ready").0 == "True");
        cluster.wait((RELEASE.0, RELEASE.1, "flux-system", &name), PATIENCE, ready).await?;
    }
    Ok(())
}

/// User and system time of a process; Linux counts in hundredths of a second.
fn cpu_seconds(pid: u32) -> Result<f64> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat"))?;
    let fields: Vec<&str> = stat.rsplit(") ").next().unwrap_or_default().split(' ').collect();
    let ticks = |at: usize| fields.get(at).and_then(|field| field.parse::<f64>().ok()).unwrap_or_default();
    Ok((ticks(11) + ticks(12)) / 100.0)
}

/// kill -9 at random moments while commits upgrade the releases: one deployed revision each, no gaps.
pub async fn kill(arguments: Arguments) -> Result<Outcome> {
    let kills = if arguments.long { 200 } else { 20 };
    let repository = repository()?;
    write_releases(&repository, KILLED, "start")?;
    repository.commit("releases")?;
    let mut flux = Running::up(repository.path(), &[])?;
    flux.wait_ready(PATIENCE)?;
    let mut seed = 0x9e37_79b9_7f4a_7c15_u64;
    for round in 0..kills {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        write_releases(&repository, KILLED, &format!("round-{round}"))?;
        repository.commit(&format!("round {round}"))?;
        tokio::time::sleep(Duration::from_millis(150 + seed % 900)).await;
        flux.kill();
        flux = Running::up(repository.path(), &[])?;
    }
    write_releases(&repository, KILLED, "end")?;
    repository.commit("end")?;
    flux.wait_for("kubeconfig:", PATIENCE)?;
    let cluster = Cluster::open(repository.path(), CLUSTER).await?;
    all_at(&cluster, KILLED, "end").await?;
    for n in 0..KILLED {
        let name = format!("app-{n:03}");
        let found = records(&cluster, &name).await?;
        let deployed = found.iter().filter(|(_, status)| status == "deployed").count();
        let contiguous = found.windows(2).all(|pair| pair[1].0 == pair[0].0 + 1);
        let settled = found.iter().all(|(_, status)| !status.starts_with("pending") && status != "uninstalling");
        ensure!(deployed == 1 && contiguous && settled, "{name}: {found:?}");
    }
    Ok(Outcome::Held(format!("{kills} kills, {KILLED} releases: one deployed revision each, no gaps, none pending")))
}
