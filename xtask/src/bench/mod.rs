//! `cargo xtask bench [NAME]`: figures, each with the machine and input that made them.

mod fleet;

use anyhow::{Result, bail};

/// Runs one bench, or all.
pub fn run(name: Option<&str>, arguments: &[String]) -> Result<bool> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    machine();
    match name {
        None | Some("fleet") => runtime.block_on(fleet::run(arguments))?,
        Some(other) => bail!("unknown bench `{other}`; there is: fleet"),
    }
    Ok(true)
}

fn machine() {
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    println!("machine: {cores} cores, load {}", load.split_whitespace().next().unwrap_or("unknown"));
}
