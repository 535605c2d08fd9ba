//! Deleting objects: preconditions, grace, propagation, finalizers.

use std::sync::Arc;

use flux_store::{Entry, WriteError};
use serde_json::{Map, Value, json};

use super::convert;
use super::list::Selectors;
use crate::object::{finalizers, is_deleting, meta, meta_mut, meta_text, name, namespace, text_at};
use crate::reply::{Reply, form_of};
use crate::request::Ask;
use crate::resources::Resource;
use crate::server::Shared;
use crate::status::{ApiError, FieldError};
use crate::{intake, typed};

/// What happens to dependents.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Policy {
    Background,
    Foreground,
    Orphan,
}

/// The options of a deletion.
#[derive(Clone, Debug, Default)]
pub(crate) struct DeleteOptions {
    pub grace: Option<i64>,
    pub policy: Option<Policy>,
    pub uid: Option<String>,
    pub version: Option<String>,
    pub dry_run: bool,
}

const ORPHAN: &str = "orphan";
const FOREGROUND: &str = "foregroundDeletion";

impl DeleteOptions {
    fn read(ask: &mut Ask, resource: &Resource) -> Result<Self, ApiError> {
        let value = if ask.body.is_empty() { Value::Null } else { body(ask, resource)? };
        let mut options = Self::default();
        let mut errors = Vec::new();
        options.grace = match value.get("gracePeriodSeconds").and_then(Value::as_i64) {
            Some(seconds) => Some(seconds),
            None => ask.query.integer("gracePeriodSeconds")?,
        };
        let dry: Vec<&str> = match value.get("dryRun").and_then(Value::as_array) {
            Some(list) => list.iter().filter_map(Value::as_str).collect(),
            None => ask.query.all("dryRun"),
        };
        let given =
            value.get("propagationPolicy").and_then(Value::as_str).or_else(|| ask.query.get("propagationPolicy"));
        let orphan =
            value.get("orphanDependents").and_then(Value::as_bool).or_else(|| ask.query.flag("orphanDependents"));
        if given.is_some() && orphan.is_some() {
            let text = "orphanDependents and deletionPropagation cannot be both set";
            errors.push(FieldError::invalid("propagationPolicy", given.unwrap_or(""), text));
        }
        options.policy = match given {
            None => orphan.map(|on| if on { Policy::Orphan } else { Policy::Background }),
            Some("Background") => Some(Policy::Background),
            Some("Foreground") => Some(Policy::Foreground),
            Some("Orphan") => Some(Policy::Orphan),
            Some(other) => {
                errors.push(FieldError::not_supported(
                    "propagationPolicy",
                    other,
                    &["Foreground", "Background", "Orphan", "nil"],
                ));
                None
            }
        };
        super::options::dry_run(&dry, &mut errors);
        if options.grace.is_some_and(|seconds| seconds < 0) {
            options.grace = Some(1);
        }
        options.dry_run = !dry.is_empty();
        options.uid = value.pointer("/preconditions/uid").and_then(Value::as_str).map(str::to_owned);
        options.version = value.pointer("/preconditions/resourceVersion").and_then(Value::as_str).map(str::to_owned);
        if errors.is_empty() {
            Ok(options)
        } else {
            Err(ApiError::invalid("meta.k8s.io", "DeleteOptions", "", &errors))
        }
    }

    fn check(&self, object: &Value, resource: &Resource) -> Result<(), ApiError> {
        let conflict = |what: &str, wanted: &str, found: &str, after: &str| {
            let detail = format!(
                "the {what} in the precondition ({wanted}) does not match the {what} in record ({found}). The object might have been {after}"
            );
            ApiError::conflict(&resource.group, &resource.kind, name(object), &detail)
        };
        let uid = meta_text(object, "uid");
        if let Some(wanted) = self.uid.as_deref().filter(|wanted| *wanted != uid) {
            return Err(conflict("UID", wanted, uid, "deleted and then recreated"));
        }
        let version = meta_text(object, "resourceVersion");
        if let Some(wanted) = self.version.as_deref().filter(|wanted| *wanted != version) {
            return Err(conflict("ResourceVersion", wanted, version, "modified"));
        }
        Ok(())
    }
}

