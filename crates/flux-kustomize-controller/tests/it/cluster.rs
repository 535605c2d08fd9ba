//! A cluster with the controller running, and what the tests do to it.

use std::collections::BTreeMap;
use std::ops::{Deref, DerefMut};
use std::sync::{Arc, Mutex};

use flux_api::{FluxObject as _, GitRepository, Kustomization};
use flux_kustomize_controller::Options;
use k8s_openapi::api::core::v1::ConfigMap;
use kube::{Api, Client, ResourceExt as _};
use serde_json::{Value, json};
use tokio::task::JoinHandle;

pub use flux_testkit::{NAMESPACE, eventually};

pub struct Cluster(flux_testkit::Cluster);

impl Deref for Cluster {
    type Target = flux_testkit::Cluster;

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

impl DerefMut for Cluster {
    fn deref_mut(&mut self) -> &mut Self::Target {
        &mut self.0
    }
}

impl Cluster {
    pub async fn start() -> Self {
        Self::with(|_| {}, Options::default()).await
    }

    pub async fn with(change: impl FnOnce(&mut flux_runtime::Options), options: Options) -> Self {
        let kinds = ["Kustomization", "GitRepository", "OCIRepository", "Bucket", "ExternalArtifact"];
        let spawn: flux_testkit::Spawn =
            Box::new(move |ctx, fetcher| tokio::spawn(flux_kustomize_controller::run(ctx, options.clone(), fetcher)));
        Self(flux_testkit::Cluster::start(&kinds, change, spawn).await)
    }

    pub async fn stop(self) {
        self.0.stop().await;
    }

    /// Publishes files as a revision of the GitRepository `repo`.
    pub async fn publish(&self, revision: &str, files: &[(&str, &str)]) {
        self.publish_as("repo", revision, files).await;
    }

    pub async fn publish_as(&self, source: &str, revision: &str, files: &[(&str, &str)]) {
        let tree = tempfile::tempdir().expect("folder");
        for (path, content) in files {
            let path = tree.path().join(path);
            std::fs::create_dir_all(path.parent().expect("parent")).expect("folder");
            std::fs::write(path, content).expect("file");
        }
        let mut artifact =
            self.storage.new_artifact("GitRepository", NAMESPACE, source, revision, &format!("{revision}.tar.gz"));
        self.storage.archive(&mut artifact, tree.path(), None).expect("archive");
        let spec = json!({"url": "https://example.com/repo", "interval": "1m"});
        self.stand::<GitRepository>(source, spec, &artifact).await;
    }

    /// Creates or changes a Kustomization of the source `repo`.
    pub async fn kustomization(&self, name: &str, spec: Value) {
        let defaults = json!({"interval": "10m", "prune": true, "path": "./", "targetNamespace": NAMESPACE,
            "sourceRef": {"kind": "GitRepository", "name": "repo"}});
        self.apply::<Kustomization>(name, defaults, spec).await;
    }

    pub async fn get(&self, name: &str) -> Option<Kustomization> {
        self.object(name).await
    }

    /// Waits until the Kustomization is as wanted.
    pub async fn until(&self, name: &str, what: &str, wanted: impl Fn(&Kustomization) -> bool) -> Kustomization {
        self.until_object(name, what, wanted).await
    }

    /// Waits until the revision is applied and Ready.
    pub async fn applied(&self, name: &str, revision: &str) -> Kustomization {
        self.until(name, &format!("{name} ready at {revision}"), |obj| {
            obj.is_ready()
                && Some(obj.observed_generation()) == obj.metadata.generation
                && obj.status.as_ref().and_then(|status| status.last_applied_revision.as_deref()) == Some(revision)
        })
        .await
    }

    /// Waits until Ready has the reason.
    pub async fn reason(&self, name: &str, reason: &str) -> String {
        self.reason_of::<Kustomization>(name, "Ready", reason).await
    }

    pub async fn config_map(&self, name: &str) -> Option<ConfigMap> {
        self.api::<ConfigMap>().get_opt(name).await.expect("read")
    }

    pub async fn delete(&self, name: &str) {
        self.delete_object::<Kustomization>(name).await;
    }

    /// Asks for a reconciliation and waits until it was handled.
    pub async fn request(&self, name: &str, token: &str) -> Kustomization {
        self.request_object(name, token, &[]).await
    }
}

/// The ids of the inventory.
pub fn inventory(obj: &Kustomization) -> Vec<String> {
    let inventory = obj.status.as_ref().and_then(|status| status.inventory.as_ref());
    inventory.into_iter().flat_map(|inventory| &inventory.entries).map(|entry| entry.id.clone()).collect()
}

pub fn config_map(name: &str, value: &str) -> String {
    format!("apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {name}\ndata:\n  key: \"{value}\"\n")
}

/// Records every event of a watch on ConfigMaps: name to what happened, in order.
pub struct Recording(Arc<Mutex<BTreeMap<String, Vec<&'static str>>>>, JoinHandle<()>);

impl Recording {
    pub async fn start(client: &Client) -> Self {
        use futures::TryStreamExt as _;
        let api: Api<ConfigMap> = Api::namespaced(client.clone(), NAMESPACE);
        let version = api.list(&Default::default()).await.expect("list").metadata.resource_version.expect("version");
        let log: Arc<Mutex<BTreeMap<String, Vec<&'static str>>>> = Arc::default();
        let seen = log.clone();
        let stream = api.watch(&Default::default(), &version).await.expect("watch");
        let task = tokio::spawn(async move {
            let mut stream = Box::pin(stream);
            while let Ok(Some(event)) = stream.try_next().await {
                let (obj, what) = match event {
                    kube::api::WatchEvent::Added(obj) => (obj, "added"),
                    kube::api::WatchEvent::Modified(obj) => (obj, "modified"),
                    kube::api::WatchEvent::Deleted(obj) => (obj, "deleted"),
                    _ => continue,
                };
                seen.lock().expect("log").entry(obj.name_any()).or_default().push(what);
            }
        });
        Self(log, task)
    }

    /// Forgets what was seen so far.
    pub fn clear(&self) {
        self.0.lock().expect("log").clear();
    }

    pub fn of(&self, name: &str) -> Vec<&'static str> {
        self.0.lock().expect("log").get(name).cloned().unwrap_or_default()
    }
}

impl Drop for Recording {
    fn drop(&mut self) {
        self.1.abort();
    }
}
