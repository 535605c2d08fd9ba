//! A cache of the objects of one kind, kept by a watch, without managedFields.

use std::collections::HashMap;
use std::fmt::Debug;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use futures::{StreamExt as _, TryStreamExt as _};
use kube::runtime::utils::Backoff;
use kube::runtime::{WatchStreamExt as _, watcher};
use kube::{Api, Client, Resource, ResourceExt as _};
use serde::de::DeserializeOwned;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::key::ObjectKey;

/// A kind that controllers watch and cache.
pub trait Watched: Resource<DynamicType = ()> + Clone + DeserializeOwned + Debug + Send + Sync + 'static {}
impl<K: Resource<DynamicType = ()> + Clone + DeserializeOwned + Debug + Send + Sync + 'static> Watched for K {}

/// What the watch said about one object.
pub struct Change<'a, K> {
    pub key: &'a ObjectKey,
    /// As it was cached before.
    pub old: Option<&'a Arc<K>>,
    /// As it is now; `None` once it is gone.
    pub new: Option<&'a Arc<K>>,
}

/// What the watch told last, and what a write of ours answered with since.
struct Entry<K> {
    watched: Option<Arc<K>>,
    written: Option<Arc<K>>,
}

impl<K: Resource> Entry<K> {
    fn current(&self) -> Option<&Arc<K>> {
        self.written.as_ref().or(self.watched.as_ref())
    }
}

struct Inner<K> {
    objects: RwLock<HashMap<ObjectKey, Entry<K>>>,
    synced: watch::Sender<bool>,
}

/// The cache; clones share it.
pub struct Cache<K>(Arc<Inner<K>>);

impl<K> Clone for Cache<K> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<K: Watched> Default for Cache<K> {
    fn default() -> Self {
        Self(Arc::new(Inner { objects: RwLock::default(), synced: watch::Sender::new(false) }))
    }
}

impl<K: Watched> Cache<K> {
    /// The cached object; at least as new as the last answer to a write of ours.
    pub fn get(&self, key: &ObjectKey) -> Option<Arc<K>> {
        self.0.objects.read().unwrap_or_else(PoisonError::into_inner).get(key)?.current().cloned()
    }

    /// All cached objects, in no order.
    pub fn list(&self) -> Vec<Arc<K>> {
        let objects = self.0.objects.read().unwrap_or_else(PoisonError::into_inner);
        objects.values().filter_map(|entry| entry.current().cloned()).collect()
    }

    /// Waits until the first list is complete.
    pub async fn synced(&self) {
        let mut receiver = self.0.synced.subscribe();
        // The sender lives in the cache that `self` holds.
        let _ = receiver.wait_for(|synced| *synced).await;
    }

    /// Takes what a write answered with, unless the watch already brought something newer.
    pub fn put(&self, obj: K) -> Arc<K> {
        let key = ObjectKey::of(&obj);
        let obj = stripped(obj);
        let mut objects = self.0.objects.write().unwrap_or_else(PoisonError::into_inner);
        // An object that the watch does not know (any more) comes by the watch only: it may be gone already.
        if let Some(entry) = objects.get_mut(&key) {
            match entry.current() {
                Some(known) if newer(known.as_ref(), obj.as_ref()) => return known.clone(),
                _ => entry.written = Some(obj.clone()),
            }
        }
        obj
    }

