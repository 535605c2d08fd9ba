//! Admission: what may change or refuse a write after it was read and before it is checked.

use std::sync::Arc;

use serde_json::Value;

use crate::auth;
use crate::object::{is_deleting, meta_mut, text_at};
use crate::request::Ask;
use crate::resources::Resource;
use crate::rest::Part;
use crate::server::Shared;
use crate::status::{ApiError, Cause};

mod amounts;
mod call;
mod limits;
mod matching;
mod pods;
mod policies;
mod quota;
mod security;
mod webhooks;

pub(crate) use quota::{Turns, refresh as refresh_quotas};

/// Namespaces that cannot be deleted.
const IMMORTAL: [&str; 3] = ["default", "kube-system", "kube-public"];

/// Runs before a new object is completed.
pub(crate) async fn on_create(
    shared: &Arc<Shared>,
    ask: &mut Ask,
    resource: &Arc<Resource>,
    object: &mut Value,
) -> Result<(), ApiError> {
    namespace_lives(shared, ask, resource, object).await?;
    match (resource.group.as_str(), resource.plural.as_str()) {
        ("", "namespaces") => namespace_labels(object),
        ("", "pods") => {
            if shared.config.admits("LimitRanger") {
                limits::default(shared, &ask.target.namespace, object).await;
            }
            pods::on_create(shared, ask, resource, object).await?;
        }
        ("rbac.authorization.k8s.io", _) => {
            auth::check_escalation(shared, &ask.identity, resource, None, object).await?
        }
        _ => {}
    }
    if shared.config.admits("MutatingAdmissionWebhook") && !ask.path.is_empty() {
        webhooks::mutate(shared, ask, resource, "CREATE", &Value::Null, object).await?;
    }
    Ok(())
}

/// What must stay alive until the write that was checked is done.
pub(crate) type Held = Option<tokio::sync::OwnedMutexGuard<()>>;

/// Runs after a new object was found valid, before it is stored.
pub(crate) async fn check_create(
    shared: &Arc<Shared>,
    ask: &mut Ask,
    resource: &Arc<Resource>,
    object: &Value,
) -> Result<Held, ApiError> {
    let space = ask.target.namespace.clone();
    if resource.is("", "pods") || resource.is("", "persistentvolumeclaims") {
        if shared.config.admits("LimitRanger") {
            limits::check(shared, resource, &space, object).await?;
        }
        if resource.is("", "pods") {
            pods::check_overhead(shared, object).await?;
        }
    }
    if shared.config.admits("PodSecurity") {
        if resource.is("", "namespaces") {
            security::check_namespace(object)?;
        }
        security::check(shared, ask, resource, None, object).await?;
    }
    look(shared, ask, resource, "CREATE", &Value::Null, object).await?;
    if shared.config.admits("ResourceQuota") {
        return quota::check(shared, resource, &space, None, object).await;
    }
    Ok(None)
}

/// Runs after a changed object was found valid, before it is stored.
pub(crate) async fn check_update(
    shared: &Arc<Shared>,
    ask: &mut Ask,
    resource: &Arc<Resource>,
    old: &Value,
    new: &Value,
    part: Part,
) -> Result<Held, ApiError> {
    if part != Part::Main {
        look(shared, ask, resource, "UPDATE", old, new).await?;
        return Ok(None);
    }
    let space = ask.target.namespace.clone();
    if shared.config.admits("PodSecurity") {
        if resource.is("", "namespaces") && old.pointer("/metadata/labels") != new.pointer("/metadata/labels") {
            security::check_namespace(new)?;
            security::warn_of_pods(shared, ask, old, new).await;
        }
        security::check(shared, ask, resource, Some(old), new).await?;
    }
    look(shared, ask, resource, "UPDATE", old, new).await?;
    // Only these take more than they did when they change.
    let grows = resource.is("", "services") || resource.is("", "persistentvolumeclaims");
    if grows && shared.config.admits("ResourceQuota") {
        return quota::check(shared, resource, &space, Some(old), new).await;
    }
    Ok(None)
}

