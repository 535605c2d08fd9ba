//! What the last good attempt was made of, so that the next one can tell that nothing changed.
//!
//! Kept in memory only: after a restart the first attempt does all the work.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use flux_api::Kustomization;
use flux_apply::{Mapped, ObjectId};
use flux_artifact::Workdir;
use flux_kustomize::{Record, RootedDir};
use flux_runtime::ObjectKey;

use crate::substitute::Variables;

/// Everything beside the files that shapes the result.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Inputs {
    uid: String,
    generation: i64,
    variables: [u8; 32],
}

impl Inputs {
    pub fn of(obj: &Kustomization, variables: &Variables) -> Self {
        Self {
            uid: obj.metadata.uid.clone().unwrap_or_default(),
            generation: obj.metadata.generation.unwrap_or_default(),
            variables: variables.digest(),
        }
    }
}

/// The last good attempt of one object.
pub struct Memo {
    pub inputs: Inputs,
    /// What the build read, below `root`.
    pub record: Record,
    pub root: PathBuf,
    /// Of the built objects, as the history has it.
    pub digest: String,
    /// The objects whose health counts.
    pub subjects: Vec<(ObjectId, Mapped)>,
}

/// The memory of all objects.
#[derive(Default)]
pub struct Memory(Mutex<HashMap<ObjectKey, Arc<Memo>>>);

impl Memory {
    pub fn put(&self, key: &ObjectKey, memo: Memo) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(key.clone(), Arc::new(memo));
    }

    pub fn forget(&self, key: &ObjectKey) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(key);
    }

    /// The last good attempt, when the same inputs and the files in `workdir` would give the same objects.
    pub async fn hit(&self, key: &ObjectKey, inputs: &Inputs, workdir: &Arc<Workdir>) -> Option<Arc<Memo>> {
        let memo = self.0.lock().unwrap_or_else(PoisonError::into_inner).get(key).cloned()?;
        if memo.inputs != *inputs {
            return None;
        }
        let (known, workdir) = (memo.clone(), workdir.clone());
        let same = tokio::task::spawn_blocking(move || {
            let Ok(fs) = RootedDir::new(workdir.path()) else { return false };
            known.record.unchanged_at(&fs, &known.root, fs.root())
        });
        same.await.unwrap_or(false).then_some(memo)
    }
}
