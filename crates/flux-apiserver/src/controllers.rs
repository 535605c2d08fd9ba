//! The controllers that run inside the server.

mod accounts;
mod aggregation;
mod events;
mod garbage;
mod namespaces;
mod quotas;

use std::sync::Arc;

use serde_json::Value;
use tokio::sync::mpsc;

use crate::resources::Resource;
use crate::server::Shared;

pub(crate) use garbage::Note;

/// What the garbage collector is told through.
pub(crate) type Notes = mpsc::UnboundedSender<Note>;

impl Shared {
    /// Starts the controllers of the configuration.
    pub(crate) async fn start_controllers(self: &Arc<Self>, notes: mpsc::UnboundedReceiver<Note>) {
        let which = self.config.controllers;
        if which.garbage_collector {
            garbage::start(self.clone(), notes).await;
        }
        if which.namespace {
            tokio::spawn(namespaces::run(self.clone()));
        }
        if which.service_account || which.root_ca {
            tokio::spawn(accounts::run(self.clone()));
        }
        if which.resource_quota {
            let (changed, receiver) = mpsc::unbounded_channel();
            // Only this place sets it, and only once.
            let _ = self.quota_notes.set(changed);
            tokio::spawn(quotas::run(self.clone(), receiver));
        }
        if which.clusterrole_aggregation {
            tokio::spawn(aggregation::run(self.clone()));
        }
        tokio::spawn(events::run(self.clone()));
    }

    /// Tells the garbage collector of a write.
    pub(crate) fn note(&self, resource: &Resource, old: Option<&Value>, new: Option<&Value>) {
        if self.config.controllers.garbage_collector {
            // Nobody listens any more once the server stops.
            let _ = self.notes.send(Note::of(resource, old, new));
        }
    }

    /// Tells the quota controller of a write in a namespace that has quotas.
    pub(crate) fn recount(&self, resource: &Resource, object: Option<&Value>) {
        if !resource.namespaced {
            return;
        }
        let (Some(notes), Some(object)) = (self.quota_notes.get(), object) else { return };
        let space = crate::object::namespace(object);
        let has_quotas =
            resource.is("", "resourcequotas") || self.store.any("core/resourcequotas", &format!("{space}/"));
        if has_quotas {
            // Nobody listens any more once the server stops.
            let _ = notes.send(space.to_owned());
        }
    }

    /// Resolves when the server stops.
    pub(crate) async fn stopped(&self) {
        let mut stop = self.stop.subscribe();
        // The sender lives in `self`.
        let _ = stop.wait_for(|stop| *stop).await;
    }
}
