//! Live progress: one line per unit with phase and time. Redrawn in place on a terminal, else a plain line per change.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{self, IsTerminal as _, Write};
use std::time::{Duration, Instant};

use super::units::{Phase, Unit};

/// Redrawing is bounded so that a burst of events costs one picture.
pub const FRAME: Duration = Duration::from_millis(60);

struct Seen {
    unit: Unit,
    /// When it left its last settled phase, or was first met.
    started: Instant,
    took: Option<Duration>,
}

/// The units of all clusters as last reported, and what is on the screen.
pub struct Progress {
    clusters: BTreeMap<String, BTreeMap<String, Seen>>,
    terminal: bool,
    lines_drawn: usize,
}

impl Progress {
    pub fn new() -> Self {
        Self { clusters: BTreeMap::new(), terminal: io::stderr().is_terminal(), lines_drawn: 0 }
    }

    /// Takes a cluster's units; prints changed ones when there is no terminal to redraw.
    pub fn update(&mut self, cluster: &str, units: Vec<Unit>, now: Instant) {
        let seen = self.clusters.entry(cluster.to_owned()).or_default();
        let mut next = BTreeMap::new();
        let mut lines = String::new();
        for unit in units {
            let key = unit.key();
            let before = seen.remove(&key);
            let entry = advance(before.as_ref(), unit, now);
            if !self.terminal && worth_a_line(before.as_ref(), &entry.unit) {
                line(&mut lines, cluster, &entry, now, None);
            }
            next.insert(key, entry);
        }
        if !self.terminal {
            for key in seen.keys() {
                let _ = writeln!(lines, "{cluster}  {key}  removed");
            }
            eprint_all(&lines);
        }
        *seen = next;
    }

    /// True when every cluster reported units and all of them are settled.
    pub fn all_settled(&self, clusters: usize) -> bool {
        self.clusters.len() == clusters
            && self.clusters.values().all(|units| !units.is_empty() && units.values().all(|s| s.unit.phase.settled()))
    }

    pub fn count(&self) -> usize {
        self.clusters.values().map(BTreeMap::len).sum()
    }

    /// The units that somebody waits for, with their cluster.
    pub fn unsettled(&self) -> impl Iterator<Item = (&str, &Unit)> {
        let units =
            self.clusters.iter().flat_map(|(name, units)| units.values().map(move |s| (name.as_str(), &s.unit)));
        units.filter(|(_, unit)| !unit.phase.settled())
    }

    /// Draws the picture over the last one; does nothing without a terminal.
    pub fn draw(&mut self, now: Instant) {
        if !self.terminal {
            return;
        }
        let (width, height) = terminal_size();
        let mut picture = String::new();
        if self.lines_drawn > 0 {
            let _ = write!(picture, "\x1b[{}A", self.lines_drawn);
        }
        let shown = self.visible(height.saturating_sub(2).max(1));
        for (cluster, seen) in &shown {
            let mut text = String::new();
            line(&mut text, cluster, seen, now, Some(width));
            let _ = write!(picture, "\x1b[2K{text}");
        }
        let hidden = self.count() - shown.len();
        let lines = shown.len() + usize::from(hidden > 0);
        if hidden > 0 {
            let _ = writeln!(picture, "\x1b[2K... and {hidden} more");
        }
        let _ = write!(picture, "\x1b[J");
        eprint_all(&picture);
        self.lines_drawn = lines;
    }

    /// Leaves the last picture standing; from now on each change is a line below it.
    pub fn finish(&mut self, now: Instant) {
        self.draw(now);
        self.terminal = false;
    }

    /// All lines when they fit, else the unsettled ones first.
    fn visible(&self, room: usize) -> Vec<(&str, &Seen)> {
        let all = self.clusters.iter().flat_map(|(name, units)| units.values().map(move |s| (name.as_str(), s)));
        let mut all: Vec<(&str, &Seen)> = all.collect();
        if all.len() > room {
            all.sort_by_key(|(_, seen)| seen.unit.phase.settled());
            all.truncate(room);
        }
        all
    }

    /// The closing table: a row per unit.
    pub fn table(&self) -> String {
        let mut rows = vec![["CLUSTER", "UNIT", "PHASE", "TIME", "REVISION", "MESSAGE"].map(str::to_owned)];
        for (cluster, units) in &self.clusters {
            for (key, seen) in units {
                let took = seen.took.map_or_else(|| "-".to_owned(), seconds);
                let phase = seen.unit.phase.word().to_owned();
                rows.push([
                    cluster.clone(),
                    key.clone(),
                    phase,
                    took,
                    short_revision(&seen.unit.revision),
                    seen.unit.message.clone(),
                ]);
            }
        }
        columns(&rows)
    }
}

