//! Reads and parses the files of a long list on several threads before they are asked for one by one.
//!
//! Nothing depends on it: what was not read ahead, or could not be, is read when it is asked for.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::thread;

use flux_yaml::Node;

use super::{Loader, Tree, place_of};
use crate::documents;
use crate::remote;

/// Shorter lists are not worth a thread.
const FEW: usize = 16;
/// Trees are at most 1,000 levels deep.
const STACK: usize = 16 << 20;
/// Bytes of files that may wait in parsed form.
const MOST_WAITING: u64 = 64 << 20;

/// Files read ahead, by their real place.
#[derive(Default)]
pub(super) struct Ahead {
    files: HashMap<PathBuf, File>,
    waiting: u64,
}

/// A parsed file and its size.
pub(super) struct File {
    pub bytes: usize,
    pub nodes: Vec<Node>,
}

impl Ahead {
    pub(super) fn take(&mut self, place: &Path) -> Option<File> {
        if self.files.is_empty() {
            return None;
        }
        let file = self.files.remove(place)?;
        self.waiting -= file.bytes as u64;
        Some(file)
    }
}

impl Loader<'_> {
    /// Reads the files among some resources ahead.
    pub(crate) fn read_ahead(&self, paths: &[String]) {
        let Tree::Given(fs) = self.tree else { return };
        let is_file = |path: &&String| {
            let known = [".yaml", ".yml", ".json"].iter().any(|ending| path.ends_with(ending));
            known && !remote::is_file_url(path)
        };
        let session = self.session;
        if session.options.threads < 2 || paths.len() < FEW {
            return;
        }
        let wanted: Vec<&String> = paths.iter().filter(is_file).collect();
        let threads = session.options.threads.min(wanted.len() / FEW + 1);
        let (root, root_only, limits) = (self.root.as_path(), self.root_only, session.limits().yaml);
        let session_reserve = session.options.reserve;
        let (next, waiting) = (AtomicUsize::new(0), AtomicU64::new(session.ahead.borrow().waiting));
        let work = || {
            super::reserve(session_reserve / 2);
            let mut done = Vec::new();
            while let Some(path) = wanted.get(next.fetch_add(1, Ordering::Relaxed)) {
                // What fails here fails again when it is asked for, and is told then.
                let Ok(place) = place_of(fs, root, root_only, path) else { continue };
                let Ok(content) = fs.read(&place) else { continue };
                let bytes = content.len();
                if waiting.fetch_add(bytes as u64, Ordering::Relaxed) > MOST_WAITING {
                    break;
                }
                if let Ok(nodes) = documents::read(&content, &limits) {
                    done.push((place, File { bytes, nodes }));
                }
            }
            done
        };
        let found = thread::scope(|scope| {
            let others: Vec<_> = (1..threads)
                .filter_map(|_| thread::Builder::new().stack_size(STACK).spawn_scoped(scope, work).ok())
                .collect();
            let mut found = work();
            // A panic comes again, where it is caught, when the file is asked for.
            found.extend(others.into_iter().filter_map(|other| other.join().ok()).flatten());
            found
        });
        let mut ahead = session.ahead.borrow_mut();
        for (place, file) in found {
            ahead.waiting += file.bytes as u64;
            if let Some(twice) = ahead.files.insert(place, file) {
                ahead.waiting -= twice.bytes as u64;
            }
        }
    }
}
