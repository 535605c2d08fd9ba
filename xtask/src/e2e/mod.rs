//! `cargo xtask e2e`: the built binary, from outside, on a copy of the example that is a repository of its own.

pub mod cluster;
pub mod demo;
mod judge;
mod recorder;
mod scenarios;
pub mod server;

use std::time::{Duration, Instant};

use anyhow::Result;

/// The arguments of the command.
#[derive(Clone, Debug, Default)]
pub struct Arguments {
    pub only: Option<String>,
    /// The long form of the fault campaigns.
    pub long: bool,
}

/// A state that every scenario waits for at most so long, unless it says otherwise.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// Runs the scenarios one after another; the answer says whether all passed.
pub fn run(arguments: &Arguments) -> Result<bool> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let (mut passed, mut failed, mut skipped) = (0, 0, 0);
    for scenario in scenarios::ALL {
        if arguments.only.as_ref().is_some_and(|only| !scenario.name.contains(only.as_str())) {
            continue;
        }
        println!("--- {}: {}", scenario.name, scenario.says);
        let start = Instant::now();
        let outcome = runtime.block_on((scenario.run)(arguments.clone()));
        let took = start.elapsed().as_secs_f64();
        match outcome {
            Ok(scenarios::Outcome::Held(figures)) => {
                passed += 1;
                println!(
                    "ok   {} in {took:.1} s{}{figures}",
                    scenario.name,
                    if figures.is_empty() { "" } else { ": " }
                );
            }
            Ok(scenarios::Outcome::Skipped(why)) => {
                skipped += 1;
                println!("skip {}: {why}", scenario.name);
            }
            Err(error) => {
                failed += 1;
                println!("FAIL {} in {took:.1} s: {error:?}", scenario.name);
            }
        }
    }
    let note = if skipped > 0 { format!(", {skipped} skipped") } else { String::new() };
    println!("{passed} passed, {failed} failed{note}");
    Ok(failed == 0 && passed > 0)
}
