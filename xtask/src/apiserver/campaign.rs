//! `cargo xtask campaign apiserver`: the server is killed under load, again and again, and its history judged.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};

use super::history::{Outcome, Place, Watch, Write, judge_revisions, judge_state, judge_watch};
use super::load::{self, Dice, Payloads, RESOURCES};
use super::process::{Place as Folder, Running};

const CLIENTS: u64 = 8;
const WATCHERS: usize = 6;
/// Points inside a commit where the process dies in every third round.
const POINTS: [&str; 7] = [
    "before-commit=abort",
    "before-write=torn",
    "before-sync=abort",
    "after-sync=abort",
    "after-commit=abort",
    "before-publish=abort",
    "after-publish=abort",
];
/// A restart must be faster than this.
const RECOVERY: Duration = Duration::from_secs(2);

/// The arguments of the command.
#[derive(Clone, Debug, Default)]
pub struct Arguments {
    /// 1,000 kills instead of 50.
    pub long: bool,
    /// The built program; this one when absent.
    pub program: Option<std::path::PathBuf>,
    pub seed: Option<u64>,
}

/// Runs the campaign; the answer says whether every rule held.
pub fn run(arguments: &Arguments) -> Result<bool> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let kills = if arguments.long { 1000 } else { 50 };
    let seed = arguments.seed.unwrap_or_else(|| std::process::id().into());
    println!("{kills} kills of a server under {CLIENTS} writers and {WATCHERS} watchers, seed {seed}");
    runtime.block_on(async {
        let killed = kill_under_load(arguments, kills, seed).await?;
        let full = full_disk(arguments).await?;
        Ok(killed && full)
    })
}

/// What a round leaves for the next one.
struct Memory {
    state: BTreeMap<Place, (u64, u64)>,
    /// What was tried since.
    writes: Vec<Write>,
    /// The newest revision that anybody was shown.
    revision: u64,
    payloads: Payloads,
}

#[derive(Default)]
struct Tally {
    acknowledged: usize,
    unknown: usize,
    events: usize,
    slowest: Duration,
    violations: Vec<String>,
}

async fn kill_under_load(arguments: &Arguments, kills: u64, seed: u64) -> Result<bool> {
    let start = Instant::now();
    let folder = Folder::new(arguments.program.as_deref())?;
    let mut dice = Dice(seed);
    let mut memory =
        Memory { state: BTreeMap::new(), writes: Vec::new(), revision: 0, payloads: Arc::new(AtomicU64::new(1)) };
    let mut tally = Tally::default();
    for round in 0..kills {
        let point = POINTS[dice.roll(POINTS.len() as u64) as usize];
        let failpoints = if round % 3 == 2 { format!("{point}@{}", 20 + dice.roll(200)) } else { String::new() };
        let server = folder.start(&failpoints, true).await?;
        if round > 0 {
            tally.slowest = tally.slowest.max(server.ready_after);
        } else {
            load::prepare(&server.api).await?;
        }
        check_recovered(&server, &mut memory, &mut tally, round).await?;
        let after = Duration::from_millis(100 + dice.roll(500));
        let (writes, watches) = load_until_killed(server, &memory, &mut dice, after, !failpoints.is_empty()).await?;
        memory.writes = judge(&memory, &writes, &watches, &mut tally, round);
        remember(&mut memory, &writes, &mut tally);
        if tally.violations.len() > 20 {
            break;
        }
    }
    let last = folder.start("", true).await?;
    check_recovered(&last, &mut memory, &mut tally, kills).await?;
    last.kill().await?;
    for violation in &tally.violations {
        println!("VIOLATION {violation}");
    }
    println!(
        "{kills} kills in {:.1} s: {} writes acknowledged, {} open when the server died, {} events judged; slowest restart {} ms; {} violations",
        start.elapsed().as_secs_f64(),
        tally.acknowledged,
        tally.unknown,
        tally.events,
        tally.slowest.as_millis(),
        tally.violations.len()
    );
    ensure!(tally.slowest < RECOVERY, "a restart took {} ms", tally.slowest.as_millis());
    Ok(tally.violations.is_empty())
}

/// What writers did and watchers saw until the server died.
type Round = (Vec<Write>, Vec<Watch>);

/// Compares what a restarted server holds with what the round before was told.
async fn check_recovered(server: &Running, memory: &mut Memory, tally: &mut Tally, round: u64) -> Result<()> {
    let (found, revision) = load::state(&server.api).await?;
    let writes = std::mem::take(&mut memory.writes);
    let broken = judge_state(&found, &writes);
    tally.violations.extend(broken.into_iter().map(|text| format!("round {round}: {text}")));
    if revision < memory.revision {
        tally.violations.push(format!("round {round}: revision {revision} after {} was told", memory.revision));
    }
    memory.revision = memory.revision.max(revision);
    memory.state = found;
    Ok(())
}

