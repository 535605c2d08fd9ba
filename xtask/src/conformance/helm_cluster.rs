//! One API server for the rows about HelmReleases that need one, without a port.

use std::future::Future;
use std::sync::OnceLock;

use anyhow::{Context as _, Result, anyhow};
use flux_api::{HelmChart, HelmRelease};
use flux_apiserver::{Config, Identity, Server};
use flux_runtime::Cache;
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::api::{DeleteParams, PostParams};
use kube::{Api, Client, Resource};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio_util::sync::CancellationToken;

/// The server, with the kinds of the helm controller.
pub struct Cluster {
    client: Client,
    runtime: tokio::runtime::Runtime,
    _server: Server,
}

/// A kind that lies in namespaces.
pub trait Namespaced:
    Resource<DynamicType = (), Scope = kube::core::NamespaceResourceScope>
    + Clone
    + std::fmt::Debug
    + Serialize
    + DeserializeOwned
    + Send
    + Sync
    + 'static
{
}

impl<K> Namespaced for K where
    K: Resource<DynamicType = (), Scope = kube::core::NamespaceResourceScope>
        + Clone
        + std::fmt::Debug
        + Serialize
        + DeserializeOwned
        + Send
        + Sync
        + 'static
{
}

impl Cluster {
    /// The server of this process; the first caller starts it.
    pub fn shared() -> Result<&'static Self> {
        static SHARED: OnceLock<Result<Cluster>> = OnceLock::new();
        SHARED.get_or_init(Self::start).as_ref().map_err(|error| anyhow!("{error:#}"))
    }

    fn start() -> Result<Self> {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
        let (client, server) = runtime.block_on(async {
            let server = Server::start(Config::default()).await?;
            let client = Client::new(server.service(Identity::admin()), "default");
            let definitions: Api<CustomResourceDefinition> = Api::all(client.clone());
            for kind in ["HelmRelease", "HelmChart"] {
                let definition = flux_api::crd(kind)?.context("a known kind")?;
                definitions.create(&PostParams::default(), &serde_json::from_value(definition)?).await?;
            }
            let (releases, charts) = (Api::<HelmRelease>::all(client.clone()), Api::<HelmChart>::all(client.clone()));
            while releases.list(&Default::default()).await.is_err() || charts.list(&Default::default()).await.is_err() {
                tokio::time::sleep(std::time::Duration::from_millis(5)).await;
            }
            anyhow::Ok((client, server))
        })?;
        Ok(Self { client, runtime, _server: server })
    }

    pub fn client(&self) -> Client {
        self.client.clone()
    }

    pub fn wait<T>(&self, work: impl Future<Output = T>) -> T {
        self.runtime.block_on(work)
    }

    /// Creates an object on trial: the error is the server's.
    pub fn dry_run(&self, obj: &HelmRelease) -> Result<Result<(), String>> {
        let namespace = obj.metadata.namespace.as_deref().context("a namespace")?;
        let api: Api<HelmRelease> = Api::namespaced(self.client(), namespace);
        let params = PostParams { dry_run: true, ..PostParams::default() };
        Ok(self.wait(api.create(&params, obj)).map(drop).map_err(|error| error.to_string()))
    }

    /// Makes an object for as long as the work takes. Cases run side by side and call their objects alike, so they
    /// take turns, those that want none there included.
    pub fn with<K: Namespaced, T>(&self, obj: Option<&K>, work: impl Future<Output = T>) -> Result<T> {
        static TURN: std::sync::Mutex<()> = std::sync::Mutex::new(());
        let _turn = TURN.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let Some(obj) = obj else { return Ok(self.wait(work)) };
        let meta = obj.meta();
        let (namespace, name) = (meta.namespace.as_deref().unwrap_or("default"), meta.name.as_deref());
        let name = name.context("a name")?;
        let api: Api<K> = Api::namespaced(self.client(), namespace);
        self.wait(async {
            let _ = self.namespace(namespace).await;
            api.create(&PostParams::default(), obj).await?;
            let answer = work.await;
            api.delete(name, &DeleteParams::default()).await?;
            Ok(answer)
        })
    }

    async fn namespace(&self, name: &str) -> kube::Result<()> {
        let api: Api<k8s_openapi::api::core::v1::Namespace> = Api::all(self.client());
        let namespace = serde_json::from_value(serde_json::json!({"metadata": {"name": name}}));
        api.create(&PostParams::default(), &namespace.map_err(kube::Error::SerdeError)?).await.map(drop)
    }

    /// A cache of a kind that is kept as long as the answer lives.
    pub fn cache<K: Namespaced>(&self) -> (Cache<K>, tokio_util::sync::DropGuard) {
        let (cache, shutdown) = (Cache::default(), CancellationToken::new());
        let keep = cache.clone().run(self.client(), None, String::new(), shutdown.clone(), |_| {});
        self.runtime.spawn(keep);
        (cache, shutdown.drop_guard())
    }
}
