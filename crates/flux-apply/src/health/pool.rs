//! Watches shared by all that wait for objects of one kind.
//!
//! A watch begins at the present and lists nothing: who waits reads its own objects once, after the watch
//! stands. It ends some time after the last one who waits has left.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use futures::{StreamExt as _, TryStreamExt as _};
use http::Request;
use kube::core::WatchEvent;
use serde_json::Value;
use tokio::sync::{mpsc, watch};
use tokio::task::AbortHandle;

use crate::mapper::Mapped;
use crate::metadata;
use crate::target::Target;

/// A watch without users lives on so long, for the next one.
const LINGER: Duration = Duration::from_secs(15);
/// Pause before a broken watch is tried again.
const PAUSE: Duration = Duration::from_millis(200);
/// The server is asked to end a watch after so many seconds.
const WATCH_SECONDS: u32 = 290;

/// News about one object that somebody waits for.
#[derive(Debug)]
pub(super) struct News {
    /// As the one who waits numbered it.
    pub number: usize,
    /// `None` once it is gone.
    pub object: Option<Arc<Value>>,
}

/// How a watch stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    Starting,
    /// Counts up each time events may have been missed.
    Following(u64),
    /// The identity may not watch: ask by GET instead.
    Refused,
}

#[derive(Clone, PartialEq, Eq, Hash)]
struct Key {
    identity: Arc<str>,
    path: String,
}

type Interests = HashMap<(String, String), Vec<(usize, mpsc::UnboundedSender<News>)>>;

pub(super) struct Watch {
    interests: Mutex<Interests>,
    standing: watch::Sender<Standing>,
    task: Mutex<Option<AbortHandle>>,
}

impl Watch {
    pub fn standing(&self) -> watch::Receiver<Standing> {
        self.standing.subscribe()
    }

    pub fn follow(&self, namespace: &str, name: &str, number: usize, news: mpsc::UnboundedSender<News>) {
        self.interests().entry((namespace.into(), name.into())).or_default().push((number, news));
    }

    fn interests(&self) -> MutexGuard<'_, Interests> {
        self.interests.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn tell(&self, object: Value, gone: bool) {
        let mut interests = self.interests();
        let key = (metadata::namespace(&object).to_owned(), metadata::name(&object).to_owned());
        let Some(listeners) = interests.get_mut(&key) else { return };
        let object = Arc::new(object);
        listeners.retain(|(number, listener)| {
            listener.send(News { number: *number, object: (!gone).then(|| object.clone()) }).is_ok()
        });
        if listeners.is_empty() {
            interests.remove(&key);
        }
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        if let Some(task) = self.task.get_mut().unwrap_or_else(PoisonError::into_inner).take() {
            task.abort();
        }
    }
}

#[derive(Default)]
pub(super) struct Pool(Mutex<HashMap<Key, Weak<Watch>>>);

impl Pool {
    /// The watch of a kind as the target's identity may see it.
    pub fn watch(&self, target: &Target, mapped: &Mapped, namespace: &str) -> Arc<Watch> {
        // The controller may watch everything; a tenant has rights in namespaces.
        let namespace = if target.identity().is_empty() { "" } else { namespace };
        let path = mapped.collection(namespace);
        let key = Key { identity: target.identity().clone(), path: path.clone() };
        let mut watches = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = watches.get(&key).and_then(Weak::upgrade) {
            return known;
        }
        watches.retain(|_, watch| watch.strong_count() > 0);
        let made = Arc::new(Watch {
            interests: Mutex::default(),
            standing: watch::Sender::new(Standing::Starting),
            task: Mutex::default(),
        });
        let task = tokio::spawn(run(target.clone(), path, Arc::downgrade(&made)));
        *made.task.lock().unwrap_or_else(PoisonError::into_inner) = Some(task.abort_handle());
        watches.insert(key, Arc::downgrade(&made));
        made
    }

    /// Gives watches back; they live on for a while.
    pub fn release(watches: Vec<Arc<Watch>>) {
        if watches.is_empty() {
            return;
        }
        tokio::spawn(async move {
            tokio::time::sleep(LINGER).await;
            drop(watches);
        });
    }
}

async fn run(target: Target, path: String, watch: Weak<Watch>) {
    let mut epoch = 0;
    loop {
        let version = match start(&target, &path).await {
            Ok(version) => version,
            Err(kube::Error::Api(status)) if status.code == 403 || status.code == 404 || status.code == 405 => {
                if let Some(watch) = watch.upgrade() {
                    watch.standing.send_replace(Standing::Refused);
                }
                return;
            }
            Err(error) => {
                tracing::debug!(%error, path, "health watch cannot start");
                tokio::time::sleep(PAUSE).await;
                continue;
            }
        };
        epoch += 1;
        match watch.upgrade() {
            Some(watch) => watch.standing.send_replace(Standing::Following(epoch)),
            None => return,
        };
        if follow(&target, &path, version, &watch).await.is_none() {
            return;
        }
        tokio::time::sleep(PAUSE).await;
    }
}

/// The version to watch from: that of the smallest possible list.
async fn start(target: &Target, path: &str) -> kube::Result<String> {
    let request = Request::get(format!("{path}?limit=1")).body(Vec::new()).map_err(kube::Error::HttpError)?;
    let list: Value = target.client().request(request).await?;
    Ok(metadata::resource_version(&list).to_owned())
}

/// Follows until events may be missed; `None` when nobody uses the watch any more.
async fn follow(target: &Target, path: &str, mut version: String, watch: &Weak<Watch>) -> Option<()> {
    loop {
        let uri = format!(
            "{path}?watch=true&allowWatchBookmarks=true&timeoutSeconds={WATCH_SECONDS}&resourceVersion={version}"
        );
        let Ok(request) = Request::get(uri).body(Vec::new()) else { return Some(()) };
        let events = match target.client().request_events::<Value>(request).await {
            Ok(events) => events,
            Err(error) => {
                tracing::debug!(%error, path, "health watch broke");
                return Some(());
            }
        };
        let mut events = events.boxed();
        let mut seen = false;
        loop {
            let event = match events.try_next().await {
                Ok(Some(event)) => event,
                Ok(None) => break,
                Err(_) => return Some(()),
            };
            seen = true;
            let watch = watch.upgrade()?;
            match event {
                WatchEvent::Added(object) | WatchEvent::Modified(object) => {
                    version = metadata::resource_version(&object).to_owned();
                    watch.tell(object, false);
                }
                WatchEvent::Deleted(object) => {
                    version = metadata::resource_version(&object).to_owned();
                    watch.tell(object, true);
                }
                WatchEvent::Bookmark(mark) => version = mark.metadata.resource_version,
                WatchEvent::Error(_) => return Some(()),
            }
        }
        if !seen {
            tokio::time::sleep(PAUSE).await;
        }
    }
}
