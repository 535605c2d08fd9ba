//! Named points at which a test makes the process die or an operation fail.
//!
//! `FLUX_STORE_FAILPOINTS` arms them when a storage file is opened: `NAME=ACTION@N` at the Nth passing, or
//! `NAME=ACTION@N..M` from the Nth up to before the Mth, several joined by commas. Actions: `abort` ends the process as
//! `kill -9` would, `full` fails as a full disk does, `broken` as a broken one, and `torn` writes half of a
//! block and then ends the process. Unarmed, a point costs one load of a pointer.

use std::io;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

use redb::StorageBackend;
use redb::backends::FileBackend;

/// The environment variable that arms points.
pub const VARIABLE: &str = "FLUX_STORE_FAILPOINTS";

/// Every point, in the order of a commit.
pub const NAMES: [&str; 10] = [
    "mid-recovery",
    "before-compact",
    "before-commit",
    "before-grow",
    "before-write",
    "before-sync",
    "after-sync",
    "after-commit",
    "before-publish",
    "after-publish",
];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Action {
    Abort,
    Full,
    Broken,
    Torn,
}

#[derive(Debug)]
struct Point {
    name: &'static str,
    action: Action,
    from: u64,
    until: u64,
    passed: AtomicU64,
}

/// Why a list of points cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("failpoint `{0}` is not NAME=ACTION@N or NAME=ACTION@N..M of a known name and action")]
pub struct ParseError(String);

fn parse(text: &str) -> Result<Vec<Point>, ParseError> {
    let parts = text.split(',').map(str::trim).filter(|part| !part.is_empty());
    parts.map(|part| one(part).ok_or_else(|| ParseError(part.to_owned()))).collect()
}

fn one(text: &str) -> Option<Point> {
    let (name, rest) = text.split_once('=')?;
    let (action, when) = rest.split_once('@')?;
    let (from, until) = match when.split_once("..") {
        Some((from, until)) => (from.parse().ok()?, until.parse().ok()?),
        None => (when.parse().ok()?, when.parse::<u64>().ok()?.checked_add(1)?),
    };
    let action = match action {
        "abort" => Action::Abort,
        "full" => Action::Full,
        "broken" => Action::Broken,
        "torn" => Action::Torn,
        _ => return None,
    };
    let name = NAMES.into_iter().find(|known| *known == name)?;
    Some(Point { name, action, from, until, passed: AtomicU64::new(0) })
}

static ARMED: OnceLock<Vec<Point>> = OnceLock::new();

/// Reads the environment, once; a list that cannot be read arms nothing and is told.
pub(crate) fn arm() -> bool {
    let points = ARMED.get_or_init(|| match std::env::var(VARIABLE).map(|text| parse(&text)) {
        Ok(Ok(points)) => points,
        Ok(Err(error)) => {
            tracing::error!(%error, "no failpoint is armed");
            Vec::new()
        }
        Err(_) => Vec::new(),
    });
    !points.is_empty()
}

fn due(name: &str) -> Option<Action> {
    let points = ARMED.get()?;
    let point = points.iter().find(|point| point.name == name)?;
    let passed = point.passed.fetch_add(1, Ordering::SeqCst) + 1;
    (point.from..point.until).contains(&passed).then_some(point.action)
}

/// Passes a point: dies, fails, or goes on.
pub(crate) fn pass(name: &str) -> io::Result<()> {
    match due(name) {
        None => Ok(()),
        Some(Action::Full) => Err(io::ErrorKind::StorageFull.into()),
        Some(Action::Broken) => Err(io::Error::other("the disk is broken")),
        Some(Action::Abort | Action::Torn) => std::process::abort(),
    }
}

/// A file whose operations pass points.
#[derive(Debug)]
pub(crate) struct Pointed(pub FileBackend);

impl StorageBackend for Pointed {
    fn len(&self) -> io::Result<u64> {
        self.0.len()
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        self.0.read(offset, out)
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        pass("before-grow")?;
        self.0.set_len(len)
    }

    fn sync_data(&self) -> io::Result<()> {
        pass("before-sync")?;
        self.0.sync_data()?;
        pass("after-sync")
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        match due("before-write") {
            None => self.0.write(offset, data),
            Some(Action::Full) => Err(io::ErrorKind::StorageFull.into()),
            Some(Action::Broken) => Err(io::Error::other("the disk is broken")),
            Some(Action::Torn) => {
                // What comes of it does not matter any more.
                let _ = self.0.write(offset, &data[..data.len() / 2]);
                std::process::abort()
            }
            Some(Action::Abort) => std::process::abort(),
        }
    }

    fn close(&self) -> io::Result<()> {
        self.0.close()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn points_are_read() {
        let points = parse("after-sync=abort@17, before-write=full@3..9").unwrap();
        assert_eq!(
            (points[0].name, points[0].action, points[0].from, points[0].until),
            ("after-sync", Action::Abort, 17, 18)
        );
        assert_eq!((points[1].action, points[1].until), (Action::Full, 9));
        for wrong in ["nowhere=abort@1", "after-sync=x@1", "after-sync=abort", "after-sync=abort@x"] {
            assert_eq!(parse(wrong).unwrap_err(), ParseError(wrong.into()));
        }
    }
}