    /// Keeps the cache by a watch until `shutdown`; `on_change` is told of each change after it is visible.
    pub async fn run(
        self,
        client: Client,
        namespace: Option<String>,
        labels: String,
        shutdown: CancellationToken,
        on_change: impl Fn(Change<'_, K>) + Send + Sync,
    ) where
        K: Resource<Scope = kube::core::NamespaceResourceScope>,
    {
        let api: Api<K> = match &namespace {
            Some(namespace) => Api::namespaced(client, namespace),
            None => Api::all(client),
        };
        let mut config = watcher::Config::default();
        if !labels.is_empty() {
            config = config.labels(&labels);
        }
        let mut events = watcher(api, config).backoff(Reconnect::default()).boxed();
        let mut listed: Option<HashMap<ObjectKey, Arc<K>>> = None;
        loop {
            let event = tokio::select! {
                () = shutdown.cancelled() => return,
                event = events.try_next() => event,
            };
            match event {
                Ok(Some(event)) => self.take(event, &mut listed, &on_change),
                Ok(None) => return,
                Err(error) => tracing::debug!(kind = %K::kind(&()), %error, "watch failed"),
            }
        }
    }

    fn take(
        &self,
        event: watcher::Event<K>,
        listed: &mut Option<HashMap<ObjectKey, Arc<K>>>,
        on_change: &impl Fn(Change<'_, K>),
    ) {
        match event {
            watcher::Event::Init => *listed = Some(HashMap::new()),
            watcher::Event::InitApply(obj) => {
                let key = ObjectKey::of(&obj);
                let obj = stripped(obj);
                if let Some(listed) = listed {
                    listed.insert(key.clone(), obj.clone());
                }
                self.apply(key, obj, on_change);
            }
            watcher::Event::InitDone => {
                let listed = listed.take().unwrap_or_default();
                let gone: Vec<ObjectKey> = {
                    let objects = self.0.objects.read().unwrap_or_else(PoisonError::into_inner);
                    objects.keys().filter(|key| !listed.contains_key(*key)).cloned().collect()
                };
                for key in gone {
                    self.remove(&key, on_change);
                }
                self.0.synced.send_replace(true);
            }
            watcher::Event::Apply(obj) => self.apply(ObjectKey::of(&obj), stripped(obj), on_change),
            watcher::Event::Delete(obj) => self.remove(&ObjectKey::of(&obj), on_change),
        }
    }

    fn apply(&self, key: ObjectKey, obj: Arc<K>, on_change: &impl Fn(Change<'_, K>)) {
        let old = {
            let mut objects = self.0.objects.write().unwrap_or_else(PoisonError::into_inner);
            let entry = objects.entry(key.clone()).or_insert(Entry { watched: None, written: None });
            if entry.written.as_ref().is_some_and(|written| !newer(written.as_ref(), obj.as_ref())) {
                entry.written = None;
            }
            entry.watched.replace(obj.clone())
        };
        on_change(Change { key: &key, old: old.as_ref(), new: Some(&obj) });
    }

    fn remove(&self, key: &ObjectKey, on_change: &impl Fn(Change<'_, K>)) {
        let old = self.0.objects.write().unwrap_or_else(PoisonError::into_inner).remove(key);
        if let Some(old) = old.and_then(|entry| entry.watched) {
            on_change(Change { key, old: Some(&old), new: None });
        }
    }
}

/// True when `known` is another, later state of the same object than `other`.
fn newer<K: Resource>(known: &K, other: &K) -> bool {
    let version = |obj: &K| obj.resource_version().and_then(|version| version.parse::<u64>().ok());
    known.meta().uid == other.meta().uid
        && match (version(known), version(other)) {
            (Some(known), Some(other)) => known > other,
            _ => false,
        }
}

fn stripped<K: Resource>(mut obj: K) -> Arc<K> {
    obj.meta_mut().managed_fields = None;
    Arc::new(obj)
}

/// Watches that break come back after 0.1 to 10 s: the server may just restart.
#[derive(Default)]
struct Reconnect {
    attempts: u32,
}

impl Iterator for Reconnect {
    type Item = Duration;

    fn next(&mut self) -> Option<Duration> {
        let base = Duration::from_millis(100 << self.attempts.min(7)).min(Duration::from_secs(10));
        self.attempts = self.attempts.saturating_add(1);
        Some(crate::jitter::spread(base, 20))
    }
}

impl Backoff for Reconnect {
    fn reset(&mut self) {
        self.attempts = 0;
    }
}
