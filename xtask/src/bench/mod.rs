//! `cargo xtask bench [NAME]`: figures, each with the machine and input that made them.

mod fleet;
mod git;

use std::fs;

use anyhow::{Context as _, Result, bail};

use crate::e2e::demo::Running;

/// Runs one bench, or all.
pub fn run(name: Option<&str>, arguments: &[String]) -> Result<bool> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    machine();
    match name {
        None => {
            runtime.block_on(fleet::run(arguments))?;
            runtime.block_on(git::run())?;
        }
        Some("fleet") => runtime.block_on(fleet::run(arguments))?,
        Some("git") => runtime.block_on(git::run())?,
        Some(other) => bail!("unknown bench `{other}`; there are: fleet, git"),
    }
    Ok(true)
}

fn machine() {
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    println!("machine: {cores} cores, load {}", load.split_whitespace().next().unwrap_or("unknown"));
}

/// CPU seconds and peak memory of a process so far.
struct Usage {
    cpu: f64,
    peak_mib: f64,
}

fn usage(flux: &Running) -> Result<Usage> {
    let stat = fs::read_to_string(format!("/proc/{}/stat", flux.pid()))?;
    let after = stat.rsplit_once(')').context("the name in /proc/PID/stat is in brackets")?.1;
    let fields: Vec<&str> = after.split_whitespace().collect();
    // Fields 14 and 15 of the whole line: user and system time in clock ticks of 10 ms.
    let ticks: f64 = fields[11].parse::<f64>()? + fields[12].parse::<f64>()?;
    Ok(Usage { cpu: ticks / 100.0, peak_mib: flux.memory()?.1 })
}
