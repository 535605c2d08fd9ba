//! Archives of commits of repositories on this machine, made once for all clusters that follow them.

use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

/// Archives remembered at most; each is a file in a store, so only names are kept.
const REMEMBERED: usize = 16;

/// What an archive is made of: equal keys give equal bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Key {
    pub repository: PathBuf,
    pub commit: String,
    pub submodules: bool,
    pub ignore: Option<String>,
    pub sparse: Vec<String>,
}

/// A file in a store; another revision may have taken its place meanwhile.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Made {
    pub path: PathBuf,
    pub digest: String,
}

type Slot = Arc<Mutex<Option<Made>>>;

/// The archives made lately. Clones share them: give the same to the controllers of all clusters in a process.
#[derive(Clone, Debug, Default)]
pub struct Archives(Arc<Mutex<VecDeque<(Key, Slot)>>>);

impl Archives {
    /// Where the archive of this key stands, or is written down once it is made. Whoever holds the lock makes it;
    /// others that want the same wait meanwhile.
    pub(crate) fn slot(&self, key: Key) -> Slot {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, slot)) = known.iter().find(|(other, _)| *other == key) {
            return Arc::clone(slot);
        }
        let slot = Slot::default();
        known.push_back((key, Arc::clone(&slot)));
        if known.len() > REMEMBERED {
            known.pop_front();
        }
        slot
    }
}
