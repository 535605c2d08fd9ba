//! Indexes in memory: many charts of one repository read its index once.

use std::collections::HashMap;
use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use flux_helm::index::Index;
use tokio::sync::OnceCell;

/// `--helm-cache-*`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CacheOptions {
    /// Indexes that are kept (`--helm-cache-max-size`).
    pub size: usize,
    /// How long one is kept that nobody asks for (`--helm-cache-ttl`).
    pub ttl: Duration,
}

impl Default for CacheOptions {
    /// A few, for as long as the charts of a new index take.
    fn default() -> Self {
        Self { size: 8, ttl: Duration::from_secs(60) }
    }
}

type Slot = Arc<OnceCell<Arc<Index>>>;

struct Entry {
    slot: Slot,
    used: Instant,
}

#[derive(Default)]
struct State {
    entries: HashMap<String, Entry>,
    purging: bool,
}

/// The cache. Clones share it.
#[derive(Clone, Default)]
pub struct IndexCache {
    options: CacheOptions,
    state: Arc<Mutex<State>>,
}

impl IndexCache {
    pub fn new(options: CacheOptions) -> Self {
        Self { options, ..Self::default() }
    }

    /// The index of that key, read by `read` when it is not known; several callers share one reading.
    ///
    /// The key must name the object that may read the index, so that nobody gets past the repository's credentials.
    ///
    /// # Errors
    /// Those of `read`; nothing is kept then.
    pub async fn get<E>(&self, key: &str, read: impl Future<Output = Result<Arc<Index>, E>>) -> Result<Arc<Index>, E> {
        let slot = self.slot(key);
        slot.get_or_try_init(|| read).await.cloned()
    }

    /// Keeps an index that was just read.
    pub fn put(&self, key: &str, index: Arc<Index>) {
        // Who is reading the same one meanwhile keeps its own.
        let _ = self.slot(key).set(index);
    }

    fn slot(&self, key: &str) -> Slot {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        let entry = state.entries.entry(key.to_owned()).or_insert_with(|| Entry { slot: Slot::default(), used: now });
        entry.used = now;
        let slot = entry.slot.clone();
        while state.entries.len() > self.options.size.max(1) {
            let oldest = state.entries.iter().min_by_key(|(_, entry)| entry.used).map(|(key, _)| key.clone());
            let Some(oldest) = oldest else { break };
            state.entries.remove(&oldest);
        }
        if !state.purging {
            state.purging = true;
            self.purge_later();
        }
        slot
    }

    /// Lets go of indexes in time, for as long as there are any.
    fn purge_later(&self) {
        let (state, ttl) = (Arc::downgrade(&self.state), self.options.ttl);
        tokio::spawn(async move {
            loop {
                tokio::time::sleep(ttl).await;
                let Some(state) = state.upgrade() else { return };
                let mut state = state.lock().unwrap_or_else(PoisonError::into_inner);
                state.entries.retain(|_, entry| entry.used.elapsed() < ttl);
                if state.entries.is_empty() {
                    state.purging = false;
                    return;
                }
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    async fn read(cache: &IndexCache, key: &str, reads: &AtomicUsize) {
        let read = async {
            reads.fetch_add(1, Ordering::Relaxed);
            tokio::task::yield_now().await;
            Ok::<_, ()>(Arc::new(Index::default()))
        };
        cache.get(key, read).await.expect("read");
    }

    #[tokio::test]
    async fn an_index_is_read_once_and_forgotten() {
        let cache = IndexCache::new(CacheOptions { size: 2, ttl: Duration::from_millis(20) });
        let reads = AtomicUsize::new(0);
        tokio::join!(read(&cache, "a", &reads), read(&cache, "a", &reads), read(&cache, "a", &reads));
        assert_eq!(reads.load(Ordering::Relaxed), 1);
        for key in ["b", "c", "b", "c"] {
            read(&cache, key, &reads).await;
        }
        assert_eq!(reads.load(Ordering::Relaxed), 3, "two fit");
        assert!(cache.get::<&str>("d", async { Err("no") }).await.is_err());
        tokio::time::sleep(Duration::from_millis(90)).await;
        assert!(cache.state.lock().expect("lock").entries.is_empty());
    }
}
