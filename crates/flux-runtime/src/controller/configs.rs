//! ConfigMaps and Secrets that wake their users: watched by metadata alone.

use std::collections::HashMap;
use std::fmt::Debug;
use std::sync::Arc;
use std::time::Duration;

use futures::{StreamExt as _, TryStreamExt as _};
use kube::core::{NamespaceResourceScope, PartialObjectMeta};
use kube::runtime::{WatchStreamExt as _, watcher};
use kube::{Api, Resource, ResourceExt as _};
use serde::de::DeserializeOwned;

use crate::context::ControllerContext;
use crate::index::Index;
use crate::key::ObjectKey;
use crate::queue::Queue;

/// Watches kind `C` until the shutdown.
pub(super) async fn watch<C>(ctx: ControllerContext, index: Arc<Index>, queue: Queue)
where
    C: Resource<DynamicType = (), Scope = NamespaceResourceScope> + Clone + Debug + DeserializeOwned + Send + 'static,
{
    let api: Api<PartialObjectMeta<C>> = match &ctx.options.watch_namespace {
        Some(namespace) => Api::namespaced(ctx.client.clone(), namespace),
        None => Api::all(ctx.client.clone()),
    };
    let config = watcher::Config::default().labels(&ctx.options.watch_configs_label_selector);
    let mut events = watcher(api, config).default_backoff().boxed();
    let mut versions: HashMap<ObjectKey, String> = HashMap::new();
    let mut synced = false;
    loop {
        let event = tokio::select! {
            event = events.try_next() => event,
            () = ctx.shutdown.cancelled() => return,
        };
        match event {
            Ok(Some(watcher::Event::Apply(obj) | watcher::Event::InitApply(obj))) => {
                let (key, version) = identity(&obj);
                let known = versions.insert(key.clone(), version.clone());
                // What the first list brings was there before: the users' first attempts read it.
                if synced && known.as_ref() != Some(&version) {
                    super::wake_users(&index, &queue, &C::kind(&()), &key);
                }
            }
            Ok(Some(watcher::Event::Delete(obj))) => {
                versions.remove(&identity(&obj).0);
            }
            Ok(Some(watcher::Event::InitDone)) => synced = true,
            Ok(Some(watcher::Event::Init)) => {}
            Ok(None) => return,
            Err(error) => {
                tracing::debug!(kind = %C::kind(&()), %error, "watch of configs failed");
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    }
}

fn identity<C: Resource<DynamicType = ()>>(obj: &PartialObjectMeta<C>) -> (ObjectKey, String) {
    let key = ObjectKey::new(obj.namespace().unwrap_or_default(), obj.name_any());
    (key, obj.resource_version().unwrap_or_default())
}
