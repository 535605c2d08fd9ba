//! Bases used more than once are accumulated twice at most.

use std::cell::RefCell;
use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};

use super::accumulator::Accumulator;
use crate::loader::Loader;

/// What is known of a base that was accumulated.
struct Known {
    /// Kept from the second time on: most bases are used once, and a copy costs.
    result: Option<Accumulator>,
    /// The folders it led to.
    roots: HashSet<PathBuf>,
}

/// Bases by folder.
#[derive(Default)]
pub(super) struct Bases {
    known: RefCell<HashMap<PathBuf, Known>>,
    /// Every folder entered, in order.
    entered: RefCell<Vec<PathBuf>>,
}

impl Bases {
    /// A copy of what a base gathers, unless from here it would lead into a cycle.
    pub(super) fn get(&self, root: &Path, loader: &Loader<'_>) -> Option<Accumulator> {
        let known = self.known.borrow();
        let base = known.get(root)?;
        let result = base.result.as_ref()?;
        if loader.would_cycle(&base.roots) {
            return None;
        }
        self.entered.borrow_mut().extend(base.roots.iter().cloned());
        Some(result.clone())
    }

    /// Notes that a folder is entered; the mark is for leaving it.
    pub(super) fn enter(&self, root: &Path) -> usize {
        let mut entered = self.entered.borrow_mut();
        entered.push(root.to_owned());
        entered.len() - 1
    }

    /// Notes what a base has gathered.
    pub(super) fn leave(&self, root: &Path, mark: usize, result: &Accumulator) {
        let roots = self.entered.borrow()[mark..].iter().cloned().collect();
        let mut known = self.known.borrow_mut();
        let again = known.contains_key(root);
        known.insert(root.to_owned(), Known { result: again.then(|| result.clone()), roots });
    }
}
