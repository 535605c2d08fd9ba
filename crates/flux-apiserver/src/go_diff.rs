//! Differences of texts as upstream prints them in refusals: a unified diff by Python's algorithm.
//!
//! The longest run of equal lines first, then the same to its left and right. Lines that make up more than one in
//! a hundred of a long text do not start a run.

use std::collections::HashMap;
use std::fmt::Write as _;

const CONTEXT: usize = 3;
/// Longer texts are not compared: the search grows with the square.
const MAX_LINES: usize = 5_000;
/// Texts of this many lines have popular ones.
const LONG: usize = 200;

/// The unified diff without file names; empty when the texts are equal or too long.
pub(crate) fn unified(old: &str, new: &str) -> String {
    let (old, new): (Vec<&str>, Vec<&str>) = (old.split('\n').collect(), new.split('\n').collect());
    if old.len() > MAX_LINES || new.len() > MAX_LINES {
        return String::new();
    }
    let mut out = String::new();
    for group in grouped(steps(&old, &new)) {
        let (Some(first), Some(last)) = (group.first(), group.last()) else { continue };
        let (before, after) = (range(first.old.0, last.old.1), range(first.new.0, last.new.1));
        writeln!(out, "@@ -{before} +{after} @@").expect("strings take all text");
        for step in &group {
            let lines = |sign: char, lines: &[&str], out: &mut String| {
                lines.iter().for_each(|line| writeln!(out, "{sign}{line}").expect("strings take all text"));
            };
            if step.equal {
                lines(' ', &old[step.old.0..step.old.1], &mut out);
            } else {
                lines('-', &old[step.old.0..step.old.1], &mut out);
                lines('+', &new[step.new.0..step.new.1], &mut out);
            }
        }
    }
    out
}

fn range(start: usize, end: usize) -> String {
    match end - start {
        0 => format!("{start},0"),
        1 => (start + 1).to_string(),
        length => format!("{},{length}", start + 1),
    }
}

/// Equal or replaced lines; each pair is a half-open range.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Step {
    equal: bool,
    old: (usize, usize),
    new: (usize, usize),
}

/// A run of equal lines.
#[derive(Clone, Copy)]
struct Run {
    old: usize,
    new: usize,
    size: usize,
}

fn steps(old: &[&str], new: &[&str]) -> Vec<Step> {
    let mut runs = runs(old, new);
    runs.push(Run { old: old.len(), new: new.len(), size: 0 });
    let mut steps: Vec<Step> = Vec::new();
    let (mut i, mut j) = (0, 0);
    for run in runs {
        if i < run.old || j < run.new {
            steps.push(Step { equal: false, old: (i, run.old), new: (j, run.new) });
        }
        (i, j) = (run.old + run.size, run.new + run.size);
        if run.size == 0 {
            continue;
        }
        match steps.last_mut() {
            Some(last) if last.equal => (last.old.1, last.new.1) = (i, j),
            _ => steps.push(Step { equal: true, old: (run.old, i), new: (run.new, j) }),
        }
    }
    steps
}

fn runs(old: &[&str], new: &[&str]) -> Vec<Run> {
    let mut places: HashMap<&str, Vec<usize>> = HashMap::new();
    for (at, line) in new.iter().enumerate() {
        places.entry(line).or_default().push(at);
    }
    if new.len() >= LONG {
        let popular = new.len() / 100 + 1;
        places.retain(|_, found| found.len() <= popular);
    }
    let mut found = Vec::new();
    let mut waiting = vec![((0, old.len()), (0, new.len()))];
    while let Some((left, right)) = waiting.pop() {
        let run = longest(old, new, &places, left, right);
        if run.size == 0 {
            continue;
        }
        found.push(run);
        if left.0 < run.old && right.0 < run.new {
            waiting.push(((left.0, run.old), (right.0, run.new)));
        }
        let ends = (run.old + run.size, run.new + run.size);
        if ends.0 < left.1 && ends.1 < right.1 {
            waiting.push(((ends.0, left.1), (ends.1, right.1)));
        }
    }
    found.sort_by_key(|run| (run.old, run.new));
    found
}

