//! Whose rules read an object, and must be looked at again when it changes.

use super::{Key, Object, Owner, World};
use crate::kinds::Kind;
use std::collections::BTreeSet;

impl World {
    /// An object is no more: its owner misses it, its children are the garbage collector's.
    pub(super) fn forget(&mut self, object: &Object, dirty: &mut BTreeSet<Key>) {
        self.refusals.remove(&object.uid);
        self.serials.remove(&object.uid);
        self.affected(Some(object), object, dirty);
        match object.key.kind {
            Kind::Pod => dirty.extend(self.unplaced.iter().cloned()),
            Kind::Node => {
                dirty.extend(self.nodes.get(&object.key.name).into_iter().flat_map(|usage| usage.pods.clone()))
            }
            _ => {}
        }
    }

    /// Everything whose rules read this object.
    pub(super) fn affected(&self, before: Option<&Object>, object: &Object, dirty: &mut BTreeSet<Key>) {
        dirty.insert(object.key.clone());
        if let Some(Owner { kind: Some(kind), name, .. }) = &object.owner {
            dirty.insert(Key::new(*kind, &object.key.namespace, name));
        }
        match object.key.kind {
            Kind::Pod => {
                let labels = before.map(|before| &before.labels).into_iter().chain([&object.labels]);
                for (label, value) in labels.flatten() {
                    let pair = (object.key.namespace.clone(), label.clone(), value.clone());
                    dirty.extend(self.selecting.get(&pair).into_iter().flatten().cloned());
                }
                dirty.extend(self.selecting_all.get(&object.key.namespace).into_iter().flatten().cloned());
                // Deployments read the Pods of their ReplicaSets.
                if let Some(Owner { kind: Some(Kind::ReplicaSet), name, .. }) = &object.owner
                    && let Some(set) = self.objects.get(&Key::new(Kind::ReplicaSet, &object.key.namespace, name))
                    && let Some(Owner { kind: Some(kind), name, .. }) = &set.owner
                {
                    dirty.insert(Key::new(*kind, &object.key.namespace, name));
                }
                if object.finished() && before.is_some_and(|before| !before.finished()) {
                    dirty.extend(self.unplaced.iter().cloned());
                }
            }
            Kind::Node => {
                dirty.extend(self.unplaced.iter().cloned());
                dirty.extend(self.keys(Kind::DaemonSet).into_iter().map(|(key, _)| key));
            }
            Kind::Endpoints => _ = dirty.insert(Key { kind: Kind::Service, ..object.key.clone() }),
            Kind::PersistentVolumeClaim => {
                let named = object.spec["volumeName"].as_str().unwrap_or_default();
                dirty.insert(Key::new(Kind::PersistentVolume, "", named));
                dirty.insert(Key::new(Kind::PersistentVolume, "", &format!("pvc-{}", object.uid)));
            }
            Kind::PersistentVolume => {
                let claim = &object.spec["claimRef"];
                if let (Some(namespace), Some(name)) = (claim["namespace"].as_str(), claim["name"].as_str()) {
                    dirty.insert(Key::new(Kind::PersistentVolumeClaim, namespace, name));
                }
            }
            _ => dirty.extend(self.scaling.get(&object.key).into_iter().flatten().cloned()),
        }
    }
}
