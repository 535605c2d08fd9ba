//! One attempt at one object: what a reconciler reads and writes.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use flux_api::FluxObject;
use flux_api::meta::Condition;

use crate::conditions::Conditions;
use crate::events::{Event, EventRecorder, ObjectIdentity, Severity};
use crate::frame::write::Writer;
use crate::key::{ObjectKey, Reference};
use crate::queue::{Lane, Queue};

/// What an attempt is doing, for a reader that looks while it runs.
#[derive(Clone, Debug, Default)]
pub(crate) struct Phase {
    pub message: String,
    /// More conditions to show while the phase lasts.
    pub conditions: Vec<Condition>,
}

pub(crate) type SharedPhase = Arc<Mutex<Phase>>;

/// One attempt. The object's status may be changed freely; the frame writes the difference once, at the end.
pub struct Attempt<K: FluxObject> {
    /// As it was read; [`Attempt::object_mut`] changes its status.
    object: K,
    /// The status as the server has it, as JSON.
    pub(crate) stored: serde_json::Value,
    key: ObjectKey,
    lane: Lane,
    trigger: Option<Reference>,
    preempted: Option<Reference>,
    started: Instant,
    events: EventRecorder,
    metadata: BTreeMap<String, String>,
    pub(crate) phase: SharedPhase,
    pub(crate) queue: Queue,
    writer: Writer<K>,
}

/// The status could not be written ahead of the work that needs it.
#[derive(Debug, thiserror::Error)]
#[error("unable to announce: {0}")]
pub struct AnnounceError(String);

impl<K: FluxObject> Attempt<K> {
    pub(crate) fn new(
        object: K,
        lane: Lane,
        trigger: Option<Reference>,
        events: EventRecorder,
        queue: Queue,
        writer: Writer<K>,
    ) -> Self {
        let metadata = crate::events::annotation_metadata(object.meta().annotations.as_ref());
        Self {
            stored: status_json(&object),
            key: ObjectKey::of(&object),
            object,
            lane,
            trigger,
            preempted: None,
            started: Instant::now(),
            events,
            metadata,
            phase: SharedPhase::default(),
            queue,
            writer,
        }
    }

    /// The object with its working status.
    pub fn object(&self) -> &K {
        &self.object
    }

    /// The object; only changes of its status are ever written.
    pub fn object_mut(&mut self) -> &mut K {
        &mut self.object
    }

    /// The working status.
    pub fn status_mut(&mut self) -> &mut K::Status {
        self.object.status_mut()
    }

    /// The working conditions.
    pub fn conditions(&mut self) -> Conditions<'_> {
        Conditions::of(&mut self.object)
    }

    pub fn key(&self) -> &ObjectKey {
        &self.key
    }

    pub fn namespace(&self) -> &str {
        &self.key.namespace
    }

    pub fn generation(&self) -> i64 {
        self.object.meta().generation.unwrap_or_default()
    }

    /// Takes over annotations that came while the attempt waited, so that a request in them is answered.
    pub(crate) fn refresh_annotations(&mut self, now: &K) {
        self.object.meta_mut().annotations.clone_from(&now.meta().annotations);
    }

    /// Who asked for this attempt.
    pub fn lane(&self) -> Lane {
        self.lane
    }

    /// What changed, when an event of an object asked for this attempt.
    pub fn trigger(&self) -> Option<&Reference> {
        self.trigger.as_ref()
    }

    /// Set when this attempt ended a health watch of the one before: what ended it.
    pub fn preempted(&self) -> Option<&Reference> {
        self.preempted.as_ref()
    }

    pub(crate) fn set_preempted(&mut self, by: Reference) {
        self.preempted = Some(by);
    }

    /// When the attempt began; a parked one keeps its beginning.
    pub fn started(&self) -> Instant {
        self.started
    }

    /// True once a newer trigger arrived: what this attempt still does is for nothing.
    pub fn superseded(&self) -> bool {
        self.queue.superseded(&self.key)
    }

    /// Names the phase. It becomes the message of Reconciling if it lasts longer than a second,
    /// or if the attempt then fails.
    pub fn progress(&self, message: impl Into<String>) {
        self.phase.lock().unwrap_or_else(PoisonError::into_inner).message = message.into();
    }

    /// As [`Attempt::progress`], with conditions to show beside Reconciling while it lasts.
    pub fn progress_with(&self, message: impl Into<String>, conditions: Vec<Condition>) {
        *self.phase.lock().unwrap_or_else(PoisonError::into_inner) = Phase { message: message.into(), conditions };
    }

    /// Metadata of all events of this attempt, such as `revision`; the kind's group goes before the name.
    pub fn event_metadata(&mut self, name: &str, value: impl Into<String>) {
        self.metadata.insert(format!("{}/{name}", K::group(&())), value.into());
    }

    /// Tells of something now.
    pub fn event(&self, severity: Severity, reason: &str, message: impl Into<String>) {
        self.event_with(severity, reason, message, &[]);
    }

    /// As [`Attempt::event`], with more metadata.
    pub fn event_with(&self, severity: Severity, reason: &str, message: impl Into<String>, more: &[(&str, &str)]) {
        let mut metadata = self.metadata.clone();
        metadata.extend(more.iter().map(|(name, value)| (format!("{}/{name}", K::group(&())), (*value).to_owned())));
        let object = ObjectIdentity::of(&self.object);
        self.events.emit(Event { object, severity, reason: reason.into(), message: message.into(), metadata });
    }

    /// Writes a part of the status now, on a fresh read and only if nobody wrote in between.
    ///
    /// `edit` changes the status and says whether it did; it is applied to the working status too. The answer is
    /// the object as the server has it then.
    pub async fn announce(&mut self, edit: impl Fn(&mut K::Status) -> bool) -> Result<K, AnnounceError> {
        let written = self.writer.edit_status(&self.key, |object| edit(object.status_mut())).await;
        let written = written.map_err(|error| AnnounceError(error.to_string()))?;
        self.stored = status_json(&written);
        edit(self.object.status_mut());
        Ok(written)
    }
}

/// The status as JSON; an empty object when there is none.
pub(crate) fn status_json<K: FluxObject>(object: &K) -> serde_json::Value {
    let status = object.status().and_then(|status| serde_json::to_value(status).ok());
    status.unwrap_or_else(|| serde_json::Value::Object(serde_json::Map::new()))
}
