//! Replacing objects.

use std::sync::Arc;

use flux_store::{Entry, WriteError};
use serde_json::Value;

use super::{Part, convert, options};
use crate::intake;
use crate::object::{is_deleting, meta_mut, meta_text, name};
use crate::reply::{Reply, form_of};
use crate::request::Ask;
use crate::resources::Resource;
use crate::server::Shared;
use crate::status::{ApiError, FieldError};
use crate::{admission, managed, strategy, validation};

/// How often a write without a version is tried again when others write at the same time.
pub(crate) const RETRIES: usize = 64;

impl Shared {
    pub(crate) async fn update(
        self: &Arc<Self>,
        ask: &mut Ask,
        resource: &Arc<Resource>,
        part: Part,
    ) -> Result<Reply, ApiError> {
        let form = form_of(ask)?;
        options::check(ask, options::Kind::Update)?;
        let mut object = intake::read_object(ask, resource)?;
        intake::check_place(&mut object, &ask.target.namespace, resource)?;
        check_name(&mut object, &ask.target.name)?;
        let (namespace, url_name) = (ask.target.namespace.clone(), ask.target.name.clone());
        let manager = ask.manager();
        for _ in 0..RETRIES {
            let key = resource.key(&namespace, &url_name);
            let Some(entry) = self.store.get(&resource.table, &key).await else {
                return self.update_absent(ask, resource, object, part).await;
            };
            let old = convert::of_entry(resource, &entry)?;
            check_uid(resource, &object, &old)?;
            let given = check_version(resource, &object, &old)?;
            let mut new = object.clone();
            managed::after_write(resource, Some(&old), &mut new, &manager, part);
            match self.replace(ask, resource, part, &entry, old, new).await {
                Ok(done) => return self.value_reply(200, resource, done, form),
                Err(error) if error.is_modified() && !given => {}
                Err(error) => return Err(error),
            }
        }
        Err(ApiError::modified(&resource.group, &resource.plural, &url_name))
    }

    async fn update_absent(
        self: &Arc<Self>,
        ask: &mut Ask,
        resource: &Arc<Resource>,
        mut object: Value,
        part: Part,
    ) -> Result<Reply, ApiError> {
        let form = form_of(ask)?;
        let absent = ApiError::not_found(&resource.group, &resource.plural, &ask.target.name);
        if part != Part::Main || !strategy::creates_on_update(resource) {
            return Err(absent);
        }
        match meta_text(&object, "resourceVersion") {
            "" => {}
            text => match text.parse::<u64>() {
                Ok(0) => {}
                Ok(_) => return Err(absent),
                Err(_) => return Err(ApiError::bare(format!("strconv.ParseUint: parsing \"{text}\": invalid syntax"))),
            },
        }
        managed::after_write(resource, None, &mut object, &ask.manager(), Part::Main);
        let created = self.insert(ask, resource, object).await?;
        self.value_reply(201, resource, created, form)
    }

    /// Brings a changed object through strategy, admission and checks into the store.
    ///
    /// Nothing is written when nothing but the version differs; the object goes when the change lets it.
    pub(crate) async fn replace(
        self: &Arc<Self>,
        ask: &mut Ask,
        resource: &Arc<Resource>,
        part: Part,
        entry: &Entry,
        old: Value,
        mut new: Value,
    ) -> Result<Value, ApiError> {
        keep_system_fields(&old, &mut new);
        admission::on_update(self, ask, resource, &old, &mut new, part).await?;
        match part {
            Part::Main => strategy::prepare_update(resource, &old, &mut new),
            Part::Status => strategy::prepare_status_update(resource, &old, &mut new),
        }
        let dry_run = options::is_dry_run(ask);
        self.allocate(resource, Some(&old), &mut new, dry_run).await?;
        validation::on_update(self, ask, resource, &old, &new, part).await?;
        let _quota = admission::check_update(self, ask, resource, &old, &new, part).await?;
        crate::warnings::on_write(resource, Some(&old), &new).into_iter().for_each(|text| ask.warn(text));
        managed::forget_idle_times(&old, &mut new);
        let new = intake::as_stored(new, resource);
        let namespace = ask.target.namespace.clone();
        let written = self.commit(resource, &namespace, entry, &old, new, dry_run).await?;
        Ok(written)
    }

