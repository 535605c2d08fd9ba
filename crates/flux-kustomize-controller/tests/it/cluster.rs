//! A cluster with the controller running, and helpers to drive it.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use flux_api::{FluxObject as _, GitRepository, Kustomization};
use flux_apiserver::{Config, Identity, Server};
use flux_artifact::{FetchOptions, Fetcher, Retention, Storage};
use flux_kustomize_controller::Options;
use flux_runtime::{ControllerContext, events::Recorded};
use k8s_openapi::api::core::v1::{ConfigMap, Namespace};
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::api::{DeleteParams, Patch, PatchParams, PostParams};
use kube::{Api, Client, ResourceExt as _};
use serde_json::{Value, json};
use tokio::task::JoinHandle;

pub const NAMESPACE: &str = "apps";
const PATIENCE: Duration = Duration::from_secs(10);

pub struct Cluster {
    pub client: Client,
    pub events: Arc<Mutex<Vec<Arc<Recorded>>>>,
    ctx: ControllerContext,
    server: Option<Server>,
    storage: Storage,
    controller: JoinHandle<()>,
    folder: tempfile::TempDir,
}

impl Cluster {
    pub async fn start() -> Self {
        Self::with(|_| {}, Options::default()).await
    }

    pub async fn with(change: impl FnOnce(&mut flux_runtime::Options), options: Options) -> Self {
        let server = Server::start(Config::default()).await.expect("server starts");
        let client = Client::new(server.service(Identity::admin()), "default");
        install(&client).await;
        let folder = tempfile::tempdir().expect("folder");
        let (store, scratch) = (folder.path().join("store"), folder.path().join("scratch"));
        std::fs::create_dir_all(&store).expect("folder");
        let storage = Storage::new(&store, "localhost:1", Retention::default()).expect("store");
        let fetcher = Fetcher::local(storage.clone(), scratch, FetchOptions::default()).expect("fetcher");
        let mut ctx = ControllerContext::new(client.clone());
        change(&mut ctx.options);
        let events = Arc::new(Mutex::new(Vec::new()));
        let (mut heard, log) = (ctx.events.subscribe(), events.clone());
        tokio::spawn(async move {
            while let Ok(event) = heard.recv().await {
                log.lock().expect("log").push(event);
            }
        });
        let controller = tokio::spawn(flux_kustomize_controller::run(ctx.clone(), options, fetcher));
        Self { client, events, ctx, server: Some(server), storage, controller, folder }
    }

    pub async fn stop(mut self) {
        self.ctx.shutdown.cancel();
        self.controller.await.expect("controller ends");
        if let Some(server) = self.server.take() {
            server.shutdown().await;
        }
    }

    /// Stops the controller and starts it again on the same cluster.
    pub async fn restart(&mut self) {
        self.ctx.shutdown.cancel();
        (&mut self.controller).await.expect("controller ends");
        let mut ctx = ControllerContext::new(self.client.clone());
        ctx.options = self.ctx.options.clone();
        self.ctx = ctx.clone();
        let scratch = self.folder.path().join("scratch");
        let fetcher = Fetcher::local(self.storage.clone(), scratch, FetchOptions::default()).expect("fetcher");
        self.controller = tokio::spawn(flux_kustomize_controller::run(ctx, Options::default(), fetcher));
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
        let api: Api<GitRepository> = self.api();
        if api.get_opt(source).await.expect("read").is_none() {
            let repository = json!({"apiVersion": GitRepository::API_VERSION, "kind": "GitRepository",
                "metadata": {"name": source, "namespace": NAMESPACE}, "spec": {"url": "https://example.com/repo", "interval": "1m"}});
            let repository = serde_json::from_value(repository).expect("valid");
            api.create(&PostParams::default(), &repository).await.expect("created");
        }
        let ready = json!([{"type": "Ready", "status": "True", "reason": "Succeeded", "message": "stored artifact", "lastTransitionTime": "2026-01-01T00:00:00Z"}]);
        let status = json!({"status": {"artifact": artifact, "conditions": ready, "observedGeneration": 1}});
        api.patch_status(source, &PatchParams::default(), &Patch::Merge(status)).await.expect("patched");
    }

    pub fn api<K: kube::Resource<DynamicType = (), Scope = kube::core::NamespaceResourceScope>>(&self) -> Api<K> {
        Api::namespaced(self.client.clone(), NAMESPACE)
    }