fn advance(before: Option<&Seen>, unit: Unit, now: Instant) -> Seen {
    match before {
        // A settled unit that moves again starts a new measurement.
        Some(seen) if seen.unit.phase.settled() && !unit.phase.settled() => Seen { unit, started: now, took: None },
        Some(seen) => {
            let took = seen.took.or_else(|| unit.phase.settled().then(|| now - seen.started));
            Seen { unit, started: seen.started, took }
        }
        None => {
            let took = unit.phase.settled().then_some(Duration::ZERO);
            Seen { unit, started: now, took }
        }
    }
}

fn worth_a_line(before: Option<&Seen>, unit: &Unit) -> bool {
    before.is_none_or(|seen| {
        let same = seen.unit.phase == unit.phase && seen.unit.message == unit.message;
        !(same && seen.unit.revision == unit.revision)
    })
}

fn line(out: &mut String, cluster: &str, seen: &Seen, now: Instant, width: Option<usize>) {
    let elapsed = seen.took.unwrap_or_else(|| now - seen.started);
    let unit = &seen.unit;
    let detail = if unit.phase == Phase::Ready { short_revision(&unit.revision) } else { unit.message.clone() };
    let mut text = format!("{cluster:<12}{:<52}{:<12}{:>8}  {detail}", unit.key(), unit.phase.word(), seconds(elapsed));
    if let Some(width) = width {
        text = text.chars().take(width).collect();
    }
    let _ = writeln!(out, "{}", printable(text.trim_end()));
}

/// A revision with its digest cut to twelve digits.
fn short_revision(revision: &str) -> String {
    match revision.rsplit_once(':') {
        Some((head, digest)) if digest.len() > 12 => format!("{head}:{}", &digest[..digest.floor_char_boundary(12)]),
        _ => revision.to_owned(),
    }
}

pub fn seconds(duration: Duration) -> String {
    format!("{:.2}s", duration.as_secs_f64())
}

/// Messages come from repositories: control characters must not reach the terminal.
pub fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_control() && c != '\t' { '\u{fffd}' } else { c }).collect()
}

fn columns(rows: &[[String; 6]]) -> String {
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..6).map(width).collect();
    let mut out = String::new();
    for row in rows {
        let mut text = String::new();
        for (cell, width) in row.iter().zip(&widths) {
            let _ = write!(text, "{cell:<width$}  ");
        }
        let _ = writeln!(out, "{}", printable(text.trim_end()));
    }
    out
}

fn eprint_all(text: &str) {
    // A closed terminal must not end the controllers.
    let _ = io::stderr().lock().write_all(text.as_bytes());
}

fn terminal_size() -> (usize, usize) {
    let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse().ok());
    match rustix::termios::tcgetwinsize(io::stderr()) {
        Ok(size) if size.ws_col > 0 && size.ws_row > 0 => (size.ws_col.into(), size.ws_row.into()),
        _ => (number("COLUMNS").unwrap_or(100), number("LINES").unwrap_or(24)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unit(name: &str, phase: Phase) -> Unit {
        Unit {
            kind: "Kustomization".into(),
            namespace: "flux-system".into(),
            name: name.into(),
            phase,
            revision: "main@sha1:0123456789abcdef".into(),
            message: String::new(),
        }
    }

    #[test]
    fn all_settled_needs_every_cluster_and_every_unit() {
        let now = Instant::now();
        let mut progress = Progress::new();
        progress.update("dev", vec![unit("a", Phase::Ready)], now);
        assert!(!progress.all_settled(2));
        progress.update("staging", vec![unit("a", Phase::Ready), unit("b", Phase::Waiting)], now);
        assert!(!progress.all_settled(2));
        progress.update("staging", vec![unit("a", Phase::Ready), unit("b", Phase::Suspended)], now);
        assert!(progress.all_settled(2));
        assert_eq!(progress.count(), 3);
    }

    #[test]
    fn a_removed_unit_no_longer_holds_the_end() {
        let now = Instant::now();
        let mut progress = Progress::new();
        progress.update("dev", vec![unit("a", Phase::Ready), unit("b", Phase::Failing)], now);
        progress.update("dev", vec![unit("a", Phase::Ready)], now);
        assert!(progress.all_settled(1));
    }

    #[test]
    fn time_is_measured_from_the_last_settled_phase() {
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        let mut progress = Progress::new();
        progress.update("dev", vec![unit("a", Phase::Progressing)], start);
        progress.update("dev", vec![unit("a", Phase::Ready)], at(2));
        assert!(progress.table().contains("2.00s"), "{}", progress.table());
        progress.update("dev", vec![unit("a", Phase::Progressing)], at(10));
        progress.update("dev", vec![unit("a", Phase::Ready)], at(11));
        assert!(progress.table().contains("1.00s"), "{}", progress.table());
    }

    #[test]
    fn control_characters_never_reach_the_terminal() {
        assert_eq!(printable("a\u{1b}[2Jb"), "a\u{fffd}[2Jb");
        assert_eq!(short_revision("main@sha1:0123456789abcdef"), "main@sha1:0123456789ab");
    }
}
