//! The verbs on resources.

mod convert;
mod create;
mod delete;
mod finish;
mod get;
mod list;
mod options;
mod patch;
mod scale;
mod update;
mod view;
mod virtuals;
mod watch;

use std::sync::Arc;

use http::Method;

pub(crate) use convert::of_entry;
pub(crate) use create::random_suffix;
pub(crate) use delete::{DeleteOptions, Policy};
pub(crate) use options::is_dry_run;
pub(crate) use view::{partial, partial_of};
pub(crate) use virtuals::user_info;

use crate::reply::Reply;
use crate::request::Ask;
use crate::resources::Resource;
use crate::server::Shared;
use crate::status::ApiError;

/// Which part of an object a request writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    Main,
    Status,
}

impl Part {
    /// As `managedFields` names it.
    pub fn subresource(self) -> &'static str {
        match self {
            Self::Main => "",
            Self::Status => "status",
        }
    }
}

impl Shared {
    /// Answers a request for a resource.
    pub(crate) async fn resource(self: &Arc<Self>, ask: &mut Ask) -> Result<Reply, ApiError> {
        let target = ask.target.clone();
        let found = self.registry.find(&target.group, &target.version, &target.resource);
        let Some(resource) = found.filter(|resource| fits_scope(resource, &target.namespace, ask)) else {
            return Err(self.missing(ask));
        };
        if let Some(text) = deprecated(&resource) {
            ask.warn(text);
        }
        if let Some(text) = resource.custom().and_then(|version| version.deprecation.clone()) {
            ask.warn(text);
        }
        if let Some(text) = crate::warnings::on_any(&resource) {
            ask.warn(text);
        }
        if !target.subresource.is_empty() {
            return self.subresource(ask, &resource).await;
        }
        let method = ask.method.clone();
        let single = !target.name.is_empty();
        match (method.as_str(), single) {
            ("GET", true) if target.verb != "watch" => self.get(ask, &resource).await,
            ("GET", _) if target.verb == "watch" && resource.has_verb("watch") => self.watch(ask, &resource).await,
            ("GET", false) if resource.has_verb("list") => self.list(ask, &resource).await,
            ("POST", false) if resource.has_verb("create") => self.create(ask, &resource).await,
            ("PUT", true) if resource.has_verb("update") => self.update(ask, &resource, Part::Main).await,
            ("PATCH", true) if resource.has_verb("patch") => self.patch(ask, &resource, Part::Main).await,
            ("DELETE", true) if resource.has_verb("delete") => self.delete(ask, &resource).await,
            ("DELETE", false) if resource.has_verb("deletecollection") => self.delete_collection(ask, &resource).await,
            _ => Err(ApiError::method_not_allowed()),
        }
    }

    async fn subresource(self: &Arc<Self>, ask: &mut Ask, resource: &Arc<Resource>) -> Result<Reply, ApiError> {
        let name = ask.target.subresource.clone();
        if resource.subresource(&name).is_none() {
            return Err(ApiError::no_such_path());
        }
        match (ask.method.clone(), name.as_str()) {
            (Method::GET, "status" | "ephemeralcontainers" | "resize" | "approval") => self.get(ask, resource).await,
            (Method::POST, "token") => self.token_request(ask, resource).await,
            (Method::POST, "binding") => self.pod_binding(ask).await,
            (Method::POST, "eviction") => self.evict(ask, resource).await,
            (Method::GET, "scale") => self.get_scale(ask, resource).await,
            (Method::PUT, "scale") => self.put_scale(ask, resource).await,
            (Method::PATCH, "scale") => self.patch_scale(ask, resource).await,
            (Method::PUT, "status") => self.update(ask, resource, Part::Status).await,
            (Method::PATCH, "status") => self.patch(ask, resource, Part::Status).await,
            _ => Err(ApiError::not_implemented(&format!("subresource {name}"))),
        }
    }

    /// The answer to a path whose resource is unknown.
    fn missing(&self, ask: &Ask) -> ApiError {
        let index = self.registry.current();
        let target = &ask.target;
        let group_of_custom = index.definitions.values().any(|definition| {
            definition.group == target.group && definition.plural == target.resource && definition.established
        });
        let known_group = target.group.is_empty()
            || crate::resources::built_ins().iter().any(|resource| resource.group == target.group);
        if known_group || !group_of_custom && index.serves_version(&target.group, &target.version) {
            ApiError::no_such_path()
        } else {
            ApiError::page_not_found()
        }
    }
}

/// The warning that goes with every use of an old built-in kind.
fn deprecated(resource: &Resource) -> Option<&'static str> {
    match (resource.group.as_str(), resource.plural.as_str()) {
        ("", "endpoints") => Some("v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice"),
        ("", "componentstatuses") => Some("v1 ComponentStatus is deprecated in v1.19+"),
        _ => None,
    }
}

/// Namespaced resources may be listed without a namespace, but single objects need one.
fn fits_scope(resource: &Resource, namespace: &str, ask: &Ask) -> bool {
    if !resource.namespaced {
        return namespace.is_empty() || resource.is("", "namespaces");
    }
    !namespace.is_empty() || ask.target.name.is_empty() && matches!(ask.method.as_str(), "GET" | "POST" | "DELETE")
}
