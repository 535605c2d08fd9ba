//! What a chart's templates see of the cluster: its version, its APIs, its objects.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use flux_apply::{MapperError, Target, kube_text};
use flux_helm::{Capabilities, HELM_VERSION, KubeVersion};
use flux_template::{Host, HostError, Value};
use http::Request;
use rand::Rng as _;
use serde_json::json;

/// What the server can is asked for again after so long, or when definitions were installed.
const FRESH: Duration = Duration::from_secs(60);

/// Why the server's abilities are not known.
#[derive(Debug, thiserror::Error)]
pub enum ClusterError {
    #[error("could not get server version from Kubernetes: {message}")]
    Version { message: String },
    #[error("could not get apiVersions from Kubernetes: {message}")]
    Apis { message: String },
}

/// Remembers what servers can, by the cluster. Clones share the memory.
#[derive(Clone, Default)]
pub struct Discovery(Arc<Mutex<HashMap<Arc<str>, (Instant, Capabilities)>>>);

impl Discovery {
    /// Forgets what is known: definitions changed.
    pub fn forget(&self, target: &Target) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(target.cluster());
    }

    /// What the server can, at most a minute old.
    pub async fn capabilities(&self, target: &Target) -> Result<Capabilities, ClusterError> {
        {
            let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some((_, known)) = known.get(target.cluster()).filter(|(since, _)| since.elapsed() < FRESH) {
                return Ok(known.clone());
            }
        }
        let asked = ask(target).await?;
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.retain(|_, (since, _)| since.elapsed() < FRESH);
        known.insert(target.cluster().clone(), (Instant::now(), asked.clone()));
        Ok(asked)
    }
}

async fn ask(target: &Target) -> Result<Capabilities, ClusterError> {
    let client = target.client();
    let version = client.apiserver_version().await;
    let version = version.map_err(|error| ClusterError::Version { message: kube_text(&error) })?;
    let kube_version = KubeVersion::parse(&version.git_version)
        .map_err(|error| ClusterError::Version { message: error.to_string() })?;
    let failed = |error: kube::Error| ClusterError::Apis { message: kube_text(&error) };
    let mut versions = client.list_core_api_versions().await.map_err(failed)?.versions;
    let groups = client.list_api_groups().await.map_err(failed)?.groups;
    versions.extend(groups.into_iter().flat_map(|group| group.versions).map(|version| version.group_version));
    let mut api_versions = Vec::new();
    for version in versions {
        let listed = if version.contains('/') {
            client.list_api_group_resources(&version).await
        } else {
            client.list_core_api_resources(&version).await
        };
        // An aggregated API that is down takes its kinds with it, not the release.
        for resource in listed.map(|list| list.resources).unwrap_or_default() {
            if !resource.name.contains('/') {
                api_versions.push(format!("{version}/{}", resource.kind));
            }
        }
        api_versions.push(version);
    }
    api_versions.sort();
    api_versions.dedup();
    Ok(Capabilities { kube_version, api_versions, helm_version: HELM_VERSION.to_owned() })
}

/// The clock, random bytes and `lookup` of one render. Must be used off the runtime's threads.
pub struct ClusterHost {
    pub target: Target,
    pub runtime: tokio::runtime::Handle,
}

impl Host for ClusterHost {
    fn lookup(&self, api_version: &str, kind: &str, namespace: &str, name: &str) -> Result<Value, HostError> {
        self.runtime.block_on(lookup(&self.target, api_version, kind, namespace, name))
    }

    fn now(&self) -> i128 {
        jiff::Timestamp::now().as_nanosecond()
    }

    fn random(&self, buffer: &mut [u8]) {
        rand::rng().fill(buffer);
    }
}

async fn lookup(
    target: &Target,
    api_version: &str,
    kind: &str,
    namespace: &str,
    name: &str,
) -> Result<Value, HostError> {
    let failed = |message: String| HostError { message };
    let mapped = match target.mapper().find(target.client(), api_version, kind).await {
        Ok(mapped) => mapped,
        Err(MapperError::NoMatch { .. }) => return Ok(Value::from(&json!({}))),
        Err(error) => return Err(failed(error.to_string())),
    };
    let found = if name.is_empty() {
        let request = Request::get(mapped.collection(namespace)).body(Vec::new());
        let request = request.map_err(|error| failed(error.to_string()))?;
        match target.client().request::<serde_json::Value>(request).await {
            Ok(list) => Some(list),
            Err(kube::Error::Api(status)) if status.is_not_found() => None,
            Err(error) => return Err(failed(kube_text(&error))),
        }
    } else {
        target.get(&mapped, namespace, name).await.map_err(|error| failed(kube_text(&error)))?
    };
    Ok(found.map_or_else(|| Value::from(&json!({})), |found| Value::from_unstructured(&found)))
}
