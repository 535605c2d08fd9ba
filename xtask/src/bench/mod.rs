//! `cargo xtask bench [NAME]`: figures, each with the machine and input that made them.

#[cfg(feature = "e2e")]
mod fleet;
#[cfg(feature = "e2e")]
mod git;
mod kustomize;
#[cfg(feature = "e2e")]
mod usage;

use anyhow::{Result, bail};

#[cfg(feature = "e2e")]
use usage::usage;

const NAMES: &str = "fleet, git, kustomize";

/// Runs one bench, or all.
pub fn run(name: Option<&str>, arguments: &[String]) -> Result<bool> {
    machine();
    match name {
        None => {
            clusters("fleet", arguments)?;
            clusters("git", arguments)?;
            kustomize::run(arguments)?;
        }
        Some("kustomize") => kustomize::run(arguments)?,
        Some(name @ ("fleet" | "git")) => clusters(name, arguments)?,
        Some(other) => bail!("unknown bench `{other}`; there are: {NAMES}"),
    }
    Ok(true)
}

/// Benches that drive controllers.
#[cfg(feature = "e2e")]
fn clusters(name: &str, arguments: &[String]) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    match name {
        "fleet" => runtime.block_on(fleet::run(arguments)),
        _ => runtime.block_on(git::run()),
    }
}

#[cfg(not(feature = "e2e"))]
fn clusters(name: &str, _: &[String]) -> Result<()> {
    bail!("the bench `{name}` needs the feature `e2e`")
}

fn machine() {
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    println!("machine: {cores} cores, load {}", load.split_whitespace().next().unwrap_or("unknown"));
}
