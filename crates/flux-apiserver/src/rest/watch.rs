//! Watches as streams of events.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use flux_store::{Change, Range, Watcher};
use rand::Rng as _;
use serde_json::{Value, json};
use tokio::time::Instant;

use super::list::{Selectors, check_options, prefix};
use super::{convert, get, view};
use crate::negotiate::{Encoding, Form, View};
use crate::reply::{Reply, form_of, json_bytes};
use crate::request::Ask;
use crate::resources::Resource;
use crate::server::Shared;
use crate::status::ApiError;
use crate::table::Headers;

/// Upstream's shortest watch when the client names no timeout; the real one is up to twice as long.
const SHORTEST: u64 = 1800;
/// About how often a bookmark is sent.
const BOOKMARK_EVERY: Duration = Duration::from_secs(60);
/// A last bookmark comes this long before the end.
const BOOKMARK_BEFORE_END: Duration = Duration::from_secs(2);
const INITIAL_END: &str = "k8s.io/initial-events-end";

struct Stream {
    shared: Arc<Shared>,
    resource: Arc<Resource>,
    selectors: Selectors,
    prefix: String,
    /// The one object of a watch by path.
    only: Option<String>,
    form: Form,
    watcher: Option<Watcher>,
    ready: VecDeque<Bytes>,
    bookmarks: bool,
    next_bookmark: Instant,
    end: Instant,
    headers: Headers,
    stop: tokio::sync::watch::Receiver<bool>,
    gone: tokio::sync::watch::Receiver<u64>,
    seen_gone: u64,
}

impl Shared {
    pub(crate) async fn watch(self: &Arc<Self>, ask: &mut Ask, resource: &Arc<Resource>) -> Result<Reply, ApiError> {
        let form = form_of(ask)?;
        ask.query.integer("limit")?;
        let seconds = ask
            .query
            .integer("timeoutSeconds")?
            .and_then(|seconds| u64::try_from(seconds).ok())
            .filter(|seconds| *seconds > 0);
        check_options(ask, true)?;
        let selectors = Selectors::read(ask, resource)?;
        let version = ask.query.get("resourceVersion").unwrap_or("");
        let from: u64 =
            if version.is_empty() { 0 } else { version.parse().map_err(|_| get::bad_version_bare(version))? };
        let initial = ask.query.flag("sendInitialEvents");
        let seconds = seconds.unwrap_or_else(|| rand::rng().random_range(SHORTEST..2 * SHORTEST));
        let now = Instant::now();
        let end = now + Duration::from_secs(seconds);
        let bookmarks = ask.query.flag("allowWatchBookmarks").unwrap_or(false);
        let mut stream = Stream {
            shared: self.clone(),
            prefix: prefix(resource, &ask.target.namespace),
            only: Some(ask.target.name.clone()).filter(|name| !name.is_empty()),
            resource: resource.clone(),
            selectors,
            form,
            watcher: None,
            ready: VecDeque::new(),
            bookmarks,
            next_bookmark: (now + BOOKMARK_EVERY).min(end.checked_sub(BOOKMARK_BEFORE_END).unwrap_or(end)),
            end,
            headers: Headers::WithHeaders,
            stop: self.stop.subscribe(),
            seen_gone: *self.gone.borrow(),
            gone: self.gone.subscribe(),
        };
        let replay = initial.unwrap_or(from == 0);
        if replay {
            self.wait_for(from).await?;
            let mark = initial == Some(true) && bookmarks;
            stream.replay(mark).await?;
        } else {
            let from = if from == 0 { self.store.revision() } else { from };
            stream.start(from);
        }
        let content_type = match form.encoding {
            Encoding::Json => "application/json",
            Encoding::Yaml => "application/yaml",
        };
        let mut reply = Reply::stream(futures::stream::unfold(stream, |mut stream| async move {
            let bytes = stream.next().await?;
            Some((bytes, stream))
        }));
        reply.content_type = content_type.into();
        Ok(reply)
    }
}

impl Stream {
    fn start(&mut self, from: u64) {
        match self.shared.store.watch(&self.resource.table, from) {
            Ok(watcher) => self.watcher = Some(watcher),
            Err(old) => self.too_old(old.requested, old.oldest),
        }
    }

    /// Sends the present state as additions; the end is marked when asked for.
    async fn replay(&mut self, mark: bool) -> Result<(), ApiError> {
        let range = Range { prefix: self.prefix.clone(), ..Range::default() };
        let page = self.shared.store.list(&self.resource.table, &range, None).await;
        let page = page.map_err(|error| ApiError::internal(error.to_string()))?;
        for (_, entry) in page.entries.iter().filter(|(key, _)| self.wanted(key)).cloned().collect::<Vec<_>>() {
            self.push("ADDED", &entry.value);
        }
        if mark {
            self.push_bookmark(page.revision, true);
        }
        self.start(page.revision);
        Ok(())
    }