fn body(ask: &Ask, resource: &Resource) -> Result<Value, ApiError> {
    let bytes = intake::body_json(ask)?;
    let wrong = |text: String| {
        ApiError::bad_request(format!(
            "DeleteOptions in version \"{}\" cannot be handled as a DeleteOptions: {text}",
            resource.version
        ))
    };
    let parsed = crate::json::parse(&bytes).map_err(|error| {
        ApiError::bad_request(format!(
            "couldn't get version/kind; json parse error: {}",
            crate::json::go_syntax_error(&bytes, &error)
        ))
    })?;
    let kind = parsed.value.get("kind").and_then(Value::as_str).unwrap_or("");
    if !kind.is_empty() && kind != "DeleteOptions" {
        let version = parsed.value.get("apiVersion").and_then(Value::as_str).unwrap_or("");
        return Err(ApiError::bad_request(format!(
            "no kind \"{kind}\" is registered for version \"{version}\" in scheme \"pkg/runtime/scheme.go:111\""
        )));
    }
    typed::shape(typed::options_type(), parsed.value).map(|shaped| shaped.value).map_err(|misfit| wrong(misfit.0))
}

/// What came of a deletion.
pub(crate) enum Deleted {
    /// The object is gone.
    Gone(Value),
    /// The object waits for finalizers or its grace period.
    Waiting(Value),
}

impl Shared {
    pub(crate) async fn delete(self: &Arc<Self>, ask: &mut Ask, resource: &Arc<Resource>) -> Result<Reply, ApiError> {
        let form = form_of(ask)?;
        let options = DeleteOptions::read(ask, resource)?;
        let (space, object_name) = (ask.target.namespace.clone(), ask.target.name.clone());
        crate::admission::on_delete(self, ask, resource).await?;
        if resource.is("batch", "jobs") && options.policy.is_none() && options.grace.is_none() {
            ask.warn("child pods are preserved by default when jobs are deleted; set propagationPolicy=Background to remove them or set propagationPolicy=Orphan to suppress this warning");
        }
        if let Some(old) = self.load(resource, &space, &object_name).await {
            crate::admission::check_delete(self, ask, resource, &old).await?;
        }
        match self.delete_object(resource, &space, &object_name, &options).await? {
            Deleted::Waiting(object) => self.value_reply(200, resource, object, form),
            Deleted::Gone(object) if returns_object(resource) => self.value_reply(200, resource, object, form),
            Deleted::Gone(object) => Ok(Reply::value(200, &success(resource, &object), form)),
        }
    }

    /// Deletes an object, or marks it for deletion.
    pub(crate) async fn delete_object(
        self: &Arc<Self>,
        resource: &Arc<Resource>,
        space: &str,
        object_name: &str,
        options: &DeleteOptions,
    ) -> Result<Deleted, ApiError> {
        for _ in 0..super::update::RETRIES {
            let entry = self.entry(resource, space, object_name).await?;
            let old = convert::of_entry(resource, &entry)?;
            options.check(&old, resource)?;
            match self.delete_once(resource, &entry, &old, options).await {
                Err(error) if error.is_modified() => {}
                other => return other,
            }
        }
        Err(ApiError::modified(&resource.group, &resource.plural, object_name))
    }

