//! Runs the cases of a suite side by side and judges the failing set.

use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use anyhow::{Result, bail};

use super::known::Known;
use super::{Arguments, Case, Verdict, inputs, loader};

/// Deep documents recurse; a case must fail with our error, not by the stack's end.
const STACK: usize = 64 << 20;

#[derive(Default)]
struct Tally {
    passed: usize,
    failed: Vec<(String, String)>,
    skipped: Vec<(String, String)>,
}

/// Runs a suite; the answer says whether the exit status is to be 0.
pub fn run(arguments: &Arguments) -> Result<bool> {
    let load = loader(&arguments.suite)?;
    let Some(inputs) = inputs::locate(&arguments.suite, arguments.dir.as_deref())? else {
        if inputs::corpora_present() {
            bail!("recorded corpora lie beside the checkout, but none of suite `{}`", arguments.suite);
        }
        println!("no corpora beside the checkout: nothing to compare with");
        println!("0 passed, 0 failed");
        return Ok(true);
    };
    let mut known = Known::load(&arguments.suite)?;
    let mut cases = load(&inputs)?;
    if let Some(only) = &arguments.only {
        cases.retain(|case| case.name.contains(only.as_str()));
    }
    if cases.is_empty() {
        bail!("suite `{}` found no case in {}", arguments.suite, inputs.dir.display());
    }
    let tally = run_all(&cases, &known);
    report(&tally);
    if arguments.write_list && arguments.dir.is_none() && arguments.only.is_none() {
        known.expected_failures = tally.failed.iter().map(|(name, _)| name.clone()).collect();
        known.save(&arguments.suite)?;
    }
    let good = judge(arguments, &cases, &tally, &known);
    let skipped = if tally.skipped.is_empty() { String::new() } else { format!(", {} skipped", tally.skipped.len()) };
    println!("{} passed, {} failed{skipped}", tally.passed, tally.failed.len());
    Ok(good)
}

fn run_all(cases: &[Case], known: &Known) -> Tally {
    let next = AtomicUsize::new(0);
    let tally = Mutex::new(Tally::default());
    let work = || {
        while let Some(case) = cases.get(next.fetch_add(1, Ordering::Relaxed)) {
            let verdict = match known.skipped.get(&case.name) {
                Some(reason) => Verdict::Skip(reason.clone()),
                None => {
                    catch_unwind(AssertUnwindSafe(|| (case.run)())).unwrap_or_else(|_| Verdict::Fail("panicked".into()))
                }
            };
            let mut tally = tally.lock().expect("no case holds the lock");
            match verdict {
                Verdict::Pass => tally.passed += 1,
                Verdict::Fail(why) => tally.failed.push((case.name.clone(), why)),
                Verdict::Skip(why) => tally.skipped.push((case.name.clone(), why)),
            }
        }
    };
    let workers = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..workers {
            std::thread::Builder::new().stack_size(STACK).spawn_scoped(scope, work).expect("threads can be started");
        }
    });
    let mut tally = tally.into_inner().expect("all workers ended");
    tally.failed.sort();
    tally.skipped.sort();
    tally
}

fn report(tally: &Tally) {
    for (name, why) in &tally.skipped {
        println!("skip {name}: {why}");
    }
    for (name, why) in &tally.failed {
        println!("FAIL {name}: {why}");
    }
}

fn judge(arguments: &Arguments, cases: &[Case], tally: &Tally, known: &Known) -> bool {
    if arguments.dir.is_some() {
        return tally.failed.is_empty();
    }
    let ran: BTreeSet<&str> = cases.iter().map(|case| case.name.as_str()).collect();
    let failed: BTreeSet<&str> = tally.failed.iter().map(|(name, _)| name.as_str()).collect();
    let mut good = true;
    for name in failed.iter().filter(|name| !known.expected_failures.contains(**name)) {
        println!("new failure: {name}");
        good = false;
    }
    let listed = known.expected_failures.iter().map(String::as_str);
    for name in listed.filter(|name| !failed.contains(name) && (arguments.only.is_none() || ran.contains(name))) {
        println!("listed as failing, but it passes or is gone: {name}");
        good = false;
    }
    good
}
