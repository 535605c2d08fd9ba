//! Which old files of an object go.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime};

use flux_api::meta::Artifact;

use super::{GARBAGE_COUNT_LIMIT, Storage, StorageError, io_error};

const LOCK: &str = "lock";

impl Storage {
    /// The files of the artifact's object that nobody needs any more, never the artifact's own.
    ///
    /// First those older than `ttl`; when more than `records` are left, the oldest of them too. Only the first
    /// `count_limit` files are looked at. Lock files, which upstream leaves behind, do not count.
    pub fn garbage_files(
        &self,
        artifact: &Artifact,
        count_limit: usize,
        records: usize,
        ttl: Duration,
    ) -> Result<Vec<PathBuf>, StorageError> {
        let current = self.checked_path(artifact)?;
        let Some(dir) = current.parent() else { return Ok(Vec::new()) };
        let now = SystemTime::now();
        let mut files = files(dir, count_limit)?;
        let expired = |time: SystemTime| now.duration_since(time).is_ok_and(|age| age > ttl);
        let (mut garbage, mut fresh): (Vec<_>, Vec<_>) =
            files.drain(..).partition(|(path, time)| *path != current && expired(*time));
        if fresh.len() >= records {
            fresh.sort_by_key(|(_, time)| *time);
            let surplus = fresh.len().saturating_sub(records);
            garbage.extend(fresh.into_iter().filter(|(path, _)| *path != current).take(surplus));
        }
        Ok(garbage.into_iter().map(|(path, _)| path).collect())
    }

    /// Removes the garbage of the artifact's object; tells what was removed. Stops when it takes longer than
    /// `timeout`; the next collection goes on.
    pub fn collect_garbage(&self, artifact: &Artifact, timeout: Duration) -> Result<Vec<PathBuf>, StorageError> {
        let (retention, start) = (self.retention, Instant::now());
        let garbage = self.garbage_files(artifact, GARBAGE_COUNT_LIMIT, retention.records, retention.ttl)?;
        for path in &garbage {
            if start.elapsed() > timeout {
                return Err(StorageError::Timeout);
            }
            fs::remove_file(path).map_err(io_error("remove", path))?;
            let mut lock = path.clone().into_os_string();
            lock.push(".lock");
            // There seldom is one.
            let _ = fs::remove_file(lock);
        }
        Ok(garbage)
    }
}

/// The first `limit` files below the directory, in the order of a walk, with their times.
fn files(dir: &Path, limit: usize) -> Result<Vec<(PathBuf, SystemTime)>, StorageError> {
    let mut found = Vec::new();
    let mut rest = vec![dir.to_owned()];
    while let Some(path) = rest.pop() {
        let meta = match fs::symlink_metadata(&path) {
            Ok(meta) => meta,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => continue,
            Err(error) => return Err(io_error("read", &path)(error)),
        };
        if meta.is_dir() {
            let entries = fs::read_dir(&path).and_then(Iterator::collect::<Result<Vec<_>, _>>);
            let mut entries: Vec<_> =
                entries.map_err(io_error("read", &path))?.into_iter().map(|entry| entry.path()).collect();
            entries.sort_unstable_by(|a, b| b.cmp(a));
            rest.extend(entries);
        } else if meta.is_file() && path.extension().is_none_or(|extension| extension != LOCK) {
            if found.len() >= limit {
                break;
            }
            let time = meta.modified().map_err(io_error("read", &path))?;
            found.push((path, time));
        }
    }
    Ok(found)
}
