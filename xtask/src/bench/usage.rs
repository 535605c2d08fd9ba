//! What a running process has used.

use std::fs;

use anyhow::{Context as _, Result};

use crate::e2e::demo::Running;

/// CPU seconds and peak memory of a process so far.
pub struct Usage {
    pub cpu: f64,
    pub peak_mib: f64,
}

/// Reads the figures of a process we started.
pub fn usage(flux: &Running) -> Result<Usage> {
    let stat = fs::read_to_string(format!("/proc/{}/stat", flux.pid()))?;
    let after = stat.rsplit_once(')').context("the name in /proc/PID/stat is in brackets")?.1;
    let fields: Vec<&str> = after.split_whitespace().collect();
    // Fields 14 and 15 of the whole line: user and system time in clock ticks of 10 ms.
    let ticks: f64 = fields[11].parse::<f64>()? + fields[12].parse::<f64>()?;
    Ok(Usage { cpu: ticks / 100.0, peak_mib: flux.memory()?.1 })
}
