//! The cluster that objects are applied to, as one identity sees it.

use std::sync::Arc;

use http::{HeaderName, HeaderValue, Request};
use kube::Client;
use kube::client::Body;
use serde_json::{Value, json};

use crate::kube_config::RemoteCluster;
use crate::mapper::{Mapped, Mapper, MapperError};

/// A client with the identity it acts as. Clones share the connections.
#[derive(Clone)]
pub struct Target {
    client: Client,
    identity: Arc<str>,
    /// [`RemoteCluster::id`]; empty for the controller's own cluster.
    cluster: Arc<str>,
    mapper: Mapper,
}

/// Why a target cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum TargetError {
    #[error("service account name {name:?} in namespace {namespace:?} cannot be a user name")]
    Identity { namespace: String, name: String },
}

impl Target {
    /// The cluster as the controller itself sees it.
    pub fn new(client: Client, mapper: Mapper) -> Self {
        Self { client, identity: "".into(), cluster: "".into(), mapper }
    }

    /// The cluster as a service account sees it: every read and write bears its name.
    ///
    /// Only the user is named; a server adds a service account's groups by itself.
    pub fn impersonating(client: &Client, mapper: Mapper, namespace: &str, name: &str) -> Result<Self, TargetError> {
        let user = format!("system:serviceaccount:{namespace}:{name}");
        let identity = || TargetError::Identity { namespace: namespace.into(), name: name.into() };
        let header = HeaderValue::from_str(&user).map_err(|_| identity())?;
        let inner = client.clone();
        let service = tower::service_fn(move |mut request: Request<Body>| {
            let (client, header) = (inner.clone(), header.clone());
            async move {
                request.headers_mut().insert(HeaderName::from_static("impersonate-user"), header);
                client.send(request).await
            }
        });
        Ok(Self {
            client: Client::new(service, namespace.to_owned()),
            identity: user.into(),
            cluster: "".into(),
            mapper,
        })
    }

    /// Another cluster, as its kubeconfig's user or as a service account (namespace and name) sees it.
    ///
    /// # Errors
    /// A name that cannot be a user's.
    pub fn remote(cluster: &RemoteCluster, account: Option<(&str, &str)>) -> Result<Self, TargetError> {
        let mut target = match account {
            Some((namespace, name)) => Self::impersonating(&cluster.client, cluster.mapper.clone(), namespace, name)?,
            None => Self::new(cluster.client.clone(), cluster.mapper.clone()),
        };
        target.identity = format!("{} {}", cluster.id, target.identity).into();
        target.cluster = cluster.id.clone();
        Ok(target)
    }

    pub fn client(&self) -> &Client {
        &self.client
    }

    /// Who acts, for caches: the user that is impersonated, with the cluster when it is another one. Empty for the
    /// controller itself.
    pub fn identity(&self) -> &Arc<str> {
        &self.identity
    }

    /// The cluster, for caches; empty for the controller's own.
    pub fn cluster(&self) -> &Arc<str> {
        &self.cluster
    }

    pub fn mapper(&self) -> &Mapper {
        &self.mapper
    }

    /// Where the kind of an object is served.
    pub async fn map(&self, object: &Value) -> Result<Mapped, MapperError> {
        self.mapper.find(&self.client, crate::metadata::api_version(object), crate::metadata::kind(object)).await
    }

    /// An object; `None` when it is not there.
    pub async fn get(&self, mapped: &Mapped, namespace: &str, name: &str) -> kube::Result<Option<Value>> {
        let request = Request::get(mapped.object(namespace, name)).body(Vec::new());
        match self.client.request::<Value>(request.map_err(kube::Error::HttpError)?).await {
            Ok(object) => Ok(Some(object)),
            Err(kube::Error::Api(status)) if status.is_not_found() => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Server-side apply, taking over fields of other managers.
    pub async fn apply(&self, mapped: &Mapped, object: &Value, manager: &str, dry_run: bool) -> kube::Result<Value> {
        let place = mapped.object(crate::metadata::namespace(object), crate::metadata::name(object));
        let dry_run = if dry_run { "&dryRun=All" } else { "" };
        let uri = format!("{place}?fieldManager={manager}&force=true{dry_run}");
        self.patch(uri, "application/apply-patch+yaml", object).await
    }

    /// Changes an object by a JSON patch.
    pub async fn json_patch(
        &self,
        mapped: &Mapped,
        object: &Value,
        manager: &str,
        patch: &Value,
    ) -> kube::Result<Value> {
        let place = mapped.object(crate::metadata::namespace(object), crate::metadata::name(object));
        self.patch(format!("{place}?fieldManager={manager}"), "application/json-patch+json", patch).await
    }

    async fn patch(&self, uri: String, kind: &'static str, body: &Value) -> kube::Result<Value> {
        let body = serde_json::to_vec(body).map_err(kube::Error::SerdeError)?;
        let request = Request::patch(uri).header(http::header::CONTENT_TYPE, kind).body(body);
        self.client.request(request.map_err(kube::Error::HttpError)?).await
    }

    /// Deletes exactly the state that was read: a change in between is a conflict.
    pub(crate) async fn delete(&self, mapped: &Mapped, object: &Value, propagation: &str) -> kube::Result<()> {
        let place = mapped.object(crate::metadata::namespace(object), crate::metadata::name(object));
        let options = json!({
            "apiVersion": "v1",
            "kind": "DeleteOptions",
            "propagationPolicy": propagation,
            "preconditions": {
                "uid": crate::metadata::uid(object),
                "resourceVersion": crate::metadata::resource_version(object),
            },
        });
        let body = serde_json::to_vec(&options).map_err(kube::Error::SerdeError)?;
        let request = Request::delete(place).header(http::header::CONTENT_TYPE, "application/json").body(body);
        self.client.request::<Value>(request.map_err(kube::Error::HttpError)?).await.map(drop)
    }
}