async fn load_until_killed(
    mut server: Running,
    memory: &Memory,
    dice: &mut Dice,
    after: Duration,
    dies_alone: bool,
) -> Result<Round> {
    let writers: Vec<_> = (0..CLIENTS)
        .map(|client| {
            let prefix = format!("w{client}-");
            let held = memory.state.iter().filter(|((_, key), _)| key.starts_with(&prefix));
            let held = held.map(|((_, key), (revision, _))| (key.clone(), *revision)).collect();
            let seed = dice.roll(u64::MAX);
            tokio::spawn(load::write(server.api.clone(), client, seed, memory.payloads.clone(), held))
        })
        .collect();
    let watchers: Vec<_> = (0..WATCHERS)
        .map(|number| {
            let pause = Duration::from_millis(dice.roll(80));
            tokio::spawn(load::watch(server.api.clone(), RESOURCES[number % RESOURCES.len()], pause))
        })
        .collect();
    if dies_alone {
        // A point that is not reached in time is no fault.
        let _ = tokio::time::timeout(Duration::from_secs(3), server.ended()).await;
    } else {
        tokio::time::sleep(after).await;
    }
    server.kill().await?;
    let mut round = (Vec::new(), Vec::new());
    for writer in writers {
        round.0.extend(writer.await?);
    }
    for watcher in watchers {
        round.1.extend(watcher.await?);
    }
    Ok(round)
}

/// Judges a round; the answer is what the state after the restart is held against.
fn judge(memory: &Memory, writes: &[Write], watches: &[Watch], tally: &mut Tally, round: u64) -> Vec<Write> {
    let known = memory.state.iter().map(|((resource, key), (revision, payload))| Write {
        place: (resource, key.clone()),
        payload: Some(*payload),
        outcome: Outcome::Done(Some(*revision)),
    });
    let all: Vec<Write> = known.chain(writes.iter().cloned()).collect();
    let mut broken = judge_revisions(&all);
    for watch in watches {
        tally.events += watch.events.len();
        broken.extend(judge_watch(watch, &all));
    }
    let newest = writes.iter().filter_map(|write| match write.outcome {
        Outcome::Done(Some(revision)) => Some(revision),
        _ => None,
    });
    for revision in newest.filter(|revision| *revision <= memory.revision) {
        broken.push(format!("linear: revision {revision} is given out after {} was told", memory.revision));
    }
    tally.violations.extend(broken.into_iter().map(|text| format!("round {round}: {text}")));
    all
}

fn remember(memory: &mut Memory, writes: &[Write], tally: &mut Tally) {
    for write in writes {
        match write.outcome {
            Outcome::Done(revision) => {
                tally.acknowledged += 1;
                memory.revision = memory.revision.max(revision.unwrap_or(0));
            }
            Outcome::Unknown => tally.unknown += 1,
            Outcome::Refused => {}
        }
    }
}

/// A disk that is full for a while: reads go on, writes are refused, and taken again when there is room.
async fn full_disk(arguments: &Arguments) -> Result<bool> {
    let folder = Folder::new(arguments.program.as_deref())?;
    let first = folder.start("", true).await?;
    load::prepare(&first.api).await?;
    first.kill().await?;
    let server = folder.start("before-write=full@40..120", true).await?;
    let (before, _) = load::state(&server.api).await?;
    let payloads: Payloads = Arc::new(AtomicU64::new(1_000_000));
    let task = tokio::spawn(load::write(server.api.clone(), 0, 5, payloads, BTreeMap::new()));
    tokio::time::sleep(Duration::from_millis(700)).await;
    let (live, _) = load::state(&server.api).await?;
    server.kill().await?;
    let writes = task.await?;
    let refused = writes.iter().filter(|write| write.outcome == Outcome::Refused).count();
    let last_refused = writes.iter().rposition(|write| write.outcome == Outcome::Refused);
    let went_on =
        last_refused.is_some_and(|at| writes[at..].iter().any(|write| matches!(write.outcome, Outcome::Done(_))));
    let again = folder.start("", true).await?;
    let (found, _) = load::state(&again.api).await?;
    again.kill().await?;
    let broken = judge_state(&found, &writes);
    broken.iter().for_each(|text| println!("VIOLATION full disk: {text}"));
    println!(
        "full disk: {refused} writes refused, {} acknowledged, {} objects read meanwhile; writing went on: {went_on}; {} violations",
        writes.iter().filter(|write| matches!(write.outcome, Outcome::Done(_))).count(),
        live.len(),
        broken.len()
    );
    Ok(broken.is_empty() && refused > 0 && went_on && before.is_empty())
}
