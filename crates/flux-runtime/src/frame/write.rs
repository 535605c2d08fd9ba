//! Writes to the object itself: its finalizer and its status.

use flux_api::FluxObject;
use kube::api::{Patch, PatchParams};
use kube::{Api, Client, ResourceExt as _};
use serde_json::{Map, Value, json};

use super::Frame;
use crate::attempt::status_json;
use crate::cache::Cache;
use crate::controller::Reconciler;
use crate::key::ObjectKey;

/// How often a conflicting finalizer write is tried with a fresh read.
const TRIES: usize = 5;

/// Why an object could not be written.
#[derive(Debug, thiserror::Error)]
pub(crate) enum WriteError {
    /// It was deleted meanwhile: nothing is left to do.
    #[error("object is gone")]
    Gone,
    #[error("{what}: {source}")]
    Api { what: &'static str, source: Box<kube::Error> },
}

fn error(what: &'static str) -> impl Fn(kube::Error) -> WriteError {
    move |error| match error {
        kube::Error::Api(status) if status.is_not_found() => WriteError::Gone,
        source => WriteError::Api { what, source: Box::new(source) },
    }
}

/// Writes the status of objects of one kind; outlives the borrow of the frame.
#[derive(Clone)]
pub(crate) struct Writer<K: FluxObject> {
    client: Client,
    field_manager: &'static str,
    cache: Cache<K>,
}

impl<K: FluxObject> Writer<K> {
    /// Writes what differs from `stored`; `None` when nothing does.
    pub async fn patch_status(&self, object: &K, stored: &Value) -> Result<Option<K>, WriteError> {
        let Some(changes) = difference(stored, &status_json(object)) else { return Ok(None) };
        let api: Api<K> = Api::namespaced(self.client.clone(), &object.namespace().unwrap_or_default());
        let patch = json!({"apiVersion": K::api_version(&()), "kind": K::kind(&()), "status": changes});
        let params = PatchParams { field_manager: Some(self.field_manager.into()), ..PatchParams::default() };
        let written =
            api.patch_status(&object.name_any(), &params, &Patch::Merge(patch)).await.map_err(error("patch status"))?;
        self.cache.put(written.clone());
        Ok(Some(written))
    }
}

impl<K: FluxObject> Writer<K> {
    /// Changes the status as the server has it now: read afresh, and written only if nobody wrote in between.
    ///
    /// `edit` says whether it changed anything; the answer is the object as it then is.
    pub async fn edit_status(&self, key: &ObjectKey, edit: impl Fn(&mut K) -> bool) -> Result<K, WriteError> {
        let api: Api<K> = Api::namespaced(self.client.clone(), &key.namespace);
        for attempt in 1.. {
            let read = api.get(&key.name).await.map_err(error("read"))?;
            let mut object = read.clone();
            if !edit(&mut object) {
                return Ok(read);
            }
            let Some(changes) = difference(&status_json(&read), &status_json(&object)) else { return Ok(read) };
            let patch = json!({
                "apiVersion": K::api_version(&()),
                "kind": K::kind(&()),
                "metadata": {"resourceVersion": read.resource_version()},
                "status": changes,
            });
            let params = PatchParams { field_manager: Some(self.field_manager.into()), ..PatchParams::default() };
            match api.patch_status(&key.name, &params, &Patch::Merge(patch)).await {
                Ok(written) => {
                    self.cache.put(written.clone());
                    return Ok(written);
                }
                Err(kube::Error::Api(status)) if status.is_conflict() && attempt < TRIES => {}
                Err(other) => return Err(error("patch status")(other)),
            }
        }
        unreachable!("the loop returns")
    }
}

impl<K: FluxObject, R: Reconciler<K>> Frame<K, R> {
    pub(super) fn writer(&self) -> Writer<K> {
        Writer { client: self.ctx.client.clone(), field_manager: self.field_manager, cache: self.cache.clone() }
    }

    pub(super) async fn patch_status(&self, object: &K, stored: &Value) -> Result<Option<K>, WriteError> {
        self.writer().patch_status(object, stored).await
    }

    pub(super) async fn add_finalizer(&self, object: K, finalizer: &str) -> Result<K, WriteError> {
        let written = self
            .edit_finalizers(object, |finalizers| {
                if !finalizers.iter().any(|known| known == finalizer) {
                    finalizers.push(finalizer.to_owned());
                }
            })
            .await?;
        self.cache.put(written.clone());
        Ok(written)
    }

    pub(super) async fn remove_finalizer(&self, object: &K, finalizer: &str) -> Result<(), WriteError> {
        match self.edit_finalizers(object.clone(), |finalizers| finalizers.retain(|known| known != finalizer)).await {
            Ok(_) | Err(WriteError::Gone) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// The list is written as a whole, so the write holds only for the version that was read.
    async fn edit_finalizers(&self, mut object: K, edit: impl Fn(&mut Vec<String>)) -> Result<K, WriteError> {
        let api = self.api(&object);
        let params = PatchParams { field_manager: Some(self.field_manager.into()), ..PatchParams::default() };
        for attempt in 1.. {
            let mut finalizers = object.finalizers().to_vec();
            edit(&mut finalizers);
            let patch = json!({"metadata": {"finalizers": finalizers, "resourceVersion": object.resource_version()}});
            match api.patch(&object.name_any(), &params, &Patch::Merge(patch)).await {
                Err(kube::Error::Api(status)) if status.is_conflict() && attempt < TRIES => {
                    object = api.get(&object.name_any()).await.map_err(error("read"))?;
                }
                outcome => return outcome.map_err(error("patch finalizers")),
            }
        }
        unreachable!("the loop returns")
    }
}

/// The merge patch that turns `old` into `new`; `None` when they are equal.
pub(crate) fn difference(old: &Value, new: &Value) -> Option<Value> {
    if old == new {
        return None;
    }
    let (Value::Object(old), Value::Object(new)) = (old, new) else { return Some(new.clone()) };
    let mut patch = Map::new();
    for (name, value) in new {
        match old.get(name) {
            None => {
                patch.insert(name.clone(), value.clone());
            }
            Some(before) => {
                if let Some(changes) = difference(before, value) {
                    patch.insert(name.clone(), changes);
                }
            }
        }
    }
    for name in old.keys().filter(|name| !new.contains_key(*name)) {
        patch.insert(name.clone(), Value::Null);
    }
    Some(Value::Object(patch))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patches_hold_only_what_differs() {
        let old = json!({"a": 1, "b": {"c": [1], "d": 2}, "gone": true});
        let new = json!({"a": 1, "b": {"c": [1, 2], "d": 2}, "new": 3});
        assert_eq!(difference(&old, &new), Some(json!({"b": {"c": [1, 2]}, "gone": null, "new": 3})));
        assert_eq!(difference(&old, &old), None);
    }
}