    /// Creates or changes a Kustomization of the source `repo`.
    pub async fn kustomization(&self, name: &str, spec: Value) {
        let mut full = json!({"interval": "10m", "prune": true, "path": "./", "targetNamespace": NAMESPACE,
            "sourceRef": {"kind": "GitRepository", "name": "repo"}});
        for (key, value) in spec.as_object().expect("object") {
            full[key] = value.clone();
        }
        let object = json!({"apiVersion": Kustomization::API_VERSION, "kind": "Kustomization", "metadata": {"name": name, "namespace": NAMESPACE}, "spec": full});
        let params = PatchParams::apply("test").force();
        self.api::<Kustomization>().patch(name, &params, &Patch::Apply(object)).await.expect("applied");
    }

    pub async fn get(&self, name: &str) -> Option<Kustomization> {
        self.api::<Kustomization>().get_opt(name).await.expect("read")
    }

    /// Waits until the Kustomization is as wanted.
    pub async fn until(&self, name: &str, what: &str, wanted: impl Fn(&Kustomization) -> bool) -> Kustomization {
        eventually(
            what,
            || async { self.get(name).await.filter(|obj| wanted(obj)) },
            || async { format!("{:#?}", self.get(name).await.map(|obj| obj.status)) },
        )
        .await
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
        let obj =
            self.until(name, reason, |obj| obj.condition("Ready").is_some_and(|ready| ready.reason == reason)).await;
        obj.condition("Ready").expect("checked").message.clone()
    }

    pub async fn config_map(&self, name: &str) -> Option<ConfigMap> {
        self.api::<ConfigMap>().get_opt(name).await.expect("read")
    }

    pub async fn value(&self, name: &str) -> Option<String> {
        self.config_map(name).await?.data?.get("key").cloned()
    }

    pub async fn delete(&self, name: &str) {
        self.api::<Kustomization>().delete(name, &DeleteParams::default()).await.expect("deleted");
        eventually(
            "gone",
            || async { self.get(name).await.is_none().then_some(()) },
            || async { format!("{:#?}", self.get(name).await) },
        )
        .await;
    }

    /// Asks for a reconciliation and waits until it was handled.
    pub async fn request(&self, name: &str, token: &str) -> Kustomization {
        let patch = json!({"metadata": {"annotations": {"reconcile.fluxcd.io/requestedAt": token}}});
        self.api::<Kustomization>().patch(name, &PatchParams::default(), &Patch::Merge(patch)).await.expect("patched");
        self.until(name, "request handled", |obj| obj.last_handled_reconcile_at() == Some(token)).await
    }

    /// The messages of events with a reason.
    pub fn messages(&self, reason: &str) -> Vec<String> {
        let log = self.events.lock().expect("log");
        log.iter().filter(|event| event.event.reason == reason).map(|event| event.event.message.clone()).collect()
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

/// Looks until something is there.
pub async fn eventually<T, F, D>(what: &str, look: impl Fn() -> F, describe: impl Fn() -> D) -> T
where
    F: Future<Output = Option<T>>,
    D: Future<Output = String>,
{
    let started = Instant::now();
    loop {
        if let Some(found) = look().await {
            return found;
        }
        if started.elapsed() > PATIENCE {
            panic!("waited in vain for {what}: {}", describe().await);
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

async fn install(client: &Client) {
    let api: Api<CustomResourceDefinition> = Api::all(client.clone());
    // The kinds that the controller watches; more would only take time.
    for kind in ["Kustomization", "GitRepository", "OCIRepository", "Bucket", "ExternalArtifact"] {
        let definition = flux_api::crd(kind).expect("definitions").expect("known kind");
        let definition: CustomResourceDefinition = serde_json::from_value(definition).expect("valid");
        api.create(&PostParams::default(), &definition).await.expect("created");
    }
    let namespace = Namespace {
        metadata: kube::api::ObjectMeta { name: Some(NAMESPACE.into()), ..Default::default() },
        ..Default::default()
    };
    Api::<Namespace>::all(client.clone()).create(&PostParams::default(), &namespace).await.expect("created");
    let kustomizations: Api<Kustomization> = Api::all(client.clone());
    let repositories: Api<GitRepository> = Api::all(client.clone());
    let served = || async {
        let both = kustomizations.list(&Default::default()).await.is_ok()
            && repositories.list(&Default::default()).await.is_ok();
        both.then_some(())
    };
    eventually("served kinds", served, || async { String::new() }).await;
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
