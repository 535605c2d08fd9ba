//! Time and memory of whole processes.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};

/// A program is run again until it has taken this long in all.
const ENOUGH: Duration = Duration::from_millis(1_000);
const MOST_RUNS: usize = 15;

/// Of one run: the median wall time and the mean processor time in seconds, and the peak of memory in MiB.
pub struct Figures {
    pub wall: f64,
    pub cpu: f64,
    pub memory: f64,
}

/// Runs a program until its times are known well.
pub fn measure(program: &Path, arguments: &[String]) -> Result<Figures> {
    let mut walls = Vec::new();
    let (mut memory, before) = (0_f64, children()?);
    let start = Instant::now();
    while walls.is_empty() || (start.elapsed() < ENOUGH && walls.len() < MOST_RUNS) {
        let (wall, peak) = once(program, arguments)?;
        walls.push(wall);
        memory = memory.max(peak);
    }
    let cpu = (children()? - before) / walls.len() as f64;
    walls.sort_by(f64::total_cmp);
    Ok(Figures { wall: walls[walls.len() / 2], cpu, memory })
}

/// Wall seconds and peak MiB of one run; its output goes nowhere.
fn once(program: &Path, arguments: &[String]) -> Result<(f64, f64)> {
    let start = Instant::now();
    let mut child = Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .with_context(|| format!("start {}", program.display()))?;
    let status = format!("/proc/{}/status", child.id());
    // The kernel forgets the peak when the process ends, so it is asked for all the time until then.
    let sampler = std::thread::spawn(move || {
        let mut peak = 0_f64;
        while let Some(now) = fs::read_to_string(&status).ok().as_deref().and_then(high_water) {
            peak = peak.max(now);
            std::thread::sleep(Duration::from_micros(500));
        }
        peak
    });
    let ended = child.wait()?;
    let wall = start.elapsed().as_secs_f64();
    let peak = sampler.join().unwrap_or_default();
    if !ended.success() {
        bail!("{} {} failed: {ended}", program.display(), arguments.join(" "));
    }
    Ok((wall, peak))
}

fn high_water(status: &str) -> Option<f64> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    Some(line.trim().trim_end_matches("kB").trim().parse::<f64>().ok()? / 1024.0)
}

/// Processor seconds of all children that have ended.
fn children() -> Result<f64> {
    let stat = fs::read_to_string("/proc/self/stat")?;
    let after = stat.rsplit_once(')').context("the name in /proc/self/stat is in brackets")?.1;
    let fields: Vec<&str> = after.split_whitespace().collect();
    // Fields 16 and 17 of the whole line, in clock ticks of 10 ms.
    Ok((fields[13].parse::<f64>()? + fields[14].parse::<f64>()?) / 100.0)
}