    /// Writes the new state of an object whose stored state is `entry`.
    pub(crate) async fn commit(
        self: &Arc<Self>,
        resource: &Arc<Resource>,
        namespace: &str,
        entry: &Entry,
        old: &Value,
        mut new: Value,
        dry_run: bool,
    ) -> Result<Value, ApiError> {
        let object_name = name(old).to_owned();
        let key = resource.key(namespace, &object_name);
        let version = entry.revision.to_string();
        meta_mut(&mut new).insert("resourceVersion".into(), version.into());
        let goes = is_deleting(&new) && super::finish::may_go(resource, &new);
        if *old == new && !goes || dry_run {
            return Ok(new);
        }
        // Watchers see of a removed object what was stored last.
        let make = |revision| convert::stored(resource, if goes { old } else { &new }, revision);
        let written = if goes {
            self.store.remove(&resource.table, &key, entry.revision, make).await
        } else {
            self.store.replace(&resource.table, &key, entry.revision, make).await
        };
        let revision = written.map_err(|error| match error {
            WriteError::Conflict => ApiError::modified(&resource.group, &resource.plural, &object_name),
            WriteError::Absent | WriteError::Exists => {
                ApiError::not_found(&resource.group, &resource.plural, &object_name)
            }
            WriteError::Refused => ApiError::storage_refused(),
        })?;
        // Who lets an object go sees it as it was stored last.
        if !goes {
            meta_mut(&mut new).insert("resourceVersion".into(), revision.to_string().into());
        }
        self.after_write(resource, Some(old), (!goes).then_some(&new)).await;
        Ok(new)
    }
}

/// The body's name must be the path's.
pub(crate) fn check_name(object: &mut Value, url_name: &str) -> Result<(), ApiError> {
    match name(object) {
        "" => Err(ApiError::bad_request(format!(
            "the name of the object ({} based on URL) was undeterminable: name must be provided",
            url_name
        ))),
        same if same == url_name => Ok(()),
        other => Err(ApiError::bad_request(format!(
            "the name of the object ({other}) does not match the name on the URL ({url_name})"
        ))),
    }
}

/// A given uid must be the stored one; upstream's storage answers for it.
fn check_uid(resource: &Resource, object: &Value, old: &Value) -> Result<(), ApiError> {
    let (given, found) = (meta_text(object, "uid"), meta_text(old, "uid"));
    if given.is_empty() || given == found {
        return Ok(());
    }
    let key =
        format!("/registry/{}/{}", storage_path(resource), resource.key(crate::object::namespace(old), name(old)));
    let detail = format!(
        "StorageError: invalid object, Code: 4, Key: {key}, ResourceVersion: 0, AdditionalErrorMsg: Precondition failed: UID in precondition: {given}, UID in object meta: {found}"
    );
    Err(ApiError::conflict(&resource.group, &resource.plural, name(old), &detail))
}

/// Where upstream keeps a resource.
fn storage_path(resource: &Resource) -> String {
    if resource.custom().is_some() {
        return format!("{}/{}", resource.group, resource.plural);
    }
    match resource.plural.as_str() {
        "services" => "services/specs".to_owned(),
        "endpoints" => "services/endpoints".to_owned(),
        "nodes" => "minions".to_owned(),
        "replicationcontrollers" => "controllers".to_owned(),
        "ingresses" => "ingress".to_owned(),
        "customresourcedefinitions" | "apiservices" => format!("{}/{}", resource.group, resource.plural),
        plural => plural.to_owned(),
    }
}

/// Compares the versions; whether the client named one.
fn check_version(resource: &Resource, object: &Value, old: &Value) -> Result<bool, ApiError> {
    let given = meta_text(object, "resourceVersion");
    let number: u64 = match given {
        "" => 0,
        text => text
            .parse()
            .map_err(|_| ApiError::bare(format!("strconv.ParseUint: parsing \"{text}\": invalid syntax")))?,
    };
    if number == 0 {
        if strategy::needs_version(resource) {
            let error = FieldError::invalid("metadata.resourceVersion", 0, "must be specified for an update");
            return Err(ApiError::invalid(&resource.group, &resource.plural, name(old), &[error]));
        }
        return Ok(false);
    }
    if number != crate::object::revision(old) {
        return Err(ApiError::modified(&resource.group, &resource.plural, name(old)));
    }
    Ok(true)
}

/// Fields that clients cannot change; a given uid must match and is checked later.
fn keep_system_fields(old: &Value, new: &mut Value) {
    crate::object::put(meta_mut(new), "generation", crate::object::meta(old, "generation").cloned());
    for key in ["creationTimestamp", "deletionTimestamp", "deletionGracePeriodSeconds", "selfLink", "uid"] {
        let before = crate::object::meta(old, key).cloned();
        let meta = meta_mut(new);
        let given = meta.get(key).filter(|value| !value.is_null());
        let takes_over = match key {
            "uid" => given.is_none_or(|value| value == ""),
            // A given time is compared later, except the creation time, which is simply kept.
            "creationTimestamp" => true,
            _ => given.is_none() || before.is_some(),
        };
        if takes_over {
            crate::object::put(meta, key, before);
        }
    }
}
