//! Reading one object.

use std::sync::Arc;
use std::time::Duration;

use flux_store::Entry;
use serde_json::Value;

use super::convert;
use crate::negotiate::{Encoding, Form, View};
use crate::reply::{Reply, form_of};
use crate::request::Ask;
use crate::resources::Resource;
use crate::server::Shared;
use crate::status::{ApiError, FieldError};

/// How long a read waits for a version that is not there yet.
pub(crate) const FUTURE_WAIT: Duration = Duration::from_secs(3);

impl Shared {
    pub(crate) async fn get(self: &Arc<Self>, ask: &mut Ask, resource: &Arc<Resource>) -> Result<Reply, ApiError> {
        let form = form_of(ask)?;
        if let Some(text) = ask.query.get("resourceVersion") {
            let wanted = text.parse::<u64>().map_err(|_| bad_version_bare(text))?;
            self.wait_for(wanted).await?;
        }
        let entry = self.entry(resource, &ask.target.namespace, &ask.target.name).await?;
        self.object_reply(200, resource, &entry, form)
    }

    /// The stored entry of an object, or 404.
    pub(crate) async fn entry(&self, resource: &Resource, namespace: &str, name: &str) -> Result<Entry, ApiError> {
        let key = resource.key(namespace, name);
        let found = self.store.get(&resource.table, &key).await;
        found.ok_or_else(|| ApiError::not_found(&resource.group, &resource.plural, name))
    }

    /// An object as its version serves it, or `None`.
    pub(crate) async fn load(&self, resource: &Resource, namespace: &str, name: &str) -> Option<Value> {
        let entry = self.store.get(&resource.table, &resource.key(namespace, name)).await?;
        convert::of_entry(resource, &entry).ok()
    }

    /// Waits a moment for a revision that lies ahead.
    pub(crate) async fn wait_for(&self, revision: u64) -> Result<(), ApiError> {
        if self.store.revision() >= revision {
            return Ok(());
        }
        let reached = tokio::time::timeout(FUTURE_WAIT, self.store.reached(revision)).await;
        reached.map_err(|_| ApiError::timeout_too_large_version(revision, self.store.revision()))
    }

    /// The answer that shows a stored entry.
    pub(crate) fn object_reply(
        &self,
        code: u16,
        resource: &Arc<Resource>,
        entry: &Entry,
        form: Form,
    ) -> Result<Reply, ApiError> {
        if form.is_plain() && convert::is_plain(resource) {
            let mut bytes = convert::with_kind(resource, &entry.value);
            bytes.push(b'\n');
            return Ok(Reply::bytes(code, "application/json", bytes));
        }
        self.value_reply(code, resource, convert::of_entry(resource, entry)?, form)
    }

    /// The answer that shows an object.
    pub(crate) fn value_reply(
        &self,
        code: u16,
        resource: &Arc<Resource>,
        value: Value,
        form: Form,
    ) -> Result<Reply, ApiError> {
        let value = match form.view {
            View::Whole => value,
            _ => super::view::one(resource, value, form.view, crate::table::Headers::WithHeaders, form.include)?,
        };
        debug_assert!(matches!(form.encoding, Encoding::Json | Encoding::Yaml));
        Ok(Reply::value(code, &value, form))
    }
}

/// A bad version in a get or watch, which upstream passes on as a bare error.
pub(crate) fn bad_version_bare(text: &str) -> ApiError {
    ApiError::bare(bad_version(text).text())
}

pub(crate) fn bad_version(text: &str) -> FieldError {
    FieldError::invalid("resourceVersion", text, format!("strconv.ParseUint: parsing \"{text}\": invalid syntax"))
}