    async fn next(&mut self) -> Option<Bytes> {
        loop {
            if let Some(bytes) = self.ready.pop_front() {
                return Some(bytes);
            }
            let watcher = self.watcher.as_mut()?;
            if *self.stop.borrow() {
                return None;
            }
            tokio::select! {
                biased;
                changes = watcher.next() => match changes {
                    Ok(changes) => changes.iter().for_each(|change| self.change(change)),
                    Err(old) => self.too_old(old.requested, old.oldest),
                },
                () = tokio::time::sleep_until(self.end) => return None,
                () = tokio::time::sleep_until(self.next_bookmark), if self.bookmarks => self.bookmark(),
                _ = self.stop.changed() => return None,
                _ = self.gone.changed() => if self.resource_gone() { return None },
            }
        }
    }

    /// Whether the definition of this custom resource went away.
    fn resource_gone(&mut self) -> bool {
        let now = *self.gone.borrow();
        if now == self.seen_gone || self.resource.custom().is_none() {
            return false;
        }
        self.seen_gone = now;
        self.shared.registry.find(&self.resource.group, &self.resource.version, &self.resource.plural).is_none()
    }

    fn too_old(&mut self, requested: u64, oldest: u64) {
        let status = ApiError::expired(format!("too old resource version: {requested} ({oldest})")).to_value();
        self.watcher = None;
        self.ready.push_back(json_bytes(&json!({"type": "ERROR", "object": status})).into());
    }

    fn change(&mut self, change: &Arc<Change>) {
        if !self.wanted(&change.key) {
            return;
        }
        let plain = self.selectors.is_empty();
        let before = change.previous.as_ref().is_some_and(|entry| plain || self.matches(&entry.value));
        let after = !change.removed && (plain || self.matches(&change.value));
        match (before, after) {
            (false, true) => self.push("ADDED", &change.value),
            (true, true) => self.push("MODIFIED", &change.value),
            (true, false) if change.removed => self.push("DELETED", &change.value),
            // It left the selection: shown as it was, at the version that changed it.
            (true, false) => {
                if let Some(entry) = &change.previous {
                    let value = with_version(&entry.value, change.revision);
                    self.push("DELETED", &value);
                }
            }
            (false, false) => {}
        }
    }

    fn wanted(&self, key: &str) -> bool {
        key.strip_prefix(self.prefix.as_str()).is_some_and(|rest| self.only.as_deref().is_none_or(|only| only == rest))
    }

    fn matches(&self, bytes: &Bytes) -> bool {
        convert::served(&self.resource, bytes).is_ok_and(|value| self.selectors.matches(&value, &self.resource))
    }

    fn push(&mut self, kind: &str, bytes: &Bytes) {
        if self.form.is_plain() && convert::is_plain(&self.resource) {
            if !self.selectors.is_empty() && kind == "ADDED" && !self.matches(bytes) {
                return;
            }
            let object = convert::with_kind(&self.resource, bytes);
            let mut line = Vec::with_capacity(object.len() + 32);
            line.extend_from_slice(format!("{{\"type\":\"{kind}\",\"object\":").as_bytes());
            line.extend_from_slice(&object);
            line.extend_from_slice(b"}\n");
            self.ready.push_back(line.into());
            return;
        }
        let Ok(value) = convert::served(&self.resource, bytes) else { return };
        if kind == "ADDED" && !self.selectors.matches(&value, &self.resource) {
            return;
        }
        self.push_value(kind, value);
    }

    fn push_value(&mut self, kind: &str, value: Value) {
        let shown = view::one(&self.resource, value, self.form.view, self.headers, self.form.include);
        if matches!(self.form.view, View::Table { .. }) {
            self.headers = Headers::Without;
        }
        let Ok(object) = shown else { return };
        let event = json!({"type": kind, "object": object});
        let bytes = match self.form.encoding {
            Encoding::Json => json_bytes(&event),
            Encoding::Yaml => format!("---\n{}", flux_yaml::emit_v2(&event)).into_bytes(),
        };
        self.ready.push_back(bytes.into());
    }

    fn bookmark(&mut self) {
        let now = Instant::now();
        let last = self.end.checked_sub(BOOKMARK_BEFORE_END).unwrap_or(self.end);
        self.next_bookmark = if now < last { (now + BOOKMARK_EVERY).min(last) } else { self.end + BOOKMARK_EVERY };
        let revision = self.watcher.as_ref().map_or(0, Watcher::progress);
        self.push_bookmark(revision, false);
    }

    fn push_bookmark(&mut self, revision: u64, initial_end: bool) {
        let mut meta = json!({"resourceVersion": revision.to_string()});
        if initial_end {
            meta["annotations"] = json!({INITIAL_END: "true"});
        }
        let object = json!({"kind": self.resource.kind, "apiVersion": self.resource.api_version(), "metadata": meta});
        let object = match (&self.resource.origin, self.form.view) {
            (crate::resources::Origin::BuiltIn(kind), View::Whole) => {
                crate::typed::shape(*kind, object.clone()).map_or(object, |shaped| shaped.value)
            }
            _ => object,
        };
        self.push_value("BOOKMARK", object);
    }
}

fn with_version(bytes: &Bytes, revision: u64) -> Bytes {
    let Ok(mut value) = serde_json::from_slice::<Value>(bytes) else { return bytes.clone() };
    crate::object::meta_mut(&mut value).insert("resourceVersion".into(), revision.to_string().into());
    crate::status::go_json(&value).into()
}
