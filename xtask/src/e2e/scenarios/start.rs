//! The main job as a user meets it: start, second start, memory, and the form for CI.

use std::time::Duration;

use anyhow::{Result, ensure};

use super::Outcome;
use super::synthetic::{self, UnitOptions};
use crate::e2e::demo::{Repository, Running};
use crate::e2e::{Arguments, PATIENCE};

const SECOND_START: Duration = Duration::from_secs(2);
const MEMORY_MIB: f64 = 96.0;

pub async fn start(_: Arguments) -> Result<Outcome> {
    let repository = Repository::example()?;
    let mut flux = Running::up(repository.path(), &[])?;
    flux.wait_ready(PATIENCE)?;
    let first = flux.started.elapsed();
    let export = flux.wait_for("export KUBECONFIG=", PATIENCE)?;
    ensure!(export.contains(".flux/kubeconfig"), "the export line is {export:?}");
    tokio::time::sleep(Duration::from_secs(2)).await;
    let (resident, peak) = flux.memory()?;
    let mut second = Running::up(repository.path(), &[])?;
    let status = second.wait_exit(PATIENCE)?;
    let pid = flux.pid().to_string();
    ensure!(status == 1 && second.tail().contains(&pid), "a second start exits {status}: {}", second.tail());
    flux.kill();
    let mut flux = Running::up(repository.path(), &[])?;
    flux.wait_ready(PATIENCE)?;
    let again = flux.started.elapsed();
    ensure!(again < SECOND_START, "the second start took {again:?}");
    ensure!(peak < MEMORY_MIB, "peak memory {peak:.0} MiB, resident {resident:.0} MiB");
    Ok(Outcome::Held(format!("first {first:.2?}, second {again:.2?}, resident {resident:.0} MiB, peak {peak:.0} MiB")))
}

pub async fn once(_: Arguments) -> Result<Outcome> {
    let repository = Repository::example()?;
    let mut flux = Running::up(repository.path(), &["--once"])?;
    let status = flux.wait_exit(PATIENCE)?;
    ensure!(status == 0, "exit {status}:\n{}", flux.tail());
    let table = flux.tail();
    for cluster in ["dev", "staging", "production"] {
        ensure!(table.contains(cluster), "the table does not name {cluster}:\n{table}");
    }
    let took = flux.started.elapsed();

    let broken =
        synthetic::repository(&[("good".into(), UnitOptions::default()), ("bad".into(), UnitOptions::default())])?;
    broken.write("apps/good/a.yaml", &synthetic::config_map("a", "1"))?;
    broken.write("apps/bad/kustomization.yaml", "resources:\n- missing.yaml\n")?;
    broken.commit("one unit that cannot be built")?;
    let mut flux = Running::up(broken.path(), &["--once", "--timeout", "3s"])?;
    let status = flux.wait_exit(PATIENCE)?;
    let report = flux.tail();
    ensure!(status == 1, "exit {status} though a unit is not ready:\n{report}");
    ensure!(report.contains("bad") && report.contains("missing.yaml"), "the reason is not named:\n{report}");
    Ok(Outcome::Held(format!("all ready and gone in {took:.2?}; exit 1 names the unit and the file")))
}
