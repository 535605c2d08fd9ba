//! A cluster seen from outside: over TLS with the kubeconfig that `flux up` wrote.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use kube::api::{Api, ApiResource, DynamicObject, GroupVersionKind, Patch, PatchParams};
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Client, Config};
use serde_json::Value;

/// A client of one context.
#[derive(Clone)]
pub struct Cluster {
    pub client: Client,
    pub name: String,
}

impl Cluster {
    /// Opens a context of the kubeconfig below a repository's state directory.
    pub async fn open(repository: &Path, context: &str) -> Result<Self> {
        Self::from_kubeconfig(&repository.join(".flux/kubeconfig"), context).await
    }

    pub async fn from_kubeconfig(path: &Path, context: &str) -> Result<Self> {
        let kubeconfig = Kubeconfig::read_from(path).with_context(|| format!("read {}", path.display()))?;
        let options = KubeConfigOptions { context: Some(context.to_owned()), ..Default::default() };
        let config = Config::from_custom_kubeconfig(kubeconfig, &options).await?;
        Ok(Self { client: Client::try_from(config)?, name: context.to_owned() })
    }

    /// An untyped handle. `api_version` as in manifests; the plural is guessed from the kind.
    pub fn api(&self, api_version: &str, kind: &str, namespace: Option<&str>) -> Api<DynamicObject> {
        let (group, version) = api_version.rsplit_once('/').unwrap_or(("", api_version));
        let resource = ApiResource::from_gvk(&GroupVersionKind::gvk(group, version, kind));
        match namespace {
            Some(namespace) => Api::namespaced_with(self.client.clone(), namespace, &resource),
            None => Api::all_with(self.client.clone(), &resource),
        }
    }

    /// The object as JSON, or `None` when it is not there.
    pub async fn get(
        &self,
        api_version: &str,
        kind: &str,
        namespace: Option<&str>,
        name: &str,
    ) -> Result<Option<Value>> {
        let found = self.api(api_version, kind, namespace).get_opt(name).await?;
        found.map(|object| serde_json::to_value(object).map_err(Into::into)).transpose()
    }

    pub async fn must_get(&self, api_version: &str, kind: &str, namespace: &str, name: &str) -> Result<Value> {
        let found = self.get(api_version, kind, Some(namespace), name).await?;
        found.with_context(|| format!("{kind} {namespace}/{name} is missing in {}", self.name))
    }

    pub async fn list(&self, api_version: &str, kind: &str) -> Result<Vec<Value>> {
        let list = self.api(api_version, kind, None).list(&Default::default()).await?;
        list.items.into_iter().map(|object| serde_json::to_value(object).map_err(Into::into)).collect()
    }

    /// A merge patch by another manager, as a person with kubectl would.
    pub async fn merge(&self, api_version: &str, kind: &str, namespace: &str, name: &str, patch: Value) -> Result<()> {
        let params = PatchParams { field_manager: Some("person".into()), ..Default::default() };
        self.api(api_version, kind, Some(namespace)).patch(name, &params, &Patch::Merge(patch)).await?;
        Ok(())
    }

    /// Waits until `holds` says so of the object (`None` when it is absent); gives the time it took.
    pub async fn wait(
        &self,
        what: (&str, &str, &str, &str),
        limit: Duration,
        holds: impl Fn(Option<&Value>) -> bool,
    ) -> Result<Duration> {
        let (api_version, kind, namespace, name) = what;
        let start = Instant::now();
        let mut last = None;
        while start.elapsed() < limit {
            last = self.get(api_version, kind, Some(namespace), name).await?;
            if holds(last.as_ref()) {
                return Ok(start.elapsed());
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        let status = last.as_ref().map(|object| object["status"].to_string());
        bail!("{kind} {namespace}/{name} in {} did not get there within {limit:?}; status {status:?}", self.name)
    }
}

/// The Kustomization kind, as used everywhere here.
pub const KUSTOMIZATION: (&str, &str) = ("kustomize.toolkit.fluxcd.io/v1", "Kustomization");
pub const GIT_REPOSITORY: (&str, &str) = ("source.toolkit.fluxcd.io/v1", "GitRepository");

/// `status` and `reason` of a condition.
pub fn condition<'a>(object: &'a Value, kind: &str) -> (&'a str, &'a str) {
    let conditions = object.pointer("/status/conditions").and_then(Value::as_array);
    let found = conditions.into_iter().flatten().find(|condition| condition["type"] == kind);
    found.map_or(("", ""), |c| (c["status"].as_str().unwrap_or(""), c["reason"].as_str().unwrap_or("")))
}

/// The Ready condition's message.
pub fn ready_message(object: &Value) -> &str {
    let conditions = object.pointer("/status/conditions").and_then(Value::as_array);
    let found = conditions.into_iter().flatten().find(|condition| condition["type"] == "Ready");
    found.and_then(|condition| condition["message"].as_str()).unwrap_or("")
}
