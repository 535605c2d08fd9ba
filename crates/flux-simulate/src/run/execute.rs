//! Turns planned writes into requests.

use crate::FIELD_MANAGER;
use crate::kinds::{Kind, Resource};
use crate::plan::{Part, Write};
use http::{Method, Request};
use serde_json::{Value, json};
use std::collections::HashMap;
use std::sync::Arc;

/// Where each kind is served.
pub(super) type Addresses = Arc<HashMap<Kind, Resource>>;

/// What a write led to.
#[derive(Debug)]
pub(super) enum Outcome {
    /// The object as it is now.
    Stored(Kind, Value),
    /// A Pod has its node; the object itself comes with the watch.
    Bound,
    /// There is no such object any more.
    Gone,
    /// The server said no, with this code.
    Refused { code: u16, message: String },
}

/// Sends one write. `version` replaces the one it was planned with, after an earlier write of the same plan.
pub(super) async fn send(client: &kube::Client, addresses: &Addresses, write: &Write, version: Option<u64>) -> Outcome {
    let kind = match write {
        Write::Create { kind, .. } => *kind,
        Write::Patch { key, .. } | Write::Bind { key, .. } | Write::Delete { key, .. } => key.kind,
    };
    let Some(resource) = addresses.get(&kind) else {
        return Outcome::Refused { code: 404, message: "kind is not served".into() };
    };
    match request(client, resource, write, version).await {
        Ok(_) if matches!(write, Write::Bind { .. }) => Outcome::Bound,
        Ok(value) if value["kind"] == "Status" => Outcome::Gone,
        // Without finalizers a deleted object is gone even when it is sent back.
        Ok(value) if matches!(write, Write::Delete { .. }) && is_empty(&value["metadata"]["finalizers"]) => {
            Outcome::Gone
        }
        Ok(value) => Outcome::Stored(kind, value),
        Err(kube::Error::Api(status)) if status.code == 404 && !matches!(write, Write::Create { .. }) => Outcome::Gone,
        Err(kube::Error::Api(status)) => Outcome::Refused { code: status.code, message: status.message.clone() },
        Err(error) => Outcome::Refused { code: 0, message: error.to_string() },
    }
}

fn is_empty(list: &Value) -> bool {
    list.as_array().is_none_or(Vec::is_empty)
}

async fn request(
    client: &kube::Client,
    resource: &Resource,
    write: &Write,
    version: Option<u64>,
) -> Result<Value, kube::Error> {
    let manager = format!("fieldManager={FIELD_MANAGER}");
    match write {
        Write::Create { namespace, body, .. } => {
            let path = format!("{}?{manager}", resource.path(namespace));
            call(client, Method::POST, &path, "application/json", body).await
        }
        Write::Patch { key, version: planned, part, body } => {
            let part = match part {
                Part::Main => "",
                Part::Status => "/status",
                Part::Scale => "/scale",
            };
            let path = format!("{}/{}{part}?{manager}", resource.path(&key.namespace), key.name);
            let mut body = body.clone();
            // A size may be set whatever else has changed.
            if !part.ends_with("scale") {
                body["metadata"]["resourceVersion"] = version.unwrap_or(*planned).to_string().into();
            }
            call(client, Method::PATCH, &path, "application/merge-patch+json", &body).await
        }
        Write::Bind { key, uid, node } => {
            let path = format!("{}/{}/binding?{manager}", resource.path(&key.namespace), key.name);
            let body = json!({
                "apiVersion": "v1",
                "kind": "Binding",
                "metadata": {"name": key.name, "namespace": key.namespace, "uid": uid},
                "target": {"apiVersion": "v1", "kind": "Node", "name": node},
            });
            call(client, Method::POST, &path, "application/json", &body).await
        }
        Write::Delete { key, uid } => {
            let path = format!("{}/{}", resource.path(&key.namespace), key.name);
            let body = json!({
                "apiVersion": "v1",
                "kind": "DeleteOptions",
                "gracePeriodSeconds": 0,
                "preconditions": {"uid": uid},
                "propagationPolicy": "Background",
            });
            call(client, Method::DELETE, &path, "application/json", &body).await
        }
    }
}

/// Server-side apply of a whole object, or of its status.
pub(super) async fn apply(client: &kube::Client, path: &str, body: &Value) -> Result<Value, kube::Error> {
    let path = format!("{path}?fieldManager={FIELD_MANAGER}&force=true");
    call(client, Method::PATCH, &path, "application/apply-patch+yaml", body).await
}

/// Merge patch of a whole object, whatever its version.
pub(super) async fn merge(client: &kube::Client, path: &str, body: &Value) -> Result<Value, kube::Error> {
    let path = format!("{path}?fieldManager={FIELD_MANAGER}");
    call(client, Method::PATCH, &path, "application/merge-patch+json", body).await
}

pub(super) async fn get(client: &kube::Client, path: &str) -> Result<Value, kube::Error> {
    call(client, Method::GET, path, "", &Value::Null).await
}

pub(super) async fn delete(client: &kube::Client, path: &str) -> Result<Value, kube::Error> {
    call(client, Method::DELETE, path, "", &Value::Null).await
}

async fn call(
    client: &kube::Client,
    method: Method,
    path: &str,
    content_type: &str,
    body: &Value,
) -> Result<Value, kube::Error> {
    let mut builder = Request::builder().method(method).uri(path);
    let mut bytes = Vec::new();
    if !content_type.is_empty() {
        builder = builder.header(http::header::CONTENT_TYPE, content_type);
        bytes = serde_json::to_vec(body).map_err(kube::Error::SerdeError)?;
    }
    let request = builder.body(bytes).map_err(kube::Error::HttpError)?;
    client.request(request).await
}