    async fn delete_once(
        self: &Arc<Self>,
        resource: &Arc<Resource>,
        entry: &Entry,
        old: &Value,
        options: &DeleteOptions,
    ) -> Result<Deleted, ApiError> {
        let mut new = old.clone();
        let grace = grace_period(resource, old, options);
        let wanted = wanted_finalizers(resource, old, options);
        let changed_finalizers = wanted != finalizers(old);
        if changed_finalizers {
            set_finalizers(&mut new, &wanted);
        }
        let namespace_held =
            resource.is("", "namespaces") && !crate::object::list_at(old, "/spec/finalizers").is_empty();
        let stays = !wanted.is_empty() || grace > 0 || namespace_held;
        if stays {
            if is_deleting(old) {
                let before = meta(old, "deletionGracePeriodSeconds").and_then(Value::as_i64).unwrap_or(0);
                if before <= grace && !changed_finalizers {
                    return Ok(Deleted::Waiting(new));
                }
                if grace < before {
                    meta_mut(&mut new).insert("deletionGracePeriodSeconds".into(), grace.into());
                }
            } else {
                mark(resource, &mut new, grace);
            }
            let done = self.commit(resource, namespace(old), entry, old, new, options.dry_run).await?;
            return Ok(if super::finish::may_go(resource, &done) {
                Deleted::Gone(done)
            } else {
                Deleted::Waiting(done)
            });
        }
        let mut gone = self.remove(resource, entry, old, options.dry_run).await?;
        if resource.is("", "pods") {
            if is_deleting(&gone) {
                meta_mut(&mut gone).insert("deletionGracePeriodSeconds".into(), 0.into());
            } else {
                mark(resource, &mut gone, 0);
            }
        }
        Ok(Deleted::Gone(gone))
    }

    /// Removes an object at once.
    async fn remove(
        self: &Arc<Self>,
        resource: &Arc<Resource>,
        entry: &Entry,
        old: &Value,
        dry_run: bool,
    ) -> Result<Value, ApiError> {
        if dry_run {
            return Ok(old.clone());
        }
        let key = resource.key(namespace(old), name(old));
        let removed = self
            .store
            .remove(&resource.table, &key, entry.revision, |revision| convert::stored(resource, old, revision))
            .await;
        let revision = removed.map_err(|error| match error {
            WriteError::Conflict => ApiError::modified(&resource.group, &resource.plural, name(old)),
            WriteError::Absent | WriteError::Exists => {
                ApiError::not_found(&resource.group, &resource.plural, name(old))
            }
            WriteError::Refused => ApiError::storage_refused(),
        })?;
        let mut gone = old.clone();
        meta_mut(&mut gone).insert("resourceVersion".into(), revision.to_string().into());
        self.after_write(resource, Some(old), None).await;
        Ok(gone)
    }

    pub(crate) async fn delete_collection(
        self: &Arc<Self>,
        ask: &mut Ask,
        resource: &Arc<Resource>,
    ) -> Result<Reply, ApiError> {
        let form = form_of(ask)?;
        let options = DeleteOptions::read(ask, resource)?;
        super::list::check_options(ask, false)?;
        let selectors = Selectors::read(ask, resource)?;
        let limit =
            ask.query.integer("limit")?.and_then(|limit| usize::try_from(limit).ok()).filter(|limit| *limit > 0);
        let space = ask.target.namespace.clone();
        crate::admission::on_delete(self, ask, resource).await?;
        let mut gone = Vec::new();
        let mut objects = self.all(resource, &space).await;
        objects.retain(|object| selectors.matches(object, resource));
        objects.truncate(limit.unwrap_or(usize::MAX));
        let per_object = DeleteOptions { uid: None, version: None, ..options };
        for object in objects {
            crate::admission::check_delete(self, ask, resource, &object).await?;
            match self.delete_object(resource, namespace(&object), name(&object), &per_object).await {
                Ok(Deleted::Gone(_) | Deleted::Waiting(_)) => gone.push(object),
                Err(error) if error.code == 404 => {}
                Err(error) => return Err(error),
            }
        }
        let mut meta = Map::new();
        meta.insert("resourceVersion".into(), self.store.revision().to_string().into());
        let items = if resource.custom().is_none() {
            gone.into_iter()
                .map(|mut item| {
                    if let Some(map) = item.as_object_mut() {
                        map.remove("kind");
                        map.remove("apiVersion");
                    }
                    item
                })
                .collect()
        } else {
            gone
        };
        let value =
            super::view::list(resource, items, meta, form.view, crate::table::Headers::WithHeaders, form.include)?;
        Ok(Reply::value(200, &value, form))
    }
}