/// The first of the longest runs within both ranges, grown over popular lines at its ends.
fn longest(
    old: &[&str],
    new: &[&str],
    places: &HashMap<&str, Vec<usize>>,
    left: (usize, usize),
    right: (usize, usize),
) -> Run {
    let mut best = Run { old: left.0, new: right.0, size: 0 };
    let mut lengths: HashMap<usize, usize> = HashMap::new();
    for (i, line) in old.iter().enumerate().take(left.1).skip(left.0) {
        let mut next = HashMap::new();
        for &j in places.get(line).into_iter().flatten().filter(|j| (right.0..right.1).contains(*j)) {
            let length = j.checked_sub(1).and_then(|before| lengths.get(&before)).copied().unwrap_or(0) + 1;
            next.insert(j, length);
            if length > best.size {
                best = Run { old: i + 1 - length, new: j + 1 - length, size: length };
            }
        }
        lengths = next;
    }
    while best.old > left.0 && best.new > right.0 && old[best.old - 1] == new[best.new - 1] {
        best = Run { old: best.old - 1, new: best.new - 1, size: best.size + 1 };
    }
    while best.old + best.size < left.1
        && best.new + best.size < right.1
        && old[best.old + best.size] == new[best.new + best.size]
    {
        best.size += 1;
    }
    best
}

/// Changes with three equal lines around them; those further apart stand by themselves.
fn grouped(mut steps: Vec<Step>) -> Vec<Vec<Step>> {
    if let Some(first) = steps.first_mut().filter(|step| step.equal) {
        first.old.0 = first.old.0.max(first.old.1.saturating_sub(CONTEXT));
        first.new.0 = first.new.0.max(first.new.1.saturating_sub(CONTEXT));
    }
    if let Some(last) = steps.last_mut().filter(|step| step.equal) {
        last.old.1 = last.old.1.min(last.old.0 + CONTEXT);
        last.new.1 = last.new.1.min(last.new.0 + CONTEXT);
    }
    let mut groups = Vec::new();
    let mut group: Vec<Step> = Vec::new();
    for mut step in steps {
        if step.equal && step.old.1 - step.old.0 > 2 * CONTEXT {
            let (i, j) = (step.old.0 + CONTEXT, step.new.0 + CONTEXT);
            group.push(Step { equal: true, old: (step.old.0, i), new: (step.new.0, j) });
            groups.push(std::mem::take(&mut group));
            step.old.0 = step.old.1 - CONTEXT;
            step.new.0 = step.new.1 - CONTEXT;
        }
        group.push(step);
    }
    if group.iter().any(|step| !step.equal) {
        groups.push(group);
    }
    groups.retain(|group| group.iter().any(|step| !step.equal));
    groups
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_come_with_three_lines_around_them() {
        let old = "a\nb\nc\nd\ne\nf\ng\nh\ni\nj\nk";
        let new = "a\nb\nc\nX\ne\nf\ng\nh\ni\nj\nk\nl";
        assert_eq!(
            unified(old, new),
            "@@ -1,7 +1,7 @@\n a\n b\n c\n-d\n+X\n e\n f\n g\n@@ -9,3 +9,4 @@\n i\n j\n k\n+l\n"
        );
        assert_eq!(unified("a", "a"), "");
    }

    #[test]
    fn a_list_that_goes_is_one_block() {
        let old = "{\n \"A\": [\n  1,\n  2\n ],\n \"B\": null\n}";
        let new = "{\n \"A\": null,\n \"B\": null\n}";
        assert_eq!(
            unified(old, new),
            "@@ -1,7 +1,4 @@\n {\n- \"A\": [\n-  1,\n-  2\n- ],\n+ \"A\": null,\n  \"B\": null\n }\n"
        );
    }
}