/// Runs before a changed object is checked.
pub(crate) async fn on_update(
    shared: &Arc<Shared>,
    ask: &mut Ask,
    resource: &Arc<Resource>,
    old: &Value,
    new: &mut Value,
    part: Part,
) -> Result<(), ApiError> {
    match (resource.group.as_str(), resource.plural.as_str()) {
        ("", "namespaces") => namespace_labels(new),
        ("", "pods") if part == Part::Main => pods::on_update(old, new),
        _ => {}
    }
    if shared.config.admits("MutatingAdmissionWebhook") && !ask.path.is_empty() {
        webhooks::mutate(shared, ask, resource, "UPDATE", old, new).await?;
    }
    auth::check_escalation(shared, &ask.identity, resource, Some(old), new).await
}

/// Puts a write before policies and webhooks that only look.
async fn look(
    shared: &Arc<Shared>,
    ask: &mut Ask,
    resource: &Arc<Resource>,
    operation: &'static str,
    old: &Value,
    object: &Value,
) -> Result<(), ApiError> {
    let any = ["validatingadmissionpolicies", "validatingwebhookconfigurations"]
        .iter()
        .any(|plural| shared.store.any(&format!("admissionregistration.k8s.io/{plural}"), ""));
    // The server's own bootstrap objects are nobody's to refuse.
    if !any || ask.path.is_empty() {
        return Ok(());
    }
    let (space, subresource) = (ask.target.namespace.clone(), ask.target.subresource.clone());
    let namespace = webhooks::namespace_of(shared, &space).await;
    let deed = matching::Deed {
        resource: resource.as_ref(),
        subresource: &subresource,
        operation,
        space: &space,
        object,
        old,
        namespace: &namespace,
    };
    if shared.config.admits("ValidatingAdmissionPolicy") {
        policies::check(shared, ask, &deed).await?;
    }
    if shared.config.admits("ValidatingAdmissionWebhook") {
        webhooks::validate(shared, ask, &deed).await?;
    }
    Ok(())
}

/// Runs before an object is deleted that was found.
pub(crate) async fn check_delete(
    shared: &Arc<Shared>,
    ask: &mut Ask,
    resource: &Arc<Resource>,
    old: &Value,
) -> Result<(), ApiError> {
    if shared.config.admits("MutatingAdmissionWebhook") {
        webhooks::mutate(shared, ask, resource, "DELETE", old, &mut Value::Null).await?;
    }
    look(shared, ask, resource, "DELETE", old, &Value::Null).await
}

/// Runs before a deletion.
pub(crate) async fn on_delete(_shared: &Arc<Shared>, ask: &Ask, resource: &Arc<Resource>) -> Result<(), ApiError> {
    if resource.is("", "namespaces") && IMMORTAL.contains(&ask.target.name.as_str()) {
        let name = &ask.target.name;
        return Err(ApiError::forbidden("", "namespaces", name, "this namespace may not be deleted"));
    }
    Ok(())
}

/// The namespace of a new object must exist and must not be on its way out.
async fn namespace_lives(shared: &Arc<Shared>, ask: &Ask, resource: &Resource, object: &Value) -> Result<(), ApiError> {
    let space = &ask.target.namespace;
    if !resource.namespaced || space.is_empty() {
        return Ok(());
    }
    let namespaces = shared.registry.find("", "v1", "namespaces").ok_or_else(ApiError::no_such_path)?;
    let Some(namespace) = shared.load(&namespaces, "", space).await else {
        return Err(ApiError::not_found("", "namespaces", space));
    };
    if text_at(&namespace, "/status/phase") != "Terminating" && !is_deleting(&namespace) {
        return Ok(());
    }
    let name = crate::object::name(object);
    let text = format!("unable to create new content in namespace {space} because it is being terminated");
    let cause = Cause {
        reason: "NamespaceTerminating".into(),
        message: format!("namespace {space} is being terminated"),
        field: "metadata.namespace".into(),
    };
    Err(ApiError::forbidden(&resource.group, &resource.plural, name, &text).with_cause(cause))
}

/// Every namespace carries its own name as a label.
fn namespace_labels(object: &mut Value) {
    let name = crate::object::name(object).to_owned();
    if name.is_empty() {
        return;
    }
    let labels = meta_mut(object).entry("labels").or_insert_with(|| Value::Object(serde_json::Map::new()));
    if !labels.is_object() {
        *labels = Value::Object(serde_json::Map::new());
    }
    labels["kubernetes.io/metadata.name"] = name.into();
}