/// Kinds whose DELETE answers with the object instead of a Status.
fn returns_object(resource: &Resource) -> bool {
    match resource.group.as_str() {
        "resource.k8s.io" => true,
        "storage.k8s.io" => resource.plural != "csistoragecapacities",
        "" => matches!(
            resource.plural.as_str(),
            "resourcequotas"
                | "persistentvolumes"
                | "serviceaccounts"
                | "persistentvolumeclaims"
                | "namespaces"
                | "pods"
                | "services"
                | "podtemplates"
        ),
        _ => false,
    }
}

fn success(resource: &Resource, object: &Value) -> Value {
    let mut details = json!({"name": name(object), "kind": resource.plural, "uid": meta_text(object, "uid")});
    if !resource.group.is_empty() {
        details["group"] = resource.group.clone().into();
    }
    json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "details": details})
}

/// Seconds an object is kept; only pods on a node have any.
fn grace_period(resource: &Resource, object: &Value, options: &DeleteOptions) -> i64 {
    if !resource.is("", "pods") {
        return 0;
    }
    let unscheduled = text_at(object, "/spec/nodeName").is_empty();
    let ended = matches!(text_at(object, "/status/phase"), "Succeeded" | "Failed");
    if unscheduled || ended {
        return 0;
    }
    let own = object.pointer("/spec/terminationGracePeriodSeconds").and_then(Value::as_i64);
    options.grace.or(own).unwrap_or(0)
}

fn wanted_finalizers(resource: &Resource, object: &Value, options: &DeleteOptions) -> Vec<String> {
    let mut out: Vec<String> = finalizers(object).into_iter().map(str::to_owned).collect();
    let has = |out: &[String], name: &str| out.iter().any(|one| one == name);
    // Namespaces and definitions have their own way to empty themselves.
    if resource.is("", "namespaces") {
        return out;
    }
    let (orphan, foreground) = match options.policy {
        Some(policy) => (policy == Policy::Orphan, policy == Policy::Foreground),
        // Two old kinds leave their pods behind unless told otherwise.
        None if orphans_by_default(resource) => (true, false),
        None => (has(&out, ORPHAN), has(&out, FOREGROUND)),
    };
    for (name, wanted) in [(ORPHAN, orphan), (FOREGROUND, foreground)] {
        if wanted && !has(&out, name) {
            out.push(name.to_owned());
        } else if !wanted {
            out.retain(|one| one != name);
        }
    }
    out
}

fn orphans_by_default(resource: &Resource) -> bool {
    resource.is("batch", "jobs") || resource.is("", "replicationcontrollers")
}

fn set_finalizers(object: &mut Value, wanted: &[String]) {
    let list = (!wanted.is_empty()).then(|| json!(wanted));
    crate::object::put(meta_mut(object), "finalizers", list);
}

fn mark(resource: &Resource, object: &mut Value, grace: i64) {
    let at = jiff::Timestamp::now().as_second() + grace;
    let time = jiff::Timestamp::from_second(at).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
    let meta = meta_mut(object);
    meta.insert("deletionTimestamp".into(), format!("{time:.0}").into());
    meta.insert("deletionGracePeriodSeconds".into(), grace.into());
    if let Some(generation) = meta.get("generation").and_then(Value::as_i64).filter(|number| *number > 0) {
        meta.insert("generation".into(), (generation + 1).into());
    }
    if resource.is("", "namespaces") {
        meta.remove("deletionGracePeriodSeconds");
        crate::object::section(object, "status").insert("phase".into(), "Terminating".into());
    }
}
